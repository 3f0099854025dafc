// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

/// What `call` returns once no signal interrupts it.
template <std::invocable Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

/// Also the message to a worker, and back from it.
struct Task {
  std::int64_t number;
  std::int64_t value = 0;
  int deaths = 0;  // of workers that had it in hand
  bool is_done = false;
};

/// Worker processes that do tasks, each reached by a pair of pipes. Requires: the process has no
/// other threads when the pool forks, in the constructor and when it replaces a worker; SIGPIPE is
/// ignored (pdc::Program does that). Signals: what a handler interrupts is repeated. A worker that
/// dies, in the middle of a task or idle, is replaced; a task that has killed `tries` workers is
/// given up. Catch in the task: an exception that leaves it kills the worker, and with a pdc::Program
/// the whole program. Errors: std::system_error; after one the pool may only be destroyed.
class Pool {
 public:
  using Work = std::function<std::int64_t(std::int64_t number, const pdc::Lane&)>;

  Pool(int workers, int tries, Work work)
      : work_(std::move(work)), tries_(tries), workers_(static_cast<std::size_t>(workers)) {
    for (Worker& worker : workers_) start(worker);
  }

  /// Tasks 1, 2, ..., in order, and what has become of each.
  std::vector<Task> map(int tasks) {
    std::vector<Task> all;
    for (int number = 1; number <= tasks; ++number) all.push_back({number});
    for (Task& task : all) waiting_.push_back(&task);
    while (give()) collect();
    return all;
  }

 private:
  static constexpr std::size_t most_given = 32;  // to one worker at once
  static_assert(most_given * sizeof(Task) <= PIPE_BUF, "no write waits, and none is torn");

  struct Worker {
    std::optional<pdc::Child> process;
    pdc::Pipe tasks, results;                        // closed before ~Child waits: that ends it
    std::deque<Task*> given;                         // in the order in which it does them
    pdc::Shared<std::atomic<std::int64_t>> in_hand;  // the number of the one it is at; 0: of none
  };

  void start(Worker& worker) {
    worker.tasks = pdc::Pipe();
    worker.results = pdc::Pipe();
    *worker.in_hand = 0;
    worker.process.emplace([&, lane = pdc::Lane("worker {}", started_++)] {
      for (Worker& each : workers_) each.tasks.write_end.close();  // or no stream would end
      serve(worker, lane);
    });
    worker.tasks.read_end.close();
    worker.results.write_end.close();  // so that the worker's death is the end of the stream
  }

  void serve(Worker& self, const pdc::Lane& lane) {  // in the worker
    Task task{};
    const auto take = [&] { return read(self.tasks.read_end.get(), &task, sizeof task); };
    const auto answer = [&] { return write(self.results.write_end.get(), &task, sizeof task); };
    while (uninterrupted(take) > 0) {
      *self.in_hand = task.number;
      task.value = work_(task.number, lane);
      task.is_done = true;
      *self.in_hand = 0;  // before the answer: nobody is blamed for a task that is done
      if (uninterrupted(answer) == -1) return;
    }
  }

  /// Hands out what waits, a share to each. False when nothing waits and nobody has any.
  bool give() {
    const std::size_t share = waiting_.size() / (4 * workers_.size()) + 1;  // 1 near the end
    for (Worker& worker : workers_) {
      while (worker.given.size() < std::min(share, most_given) && !waiting_.empty()) {
        Task* const task = waiting_.front();
        waiting_.pop_front();
        worker.given.push_back(task);
        const auto send = [&] { return write(worker.tasks.write_end.get(), task, sizeof *task); };
        if (uninterrupted(send) == -1) break;  // it has died, and collect() will see it
      }
    }
    return std::ranges::any_of(workers_, [](const Worker& one) { return !one.given.empty(); });
  }

  void collect() {
    std::vector<pollfd> polled;
    for (const Worker& worker : workers_)
      polled.push_back({worker.results.read_end.get(), POLLIN, 0});
    pdc::posix(uninterrupted([&] { return poll(polled.data(), polled.size(), -1); }), "poll");
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) read_results(workers_[i]);
    }
  }

  void read_results(Worker& worker) {
    std::array<Task, most_given> done;
    const auto take = [&] { return read(worker.results.read_end.get(), &done, sizeof done); };
    const auto size = static_cast<std::size_t>(pdc::posix(uninterrupted(take), "read"));
    for (std::size_t i = 0; i < size / sizeof(Task); ++i) {
      *worker.given.front() = done.at(i);
      worker.given.pop_front();
    }
    if (size == 0) replace(worker);  // the end of the stream
  }

  void replace(Worker& dead) {
    const pdc::Exit end = dead.process->wait();
    if (!dead.given.empty() && *dead.in_hand == dead.given[0]->number) {  // else it was not at one
      Task& task = *dead.given[0];
      pdc::say("task {}: its worker ends with {}", task.number, end.text());
      if (++task.deaths == tries_) dead.given.pop_front();  // given up
    }
    waiting_.insert(waiting_.begin(), dead.given.begin(), dead.given.end());  // once more
    dead.given.clear();
    start(dead);
  }

  const Work work_;
  const int tries_;
  int started_ = 0;
  std::deque<Task*> waiting_;
  std::vector<Worker> workers_;
};
