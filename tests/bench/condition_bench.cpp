// SPDX-License-Identifier: MIT
/// A hand-over there and back between two threads: a condition variable, beside bare futex calls.

#include <benchmark/benchmark.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

constexpr int hand_overs = 2'000;  // there and back, in one iteration

/// Two threads take turns: `turn.await(me)` waits for one's own turn, `turn.pass(other)` ends it.
template <class Turn>
void there_and_back(benchmark::State& state) {
  for (auto _ : state) {
    Turn turn;
    const std::jthread other([&] {
      for (int i = 0; i < hand_overs; ++i) turn.await(1), turn.pass(0);
    });
    for (int i = 0; i < hand_overs; ++i) turn.pass(1), turn.await(0);
  }  // ~jthread joins here
  state.SetItemsProcessed(state.iterations() * hand_overs);
}

class Guarded {
 public:
  void await(int me) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == me; });
  }
  void pass(int other) {
    std::unique_lock lock(mutex_);
    turn_ = other;
    lock.unlock();  // as the page does: who is woken finds the door open
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int turn_ = 0;
};
BENCHMARK(there_and_back<Guarded>)->Name("condition_variable")->UseRealTime();

/// The same without a lock: to sleep and to wake are one system call each.
class Futex {
 public:
  void await(int me) {
    for (int seen; (seen = turn_) != me;)
      syscall(SYS_futex, &turn_, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
  }
  void pass(int other) {
    turn_ = other;
    syscall(SYS_futex, &turn_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

 private:
  std::atomic<int> turn_ = 0;
};
BENCHMARK(there_and_back<Futex>)->Name("bare_futex")->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
