// Coordinator: deals tasks out to workers that come over TCP, and again when one is lost.
//
// Concept   Whoever deals out work over a network has to expect that a worker is gone, or silent
//           and not gone, or fails. So tasks are acknowledged when their result is safe, and dealt
//           out again when their worker is gone or silent; only the first result of each counts;
//           and what fails everywhere is given up, not tried for ever.
// Shows     tcp::acceptor, io_context::run; farm.hpp: which task is where; desk.hpp, service.hpp:
//           messages, connections; journal.hpp: O_APPEND, flock, fdatasync
// Python    multiprocessing.managers.BaseManager, asyncio.start_server
// Run       coordinator --workers 3 --tasks 24
// You see   a killed worker's task lost, or done by another; a late answer; a task that fails
// Next      worker is the other side; mandelbrot_async has an image computed so

// SPDX-License-Identifier: MIT
#include "desk.hpp"
#include "farm.hpp"
#include "options.hpp"
#include "results.hpp"
#include "secret.hpp"
#include "service.hpp"

#include "pdc/sibling.hpp"

#include <signal.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <list>
#include <map>
#include <set>

namespace {

using namespace job_farm;

struct Orders {
  Job job;
  int workers;  // of its own
  tcp::endpoint place;
  std::string secret_file, journal;
  double heartbeat;
  Service::Settings service;
  bool text;  // not only claims, nor JSON
};

tcp::acceptor listen_at(asio::io_context& loop, const Orders& orders) {
  const std::string address = orders.place.address().to_string();
  try {
    tcp::acceptor acceptor(loop, orders.place);
    fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // or its workers would hold it open
    const auto line =
        fmt::format("listening on {} port {}", address, acceptor.local_endpoint().port());
    pdc::say("{}", line);
    if (!orders.text && orders.workers == 0) fmt::print("{}\n", line);  // whoever comes needs it
    std::fflush(stdout);
    return acceptor;
  } catch (const boost::system::system_error& error) {
    pdc::refuse(fmt::format("listen on {} port {}: {}; choose another --address or --port", address,
                            orders.place.port(), error.code().message()));
  }
}

constexpr std::string_view killed = "worker 0", stopped = "worker 1";

/// Its own workers. The first ones may have an accident, each in the middle of its first task: the
/// others are started when those have come, so that there is a task for each of the first.
class Team : public Listener {
 public:
  Team(int size, std::vector<std::string> accidents)
      : size_(size), accidents_(std::move(accidents)) {}

  void start(std::vector<std::string> arguments) {
    arguments_ = std::move(arguments);
    for (const std::string& accident : accidents_) start_one(accident);
    if (accidents_.empty()) start_others();
  }

  void come(const Guest& guest) override {
    come_.insert(guest.name);
    if (!accidents_.empty() && come_.size() == accidents_.size()) start_others();
  }

  void lost(const Guest& guest) override {
    const bool is_victim = (guest.name == killed && accidents_.size() > 0) ||
                           (guest.name == stopped && accidents_.size() > 1);
    if (!is_victim || !in_hand_.emplace(guest.name, guest.hand.front().task).second) return;
    pdc::fault(fmt::format("{} is {}", guest.name, guest.name == killed ? "killed" : "silent"));
  }

  void result(const Guest& guest, int task, bool counts) override {
    const auto lost = in_hand_.find(stopped);
    if (lost == in_hand_.end() || task != lost->second) return;
    if (guest.name == stopped) {
      late_answer_counts_ = counts;
    } else if (counts) {
      pdc::say("task {} is done, {} goes on", task, stopped);
      pdc::mark(fmt::format("{} goes on", stopped));
      const pid_t pid = std::next(workers_.begin())->pid();
      pdc::await_stop(pid);
      kill(pid, SIGCONT);
    }
  }

  bool awaits_more() override { return accidents_.size() > 1 && !late_answer_counts_; }

  /// Waits for their ends; those that never came are told to. How many others ended with a fault.
  int wait() {
    int faulty = 0, number = 0;
    for (pdc::Sibling& worker : workers_) {
      const bool came = come_.contains(fmt::format("worker {}", number++));
      if (!came) worker.send(SIGTERM);
      const pdc::Exit end = worker.wait();
      faulty += came && end.status != 0 ? 1 : 0;
    }
    return faulty;
  }

  std::optional<int> in_hand_of(std::string_view victim) const {
    const auto found = in_hand_.find(victim);
    return found == in_hand_.end() ? std::nullopt : std::optional(found->second);
  }
  bool late_answer_counts() const { return late_answer_counts_.value_or(true); }

 private:
  void start_others() {
    while (static_cast<int>(workers_.size()) < size_) start_one("none");
  }
  void start_one(const std::string& accident) {
    std::vector<std::string> words = arguments_;
    words.insert(words.end(), {"--quiet", "--name", fmt::format("worker {}", workers_.size()),
                               "--accident", accident});
    workers_.emplace_back("worker", words);
  }

  const int size_;
  const std::vector<std::string> accidents_;
  std::vector<std::string> arguments_;
  std::list<pdc::Sibling> workers_;
  std::set<std::string> come_;
  std::map<std::string, int, std::less<>> in_hand_;  // of victims, when they were lost
  std::optional<bool> late_answer_counts_;
};

/// What its own workers need to find it.
std::vector<std::string> arguments(const Orders& orders, const tcp::endpoint& place) {
  const auto any = place.address().is_v6() ? "::1" : "127.0.0.1";
  return {"--port",        fmt::format("{}", place.port()),
          "--address",     place.address().is_unspecified() ? any : place.address().to_string(),
          "--heartbeat",   fmt::format("{}", orders.heartbeat),
          "--secret-file", orders.secret_file};
}

struct Outcome {
  Farm farm;
  std::vector<Result> results;
  int come, gone;  // workers
  int faulty;      // of its own
  std::optional<int> killed_with, stopped_with;
  bool late_answer_counts;
};

Outcome serve(const Orders& orders, Limits limits, const std::vector<std::string>& accidents) {
  asio::io_context loop;
  std::optional<Service> service;
  Team team(orders.workers, accidents);
  Desk desk(loop.get_executor(), orders.job, limits, orders.journal, team, [&] { service->end(); });
  tcp::acceptor acceptor = listen_at(loop, orders);
  service.emplace(acceptor, desk, orders.service);
  if (desk.is_over())
    service->end();
  else
    team.start(arguments(orders, acceptor.local_endpoint()));
  loop.run();  // until all is done or given up, and all workers have heard of it
  const int faulty = team.wait();
  return {desk.farm(),
          desk.results(),
          desk.come(),
          desk.gone(),
          faulty,
          team.in_hand_of(killed),
          team.in_hand_of(stopped),
          team.late_answer_counts()};
}

/// Where the accidents are certain, and so is what they cost.
bool can_show_accidents(const Orders& orders) {
  const Job& job = orders.job;
  return orders.workers >= 3 && orders.journal.empty() && job.tasks > 2 && !job.fails(0) &&
         expected(job, 0) > 0;
}

/// Wrong on purpose: one try, and nobody asks again.
void claim_loss(pdc::Program& program, const Orders& orders) {
  constexpr Limits one_try{.failures = 1, .losses = 1};
  Orders patient = orders;
  patient.service.silent_after = std::numeric_limits<int>::max();
  const Outcome once = program.scene("each task dealt out once", serve, patient, one_try,
                                     std::vector<std::string>{"kill"});
  const std::int64_t missing = expected(orders.job, once.killed_with.value_or(0));
  pdc::check(sum(once.results) == expected_sum(orders.job) - missing,
             "dealt out once, the killed worker's task is missing from the sum", "{}", missing);
}

void claim_accidents(const Outcome& outcome) {
  const std::string& by = outcome.farm[outcome.killed_with.value_or(0)].by;
  pdc::check(outcome.killed_with && !by.empty() && by != killed,
             "acknowledged, the killed worker's task was done by another", "{}", by);
  pdc::check(outcome.stopped_with && !outcome.late_answer_counts,
             "the stopped worker's answer came late, and did not count", "{} of {}",
             outcome.farm.counts().twice, outcome.farm.counts().late);
}

/// How many workers: a word of its own, since 0 is another way to run and not just a number.
int workers_in(const pdc::Program& program) {
  const std::string& word = program.word("workers");
  int workers = -1;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), workers);
  if (error != std::errc() || end != word.data() + word.size() || workers < 0 || workers > 32)
    program.reject(fmt::format("--workers '{}': a whole number from 0 to 32", word));
  return workers;
}

Orders orders_in(const pdc::Program& program) {
  const double silence = program.real("silence"), heartbeat = program.real("heartbeat");
  if (silence < 2 * heartbeat)
    program.reject(fmt::format("--silence {}: at least twice the --heartbeat", silence));
  const int workers = workers_in(program);
  const std::string& file = program.word("secret-file");
  if (workers == 0 && file.empty())
    program.reject("--workers 0: whoever comes has to know a secret; name its --secret-file");
  return {.job = job_in(program),
          .workers = workers,
          .place = place_in(program),
          .secret_file = file,
          .journal = program.word("journal"),
          .heartbeat = heartbeat,
          .service = {.secret = file.empty() ? "" : read_secret(file),
                      .heartbeat = seconds_in(program, "heartbeat"),
                      .silent_after = static_cast<int>(std::ceil(silence / heartbeat)),
                      .deadline = seconds_in(program, "deadline")},
          .text = !program.flag("quiet") && !program.flag("json")};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"workers", "3", "workers that it starts, from 0 (it waits for others) to 32"},
       {"tasks", 24, "tasks", {1, 100'000}},
       {"job", "primes", "what is done: primes, mandelbrot, or empty (nothing)"},
       {"poison", 1, "tasks that fail everywhere", {0, 100'000}},
       {"address", "127.0.0.1", "IP address to listen at"},
       {"port", 0, "port to listen at; 0: any that is free", {0, 65'535}},
       {"journal", "", "file with what is done; from it, a successor goes on"},
       {"secret-file", "", "file with the secret that the workers know, too"},
       {"heartbeat", 0.1, "seconds from sign of life to sign of life", {0.001, 5}},
       {"silence", 0.5, "seconds without a word after which a worker is silent", {0.01, 20}}});
  Orders orders = orders_in(program);
  std::optional<OwnSecret> own;  // its workers inherit it
  if (orders.secret_file.empty()) {
    orders.secret_file = own.emplace().file();
    orders.service.secret = read_secret(orders.secret_file);
  }
  std::vector<std::string> accidents;
  if (can_show_accidents(orders)) {
    claim_loss(program, orders);
    accidents = {"kill", "stop"};
  }
  const Outcome outcome =
      program.scene("acknowledged, or dealt out again", serve, orders, Limits{}, accidents);
  program.report("workers come", outcome.come, "connections");
  program.report("workers gone", outcome.gone, "connections");
  report(program, outcome.farm.counts());
  tell(outcome.farm, orders.job.tasks);
  if (!accidents.empty()) claim_accidents(outcome);
  claim_results(orders.job, outcome.farm, outcome.results);
  if (orders.workers > 0)
    pdc::check(outcome.faulty == 0, "none of its workers missed an acknowledgement", "{} workers",
               orders.workers);
  return program.finish();
}
