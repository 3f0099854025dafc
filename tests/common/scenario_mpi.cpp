// SPDX-License-Identifier: MIT
/// MPI programs that must end in a certain way: `mpirun -np N scenario_mpi NAME [options]`, run by
/// the tests in processes of their own.

#include <unistd.h>

#include <array>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pdc/deadline.hpp"
#include "pdc/mpi.hpp"
#include "pdc/page.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

namespace {

using namespace std::chrono_literals;
using pdc::mpi::Session;

const pdc::Page page("scenario_mpi", "tests",
                     "// Scenario: how ranks end.\n//\n// Run  by tests\n");

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

/// Returns on the last rank; the others wait for a message that does not come.
void last_rank_only(const Session& mpi) {
  const int last = mpi.size() - 1;
  if (mpi.rank() == last) return;
  int never = 0;
  MPI_Recv(&never, 1, MPI_INT, last, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

void fail() {
  pdc::check(false, "the sum is right", "{} of {}", 3, 4);
}

void need() {
  pdc::require(false, "the sum is right", "{} of {}", 3, 4);
}

/// Each rank makes four claims, and one of them fails on no rank, on the last, on all, or elsewhere
/// than on rank 0, which does not make it.
void fails(pdc::Program&, const Session& mpi) {
  const bool last = mpi.rank() == mpi.size() - 1;
  pdc::check(true, "all came");
  pdc::check(!last, "the sum is right", "{} of {}", 3, 4);
  pdc::check(false, "all left", "{} left", mpi.rank());
  if (mpi.rank() > 0) pdc::check(false, "others speak");
}

void fails_on_the_last(pdc::Program&, const Session& mpi) {
  pdc::check(true, "all came");
  if (mpi.rank() == mpi.size() - 1) std::jthread{fail};  // joins here
}

/// Fails on the last rank, and then no rank comes to its end.
void fails_and_sticks(pdc::Program&, const Session& mpi) {
  if (mpi.rank() == mpi.size() - 1) fail();
  MPI_Barrier(MPI_COMM_WORLD);
  pdc::set_deadline(500ms);
  wait_for_ever();
}

void needs(pdc::Program&, const Session& mpi) {
  last_rank_only(mpi);
  need();
}

void needs_in_thread(pdc::Program&, const Session& mpi) {
  last_rank_only(mpi);
  const std::jthread thread(need);
  wait_for_ever();
}

void fails_in_child(pdc::Program&, const Session& mpi) {
  last_rank_only(mpi);
  const pdc::Child child(fail);
  wait_for_ever();
}

void throws(pdc::Program&, const Session& mpi) {
  last_rank_only(mpi);
  throw std::runtime_error("no luck");
}

void refuses(pdc::Program&, const Session& mpi) {
  last_rank_only(mpi);
  pdc::refuse("bind port 80: no; take another");
}

void rejects(pdc::Program& program, const Session&) {
  program.reject("--items 1: not here");
}

void wrong_call(pdc::Program&, const Session& mpi) {
  last_rank_only(mpi);
  MPI_Send(nullptr, 0, MPI_INT, 99, 1, MPI_COMM_WORLD);
}

void holds(pdc::Program& program, const Session& mpi) {
  pdc::say("told by {}", mpi.rank());
  pdc::mpi::say_by_rank("rank " + std::to_string(mpi.rank()));
  pdc::check(true, "the sum is right");
  program.report("count", 3, "items");
}

void draws(pdc::Program& program, const Session& mpi) {
  program.scene("to the right", [&] {
    const int number = mpi.rank();
    const int next = (mpi.rank() + 1) % mpi.size();
    int got = 0;
    MPI_Sendrecv(&number, 1, MPI_INT, next, 1, &got, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
    MPI_Barrier(MPI_COMM_WORLD);
  });
  pdc::check(true, "it is drawn");
}

void no_claim(pdc::Program&, const Session&) {}

/// Both wait for the other to send first.
void stuck(pdc::Program&, const Session& mpi) {
  MPI_Barrier(MPI_COMM_WORLD);
  pdc::set_deadline(500ms);
  int number = 0;
  MPI_Recv(&number, 1, MPI_INT, 1 - mpi.rank(), 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

void forgets_to_free(pdc::Program&, const Session&) {
  MPI_Datatype type = MPI_DATATYPE_NULL;
  MPI_Type_vector(2, 1, 2, MPI_INT, &type);
  pdc::check(true, "it looks fine");
}

/// The messages are small, so this MPI completes the sends and nobody notices.
void forgets_to_receive(pdc::Program&, const Session& mpi) {
  const int number = 1;
  if (mpi.rank() > 0) MPI_Send(&number, 1, MPI_INT, 0, 3, MPI_COMM_WORLD);
  pdc::check(true, "it looks fine");
}

/// Each takes itself for the root, and the messages are small: nobody waits for anybody.
void disagrees(pdc::Program&, const Session& mpi) {
  int number = 1;
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Bcast(&number, 1, MPI_INT, mpi.rank(), MPI_COMM_WORLD);
  pdc::check(true, "it looks fine");
}

/// The root calls, nobody else does, and the message is small.
void calls_alone(pdc::Program&, const Session& mpi) {
  int number = 1;
  if (mpi.rank() == 0) MPI_Bcast(&number, 1, MPI_INT, 0, MPI_COMM_WORLD);
  pdc::check(true, "it looks fine");
}

/// The same, among all but rank 0.
void differs_in_a_part(pdc::Program&, const Session& mpi) {
  int number = 1;
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, mpi.rank() == 0 ? MPI_UNDEFINED : 1, 0, &part);
  if (mpi.rank() == 1) MPI_Bcast(&number, 1, MPI_INT, 0, part);
  if (part != MPI_COMM_NULL) MPI_Comm_free(&part);
  pdc::check(true, "it looks fine");
}

/// Right only as long as the messages are buffered.
void sends_first(pdc::Program&, const Session& mpi) {
  const int number = 1;
  int got = 0;
  MPI_Send(&number, 1, MPI_INT, 1 - mpi.rank(), 3, MPI_COMM_WORLD);
  MPI_Recv(&got, 1, MPI_INT, 1 - mpi.rank(), 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  pdc::check(got == 1, "it came");
}

constexpr int threads = 4, rounds = 200;

/// All threads of each rank call at once, each on a communicator of its own.
void calls_from_threads(pdc::Program& program, const Session& mpi) {
  std::array<MPI_Comm, threads> comms{};
  std::array<int, threads> sums{};
  for (int i = 0; i < threads; i += 2) {  // of the same members, all of them
    MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]);
    MPI_Comm_split(MPI_COMM_WORLD, 0, 0, &comms[i + 1]);
  }
  program.scene("at once", [&] {
    std::vector<std::jthread> team;
    for (int i = 0; i < threads; ++i) {
      team.emplace_back([&, i, lane = pdc::Lane("rank {}, thread {}", mpi.rank(), i)] {
        const pdc::mpi::CallsIn row(lane);
        const int next = (mpi.rank() + 1) % mpi.size();
        for (int round = 0; round < rounds; ++round) {
          int got = 0;
          MPI_Request requests[2];
          MPI_Irecv(&got, 1, MPI_INT, MPI_ANY_SOURCE, round, comms[i], &requests[0]);
          MPI_Isend(&i, 1, MPI_INT, next, round, comms[i], &requests[1]);
          MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
          int sum = 0;
          MPI_Allreduce(&got, &sum, 1, MPI_INT, MPI_SUM, comms[i]);
          MPI_Bcast(&sum, 1, MPI_INT, i % mpi.size(), comms[i]);  // each in its own order
          sums[i] += sum;
        }
      });
    }
  });
  for (MPI_Comm& comm : comms) MPI_Comm_free(&comm);
  int right = 0;
  for (int i = 0; i < threads; ++i) right += sums[i] == rounds * i * mpi.size() ? 1 : 0;
  pdc::check(right == threads, "each thread has its own sum", "{}", right);
}

void needs_three(pdc::Program&, const Session& mpi) {
  mpi.need_ranks(3);
  pdc::check(true, "there are three");
}

const std::map<std::string, void (*)(pdc::Program&, const Session&)> scenarios = {
    {"calls_alone", calls_alone},
    {"calls_from_threads", calls_from_threads},
    {"differs_in_a_part", differs_in_a_part},
    {"disagrees", disagrees},
    {"draws", draws},
    {"fails", fails},
    {"fails_and_sticks", fails_and_sticks},
    {"fails_in_child", fails_in_child},
    {"fails_on_the_last", fails_on_the_last},
    {"forgets_to_free", forgets_to_free},
    {"forgets_to_receive", forgets_to_receive},
    {"holds", holds},
    {"needs", needs},
    {"needs_in_thread", needs_in_thread},
    {"needs_three", needs_three},
    {"no_claim", no_claim},
    {"refuses", refuses},
    {"rejects", rejects},
    {"sends_first", sends_first},
    {"stuck", stuck},
    {"throws", throws},
    {"wrong_call", wrong_call},
};

}  // namespace

int main(int argc, char** argv) {
  int provided = MPI_THREAD_SINGLE;
  if (argc > 1 && std::string(argv[1]) == "calls_from_threads")
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  const Session mpi(argc, argv);
  const auto scenario = scenarios.find(argc < 2 ? "" : argv[1]);
  if (scenario == scenarios.end()) return 99;
  pdc::Program program(argc - 1, argv + 1, {{"items", 4, "things to send", {1, 64}}});
  scenario->second(program, mpi);
  return program.finish();
}
