// Process pool: a few processes do many tasks, and one that dies is replaced.
//
// Concept   A pool starts its workers once; tasks and results travel as messages. A task may kill
//           the process that does it, but no other: the pool sees the end of the stream, starts a
//           successor and has the task done again. If it kills again and again, it is given up.
// Shows     pdc::Pipe, pdc::Child, write, read, poll
// Python    multiprocessing.Pool, concurrent.futures.ProcessPoolExecutor
// Run       process_pool --workers 3 --tasks 12
// You see   a killed worker's task lost, then done again by another; a poison task fails alone
// Next      mandelbrot_processes shares out the rows of an image; thread_pool does it with threads

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Task {  // also the message to a worker, and back from it
  std::int64_t get() const { return *error ? throw std::runtime_error(error) : value; }
  void fail(const std::string& text) { text.copy(error, sizeof error - 1); }
  std::int64_t number, value = 0;
  int deaths = 0;  // of workers that had it in hand
  char error[60] = "";
};

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
      for (Task task{}; read(worker.tasks.read_end.get(), &task, sizeof task) > 0;) {
        try {
          task.value = work_(task.number, lane);
        } catch (const std::exception& error) {
          task.fail(error.what());
        }
        if (write(worker.results.write_end.get(), &task, sizeof task) == -1) return;
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
        worker.given.push_back(waiting_.front());
        waiting_.pop_front();
        if (write(worker.tasks.write_end.get(), worker.given.back(), sizeof(Task)) == -1) break;
      }  // -1: it has died, and collect() will see it
    }
    return std::ranges::any_of(workers_, [](const Worker& one) { return !one.given.empty(); });
  }

  void collect() {
    std::vector<pollfd> polled;  // -1: is not looked at
    for (const Worker& worker : workers_)
      polled.push_back({worker.given.empty() ? -1 : worker.results.read_end.get(), POLLIN, 0});
    pdc::posix(poll(polled.data(), polled.size(), -1), "poll");
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

struct Result {
  int right = 0;  // cubes
  std::string error;
};

/// The task in the middle kills its worker, so many times; with 0 it throws.
Result run_tasks(int workers, int tasks, int tries, int kills) {
  const pdc::Shared<std::atomic<int>> killed(0);
  Pool pool(workers, tries, [&](std::int64_t number, const pdc::Lane& lane) {
    auto work = lane.work("task {}", number);
    std::this_thread::sleep_for(std::chrono::milliseconds(4 + number % 3));  // plays the task
    if (number != (tasks + 1) / 2 || (kills > 0 && *killed == kills))
      return number * number * number;
    if (kills == 0) throw std::domain_error("too hard");
    work.rename("task {}: death {}", number, ++*killed);
    work.end();                           // or its bar would go on without it
    return std::int64_t{raise(SIGKILL)};  // forced: it has the task in hand
  });
  Result result;
  for (std::int64_t n = 1; const Task& task : pool.map(tasks)) {
    try {
      if (task.get() == n * n * n) ++result.right;
    } catch (const std::runtime_error& error) {
      result.error = error.what();
    }
    ++n;
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 3, "processes", {1, 32}}, {"tasks", 12, "tasks", {2, 64}}});
  const int workers = program.integer("workers"), tasks = program.integer("tasks");

  const Result once = program.scene("one try for each task", run_tasks, workers, tasks, 1, 1);
  const Result thrice = program.scene("three tries", run_tasks, workers, tasks, 3, 1);
  const Result poison = program.scene("a poison task", run_tasks, workers, tasks, 3, 99);
  const Result thrown = run_tasks(workers, tasks, 3, 0);

  pdc::check(once.right == tasks - 1, "with one try, the task of a killed worker is lost",
             "{} of {}", once.right, tasks);
  pdc::check(thrice.right == tasks, "with three, all are done, in order", "{} of {}", thrice.right,
             tasks);
  pdc::check(poison.right == tasks - 1 && poison.error == "killed 3 workers",
             "a poison task fails alone, after three tries", "{}", poison.error);
  pdc::check(thrown.right == tasks - 1 && thrown.error == "too hard",
             "an exception in a worker comes out in the pool", "{}", thrown.error);
  return program.finish();
}
