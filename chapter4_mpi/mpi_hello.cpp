// MPI hello: one program runs as many ranks, and each knows its number.
//
// Concept   MPI starts the same program many times. From MPI_Init to MPI_Finalize each copy can ask
//           which number it has, its rank, how many there are, and on which host it runs. The
//           ranks run at once, so in which order they speak is for the program to say.
// Shows     MPI_Init, MPI_Comm_rank, MPI_Comm_size, MPI_Get_processor_name, MPI_Ssend, MPI_Finalize
// Python    mpi4py MPI.COMM_WORLD, comm.Get_rank, comm.Get_size
// Run       mpirun -np 4 mpi_hello
// You see   each rank's line twice: as they come the last is first, by rank they are in order
// Next      point_to_point looks at messages more closely

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace {

using Lines = std::vector<std::string>;

constexpr int line_length = MPI_MAX_PROCESSOR_NAME + 40;
constexpr int line_tag = 1;
constexpr int turn_tag = 2;

/// What this rank has to say, in a message of fixed length: zeros fill it up.
std::string hello(int rank, int size) {
  std::array<char, MPI_MAX_PROCESSOR_NAME> host{};
  int length = 0;
  MPI_Get_processor_name(host.data(), &length);
  std::string line = fmt::format("rank {} of {} on {}", rank, size, host.data());
  line.resize(line_length);
  return line;
}

/// On rank 0: where the lines are shown, one after the other.
struct Screen {
  Lines shown;
  pdc::Lane lane{"screen"};

  void show(const std::string& line) {
    const auto work = lane.work("{}", line.c_str());
    pdc::say("{}", line.c_str());
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the reading
    shown.push_back(line);
  }
  void show_from(int rank) {
    std::string line(line_length, '\0');
    MPI_Recv(line.data(), line_length, MPI_CHAR, rank, line_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    show(line);
  }
};

/// Wrong on purpose: rank 0 takes whichever line comes next.
Lines speak_as_they_come(int rank, int size) {
  const std::string line = hello(rank, size);
  if (rank != 0) {
    int turn = 0;
    if (rank + 1 < size) {  // forced: the next rank has been heard before this one speaks
      MPI_Recv(&turn, 1, MPI_INT, rank + 1, turn_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    MPI_Ssend(line.data(), line_length, MPI_CHAR, 0, line_tag, MPI_COMM_WORLD);
    if (rank > 1) MPI_Send(&turn, 1, MPI_INT, rank - 1, turn_tag, MPI_COMM_WORLD);
    return {};
  }
  Screen screen;
  for (int others = 1; others < size; ++others) screen.show_from(MPI_ANY_SOURCE);
  screen.show(line);
  return screen.shown;
}

/// Rank 0 asks for the lines by their rank.
Lines speak_by_rank(int rank, int size) {
  const std::string line = hello(rank, size);
  if (rank != 0) {
    MPI_Send(line.data(), line_length, MPI_CHAR, 0, line_tag, MPI_COMM_WORLD);
    return {};
  }
  Screen screen;
  screen.show(line);
  for (int other = 1; other < size; ++other) screen.show_from(other);
  return screen.shown;
}

/// How many lines are those of rank `first`, then of the next one up or down, and so on.
int in_order(const Lines& heard, int size, int first, int step) {
  int count = 0;
  for (const std::string& line : heard) {
    count += line.starts_with(fmt::format("rank {} of {} on ", first, size)) ? 1 : 0;
    first += step;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);  // the other pages leave this, and the end, to pdc::mpi::Session
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  pdc::Program program(argc, argv);

  const Lines came = program.scene("as they come", speak_as_they_come, rank, size);
  const Lines asked = program.scene("by rank", speak_by_rank, rank, size);

  if (rank == 0) {
    const int down = in_order(came, size, size - 1, -1);
    const int up = in_order(asked, size, 0, 1);
    pdc::check(down == size, "as they came, the last rank was first", "{} of {} lines", down, size);
    pdc::check(up == size, "by rank, each spoke once and in order", "{} of {} lines", up, size);
  }
  const int status = program.finish();
  MPI_Finalize();
  return status;
}
