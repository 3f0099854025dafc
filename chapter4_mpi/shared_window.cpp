// Shared window: the ranks of one host have one table together, and each reads it in place.
//
// Concept   Ranks share no memory: each has a copy of what all need, and what one changes in its
//           copy no other sees. Ranks of one host can do better. MPI_Win_allocate_shared gives them
//           memory that they read and write in place, as threads do. Like threads, they have to
//           tell each other when it is ready: MPI_Win_sync, then a message, then MPI_Win_sync.
// Shows     MPI_Comm_split_type, MPI_Win_allocate_shared, MPI_Win_shared_query, MPI_Win_lock_all,
//           MPI_Win_sync, MPI_Bcast
// Python    mpi4py comm.Split_type, MPI.Win.Allocate_shared, win.Shared_query, win.Sync
// Run       mpirun -np 4 shared_window
// You see   in copies 1 of 4 ranks has the new numbers; in one table all 4 have them
// Next      shared_memory is the same between processes without MPI

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <cstdint>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

namespace {

using Number = std::int64_t;
using Numbers = std::span<Number>;

constexpr int owner = 0;  // of the table, among the ranks of its host

/// The ranks that can share memory: those of this rank's host.
class Host {
 public:
  Host() {
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm_);
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() { MPI_Comm_free(&comm_); }

  MPI_Comm comm() const { return comm_; }
  int size() const { return size_; }
  bool is_owner() const { return rank_ == owner; }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 0;
};

/// One table for a host, in the memory of its owner. Made by all ranks of the host, and ended so.
class Table {
 public:
  Table(const Host& host, int numbers) {
    const int mine = host.is_owner() ? numbers : 0;
    MPI_Win_allocate_shared(MPI_Aint(sizeof(Number)) * mine, sizeof(Number), MPI_INFO_NULL,
                            host.comm(), &first_, &window_);
    MPI_Aint bytes = 0;
    int unit = 0;
    MPI_Win_shared_query(window_, owner, &bytes, &unit, &first_);  // where this rank sees it
    MPI_Win_lock_all(0, window_);
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    MPI_Win_unlock_all(window_);
    MPI_Win_free(&window_);
  }

  Number* first() const { return first_; }
  MPI_Win window() const { return window_; }

 private:
  Number* first_ = nullptr;
  MPI_Win window_ = MPI_WIN_NULL;
};

/// Number i is i.
void fill(Number* table, int from, int to) {
  for (int i = from; i < to; ++i) table[i] = i;
}

struct Right {
  int ranks, of;  // of this rank's host
};

/// Who has the right sum of what is known? Collective.
Right judge(const pdc::mpi::Session& mpi, const Host& host, Numbers known, Number right_sum) {
  auto work = mpi.lane().work("sums {}", known.size());
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays a larger table
  const Number sum = std::accumulate(known.begin(), known.end(), Number{0});
  work.end();
  const int is_right = sum == right_sum ? 1 : 0;
  if (is_right == 0 && mpi.rank() == mpi.size() - 1) pdc::fault("old numbers");
  pdc::mpi::say_by_rank(fmt::format("rank {} sums {} numbers: {}", mpi.rank(), known.size(), sum));
  Right right{0, host.size()};
  MPI_Allreduce(&is_right, &right.ranks, 1, MPI_INT, MPI_SUM, host.comm());
  return right;
}

/// Wrong on purpose: what the owner writes into its copy later, the others never have.
Right copy(const pdc::mpi::Session& mpi, int numbers) {
  const Host host;
  std::vector<Number> table(numbers);
  int known = numbers / 2;
  if (host.is_owner()) fill(table.data(), 0, known);
  MPI_Bcast(table.data(), known, MPI_INT64_T, owner, host.comm());  // a copy for each
  if (host.is_owner()) {
    fill(table.data(), known, numbers);
    known = numbers;
  }
  MPI_Bcast(&known, 1, MPI_INT, owner, host.comm());  // so many there are now
  return judge(mpi, host, {table.data(), std::size_t(known)}, Number(numbers) * (numbers - 1) / 2);
}

Right share(const pdc::mpi::Session& mpi, int numbers) {
  const Host host;
  const Table table(host, numbers);
  int known = numbers / 2;
  if (host.is_owner()) {
    fill(table.first(), 0, numbers);
    known = numbers;
    MPI_Win_sync(table.window());  // what was written before this is there for all
  }
  MPI_Bcast(&known, 1, MPI_INT, owner, host.comm());
  if (!host.is_owner()) MPI_Win_sync(table.window());  // what is read after this is read from there
  return judge(mpi, host, {table.first(), std::size_t(known)}, Number(numbers) * (numbers - 1) / 2);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"numbers", 100'000, "numbers in the table", {2, 1'000'000}}});
  const int numbers = program.integer("numbers");

  const Right copied = program.scene("a copy each", copy, mpi, numbers);
  const Right shared = program.scene("one table", share, mpi, numbers);

  pdc::check(copied.ranks == 1, "in copies, the owner alone has all numbers", "{} of {} ranks",
             copied.ranks, copied.of);
  pdc::check(shared.ranks == shared.of, "in one table, each rank of the host has them",
             "{} of {} ranks", shared.ranks, shared.of);
  return program.finish();
}
