// Spawn: ranks start more ranks, which have a world of their own.
//
// Concept   Running ranks start children: more ranks. The children have an MPI_COMM_WORLD of their
//           own, in which they count from 0, and an intercommunicator to their parents. By the
//           standard MPI_Finalize may wait for all that is still connected: so both sides
//           disconnect it.
// Shows     MPI_Comm_spawn, MPI_Comm_get_parent, MPI_Comm_remote_size, MPI_Allreduce, MPI_Reduce,
//           MPI_ROOT, MPI_PROC_NULL, MPI_Comm_disconnect
// Python    mpi4py comm.Spawn, MPI.Comm.Get_parent, inter.Get_remote_size, inter.Disconnect
// Run       mpirun -np 3 spawn --children 2
// You see   by the numbers of two worlds 2 parts are done twice; by those of the family, none
// Next      process_creation starts processes without MPI

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0;  // of the parents, in their world

/// Parents and children, seen from either side. Its end is collective, on both sides.
struct Family {
  Family(MPI_Comm to_others, bool is_child) : between(to_others) {
    int others = 0;
    MPI_Comm_rank(between, &number);
    MPI_Comm_size(between, &size);
    MPI_Comm_remote_size(between, &others);
    if (is_child) number += others;  // the parents come first
    size += others;
  }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() { MPI_Comm_disconnect(&between); }
  MPI_Comm between;
  int number = 0, size = 0;
};

/// Starts this program once more for each child; main asks whether it is one.
MPI_Comm start(int children) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  MPI_Comm between = MPI_COMM_NULL;
  MPI_Comm_spawn(self.c_str(), MPI_ARGV_NULL, children, MPI_INFO_NULL, root, MPI_COMM_WORLD,
                 &between, MPI_ERRCODES_IGNORE);
  return between;
}

using Counts = std::vector<int>;

/// There is one part for each member of the family. Does one, and returns how often each was done.
Counts do_part(const pdc::mpi::Session& mpi, const Family& family, int part) {
  auto work = mpi.lane().work("part {}", part);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays it
  work.end();
  Counts mine(family.size), own(family.size), others(family.size);
  mine[part] = 1;
  // On an intercommunicator each group gets the sum of the other: its own takes a call more.
  MPI_Allreduce(mine.data(), own.data(), family.size, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(mine.data(), others.data(), family.size, MPI_INT, MPI_SUM, family.between);
  for (int i = 0; i < family.size; ++i) own[i] += others[i];
  return own;
}

/// What the parents' scenes do, from the other side.
int be_a_child(const pdc::mpi::Session& mpi, MPI_Comm parents) {
  const Family family(parents, true);
  do_part(mpi, family, mpi.rank());
  do_part(mpi, family, family.number);
  MPI_Reduce(&family.number, nullptr, 1, MPI_INT, MPI_SUM, root, family.between);
  return 0;
}

/// Wrong on purpose: each of the two worlds has a rank 0.
Counts share_by_number_in_world(const pdc::mpi::Session& mpi, const Family& family) {
  const Counts counts = do_part(mpi, family, mpi.rank());
  if (std::ranges::count(counts, 0) > 0) pdc::fault("parts left out");
  return counts;
}

Counts share_by_number_in_family(const pdc::mpi::Session& mpi, const Family& family) {
  return do_part(mpi, family, family.number);
}

/// What the children's numbers sum up to, at the parents' root.
int sum_up_numbers(const pdc::mpi::Session& mpi, const Family& family) {
  int sum = 0;
  const int role = mpi.rank() == root ? MPI_ROOT : MPI_PROC_NULL;
  MPI_Reduce(nullptr, &sum, 1, MPI_INT, MPI_SUM, role, family.between);
  return sum;
}

struct Seen {
  Counts twice, once;
  int sum;
};

/// At its end the family is disconnected, by both sides.
Seen be_parents(const pdc::mpi::Session& mpi, pdc::Program& program) {
  const Family family(start(program.integer("children")), false);
  return {program.scene("two worlds", share_by_number_in_world, mpi, family),
          program.scene("one family", share_by_number_in_family, mpi, family),
          program.scene("the children's numbers", sum_up_numbers, mpi, family)};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  MPI_Comm parents = MPI_COMM_NULL;
  MPI_Comm_get_parent(&parents);
  if (parents != MPI_COMM_NULL) return be_a_child(mpi, parents);
  pdc::Program program(argc, argv, {{"children", 2, "ranks to start", {1, 8}}});
  const int ranks = mpi.size(), children = program.integer("children"), all = ranks + children;
  const auto [twice, once, sum] = be_parents(mpi, program);

  if (mpi.rank() == root) {
    const auto both = std::min(ranks, children);  // numbers that both worlds have
    pdc::check(std::ranges::count(twice, 2) == both && std::ranges::count(twice, 0) == both,
               "two worlds do parts twice, and leave as many out", "{} times", pdc::join(twice));
    pdc::check(once == Counts(all, 1), "one family does each part once");
    pdc::check(sum == (all - 1) * all / 2 - (ranks - 1) * ranks / 2,
               "the sum of the children's numbers arrives at the parents' root", "{}", sum);
  }
  return program.finish();
}
