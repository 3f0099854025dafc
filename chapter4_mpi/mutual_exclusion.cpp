// Mutual exclusion: a rank that wants in asks all others, and the earlier request goes first.
//
// Concept   Ranks share no memory, so there is no lock to take. A rank that wants in asks all the
//           others, with a Lamport time, and goes in when each has said yes. Another one that wants
//           in, and has asked earlier, says yes when it has left. So they take turns as they asked.
// Shows     MPI_Isend, MPI_Recv, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_Waitall
// Python    mpi4py comm.Isend, comm.Recv with MPI.ANY_SOURCE and MPI.ANY_TAG
// Run       mpirun -np 4 mutual_exclusion --entries 2
// You see   if all say yes at once, none of 4 waits for another; in order, each but the first does
// Next      logical_clocks has the times; master_worker has one rank that decides for all

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <ranges>
#include <thread>
#include <vector>

namespace {

constexpr int request_tag = 1, yes_tag = 2;

struct Message {
  int number;  // of a request, its time; of a yes, how often its sender has left
  int sender, tag;
  auto operator<=>(const Message&) const = default;  // requests by time, then by sender
};

struct Entry {
  int left_before;  // how many entries were over, by the yeses that this one waited for
  Message request;
};

/// When a rank that wants in itself says yes. Wrong on purpose: always.
enum class Answer { always, in_order };

struct Member {
  const pdc::mpi::Session& mpi;
  Answer answer;
  int clock = mpi.size() - mpi.rank();  // Lamport's; the last rank asks first
  bool wants_in = false;
  int yeses = 0, left_before = 0;
  Message request{};
  std::vector<int> waiting{};  // for a yes
  std::vector<Entry> entries{};
  std::deque<Message> outbox{};  // stays until all is sent
  std::vector<MPI_Request> sent{};
  void send(int number, int tag, int to) {
    outbox.push_back({number, mpi.rank(), tag});
    sent.emplace_back();
    MPI_Isend(&outbox.back(), 3, MPI_INT, to, tag, MPI_COMM_WORLD, &sent.back());
  }
  void say_yes(int to) { send(static_cast<int>(entries.size()), yes_tag, to); }
  void ask() {
    wants_in = true;
    request = {++clock, mpi.rank(), request_tag};
    left_before = static_cast<int>(entries.size());
    for (int rank = 0; rank < mpi.size(); ++rank) {
      if (rank != mpi.rank()) send(clock, request_tag, rank);
    }
  }
  void hear(const Message& other) {
    clock = std::max(clock, other.number);
    if (wants_in && answer == Answer::in_order && request < other) {
      waiting.push_back(other.sender);
    } else {
      say_yes(other.sender);
    }
  }
  void hear_yes(const Message& yes) {
    ++yeses;
    left_before += yes.number;
  }
  void enter() {
    if (mpi.rank() == 0 && left_before == 0) pdc::fault("has not waited");  // it is the last to ask
    auto inside = mpi.lane().hold("inside");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays the critical section
    inside.end();
    wants_in = false;
    yeses = 0;
    entries.push_back({left_before, request});
    for (const int rank : waiting) say_yes(rank);
    waiting.clear();
  }
};

Message receive(int tag) {
  Message message{};
  MPI_Recv(&message, 3, MPI_INT, MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return message;
}

struct Log {
  std::vector<Entry> entries;  // of all ranks, the first one first
  int messages = 0;
};

/// Each rank goes in so many times, and answers until all have.
Log take_part(const pdc::mpi::Session& mpi, int times, Answer answer) {
  const int ranks = mpi.size(), others = ranks - 1;
  Member me{mpi, answer};
  me.ask();
  std::vector<Message> first(others);
  for (Message& request : first) request = receive(request_tag);
  for (const Message& request : first) me.hear(request);  // forced: not before all have asked
  for (int left = 2 * times * others - others; left > 0; --left) {
    const Message message = receive(MPI_ANY_TAG);
    if (message.tag == request_tag) me.hear(message);
    if (message.tag == yes_tag) me.hear_yes(message);
    if (me.yeses == others) me.enter();
    if (!me.wants_in && std::ssize(me.entries) < times) me.ask();
  }
  MPI_Waitall(static_cast<int>(me.sent.size()), me.sent.data(), MPI_STATUSES_IGNORE);
  const auto& [left_before, request] = me.entries.front();
  pdc::mpi::say_by_rank(fmt::format("rank {} asks at {}, goes in after {} others", mpi.rank(),
                                    request.number, left_before));
  Log log{std::vector<Entry>(std::size_t(ranks) * times)};
  const int count = 4 * times, sent = static_cast<int>(me.sent.size());
  MPI_Allgather(me.entries.data(), count, MPI_INT, log.entries.data(), count, MPI_INT,
                MPI_COMM_WORLD);
  MPI_Allreduce(&sent, &log.messages, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  std::ranges::sort(log.entries, {}, &Entry::left_before);
  return log;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"entries", 2, "how often each rank goes in", {1, 100}}});
  mpi.need_ranks(2);
  const int times = program.integer("entries"), ranks = mpi.size(), all = times * ranks;
  const Log together = program.scene("all say yes", take_part, mpi, 1, Answer::always);
  const Log apart = program.scene("earlier ones first", take_part, mpi, times, Answer::in_order);
  const auto at_once = std::ranges::count(together.entries, 0, &Entry::left_before);

  pdc::check(at_once == ranks, "if all say yes at once, no rank waits until another has left",
             "{} ranks", at_once);
  pdc::check(std::ranges::equal(apart.entries, std::views::iota(0, all), {}, &Entry::left_before),
             "if earlier ones go first, the n-th goes in when n - 1 have left", "{} entries", all);
  pdc::check(std::ranges::is_sorted(apart.entries, {}, &Entry::request),
             "ranks take their turns in the order in which they have asked");
  pdc::check(apart.messages == 2 * (ranks - 1) * all, "an entry takes 2 * (p - 1) messages",
             "{} messages, {} entries", apart.messages, all);
  return program.finish();
}
