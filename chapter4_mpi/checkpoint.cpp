// Checkpoint: a job that ends with one of its ranks goes on from the last state that all have.
//
// Concept   When a rank dies, mpirun ends the job, and what all ranks had in memory is lost. So each
//           writes it to a file now and then. A rank may die while it writes, and leave half a
//           state. So a file has two places, used in turn, and says last which step is whole; and
//           the job goes on from the last step that is whole in all files.
// Shows     MPI_Allreduce, MPI_Bcast, MPI_Barrier, MPI_Sendrecv_replace, pwrite, pread, fdatasync
// Python    mpi4py comm.Allreduce with MPI.MIN; os.pwrite, os.pread, os.fdatasync
// Run       mpirun -np 4 checkpoint --every 4
// You see   8 steps done again, or none and a wrong result, or 4 and the right one
// Next      parallel_io has one file for all ranks; error_handling hears of calls that fail

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>

namespace {

constexpr int root = 0, tag = 1;
using Part = std::array<int, 2>;  // of a rank

/// Of one rank. In its memory, without a name, so that the page leaves nothing; else on a disk.
class File {
 public:
  File() : file_(pdc::posix(memfd_create("checkpoint", MFD_CLOEXEC), "memfd_create")) {
    pdc::posix(ftruncate(file_.get(), place_of(2)), "ftruncate");  // zeros: no step is whole
  }

  /// Leaves the other place as it is. Only the last line says that this one is whole now.
  void save(std::int64_t step, int number, const Part& part, bool dies) const {
    write(&part[0], sizeof part[0], place_of(number));
    if (dies) return;
    write(&part[1], sizeof part[1], place_of(number) + off_t(sizeof part[0]));
    write(&step, sizeof step, 0);
  }

  Part load(int number) const {
    Part part{};
    pdc::posix(pread(file_.get(), part.data(), sizeof part, place_of(number)), "pread");
    return part;
  }
  int whole_step() const {
    std::int64_t step = 0;
    pdc::posix(pread(file_.get(), &step, sizeof step, 0), "pread");
    return int(step);
  }

 private:
  static off_t place_of(int number) { return off_t(sizeof(std::int64_t) + number * sizeof(Part)); }

  void write(const void* data, std::size_t size, off_t place) const {
    const ssize_t written = pdc::posix(pwrite(file_.get(), data, size, place), "pwrite");
    if (written < ssize_t(size)) pdc::refuse("pwrite: no room for a checkpoint");
    pdc::posix(fdatasync(file_.get()), "fdatasync");  // in this order on a disk, too
  }

  pdc::Descriptor file_;
};

int steps_done = 0;  // by this rank, in both runs

struct Plan {
  int every, killed_in, steps;
  bool saves;
};

/// Goes on from one step to another. In each, the parts go round by a rank, and their numbers grow
/// by one. If this rank dies in the last one, it does so while it writes.
Part run(const pdc::mpi::Session& mpi, const Plan& plan, const File& file, int from, int to,
         bool dies) {
  const int rank = mpi.rank(), ranks = mpi.size(), next = (rank + 1) % ranks;
  Part part = from == 0 ? Part{rank, rank} : file.load(from / plan.every % 2);
  for (int step = from + 1; step <= to; ++step) {
    MPI_Sendrecv_replace(part.data(), int(part.size()), MPI_INT, next, tag,
                         (rank + ranks - 1) % ranks, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    const auto work = mpi.lane().work("{}", step);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays more to compute
    for (int& number : part) ++number;
    ++steps_done;
    if (!plan.saves || step % plan.every != 0) continue;
    file.save(step, step / plan.every % 2, part, dies && step == to);
    MPI_Barrier(MPI_COMM_WORLD);  // nobody writes over the older one before all have this one
  }
  return part;
}

struct Outcome {
  int repeated, wrong;  // steps done again; ranks whose result is wrong
};

/// The kill is played: all leave the first run when the last rank dies, as mpirun would end them,
/// and what they have in memory is lost. The second run goes on from the step that the ranks choose.
Outcome run_twice(const pdc::mpi::Session& mpi, const Plan& plan, int (*choose)(int whole)) {
  const int rank = mpi.rank(), ranks = mpi.size();
  const bool dies = rank == ranks - 1;
  const File file;
  steps_done = 0;
  run(mpi, plan, file, 0, plan.killed_in, dies);
  if (dies) pdc::fault("killed");
  const int from = choose(file.whole_step());
  const Part part = run(mpi, plan, file, from, plan.steps, false);
  const int right = (rank + plan.steps * (ranks - 1)) % ranks + plan.steps;  // from so far back
  Outcome outcome{steps_done - plan.steps, part == Part{right, right} ? 0 : 1};
  MPI_Allreduce(MPI_IN_PLACE, &outcome.wrong, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return outcome;
}

/// Wrong on purpose: what is whole in the root's file may be torn in another.
int ask_root(int whole) {
  MPI_Bcast(&whole, 1, MPI_INT, root, MPI_COMM_WORLD);
  return whole;
}

int ask_all(int whole) {
  MPI_Allreduce(MPI_IN_PLACE, &whole, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  return whole;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"every", 4, "steps to a checkpoint", {1, 100}}});
  const int every = program.integer("every"), killed_in = 2 * every, steps = 3 * every;
  mpi.need_ranks(2);                                // one that dies, and one that ends with it
  const Plan none{every, killed_in, steps, false};  // wrong on purpose: nothing is written
  const Plan saves{every, killed_in, steps, true};

  const Outcome lost = program.scene("no checkpoint", run_twice, mpi, none, ask_all);
  const Outcome torn = program.scene("the root's last", run_twice, mpi, saves, ask_root);
  const Outcome kept = program.scene("the last of all", run_twice, mpi, saves, ask_all);

  pdc::check(lost.repeated == killed_in, "without a checkpoint, all steps so far are done again",
             "{} of {}", lost.repeated, killed_in);
  pdc::check(torn.wrong > 0, "from a checkpoint that is torn in one file, the result is wrong",
             "on {} of {} ranks", torn.wrong, mpi.size());
  pdc::check(kept.repeated == every, "from the last step that all have, only later ones are redone",
             "{} of {}", kept.repeated, killed_in);
  pdc::check(lost.wrong == 0 && kept.wrong == 0,
             "from the last step that all have, the job comes to the right result");
  return program.finish();
}
