// Send modes: when a send is over, and what has to be there before it may begin.
//
// Concept   MPI_Send is over when its message has been copied, or when its receiver has taken it:
//           MPI chooses. MPI_Bsend always copies, into room (MPI's buffer) that you attach.
//           MPI_Ssend waits for its receive. MPI_Rsend may begin only when its receive is posted.
// Shows     MPI_Bsend, MPI_Buffer_attach, MPI_Buffer_detach, MPI_Pack_size, MPI_BSEND_OVERHEAD,
//           MPI_ERRORS_RETURN, MPI_Error_class, MPI_Issend, MPI_Test, MPI_Rsend
// Python    mpi4py comm.Bsend, comm.Issend, comm.Rsend, MPI.Attach_buffer, MPI.Detach_buffer
// Run       mpirun -np 4 send_modes
// You see   room as large as the letter takes no letter; with MPI_BSEND_OVERHEAD more, it does
// Next      deadlock_avoidance shows what becomes of ranks that count on a copy

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace {

using Letter = std::vector<int>;

constexpr int length = 100'000;  // numbers in a letter: a short one may go without any room
constexpr int overwritten = -1;
constexpr int letter_tag = 1, report_tag = 2;

/// Each rank sends to the next, and receives from the one before.
struct Place {
  int me, next, before;
  const pdc::Lane& lane;
};

/// The buffer of MPI_Bsend: a process can attach one at a time.
class Room {
 public:
  explicit Room(int size) : bytes_(size) { MPI_Buffer_attach(bytes_.data(), size); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {  // waits until all that is in it has left: for a long message, until it is received
    void* start = nullptr;
    int size = 0;
    MPI_Buffer_detach(&start, &size);
  }

 private:
  std::vector<char> bytes_;
};

/// The error code of the send of the rank before, and the letter that it sent.
struct Post {
  int error = MPI_SUCCESS;
  Letter letter;
};

/// All ranks send first, which is safe where a send is a copy. None receives before it has heard
/// that the one before is back from its send.
Post pass_on(const Place& place, MPI_Comm line, int room_beside_letter) {
  int bytes = 0;
  MPI_Pack_size(length, MPI_INT, line, &bytes);
  const Room room(bytes + room_beside_letter);
  Letter mine(length, place.me);
  const int result = MPI_Bsend(mine.data(), length, MPI_INT, place.next, letter_tag, line);
  std::ranges::fill(mine, overwritten);  // MPI has a copy
  int error = MPI_SUCCESS;
  MPI_Error_class(result, &error);
  Post post;
  MPI_Sendrecv(&error, 1, MPI_INT, place.next, report_tag, &post.error, 1, MPI_INT, place.before,
               report_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  if (post.error != MPI_SUCCESS) return post;
  auto work = place.lane.work("does other things");
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays them
  work.end();
  post.letter.resize(length);
  MPI_Recv(post.letter.data(), length, MPI_INT, place.before, letter_tag, line, MPI_STATUS_IGNORE);
  return post;
}

/// On a communicator of its own, where errors come back and do not end the job.
Post send_buffered(const Place& place, int room_beside_letter) {
  MPI_Comm line = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &line);
  MPI_Comm_set_errhandler(line, MPI_ERRORS_RETURN);
  const Post post = pass_on(place, line, room_beside_letter);
  MPI_Comm_free(&line);  // after an error nothing more is sent on it
  if (post.error != MPI_SUCCESS) pdc::fault("no room");
  pdc::mpi::say_by_rank(fmt::format("rank {}: the letter of rank {} {}", place.me, place.before,
                                    post.error == MPI_SUCCESS ? "comes" : "has no room"));
  return post;
}

/// Wrong on purpose: what MPI has to know of a letter needs room beside it.
Post have_room_for_letter(const Place& place) {
  return send_buffered(place, 0);
}

Post have_room_for_overhead(const Place& place) {
  return send_buffered(place, MPI_BSEND_OVERHEAD);
}

struct Turn {
  int over = 0, ready = 0, before = MPI_PROC_NULL;
};

Turn send_synchronous_then_ready(const Place& place) {
  Turn turn;
  MPI_Request sending = MPI_REQUEST_NULL, receiving = MPI_REQUEST_NULL;
  // MPI_Ssend is MPI_Issend and MPI_Wait: in between, a rank can ask whether it is over.
  MPI_Issend(&place.me, 1, MPI_INT, place.next, letter_tag, MPI_COMM_WORLD, &sending);
  MPI_Test(&sending, &turn.over, MPI_STATUS_IGNORE);
  MPI_Barrier(MPI_COMM_WORLD);  // no rank receives before all have asked
  MPI_Recv(&turn.before, 1, MPI_INT, place.before, letter_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Wait(&sending, MPI_STATUS_IGNORE);

  MPI_Irecv(&turn.ready, 1, MPI_INT, place.before, letter_tag, MPI_COMM_WORLD, &receiving);
  const int posted_here = receiving == MPI_REQUEST_NULL ? 0 : 1;
  int posted_there = 0;
  MPI_Sendrecv(&posted_here, 1, MPI_INT, place.before, report_tag, &posted_there, 1, MPI_INT,
               place.next, report_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Rsend(&posted_there, 1, MPI_INT, place.next, letter_tag, MPI_COMM_WORLD);
  MPI_Wait(&receiving, MPI_STATUS_IGNORE);
  return turn;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  const int ranks = mpi.size(), me = mpi.rank();
  const Place place{me, (me + 1) % ranks, (me + ranks - 1) % ranks, mpi.lane()};

  const Post tight = program.scene("room for the letter", have_room_for_letter, place);
  const Post post = program.scene("and for its overhead", have_room_for_overhead, place);
  const Turn turn = program.scene("synchronous, then ready", send_synchronous_then_ready, place);

  pdc::check(tight.error == MPI_ERR_BUFFER,
             "with room for the letter alone, MPI_Bsend returns MPI_ERR_BUFFER");
  pdc::check(post.error == MPI_SUCCESS,
             "with MPI_BSEND_OVERHEAD more, MPI_Bsend returns before its letter is received");
  pdc::check(post.letter == Letter(length, place.before),
             "the letter comes as it was sent, although its sender has written over it since");
  pdc::check(turn.over == 0 && turn.before == place.before,
             "a synchronous send is not over before its receive begins");
  pdc::check(turn.ready == 1,
             "a ready send begins when its rank has heard that the receive is posted");
  return program.finish();
}
