// Hybrid: threads in ranks, and which of them may call MPI.
//
// Concept   The threads of a rank share its memory and need no messages among them. Whether they
//           may call MPI is agreed on at the start: FUNNELED, the main thread alone; SERIALIZED, any
//           of them, but one at a time, and that is for the program to see to.
// Shows     MPI_Init_thread, MPI_THREAD_SERIALIZED, MPI_Is_thread_main, MPI_Allreduce, std::mutex
// Python    mpi4py.rc.thread_level, MPI.Query_thread, MPI.Is_thread_main
// Run       mpirun -np 2 hybrid --threads 2
// You see   all threads about to call MPI at once; one at a time; the main thread alone, once
// Next      nonblocking overlaps work and messages with no thread at all

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int numbers = 100'000;  // each thread of each rank sums that many

/// The team of one rank, all of whose threads are gone when it returns. Of all threads of all ranks,
/// the first sums the numbers from 1 on, the next one those behind them, and so on.
void sum_in_threads(int rank, int threads,
                    const std::function<void(int, std::int64_t, const pdc::Lane&)>& use) {
  std::vector<std::jthread> team;
  for (int i = 0; i < threads; ++i) {
    team.emplace_back([&, i, lane = pdc::Lane("rank {}, thread {}", rank, i)] {
      auto work = lane.work("sums");
      std::int64_t sum = 0;
      const std::int64_t before = (std::int64_t{rank} * threads + i) * numbers;
      for (int number = 1; number <= numbers; ++number) sum += before + number;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays more of it
      work.end();
      use(i, sum, lane);
    });
  }
}  // ~jthread joins each

std::int64_t sum_up_to(std::int64_t last) {
  return last * (last + 1) / 2;
}

/// What a rank has heard from MPI, and which of its threads have called it.
struct Heard {
  std::int64_t sum = 0;
  int by_main = 0, by_others = 0, most_inside = 0;
};

/// Requires: no other thread of this rank calls MPI meanwhile.
void add_over_ranks(std::int64_t mine, Heard& heard) {
  std::int64_t all = 0;
  MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  heard.sum += all;
  int is_main = 0;
  MPI_Is_thread_main(&is_main);
  if (is_main != 0)
    ++heard.by_main;
  else
    ++heard.by_others;
}

/// Wrong on purpose: nothing keeps the threads apart. None of them calls MPI here, since what it
/// would do is undefined: seen is only how many stand where they would.
Heard call_at_once(int rank, int threads) {
  pdc::Gauge inside;
  pdc::Meeting meeting(threads);
  sum_in_threads(rank, threads, [&](int, std::int64_t, const pdc::Lane& lane) {
    const auto there = lane.hold("would call MPI");
    const auto visit = inside.visit();
    meeting.meet();
  });
  if (inside.most() > 1) pdc::fault("not one at a time");
  return {.most_inside = inside.most()};
}

/// MPI_THREAD_SERIALIZED: whichever thread is done calls, and a mutex keeps the others out. Each
/// rank makes as many calls, so it does not matter which thread makes which.
Heard call_one_at_a_time(int rank, int threads) {
  Heard heard;
  pdc::Gauge inside;
  pdc::Meeting meeting(threads);
  std::mutex mpi;
  sum_in_threads(rank, threads, [&](int, std::int64_t sum, const pdc::Lane& lane) {
    auto wait = meeting.wait_outside(lane, "mutex");
    const std::scoped_lock lock(mpi);
    wait.end();
    const auto visit = inside.visit();
    meeting.meet();
    add_over_ranks(sum, heard);
  });
  heard.most_inside = inside.most();
  return heard;
}

/// MPI_THREAD_FUNNELED is enough: the threads leave their sums in memory, the main thread calls.
Heard call_by_main_thread(int rank, int threads) {
  Heard heard;
  std::vector<std::int64_t> sums(threads);
  sum_in_threads(rank, threads, [&](int i, std::int64_t sum, const pdc::Lane&) { sums[i] = sum; });
  add_over_ranks(std::reduce(sums.begin(), sums.end()), heard);
  return heard;
}

}  // namespace

int main(int argc, char** argv) {
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &provided);
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"threads", 2, "threads of each rank", {2, 64}}});
  pdc::require(provided >= MPI_THREAD_SERIALIZED,
               "MPI lets any thread call, as long as it is one at a time");
  const int threads = program.integer("threads"), rank = mpi.rank();

  const Heard at_once = program.scene("all at once", call_at_once, rank, threads);
  const Heard serialized = program.scene("one at a time", call_one_at_a_time, rank, threads);
  const Heard funneled = program.scene("the main thread", call_by_main_thread, rank, threads);

  const std::int64_t whole = sum_up_to(std::int64_t{numbers} * threads * mpi.size());
  pdc::check(at_once.most_inside == threads,
             "without a mutex, all threads of a rank would be in MPI", "{} of {}",
             at_once.most_inside, threads);
  pdc::check(serialized.most_inside == 1,
             "behind a mutex, never more than one thread of a rank is in MPI");
  pdc::check(serialized.sum == whole && serialized.by_others == threads,
             "each thread calls once, and together they have the sum of all ranks");
  pdc::check(funneled.sum == whole && funneled.by_main == 1 && funneled.by_others == 0,
             "the main thread alone has the same sum, by one call");
  return program.finish();
}
