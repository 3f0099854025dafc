// Remote atomics: why a counter on another rank is not safe to read and then write back.
//
// Concept   A window is memory of a rank that the others read and write without its help. One is
//           added to what stands there in two steps, MPI_Get and MPI_Put: a rank that puts what it
//           made of an old value wipes out what others have put. MPI_Fetch_and_op is one step, and
//           MPI_Compare_and_swap, too: it writes only where the expected value still stands.
// Shows     MPI_Win_allocate, MPI_Win_lock, MPI_Get, MPI_Put, MPI_Fetch_and_op, MPI_Compare_and_swap
// Python    mpi4py win.Lock, win.Get, win.Put, win.Fetch_and_op, win.Compare_and_swap
// Run       mpirun -np 4 remote_atomics
// You see   got and put, 1 of 4 updates counts; fetched and added, 4; swapped, 4 in 10 tries
// Next      lost_update and atomics have the same between threads

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <cstdint>
#include <thread>

namespace {

using Number = std::int64_t;
constexpr int home = 0;             // the rank that has the counter
constexpr MPI_Aint line_size = 64;  // bytes: the counter has a cache line to itself

/// A number in the memory of one rank, for all. Made by all together, and ended so.
class Counter {
 public:
  explicit Counter(int rank) {
    MPI_Win_allocate(line_size, sizeof(Number), MPI_INFO_NULL, MPI_COMM_WORLD, &memory_, &window_);
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, rank, 0, window_);
    *memory_ = 0;
    MPI_Win_unlock(rank, window_);
    MPI_Barrier(MPI_COMM_WORLD);  // nobody counts before it is 0
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  ~Counter() { MPI_Win_free(&window_); }

  Number get() const {
    Number seen = 0;
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, home, 0, window_);
    MPI_Get(&seen, 1, MPI_INT64_T, home, 0, 1, MPI_INT64_T, window_);
    MPI_Win_unlock(home, window_);  // only now it has been read
    return seen;
  }
  void put(Number wanted) const {
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, home, 0, window_);
    MPI_Put(&wanted, 1, MPI_INT64_T, home, 0, 1, MPI_INT64_T, window_);
    MPI_Win_unlock(home, window_);  // and only now written
  }
  Number fetch_and_add(Number more) const {
    Number seen = 0;
    MPI_Win_lock(MPI_LOCK_SHARED, home, 0, window_);  // others may be there, too
    MPI_Fetch_and_op(&more, &seen, MPI_INT64_T, home, 0, MPI_SUM, window_);
    MPI_Win_unlock(home, window_);
    return seen;
  }
  /// Writes only if what stands there is what was expected; returns what stood there.
  Number compare_and_swap(Number expected, Number wanted) const {
    Number seen = 0;
    MPI_Win_lock(MPI_LOCK_SHARED, home, 0, window_);
    MPI_Compare_and_swap(&wanted, &expected, &seen, MPI_INT64_T, home, 0, window_);
    MPI_Win_unlock(home, window_);
    return seen;
  }

 private:
  Number* memory_ = nullptr;  // this rank's; only that of home is used
  MPI_Win window_ = MPI_WIN_NULL;
};

struct Count {
  Number end, sum;  // of the counter; over all ranks, of what they fetched or of their tries
};

void compute(const pdc::mpi::Session& mpi, Number seen) {
  const auto work = mpi.lane().work("makes {} of {}", seen + 1, seen);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays it
}

/// Wrong on purpose. Each access has the counter to itself, so nothing here is undefined, and still
/// updates are lost: between a rank's get and its put the others are free to put.
Number get_then_put(const pdc::mpi::Session& mpi) {
  const Counter counter(mpi.rank());
  const Number seen = counter.get();
  MPI_Barrier(MPI_COMM_WORLD);  // forced: nobody writes before everybody has read
  compute(mpi, seen);
  counter.put(seen + 1);
  MPI_Barrier(MPI_COMM_WORLD);
  if (mpi.rank() == home && counter.get() < mpi.size()) pdc::fault("updates are lost");
  pdc::mpi::say_by_rank(fmt::format("rank {} gets {}, puts {}", mpi.rank(), seen, seen + 1));
  return counter.get();
}

Count fetch_and_add(const pdc::mpi::Session& mpi) {
  const Counter counter(mpi.rank());
  const Number seen = counter.fetch_and_add(1);
  Number sum = 0;  // forced here, too: whoever has it knows that everybody has read
  MPI_Allreduce(&seen, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  compute(mpi, seen);
  pdc::mpi::say_by_rank(fmt::format("rank {} fetches {}, adds 1", mpi.rank(), seen));
  return {counter.get(), sum};
}

/// For what is no operation of MPI's: any new value can be made of the old one.
Count compare_and_swap(const pdc::mpi::Session& mpi) {
  const Counter counter(mpi.rank());
  Number tries = 0;
  bool is_added = false;
  for (int round = 0; round < mpi.size(); ++round) {
    const Number seen = counter.get();
    MPI_Barrier(MPI_COMM_WORLD);  // forced in every round
    if (!is_added) {
      compute(mpi, seen);
      is_added = counter.compare_and_swap(seen, seen + 1) == seen;  // else try again
      ++tries;
    }
    MPI_Barrier(MPI_COMM_WORLD);
  }
  pdc::mpi::say_by_rank(fmt::format("rank {} has added 1 in try {}", mpi.rank(), tries));
  Count count{counter.get(), 0};
  MPI_Allreduce(&tries, &count.sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);  // alone, a rank loses nothing
  const int ranks = mpi.size();
  const Number lost = program.scene("get, then put", get_then_put, mpi);
  const Count added = program.scene("fetch and add", fetch_and_add, mpi);
  const Count swapped = program.scene("compare and swap", compare_and_swap, mpi);

  pdc::check(lost == 1, "got and put, one update counts, the others are lost", "{} of {}", lost,
             ranks);
  pdc::check(added.end == ranks, "fetched and added, all count", "{} of {}", added.end, ranks);
  pdc::check(added.sum == ranks * (ranks - 1) / 2,
             "each rank fetches a different number, from 0 to p - 1", "sum {}", added.sum);
  pdc::check(swapped.end == ranks, "swapped only where the expected value still stands, all count",
             "{} of {}", swapped.end, ranks);
  pdc::check(swapped.sum == ranks * (ranks + 1) / 2,
             "of those that expect the same, one swaps, so p ranks need p * (p + 1) / 2 tries",
             "{} tries", swapped.sum);
  return program.finish();
}
