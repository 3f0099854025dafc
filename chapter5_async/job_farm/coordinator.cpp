// Coordinator: deals tasks out to workers that come over TCP, and again when one is lost.
//
// Concept   Whoever deals out work over a network has to expect that a worker is gone, or silent
//           and not gone, or fails. So a task is dealt out again when its worker is gone or silent;
//           only the first result of each counts, and is written down before it is acknowledged;
//           and what fails everywhere is given up, not tried for ever.
// Shows     tcp::acceptor, io_context::run; service.hpp: connections; farm.hpp: which task is where;
//           journal.hpp: O_APPEND, flock; link.hpp: async_read_until; seal.hpp: HMAC
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

#include <numeric>

namespace {

using namespace job_farm;

constexpr std::string_view killed = "worker 0", stopped = "worker 1";

/// Its own workers. The first ones have an accident, each in the middle of its first task: the
/// others are started when those have come, so that there is a task for each of the first.
class Team {
 public:
  using Words = std::vector<std::string>;
  Team(int size, Words accidents, Words options)
      : size_(size), accidents_(std::move(accidents)), options_(std::move(options)) {}

  /// After each change. The stopped one goes on when another has done its task: returns whether its
  /// answer, which will be late, is still awaited.
  bool look(const Service& service) {
    if (service.farm().is_over() && workers_.empty()) return false;  // an earlier one did it all
    const auto unlucky = std::ssize(accidents_);
    while (std::ssize(workers_) < (service.come() < unlucky ? unlucky : size_)) start_one();
    if (unlucky < 2) return false;
    const auto lost = service.lost().find(stopped);
    const bool was_noticed = lost != service.lost().end();
    if (was_noticed ? service.farm()[lost->second].state == Farm::State::done
                    : is_forgotten(service))
      std::next(workers_.begin())->send(SIGCONT);
    return was_noticed && !service.late().contains(stopped);
  }

 private:
  void start_one() {
    const std::size_t number = workers_.size();
    Words words = options_;
    words.insert(words.end(), {"--name", fmt::format("worker {}", number), "--accident",
                               number < accidents_.size() ? accidents_[number] : "none"});
    workers_.emplace_back("worker", words);
  }

  /// Whether it stands still and nobody notices for much longer than the limit: then this page would
  /// never end, and could not say so.
  bool is_forgotten(const Service& service) {
    siginfo_t state{};
    const auto pid = static_cast<id_t>(std::next(workers_.begin())->pid());
    waitid(P_PID, pid, &state, WSTOPPED | WNOHANG | WNOWAIT);
    if (state.si_pid == 0) moved_ = service.beats();
    return service.beats() > moved_ + 4 * silent_after;
  }

  const int size_;
  const Words accidents_, options_;
  std::list<pdc::Sibling> workers_;
  int moved_ = 0;  // at this heartbeat the stopped one still did
};

struct Orders {
  Job job;
  std::string secret_file, journal;
  double silence, deadline;  // seconds
  int workers;               // of its own; 0: it waits for others, at
  tcp::endpoint place;
};

struct Outcome {
  Farm farm;
  std::vector<int> times;       // how often each task is in the journal
  std::vector<std::string> by;  // who did it
  std::int64_t sum = 0;         // of the results
  int come, gone;               // workers
  std::map<std::string, int, std::less<>> lost;
  std::multiset<std::string, std::less<>> late;
};

Outcome serve(const Orders& orders, Limits limits, const Team::Words& accidents) {
  asio::io_context loop;
  tcp::acceptor acceptor = orders.workers == 0
                               ? listen(loop, orders.place)
                               : tcp::acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // or its workers would hold it open
  pdc::set_deadline(std::chrono::duration<double>(orders.deadline));  // from the last result on
  Team team(orders.workers, accidents,
            {"--quiet", "--port", fmt::format("{}", acceptor.local_endpoint().port()), "--silence",
             fmt::format("{}", orders.silence), "--secret-file", orders.secret_file});
  Service service(std::move(acceptor),
                  {orders.job, limits, read_secret(orders.secret_file), orders.journal,
                   period_of(orders.silence)},
                  [&](const Service& s) { return team.look(s); });
  loop.run();  // until all is done or given up, and all workers have heard of it
  const auto tasks = static_cast<std::size_t>(orders.job.tasks);
  Outcome outcome{.farm = service.farm(),
                  .times = std::vector<int>(tasks),
                  .by = std::vector<std::string>(tasks),
                  .come = service.come(),
                  .gone = service.gone(),
                  .lost = service.lost(),
                  .late = service.late()};
  service.read_results([&](int task, const json::value& value, const std::string& by) {
    const auto place = static_cast<std::size_t>(task);
    ++outcome.times[place];
    outcome.by[place] = by;
    outcome.sum += value.is_int64() ? value.get_int64() : 0;
  });
  return outcome;
}

/// The result of a task of `primes`, counted here.
std::int64_t expected(const Job& job, int task) {
  return job.name == "primes" ? pdc::count_primes(job.first(task), job.first(task + 1)) : 0;
}

/// What those that fail leave of the sum of all results.
std::int64_t expected_sum(const Job& job) {
  std::int64_t sum = job.name == "primes" ? pdc::sieve_primes(numbers) : 0;
  for (int task = 0; task < job.tasks; ++task) sum -= job.fails(task) ? expected(job, task) : 0;
  return sum;
}

/// Wrong on purpose: one try, and nobody asks again.
void claim_loss(pdc::Program& program, Orders orders) {
  constexpr Limits one_try{.failures = 1, .losses = 1};
  orders.silence = 20;  // seconds: nobody is taken for silent here
  const Outcome once =
      program.scene("each task dealt out once", serve, orders, one_try, Team::Words{"kill"});
  const auto lost = once.lost.find(killed);
  const std::int64_t missing = lost == once.lost.end() ? 0 : expected(orders.job, lost->second);
  pdc::check(missing > 0 && once.sum == expected_sum(orders.job) - missing,
             "dealt out once, the killed worker's task is missing from the sum", "{}", missing);
}

void claim_accidents(const Outcome& outcome) {
  const auto done_by = [&](std::string_view lost) {
    const auto found = outcome.lost.find(lost);
    return found == outcome.lost.end() ? "" : outcome.by[static_cast<std::size_t>(found->second)];
  };
  const std::string killeds = done_by(killed), stoppeds = done_by(stopped);
  pdc::check(!killeds.empty() && killeds != killed,
             "dealt out again, the killed worker's task was done by another", "{}", killeds);
  pdc::check(outcome.late.contains(stopped) && !stoppeds.empty() && stoppeds != stopped,
             "the stopped worker's answer came late, and did not count", "{}", stoppeds);
}

void claim_results(const Job& job, const Outcome& outcome) {
  std::vector<int> once;
  int given_up = 0, poison = 0;
  for (int task = 0; task < job.tasks; ++task) {
    once.push_back(job.fails(task) ? 0 : 1);
    poison += job.fails(task) ? 1 : 0;
    const Farm::Task& one = outcome.farm[task];
    given_up += one.state == Farm::State::given_up && one.failures >= 3 ? 1 : 0;
  }
  pdc::check(outcome.times == once, "every task but the poison is in the journal once", "{} of {}",
             std::accumulate(outcome.times.begin(), outcome.times.end(), 0), job.tasks);
  if (job.name != "mandelbrot")
    pdc::check(outcome.sum == expected_sum(job), "the sum of the results is right", "{}",
               outcome.sum);
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
       {"silence", 0.5, "seconds without a line after which a worker is silent", {0.01, 20}}});
  const std::string& file = program.word("secret-file");
  const OwnSecret own;  // its workers inherit it
  const Orders orders{.job = job_in(program),
                      .secret_file = file.empty() ? own.file() : file,
                      .journal = program.word("journal"),
                      .silence = program.real("silence"),
                      .deadline = program.real("deadline"),
                      .workers = file.empty() ? program.integer("workers") : 0,
                      .place = endpoint_in(program)};
  Team::Words accidents;
  if (orders.workers >= 3 && orders.journal.empty() && orders.job.tasks > 2 &&
      !orders.job.fails(0) && expected(orders.job, 0) > 0) {  // they are certain, and cost a result
    claim_loss(program, orders);
    accidents = {"kill", "stop"};
  }
  const Outcome outcome =
      program.scene("dealt out until there is a result", serve, orders, Limits{}, accidents);
  program.report("workers come", outcome.come, "connections");
  program.report("workers gone", outcome.gone, "connections");
  program.report("dealt", outcome.farm.dealt(), "attempts");
  program.report("done", outcome.farm.done(), "tasks");
  program.report("failed", outcome.farm.given_up(), "tasks");
  program.report("late", static_cast<double>(outcome.late.size()), "answers");
  if (!accidents.empty()) claim_accidents(outcome);
  claim_results(orders.job, outcome);
  return program.finish();
}
