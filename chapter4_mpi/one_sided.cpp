// One sided: a rank puts a number into the memory of another, which may look when the epoch ends.
//
// Concept   MPI_Put names the places at both ends, and no call of the target matches it: no receive
//           tells that the number is there. Accesses lie in epochs, and what they do is done when
//           the epoch has ended. MPI_Win_fence ends one for all ranks; MPI_Win_complete and
//           MPI_Win_wait end one for those that take part.
// Shows     MPI_Put, MPI_Get, MPI_Accumulate, MPI_Win_allocate, MPI_Win_fence, MPI_Win_post,
//           MPI_Win_wait, MPI_Win_start, MPI_Win_complete, MPI_Group_incl
// Python    mpi4py win.Put, win.Get, win.Accumulate, win.Fence, win.Post, win.Start, win.Complete
// Run       mpirun -np 4 one_sided
// You see   looked at in the epoch, all numbers are old; when it has ended, all are there
// Next      remote_atomics has a counter that all ranks change

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace {

constexpr int root = 0;
constexpr int old_number = -1;

/// Places in a window, which all ranks have: for what is put, for what others get, for a sum.
enum Place { put_here, get_here, sum_here };

/// Numbers of this rank that all may reach. Made by all together, and ended so.
class Window {
 public:
  Window() {
    MPI_Win_allocate(bytes, sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &memory_, &window_);
    std::fill_n(memory_, bytes / sizeof(int), old_number);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() { MPI_Win_free(&window_); }

  MPI_Win get() const { return window_; }
  int& operator[](Place place) const { return memory_[place]; }

 private:
  static constexpr MPI_Aint bytes = 64;  // a cache line

  int* memory_ = nullptr;
  MPI_Win window_ = MPI_WIN_NULL;
};

class Group {
 public:
  explicit Group(int rank) {  // of one rank
    MPI_Group all = MPI_GROUP_NULL;
    MPI_Comm_group(MPI_COMM_WORLD, &all);
    MPI_Group_incl(all, 1, &rank, &group_);
    MPI_Group_free(&all);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() { MPI_Group_free(&group_); }

  MPI_Group get() const { return group_; }

 private:
  MPI_Group group_ = MPI_GROUP_NULL;
};

struct Ring {
  const pdc::Lane& lane;
  int rank, before, next;
};

/// Begins to write the rank's number into the memory of the next. The ring stays until that is done.
void put_number(const Ring& ring, const Window& window) {
  MPI_Barrier(MPI_COMM_WORLD);  // forced: nobody puts before all have come here
  MPI_Put(&ring.rank, 1, MPI_INT, ring.next, put_here, 1, MPI_INT, window.get());
}

int look(const Ring& ring, const Window& window) {
  const int seen = window[put_here];
  if (ring.rank == root && seen == old_number) pdc::fault("too early");
  pdc::mpi::say_by_rank(fmt::format("rank {} sees {}", ring.rank, seen));
  const auto work = ring.lane.work("sees {}", seen);
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays work with it
  return seen;
}

/// Wrong on purpose: nothing says that the number is there.
int look_in_epoch(const Ring& ring) {
  const Window window;
  MPI_Win_fence(0, window.get());  // begins an epoch of all ranks
  const int seen = look(ring, window);
  put_number(ring, window);
  MPI_Win_fence(0, window.get());  // ends it
  return seen;
}

struct Seen {
  int put, got, sum;
};

Seen look_after_fence(const Ring& ring) {
  const Window window;
  int got = old_number;
  window[get_here] = ring.rank;
  window[sum_here] = 0;
  MPI_Win_fence(0, window.get());
  put_number(ring, window);
  MPI_Get(&got, 1, MPI_INT, ring.next, get_here, 1, MPI_INT, window.get());
  MPI_Accumulate(&ring.rank, 1, MPI_INT, root, sum_here, 1, MPI_INT, MPI_SUM, window.get());
  MPI_Win_fence(0, window.get());  // of all three calls, on all ranks
  return {look(ring, window), got, window[sum_here]};
}

/// A rank waits for two: the one that puts into its window, and the one whose window it puts into.
int look_after_wait(const Ring& ring) {
  const Window window;
  const Group before(ring.before), next(ring.next);
  MPI_Win_post(before.get(), 0, window.get());  // that one may put here
  MPI_Win_start(next.get(), 0, window.get());   // and this one there
  put_number(ring, window);
  MPI_Win_complete(window.get());  // ends what was started
  MPI_Win_wait(window.get());      // and what was posted, when the one before has completed
  return look(ring, window);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  const int ranks = mpi.size(), rank = mpi.rank();
  const Ring ring{mpi.lane(), rank, (rank + ranks - 1) % ranks, (rank + 1) % ranks};

  const int early = program.scene("in the epoch", look_in_epoch, ring);
  const Seen fenced = program.scene("after the fence", look_after_fence, ring);
  const int waited = program.scene("after the wait", look_after_wait, ring);

  pdc::check(early == old_number, "looked at in the epoch, the number is the old one");
  pdc::check(fenced.put == ring.before, "after the fence, what the rank before has put is there");
  pdc::check(fenced.got == ring.next, "after the fence, what was got from the next rank is there");
  if (rank == root) {
    pdc::check(fenced.sum == ranks * (ranks - 1) / 2,
               "after the fence, the root has the sum of all ranks, p * (p - 1) / 2", "{}",
               fenced.sum);
  }
  pdc::check(waited == ring.before, "after MPI_Win_wait, what the rank before has put is there");
  return program.finish();
}
