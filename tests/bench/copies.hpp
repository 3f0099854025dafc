// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <list>
#include <string>

/// How many workers share out the work: PDC_WORKERS in the environment, else two.
inline int workers() {
  const char* set = std::getenv("PDC_WORKERS");
  return set == nullptr ? 2 : std::stoi(set);
}

/// The most that so many workers can gain: the serial work as it is, in as many copies at once.
/// `Other` does one of them, and waits for it at the end of its life: std::jthread or pdc::Child.
template <class Other, class Work>
void run_copies(benchmark::State& state, Work work) {
  for (auto _ : state) {
    std::list<Other> others;
    for (int i = 1; i < workers(); ++i) others.emplace_back(work);
    work();
  }
  state.SetItemsProcessed(state.iterations() * workers());
}
