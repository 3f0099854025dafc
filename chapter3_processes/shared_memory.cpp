// Shared memory: child processes compute in place, where the parent reads.
//
// Concept   A mapping made before the fork is the same memory in parent and children: nothing is
//           sent, nothing copied. As between threads, no two may write to one place at once.
// Shows     boost::interprocess: anonymous_shared_memory, mapped_region, managed_external_buffer
// Python    multiprocessing.Value, multiprocessing.Array, multiprocessing.shared_memory
// Run       shared_memory --workers 2 --numbers 1000000
// You see   children whose work does not arrive, then the same in shared memory, at one address
// Next      process_lock is for those who write to the same place; ipc compares the ways to send

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace {

using Number = std::int64_t;
using Sent = std::atomic<Number>;  // bytes

/// A value and two arrays. They are shared if the memory is that they lie in.
struct Board {
  Board(void* memory, std::size_t bytes, std::size_t n)
      : objects(boost::interprocess::create_only, memory, bytes),
        sum(*objects.construct<std::atomic<Number>>("sum")(0)),
        list(objects.construct<Number>("list")[n](0), n),
        vector(objects.construct<Number>("vector")[n](0), n) {
    std::iota(list.begin(), list.end(), 1);
  }
  boost::interprocess::managed_external_buffer objects;
  std::atomic<Number>& sum;        // of the list; atomic, since all add to it
  std::span<Number> list, vector;  // 1, 2, ..., n; and that plus n, ..., 2, 1
};

void add_list(Board& board, std::size_t first, std::size_t last) {
  board.sum += std::accumulate(&board.list[first], &board.list[first] + (last - first), Number{0});
}

void add_vectors(Board& board, std::size_t first, std::size_t last) {
  const std::size_t n = board.list.size();
  for (std::size_t k = first; k < last; ++k)
    board.vector[k] = board.list[k] + board.list[n - 1 - k];
}

using Jobs = std::vector<void (*)(Board& board, std::size_t first, std::size_t last)>;

/// What this process has written so far, to pipes, sockets or files.
Number count_sent() {
  std::ifstream counts("/proc/self/io");
  Number bytes = -1;
  for (std::string name; counts >> name >> bytes && name != "wchar:";) continue;
  return bytes;
}

/// Each child does its part of each job, in place.
void run(Board& board, const Jobs& jobs, int workers, Sent& sent) {
  const std::size_t n = board.list.size(), all = static_cast<std::size_t>(workers);
  std::vector<pdc::Child> children;
  for (std::size_t worker = 0; worker < all; ++worker) {
    children.emplace_back([&, worker, lane = pdc::Lane("worker {}", worker)] {
      const Number before = count_sent();
      for (const auto job : jobs) {
        const auto work = lane.work("{}", job == add_list ? "sum" : "vectors");
        job(board, n * worker / all, n * (worker + 1) / all);
      }
      sent += count_sent() - before;
    });
  }
  const auto is_good = [](pdc::Child& child) { return child.wait().good(); };
  if (!std::ranges::all_of(children, is_good)) pdc::require(false, "no child died on the way");
}

Number count_results(Board& board, int workers, Sent& sent) {
  run(board, {add_list, add_vectors}, workers, sent);
  const Number n = std::ssize(board.list);
  return (board.sum == n * (n + 1) / 2 ? 1 : 0) + std::ranges::count(board.vector, n + 1);
}

void say_time(pdc::Program& program, const char* name, Board& board, Jobs job, int workers) {
  const pdc::Shared<Sent> sent;
  const auto times = pdc::time_in_turns({{"", 1, [&] { job[0](board, 0, board.list.size()); }},
                                         {"", 1, [&] { run(board, job, workers, *sent); }}});
  pdc::say("{}: alone {}, by children {}", name, pdc::time_text(times[0].median),
           pdc::time_text(times[1].median));
  program.report(fmt::format("{}, median", name), times[1].median, "s");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 2, "child processes", {1, 16}},
                        {"numbers", 1'000'000, "numbers in each list", {1, 4'000'000}}});
  const int workers = program.integer("workers"), all = program.integer("numbers") + 1;
  const auto n = static_cast<std::size_t>(all - 1), bytes = 2 * n * sizeof(Number) + 4096;
  std::vector<char> private_memory(bytes);  // wrong on purpose: every child has a copy
  const auto shared_memory = boost::interprocess::anonymous_shared_memory(bytes);
  Board own(private_memory.data(), bytes, n), shared(shared_memory.get_address(), bytes, n);
  const pdc::Shared<Sent> sent;

  const Number kept = program.scene("private memory", count_results, own, workers, *sent);
  const Number come = program.scene("shared memory", count_results, shared, workers, *sent);
  say_time(program, "sum", shared, {add_list}, workers);
  say_time(program, "vector addition", shared, {add_vectors}, workers);

  pdc::check(kept == 0, "in private memory no result arrives", "{} of {}", kept, all);
  pdc::check(come == all, "in shared memory every result does", "{} of {}", come, all);
  pdc::check(*sent == 0, "no byte was sent for it", "{} bytes", sent->load());
  return program.finish();
}
