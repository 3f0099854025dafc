// SPDX-License-Identifier: MIT
/// The calls of chapter 4's programs in a loop, as the OSU micro-benchmarks time them: every rank's
/// buffers are its own and touched, a barrier stands before each block of calls, the slowest rank
/// counts. Built twice from this file: mpi_bench with the layer that records, mpi_bare_bench with MPI
/// alone. Rank 0 prints a line for each call and size: its name, the bytes, the median in seconds.
///
///   mpi_bench BYTES...     not recording, as in pdc::time_in_turns
///   mpi_bench recording    what recording adds to a call

#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mpi_bench.hpp"

#ifdef PDC_LAYER
#include "pdc/timeline.hpp"
#include "picture/arena.hpp"
using Paused = pdc::detail::Paused;
#else
struct Paused {
  Paused() {}  // nothing there to pause
};
#endif

namespace {

constexpr int root = 0, tag = 1;
const int blocks = bench::blocks(41);

struct World {
  World(int& argc, char**& argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() { MPI_Finalize(); }
  int rank = 0, size = 1;
};

/// At most so many bytes for each rank.
struct Buffers {
  Buffers(const World& of, int most)
      : world(of), bytes(most), out(static_cast<std::size_t>(most * of.size), 1), in(out) {}
  const World& world;
  int bytes;
  std::vector<char> out, in;
};

/// There and back between the first two.
void point_to_point(Buffers& b) {
  if (b.world.rank > 1) return;
  const int other = 1 - b.world.rank;
  if (b.world.rank == 0) MPI_Send(b.out.data(), b.bytes, MPI_CHAR, other, tag, MPI_COMM_WORLD);
  MPI_Recv(b.in.data(), b.bytes, MPI_CHAR, other, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  if (b.world.rank == 1) MPI_Send(b.out.data(), b.bytes, MPI_CHAR, other, tag, MPI_COMM_WORLD);
}

void broadcast(Buffers& b) {
  MPI_Bcast(b.out.data(), b.bytes, MPI_CHAR, root, MPI_COMM_WORLD);
}

void scatter(Buffers& b) {
  MPI_Scatter(b.out.data(), b.bytes, MPI_CHAR, b.in.data(), b.bytes, MPI_CHAR, root,
              MPI_COMM_WORLD);
}

void gather(Buffers& b) {
  MPI_Gather(b.out.data(), b.bytes, MPI_CHAR, b.in.data(), b.bytes, MPI_CHAR, root, MPI_COMM_WORLD);
}

void all_to_all(Buffers& b) {
  MPI_Alltoall(b.out.data(), b.bytes, MPI_CHAR, b.in.data(), b.bytes, MPI_CHAR, MPI_COMM_WORLD);
}

void reduce(Buffers& b) {
  const int count = b.bytes / static_cast<int>(sizeof(int));
  MPI_Reduce(b.out.data(), b.in.data(), count, MPI_INT, MPI_SUM, root, MPI_COMM_WORLD);
}

struct Call {
  const char* name;
  void (*run)(Buffers&);
  int steps, calls;  // messages one after the other, and calls, in one run
};
constexpr Call calls[] = {{"point_to_point", point_to_point, 2, 4},
                          {"broadcast", broadcast, 1, 1},
                          {"scatter", scatter, 1, 1},
                          {"gather", gather, 1, 1},
                          {"all_to_all", all_to_all, 1, 1},
                          {"reduce", reduce, 1, 1}};

/// Of one run among `runs`, on the slowest rank; the same everywhere. There and back is timed as a
/// whole; after a collective call a barrier that is not timed, or a root that only gives runs ahead.
double time_block(const Call& call, Buffers& buffers, int runs) {
  MPI_Barrier(MPI_COMM_WORLD);
  const double first = MPI_Wtime();
  double within = 0;
  for (int i = 0; i < runs; ++i) {
    const double begin = call.steps == 1 ? MPI_Wtime() : 0;
    call.run(buffers);
    if (call.steps > 1) continue;
    within += MPI_Wtime() - begin;
    MPI_Barrier(MPI_COMM_WORLD);
  }
  const double mine = (call.steps > 1 ? MPI_Wtime() - first : within) / runs;
  double slowest = 0;
  MPI_Allreduce(&mine, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return slowest;
}

/// Of all calls and sizes a block each, then the next of each: what slows the machine for a while
/// slows a block or two of each.
void time_calls(const World& world, const std::vector<int>& sizes) {
  const Paused paused;
  Buffers buffers(world, std::ranges::max(sizes));
  std::map<std::pair<const Call*, int>, std::vector<double>> times;
  for (int i = 0; i < blocks; ++i) {
    for (const Call& call : calls) {
      for (const int bytes : sizes) {
        buffers.bytes = bytes;
        time_block(call, buffers, 1);  // brings it into the caches
        times[{&call, bytes}].push_back(
            time_block(call, buffers, std::clamp((2 << 20) / bytes, 1, 1000)));
      }
    }
  }
  for (const auto& [what, all] : times)
    bench::say(what.first->name, bench::median(all) / what.first->steps, what.second);
}

#ifdef PDC_LAYER
/// Blocks with and without recording in turns. A block's records are forgotten before the next.
void time_recording(const World& world, const Call& call) {
  constexpr int bytes = 8, runs = 2000;
  Buffers buffers(world, bytes);
  std::vector<double> times[2];
  for (int i = 0; i < 2 * (blocks + 1); ++i) {
    const bool is_recorded = i % 2 != 0;
    std::optional<Paused> paused;
    if (!is_recorded) paused.emplace();
    pdc::detail::arena.load()->records = 0;
    const double time = time_block(call, buffers, runs);
    if (i >= 2) times[is_recorded ? 1 : 0].push_back(time);  // the first touches the arena
  }
  const double more = bench::median(times[1]) - bench::median(times[0]);
  bench::say(call.name, std::max(more, 0.0) / call.calls, bytes);
}
#else
void time_recording(const World&, const Call&) {}
#endif

}  // namespace

int main(int argc, char** argv) {
  const World world(argc, argv);
  std::vector<int> sizes;
  for (int i = 1; i < argc && std::atoi(argv[i]) > 0; ++i) sizes.push_back(std::atoi(argv[i]));
  if (!sizes.empty()) time_calls(world, sizes);
  if (sizes.empty())
    for (const Call& call : calls) time_recording(world, call);
}
