// The twin of data_race, which starts it: built with ThreadSanitizer, it watches its own threads.
//
//     data_race_twin VERSION    nothing, mutex, join or atomic

// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <thread>

namespace {

/// How many threads change the balance. Relaxed: it orders nothing, so it hides no race.
std::atomic<int> threads = 0;
void count_thread() {
  [[maybe_unused]] thread_local const int number = threads.fetch_add(1, std::memory_order_relaxed);
}

// Not atomic, unless the balance is.
void add(auto& balance) {
  count_thread();
  balance += 100;
}
void subtract(auto& balance) {
  count_thread();
  balance -= 30;
}

/// Wrong on purpose: a data race, the only one in this book. What the program does is undefined.
int change_with_nothing() {
  int balance = 0;
  {
    std::jthread first([&] { add(balance); });
    std::jthread second([&] { subtract(balance); });
  }  // ~jthread joins here
  return balance;
}

/// Right: what one thread does before it unlocks happens before what the other one does after it has
/// locked.
int change_with_mutex() {
  int balance = 0;
  std::mutex mutex;
  {
    std::jthread first([&] {
      const std::scoped_lock lock(mutex);
      add(balance);
    });
    std::jthread second([&] {
      const std::scoped_lock lock(mutex);
      subtract(balance);
    });
  }
  return balance;
}

/// Right: all that the first thread does happens before join() returns, and so before all that the
/// second thread does.
int change_after_join() {
  int balance = 0;
  {
    std::jthread first([&] { add(balance); });
    first.join();
    std::jthread second([&] { subtract(balance); });
  }
  return balance;
}

/// Right: two atomic accesses are never a data race.
int change_atomic() {
  std::atomic<int> balance = 0;
  {
    std::jthread first([&] { add(balance); });
    std::jthread second([&] { subtract(balance); });
  }
  return balance;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view version = argc == 2 ? argv[1] : "";
  int balance = 0;
  if (version == "nothing")
    balance = change_with_nothing();
  else if (version == "mutex")
    balance = change_with_mutex();
  else if (version == "join")
    balance = change_after_join();
  else if (version == "atomic")
    balance = change_atomic();
  else
    return 2;
  std::printf("balance %d of %d threads\n", balance, threads.load());
  std::fflush(stdout);
}
