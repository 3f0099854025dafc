// Logical clocks: count events instead of the time, and no message arrives before it was sent.
//
// Concept   The clocks of two machines never quite agree, but a message is sent before it arrives.
//           A Lamport clock counts events, and goes on from the higher count that a message brings.
//           A vector clock counts for each rank, and also tells which events are concurrent.
// Shows     MPI_Send, MPI_Recv, MPI_Allgather
// Python    mpi4py comm.Send, comm.Recv, comm.Allgather
// Run       mpirun -np 4 logical_clocks
// You see   by a clock an hour slow, a message arrives before it was sent; by counts, none does
// Next      mutual_exclusion lets the rank with the earlier request in first

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Numbers = std::vector<int>;
constexpr int tag = 1, slow_rank = 1, events_each = 5, no_event = -1;

/// Counts events: Lamport's clock with one number, a vector clock with a number for each rank.
struct LogicalClock {
  Numbers time;
  int mine;  // which of the numbers counts the events of this rank
  void tick() { ++time[mine]; }
  void hear(const Numbers& sent) {  // with a message, before the tick of its arrival
    for (std::size_t i = 0; i < time.size(); ++i) time[i] = std::max(time[i], sent[i]);
  }
};

/// Wrong on purpose: the hour, by a clock of one's own, which no message sets right.
struct OwnClock {
  std::chrono::hours set_to;
  std::chrono::steady_clock::time_point set_at = std::chrono::steady_clock::now();
  Numbers time{0};
  void tick() { time[0] = int((set_to + (std::chrono::steady_clock::now() - set_at)) / 1h); }
  void hear(const Numbers&) {}
};

/// What a rank does, and when by its clock. A message brings the time and the number of its event.
template <class Clock>
struct Diary {
  const pdc::mpi::Session& mpi;
  Clock clock;
  int width = static_cast<int>(clock.time.size()) + 1;  // of an entry, and of a message
  Numbers entries{};                                    // who sent what arrives, and the time
  std::vector<std::string> lines{};
  const Numbers& write(const char* what, int sent_by = no_event) {
    clock.tick();
    entries.push_back(sent_by);
    entries.insert(entries.end(), clock.time.begin(), clock.time.end());
    lines.push_back(fmt::format("{} {}", what, pdc::join(clock.time, "")));
    const auto work = mpi.lane().work("{}", lines.back());
    std::this_thread::sleep_for(1ms);  // plays it
    return clock.time;
  }
  void send(const char* what, int to) {
    Numbers message = write(what);
    message.push_back(mpi.rank() * events_each + static_cast<int>(lines.size()) - 1);
    MPI_Send(message.data(), width, MPI_INT, to, tag, MPI_COMM_WORLD);
  }
  void receive(const char* what, int from) {
    Numbers sent(width);
    MPI_Recv(sent.data(), width, MPI_INT, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    clock.hear(sent);
    if (write(what, sent.back())[0] < sent[0]) pdc::fault("too early");
  }
};

struct Event {
  int sent_by;  // which event sent the message that arrives in this one
  Numbers time;
};

/// Whether the way goes from event a to event b, along ranks and messages. Or they are the same.
bool happened_before(const std::vector<Event>& events, int a, int b) {
  if (a == b || (b % events_each != 0 && happened_before(events, a, b - 1))) return true;
  return events[b].sent_by != no_event && happened_before(events, a, events[b].sent_by);
}

struct Pairs {
  int backwards = 0;   // a happened before b, and not by their times
  int tied = 0;        // a happened before b, at the same time
  int concurrent = 0;  // by their times a is earlier than b, but did not happen before b
};

Pairs compare(const std::vector<Event>& events) {
  Pairs pairs;
  for (int a = 0; a < std::ssize(events); ++a)
    for (int b = 0; b < std::ssize(events); ++b) {
      const Numbers &first = events[a].time, &second = events[b].time;
      const bool in_order = std::ranges::equal(first, second, std::less_equal{});
      if (!in_order && happened_before(events, a, b)) ++pairs.backwards;
      if (a != b && first == second && happened_before(events, a, b)) ++pairs.tied;
      if (in_order && first != second && !happened_before(events, a, b)) ++pairs.concurrent;
    }
  return pairs;
}

/// Each rank asks the next one, rank 0 first; the others answer before they ask.
template <class Clock>
Pairs talk(const pdc::mpi::Session& mpi, const Clock& clock) {
  const int rank = mpi.rank(), ranks = mpi.size();
  const int before = (rank + ranks - 1) % ranks, next = (rank + 1) % ranks;
  Diary<Clock> diary{mpi, clock};
  diary.write("wakes");
  for (const bool asks : {rank == 0, rank != 0}) {
    if (asks) diary.send("asks", next);
    diary.receive(asks ? "reads" : "hears", asks ? next : before);
    if (!asks) diary.send("answers", before);
  }
  pdc::mpi::say_by_rank(fmt::format("rank {} {}", rank, pdc::join(diary.lines)));
  const int count = events_each * diary.width;
  Numbers all(std::size_t(ranks) * count);
  MPI_Allgather(diary.entries.data(), count, MPI_INT, all.data(), count, MPI_INT, MPI_COMM_WORLD);
  std::vector<Event> events;
  for (auto at = all.begin(); at != all.end(); at += diary.width)
    events.push_back({*at, {at + 1, at + diary.width}});
  return compare(events);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);
  const OwnClock own{mpi.rank() == slow_rank ? 11h : 12h};
  const LogicalClock lamports{Numbers(1), 0}, vector{Numbers(mpi.size()), mpi.rank()};
  const Pairs timed = program.scene("by their own clocks", talk<OwnClock>, mpi, own);
  const Pairs counted = program.scene("by Lamport's clocks", talk<LogicalClock>, mpi, lamports);
  const Pairs known = program.scene("by vector clocks", talk<LogicalClock>, mpi, vector);

  pdc::check(timed.backwards > 0, "by their own clocks, an effect is earlier than its cause",
             "{} pairs", timed.backwards);
  pdc::check(counted.backwards == 0 && counted.tied == 0,
             "by Lamport's clocks, every effect is later than its cause");
  pdc::check(counted.concurrent > 0, "by Lamport's clocks, concurrent events are in order, too",
             "{} pairs", counted.concurrent);
  pdc::check(known.backwards == 0 && known.concurrent == 0,
             "by vector clocks, causes are earlier than their effects, and nothing else is");
  return program.finish();
}
