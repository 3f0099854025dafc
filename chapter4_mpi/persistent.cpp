// Persistent: a message that goes out in every step is described once, and started each time.
//
// Concept   The request of MPI_Isend is gone when it has been waited for. That of MPI_Send_init
//           stays: it is started, waited for, and started again, for as many steps as you like. It
//           holds an address, and sends what stands there when it is started.
// Shows     MPI_Send_init, MPI_Recv_init, MPI_Startall, MPI_Waitall, MPI_Request_free
// Python    mpi4py comm.Send_init, comm.Recv_init, Prequest.Startall
// Run       mpirun -np 4 persistent --steps 7
// You see   14 requests made for 7 steps, or 2; what is written elsewhere is not sent
// Next      heat exchanges the borders of its tiles in every step

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace {

using Requests = std::array<MPI_Request, 2>;

constexpr int tag = 3;

/// In each step a rank sends a number to the next, and takes that of the one before.
struct Place {
  int me, next, before;
  const pdc::Lane& lane;
};

/// Made once, started again and again. Both numbers stay where they are.
class Exchange {
 public:
  Exchange(const int* mine, int* theirs, const Place& place) {
    MPI_Recv_init(theirs, 1, MPI_INT, place.before, tag, MPI_COMM_WORLD, &requests_[0]);
    MPI_Send_init(mine, 1, MPI_INT, place.next, tag, MPI_COMM_WORLD, &requests_[1]);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    for (MPI_Request& request : requests_) MPI_Request_free(&request);
  }

  void run() {
    MPI_Startall(2, requests_.data());
    MPI_Waitall(2, requests_.data(), MPI_STATUSES_IGNORE);
  }
  const Requests& requests() const { return requests_; }

 private:
  Requests requests_{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
};

/// A number tells whose it was at first, and how many ranks it has passed since.
constexpr int number_of(int rank, int hops = 0) {
  return 10'000 * rank + hops;
}

int work_on(int number, const Place& place) {
  const auto work = place.lane.work("works on {}", number);
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays it
  return number + 1;
}

struct Result {
  int number = 0;  // at the end
  int gone = 0;    // requests, after the waits
};

int count_gone(const Requests& requests) {
  return static_cast<int>(std::ranges::count(requests, MPI_REQUEST_NULL));
}

Result make_requests_in_each_step(const Place& place, int steps) {
  int mine = number_of(place.me), theirs = 0;
  Result result;
  for (int step = 0; step < steps; ++step) {
    Requests requests;
    MPI_Irecv(&theirs, 1, MPI_INT, place.before, tag, MPI_COMM_WORLD, &requests[0]);
    MPI_Isend(&mine, 1, MPI_INT, place.next, tag, MPI_COMM_WORLD, &requests[1]);
    MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE);
    result.gone += count_gone(requests);
    mine = work_on(theirs, place);
  }
  result.number = mine;
  return result;
}

/// Wrong on purpose: writes new numbers beside old ones, as with two buffers that are swapped. The
/// request still holds the address of the first.
Result write_beside(const Place& place, int steps) {
  std::array<int, 2> mine{number_of(place.me), 0};
  int theirs = 0;
  Exchange exchange(&mine[0], &theirs, place);
  Result result;
  for (int step = 0; step < steps; ++step) {
    exchange.run();
    result.gone += count_gone(exchange.requests());
    mine[(step + 1) % 2] = work_on(theirs, place);
  }
  result.number = mine[steps % 2];
  if (result.number % number_of(1) < steps) pdc::fault("old numbers sent");
  return result;
}

Result write_in_place(const Place& place, int steps) {
  int mine = number_of(place.me), theirs = 0;
  Exchange exchange(&mine, &theirs, place);
  Result result;
  for (int step = 0; step < steps; ++step) {
    exchange.run();
    result.gone += count_gone(exchange.requests());
    mine = work_on(theirs, place);
  }
  result.number = mine;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"steps", 7, "steps, with a message each", {2, 1000}}});
  const int steps = program.integer("steps"), ranks = mpi.size(), me = mpi.rank();
  const Place place{me, (me + 1) % ranks, (me + ranks - 1) % ranks, mpi.lane()};

  const Result anew = program.scene("made in each step", make_requests_in_each_step, place, steps);
  const Result beside = program.scene("made once, written beside", write_beside, place, steps);
  const Result once = program.scene("made once, written in place", write_in_place, place, steps);

  const auto after = [=](int hops) { return number_of((me + hops * (ranks - 1)) % ranks, hops); };
  const int half = (steps + 1) / 2;
  pdc::check(anew.gone == 2 * steps, "the requests of nonblocking calls are gone after each wait",
             "{} requests for {} steps", anew.gone, steps);
  pdc::check(once.gone == 0 && beside.gone == 0,
             "persistent requests are there after each wait, to be started again",
             "{} gone in {} steps", once.gone + beside.gone, steps);
  pdc::check(beside.number == after(half),
             "written beside the old number, the new one is sent in every second step only");
  pdc::check(anew.number == after(steps) && once.number == after(steps),
             "made in each step or once, a number comes one rank further in each step");
  return program.finish();
}
