// Error handling: a call that fails ends the job, returns a code, or calls a function of yours.
//
// Concept   Each communicator has an error handler. The default, MPI_ERRORS_ARE_FATAL, ends the job;
//           with MPI_ERRORS_RETURN the call returns a code, and whoever does not look at it takes
//           half a message for a whole one. A handler of one's own hears of such an error, too.
// Shows     MPI_Comm_set_errhandler, MPI_Comm_get_errhandler, MPI_Comm_create_errhandler,
//           MPI_Errhandler_free, MPI_Error_class, MPI_Error_string
// Python    mpi4py MPI.Exception, Get_error_class, comm.Set_errhandler
// Run       mpirun -np 4 error_handling
// You see   a sum too small; the right one if the code is looked at; a handler hears of it anyway
// Next      point_to_point asks how long a message is before it takes it

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int tag = 1;
constexpr std::array message{1, 2, 3, 4, 5, 6};
constexpr int whole = 21;  // its sum

/// Codes differ from one MPI to another, their classes do not.
int class_of(int code) {
  int error_class = MPI_SUCCESS;
  MPI_Error_class(code, &error_class);
  return error_class;
}

std::string text_of(int code) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int letters = 0;
  MPI_Error_string(code, text.data(), &letters);
  return text.data();
}

/// All ranks, and what is to happen when a call on this communicator fails.
class Communicator {
 public:
  explicit Communicator(MPI_Errhandler handler) {
    MPI_Comm_dup(MPI_COMM_WORLD, &comm_);  // has the handler of MPI_COMM_WORLD
    MPI_Comm_set_errhandler(comm_, handler);
  }
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  ~Communicator() { MPI_Comm_free(&comm_); }

  MPI_Comm get() const { return comm_; }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
};

/// Sends the message to the next rank, receives from the one before, returns the receive's code.
int exchange(const pdc::mpi::Session& mpi, std::vector<int>& room, MPI_Comm comm) {
  const int ranks = mpi.size(), rank = mpi.rank();
  MPI_Request sent = MPI_REQUEST_NULL;
  MPI_Isend(message.data(), message.size(), MPI_INT, (rank + 1) % ranks, tag, comm, &sent);
  const int code = MPI_Recv(room.data(), static_cast<int>(room.size()), MPI_INT,
                            (rank + ranks - 1) % ranks, tag, comm, MPI_STATUS_IGNORE);
  MPI_Wait(&sent, MPI_STATUS_IGNORE);
  return code;
}

int sum_up(const pdc::mpi::Session& mpi, const std::vector<int>& numbers) {
  const int sum = std::accumulate(numbers.begin(), numbers.end(), 0);
  const auto work = mpi.lane().work("sum {}", sum);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays what is done with it
  return sum;
}

int heard_errors = 0, heard_class = MPI_SUCCESS;  // global: MPI hands a handler no data of ours

void hear(MPI_Comm*, int* code, ...) {  // only notes the error: that repairs nothing
  heard_class = class_of(*code);
  ++heard_errors;
}

/// Wrong on purpose: the receive fails and says so, and nobody looks at what it returns.
int look_away(const pdc::mpi::Session& mpi, MPI_Errhandler handler) {
  const Communicator comm(handler);
  std::vector<int> room(message.size() / 2);
  exchange(mpi, room, comm.get());
  const int sum = sum_up(mpi, room);
  if (sum < whole) pdc::fault("not the message");
  return sum;
}

struct Looked {
  int error_class, sum;
};

/// Only the receiver knows that its call has failed. So the ranks agree, and all do it once more.
/// MPI 3.1 promises nothing after an error, but Open MPI and MPICH go on after this one.
Looked look_at_code(const pdc::mpi::Session& mpi) {
  const Communicator comm(MPI_ERRORS_RETURN);
  std::vector<int> room(message.size() / 2);
  int code = exchange(mpi, room, comm.get());
  const int error_class = class_of(code);
  pdc::mpi::say_by_rank(fmt::format("rank {}: {}", mpi.rank(), text_of(code)));
  int worst = MPI_SUCCESS;  // all other classes are above it
  MPI_Allreduce(&error_class, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  if (worst > MPI_SUCCESS) {
    room.resize(message.size());
    code = exchange(mpi, room, comm.get());
  }
  return {error_class, code == MPI_SUCCESS ? sum_up(mpi, room) : 0};
}

void have_a_handler(const pdc::mpi::Session& mpi) {
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_create_errhandler(hear, &handler);
  look_away(mpi, handler);
  MPI_Errhandler_free(&handler);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  MPI_Errhandler at_first = MPI_ERRHANDLER_NULL, at_last = MPI_ERRHANDLER_NULL;
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &at_first);

  const auto away = program.scene("nobody looks", look_away, mpi, MPI_ERRORS_RETURN);
  const auto looked = program.scene("the code is looked at", look_at_code, mpi);
  program.scene("a handler hears of it", have_a_handler, mpi);
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &at_last);

  pdc::check(away < whole, "if nobody looks at the code, the buffer is taken for the message",
             "{} for {}", away, whole);
  pdc::check(looked.error_class == MPI_ERR_TRUNCATE,
             "a message longer than its buffer is an error of the class MPI_ERR_TRUNCATE");
  pdc::check(looked.sum == whole,
             "ranks that look at the code do it once more, and each has the sum of all", "{}",
             looked.sum);
  pdc::check(heard_errors == 1 && heard_class == MPI_ERR_TRUNCATE,
             "a handler of one's own hears of the error, though nobody looks at the code");
  pdc::check(at_last == at_first, "MPI_COMM_WORLD keeps its handler, whatever its duplicates have");
  MPI_Errhandler_free(&at_first);
  MPI_Errhandler_free(&at_last);
  return program.finish();
}
