// Nonblocking: start to receive and to send, work while the message travels, then wait.
//
// Concept   MPI_Irecv and MPI_Isend only start, and return a request. Until it is complete the
//           buffer is not yours: what stands in one to receive may be old, what stands in one to
//           send must stay. MPI_Test asks whether it is complete, MPI_Waitall waits for all.
// Shows     MPI_Irecv, MPI_Isend, MPI_Test, MPI_Waitall, MPI_Sendrecv
// Python    mpi4py comm.Irecv, comm.Isend, Request.Test, Request.Waitall
// Run       mpirun -np 4 nonblocking --numbers 100000
// You see   looked at too early all numbers are old; who works meanwhile hardly has to wait
// Next      master_worker gives work to whoever is free; heat exchanges the borders of a grid

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<int>;
using Requests = std::array<MPI_Request, 2>;

constexpr int numbers_tag = 1;
constexpr int looked_tag = 2;
constexpr int old_value = -1;
constexpr int slices = 5;  // of work for each rank

/// The rank so many places further in the ring; -1: the one before.
int beside(const pdc::mpi::Session& mpi, int steps) {
  return (mpi.rank() + mpi.size() + steps) % mpi.size();
}

/// Different from each rank.
Numbers numbers_of(int rank, int count) {
  Numbers numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), rank);
  return numbers;
}

void play(const pdc::Lane& lane, const char* what) {
  const auto work = lane.work("{}", what);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays a slice of work
}

struct Received {
  Numbers in, seen_early;
  Requests requests;
};

Received exchange_then_work(const pdc::mpi::Session& mpi, int count) {
  const int to_make = mpi.rank() % 2 == 0 ? 1 : 4;  // odd ranks are late, and then have less to do
  for (int i = 0; i < to_make; ++i) play(mpi.lane(), "makes");
  const Numbers out = numbers_of(mpi.rank(), count);
  Received got{Numbers(out.size(), old_value), {}, {}};
  MPI_Sendrecv(out.data(), count, MPI_INT, beside(mpi, 1), numbers_tag,      // to the right
               got.in.data(), count, MPI_INT, beside(mpi, -1), numbers_tag,  // from the left
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  for (int i = to_make; i < slices; ++i) play(mpi.lane(), "works");
  return got;
}

Received work_meanwhile(const pdc::mpi::Session& mpi, int count) {
  Received got{Numbers(static_cast<std::size_t>(count), old_value), {}, {}};
  auto& [receive, send] = got.requests;
  MPI_Irecv(got.in.data(), count, MPI_INT, beside(mpi, -1), numbers_tag, MPI_COMM_WORLD, &receive);
  int complete = 0;
  MPI_Test(&receive, &complete, MPI_STATUS_IGNORE);
  if (complete == 0) got.seen_early = got.in;                     // wrong on purpose
  MPI_Sendrecv(nullptr, 0, MPI_INT, beside(mpi, -1), looked_tag,  // forced: sent after the look
               nullptr, 0, MPI_INT, beside(mpi, 1), looked_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  const int to_make = mpi.rank() % 2 == 0 ? 1 : 4;
  for (int i = 0; i < to_make; ++i) play(mpi.lane(), "makes");
  const Numbers out = numbers_of(mpi.rank(), count);
  MPI_Isend(out.data(), count, MPI_INT, beside(mpi, 1), numbers_tag, MPI_COMM_WORLD, &send);
  for (int i = to_make; i < slices; ++i) {
    play(mpi.lane(), "works");
    MPI_Test(&receive, &complete, MPI_STATUS_IGNORE);  // lets MPI go on in between
  }
  MPI_Waitall(2, got.requests.data(), MPI_STATUSES_IGNORE);
  return got;
}

void say_times(const pdc::mpi::Session& mpi, int count) {
  std::vector<pdc::Variant> ways;
  for (const auto run : {exchange_then_work, work_meanwhile}) {
    ways.push_back({"", mpi.size(), [&mpi, count, run] {
                      run(mpi, count);
                      MPI_Barrier(MPI_COMM_WORLD);  // until the last rank is done
                    }});
  }
  pdc::say("\nthe exchange, then the work, and the work meanwhile");
  for (const pdc::Timing& time : pdc::time_in_turns(ways, 5))
    pdc::say("  median {}, at best {}", pdc::time_text(time.median), pdc::time_text(time.lowest));
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"numbers", 100'000, "numbers in a message", {1, 1'000'000}}});
  const int count = program.integer("numbers");

  const Received waited = program.scene("exchange, then work", exchange_then_work, mpi, count);
  const Received got = program.scene("work meanwhile", work_meanwhile, mpi, count);
  say_times(mpi, count);

  const Numbers old(got.in.size(), old_value);
  const Numbers sent = numbers_of(beside(mpi, -1), count);
  const Requests complete{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  pdc::check(got.seen_early == old, "seen too early, all numbers are old");
  pdc::check(got.requests == complete, "after MPI_Waitall both requests are complete");
  pdc::check(got.in == sent, "all numbers are those that were sent");
  pdc::check(waited.in == sent, "as they are after a blocking exchange");
  return program.finish();
}
