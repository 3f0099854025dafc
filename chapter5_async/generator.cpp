// Generator: hands out values one by one, and computes each only when it is asked for.
//
// Concept   A function that returns a list computes all of it before its caller sees the first
//           value. A generator is a coroutine that is suspended at each co_yield, and goes on when
//           the next value is asked for. So it may be endless, and nothing is computed in vain. If
//           it is dropped half-way, what it holds is let go of, as at the end of any scope.
// Shows     co_yield, yield_value, std::coroutine_handle, std::default_sentinel_t
// Python    yield, itertools.islice, contextlib.closing
// Run       generator --numbers 10
// You see   all numbers computed before the first is used; then each right before its use
// Next      event_loop_from_scratch resumes coroutines as sockets get ready; channel hands items on

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Owns the frame of a coroutine that yields values, and can be iterated over once.
template <class T>
struct Generator {
  struct promise_type {
    Generator get_return_object() { return Generator(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() { return {}; }  // computes nothing before it is asked
    std::suspend_always yield_value(T value) {            // what co_yield calls, and then awaits
      current = value;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { throw; }  // comes out of resume, at whoever asked
    std::suspend_always final_suspend() noexcept { return {}; }

    T current = {};
  };
  using Handle = std::coroutine_handle<promise_type>;

  struct Iterator {
    Handle handle;
    const T& operator*() const { return handle.promise().current; }
    void operator++() { handle.resume(); }  // to the next co_yield, or to the end
    bool operator==(std::default_sentinel_t) const { return handle.done(); }
  };
  Iterator begin() {
    handle.resume();  // to the first co_yield
    return {handle};
  }
  std::default_sentinel_t end() { return {}; }

  explicit Generator(Handle made) : handle(made) {}
  Generator(const Generator&) = delete;
  ~Generator() { handle.destroy(); }  // with all that the coroutine still has

  const Handle handle;
};

struct Day {
  std::string order = {};  // c: a number has been computed; u: it is used
  std::vector<int> used = {};
  pdc::Gauge files = {};  // that are open
};

constexpr std::array first_primes = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29,
                                     31, 37, 41, 43, 47, 53, 59, 61, 67, 71};

int next_prime(Day& day, const pdc::Lane& lane, int number) {
  do ++number;
  while (!pdc::is_prime(number));
  const auto work = lane.work("{}", number);
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays longer work
  day.order += 'c';
  return number;
}

void use(Day& day, const pdc::Lane& lane, int number) {
  const auto work = lane.work("{}", number);
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays work
  day.order += 'u';
  day.used.push_back(number);
}

/// Wrong on purpose: it has to know how many, and hands out none before it has them all.
std::vector<int> list_primes(Day& day, pdc::Lane lane, int count) {
  std::vector<int> primes;
  for (int number = 1; std::ssize(primes) < count;) {
    number = next_prime(day, lane, number);
    primes.push_back(number);
  }
  return primes;
}

Generator<int> primes(Day& day, pdc::Lane lane) {  // all of them
  const auto file = day.files.visit();  // plays an open file, which the end of the scope closes
  const auto hold = lane.hold("file");
  for (int number = 1;;) {
    number = next_prime(day, lane, number);
    co_yield number;
  }
}

void use_list(Day& day, int numbers) {
  const pdc::Lane primes("primes"), user("user");
  for (const int prime : list_primes(day, primes, numbers)) use(day, user, prime);
}

void use_generator(Day& day, int numbers) {
  const pdc::Lane lane("primes"), user("user");
  for (const int prime : primes(day, lane)) {
    use(day, user, prime);
    if (std::ssize(day.used) == numbers) break;
  }  // ~Generator destroys the frame
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 10, "prime numbers", {2, 20}}});
  const int numbers = program.integer("numbers");
  const auto count = static_cast<std::size_t>(numbers);
  Day list, generator;

  program.scene("a list", use_list, list, numbers);
  program.scene("a generator", use_generator, generator, numbers);

  pdc::check(list.order == std::string(count, 'c') + std::string(count, 'u'),
             "a list is computed whole before its first number is used", "{}", list.order);
  pdc::check(generator.order.find('u') == 1,
             "a generator has computed one number when the first is used", "{}", generator.order);
  const auto computed = std::ranges::count(generator.order, 'c');
  pdc::check(computed == numbers,
             "a generator without an end computes one number for each that is used", "{} of {}",
             computed, numbers);
  pdc::check(generator.files.most() == 1 && generator.files.inside() == 0,
             "a generator that is dropped half-way closes what it has opened", "{} open",
             generator.files.inside());
  const std::vector<int> expected(first_primes.begin(), first_primes.begin() + numbers);
  pdc::check(list.used == expected && generator.used == expected,
             "both give the prime numbers in their order", "{}", pdc::join(generator.used));
  return program.finish();
}
