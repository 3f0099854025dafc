// The twin of data_race, which starts it: built with ThreadSanitizer, it watches its own threads.
//
//     data_race_twin VERSION    nothing, mutex, atomic or join; mutex-off or join-off

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

/// Keeps nobody out.
struct NoMutex {
  void lock() {}
  void unlock() {}
};

/// Right: what one thread does before it unlocks happens before what the other one does after it has
/// locked.
template <class Mutex>
int change_with_mutex() {
  int balance = 0;
  Mutex mutex;
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
int change_after_join(bool joins_first) {
  int balance = 0;
  {
    std::jthread first([&] { add(balance); });
    if (joins_first) first.join();
    std::jthread second([&] { subtract(balance); });
  }
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
  const std::map<std::string, std::function<int()>> versions = {
      {"nothing", change_with_nothing},
      {"mutex", change_with_mutex<std::mutex>},
      {"mutex-off", change_with_mutex<NoMutex>},
      {"atomic", change_atomic},
      {"join", [] { return change_after_join(true); }},
      {"join-off", [] { return change_after_join(false); }}};
  const auto version = versions.find(argc == 2 ? argv[1] : "");
  if (version == versions.end()) {
    std::cerr << "usage: data_race_twin nothing|mutex|mutex-off|atomic|join|join-off\n";
    return 2;
  }
  std::cout << "balance " << version->second() << std::endl;
  return 0;
}
