// Coordinator: deals tasks out to workers that come over TCP, and again when one is lost.
//
// Concept   Whoever deals out work over a network has to expect that a worker is gone, or silent
//           and not gone, or fails. So tasks are acknowledged when their result is safe, and dealt
//           out again when their worker is gone or silent; only the first result of each counts;
//           and what fails everywhere is given up, not tried for ever.
// Shows     tcp::acceptor, io_context::run; farm.hpp: which task is where; desk.hpp, service.hpp:
//           messages, connections; journal.hpp: O_APPEND, flock; accidents.hpp: SIGKILL, SIGSTOP
// Python    multiprocessing.managers.BaseManager, asyncio.start_server
// Run       coordinator --workers 3 --tasks 24
// You see   a killed worker's task lost, or done by another; a late answer; a task that fails
// Next      worker is the other side; mandelbrot_async has an image computed so

// SPDX-License-Identifier: MIT
#include "accidents.hpp"
#include "options.hpp"
#include "results.hpp"
#include "service.hpp"

#include <memory>

namespace {

using namespace job_farm;

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

/// What its own workers need to find it.
std::vector<std::string> arguments(const Orders& orders, const tcp::endpoint& place) {
  const auto any = place.address().is_v6() ? "::1" : "127.0.0.1";
  std::vector<std::string> words{
      "--port",      fmt::format("{}", place.port()),
      "--address",   place.address().is_unspecified() ? any : place.address().to_string(),
      "--heartbeat", fmt::format("{}", orders.heartbeat)};
  if (!orders.secret_file.empty()) words.insert(words.end(), {"--secret-file", orders.secret_file});
  return words;
}

struct Outcome {
  std::unique_ptr<Desk> desk;
  std::map<int, std::string> victims;  // of accidents, by the task that they had in hand
  int faulty_workers;
};

Outcome serve(const Orders& orders, Limits limits, Accidents accidents) {
  auto desk = std::make_unique<Desk>(orders.job, limits);
  if (!orders.journal.empty())
    desk->journal = Journal(orders.journal, orders.job.description(),
                            [&](const json::object& line) { desk->recall(line); });
  asio::io_context loop;
  tcp::acceptor acceptor = listen_at(loop, orders);
  Team team;
  if (!desk->is_over()) team.start(orders.workers, arguments(orders, acceptor.local_endpoint()));
  accidents.force(*desk, team);
  if (orders.workers == 0)
    desk->events.come = [](const Guest& guest) { pdc::say("{} comes", guest.name); };
  Service service(*desk, acceptor, orders.secret, orders.silence, orders.deadline);
  loop.run();  // until all is done or given up, and all workers have heard of it
  desk->journal.keep();
  desk->events = {};
  const int faulty = team.wait(*desk);
  return {std::move(desk), std::move(accidents.victims), faulty};
}

bool can_show_accidents(const Orders& orders) {
  const Job& job = orders.job;
  return orders.workers >= 3 && orders.journal.empty() && job.name == "primes" && job.tasks > 1 &&
         !job.fails(0) && !job.fails(1);
}

/// Wrong on purpose: one try, and nobody asks again.
void claim_loss(pdc::Program& program, const Orders& orders) {
  Orders patient = orders;
  patient.silence = std::chrono::hours(1);
  const Outcome once = program.scene("each task dealt out once", serve, patient, Limits{1, 1},
                                     Accidents{.kill = 0, .stop = Accidents::none, .victims = {}});
  std::int64_t there = pdc::sieve_primes(numbers) - part(orders.job, 0);
  for (int task = 1; task < orders.job.tasks; ++task)
    there -= orders.job.fails(task) ? part(orders.job, task) : 0;
  pdc::check(sum(*once.desk) == there,
             "dealt out once, the killed worker's task is missing from the sum", "{}", there);
}

void claim_accidents(const Outcome& outcome) {
  const Farm& farm = outcome.desk->farm;
  const auto killed = outcome.victims.find(0);
  pdc::check(killed != outcome.victims.end() && farm[0].by != killed->second,
             "acknowledged, the killed worker's task was done by another", "{}", farm[0].by);
  pdc::check(farm.counts().late > 0 && farm.counts().twice > 0,
             "the stopped worker's answer came late, and did not count", "{} of {}",
             farm.counts().twice, farm.counts().late);
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
       {"heartbeat", 0.2, "seconds between the signs of life of its workers", {0.001, 5}},
       {"silence", 1.0, "seconds without a word after which a worker is silent", {0.01, 20}}});
  const Orders orders = orders_in(program);
  const bool accidents = can_show_accidents(orders);
  if (accidents) claim_loss(program, orders);
  const Outcome outcome =
      program.scene("acknowledged, or dealt out again", serve, orders, Limits{},
                    accidents ? Accidents{.kill = 0, .stop = 1, .victims = {}} : Accidents{});
  tell(program, *outcome.desk);
  if (accidents) claim_accidents(outcome);
  claim_results(*outcome.desk, orders.workers, outcome.faulty_workers);
  return program.finish();
}
