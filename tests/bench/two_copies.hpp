// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

/// The most that two workers can gain: the serial work as it is, in two copies at once. `Other` does
/// the second one, and waits for it at the end of its life: std::jthread or pdc::Child.
template <class Other, class Work>
void run_two_copies(benchmark::State& state, Work work) {
  for (auto _ : state) {
    const Other other(work);
    work();
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
