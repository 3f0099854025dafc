// Histogram: many threads count into few bins, and the less they share the better.
//
// Concept   A histogram counts how often each value occurs. If threads share the bins, each count
//           is an update of shared data: a mutex or an atomic operation has to protect it, and the
//           threads get in each other's way. A thread that counts into bins of its own, and adds
//           them to the shared ones when it is done, has only a few such updates.
// Shows     std::mutex, std::atomic_ref, tbb::parallel_deterministic_reduce
// Python    numpy.bincount, collections.Counter
// Run       histogram --threads 4
// You see   2 of 8 in each bin with a load and a store, all 8 with three cures; then the times
// Next      parallel_scan has every sum on the way; atomics says what an atomic operation is

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
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Bins = std::array<std::int64_t, 8>;
using Values = std::span<const std::uint8_t>;  // each is the number of a bin

struct Shared {
  pdc::Meeting all_have_read;
  std::mutex mutex{};
  Bins bins{};  // plain numbers
  std::atomic<int> updates = 0;

  std::int64_t read(std::size_t bin, bool watched) {
    const std::int64_t seen = std::atomic_ref(bins[bin]).load(std::memory_order_relaxed);
    if (!watched) return seen;
    ++updates;
    all_have_read.meet();  // forced: all who can have read the bin, have, before one writes it
    return seen;
  }
  std::optional<pdc::Meeting::Outside> wait_for_mutex(const pdc::Lane& lane, bool watched) {
    if (!watched) return {};
    return all_have_read.wait_outside(lane, "mutex");
  }
};

/// On one's own. Out of line, so that whoever calls it runs the same code.
[[gnu::noinline]] Bins count(Values values) {
  Bins bins{};
  for (const std::uint8_t value : values) ++bins[value];
  return bins;
}

/// Right, and fast: what is shared is touched once, when all is counted.
void use_own_bins(Shared& shared, Values values, const pdc::Lane& lane) {
  const bool watched = pdc::recording();  // else it is timed
  auto work = lane.work("counts");
  const Bins mine = count(values);
  work.end();
  auto wait = shared.wait_for_mutex(lane, watched);
  const std::scoped_lock lock(shared.mutex);
  wait.reset();
  const auto hold = lane.hold("adds its bins");
  for (std::size_t bin = 0; bin < mine.size(); ++bin)
    shared.bins[bin] = shared.read(bin, watched) + mine[bin];
}

/// Right: as long as all threads use it through a std::atomic_ref, an operation on the number is
/// atomic.
void use_atomic_ref(Shared& shared, Values values, const pdc::Lane& lane) {
  const bool watched = pdc::recording();
  for (const std::uint8_t value : values) {
    std::optional<pdc::Span> work;
    if (watched) {
      work.emplace(lane.work("{}", value));
      shared.read(value, watched);  // only for the bad moment: fetch_add reads by itself
    }
    std::atomic_ref(shared.bins[value]).fetch_add(1, std::memory_order_relaxed);
  }
}

/// Right, and slow: the threads take turns for every value.
void use_mutex(Shared& shared, Values values, const pdc::Lane& lane) {
  const bool watched = pdc::recording();
  for (const std::uint8_t value : values) {
    auto wait = shared.wait_for_mutex(lane, watched);
    const std::scoped_lock lock(shared.mutex);
    wait.reset();
    std::optional<pdc::Span> hold;
    if (watched) hold.emplace(lane.hold("{}", value));
    shared.bins[value] = shared.read(value, watched) + 1;
  }
}

/// Wrong on purpose: the load and the store are atomic, but others act between the two.
void load_and_store(Shared& shared, Values values, const pdc::Lane& lane) {
  const bool watched = pdc::recording();
  for (const std::uint8_t value : values) {
    std::optional<pdc::Span> work;
    if (watched) work.emplace(lane.work("{}", value));
    const std::int64_t seen = shared.read(value, watched);
    const std::atomic_ref bin(shared.bins[value]);
    if (watched && value == 0 && bin != seen) pdc::fault("count lost");  // a few marks do
    bin.store(seen + 1, std::memory_order_relaxed);
  }
}

Bins add(Bins sum, const Bins& bins) {
  std::ranges::transform(sum, bins, sum.begin(), std::plus<>());
  return sum;
}

/// Right, without a lock: each piece has bins of its own, and they are added two by two.
Bins reduce(Values values, std::atomic<int>& pieces) {
  return tbb::parallel_deterministic_reduce(
      tbb::blocked_range<std::size_t>(0, values.size(), 8192), Bins{},
      [&](const auto& piece, const Bins& sum) {
        ++pieces;
        return add(sum, count(values.subspan(piece.begin(), piece.size())));
      },
      add);
}

std::pair<Bins, int> share_out(void (*use)(Shared&, Values, const pdc::Lane&), Values values,
                               int threads) {
  Shared shared{pdc::Meeting(threads)};
  std::vector<std::jthread> counting;
  for (int i = 0; i < threads; ++i) {
    const std::size_t first = values.size() * i / threads;
    const Values share = values.subspan(first, values.size() * (i + 1) / threads - first);
    counting.emplace_back(use, std::ref(shared), share, pdc::Lane("thread {}", i));
  }
  counting.clear();  // joins
  return {shared.bins, shared.updates};
}

void say_times(pdc::Program& program, Values values, int n) {
  std::atomic<int> pieces;
  Bins kept;  // or the compiler drops a count that nobody looks at
  const std::vector<pdc::Variant> variants{
      {"one thread", 1, [&] { kept = count(values); }},
      {"load and store", n, [=] { share_out(load_and_store, values, n); }},
      {"mutex", n, [=] { share_out(use_mutex, values, n); }},
      {"atomic_ref", n, [=] { share_out(use_atomic_ref, values, n); }},
      {"own bins", n, [=] { share_out(use_own_bins, values, n); }},
      {"oneTBB", n, [&] { reduce(values, pieces); }}};
  const std::vector<pdc::Timing> times = pdc::time_in_turns(variants, 5);
  pdc::say("\n  {} values by   median    lowest   highest", values.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    pdc::say("  {:<14} {:>9} {:>9} {:>9}", variants[i].name, pdc::time_text(times[i].median),
             pdc::time_text(times[i].lowest), pdc::time_text(times[i].highest));
    program.report(variants[i].name, times[i].median, "s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 4, "threads that count", {2, 16}},
                        {"values", 1 << 20, "values to count for the table", {1 << 15, 1 << 24}}});
  const int n = program.integer("threads");
  std::vector<std::uint8_t> few(16 * n), many(8 * (program.integer("values") / 8));
  std::ranges::generate(few, [i = 0]() mutable { return i++ % 8; });  // a share: 0 to 7, twice
  std::ranges::generate(many, [i = 0]() mutable { return i++ % 8; });

  const Bins lost = program.scene("a load and a store", share_out, load_and_store, few, n).first;
  const Bins locked = program.scene("a mutex", share_out, use_mutex, few, n).first;
  const Bins atomic = program.scene("std::atomic_ref", share_out, use_atomic_ref, few, n).first;
  const auto [apart, updates] = program.scene("bins of its own", share_out, use_own_bins, few, n);
  say_times(program, many, n);

  const auto check = [](const char* claim, const Bins& bins, std::int64_t in_each) {
    const auto [least, most] = std::ranges::minmax(bins);
    pdc::check(least == in_each && most == in_each, claim, "{} to {} in each bin", least, most);
  };
  check("with a load and a store, each bin has the counts of one thread alone", lost, 2);
  check("with a mutex around each update, every value counts", locked, 2 * n);
  check("with std::atomic_ref, every value counts", atomic, 2 * n);
  check("with bins of its own for each thread, every value counts", apart, 2 * n);
  std::atomic<int> pieces = 0;
  check("with bins for each piece, added two by two, every value counts", reduce(many, pieces),
        std::ssize(many) / 8);
  pdc::check(pieces > 1, "oneTBB cuts the values into more than one piece", "{}", pieces.load());
  pdc::check(updates == 8 * n, "a thread with bins of its own updates each shared bin once",
             "{} updates for {} values", updates, few.size());
  return program.finish();
}
