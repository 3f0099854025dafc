// Shared memory: child processes compute in place, where the parent reads.
//
// Concept   A mapping made before the fork is the same memory in parent and children: nothing is
//           sent, nothing copied. As between threads, no two may write to one place at once; here
//           each place has one writer, and the parent reads when the writers have ended.
// Shows     boost::interprocess::anonymous_shared_memory, boost::interprocess::mapped_region
// Python    multiprocessing.Value, multiprocessing.Array, multiprocessing.shared_memory
// Run       shared_memory --workers 2 --numbers 1000000
// You see   children whose work does not arrive, then the same in shared memory
// Next      process_lock is for those who write to the same place; ipc compares the ways to send

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace {

using Number = std::int64_t;

/// Three arrays in one piece of memory: if that is shared, so are they. What lies there has to be
/// plain numbers: a pointer in there, as std::vector has one, would lead out of what is shared.
struct Board {
  Board(void* memory, std::size_t numbers, std::size_t workers)
      : list(static_cast<Number*>(memory), numbers),
        vector(list.data() + numbers, numbers),
        sums(vector.data() + numbers, workers) {
    std::iota(list.begin(), list.end(), 1);
  }
  std::span<Number> list;    // 1, 2, ..., n
  std::span<Number> vector;  // that plus n, ..., 2, 1
  std::span<Number> sums;    // of a part of the list; each worker has a place of its own
};

struct Part {
  std::size_t first, last;
};

Part part_of(const Board& board, std::size_t worker) {
  const std::size_t n = board.list.size(), workers = board.sums.size();
  return {n * worker / workers, n * (worker + 1) / workers};
}

void add_list(const Board& board, std::size_t worker) {
  const auto [first, last] = part_of(board, worker);
  const auto part = board.list.subspan(first, last - first);
  board.sums[worker] = std::accumulate(part.begin(), part.end(), Number{0});
}

void add_vectors(const Board& board, std::size_t worker) {
  const auto [first, last] = part_of(board, worker);
  const std::size_t n = board.list.size();
  for (std::size_t k = first; k < last; ++k)
    board.vector[k] = board.list[k] + board.list[n - 1 - k];
}

using Job = void (*)(const Board& board, std::size_t worker);

/// Each child does its part of each job, in place.
void run(const Board& board, const std::vector<Job>& jobs) {
  std::vector<pdc::Child> children;
  for (std::size_t worker = 0; worker < board.sums.size(); ++worker) {
    children.emplace_back([&, worker, lane = pdc::Lane("worker {}", worker)] {
      for (const Job job : jobs) {
        const auto work = lane.work("{}", job == add_list ? "sum" : "vectors");
        job(board, worker);
      }
    });
  }
  const auto is_good = [](pdc::Child& child) { return child.wait().good(); };
  if (!std::ranges::all_of(children, is_good)) pdc::require(false, "no child died on the way");
}

/// How many right results the parent finds on the board: the vector's, and each worker's sum.
std::int64_t count_results(const Board& board) {
  run(board, {add_list, add_vectors});
  std::int64_t right = std::ranges::count(board.vector, std::ssize(board.list) + 1);
  for (std::size_t worker = 0; worker < board.sums.size(); ++worker) {
    const auto [first, last] = part_of(board, worker);  // first + 1, ..., last
    const auto sum = static_cast<Number>((last - first) * (first + 1 + last) / 2);
    if (board.sums[worker] == sum) ++right;
  }
  if (right == 0) pdc::fault("no result came");
  return right;
}

void say_time(pdc::Program& program, const char* name, const Board& board, Job job) {
  const auto alone = [&] {
    for (std::size_t worker = 0; worker < board.sums.size(); ++worker) job(board, worker);
  };
  const auto times =
      pdc::time_in_turns({{"alone", 1, alone}, {"by children", 1, [&] { run(board, {job}); }}});
  pdc::say("{}: alone {}, by children {}", name, pdc::time_text(times[0].median),
           pdc::time_text(times[1].median));
  program.report(fmt::format("{}, median", name), times[1].median, "s");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 2, "child processes", {1, 16}},
                        {"numbers", 1'000'000, "numbers in each list", {16, 4'000'000}}});
  const auto workers = static_cast<std::size_t>(program.integer("workers"));
  const auto n = static_cast<std::size_t>(program.integer("numbers"));
  const std::size_t all = n + workers;

  std::vector<Number> private_memory(n + all);  // wrong on purpose: every child has a copy
  const boost::interprocess::mapped_region region =
      boost::interprocess::anonymous_shared_memory((n + all) * sizeof(Number));
  const Board own(private_memory.data(), n, workers);
  const Board shared(region.get_address(), n, workers);

  const auto kept = program.scene("private memory", count_results, own);
  const auto come = program.scene("shared memory", count_results, shared);
  say_time(program, "sum", shared, add_list);
  say_time(program, "vector addition", shared, add_vectors);

  pdc::check(kept == 0, "in private memory, no result of the children comes to the parent",
             "{} of {}", kept, all);
  pdc::check(come == std::ssize(shared.vector) + std::ssize(shared.sums),
             "in shared memory, every result of the children comes to the parent", "{} of {}", come,
             all);
  return program.finish();
}
