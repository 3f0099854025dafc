// SPDX-License-Identifier: MIT
#include "ways.hpp"

#include "pdc/measure.hpp"
#include "pdc/process.hpp"

#include <algorithm>
#include <vector>

namespace {

constexpr std::size_t large = 1 << 20;     // bytes of a message
constexpr int trips = 200, messages = 8;   // in a round
using Times = std::array<pdc::Timing, 6>;  // round trip and stream of each way, in turns

void say_times(pdc::Program& program, const Ways& ways, const Times& times) {
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const double trip = times[2 * i].median / trips;
    const double rate = 1e-9 * messages * large / times[2 * i + 1].median;
    program.report(ways[i].name + ", round trip", trip, "s");
    program.report(ways[i].name + ", 1 MiB", rate, "GB/s");
    pdc::say("{:<11}: {:>7} there and back with 64 bytes, {:.3g} GB/s with 1 MiB at a time",
             ways[i].name, pdc::time_text(trip), rate);
  }
}

}  // namespace

void measure(pdc::Program& program, const Ways& ways, std::span<char> data, Exchange& exchange,
             RunBoth& run_both) {
  const pdc::Shared<Times> shared;
  run_both([&](Side side) {
    std::vector<pdc::Variant> variants;
    for (const Way& way : ways) {
      const auto travel = [&] {
        for (int i = 0; i < trips; ++i) exchange(way, side, data.first(small), 1);
      };
      variants.push_back({"", 2, travel});
      variants.push_back({"", 2, [&] { exchange(way, side, data.first(large), messages); }});
    }
    const std::vector<pdc::Timing> times = pdc::time_in_turns(variants, program.integer("rounds"));
    if (side == sender) std::ranges::copy(times, shared->begin());
  });
  say_times(program, ways, *shared);
}
