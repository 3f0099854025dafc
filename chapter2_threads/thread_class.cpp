// Thread class: a worker that owns its thread, and stops when it is asked to.
//
// Concept   A thread cannot be stopped from outside: it can be asked, and must look. A class that
//           owns its std::jthread asks by a stop token and joins. The thread is its last member: it
//           begins when all others are there, and has ended before they go.
// Shows     std::jthread, std::stop_token, request_stop, stop_requested, std::latch
// Python    class MyThread(threading.Thread)
// Run       thread_class --workers 3 --jobs 8
// You see   deaf workers do all their jobs; those that listen end the job at hand, and keep it
// Next      cancellation stops many at once, asleep or not; thread_pool has many threads in a class

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <chrono>
#include <functional>
#include <latch>
#include <list>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int asked_in_job = 2;

enum class Ears { closed, open };

/// Does job 0, 1, 2, ... on a thread of its own, until all are done or it is asked to stop.
class Worker {
 public:
  Worker(int jobs, std::function<int(int)> job, Ears ears)
      : jobs_(jobs), job_(std::move(job)), thread_([this, ears](const std::stop_token& stop) {
          if (ears == Ears::open) {
            work(stop);
          } else {
            work_deaf();
          }
        }) {}

  Worker(const Worker&) = delete;  // nor does it move: its thread holds `this`

  void ask_to_stop() { thread_.request_stop(); }
  const std::vector<int>& results() {
    if (thread_.joinable()) thread_.join();  // until then they are the thread's alone
    return results_;
  }

 private:
  void work(const std::stop_token& stop) {
    for (int i = 0; i < jobs_ && !stop.stop_requested(); ++i) results_.push_back(job_(i));
  }
  /// Wrong on purpose: it can be asked, but it never looks.
  void work_deaf() {
    for (int i = 0; i < jobs_; ++i) results_.push_back(job_(i));
  }

  const int jobs_;
  const std::function<int(int)> job_;
  std::vector<int> results_;
  std::jthread thread_;  // the last: it uses all the others
};

struct Tally {
  int begun = 0, kept = 0, right = 0;  // jobs of all workers
};

Tally count(std::list<Worker>& team, const std::vector<int>& begun) {
  Tally tally;
  for (Worker& worker : team) {
    const std::vector<int>& results = worker.results();
    tally.kept += static_cast<int>(results.size());
    for (int job = 0; job < std::ssize(results); ++job) {
      if (results[job] == job * job) ++tally.right;
    }
  }
  for (const int jobs : begun) tally.begun += jobs;
  return tally;
}

/// Asks all workers to stop while each is in the middle of a job.
Tally stop_workers(Ears ears, int workers, int jobs) {
  std::latch all_busy(workers), all_asked(1);
  std::vector<int> begun(workers);  // each counts its own
  std::list<Worker> team;           // whose elements stay where they are
  const pdc::Lane owner("owner");
  for (int i = 0; i < workers; ++i) {
    const auto square = [&, i, lane = pdc::Lane("worker {}", i)](int job) {
      const auto work = lane.work("job {}", job);
      ++begun[i];
      if (job == asked_in_job) {
        all_busy.count_down();
        all_asked.wait();  // forced: it is asked in the middle of this one
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the job
      return job * job;
    };
    team.emplace_back(jobs, square, ears);
  }
  auto wait = owner.wait("until all are busy");
  all_busy.wait();
  wait.end();
  for (Worker& worker : team) worker.ask_to_stop();
  pdc::mark("asked to stop");
  all_asked.count_down();

  const auto end = owner.wait("their end");
  return count(team, begun);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 3, "workers", {1, 64}}, {"jobs", 8, "jobs each", {4, 100}}});
  const int workers = program.integer("workers");
  const int jobs = program.integer("jobs");

  const Tally deaf = program.scene("deaf workers", stop_workers, Ears::closed, workers, jobs);
  const Tally polite =
      program.scene("workers that listen", stop_workers, Ears::open, workers, jobs);

  pdc::check(deaf.begun == workers * jobs, "asked to stop, deaf workers do all their jobs",
             "{} of {}", deaf.begun, workers * jobs);
  const int until_asked = workers * (asked_in_job + 1);
  pdc::check(polite.begun == until_asked, "workers that listen begin no job after they are asked",
             "{} of {} begun", polite.begun, workers * jobs);
  pdc::check(polite.kept == until_asked, "the job at hand is finished, and no result is lost",
             "{} kept", polite.kept);
  pdc::check(polite.right == until_asked, "the results are right, and in order", "{} of {}",
             polite.right, until_asked);
  return program.finish();
}
