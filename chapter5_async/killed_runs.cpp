// SPDX-License-Identifier: MIT
#include "killed_runs.hpp"

#include <signal.h>

#include <chrono>
#include <sstream>
#include <thread>

namespace {

constexpr std::size_t never = std::string::npos;

/// The work of a payment is done again if the kill comes before its line is whole.
void pay_all(const Run& run, TakeUp take_up, Finish finish) {
  const std::string text = take_up(run.journal);
  std::istringstream lines(text);
  std::size_t known = 0;
  for (std::string line; std::getline(lines, line);) ++known;
  if (!text.empty() && text.back() != '\n') pdc::fault("torn line taken");
  if (known < run.told) pdc::fault("payment lost");
  if (known > run.told) tell(run, known);  // it was written, and then came the kill
  for (std::size_t next = run.told; next < payments.size(); ++next) {
    auto work = run.lane.work("{}", payments[next]);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays the work
    work.end();
    finish(run, next);
  }
}

}  // namespace

void tell(const Run& run, std::size_t done) {
  const auto sent = run.lane.send("{} done", done);
  const auto received = run.client.receive("{} done", done);
  run.told = done;
}

std::string kill_at(std::size_t end, TakeUp take_up, Finish finish) {
  const pdc::Descriptor journal = open_journal();
  const pdc::Shared<std::size_t> told(0U);
  const pdc::Lane client("client");
  pdc::Child first([&, lane = pdc::Lane("first run")] {
    pay_all({journal.get(), end, *told, client, lane}, take_up, finish);
  });
  const pdc::Exit ended = first.wait();
  if (ended.signal != SIGKILL) return "not killed: " + ended.text();
  pdc::mark("killed");
  pay_all({journal.get(), never, *told, client, pdc::Lane("second run")}, take_up, finish);
  return read_all(journal.get());
}

std::size_t count_losses(TakeUp take_up, Finish finish) {
  std::size_t losses = 0;
  for (std::size_t end = 0; end <= all.size(); ++end)
    if (kill_at(end, take_up, finish) != all) ++losses;
  return losses;
}
