// Read copy update: readers keep the version that they look at, while a writer publishes the next.
//
// Concept   A writer that changes in place what others read shows them half of the change. So it
//           makes a new version beside the old one, and publishes it by one store of a pointer. A
//           reader loads the pointer once, and keeps its version alive for as long as it looks.
//           No reader waits for the writer's change, nor the writer for a look, and an old version is
//           freed with its last reader.
// Shows     std::atomic<std::shared_ptr>, load, store, std::make_shared
// Run       read_copy_update --readers 4
// You see   changed in place, each reader sees a mixture of two versions; published, a whole one
// Next      read_write_lock lets writer and readers wait for each other instead

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// Both numbers are of one edition. Counts how many versions are alive.
struct Settings {
  static inline std::atomic<int> alive = 0;
  std::atomic<int> first, second;  // atomic, so that to read half a change is wrong, not undefined

  explicit Settings(int edition) : first(edition), second(edition) { ++alive; }
  Settings(const Settings&) = delete;
  ~Settings() { --alive; }
};

using Version = std::shared_ptr<const Settings>;
using Look = std::pair<int, int>;  // what a reader sees of the two numbers
using Moment = std::function<void()>;

/// Forced: the change comes in the middle of the look.
Look look_at(const Settings& settings, const Moment& in_the_middle) {
  const int first = settings.first;
  in_the_middle();
  return {first, settings.second};
}

struct Seen {
  std::vector<Look> during, after;  // the change, by each reader
  int alive_during = 0, alive_after = 0;
};

/// All readers are in the middle of a look when the writer makes its change; then they look again.
Seen change_while_read(int readers, const std::function<Look(const Moment&)>& look,
                       const Moment& change) {
  Seen seen{std::vector<Look>(readers), std::vector<Look>(readers)};
  pdc::Gauge looking;  // orders nothing: only the pointer can keep a look and the change apart
  std::latch changed(1), all_have_looked(readers), counted(1);
  const pdc::Lane writer("writer");
  std::vector<std::jthread> reading;
  for (int i = 0; i < readers; ++i) {
    reading.emplace_back([&, i, lane = pdc::Lane("reader {}", i)] {
      auto work = lane.work("looks");
      seen.during[i] = look([&] {
        looking.enter();  // the writer may begin
        changed.wait();
      });
      work.end();
      if (seen.during[i].first != seen.during[i].second) pdc::fault("a mixture");
      all_have_looked.count_down();
      counted.wait();
      const auto again = lane.work("again");
      seen.after[i] = look([] {});
    });
  }
  while (looking.inside() < readers) std::this_thread::yield();
  auto work = writer.work("changes");
  change();
  seen.alive_during = Settings::alive;
  work.end();
  changed.count_down();
  all_have_looked.wait();
  seen.alive_after = Settings::alive;
  counted.count_down();
  reading.clear();  // joins
  return seen;
}

/// Wrong on purpose: one number after the other, where all can see it.
Seen change_in_place(int readers) {
  Settings settings(0);
  return change_while_read(
      readers, [&](const Moment& middle) { return look_at(settings, middle); },
      [&] {
        settings.first = 1;
        settings.second = 1;
      });
}

Seen publish_version(int readers) {
  std::atomic<Version> current = std::make_shared<const Settings>(0);
  return change_while_read(
      readers,
      [&](const Moment& middle) {
        const Version mine = current.load();  // once: it lives for as long as `mine` does
        return look_at(*mine, middle);
      },
      [&] { current.store(std::make_shared<const Settings>(1)); });
}

std::ptrdiff_t count(const std::vector<Look>& looks, int first, int second) {
  return std::ranges::count(looks, Look(first, second));
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"readers", 4, "threads that read", {1, 64}}});
  const int readers = program.integer("readers");

  const Seen in_place = program.scene("changed in place", change_in_place, readers);
  const Seen published = program.scene("published", publish_version, readers);

  pdc::check(count(in_place.during, 0, 1) == readers,
             "changed in place, each reader sees a mixture of two versions", "{} of {}",
             count(in_place.during, 0, 1), readers);
  pdc::check(count(published.during, 0, 0) == readers,
             "published, each reader sees the version that it has taken, whole", "{} of {}",
             count(published.during, 0, 0), readers);
  pdc::check(count(published.after, 1, 1) == readers,
             "published, the next version is what each reader sees when it looks again", "{} of {}",
             count(published.after, 1, 1), readers);
  pdc::check(published.alive_during == 2 && published.alive_after == 1,
             "the old version lives while it is looked at, and no longer", "{} versions, then {}",
             published.alive_during, published.alive_after);
  return program.finish();
}
