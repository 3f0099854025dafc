// Coordinator: deals tasks out to workers that come over TCP, and again when one is lost.
//
// Concept   Over a network, a worker may be gone, or silent and not gone, or fail. So a task is dealt
//           out again when its worker is gone or silent; only its first result counts, and is written
//           down before it is acknowledged; and what fails everywhere is given up.
// Shows     tcp::acceptor, io_context::run_one, pdc::Link, pdc::Journal
// Python    multiprocessing.managers.BaseManager, asyncio.start_server
// Run       coordinator --workers 3 --tasks 24
// You see   a killed worker's task lost, or done by another; a late answer; a task that fails
// Next      worker is the other side; mandelbrot_async has an image computed so

// SPDX-License-Identifier: MIT
#include "../sockets/listening.hpp"
#include "service.hpp"

#include "pdc/sibling.hpp"

#include <fcntl.h>
#include <signal.h>

namespace {

using namespace job_farm;
using Words = std::vector<std::string>;
const std::string killed = "worker 0", stopped = "worker 1";

struct Outcome {
  Farm farm;
  Service::History history;
  std::map<int, Words> by = {};  // who did each task, as often as it is in the journal
  std::int64_t sum = 0;          // of the results
};

/// Lets the stopped worker go on when another has done its task: then its answer is late.
void await_late_answer(const Service& service, pdc::Sibling& worker, const auto& run_until) {
  const auto& [come, gone, late, lost] = service.history();
  run_until([&] {
    if (service.has_forgotten_one()) return true;  // or this page would never end
    const auto task = lost.find(stopped);
    return task != lost.end() && service.farm()[task->second].state == Farm::State::done;
  });
  worker.send(SIGCONT);
  run_until(
      [&] { return !lost.contains(stopped) || late.contains(stopped) || gone.contains(stopped); });
}

/// Its own workers have these accidents, and after so many seconds they count as silent.
Outcome serve(const pdc::Program& program, const Job& job, const Words& accidents,
              const Limits& limits, double silence) {
  const pdc::OwnSecret own;  // its workers inherit it
  const bool is_alone = program.word("secret-file").empty();
  const std::string file = is_alone ? own.file() : program.word("secret-file");
  const Service::Settings settings{job, pdc::read_secret(file), pdc::beats_in(silence), limits};
  pdc::Journal journal(program.word("journal"), job.description());  // refused before all else
  asio::io_context loop;
  tcp::acceptor acceptor = is_alone ? tcp::acceptor(loop, {asio::ip::address_v4::loopback(), 0})
                                    : listen(loop, endpoint_in(program));
  fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // or its workers would hold it open
  pdc::set_deadline(std::chrono::duration<double>(program.real("deadline")));  // for each result
  const std::string port = fmt::format("{}", acceptor.local_endpoint().port());
  Service service(std::move(acceptor), journal, settings);
  const auto run_until = [&](const auto& holds) {
    while (!holds()) loop.run_one();
  };
  std::deque<pdc::Sibling> workers;  // its own
  const auto start = [&](int count, const std::string& accident) {
    for (int i = 0; i < count && !service.is_over(); ++i) {
      const std::string name = fmt::format("worker {}", workers.size());
      workers.emplace_back("worker",
                           Words{"--quiet", "--name", name, "--port", port, "--secret-file", file,
                                 "--silence", "20", "--accident", accident});
    }
  };
  // The first ones have an accident, each in the middle of its first task: the others are started
  // when those have come, so that there is a task for each of the first.
  const auto unlucky = static_cast<int>(accidents.size());
  for (const std::string& accident : accidents) start(1, accident);
  run_until([&] { return service.history().come >= unlucky; });
  if (is_alone) start(program.integer("workers") - unlucky, "none");
  if (unlucky == 2) await_late_answer(service, workers[1], run_until);
  run_until([&] { return service.is_over(); });
  service.end();
  loop.run();  // until all workers have heard of it
  Outcome outcome{service.farm(), service.history()};
  journal.read([&](const json::object& line) {
    outcome.by[line.at("task").to_number<int>()].emplace_back(line.at("by").as_string());
    if (const auto* number = line.at("value").if_int64()) outcome.sum += *number;
  });
  return outcome;
}

/// Which worker has done the task that this one had in hand when it was lost: the last that counted.
std::string heir_of(std::string_view worker, const Outcome& outcome) {
  const auto lost = outcome.history.lost.find(worker);
  if (lost == outcome.history.lost.end()) return "";
  const auto done = outcome.by.find(lost->second);
  return done == outcome.by.end() ? "" : done->second.back();
}

void claim_accidents(const Outcome& outcome) {
  const std::string first = heir_of(killed, outcome), second = heir_of(stopped, outcome);
  pdc::check(!first.empty() && first != killed,
             "dealt out again, the killed worker's task was done by another", "{}", first);
  pdc::check(outcome.history.late.contains(stopped) && !second.empty() && second != stopped,
             "the stopped worker's answer came late, and did not count", "{}'s did", second);
}

void claim_results(const Job& job, const Outcome& outcome) {
  std::int64_t sum = job.name == "primes" ? pdc::sieve_primes(numbers) : 0;
  int once = 0, right = 0, given_up = 0;  // tasks
  for (int task = 0; task < job.tasks; ++task) {
    const auto done = outcome.by.find(task);
    const std::size_t times = done == outcome.by.end() ? 0 : done->second.size();
    once += times == 1 ? 1 : 0;
    right += times == (job.fails(task) ? 0 : 1) ? 1 : 0;
    const Farm::Task& one = outcome.farm[task];
    given_up += one.state == Farm::State::given_up && one.failures >= 3 ? 1 : 0;
    if (job.name == "primes" && job.fails(task))
      sum -= pdc::count_primes(job.first(task), job.first(task + 1));
  }
  pdc::check(right == job.tasks, "every task but the poison is in the journal once", "{} of {}",
             once, job.tasks);
  if (job.name != "mandelbrot")
    pdc::check(outcome.sum == sum, "the sum of the results is right", "{}", sum);
  if (job.poison > 0)
    pdc::check(given_up == job.poison, "poison was given up, not before three attempts", "{} of {}",
               given_up, job.poison);
}

Job job_in(const pdc::Program& program) {
  const std::string& name = program.word("job");
  const int tasks = program.integer("tasks");
  if (name != "primes" && name != "mandelbrot" && name != "empty")
    program.reject(fmt::format("--job '{}': it is primes, mandelbrot or empty", name));
  constexpr int fewest = view.height / largest_tile;
  if (name == "mandelbrot" && (tasks < fewest || tasks > view.height))
    program.reject(fmt::format("--tasks {}: from {} to {} tiles", tasks, fewest, view.height));
  endpoint_in(program);  // rejected, too, before anything is started
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
  const bool has_accidents = program.integer("workers") >= 3 && job.tasks > 2 &&
                             job.poison <= job.tasks / 2 && program.word("journal").empty() &&
                             program.word("secret-file").empty();
  if (has_accidents) {  // wrong on purpose: one try, and nobody asks again
    const Outcome once = program.scene("each task dealt out once", serve, program, job,
                                       Words{"kill"}, Limits{.failures = 1, .losses = 1}, 20);
    pdc::check(once.history.lost.contains(killed) && heir_of(killed, once).empty(),
               "dealt out once, the killed worker's task is done by nobody", "{} of {} are done",
               once.farm.done(), job.tasks);
  }
  const Outcome outcome = program.scene("dealt out until there is a result", serve, program, job,
                                        has_accidents ? Words{"kill", "stop"} : Words{}, Limits{},
                                        program.real("silence"));
  program.report("workers come", outcome.history.come, "connections");
  program.report("workers gone", static_cast<double>(outcome.history.gone.size()), "connections");
  program.report("dealt", outcome.farm.dealt(), "attempts");
  program.report("done", outcome.farm.done(), "tasks");
  program.report("failed", outcome.farm.given_up(), "tasks");
  program.report("late", static_cast<double>(outcome.history.late.size()), "answers");
  if (has_accidents) claim_accidents(outcome);
  claim_results(job, outcome);
  return program.finish();
}
