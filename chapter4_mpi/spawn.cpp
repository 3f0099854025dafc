// Spawn: ranks start more ranks, which have a world of their own.
//
// Concept   Ranks that run start children: more ranks, of this program or of another. The children have
//           an MPI_COMM_WORLD of their own, in which they count from 0, and an intercommunicator to
//           their parents. When both have disconnected it, neither side waits for the other any more.
// Shows     MPI_Comm_spawn, MPI_Comm_get_parent, MPI_Comm_remote_size, MPI_Allreduce, MPI_Reduce,
//           MPI_Gather, MPI_ROOT, MPI_PROC_NULL, MPI_Comm_disconnect, poll
// Python    mpi4py comm.Spawn, MPI.Comm.Get_parent, inter.Get_remote_size, inter.Disconnect
// Run       mpirun -np 3 spawn --children 2
// You see   by the numbers of two worlds 2 parts are done twice; by those of the family, none
// Next      process_creation starts processes without MPI

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0;  // of the parents, in their world

/// Parents and children, seen from either side.
struct Family {
  Family(MPI_Comm to_others, bool is_child) : between(to_others) {
    int others = 0;
    MPI_Comm_rank(between, &number);
    MPI_Comm_size(between, &size);
    MPI_Comm_remote_size(between, &others);
    if (is_child) number += others;  // the parents come first
    size += others;
  }
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

using Times = std::vector<int>;

/// There is a part for each of the family, and this rank does one. How often is each done?
Times do_part(const pdc::mpi::Session& mpi, const Family& family, int part) {
  auto work = mpi.lane().work("part {}", part);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays it
  work.end();
  Times mine(family.size), own(family.size), others(family.size);
  mine[part] = 1;
  MPI_Allreduce(mine.data(), own.data(), family.size, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(mine.data(), others.data(), family.size, MPI_INT, MPI_SUM, family.between);
  for (int i = 0; i < family.size; ++i) own[i] += others[i];
  return own;
}

/// What the parents' scenes do, from the other side.
int be_a_child(const pdc::mpi::Session& mpi, MPI_Comm parents) {
  Family family(parents, true);
  do_part(mpi, family, mpi.rank());
  do_part(mpi, family, family.number);
  const int process = getpid();
  MPI_Reduce(&family.number, nullptr, 1, MPI_INT, MPI_SUM, root, family.between);
  MPI_Gather(&process, 1, MPI_INT, nullptr, 1, MPI_INT, root, family.between);
  MPI_Barrier(family.between);  // the parents watch this process now
  MPI_Comm_disconnect(&family.between);
  return 0;
}

/// Wrong on purpose: each of the two worlds has a rank 0.
Times share_by_number_in_world(const pdc::mpi::Session& mpi, const Family& family) {
  const Times times = do_part(mpi, family, mpi.rank());
  if (std::ranges::count(times, 0) > 0) pdc::fault("parts left out");
  return times;
}

Times share_by_number_in_family(const pdc::mpi::Session& mpi, const Family& family) {
  return do_part(mpi, family, family.number);
}

struct End {
  int sum = 0, gone = 0, world = 1;  // this rank, to be summed up
};

/// Of a process on the same host: readable when it has ended.
pdc::Descriptor watch(int process) {
  const auto number = pdc::posix(syscall(SYS_pidfd_open, process, 0), "pidfd_open");
  return pdc::Descriptor(static_cast<int>(number));
}

/// Takes the sum of the children's numbers, and lets them go.
End let_go(const pdc::mpi::Session& mpi, Family& family) {
  End end;
  const int role = mpi.rank() == root ? MPI_ROOT : MPI_PROC_NULL;
  MPI_Reduce(nullptr, &end.sum, 1, MPI_INT, MPI_SUM, role, family.between);
  std::vector<int> processes(mpi.rank() == root ? family.size - mpi.size() : 0);
  MPI_Gather(nullptr, 1, MPI_INT, processes.data(), 1, MPI_INT, role, family.between);
  std::vector<pdc::Descriptor> children;
  for (const int process : processes) children.push_back(watch(process));
  MPI_Barrier(family.between);  // no child ends before it is watched
  MPI_Comm_disconnect(&family.between);
  for (const pdc::Descriptor& child : children) {
    const auto wait = mpi.lane().wait("child's end");
    pollfd end_of_child{child.get(), POLLIN, 0};
    end.gone += pdc::posix(poll(&end_of_child, 1, -1), "poll");
  }
  MPI_Allreduce(MPI_IN_PLACE, &end.world, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return end;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  MPI_Comm parents = MPI_COMM_NULL;
  MPI_Comm_get_parent(&parents);
  if (parents != MPI_COMM_NULL) return be_a_child(mpi, parents);
  pdc::Program program(argc, argv, {{"children", 2, "ranks to start", {1, 8}}});
  const int ranks = mpi.size(), children = program.integer("children"), all = ranks + children;
  Family family(start(children), false);

  const Times twice = program.scene("two worlds", share_by_number_in_world, mpi, family);
  const Times once = program.scene("one family", share_by_number_in_family, mpi, family);
  const End end = program.scene("the end", let_go, mpi, family);

  if (mpi.rank() == root) {
    const auto both = std::min(ranks, children);  // numbers that both worlds have
    pdc::check(std::ranges::count(twice, 2) == both && std::ranges::count(twice, 0) == both,
               "two worlds do parts twice, and leave as many out", "{} times", pdc::join(twice));
    pdc::check(once == Times(all, 1), "one family does each part once");
    pdc::check(end.sum == (all - 1) * all / 2 - (ranks - 1) * ranks / 2,
               "the sum of the children's numbers arrives at the parents' root", "{}", end.sum);
    pdc::check(end.world == ranks, "the parents' world is as large as before");
    pdc::check(end.gone == children, "all children have ended", "{} of {}", end.gone, children);
  }
  return program.finish();
}
