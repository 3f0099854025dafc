// Data race: two threads use one variable, one of them writes, and nothing orders the two.
//
// Concept   One thing happens before another if something orders them: a thread is started or
//           joined, a mutex is unlocked and then locked. Two accesses to one place by two threads
//           are a data race if at least one writes, not both are atomic, and neither happens before
//           the other. What a program with a data race does is undefined, however often its result
//           was right. ThreadSanitizer looks at the order, not at the result.
// Shows     -fsanitize=thread, TSAN_OPTIONS; in the twin: std::jthread, std::mutex, std::atomic
// Run       data_race
// You see   two lines that race, found in a run whose balance may well be right; nothing is found
//           where a mutex or a join orders them, or where both are atomic
// Next      memory_order says what else an atomic access orders; atomics has no data race, and loses
//           additions all the same

// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"
#include "pdc/program.hpp"
#include "pdc/sibling.hpp"

#include <sys/personality.h>

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace {

/// What a twin ends with if ThreadSanitizer has found a data race.
constexpr int race_status = 99;
static_assert(race_status != 0);  // 0 is the status of a twin without a race

/// For the twins that are started from now on. The user's own TSAN_OPTIONS are replaced.
void set_up_sanitizer() {
  const std::string options = fmt::format("exitcode={} atexit_sleep_ms=0", race_status);
  setenv("TSAN_OPTIONS", options.c_str(), 1);
  // Some kernels choose addresses at which older versions of ThreadSanitizer cannot run. Where it is
  // forbidden to ask for others, the twin may run all the same; if not, it says so.
  personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE);  // 0xffffffff: as it is
}

struct Seen {
  std::string balance;                // at the end, and of how many threads
  std::map<std::string, int> racing;  // functions at the top of reported stacks, with the line
  pdc::Exit end;
};

/// The line of an access to the balance, of a report's line such as
/// "#0 add<int> .../data_race_twin.cpp:18"; 0 if it says something else.
int line_of(const std::string& text, const std::string& function) {
  constexpr std::string_view file = "data_race_twin.cpp:";
  const std::size_t place = text.find(file);
  const bool is_its =
      text.find(' ' + function + '<') < place || text.find(' ' + function + '(') < place;
  if (place == std::string::npos || text.find("#0 ") > place || !is_its) return 0;
  return std::atoi(text.c_str() + place + file.size());
}

/// The source of the twin stands beside this page: read it first. The build gives it
/// -fsanitize=thread.
Seen run_twin(const std::string& version) {
  const pdc::Lane lane("{}", version);
  const auto work = lane.work("twin");
  pdc::Sibling twin("data_race_twin", {version}, pdc::Errors::read);
  Seen seen;
  std::string first_line;
  while (const auto line = twin.line()) {
    for (const char* function : {"add", "subtract"}) {
      if (const int number = line_of(*line, function); number > 0) seen.racing[function] = number;
    }
    if (line->starts_with("balance ")) seen.balance = line->substr(line->find(' ') + 1);
    if (first_line.empty()) first_line = *line;
  }
  seen.end = twin.wait();
  if (seen.balance.empty())
    pdc::refuse(
        fmt::format("the twin said no balance and ended with {}: {}; ThreadSanitizer needs threads "
                    "and terabytes of addresses to run",
                    seen.end.text(), first_line));
  if (seen.end.status == race_status) pdc::fault("data race");
  pdc::say("{}: balance {}, {}", version, seen.balance, seen.end.text());
  for (const auto& [function, number] : seen.racing)
    pdc::say("  a race: {}(), line {} of data_race_twin.cpp", function, number);
  return seen;
}

bool is_clean(const Seen& seen) {
  return seen.end.good() && seen.racing.empty();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  set_up_sanitizer();

  const Seen nothing = program.scene("nothing orders the changes", run_twin, "nothing");
  Seen mutex, join, atomic;
  program.scene("something does, or they are atomic", [&] {
    mutex = run_twin("mutex");
    join = run_twin("join");
    atomic = run_twin("atomic");
  });
  pdc::draw_graph("nothing: no way leads from one change to the other",
                  {{"start first", "add"},
                   {"start first", "start second"},
                   {"start second", "subtract"},
                   {"add", "join both"},
                   {"subtract", "join both"}});

  pdc::check(nothing.end.status == race_status,
             "where nothing orders the changes, ThreadSanitizer finds a data race", "{}",
             nothing.end.text());
  pdc::check(nothing.racing.contains("add") && nothing.racing.contains("subtract"),
             "its report names the two lines that race", "{} of 2", nothing.racing.size());
  pdc::check(is_clean(mutex) && is_clean(join),
             "where a mutex or a join orders them, it finds nothing", "{}, {}", mutex.end.text(),
             join.end.text());
  pdc::check(is_clean(atomic), "where both are atomic, it finds nothing", "{}", atomic.end.text());
  const std::string right = "70 of 2 threads";
  pdc::check(mutex.balance == right && join.balance == right && atomic.balance == right,
             "ordered or atomic, the changes of both threads count", "{}; {}; {}", mutex.balance,
             join.balance, atomic.balance);
  return program.finish();
}
