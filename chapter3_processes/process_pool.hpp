// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// The pool of process_pool.cpp: worker processes, a pipe to each and one back.

struct Task {  // also the message to a worker, and back from it
  std::int64_t get() const { return *error ? throw std::runtime_error(error) : value; }
  void fail(const std::string& text) { text.copy(error, sizeof error - 1); }
  std::int64_t number, value = 0;
  int deaths = 0;  // of workers that had it in hand
  char error[60] = "";
};

/// What `call` returns once no signal interrupts it.
template <std::invocable Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

using Work = std::function<std::int64_t(std::int64_t number, const pdc::Lane&)>;

class Pool {
 public:
  Pool(int workers, int tries, const Work& work) : work_(work), tries_(tries) {
    signal(SIGPIPE, SIG_IGN);  // a write to one that has died is an error, not a death
    workers_.resize(static_cast<std::size_t>(workers));
    for (Worker& worker : workers_) start(worker);
  }
  std::vector<Task> map(int tasks) {  // numbers 1, 2, ..., and what comes of each, in order
    std::vector<Task> all;
    for (int number = 1; number <= tasks; ++number) all.push_back({number});
    for (Task& task : all) waiting_.push_back(&task);
    while (give()) collect();
    return all;
  }

 private:
  struct Worker {
    std::optional<pdc::Child> process;
    pdc::Pipe tasks, results;  // closed before ~Child waits: that ends the process
    std::deque<Task*> given;   // it has the first in hand
  };

  void start(Worker& worker) {
    worker.tasks = pdc::Pipe();
    worker.results = pdc::Pipe();
    worker.process.emplace([&, lane = pdc::Lane("worker {}", started_++)] {
      for (Worker& each : workers_) each.tasks.write_end.close();  // or no stream would end
      Task task{};
      const auto take = [&] { return read(worker.tasks.read_end.get(), &task, sizeof task); };
      const auto answer = [&] { return write(worker.results.write_end.get(), &task, sizeof task); };
      while (uninterrupted(take) > 0) {
        try {
          task.value = work_(task.number, lane);
        } catch (const std::exception& error) {
          task.fail(error.what());
        }
        if (uninterrupted(answer) == -1) return;
      }
    });
    worker.tasks.read_end.close();
    worker.results.write_end.close();
    fcntl(worker.results.read_end.get(), F_SETFL, O_NONBLOCK);
  }

  bool give() {
    const std::size_t share = waiting_.size() / (4 * workers_.size()) + 1;  // 1 near the end
    for (Worker& worker : workers_) {
      while (worker.given.size() < std::min<std::size_t>(share, 32) && !waiting_.empty()) {
        Task* const task = waiting_.front();
        waiting_.pop_front();
        worker.given.push_back(task);
        const auto hand_over = [&] {
          return write(worker.tasks.write_end.get(), task, sizeof *task);
        };
        if (uninterrupted(hand_over) == -1) break;  // it has died, and collect() will see it
      }
    }
    return std::ranges::any_of(workers_, [](const Worker& one) { return !one.given.empty(); });
  }

  void collect() {
    std::vector<pollfd> polled;  // -1: is not looked at
    for (const Worker& worker : workers_)
      polled.push_back({worker.given.empty() ? -1 : worker.results.read_end.get(), POLLIN, 0});
    const auto any_result = [&] { return poll(polled.data(), polled.size(), -1); };
    pdc::posix(uninterrupted(any_result), "poll");
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      auto& given = workers_[i].given;
      while (!given.empty() && read(polled[i].fd, given[0], sizeof(Task)) > 0)
        given.pop_front();  // each result went to its task's place
      if ((polled[i].revents & POLLHUP) != 0 && !given.empty()) replace(workers_[i]);  // it died
    }
  }

  void replace(Worker& dead) {
    Task& in_hand = *dead.given.front();
    pdc::say("task {}: its worker ends with {}", in_hand.number, dead.process->wait().text());
    if (++in_hand.deaths == tries_) {
      in_hand.fail(fmt::format("killed {} workers", in_hand.deaths));
      dead.given.pop_front();
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
