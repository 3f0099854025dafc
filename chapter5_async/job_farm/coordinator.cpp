// Coordinator: deals tasks out to workers that come over TCP, and again when one is lost.
//
// Concept   Whoever deals out work over a network has to expect that a worker is gone, or silent
//           and not gone, or fails. So a task is dealt out again when its worker is gone or silent;
//           only the first result of each counts, and is written down before it is acknowledged;
//           and what fails everywhere is given up, not tried for ever.
// Shows     tcp::acceptor, io_context::run; service.hpp: connections; farm.hpp: which task is where;
//           journal.hpp: flock, fdatasync; link.hpp: async_read_until, pdc::Seal
// Python    multiprocessing.managers.BaseManager, asyncio.start_server
// Run       coordinator --workers 3 --tasks 24
// You see   a killed worker's task lost, or done by another; a late answer; a task that fails
// Next      worker is the other side; mandelbrot_async has an image computed so

// SPDX-License-Identifier: MIT
#include "../sockets/listening.hpp"
#include "service.hpp"

#include "pdc/sibling.hpp"

#include <signal.h>
#include <sys/wait.h>

namespace {

using namespace job_farm;

constexpr std::string_view killed = "worker 0", stopped = "worker 1";

using Words = std::vector<std::string>;
struct Orders {
  Service::Settings service;
  std::string secret_file, journal;
  double deadline;       // seconds
  int workers;           // of its own; 0: it waits for others,
  tcp::endpoint place;   // there
  Words accidents = {};  // of its own
};

/// Its own workers. The first ones have an accident, each in the middle of its first task: the
/// others are started when those have come, so that there is a task for each of the first.
class Team {
 public:
  Team(const Orders& orders, unsigned port) : orders_(orders), port_(fmt::format("{}", port)) {}

  /// After each change. The stopped one goes on when another has done its task: returns whether its
  /// answer, which will be late, is still awaited.
  bool look(const Service& service) {
    if (service.farm().is_over() && workers_.empty()) return false;  // an earlier one did it all
    const auto& [come, gone, late, lost] = service.history();
    const auto unlucky = std::ssize(orders_.accidents);
    while (std::ssize(workers_) < (come < unlucky ? unlucky : orders_.workers)) start_one();
    if (unlucky < 2) return false;
    const auto found = lost.find(stopped);
    const bool is_due = found == lost.end()
                            ? is_forgotten(service)
                            : service.farm()[found->second].state == Farm::State::done;
    if (is_due) std::next(workers_.begin())->send(SIGCONT);
    return found != lost.end() && !late.contains(stopped) && !gone.contains(stopped);
  }

 private:
  void start_one() {
    const std::size_t number = workers_.size();
    workers_.emplace_back(
        "worker", Words{"--quiet", "--name", fmt::format("worker {}", number), "--port", port_,
                        "--secret-file", orders_.secret_file, "--silence", "20", "--accident",
                        number < orders_.accidents.size() ? orders_.accidents[number] : "none"});
  }

  /// Whether it stands still and nobody notices for much longer than the limit: then this page would
  /// never end, and could not say so.
  bool is_forgotten(const Service& service) {
    siginfo_t state{};
    const auto pid = static_cast<id_t>(std::next(workers_.begin())->pid());
    waitid(P_PID, pid, &state, WSTOPPED | WNOHANG | WNOWAIT);
    if (state.si_pid == 0) moved_ = service.beats();
    return service.beats() > moved_ + 4 * orders_.service.silent_after;
  }

  const Orders& orders_;
  const std::string port_;
  std::list<pdc::Sibling> workers_;
  int moved_ = 0;  // at this heartbeat the stopped one still did
};

struct Outcome {
  Farm farm;
  Service::History history;
  std::vector<int> times;       // how often each task is in the journal
  std::vector<std::string> by;  // who did it
  std::int64_t sum = 0;         // of the results
};

Outcome serve(const Orders& orders) {
  Journal journal(orders.journal, orders.service.job.description());  // refused before all else
  asio::io_context loop;
  tcp::acceptor acceptor = orders.workers == 0
                               ? listen(loop, orders.place)
                               : tcp::acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // or its workers would hold it open
  pdc::set_deadline(std::chrono::duration<double>(orders.deadline));  // from the last result on
  Team team(orders, acceptor.local_endpoint().port());
  Service service(std::move(acceptor), journal, orders.service,
                  [&](const Service& changed) { return team.look(changed); });
  loop.run();  // until all is done or given up, and all workers have heard of it
  const auto tasks = static_cast<std::size_t>(orders.service.job.tasks);
  Outcome outcome{service.farm(), service.history(), std::vector<int>(tasks), Words(tasks)};
  service.read_results([&](int task, const json::object& line) {
    const auto place = static_cast<std::size_t>(task);
    ++outcome.times[place];
    outcome.by[place] = line.at("by").as_string();
    if (const auto* number = line.at("value").if_int64()) outcome.sum += *number;
  });
  return outcome;
}

/// Which worker has done the task that this one had in hand when it was lost.
std::string heir_of(std::string_view worker, const Outcome& outcome) {
  const auto found = outcome.history.lost.find(worker);
  if (found == outcome.history.lost.end()) return "";
  return outcome.by[static_cast<std::size_t>(found->second)];
}

/// Wrong on purpose: one try, and nobody asks again.
void claim_loss(pdc::Program& program, Orders orders) {
  orders.accidents = {"kill"};
  orders.service.limits = {.failures = 1, .losses = 1};
  orders.service.silent_after = beats_in(20);  // nobody is taken for silent here
  const Outcome once = program.scene("each task dealt out once", serve, orders);
  pdc::check(once.history.lost.contains(killed) && heir_of(killed, once).empty(),
             "dealt out once, the killed worker's task is done by nobody", "{} of {} are done",
             once.farm.done(), orders.service.job.tasks);
}

void claim_accidents(const Outcome& outcome) {
  const std::string first = heir_of(killed, outcome), second = heir_of(stopped, outcome);
  pdc::check(!first.empty() && first != killed,
             "dealt out again, the killed worker's task was done by another", "{}", first);
  pdc::check(outcome.history.late.contains(stopped) && !second.empty() && second != stopped,
             "the stopped worker's answer came late, and did not count", "{}'s did", second);
}

void claim_results(const Job& job, const Outcome& outcome) {
  std::vector<int> once;
  std::int64_t sum = job.name == "primes" ? pdc::sieve_primes(numbers) : 0;
  int poison = 0, given_up = 0;
  for (int task = 0; task < job.tasks; ++task) {
    once.push_back(job.fails(task) ? 0 : 1);
    const Farm::Task& one = outcome.farm[task];
    given_up += one.state == Farm::State::given_up && one.failures >= 3 ? 1 : 0;
    if (!job.fails(task)) continue;
    ++poison;
    if (job.name == "primes") sum -= pdc::count_primes(job.first(task), job.first(task + 1));
  }
  pdc::check(outcome.times == once, "every task but the poison is in the journal once", "{} of {}",
             std::ranges::count(outcome.times, 1), job.tasks);
  if (job.name != "mandelbrot")
    pdc::check(outcome.sum == sum, "the sum of the results is right", "{}", sum);
  if (poison > 0)
    pdc::check(given_up == poison, "poison was given up, not before three attempts", "{} of {}",
               given_up, poison);
}

Job job_in(const pdc::Program& program) {
  const std::string& name = program.word("job");
  const int tasks = program.integer("tasks");
  if (name != "primes" && name != "mandelbrot" && name != "empty")
    program.reject(fmt::format("--job '{}': it is primes, mandelbrot or empty", name));
  constexpr int fewest = view.height / largest_tile;
  if (name == "mandelbrot" && (tasks < fewest || tasks > view.height))
    program.reject(fmt::format("--tasks {}: from {} to {} tiles", tasks, fewest, view.height));
  return {name, tasks, std::min(program.integer("poison"), tasks)};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"workers", 3, "workers that it starts", {1, 32}},
       {"tasks", 24, "tasks", {1, 100'000}},
       {"job", "primes", "what is done: primes, mandelbrot, or empty (nothing)"},
       {"poison", 1, "tasks that fail everywhere", {0, 100'000}},
       {"secret-file", "", "it starts no workers, and waits for those that know this secret"},
       {"address", "127.0.0.1", "IP address to listen at for these"},
       {"port", 0, "port to listen at for these; 0: any that is free", {0, 65'535}},
       {"journal", "", "file with what is done; from it, a successor goes on"},
       {"silence", 0.5, "seconds without a line after which a worker is silent", {0.2, 20}}});
  const Job job = job_in(program);
  const pdc::OwnSecret own;  // its workers inherit it
  const std::string& file = program.word("secret-file");
  Orders orders{.service = {.job = job,
                            .secret = pdc::read_secret(file.empty() ? own.file() : file),
                            .silent_after = beats_in(program.real("silence"))},
                .secret_file = own.file(),
                .journal = program.word("journal"),
                .deadline = program.real("deadline"),
                .workers = file.empty() ? program.integer("workers") : 0,
                .place = endpoint_in(program)};
  if (orders.workers >= 3 && orders.journal.empty() && job.tasks > 2 &&
      job.poison <= job.tasks / 2) {
    claim_loss(program, orders);
    orders.accidents = {"kill", "stop"};
  }
  const Outcome outcome = program.scene("dealt out until there is a result", serve, orders);
  program.report("workers come", outcome.history.come, "connections");
  program.report("workers gone", static_cast<double>(outcome.history.gone.size()), "connections");
  program.report("dealt", outcome.farm.dealt(), "attempts");
  program.report("done", outcome.farm.done(), "tasks");
  program.report("failed", outcome.farm.given_up(), "tasks");
  program.report("late", static_cast<double>(outcome.history.late.size()), "answers");
  if (!orders.accidents.empty()) claim_accidents(outcome);
  claim_results(job, outcome);
  return program.finish();
}
