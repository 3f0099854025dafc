// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "mpi/ledger.hpp"
#include "mpi/recorder.hpp"
#include "mpi/wrapper.hpp"
#include "mpi_main.hpp"
#include "picture/picture.hpp"
#include "picture/recording.hpp"
#include "run/world.hpp"

// Further calls, a line for each. When a page calls one, its line moves to mpi/calls.cpp.
namespace pdc::mpi::detail {
extern "C" {

PDC_WRAP(Ibsend, 7, send)
PDC_WRAP(Ibcast, 6, rooted<pdc::detail::Collective::loose>)
PDC_WRAP(Reduce_local, 5, span<Kind::work>)

}  // extern "C"
}  // namespace pdc::mpi::detail

namespace {

using pdc::Kind;
using pdc::detail::Collective;
using pdc::detail::Picture;
using pdc::detail::RawBar;
using pdc::detail::Recording;

constexpr int tag = 5;

int size() {
  return session().size();
}
int rank() {
  return session().rank();
}
int last_rank() {
  return size() - 1;
}
bool is_first() {
  return rank() == 0;
}
int right_of(int place, int places) {
  return (place + 1) % places;
}
int left_of(int place, int places) {
  return (place + places - 1) % places;
}

/// What all ranks record while `body` runs: on rank 0, nothing elsewhere.
template <class Body>
Recording record(Body body) {
  const std::uint32_t first = pdc::detail::arena.load()->records.load();
  body();
  return pdc::detail::world().gather(pdc::detail::read_arena(first));
}

/// The bars of each rank's own lane, by their beginnings. Empty but on rank 0.
std::map<int, std::vector<RawBar>> bars_by_rank(const Recording& recording) {
  std::map<int, std::vector<RawBar>> result;
  for (const RawBar& bar : recording.bars)
    result[recording.lanes.at(bar.lane).process].push_back(bar);
  for (auto& [rank, bars] : result) {
    std::stable_sort(bars.begin(), bars.end(),
                     [](const RawBar& a, const RawBar& b) { return a.begin < b.begin; });
  }
  return result;
}

std::vector<std::string> labels(const std::vector<RawBar>& bars) {
  std::vector<std::string> result;
  for (const RawBar& bar : bars) result.emplace_back(bar.label.data());
  return result;
}

std::vector<RawBar> of_kind(const std::vector<RawBar>& bars, Kind kind) {
  std::vector<RawBar> result;
  std::copy_if(bars.begin(), bars.end(), std::back_inserter(result),
               [=](const RawBar& bar) { return bar.kind == kind; });
  return result;
}

/// Arrows as (from rank, its time, to rank, its time), in the time of the picture.
using Flight = std::tuple<int, std::int64_t, int, std::int64_t>;

std::multiset<Flight> flights(const Recording& recording) {
  const Picture picture = pdc::detail::assemble("", recording);
  std::multiset<Flight> result;
  for (const auto& arrow : picture.arrows) {
    result.emplace(picture.rows.at(arrow.from_row).process, arrow.from,
                   picture.rows.at(arrow.to_row).process, arrow.to);
  }
  return result;
}

Flight flight(const Recording& recording, int from, const RawBar& send, int to,
              const RawBar& receive) {
  const std::int64_t zero =
      std::min_element(recording.bars.begin(), recording.bars.end(),
                       [](const RawBar& a, const RawBar& b) { return a.begin < b.begin; })
          ->begin;
  // Two clocks agree to some microseconds only; and still no message arrives before it is sent.
  return {from, send.begin - zero, to, std::max(send.begin, receive.end) - zero};
}

void expect_no_overlap(const Recording& recording) {
  for (const auto& row : pdc::detail::assemble("", recording).rows) {
    const auto bars = pdc::detail::flatten(row);
    for (std::size_t i = 1; i < bars.size(); ++i) EXPECT_LE(bars[i - 1].end, bars[i].begin);
  }
}

// The session.

TEST(Session, KnowsItsRankAndTheirNumber) {
  int number = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &number);
  EXPECT_EQ(rank(), number);
  MPI_Comm_size(MPI_COMM_WORLD, &number);
  EXPECT_EQ(size(), number);
}

// The clocks.

/// How far the clock of this rank is wrong: forward on some, back on others, by hours.
std::int64_t error_of_clock() {
  constexpr std::int64_t hour = 3'600'000'000'000;
  return (rank() % 2 == 0 ? hour : -hour) * rank() + rank();
}

TEST(Clock, OffsetsOnOneHostAreNone) {
  const auto [offset, doubt] = pdc::mpi::detail::clock_offset();
  EXPECT_LE(std::abs(offset), doubt);
}

TEST(Clock, FalseOnesAreFoundWithinTheDoubt) {
  const auto [offset, doubt] =
      pdc::mpi::detail::clock_offset([] { return pdc::detail::now_ns() + error_of_clock(); });
  EXPECT_LE(std::abs(offset + error_of_clock()), doubt);
}

/// Nanoseconds there, and again back, of a made-up journey: the one of this round is the shortest.
constexpr int shortest_round = 17;
constexpr std::int64_t shortest_way = 100;
std::int64_t way(int round) {
  return shortest_way + 10 * std::abs(round - shortest_round);
}

TEST(Clock, TheShortestRoundTripDecides) {
  constexpr int rounds = 40;
  constexpr std::int64_t late = 30;  // the answer of the shortest round, within its doubt
  static int calls;
  calls = 0;
  const auto [offset, doubt] = pdc::mpi::detail::clock_offset([]() -> std::int64_t {
    const int call = calls++;
    const int round = (rank() == 0 ? call / 2 : call) % rounds;
    const std::int64_t sent = std::int64_t{10'000} * round;
    if (rank() == 0) return call % 2 == 0 ? sent : sent + 2 * way(round);
    return sent + way(round) + error_of_clock() + (round == shortest_round ? late : way(round));
  });
  EXPECT_EQ(offset, rank() == 0 ? 0 : -error_of_clock() - late);
  EXPECT_EQ(doubt, rank() == 0 ? 0 : shortest_way);
}

// The gathering.

TEST(Gather, BringsEverySpanOfEveryRankOnce) {
  constexpr int steps = 300;
  const pdc::Lane worker("worker {}", rank());
  const Recording all = record([&] {
    for (int i = 0; i < steps; ++i) {
      const auto span =
          (i % 2 == 0 ? worker : session().lane()).span(static_cast<Kind>(i % 5), "step {}", i);
    }
  });
  if (!is_first()) return;
  std::map<std::pair<int, std::string>, int> seen;
  for (const RawBar& bar : all.bars) {
    const auto& lane = all.lanes.at(bar.lane);
    EXPECT_LE(bar.begin, bar.end);
    const int step = std::stoi(bar.label.data() + 5);
    EXPECT_EQ(bar.kind, static_cast<Kind>(step % 5));
    const std::string row = (step % 2 == 0 ? "worker " : "rank ") + std::to_string(lane.process);
    EXPECT_EQ(lane.name.data(), row);
    ++seen[{lane.process, bar.label.data()}];
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(steps * size()));
  for (const auto& [what, times] : seen) EXPECT_EQ(times, 1) << what.first << " " << what.second;

  std::vector<std::string> expected;
  for (const char* row : {"rank ", "worker "}) {
    for (int i = 0; i < size(); ++i) expected.push_back(row + std::to_string(i));
  }
  std::vector<std::string> names;
  for (const auto& row : pdc::detail::assemble("", all).rows) names.push_back(row.name);
  EXPECT_EQ(names, expected);
}

TEST(Gather, BringsMarksAndTheNumberOfThoseDropped) {
  Recording mine = pdc::detail::read_arena(pdc::detail::arena.load()->records.load());
  mine.dropped = static_cast<std::uint32_t>(rank() + 1);
  RawBar mark{};
  mark.lane = pdc::detail::none;
  mine.bars.push_back(mark);
  const Recording all = pdc::detail::world().gather(mine);
  if (!is_first()) return;
  EXPECT_EQ(all.dropped, static_cast<std::uint32_t>(size() * (size() + 1) / 2));
  ASSERT_EQ(all.bars.size(), static_cast<std::size_t>(size()));
  for (const RawBar& bar : all.bars) EXPECT_EQ(bar.lane, pdc::detail::none);
}

TEST(Recorder, RecordsNothingWhilePausedAndNothingOfItsOwn) {
  const Recording all = record([] {
    const pdc::detail::Paused paused;
    MPI_Barrier(MPI_COMM_WORLD);
    int number = rank();
    MPI_Bcast(&number, 1, MPI_INT, 0, MPI_COMM_WORLD);
  });
  EXPECT_TRUE(all.bars.empty());
  EXPECT_TRUE(record([] { pdc::mpi::say_by_rank("rank " + std::to_string(rank())); }).bars.empty());
}

// Messages. Each test says what was recorded on which rank, and which arrows that makes.

TEST(Messages, SendsAndReceivesAreJoinedInTheirOrder) {
  constexpr int count = 3;
  const Recording all = record([] {
    for (int from = 1; from < size() && is_first(); ++from) {
      for (int i = 0; i < count; ++i) {
        int got = -1;
        MPI_Recv(&got, 1, MPI_INT, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        EXPECT_EQ(got, 10 * from + i);
      }
    }
    for (int i = 0; i < count && !is_first(); ++i) {
      const int number = 10 * rank() + i;
      if (i % 2 == 0) MPI_Send(&number, 1, MPI_INT, 0, tag, MPI_COMM_WORLD);
      if (i % 2 == 1) MPI_Ssend(&number, 1, MPI_INT, 0, tag, MPI_COMM_WORLD);
    }
  });
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  std::vector<std::string> receives;
  for (int from = 1; from < size(); ++from) {
    EXPECT_EQ(labels(bars[from]),
              (std::vector<std::string>{"Send to 0", "Ssend to 0", "Send to 0"}));
    for (std::size_t i = 0; i < count; ++i) {
      receives.push_back("Recv from " + std::to_string(from));
      expected.insert(flight(all, from, bars[from][i], 0, bars[0].at(receives.size() - 1)));
    }
  }
  EXPECT_EQ(labels(bars[0]), receives);
  EXPECT_EQ(flights(all), expected);
}

TEST(Messages, OfAnySourceAndTagAreNamedAndJoinedWhenTheyHaveCome) {
  std::vector<int> sources;
  const Recording all = record([&] {
    const int number = 100 * rank();
    if (!is_first()) MPI_Send(&number, 1, MPI_INT, 0, rank(), MPI_COMM_WORLD);
    for (int i = 1; i < size() && is_first(); ++i) {
      int got = -1;
      MPI_Status status;
      MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
      EXPECT_EQ(got, 100 * status.MPI_SOURCE);
      EXPECT_EQ(status.MPI_TAG, status.MPI_SOURCE);
      sources.push_back(status.MPI_SOURCE);
    }
  });
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  ASSERT_EQ(bars[0].size(), sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    EXPECT_EQ(bars[0][i].label.data(), "Recv from " + std::to_string(sources[i]));
    expected.insert(flight(all, sources[i], bars[sources[i]].at(0), 0, bars[0][i]));
  }
  EXPECT_EQ(flights(all), expected);
}

TEST(Messages, OfDifferentTagsDoNotMix) {
  const Recording all = record([] {
    if (rank() == 1) {
      for (const int number : {1, 2}) MPI_Send(&number, 1, MPI_INT, 0, number, MPI_COMM_WORLD);
    }
    if (is_first() && size() > 1) {
      for (const int wanted : {2, 1}) {  // the second one first
        int got = 0;
        MPI_Recv(&got, 1, MPI_INT, 1, wanted, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        EXPECT_EQ(got, wanted);
      }
    }
  });
  if (!is_first() || size() == 1) return;
  auto bars = bars_by_rank(all);
  EXPECT_EQ(flights(all), (std::multiset<Flight>{flight(all, 1, bars[1].at(0), 0, bars[0].at(1)),
                                                 flight(all, 1, bars[1].at(1), 0, bars[0].at(0))}));
}

/// Every rank sends its number to the right and receives from the left; `finish` completes the two
/// requests, the receive's first.
template <class Finish>
Recording pass_on(Finish finish) {
  return record([&] {
    int number = rank();
    int got = -1;
    MPI_Request requests[2];
    MPI_Irecv(&got, 1, MPI_INT, left_of(rank(), size()), tag, MPI_COMM_WORLD, &requests[0]);
    MPI_Isend(&number, 1, MPI_INT, right_of(rank(), size()), tag, MPI_COMM_WORLD, &requests[1]);
    finish(requests);
    EXPECT_EQ(got, left_of(rank(), size()));
    EXPECT_EQ(requests[0], MPI_REQUEST_NULL);
    EXPECT_EQ(requests[1], MPI_REQUEST_NULL);
  });
}

/// Each rank has its Isend, its Irecv, and the waits given; every Isend is joined with its Irecv.
void expect_passed_on(const Recording& all, std::multiset<std::string> waits) {
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  for (int i = 0; i < size(); ++i) {
    const int right = right_of(i, size());
    std::multiset<std::string> names = waits;
    names.insert("Isend to " + std::to_string(right));
    names.insert("Irecv from " + std::to_string(left_of(i, size())));
    const std::vector<std::string> found = labels(bars[i]);
    EXPECT_EQ(std::multiset<std::string>(found.begin(), found.end()), names) << "rank " << i;
    expected.insert(flight(all, i, of_kind(bars[i], Kind::send).at(0), right,
                           of_kind(bars[right], Kind::receive).at(0)));
  }
  EXPECT_EQ(flights(all), expected);
  expect_no_overlap(all);
}

TEST(Requests, AreCompletedByWait) {
  expect_passed_on(pass_on([](MPI_Request* requests) {
                     MPI_Status status;
                     MPI_Wait(&requests[0], &status);
                     EXPECT_EQ(status.MPI_SOURCE, left_of(rank(), size()));
                     MPI_Wait(&requests[1], MPI_STATUS_IGNORE);
                   }),
                   {"Wait", "Wait"});
}

TEST(Requests, AreCompletedByWaitall) {
  expect_passed_on(pass_on([](MPI_Request* requests) {
                     MPI_Status statuses[2];
                     MPI_Waitall(2, requests, statuses);
                     EXPECT_EQ(statuses[0].MPI_SOURCE, left_of(rank(), size()));
                     EXPECT_EQ(statuses[0].MPI_TAG, tag);
                   }),
                   {"Waitall"});
  expect_passed_on(
      pass_on([](MPI_Request* requests) { MPI_Waitall(2, requests, MPI_STATUSES_IGNORE); }),
      {"Waitall"});
}

TEST(Requests, AreCompletedByTest) {
  expect_passed_on(pass_on([](MPI_Request* requests) {
                     for (int i = 0; i < 2; ++i) {
                       for (int done = 0; done == 0;)
                         MPI_Test(&requests[i], &done, MPI_STATUS_IGNORE);
                     }
                   }),
                   {});
}

TEST(Requests, AreCompletedByWaitany) {
  expect_passed_on(pass_on([](MPI_Request* requests) {
                     int places[3] = {MPI_UNDEFINED, MPI_UNDEFINED, MPI_UNDEFINED};
                     for (int& place : places) MPI_Waitany(2, requests, &place, MPI_STATUS_IGNORE);
                     EXPECT_EQ(places[0] + places[1], 1);  // each once
                     EXPECT_EQ(places[2], MPI_UNDEFINED);
                   }),
                   {"Waitany", "Waitany", "Waitany"});
}

TEST(Requests, AreCompletedByWaitsome) {
  const int number = rank();
  int got = -1;
  const Recording all = record([&] {
    MPI_Request requests[2];
    MPI_Irecv(&got, 1, MPI_INT, left_of(rank(), size()), tag, MPI_COMM_WORLD, &requests[0]);
    MPI_Isend(&number, 1, MPI_INT, right_of(rank(), size()), tag, MPI_COMM_WORLD, &requests[1]);
    int some = 0, done = 0, places[2];
    while (done < 2) {
      MPI_Waitsome(2, requests, &some, places, MPI_STATUSES_IGNORE);
      done += some;
    }
    MPI_Waitsome(2, requests, &some, places, MPI_STATUSES_IGNORE);
    EXPECT_EQ(some, MPI_UNDEFINED);
  });
  EXPECT_EQ(got, left_of(rank(), size()));
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  for (int i = 0; i < size(); ++i) {
    const int right = right_of(i, size());
    expected.insert(flight(all, i, of_kind(bars[i], Kind::send).at(0), right,
                           of_kind(bars[right], Kind::receive).at(0)));
  }
  EXPECT_EQ(flights(all), expected);
}

TEST(Requests, ThatArePersistentAreOfOneMessageEachTime) {
  int number = rank(), got = -1;
  const int left_one = left_of(rank(), size()), right_one = right_of(rank(), size());
  MPI_Request requests[2];
  MPI_Recv_init(&got, 1, MPI_INT, left_one, tag, MPI_COMM_WORLD, &requests[0]);
  MPI_Send_init(&number, 1, MPI_INT, right_one, tag, MPI_COMM_WORLD, &requests[1]);
  const Recording all = record([&] {
    for (int i = 0; i < 2; ++i) {
      MPI_Startall(2, requests);
      MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
      EXPECT_EQ(got, left_one + i);
      ++number;
    }
  });
  for (MPI_Request& request : requests) MPI_Request_free(&request);
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  for (int i = 0; i < size(); ++i) {
    const int right = right_of(i, size());
    const auto sends = of_kind(bars[i], Kind::send);
    const auto receives = of_kind(bars[right], Kind::receive);
    ASSERT_EQ(sends.size(), 2U);
    ASSERT_EQ(receives.size(), 2U);
    for (int j = 0; j < 2; ++j) expected.insert(flight(all, i, sends[j], right, receives[j]));
    EXPECT_EQ(sends[0].label.data(), "Startall to " + std::to_string(right));
  }
  EXPECT_EQ(flights(all), expected);
}

TEST(Requests, AreJoinedInTheOrderOfTheirPostingNotOfTheirWaits) {
  int numbers[2] = {1, 2};
  int got[2] = {0, 0};
  const Recording all = record([&] {
    MPI_Request receives[2];
    MPI_Request sends[2];
    for (int i = 0; i < 2; ++i) {
      MPI_Irecv(&got[i], 1, MPI_INT, left_of(rank(), size()), tag, MPI_COMM_WORLD, &receives[i]);
    }
    for (int i = 0; i < 2; ++i) {
      MPI_Isend(&numbers[i], 1, MPI_INT, right_of(rank(), size()), tag, MPI_COMM_WORLD, &sends[i]);
    }
    MPI_Wait(&receives[1], MPI_STATUS_IGNORE);
    MPI_Wait(&receives[0], MPI_STATUS_IGNORE);
    MPI_Waitall(2, sends, MPI_STATUSES_IGNORE);
  });
  EXPECT_EQ(got[0], 1);
  EXPECT_EQ(got[1], 2);
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  for (int i = 0; i < size(); ++i) {
    const int right = right_of(i, size());
    const auto sends = of_kind(bars[i], Kind::send);
    const auto receives = of_kind(bars[right], Kind::receive);
    ASSERT_EQ(sends.size(), 2U);
    ASSERT_EQ(receives.size(), 2U);
    expected.insert(flight(all, i, sends[0], right, receives[1]));
    expected.insert(flight(all, i, sends[1], right, receives[0]));
  }
  EXPECT_EQ(flights(all), expected);
}

/// Every member sends its number in the world to the right, and receives from any.
void send_receive(MPI_Comm comm) {
  int place = 0;
  int places = 0;
  MPI_Comm_rank(comm, &place);
  MPI_Comm_size(comm, &places);
  const int number = rank();
  int got = -1;
  MPI_Status status;
  MPI_Sendrecv(&number, 1, MPI_INT, right_of(place, places), tag, &got, 1, MPI_INT, MPI_ANY_SOURCE,
               tag, comm, &status);
  EXPECT_EQ(status.MPI_SOURCE, left_of(place, places));
}

TEST(Sendrecv, HasASendAndAReceiveThatDoNotOverlap) {
  for (int late = 0; late < size(); ++late) {
    const Recording all = record([=] {
      constexpr std::chrono::milliseconds lateness(5);
      if (rank() == late) std::this_thread::sleep_for(lateness);  // plays a late one
      send_receive(MPI_COMM_WORLD);
    });
    expect_no_overlap(all);
    if (!is_first()) continue;
    auto bars = bars_by_rank(all);
    std::multiset<Flight> expected;
    for (int i = 0; i < size(); ++i) {
      const int right = right_of(i, size());
      EXPECT_EQ(bars[i].size(), 2U);
      expected.insert(flight(all, i, of_kind(bars[i], Kind::send).at(0), right,
                             of_kind(bars[right], Kind::receive).at(0)));
    }
    EXPECT_EQ(flights(all), expected);
  }
}

TEST(Messages, WithNobodyAreNone) {
  const Recording all = record([] {
    const int number = 7;
    int got = 0;
    MPI_Sendrecv(&number, 1, MPI_INT, MPI_PROC_NULL, tag, &got, 1, MPI_INT, MPI_PROC_NULL, tag,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  });
  if (!is_first()) return;
  EXPECT_EQ(flights(all), std::multiset<Flight>());
}

TEST(Communicators, WithTheSameTagDoNotMix) {
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, rank() % 2, -rank(), &half);  // in the opposite order
  const Recording all = record([=] {
    for (MPI_Comm comm : {half, MPI_COMM_WORLD, half}) send_receive(comm);
  });
  MPI_Comm_free(&half);
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  const auto expect = [&](std::size_t call, const std::vector<int>& members) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      const int from = members[i];
      const int to = members[(i + 1) % members.size()];
      expected.insert(flight(all, from, of_kind(bars[from], Kind::send).at(call), to,
                             of_kind(bars[to], Kind::receive).at(call)));
    }
  };
  std::vector<int> world(static_cast<std::size_t>(size()));
  std::iota(world.begin(), world.end(), 0);
  expect(1, world);
  for (const int parity : {0, 1}) {
    std::vector<int> members;
    std::copy_if(world.rbegin(), world.rend(), std::back_inserter(members),
                 [=](int member) { return member % 2 == parity; });
    expect(0, members);
    expect(2, members);
  }
  EXPECT_EQ(flights(all), expected);
}

TEST(Probe, IsAWait) {
  const Recording all = record([] {
    const int number = rank();
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(&number, 1, MPI_INT, right_of(rank(), size()), tag, MPI_COMM_WORLD, &request);
    MPI_Status status;
    MPI_Probe(MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, &status);
    int got = -1;
    MPI_Recv(&got, 1, MPI_INT, status.MPI_SOURCE, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    EXPECT_EQ(got, left_of(rank(), size()));
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  });
  for (auto& [place, bars] : bars_by_rank(all)) {
    ASSERT_EQ(bars.size(), 4U);
    EXPECT_EQ(bars[1].kind, Kind::wait);
    EXPECT_TRUE(std::string(bars[1].label.data()).starts_with("Probe"));
  }
}

// What is left unsettled. Each test leaves something, asks, and settles it.

std::string left() {
  return pdc::mpi::detail::audit();
}

/// On rank 0 that text, elsewhere nothing; and nothing anywhere once `settle` has been called.
template <class Settle>
void expect_left(const std::string& text, Settle settle) {
  EXPECT_EQ(left(), is_first() ? text : "");
  settle();
  EXPECT_EQ(left(), "");
}

TEST(Audit, NamesRequestsThatAreUnderWay) {
  int got[2];
  const int number = 1;
  MPI_Request requests[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  if (is_first()) {
    for (int i = 0; i < 2; ++i)
      MPI_Irecv(&got[i], 1, MPI_INT, 0, tag, MPI_COMM_WORLD, &requests[i]);
  }
  expect_left("rank 0: Irecv never completed (2 times)", [&] {
    for (int i = 0; i < 2 && is_first(); ++i) MPI_Send(&number, 1, MPI_INT, 0, tag, MPI_COMM_WORLD);
    MPI_Waitall(3, requests, MPI_STATUSES_IGNORE);
  });
}

TEST(Audit, NamesAccessesThatNoEpochEnds) {
  const char letter = 'a';
  void* memory = nullptr;
  MPI_Win window = MPI_WIN_NULL;
  if (is_first()) {
    MPI_Win_allocate(64, 1, MPI_INFO_NULL, MPI_COMM_SELF, &memory, &window);
    MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, window);
    MPI_Put(&letter, 1, MPI_CHAR, 0, 0, 1, MPI_CHAR, window);
  }
  expect_left(
      "rank 0: Win_allocate made a window that is never freed; "
      "rank 0: Put made an access that is never ended; "
      "rank 0: Win_lock made an epoch that is never ended",
      [&] {
        if (!is_first()) return;
        MPI_Win_unlock(0, window);
        MPI_Win_free(&window);
      });
}

TEST(Audit, NamesSharedWindowsThatNobodySynchronizes) {
  void* memory = nullptr;
  MPI_Win window = MPI_WIN_NULL;
  if (is_first()) {
    MPI_Win_allocate_shared(64, 1, MPI_INFO_NULL, MPI_COMM_SELF, &memory, &window);
    MPI_Win_lock_all(0, window);
  }
  expect_left(
      "rank 0: Win_allocate_shared made a window that is never freed; "
      "rank 0: Win_lock_all made an epoch that is never ended; "
      "rank 0: Win_allocate_shared made a shared window that is never synchronized",
      [&] {
        if (!is_first()) return;
        MPI_Win_sync(window);
        MPI_Win_unlock_all(window);
        MPI_Win_free(&window);
      });
}

TEST(Audit, NamesObjectsThatAreNotFreed) {
  const int one = 1;
  const int periodic = 0;
  MPI_Comm comm = MPI_COMM_NULL;  // that of one rank, which the others do not get
  MPI_Cart_create(MPI_COMM_WORLD, 1, &one, &periodic, 0, &comm);
  EXPECT_EQ(comm == MPI_COMM_NULL, !is_first());
  expect_left("rank 0: Cart_create made a communicator that is never freed", [&] {
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  });

  MPI_Comm_split(MPI_COMM_WORLD, is_first() ? 0 : MPI_UNDEFINED, 0, &comm);
  EXPECT_EQ(comm == MPI_COMM_NULL, !is_first());
  expect_left("rank 0: Comm_split made a communicator that is never freed", [&] {
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  });

  MPI_Comm_dup(MPI_COMM_SELF, &comm);
  if (!is_first()) MPI_Comm_free(&comm);
  expect_left("rank 0: Comm_dup made a communicator that is never freed", [&] {
    if (is_first()) MPI_Comm_free(&comm);
  });

  MPI_Datatype types[2] = {MPI_DATATYPE_NULL, MPI_DATATYPE_NULL};
  MPI_Op operation = MPI_OP_NULL;
  if (rank() == last_rank()) {
    for (MPI_Datatype& type : types) MPI_Type_vector(2, 1, 2, MPI_INT, &type);
    MPI_Op_create([](void*, void*, int*, MPI_Datatype*) {}, 1, &operation);
  }
  expect_left(fmt::format("rank {0}: Type_vector made a type that is never freed (2 times); "
                          "rank {0}: Op_create made an operation that is never freed",
                          last_rank()),
              [&] {
                if (rank() != last_rank()) return;
                for (MPI_Datatype& type : types) MPI_Type_free(&type);
                MPI_Op_free(&operation);
              });

  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  if (is_first()) MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
  expect_left("rank 0: Comm_get_errhandler made an error handler that is never freed", [&] {
    if (is_first()) MPI_Errhandler_free(&handler);
  });
}

TEST(Audit, NamesPersistentRequestsThatAreNotCompletedOrNotFreed) {
  const int number = 7;
  int got = 0;
  MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  if (is_first()) {
    MPI_Recv_init(&got, 1, MPI_INT, 0, tag, MPI_COMM_WORLD, &requests[0]);
    MPI_Send_init(&number, 1, MPI_INT, 0, tag, MPI_COMM_WORLD, &requests[1]);
    MPI_Startall(1, requests);
  }
  expect_left(
      "rank 0: Startall never completed; rank 0: Recv_init made a request that is never freed; "
      "rank 0: Send_init made a request that is never freed",
      [&] {
        if (!is_first()) return;
        MPI_Startall(1, &requests[1]);
        MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
        for (MPI_Request& request : requests) MPI_Request_free(&request);
      });
  EXPECT_EQ(got, is_first() ? number : 0);
}

/// Nothing settles it, so the second audit says nothing of it.
TEST(Audit, NamesCollectiveCallsThatDifferOnce) {
  int sum = 0;
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_EQ(left(), "");
  MPI_Reduce(&tag, &sum, 0, MPI_INT, MPI_SUM, rank(), MPI_COMM_WORLD);  // of nothing: nobody waits
  const std::string found = pdc::mpi::audit();
  if (is_first() && size() > 1) {
    EXPECT_NE(found.find(": Reduce with root 0 on rank 0, Reduce with root 1 on rank 1"),
              std::string::npos)
        << found;
  } else {
    EXPECT_EQ(found, "");
  }
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_EQ(left(), "");
}

TEST(Audit, NamesMessagesThatNobodyReceived) {
  MPI_Request request = MPI_REQUEST_NULL;
  const int number = 7;
  if (is_first()) MPI_Isend(&number, 1, MPI_INT, last_rank(), tag, MPI_COMM_WORLD, &request);
  MPI_Wait(&request, MPI_STATUS_IGNORE);  // small, so this MPI lets it go
  expect_left(fmt::format("Isend from 0 to {} with tag 5 never received", last_rank()), [&] {
    int got = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    if (rank() != last_rank()) return;
    MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &message, MPI_STATUS_IGNORE);
    MPI_Mrecv(&got, 1, MPI_INT, &message, MPI_STATUS_IGNORE);
    EXPECT_EQ(got, number);
  });
}

TEST(Audit, CountsNothingForNobody) {
  const int number = 7;
  int got = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Send(&number, 1, MPI_INT, MPI_PROC_NULL, tag, MPI_COMM_WORLD);
  MPI_Recv(&got, 1, MPI_INT, MPI_PROC_NULL, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Irecv(&got, 1, MPI_INT, MPI_PROC_NULL, tag, MPI_COMM_WORLD, &request);
  MPI_Wait(&request, MPI_STATUS_IGNORE);
  EXPECT_EQ(left(), "");
}

TEST(Audit, DoesNotCountAReceiveThatWasCancelled) {
  int got = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Irecv(&got, 1, MPI_INT, rank(), tag, MPI_COMM_WORLD, &request);
  MPI_Cancel(&request);
  MPI_Wait(&request, MPI_STATUS_IGNORE);
  EXPECT_EQ(left(), "");
}

// Collective calls. Each gives and takes what MPI says, is one bar on every rank, and waits for
// those it needs. The root is the last rank.

std::vector<int> numbers(int count, int first = 0) {
  std::vector<int> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), first);
  return result;
}
/// One for rank 0, two for rank 1, ...
std::vector<int> growing() {
  return numbers(size(), 1);
}
std::vector<int> places_of(const std::vector<int>& counts) {
  std::vector<int> result(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), result.begin(), 0);
  return result;
}
int sum_below(int n) {
  return n * (n - 1) / 2;
}

void barrier() {
  MPI_Barrier(MPI_COMM_WORLD);
}
void bcast() {
  int number = rank();
  MPI_Bcast(&number, 1, MPI_INT, last_rank(), MPI_COMM_WORLD);
  EXPECT_EQ(number, last_rank());
}
void scatter() {
  const std::vector<int> all = numbers(2 * size());
  std::vector<int> mine(2, -1);
  MPI_Scatter(all.data(), 2, MPI_INT, mine.data(), 2, MPI_INT, last_rank(), MPI_COMM_WORLD);
  EXPECT_EQ(mine, numbers(2, 2 * rank()));
}
void scatterv() {
  const std::vector<int> counts = growing();
  const std::vector<int> places = places_of(counts);
  const std::vector<int> all = numbers(sum_below(size() + 1));
  std::vector<int> mine(static_cast<std::size_t>(rank() + 1), -1);
  MPI_Scatterv(all.data(), counts.data(), places.data(), MPI_INT, mine.data(), rank() + 1, MPI_INT,
               last_rank(), MPI_COMM_WORLD);
  EXPECT_EQ(mine, numbers(rank() + 1, sum_below(rank() + 1)));
}
void gather() {
  const std::vector<int> mine = numbers(2, 2 * rank());
  std::vector<int> all(static_cast<std::size_t>(2 * size()), -1);
  MPI_Gather(mine.data(), 2, MPI_INT, all.data(), 2, MPI_INT, last_rank(), MPI_COMM_WORLD);
  if (rank() == last_rank()) {
    EXPECT_EQ(all, numbers(2 * size()));
  }
}
void gatherv() {
  const std::vector<int> counts = growing();
  const std::vector<int> places = places_of(counts);
  const std::vector<int> mine = numbers(rank() + 1, sum_below(rank() + 1));
  std::vector<int> all(static_cast<std::size_t>(sum_below(size() + 1)), -1);
  MPI_Gatherv(mine.data(), rank() + 1, MPI_INT, all.data(), counts.data(), places.data(), MPI_INT,
              last_rank(), MPI_COMM_WORLD);
  if (rank() == last_rank()) {
    EXPECT_EQ(all, numbers(sum_below(size() + 1)));
  }
}
void reduce() {
  const int number = rank();
  int sum = -1;
  MPI_Reduce(&number, &sum, 1, MPI_INT, MPI_SUM, last_rank(), MPI_COMM_WORLD);
  EXPECT_EQ(sum, rank() == last_rank() ? sum_below(size()) : -1);
}
void allreduce() {
  const int number = rank();
  int sum = -1;
  MPI_Allreduce(&number, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  EXPECT_EQ(sum, sum_below(size()));
}
void allgather() {
  const int number = rank();
  std::vector<int> all(static_cast<std::size_t>(size()), -1);
  MPI_Allgather(&number, 1, MPI_INT, all.data(), 1, MPI_INT, MPI_COMM_WORLD);
  EXPECT_EQ(all, numbers(size()));
}
void allgatherv() {
  const std::vector<int> counts = growing();
  const std::vector<int> places = places_of(counts);
  const std::vector<int> mine = numbers(rank() + 1, sum_below(rank() + 1));
  std::vector<int> all(static_cast<std::size_t>(sum_below(size() + 1)), -1);
  MPI_Allgatherv(mine.data(), rank() + 1, MPI_INT, all.data(), counts.data(), places.data(),
                 MPI_INT, MPI_COMM_WORLD);
  EXPECT_EQ(all, numbers(sum_below(size() + 1)));
}
void alltoall() {
  const std::vector<int> out = numbers(size(), 100 * rank());
  std::vector<int> in(static_cast<std::size_t>(size()), -1);
  MPI_Alltoall(out.data(), 1, MPI_INT, in.data(), 1, MPI_INT, MPI_COMM_WORLD);
  for (int from = 0; from < size(); ++from)
    EXPECT_EQ(in[static_cast<std::size_t>(from)], 100 * from + rank());
}
/// Rank r sends r + 1 numbers to each.
void alltoallv() {
  const auto ranks = static_cast<std::size_t>(size());
  const std::vector<int> out_counts(ranks, rank() + 1);
  const std::vector<int> out(static_cast<std::size_t>(size() * (rank() + 1)), rank());
  const std::vector<int> out_places = places_of(out_counts);
  const std::vector<int> in_counts = growing();
  const std::vector<int> in_places = places_of(in_counts);
  std::vector<int> in(static_cast<std::size_t>(sum_below(size() + 1)), -1);
  MPI_Alltoallv(out.data(), out_counts.data(), out_places.data(), MPI_INT, in.data(),
                in_counts.data(), in_places.data(), MPI_INT, MPI_COMM_WORLD);
  std::vector<int> expected;
  for (int from = 0; from < size(); ++from)
    expected.insert(expected.end(), static_cast<std::size_t>(from + 1), from);
  EXPECT_EQ(in, expected);
}
void scan() {
  const int number = rank() + 1;
  int sum = -1;
  MPI_Scan(&number, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  EXPECT_EQ(sum, sum_below(rank() + 2));
}

void exscan() {
  const int number = rank() + 1;
  int sum = -1;
  MPI_Exscan(&number, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  EXPECT_EQ(sum, is_first() ? -1 : sum_below(rank() + 1));
}

struct CollectiveCall {
  const char* name;
  Collective kind;
  void (*call)();
};

class Collectives : public testing::TestWithParam<CollectiveCall> {};

Kind kind_of(const CollectiveCall& call, bool is_root) {
  if (call.call == barrier) return Kind::wait;
  if (call.kind == Collective::root_gives) return is_root ? Kind::send : Kind::receive;
  if (call.kind == Collective::root_takes) return is_root ? Kind::receive : Kind::send;
  return Kind::receive;
}

TEST_P(Collectives, AreOneBarOnEveryRankEachCall) {
  constexpr std::size_t calls = 3;
  const Recording all = record([] {
    for (std::size_t i = 0; i < calls; ++i) GetParam().call();
  });
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::set<std::uint64_t> keys;
  for (int i = 0; i < size(); ++i) {
    ASSERT_EQ(bars[i].size(), calls);
    for (std::size_t call = 0; call < calls; ++call) {
      const RawBar& bar = bars[i][call];
      EXPECT_STREQ(bar.label.data(), GetParam().name);
      EXPECT_EQ(bar.collective, GetParam().kind);
      EXPECT_EQ(bar.kind, kind_of(GetParam(), i == last_rank()));
      EXPECT_EQ(bar.message, bars[0][call].message) << "the n-th calls of all belong together";
      keys.insert(bar.message);
    }
  }
  EXPECT_EQ(keys.size(), calls);
}

/// Whoever comes last: the picture shows that each waits for those it needs, and for no longer.
TEST_P(Collectives, WaitForThoseWhoAreLate) {
  for (const int late : {0, last_rank()}) {
    const Recording all = record([=] {
      constexpr std::chrono::milliseconds lateness(3);
      if (rank() == late) std::this_thread::sleep_for(lateness);  // plays a late one
      GetParam().call();
    });
    if (!is_first()) continue;
    auto raw = bars_by_rank(all);
    const std::int64_t zero = [&] {
      std::int64_t first = all.bars.at(0).begin;
      for (const RawBar& bar : all.bars) first = std::min(first, bar.begin);
      return first;
    }();
    std::int64_t last = 0;
    for (const RawBar& bar : all.bars) last = std::max(last, bar.begin);
    const Picture picture = pdc::detail::assemble("", all);
    std::multiset<Flight> expected;
    for (int i = 0; i < size(); ++i) {
      const RawBar& own = raw[i].at(0);
      const RawBar& of_root = raw[last_rank()].at(0);
      std::int64_t until = own.begin;
      const Collective kind = GetParam().kind;
      if (kind == Collective::all || (kind == Collective::root_takes && i == last_rank()))
        until = last;
      if (kind == Collective::root_gives && i != last_rank()) until = of_root.begin;
      until = std::clamp(until, own.begin, own.end);
      const auto& bars = picture.rows.at(static_cast<std::size_t>(i)).bars;
      std::int64_t waited = 0;
      std::int64_t other = 0;
      for (const auto& bar : bars) {
        (bar.kind == Kind::wait ? waited : other) += bar.end - bar.begin;
        EXPECT_GE(bar.begin, own.begin - zero);
        EXPECT_LE(bar.end, own.end - zero);
      }
      const bool only_waits = kind_of(GetParam(), false) == Kind::wait;
      EXPECT_EQ(waited, only_waits ? own.end - own.begin : until - own.begin);
      EXPECT_EQ(other, only_waits ? 0 : own.end - until);
      if (i == last_rank()) continue;
      if (kind == Collective::root_gives)
        expected.insert(flight(all, last_rank(), of_root, i, own));
      if (kind == Collective::root_takes)
        expected.insert(flight(all, i, own, last_rank(), of_root));
    }
    EXPECT_EQ(flights(all), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Collectives,
                         testing::Values(CollectiveCall{"Barrier", Collective::all, barrier},
                                         CollectiveCall{"Bcast", Collective::root_gives, bcast},
                                         CollectiveCall{"Scatter", Collective::root_gives, scatter},
                                         CollectiveCall{"Scatterv", Collective::root_gives,
                                                        scatterv},
                                         CollectiveCall{"Gather", Collective::root_takes, gather},
                                         CollectiveCall{"Gatherv", Collective::root_takes, gatherv},
                                         CollectiveCall{"Reduce", Collective::root_takes, reduce},
                                         CollectiveCall{"Allreduce", Collective::all, allreduce},
                                         CollectiveCall{"Allgather", Collective::all, allgather},
                                         CollectiveCall{"Allgatherv", Collective::all, allgatherv},
                                         CollectiveCall{"Alltoall", Collective::all, alltoall},
                                         CollectiveCall{"Alltoallv", Collective::all, alltoallv},
                                         CollectiveCall{"Scan", Collective::loose, scan},
                                         CollectiveCall{"Exscan", Collective::loose, exscan}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Communicators, CollectiveCallsOfOneDoNotMixWithThoseOfAnother) {
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, rank() % 2, -rank(), &half);
  const Recording all = record([=] {
    for (MPI_Comm comm : {half, MPI_COMM_WORLD, half}) MPI_Barrier(comm);
  });
  MPI_Comm_free(&half);
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::map<std::uint64_t, std::set<int>> members;
  for (const auto& [place, calls] : bars) {
    ASSERT_EQ(calls.size(), 3U);
    for (const RawBar& call : calls) members[call.message].insert(place);
  }
  for (int i = 0; i < size(); ++i) {
    const auto halves = static_cast<std::size_t>((size() + 1 - i % 2) / 2);
    EXPECT_EQ(members[bars[i][0].message].size(), halves);
    EXPECT_EQ(members[bars[i][1].message].size(), static_cast<std::size_t>(size()));
    EXPECT_EQ(members[bars[i][2].message].size(), halves);
    EXPECT_EQ(bars[i][0].message, bars[i % 2][0].message);
  }
}

TEST(Messages, ThatFailToBeSentAreNone) {
  const int nobody = size();  // is no rank
  const int number = 7;
  int result = MPI_SUCCESS;
  MPI_Comm own = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &own);
  PMPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN);
  const Recording all = record([&] { result = MPI_Send(&number, 1, MPI_INT, nobody, tag, own); });
  MPI_Comm_free(&own);
  EXPECT_NE(result, MPI_SUCCESS);
  EXPECT_EQ(left(), "");
  for (auto& [place, bars] : bars_by_rank(all)) {
    EXPECT_EQ(bars.at(0).label.data(), fmt::format("Send to {} fails", nobody));
    EXPECT_EQ(bars.at(0).message, 0U);
  }
}

// Further calls, for which the lines at the top of this file are all that there is.

TEST(FurtherCalls, ThatSendAreDrawnAndCounted) {
  std::vector<char> buffer(MPI_BSEND_OVERHEAD + sizeof(int));
  const int number = 7;
  int got = 0;
  const Recording all = record([&] {
    PMPI_Buffer_attach(buffer.data(), static_cast<int>(buffer.size()));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibsend(&number, 1, MPI_INT, right_of(rank(), size()), tag, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    if (size() == 1) {
      EXPECT_EQ(left(), "Ibsend from 0 to 0 with tag 5 never received");
    }
    MPI_Recv(&got, 1, MPI_INT, left_of(rank(), size()), tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    void* detached = nullptr;
    int bytes = 0;
    PMPI_Buffer_detach(&detached, &bytes);
  });
  EXPECT_EQ(got, number);
  EXPECT_EQ(left(), "");
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  std::multiset<Flight> expected;
  for (int i = 0; i < size(); ++i) {
    const int right = right_of(i, size());
    EXPECT_EQ(bars[i].at(0).label.data(), "Ibsend to " + std::to_string(right));
    expected.insert(flight(all, i, bars[i].at(0), right, bars[right].at(2)));
  }
  EXPECT_EQ(flights(all), expected);
}

TEST(FurtherCalls, ThatOnlyBeginAreUnderWayUntilTheyAreCompleted) {
  int number = rank();
  MPI_Request request = MPI_REQUEST_NULL;
  std::string expected;
  for (int i = 0; i < size(); ++i)
    expected += fmt::format("{}rank {}: Ibcast never completed", i == 0 ? "" : "; ", i);
  const Recording all =
      record([&] { MPI_Ibcast(&number, 1, MPI_INT, last_rank(), MPI_COMM_WORLD, &request); });
  expect_left(expected, [&] { MPI_Wait(&request, MPI_STATUS_IGNORE); });
  EXPECT_EQ(number, last_rank());
  if (!is_first()) return;
  auto bars = bars_by_rank(all);
  for (int i = 0; i < size(); ++i) {
    ASSERT_EQ(bars[i].size(), 1U);
    EXPECT_STREQ(bars[i][0].label.data(), "Ibcast");
    EXPECT_EQ(bars[i][0].kind, i == last_rank() ? Kind::send : Kind::receive);
    EXPECT_EQ(bars[i][0].collective, Collective::loose);
    EXPECT_EQ(bars[i][0].message, bars[0][0].message);
  }
}

TEST(FurtherCalls, ThatAreSpansAreDrawnAndNoMore) {
  const int number = 3;
  int sum = 4;
  const Recording all = record([&] { MPI_Reduce_local(&number, &sum, 1, MPI_INT, MPI_SUM); });
  EXPECT_EQ(sum, 7);
  for (auto& [place, bars] : bars_by_rank(all)) {
    ASSERT_EQ(bars.size(), 1U);
    EXPECT_STREQ(bars[0].label.data(), "Reduce_local");
    EXPECT_EQ(bars[0].kind, Kind::work);
  }
}

}  // namespace
