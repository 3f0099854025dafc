// Completions: of many requests, the one that is complete first is handled first.
//
// Concept   A rank that waits for requests in an order of its own may wait for the slowest first,
//           and all that has come meanwhile lies there. MPI_Waitany waits for whichever is complete
//           first, and tells which it is; MPI_Waitsome waits for at least one, and tells them all.
// Shows     MPI_Irecv, MPI_Wait, MPI_Waitany, MPI_Waitsome, MPI_Request_get_status
// Python    mpi4py Request.Wait, Request.Waitany, Request.Waitsome
// Run       mpirun -np 4 completions
// You see   in the order of the ranks the slow one is handled first, as they come it is the last
// Next      master_worker gives new work to whoever has sent a result

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <ranges>
#include <span>
#include <thread>
#include <vector>

namespace {

using Requests = std::span<MPI_Request>;
using Places = std::vector<int>;  // in a list of requests
using Wait = Places(Requests);

constexpr int root = 0;
constexpr int slow = 1;  // this rank's result comes last
constexpr int result_tag = 1, word_tag = 2;

/// The slow rank is let go when the root waits for nobody else: so it is slower than all that the
/// root can do meanwhile.
void let_go_if_alone(Requests awaited, MPI_Request of_slow) {
  const auto others = [=](MPI_Request r) { return r != MPI_REQUEST_NULL && r != of_slow; };
  if (of_slow == MPI_REQUEST_NULL || std::ranges::any_of(awaited, others)) return;
  MPI_Send(nullptr, 0, MPI_INT, slow, word_tag, MPI_COMM_WORLD);
}

/// Wrong on purpose: waits for the first that is left, whatever else has come.
Places wait_for_first(Requests all) {
  int place = 0;
  while (all[place] == MPI_REQUEST_NULL) ++place;
  let_go_if_alone(all.subspan(place, 1), all[slow - 1]);
  MPI_Wait(&all[place], MPI_STATUS_IGNORE);
  return {place};
}

Places wait_for_any(Requests all) {
  int place = MPI_UNDEFINED;
  let_go_if_alone(all, all[slow - 1]);
  MPI_Waitany(static_cast<int>(all.size()), all.data(), &place, MPI_STATUS_IGNORE);
  return {place};
}

/// All that are complete by now, and at least one.
Places wait_for_some(Requests all) {
  int size = static_cast<int>(all.size()), count = 0;
  Places places(size);
  let_go_if_alone(all, all[slow - 1]);
  for (int i = 0; i < size; ++i) {  // forced: all but the slow one are complete
    int done = i == slow - 1 ? 1 : 0;
    while (done == 0) MPI_Request_get_status(all[i], &done, MPI_STATUS_IGNORE);
  }
  MPI_Waitsome(size, all.data(), &count, places.data(), MPI_STATUSES_IGNORE);
  places.resize(count);
  return places;
}

/// On the root: the ranks in the order in which their results were handled, after how many waits,
/// and how many receives had begun before that of the slow one, as that knows.
struct Handled {
  std::vector<int> ranks;
  int waits = 0, before_slow = 0;
};

Handled handle(const pdc::mpi::Session& mpi, Wait& wait) {
  const int workers = mpi.size() - 1;
  std::vector<int> results(workers);
  std::vector<MPI_Request> requests(workers, MPI_REQUEST_NULL);
  for (int i = 0; i < workers; ++i)
    MPI_Irecv(&results[i], 1, MPI_INT, i + 1, result_tag, MPI_COMM_WORLD, &requests[i]);
  Handled handled;
  while (std::ssize(handled.ranks) < workers) {
    ++handled.waits;
    for (const int place : wait(requests)) {
      if (place + 1 == slow && handled.ranks.empty()) pdc::fault("the others have come");
      const auto work = mpi.lane().work("handles {}", place + 1);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays it
      handled.ranks.push_back(place + 1);
    }
  }
  handled.before_slow = results[slow - 1];
  pdc::say("handled in this order: {}", pdc::join(handled.ranks));
  return handled;
}

/// Each of the others says to the slow rank that its receive has begun, and the root lets it go.
int hear_words(int ranks) {
  int results = 0;
  for (int word = 1; word < ranks; ++word) {
    MPI_Status status;
    MPI_Recv(nullptr, 0, MPI_INT, MPI_ANY_SOURCE, word_tag, MPI_COMM_WORLD, &status);
    if (status.MPI_SOURCE != root) ++results;
  }
  return results;
}

Handled collect(const pdc::mpi::Session& mpi, Wait& wait) {
  const int me = mpi.rank();
  if (me == root) return handle(mpi, wait);
  const int before = me == slow ? hear_words(mpi.size()) : 0;
  MPI_Ssend(&before, 1, MPI_INT, root, result_tag, MPI_COMM_WORLD);  // over when its receive begins
  if (me != slow) MPI_Send(nullptr, 0, MPI_INT, slow, word_tag, MPI_COMM_WORLD);
  return {};
}

bool has_each_once(const Handled& handled, int workers) {
  return std::ranges::is_permutation(handled.ranks, std::views::iota(1, workers + 1));
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(3);  // the root, the slow one, and another
  const Handled first = program.scene("in the order of the ranks", collect, mpi, wait_for_first);
  const Handled any = program.scene("as they come", collect, mpi, wait_for_any);
  const Handled some = program.scene("all that have come", collect, mpi, wait_for_some);

  if (mpi.rank() == root) {
    const int workers = mpi.size() - 1;
    pdc::check(first.ranks.front() == slow && first.before_slow == workers - 1,
               "in the order of the ranks, the result that comes last is handled first",
               "{} receives had begun before it", first.before_slow);
    pdc::check(any.ranks.back() == slow,
               "with MPI_Waitany, the result that comes last is handled last");
    pdc::check(some.ranks.back() == slow,
               "with MPI_Waitsome, the result that comes last is handled last");
    pdc::check(some.waits == 2,
               "MPI_Waitsome tells all that are complete in one call, so two calls are enough");
    pdc::check(has_each_once(first, workers) && has_each_once(any, workers) &&
                   has_each_once(some, workers),
               "each result is handled once, in all three ways");
  }
  return program.finish();
}
