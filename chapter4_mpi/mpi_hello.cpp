// MPI hello: one program runs as many ranks, and each knows its number.
//
// Concept   MPI starts the same program many times. From MPI_Init to MPI_Finalize each copy can ask
//           which number it has, its rank, how many there are, and on which host it runs. The
//           ranks run at once: what they say comes in any order, until the program sorts it.
// Shows     MPI_Init, MPI_Comm_rank, MPI_Comm_size, MPI_Get_processor_name, MPI_Ssend, MPI_Recv,
//           MPI_Finalize
// Python    mpi4py MPI.COMM_WORLD, comm.Get_rank, comm.Get_size
// Run       mpirun -np 4 mpi_hello
// You see   each rank's line twice: as they come the last is first, by rank they are in order
// Next      point_to_point looks at messages more closely

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <iterator>
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

/// Every rank but 0 sends its line to rank 0, in both acts.
void send_line(int rank, int size) {
  const std::string line = hello(rank, size);
  if (rank + 1 < size) {  // forced: the rank above has been heard before this one speaks
    MPI_Recv(nullptr, 0, MPI_CHAR, rank + 1, turn_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  // MPI_Ssend ends when the line is being received, where MPI_Send might end before.
  MPI_Ssend(line.data(), line_length, MPI_CHAR, 0, line_tag, MPI_COMM_WORLD);
  if (rank > 1) MPI_Send(nullptr, 0, MPI_CHAR, rank - 1, turn_tag, MPI_COMM_WORLD);
}

struct Heard {
  int rank;
  std::string line;
};

/// On rank 0: the line that comes next, and whose it is.
Heard hear_next() {
  std::string line(line_length, '\0');
  MPI_Status status;
  MPI_Recv(line.data(), line_length, MPI_CHAR, MPI_ANY_SOURCE, line_tag, MPI_COMM_WORLD, &status);
  return {status.MPI_SOURCE, line};
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
};

/// Wrong on purpose: rank 0 shows each line as it comes.
Lines speak_as_they_come(int rank, int size) {
  if (rank != 0) {
    send_line(rank, size);
    return {};
  }
  Screen screen;
  for (int others = 1; others < size; ++others) {
    const Heard heard = hear_next();
    if (heard.rank < size - 1) pdc::fault("out of order");
    screen.show(heard.line);
  }
  screen.show(hello(rank, size));
  return screen.shown;
}

/// Rank 0 takes each line as it comes, and puts it at the place of its rank.
Lines speak_by_rank(int rank, int size) {
  if (rank != 0) {
    send_line(rank, size);
    return {};
  }
  Lines lines(size);
  lines[0] = hello(rank, size);
  for (int others = 1; others < size; ++others) {
    const Heard heard = hear_next();
    lines[heard.rank] = heard.line;
  }
  Screen screen;
  for (const std::string& line : lines) screen.show(line);
  return screen.shown;
}

/// How many lines are those of rank `first`, then of the next one up or down, and so on.
int in_order(const Lines& shown, int size, int first, int step) {
  int count = 0;
  for (const std::string& line : shown) {
    const std::string begin = fmt::format("rank {} of {} on ", first, size);
    if (line.starts_with(begin) && line[begin.size()] != '\0') ++count;  // some host is named
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
  const Lines sorted = program.scene("by rank", speak_by_rank, rank, size);

  if (rank == 0) {
    const int down = in_order(came, size, size - 1, -1);
    const int up = in_order(sorted, size, 0, 1);
    pdc::check(down == size && std::ssize(came) == size,
               "shown as they come, the line of the last rank is first", "{} of {} lines", down,
               size);
    pdc::check(up == size && std::ssize(sorted) == size,
               "put at the place of its rank, each line is shown once and in order",
               "{} of {} lines", up, size);
  }
  const int status = program.finish();
  MPI_Finalize();
  return status;
}
