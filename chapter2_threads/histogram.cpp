// Histogram: many threads count into few bins, and each update has to be protected.
//
// Concept   A histogram counts how often each value occurs. If threads share the bins, each count
//           is an update of shared data: a mutex or an atomic operation has to protect it. A mutex
//           for each bin keeps fewer threads waiting than one for all; an atomic operation keeps
//           none, but only one core at a time can own the memory of a bin.
// Shows     std::mutex, std::scoped_lock, std::atomic_ref
// Python    numpy.bincount, collections.Counter
// Run       histogram --threads 4
// You see   2 of 8 in each bin with a load and a store, all 8 with three cures; then the times
// Next      privatization shares less; atomics says what an atomic operation is

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace {

using Bins = std::array<std::int64_t, 8>;
using Values = std::span<const std::uint8_t>;  // each is the number of a bin

struct Shared {
  pdc::Meeting all_have_read;
  const bool is_attacked = pdc::recording();  // else it is timed
  Bins bins = {};                             // plain numbers
  std::mutex mutex = {};                      // for all bins
  std::array<std::mutex, 8> mutexes = {};     // for each bin

  std::int64_t read(std::size_t bin) {
    const std::int64_t seen = std::atomic_ref(bins[bin]).load(std::memory_order_relaxed);
    if (is_attacked) all_have_read.meet();  // forced: all who can, have read before one writes
    return seen;
  }
  std::optional<pdc::Meeting::Outside> wait_for_mutex(const pdc::Lane& lane) {
    if (!is_attacked) return {};
    return all_have_read.wait_outside(lane, "mutex");
  }
};

/// Right: an operation is atomic, as long as all threads use the number through a std::atomic_ref.
void use_atomic_ref(Shared& shared, std::uint8_t value, const pdc::Lane& /*lane*/) {
  if (shared.is_attacked) shared.read(value);  // the bad moment: fetch_add reads by itself
  std::atomic_ref(shared.bins[value]).fetch_add(1, std::memory_order_relaxed);
}

/// Right: threads take turns if they count the same value.
void use_mutex_a_bin(Shared& shared, std::uint8_t value, const pdc::Lane& lane) {
  auto wait = shared.wait_for_mutex(lane);
  const std::scoped_lock lock(shared.mutexes[value]);
  wait.reset();
  shared.bins[value] = shared.read(value) + 1;
}

/// Right: threads take turns for every value.
void use_one_mutex(Shared& shared, std::uint8_t value, const pdc::Lane& lane) {
  auto wait = shared.wait_for_mutex(lane);
  const std::scoped_lock lock(shared.mutex);
  wait.reset();
  shared.bins[value] = shared.read(value) + 1;
}

/// Wrong on purpose: the load and the store are atomic, but others act between the two.
void load_and_store(Shared& shared, std::uint8_t value, const pdc::Lane& /*lane*/) {
  const std::int64_t seen = shared.read(value);
  const std::atomic_ref bin(shared.bins[value]);
  if (shared.is_attacked && value == 0 && bin != seen) pdc::fault("count lost");  // a few will do
  bin.store(seen + 1, std::memory_order_relaxed);
}

Bins share_out(void (*add_one)(Shared&, std::uint8_t, const pdc::Lane&), Values values,
               int threads) {
  Shared shared{pdc::Meeting(threads)};
  std::vector<std::jthread> counting;
  for (int i = 0; i < threads; ++i) {
    const std::size_t first = values.size() * i / threads;
    const Values share = values.subspan(first, values.size() * (i + 1) / threads - first);
    counting.emplace_back([&shared, add_one, share, lane = pdc::Lane("thread {}", i)] {
      const auto work = lane.work("counts");
      for (const std::uint8_t value : share) add_one(shared, value, lane);
    });
  }
  counting.clear();  // joins
  return shared.bins;
}

Bins count_alone(Values values) {
  Bins bins = {};
  for (const std::uint8_t value : values) ++bins[value];
  return bins;
}

void say_times(pdc::Program& program, Values values, int n) {
  std::atomic<std::int64_t> most;  // or the compiler drops a count that nobody looks at
  const std::vector<pdc::Variant> variants{
      {"one thread", 1, [&] { most = std::ranges::max(count_alone(values)); }},
      {"one mutex", n, [=] { share_out(use_one_mutex, values, n); }},
      {"mutex a bin", n, [=] { share_out(use_mutex_a_bin, values, n); }},
      {"atomic_ref", n, [=] { share_out(use_atomic_ref, values, n); }}};
  pdc::say_speedup(program, variants, 5);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 4, "threads that count", {2, 16}},
                        {"values", 1 << 20, "values to count for the table", {1 << 15, 1 << 24}}});
  const int n = program.integer("threads");
  std::vector<std::uint8_t> few(16 * n), many(program.integer("values"));
  std::ranges::generate(few, [i = 0]() mutable { return i++ % 8; });  // a share: 0 to 7, twice
  std::ranges::generate(many, [i = 0]() mutable { return i++ % 8; });

  const Bins lost = program.scene("a load and a store", share_out, load_and_store, few, n);
  const Bins one = program.scene("one mutex", share_out, use_one_mutex, few, n);
  const Bins each = program.scene("a mutex for each bin", share_out, use_mutex_a_bin, few, n);
  const Bins atomic = program.scene("std::atomic_ref", share_out, use_atomic_ref, few, n);
  say_times(program, many, n);

  const auto check = [](const char* claim, const Bins& bins, std::int64_t in_each) {
    const auto [least, most] = std::ranges::minmax(bins);
    pdc::check(least == in_each && most == in_each, claim, "{} to {} in each bin", least, most);
  };
  check("with a load and a store, each bin has the counts of one thread alone", lost, 2);
  check("with one mutex, every value counts", one, 2 * n);
  check("with a mutex for each bin, every value counts", each, 2 * n);
  check("with std::atomic_ref, every value counts", atomic, 2 * n);
  return program.finish();
}
