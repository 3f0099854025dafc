// Event loop: tasks on one thread take turns, and each schedules the next.
//
// Concept   An event loop calls one handler after another, all on one thread: while one runs, no
//           other does, and nobody else has a turn until it returns. A task that posts its next
//           step, instead of calling it, gives the turn back to the loop.
// Shows     boost::asio::io_context, boost::asio::post
// Python    loop.call_soon, loop.run_forever
// Run       event_loop --turns 9
// You see   A, B and C go round until the turns are used up; a guest who comes right after A waits
//           till the end when they call each other, and is second when they post
// Next      timers lets the loop wait for a time; coroutines writes such a cycle as a plain loop

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>

namespace {

namespace asio = boost::asio;

struct Task {
  char name;
  pdc::Lane lane{pdc::task, "task {}", name};
  std::optional<pdc::Span> wait = {};  // while it is in the queue
};

struct Day {
  asio::io_context loop;
  std::array<Task, 3> tasks{Task{'A'}, Task{'B'}, Task{'C'}};
  int turns_left = 1;  // or more
  std::string order;   // who had a turn
};

void take_turn(Day& day, Task& task) {
  task.wait.reset();
  const auto work = task.lane.work("{}", task.name);
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays work: the loop stands still
  day.order += task.name;
}

/// Each task posts the next: it will be called when those that came before have had their turn.
void post_next(Day& day, std::size_t number) {
  take_turn(day, day.tasks[number]);
  --day.turns_left;
  if (day.turns_left == 0) return;  // nothing posted, nothing left to do: the loop ends
  const std::size_t next = (number + 1) % day.tasks.size();
  day.tasks[next].wait.emplace(day.tasks[next].lane.wait("its turn"));
  asio::post(day.loop, [&day, next] { post_next(day, next); });
}

/// Wrong on purpose: each task calls the next, so the first handler returns when all is over.
void call_next(Day& day, std::size_t number) {
  take_turn(day, day.tasks[number]);
  --day.turns_left;
  if (day.turns_left == 0) return;
  const std::size_t next = (number + 1) % day.tasks.size();
  call_next(day, next);
}

struct Outcome {
  std::string order;
  std::size_t handlers;  // that the loop has called
};

Outcome spend_day(void (*step)(Day&, std::size_t), int turns) {
  Day day;
  day.turns_left = turns;
  Task guest{'*', pdc::Lane(pdc::task, "guest")};

  asio::post(day.loop, [&] { step(day, 0); });
  guest.wait.emplace(guest.lane.wait("its turn"));
  asio::post(day.loop, [&] { take_turn(day, guest); });
  const std::size_t handlers = day.loop.run();  // calls them, on this thread, until none is left
  return {day.order, handlers};
}

/// A, B, C, A, ... with the guest behind so many of them.
std::string planned(int turns, int before_guest) {
  std::string order;
  for (int i = 0; i < turns; ++i) {
    if (i == before_guest) order += '*';
    order += "ABC"[i % 3];
  }
  if (before_guest == turns) order += '*';
  return order;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"turns", 9, "turns of A, B and C together", {2, 1000}}});
  const int turns = program.integer("turns");

  const Outcome called = program.scene("each calls the next", spend_day, call_next, turns);
  const Outcome posted = program.scene("each posts the next", spend_day, post_next, turns);

  pdc::check(called.order == planned(turns, turns),
             "when each task calls the next, a guest waits until all turns are over", "{}",
             called.order);
  pdc::check(
      posted.order == planned(turns, 1),
      "when each task posts the next, the guest comes second, and the tasks keep their order", "{}",
      posted.order);
  pdc::check(called.handlers == 2,
             "when each task calls the next, all their turns are one handler of the loop",
             "{} handlers with the guest's", called.handlers);
  pdc::check(posted.handlers == static_cast<std::size_t>(turns) + 1,
             "when each task posts the next, every turn is a handler of its own",
             "{} handlers with the guest's", posted.handlers);
  return program.finish();
}
