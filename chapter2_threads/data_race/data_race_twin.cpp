// The twin of data_race, which starts it: built with ThreadSanitizer, it watches its own threads.
//
//     data_race_twin VERSION    nothing, mutex, atomic or join

// SPDX-License-Identifier: MIT
#include <atomic>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace {

// Not atomic, unless the balance is.
void add(auto& balance) {
  balance += 100;
}
void subtract(auto& balance) {
  balance -= 30;
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
  }  // ~jthread joins here
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

/// Right: all that the first thread does happens before join() returns, and so before all that the
/// second thread does.
int change_after_join() {
  int balance = 0;
  std::jthread first([&] { add(balance); });
  first.join();
  std::jthread second([&] { subtract(balance); });
  second.join();
  return balance;
}

/// Wrong on purpose: a data race, the only one in this book. What the program does is undefined.
int change_with_nothing() {
  int balance = 0;
  {
    std::jthread first([&] { add(balance); });
    std::jthread second([&] { subtract(balance); });
  }
  return balance;
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<int()>> versions = {{"nothing", change_with_nothing},
                                                                {"mutex", change_with_mutex},
                                                                {"atomic", change_atomic},
                                                                {"join", change_after_join}};
  const auto version = versions.find(argc == 2 ? argv[1] : "");
  if (version == versions.end()) {
    std::cerr << "usage: data_race_twin nothing|mutex|atomic|join\n";
    return 2;
  }
  std::cout << "balance " << version->second() << std::endl;
  return 0;
}
