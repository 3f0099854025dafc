// Coroutine lifetime: what a coroutine refers to can be gone when it goes on.
//
// Concept   A caller does not wait for a coroutine that it spawns. At the first suspension it goes
//           on, returns, and destroys its variables; the coroutine goes on later. What it was given
//           by reference is gone then, and so are the captures of a lambda that is gone. So: by
//           value, or awaited by the owner, or shared.
// Shows     asio::co_spawn, asio::awaitable, co_await, std::shared_ptr, std::make_shared
// Python    objects live as long as anyone refers to them; late binding of loop variables
// Run       coroutine_lifetime --guests 2
// You see   guests that are gone before their coroutines go on; then guests that are there
// Next      timeouts destroys what a cancelled coroutine holds; strand shares data on a pool

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string_view>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Timer = asio::basic_waitable_timer<PlayedClock>;

struct Day {
  const int guests;
  asio::io_context loop = {};
  std::map<int, int> objects = {};     // of each guest: its copies are counted, too
  std::map<int, pdc::Span> bars = {};  // of the guests that are there
  int destroyed = 0, there = 0, gone = 0;
};

/// A value with a destructor, as a string or a vector is.
struct Guest {
  Guest(Day& of, int i) : day(of), number(i) {
    if (++day.objects[number] == 1) day.bars.emplace(i, pdc::Lane("guest {}", i).hold("there"));
  }
  Guest(const Guest& from) : Guest(from.day, from.number) {}
  ~Guest() {
    if (--day.objects[number] == 0) day.bars.erase(number);
    ++day.destroyed;
  }

  Day& day;
  const int number;
};

/// Asks the day whether the guest is there: one that is gone must not be asked itself.
asio::awaitable<void> look(Day& day, int number) {
  const auto wait = pdc::Lane(pdc::task, "coroutine {}", number).wait("suspended");
  Timer timer(day.loop, 8ms);
  co_await timer.async_wait(asio::use_awaitable);
  if (day.objects[number] > 0) {
    ++day.there;
  } else {
    ++day.gone;
    pdc::fault("gone");
  }
}

asio::awaitable<void> by_reference(Day& day, const Guest& guest) {
  co_await look(day, guest.number);
}

asio::awaitable<void> by_value(Day& day, Guest guest) {
  co_await look(day, guest.number);
}

asio::awaitable<void> by_owner(Day& day, std::shared_ptr<const Guest> guest) {
  co_await look(day, guest->number);
}

/// Wrong on purpose: it returns while the coroutine is suspended.
void refer(Day& day, int number) {
  const Guest guest(day, number);
  asio::co_spawn(day.loop, by_reference(day, guest), pdc::rethrow);
  PlayedClock::pass(2ms);  // plays work
}  // the guest is gone

/// Wrong on purpose: the capture is a part of the lambda, and not of the coroutine that it makes.
void call_lambda(Day& day, int number) {
  const auto lambda = [guest = Guest(day, number)](Day& at) -> asio::awaitable<void> {
    co_await look(at, guest.number);  // nothing is read of the lambda after it
  };
  asio::co_spawn(day.loop, lambda(day), pdc::rethrow);
  PlayedClock::pass(2ms);
}  // the lambda is gone, and its capture with it

void copy(Day& day, int number) {
  const Guest guest(day, number);
  asio::co_spawn(day.loop, by_value(day, guest), pdc::rethrow);
  PlayedClock::pass(2ms);
}

asio::awaitable<void> own(Day& day, int number) {
  const Guest guest(day, number);
  co_await by_reference(day, guest);  // this scope waits, and its guest is there
}

void await(Day& day, int number) {
  asio::co_spawn(day.loop, own(day, number), pdc::rethrow);
  PlayedClock::pass(2ms);
}

void share(Day& day, int number) {
  const auto guest = std::make_shared<const Guest>(day, number);
  asio::co_spawn(day.loop, by_owner(day, guest), pdc::rethrow);
  PlayedClock::pass(2ms);
}

void claim(int seen, int guests, std::string_view sentence) {
  pdc::check(seen == guests, sentence, "{} of {}", seen, guests);
}

/// The guests arrive while the loop runs, so each coroutine begins at once.
void spend(Day& day, void (*arrive)(Day&, int)) {
  asio::post(day.loop, [&day, arrive] {
    for (int i = 0; i < day.guests; ++i) arrive(day, i);
  });
  PlayedClock::run(day.loop);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"guests", 2, "guests of each kind", {1, 9}}});
  const int n = program.integer("guests");
  Day referred{n}, called{n}, copied{n}, awaited{n}, shared{n};

  program.scene("by reference", spend, referred, refer);
  program.scene("a lambda that is called", spend, called, call_lambda);
  program.scene("by value", spend, copied, copy);
  program.scene("awaited by its owner", spend, awaited, await);
  program.scene("shared", spend, shared, share);

  claim(referred.gone, n, "a parameter by reference is gone after the suspension");
  claim(called.gone, n, "a lambda that was called is gone after the suspension, with its capture");
  claim(copied.there, n, "a parameter by value is there");
  claim(awaited.there, n, "a parameter by reference is there if its owner awaits the coroutine");
  claim(shared.there, n, "a shared object is there");
  claim(shared.destroyed, n, "the last owner of a shared object destroys it, once");
  return program.finish();
}
