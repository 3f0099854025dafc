// Intercommunicator: two groups of ranks, and each rank names those of the other group.
//
// Concept   Each group counts its ranks from 0. On an intercommunicator a number means a rank of the
//           other group. In a call with a root, the root says MPI_ROOT, the others of its group say
//           MPI_PROC_NULL, and the other group says the root's number. In MPI_Bcast the root's group
//           gives; in MPI_Reduce it gets.
// Shows     MPI_Comm_split, MPI_Intercomm_create, MPI_Bcast, MPI_ROOT, MPI_PROC_NULL,
//           MPI_Allreduce, MPI_Intercomm_merge, MPI_Comm_free
// Python    mpi4py comm.Create_intercomm, MPI.ROOT, MPI.PROC_NULL, inter.Merge
// Run       mpirun -np 4 intercommunicator
// You see   in the world both sums are the producers'; between the groups each hears the other's
// Next      spawn starts the other group; master_worker has two kinds of ranks in one group

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <thread>

namespace {

constexpr int leader = 0;  // of each group
constexpr int tag = 1;

struct Communicator {
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  ~Communicator() { MPI_Comm_free(&comm); }

  MPI_Comm comm = MPI_COMM_NULL;
};

/// The even ranks of the world produce, the odd ones consume. Collective, as is its end.
struct Groups {
  explicit Groups(int rank) : produces(rank % 2 == 0) {
    MPI_Comm_split(MPI_COMM_WORLD, produces ? 0 : 1, rank, &own.comm);
    const int other_leader = produces ? 1 : 0;  // its number in the world
    MPI_Intercomm_create(own.comm, leader, MPI_COMM_WORLD, other_leader, tag, &between.comm);
    MPI_Comm_rank(own.comm, &number);
  }

  bool produces;
  Communicator own, between;
  int number = 0;  // of this rank in its group
};

int pieces_of(int rank) {
  return rank % 2 == 0 ? 100 + rank : rank;
}

struct Sums {
  int produced, consumed;
};

/// Both are at first the sum of the rank's own group.
Sums sum_up(const pdc::mpi::Session& mpi, const Groups& my) {
  auto work = mpi.lane().work("{}", my.produces ? "produces" : "consumes");
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays it
  work.end();
  const int pieces = pieces_of(mpi.rank());
  int sum = 0;
  MPI_Allreduce(&pieces, &sum, 1, MPI_INT, MPI_SUM, my.own.comm);
  return {sum, sum};
}

void show(const pdc::mpi::Session& mpi, const Groups& my, const Sums& heard) {
  pdc::mpi::say_by_rank(fmt::format("rank {}, {} {}: {} produced, {} consumed", mpi.rank(),
                                    my.produces ? "producer" : "consumer", my.number,
                                    heard.produced, heard.consumed));
}

/// Wrong on purpose: rank 0 of the consumers is not rank 0 of the world.
Sums tell_the_world(const pdc::mpi::Session& mpi) {
  const Groups my(mpi.rank());
  Sums heard = sum_up(mpi, my);
  MPI_Bcast(&heard.produced, 1, MPI_INT, leader, MPI_COMM_WORLD);
  MPI_Bcast(&heard.consumed, 1, MPI_INT, leader, MPI_COMM_WORLD);
  if (heard.consumed == heard.produced) pdc::fault("sum of the wrong group");
  show(mpi, my, heard);
  return heard;
}

Sums tell_the_other_group(const pdc::mpi::Session& mpi) {
  const Groups my(mpi.rank());
  Sums heard = sum_up(mpi, my);
  const int giving = my.number == leader ? MPI_ROOT : MPI_PROC_NULL;
  MPI_Bcast(&heard.produced, 1, MPI_INT, my.produces ? giving : leader, my.between.comm);
  MPI_Bcast(&heard.consumed, 1, MPI_INT, my.produces ? leader : giving, my.between.comm);
  show(mpi, my, heard);
  return heard;
}

struct Merged {
  int of_others, number, of_all;
};

/// Between the groups each gets the sum of the other; merged, they are one.
Merged merge(const pdc::mpi::Session& mpi) {
  const Groups my(mpi.rank());
  const int pieces = pieces_of(mpi.rank());
  Merged merged{};
  MPI_Allreduce(&pieces, &merged.of_others, 1, MPI_INT, MPI_SUM, my.between.comm);
  Communicator all;
  // The group that passes 0 comes first.
  MPI_Intercomm_merge(my.between.comm, my.produces ? 0 : 1, &all.comm);
  MPI_Comm_rank(all.comm, &merged.number);
  MPI_Allreduce(&pieces, &merged.of_all, 1, MPI_INT, MPI_SUM, all.comm);
  pdc::mpi::say_by_rank(fmt::format("rank {}, {} {}: the others have {}; of all number {}",
                                    mpi.rank(), my.produces ? "producer" : "consumer", my.number,
                                    merged.of_others, merged.number));
  return merged;
}

Sums sums_by_hand(int ranks) {
  Sums sums{};
  for (int rank = 0; rank < ranks; ++rank) {
    int& sum = rank % 2 == 0 ? sums.produced : sums.consumed;
    sum += pieces_of(rank);
  }
  return sums;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);  // one for each group

  const Sums wrong = program.scene("by the world's numbers", tell_the_world, mpi);
  const Sums right = program.scene("between the groups", tell_the_other_group, mpi);
  const Merged merged = program.scene("merged", merge, mpi);

  const auto [produced, consumed] = sums_by_hand(mpi.size());
  const int rank = mpi.rank(), producers = (mpi.size() + 1) / 2;
  const bool produces = rank % 2 == 0;
  pdc::check(
      wrong.produced == produced && wrong.consumed == produced,
      "by the world's numbers rank 0 is a producer, and its sum is taken for the consumers'");
  pdc::check(right.produced == produced && right.consumed == consumed,
             "between the groups each hears the sum of the other");
  pdc::check(merged.of_others == (produces ? consumed : produced),
             "MPI_Allreduce between the groups gives each the sum of the other");
  pdc::check(merged.number == rank / 2 + (produces ? 0 : producers) &&
                 merged.of_all == produced + consumed,
             "merged they are one group: the producers, then the consumers, and the sum of all");
  return program.finish();
}
