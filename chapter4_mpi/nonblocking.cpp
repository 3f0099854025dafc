// Nonblocking: start to receive and to send, work while the message travels, then wait.
//
// Concept   MPI_Irecv and MPI_Isend only start, and return a request. Until it is complete the
//           buffer is not yours: what stands in one to receive may be old, what stands in one to
//           send must stay. MPI_Test asks whether it is complete, MPI_Waitall waits for all.
// Shows     MPI_Irecv, MPI_Isend, MPI_Test, MPI_Waitall, MPI_Sendrecv
// Python    mpi4py comm.Irecv, comm.Isend, Request.Test, Request.Waitall
// Run       mpirun -np 4 nonblocking --numbers 100000
// You see   looked at too early, all numbers are old; ranks that work meanwhile hardly wait
// Next      master_worker gives work to whoever is free; heat exchanges the borders of a grid

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<int>;
using Requests = std::array<MPI_Request, 2>;

constexpr int numbers_tag = 1;
constexpr int old_value = -1;
constexpr int slices = 5;  // of work for each rank

/// Each rank sends to the right and receives from the left, in a ring.
struct Place {
  int me, left, right;
  const pdc::Lane& lane;
};

/// Different from each rank.
Numbers numbers_of(int rank, int count) {
  Numbers numbers(count);
  std::iota(numbers.begin(), numbers.end(), rank);
  return numbers;
}

/// Slices of work before a rank's numbers are ready: odd ranks are late, and have less to do later.
int slices_to_make(int rank) {
  return rank % 2 == 0 ? 1 : 4;
}

void play(const Place& place, const char* what) {
  const auto work = place.lane.work("{}", what);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays a slice of work
}

Numbers make_numbers(const Place& place, int count) {
  for (int i = 0; i < slices_to_make(place.me); ++i) play(place, "makes");
  return numbers_of(place.me, count);
}

Numbers exchange_then_work(const Place& place, int count) {
  const Numbers out = make_numbers(place, count);
  Numbers in(count, old_value);
  MPI_Sendrecv(out.data(), count, MPI_INT, place.right, numbers_tag,  //
               in.data(), count, MPI_INT, place.left, numbers_tag,    //
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  for (int i = slices_to_make(place.me); i < slices; ++i) play(place, "works");
  return in;
}

/// Wrong on purpose: the buffer is read while MPI owns it.
Numbers look_too_early(const Numbers& in) {
  Numbers seen = in;
  MPI_Barrier(MPI_COMM_WORLD);  // forced: no rank sends before all have looked
  return seen;
}

struct Seen {
  Numbers early;
  Requests requests;
};

Seen work_meanwhile(const Place& place, Numbers& in) {
  const int count = static_cast<int>(in.size());
  Requests requests;
  auto& [receive, send] = requests;
  MPI_Irecv(in.data(), count, MPI_INT, place.left, numbers_tag, MPI_COMM_WORLD, &receive);
  const Numbers early = look_too_early(in);
  const Numbers out = make_numbers(place, count);
  MPI_Isend(out.data(), count, MPI_INT, place.right, numbers_tag, MPI_COMM_WORLD, &send);
  for (int i = slices_to_make(place.me); i < slices; ++i) {
    play(place, "works");
    int complete = 0;
    MPI_Test(&receive, &complete, MPI_STATUS_IGNORE);  // lets MPI go on in between
  }
  MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE);
  return {early, requests};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"numbers", 100'000, "numbers in a message", {1, 1'000'000}}});
  const int count = program.integer("numbers"), ranks = mpi.size(), me = mpi.rank();
  const Place place{me, (me + ranks - 1) % ranks, (me + 1) % ranks, mpi.lane()};

  const Numbers waited = program.scene("exchange, then work", exchange_then_work, place, count);
  Numbers in(count, old_value);
  const Seen seen = program.scene("work meanwhile", work_meanwhile, place, std::ref(in));

  const Numbers sent = numbers_of(place.left, count);
  pdc::check(waited == sent, "after the blocking exchange, the numbers are those that were sent");
  pdc::check(seen.early == Numbers(count, old_value),
             "before the receive is complete, the numbers are the old ones");
  pdc::check(seen.requests == Requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL},
             "after MPI_Waitall, both requests are complete");
  pdc::check(in == sent, "after MPI_Waitall, the numbers are those that were sent");
  return program.finish();
}
