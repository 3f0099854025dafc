// Privatization: each thread counts for itself, and what they have counted is added at the end.
//
// Concept   Threads that share bins have to protect each update. A thread that counts into bins of
//           its own needs nothing, until it adds them to the shared ones: that step needs a lock,
//           once for each thread. Or one thread adds all in the end; or oneTBB adds two by two.
// Shows     std::mutex, std::scoped_lock, alignas, tbb::parallel_deterministic_reduce
// Run       privatization --threads 4
// You see   2 of 8 in each bin if added without a lock, all with three cures; then the times
// Next      parallel_scan has every sum on the way; parallel_reduce says why the pieces are fixed

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <new>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Bins = std::array<std::int64_t, 8>;
using Values = std::span<const std::uint8_t>;  // each is the number of a bin

struct alignas(std::hardware_destructive_interference_size) Padded {
  Bins bins = {};  // no other thread writes to its cache lines
};

struct Shared {
  pdc::Meeting all_have_read;
  std::vector<Padded> of_thread;
  Bins bins = {};  // plain numbers
  std::mutex mutex = {};
  std::atomic<int> updates = 0;

  std::int64_t read(std::size_t bin) {
    ++updates;
    const std::int64_t seen = std::atomic_ref(bins[bin]).load(std::memory_order_relaxed);
    if (pdc::recording()) all_have_read.meet();  // forced: all who can, have read before one writes
    return seen;
  }
};

/// Out of line, so that whoever calls it runs the same code.
[[gnu::noinline]] void count(Values values, Bins& bins) {
  for (const std::uint8_t value : values) ++bins[value];
}

/// Right: what is shared is touched once, when all is counted, and under a lock.
void add_with_lock(Shared& shared, Values values, const pdc::Lane& lane, int /*thread*/) {
  Bins mine = {};
  count(values, mine);
  auto wait = shared.all_have_read.wait_outside(lane, "mutex");
  const std::scoped_lock lock(shared.mutex);
  wait.end();
  const auto hold = lane.hold("adds its bins");
  for (std::size_t bin = 0; bin < mine.size(); ++bin)
    shared.bins[bin] = shared.read(bin) + mine[bin];
}

/// Wrong on purpose: to count needs no lock, but to add does.
void add_without_lock(Shared& shared, Values values, const pdc::Lane& lane, int /*thread*/) {
  Bins mine = {};
  count(values, mine);
  const auto work = lane.work("adds its bins");
  for (std::size_t bin = 0; bin < mine.size(); ++bin) {
    const std::int64_t seen = shared.read(bin);
    const std::atomic_ref sum(shared.bins[bin]);
    if (bin == 0 && sum != seen) pdc::fault("counts lost");  // a few marks will do
    sum.store(seen + mine[bin], std::memory_order_relaxed);
  }
}

/// Right, without a lock: nobody adds before all have been joined.
void add_later(Shared& shared, Values values, const pdc::Lane& lane, int thread) {
  const auto work = lane.work("counts");
  count(values, shared.of_thread[thread].bins);
}

Bins add(Bins sum, const Bins& bins) {
  std::ranges::transform(sum, bins, sum.begin(), std::plus<>());
  return sum;
}

/// Returns the bins, and how many updates they had from threads. Requires: all shares are equal.
std::pair<Bins, int> share_out(void (*use)(Shared&, Values, const pdc::Lane&, int), Values values,
                               int threads) {
  Shared shared{pdc::Meeting(threads), std::vector<Padded>(threads)};
  std::vector<std::jthread> counting;
  for (int i = 0; i < threads; ++i) {
    const Values share = values.subspan(i * values.size() / threads, values.size() / threads);
    counting.emplace_back(use, std::ref(shared), share, pdc::Lane("thread {}", i), i);
  }
  counting.clear();  // joins
  for (const Padded& each : shared.of_thread) shared.bins = add(shared.bins, each.bins);
  return {shared.bins, shared.updates};
}

/// Right, without a lock: each piece has bins of its own, and they are added two by two.
Bins reduce(Values values) {
  return tbb::parallel_deterministic_reduce(
      tbb::blocked_range<std::size_t>(0, values.size(), 8192), Bins{},
      [&](const auto& piece, Bins bins) {
        count(values.subspan(piece.begin(), piece.size()), bins);
        return bins;
      },
      add);
}

void check(const char* claim, const Bins& bins, std::int64_t in_each) {
  const auto [least, most] = std::ranges::minmax(bins);
  pdc::check(least == in_each && most == in_each, claim, "{} to {} in each bin", least, most);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that count", {2, 16}}});
  const int n = program.integer("threads");
  std::vector<std::uint8_t> few(16 * n), many(n << 18);
  std::ranges::generate(few, [i = 0]() mutable { return i++ % 8; });  // a share: 0 to 7, twice
  std::ranges::generate(many, [i = 0]() mutable { return i++ % 8; });

  const Bins torn = program.scene("without a lock", share_out, add_without_lock, few, n).first;
  const auto [whole, updates] = program.scene("with a lock", share_out, add_with_lock, few, n);
  const Bins later = program.scene("at the end", share_out, add_later, few, n).first;
  pdc::say_speedup(program, {{"one thread", 1, [&] { share_out(add_later, many, 1); }},
                             {"with a lock", n, [&] { share_out(add_with_lock, many, n); }},
                             {"at the end", n, [&] { share_out(add_later, many, n); }},
                             {"oneTBB", n, [&] { reduce(many); }}});
  check("added without a lock, each bin has the counts of one thread alone", torn, 2);
  check("added with a lock, every value counts", whole, 2 * n);
  check("added at the end, every value counts", later, 2 * n);
  check("added two by two, every value counts", reduce(many), std::ssize(many) / 8);
  pdc::check(updates == 8 * n, "a thread with bins of its own updates each shared bin once",
             "{} updates for {} values", updates, few.size());
  return program.finish();
}
