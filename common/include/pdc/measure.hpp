// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pdc/program.hpp"

/// Honest timing: everything that is compared runs in one process, in turns, many rounds; reported
/// is the median with its spread. Times are reported, never judged: no claim may depend on one.
namespace pdc {

/// Wall-clock seconds of one variant over all rounds.
struct Timing {
  double median;
  double lowest;
  double highest;
};

/// Something to time; `workers` is how many threads or processes it uses.
struct Variant {
  std::string name;
  int workers;
  std::function<void()> run;
};

/// Times the variants in turns (A B A B ...), after one round that does not count, while the
/// timeline pauses. On a slow machine three rounds have to do: none begins when a sixth of --deadline
/// has gone, unless ranks or forked children time together, who have to agree. The deadline begins
/// anew with each run that ends. With PDC_ONE_ROUND=1 in the environment, for tests, which judge no
/// time, there is one round and it counts. Requires: rounds >= 1. Errors: what the variants throw.
std::vector<Timing> time_in_turns(const std::vector<Variant>& variants, int rounds = 9);

/// Prints the table of speed-up (the first variant's median by this one's), efficiency (speed-up by
/// workers) and Karp and Flatt's serial part (the one that would explain the speed-up by Amdahl's law
/// alone; below 0 if it is more than the workers), and the yardstick they are held against: what as
/// many independent copies of the first variant reach here at once, one thread each. Adds all of it to
/// --json. Requires: the first variant is the serial one, variants may run at the same time as others
/// of their kind.
void say_speedup(Program& program, const std::vector<Variant>& variants, int rounds = 9);

/// A time for people, three digits: "41.2 ms".
std::string time_text(double seconds);

}  // namespace pdc
