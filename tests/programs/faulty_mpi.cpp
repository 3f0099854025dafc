// SPDX-License-Identifier: MIT
/// The same for an MPI program: faults that only ranks can have.

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "pdc/deadline.hpp"
#include "pdc/mpi.hpp"
#include "pdc/page.hpp"
#include "pdc/program.hpp"

namespace {

using namespace std::chrono_literals;

const pdc::Page page("faulty_mpi", "tests",
                     "// Faulty MPI: it stands for a program.\n//\n// Concept   a stand-in\n");

/// The one that it has, or none.
std::string read_fault() {
  std::ifstream file(std::filesystem::read_symlink("/proc/self/exe").replace_filename("faults"));
  std::string fault;
  std::getline(file, fault);
  return fault;
}

/// Each to the next one, all at the same time: right only as long as messages are buffered.
void send_before_receiving(const pdc::mpi::Session& mpi) {
  const int next = (mpi.rank() + 1) % mpi.size();
  int token = mpi.rank();
  MPI_Send(&token, 1, MPI_INT, next, 1, MPI_COMM_WORLD);
  MPI_Recv(&token, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  const std::string fault = read_fault();
  if (fault == "needs 2 ranks") mpi.need_ranks(2);
  if (fault == "needs ranks, does not say how many" && mpi.size() < 2)
    program.reject("needs more ranks");
  if (fault == "leaves a process" && fork() == 0)
    execlp("sh", "sh", "-c", "exec setsid sleep 20 <&- >&- 2>&-", nullptr);
  program.scene("in step", [&] {
    MPI_Barrier(MPI_COMM_WORLD);
    std::this_thread::sleep_for(100ms);  // plays the work
    if (fault == "needs buffers") {
      pdc::set_deadline(1s);
      send_before_receiving(mpi);
    }
  });
  pdc::check(fault != "fails with 5 ranks" || mpi.size() != 5, "there are not five");
  pdc::check(true, "the second holds");
  if (fault == "all ranks speak") dprintf(STDOUT_FILENO, "all claims hold\n");
  return program.finish();
}
