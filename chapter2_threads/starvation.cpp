// Starvation: a writer waits while readers that came later go in, one after the other.
//
// Concept   A shared mutex may let a reader in whenever readers are inside. If each comes before the
//           one before it has left, there is always one inside, and a writer waits as long as
//           readers come. Tickets are fair: whoever comes later goes in later.
// Shows     std::shared_mutex, std::atomic<T>::fetch_add, std::atomic<T>::wait, notify_all
// Run       starvation --readers 8
// You see   8 of 8 readers that came after the writers go in before them; with tickets 0 of 8
// Next      read_write_lock has the shared mutex; livelock keeps all threads busy, in vain;
//           priority_inversion lets the most urgent one wait

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <latch>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace {

/// Many readers or one writer, in the order in which they come.
class TicketLock {
 public:
  void lock() {  // a writer keeps its turn, so nobody comes in after it
    wait_until(turn_, tickets_.fetch_add(1));
    wait_until(readers_, 0);
  }
  void unlock() { pass_on(); }
  void lock_shared() {  // a reader passes its turn on: the next one may be a reader, too
    wait_until(turn_, tickets_.fetch_add(1));
    ++readers_;  // before it passes on: else a writer would see nobody inside
    pass_on();
  }
  void unlock_shared() {
    --readers_;
    readers_.notify_all();
  }

 private:
  using Number = std::atomic<std::uint32_t>;  // may overflow: only equality counts

  static void wait_until(const Number& number, std::uint32_t wanted) {
    std::uint32_t now = number;
    while (now != wanted) {
      number.wait(now);  // sleeps while it is still the same
      now = number;
    }
  }
  void pass_on() {
    ++turn_;
    turn_.notify_all();
  }

  Number tickets_ = 0, turn_ = 0, readers_ = 0;
};

struct Hall {
  explicit Hall(int n) : readers(n), bad_moment(n + 3) {
    for (int i = 0; i <= readers; ++i) reader_comes.emplace_back(1);
    reader_comes.front().count_down();  // reader 0 is there before the writers
  }
  const int readers;  // that come after the writers
  pdc::Meeting bad_moment;
  std::latch writers_come{1};
  std::deque<std::latch> reader_comes;
  std::atomic<int> called = 0, reads = 0;
  pdc::Gauge reading, writing;
  std::array<int, 2> overtook = {};  // readers, each writer
  std::atomic<int> in_company = 0;   // beside a writer
};

/// Inside, a reader calls others, until one of them is inside, too: only then does it leave.
template <class Lock>
void read(Hall& hall, Lock& lock, int i, const pdc::Lane& lane) {
  auto later = hall.bad_moment.wait_outside(lane, "comes later");
  hall.reader_comes[i].wait();
  later.end();
  auto wait = hall.bad_moment.wait_outside(lane, "to read");
  const std::shared_lock held(lock);
  wait.end();
  const auto hold = lane.hold("reads");
  const auto visit = hall.reading.visit();
  const int mine = ++hall.reads;
  if (i == 0) hall.writers_come.count_down();
  hall.bad_moment.meet();  // forced: a writer sleeps, has ended, or is inside as well;
  hall.bad_moment.meet();  // twice, so that it is seen who is
  while (hall.reads == mine && hall.called < hall.readers) {
    hall.reader_comes[++hall.called].count_down();
    hall.bad_moment.meet();  // forced: the one that was called is inside, or sleeps
  }
}

template <class Lock>
void write(Hall& hall, Lock& lock, int i, const pdc::Lane& lane) {
  auto later = hall.bad_moment.wait_outside(lane, "comes later");
  hall.writers_come.wait();
  later.end();
  auto wait = hall.bad_moment.wait_outside(lane, "to write");
  const std::scoped_lock held(lock);
  wait.end();
  const auto hold = lane.hold("writes");
  const auto visit = hall.writing.visit();
  hall.overtook[i] = hall.reads - 1;
  if (i == 0 && hall.overtook[i] > 0) pdc::fault("overtaken");
  hall.bad_moment.meet();  // forced: whoever can be inside as well, is
  hall.in_company += hall.reading.inside() + hall.writing.inside() - 1;
  hall.bad_moment.meet();
}

template <class Lock>
void read_and_write(Hall& hall) {
  Lock lock;
  std::vector<std::jthread> threads;
  for (int i = 0; i <= hall.readers; ++i)
    threads.emplace_back(read<Lock>, std::ref(hall), std::ref(lock), i, pdc::Lane("reader {}", i));
  for (int i = 0; i < 2; ++i)
    threads.emplace_back(write<Lock>, std::ref(hall), std::ref(lock), i, pdc::Lane("writer {}", i));
}  // ~jthread joins each

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"readers", 8, "that come after the writers", {2, 32}}});
  const int n = program.integer("readers");

  Hall shared(n), ticket(n);
  program.scene("a shared mutex", read_and_write<std::shared_mutex>, shared);
  program.scene("a ticket lock", read_and_write<TicketLock>, ticket);

  pdc::check(shared.overtook == std::array{n, n},
             "with a shared mutex, every reader that comes after the writers goes in before them",
             "{} and {} of {}", shared.overtook[0], shared.overtook[1], n);
  pdc::check(ticket.overtook == std::array{0, 0},
             "with tickets, no reader that comes after the writers goes in before them",
             "{} and {} of {}", ticket.overtook[0], ticket.overtook[1], n);
  pdc::check(ticket.reading.most() == n, "with tickets, readers that come together go in together",
             "{} of {} at once", ticket.reading.most(), n);
  pdc::check(ticket.in_company == 0, "with tickets, each writer is alone", "{} with them",
             ticket.in_company.load());
  return program.finish();
}
