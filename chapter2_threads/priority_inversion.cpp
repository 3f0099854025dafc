// Priority inversion: the most urgent task waits for a lock, and so for a task that needs no lock.
//
// Concept   Low holds the lock that high waits for. Middle is more urgent than low and runs, so low
//           cannot give the lock back: high waits for middle, as if middle were the more urgent one.
//           With priority inheritance, low is as urgent as high for as long as high waits for it.
// Shows     pthread_mutexattr_setprotocol, PTHREAD_PRIO_INHERIT, pthread_mutex_init
// Run       priority_inversion --steps 6
// You see   high waits for 3 steps of low and 6 of middle; with inheritance for the 3 of low alone
// Next      starvation has threads that others overtake; deadlock has threads that wait for ever

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

/// The thread that holds it is as urgent as the most urgent one that waits for it.
class InheritingMutex {
 public:
  InheritingMutex() {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    int error = pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT);
    if (error == 0) error = pthread_mutex_init(&mutex_, &kind);
    pthread_mutexattr_destroy(&kind);
    if (error != 0) throw std::system_error(error, std::generic_category(), "PTHREAD_PRIO_INHERIT");
  }
  InheritingMutex(const InheritingMutex&) = delete;
  InheritingMutex& operator=(const InheritingMutex&) = delete;
  ~InheritingMutex() { pthread_mutex_destroy(&mutex_); }
  void lock() { pthread_mutex_lock(&mutex_); }  // a mutex of this kind reports no errors
  void unlock() { pthread_mutex_unlock(&mutex_); }
  pthread_mutex_t* native_handle() { return &mutex_; }

 private:
  pthread_mutex_t mutex_;
};

/// Does the word of the mutex that the kernel reads tell which thread holds it, and only then? A
/// thread of its own asks: 1, the word of a plain locked mutex, may be the main thread's number.
template <class Mutex>
bool names_holder(Mutex& mutex) {
  const int& word = mutex.native_handle()->__data.__lock;  // glibc's
  bool names_me = false;
  std::thread([&] {
    const std::scoped_lock held(mutex);
    names_me = (word & FUTEX_TID_MASK) == gettid();
  }).join();
  return names_me && word == 0;
}

/// Played, on one processor and with one lock: real priorities need rights that few users have.
struct Task {
  char name;
  pdc::Lane lane;
  int priority;
  std::string steps;  // left to do: L with the lock, o without; each dot is one before it comes
  bool has_lock = false;
  char next() const { return steps.empty() ? '.' : steps.front(); }
};
using Tasks = std::vector<Task>;

bool waits_for_lock(const Task& task, const Tasks& tasks) {
  return task.next() == 'L' && !task.has_lock && std::ranges::any_of(tasks, &Task::has_lock);
}

/// Wrong on purpose: it does not matter which tasks wait for this one.
int own_priority(const Task& task, const Tasks& /*tasks*/) {
  return task.priority;
}

int inherited_priority(const Task& task, const Tasks& tasks) {
  int most = task.priority;
  for (const Task& other : tasks)
    if (task.has_lock && waits_for_lock(other, tasks)) most = std::max(most, other.priority);
  return most;
}

/// Returns which task ran, step by step.
std::string run(int steps, decltype(own_priority) priority_of) {
  Tasks tasks = {{'h', pdc::Lane("high"), 3, ".LL"},
                 {'m', pdc::Lane("middle"), 2, ".." + std::string(steps, 'o')},
                 {'l', pdc::Lane("low"), 1, "LLLLoo"}};
  const auto urgency = [&](const Task& task) {
    const bool can_run = task.next() != '.' && !waits_for_lock(task, tasks);
    return can_run ? priority_of(task, tasks) : 0;
  };
  std::string ran;
  while (true) {
    Task& now = *std::ranges::max_element(tasks, {}, urgency);
    if (urgency(now) == 0) return ran;
    if (now.next() == 'L') now.has_lock = true;
    if (now.name == 'm' && ran.ends_with('l') && waits_for_lock(tasks.front(), tasks))
      pdc::fault("inversion");
    std::vector<pdc::Span> bars;
    for (const Task& task : tasks) {
      if (task.next() == '.') continue;
      if (task.has_lock) bars.push_back(task.lane.hold("lock"));
      if (&task != &now) bars.push_back(task.lane.wait("waits"));
      if (&task == &now && !task.has_lock) bars.push_back(task.lane.work("runs"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays a step
    ran += now.name;
    for (Task& task : tasks)
      if (&task == &now || task.steps.starts_with('.')) task.steps.erase(0, 1);
    if (now.next() != 'L') now.has_lock = false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"steps", 6, "steps of middle, which needs no lock", {1, 32}}});
  const int steps = program.integer("steps");

  const auto own = program.scene("own priorities", run, steps, own_priority);
  const auto inherited = program.scene("inherited priorities", run, steps, inherited_priority);
  InheritingMutex inheriting;
  std::mutex plain;

  const std::string m(steps, 'm');
  pdc::check(own.starts_with("ll" + m + "llh"),
             "without inheritance, high waits for 3 steps of low and for all steps of middle",
             "{} steps: {}", own.find('h') - 1, own);
  pdc::check(inherited.starts_with("llllh"),
             "with inheritance, high waits for 3 steps of low and for none of middle",
             "{} steps: {}", inherited.find('h') - 1, inherited);
  pdc::check(inherited.ends_with("ll"),
             "what low inherits, it loses with the lock: its last steps come last of all", "{}",
             inherited);
  pdc::check(names_holder(inheriting) && !names_holder(plain),
             "a PTHREAD_PRIO_INHERIT mutex names its holder while locked, a std::mutex does not");
  return program.finish();
}
