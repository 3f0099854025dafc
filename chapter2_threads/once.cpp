// Once: many threads need a thing, the first one makes it, and all others wait for that.
//
// Concept   To look whether something is there, and to make it if not, is two steps: all who look
//           before the first one has made it make it too. std::call_once and a static local variable
//           let one thread make it and all others wait. If the making throws, it has not been done,
//           and the next thread makes it.
// Shows     std::once_flag, std::call_once, static, std::mutex, std::scoped_lock, std::atomic<bool>
// Run       once --threads 4
// You see   a look and then the making: 4 tables for 4 threads; with call_once, with a static local
//           and with a second look behind a lock: 1, even where the first try fails
// Next      memory_order says why the flag of the second look has to release and acquire

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

/// What takes long to make.
struct Table {
  int number = 0;  // of those that were made, from 1 on
};
using Make = std::function<Table()>;

struct Site {
  Site(int threads, int failures) : failures_left(failures), all_make(threads) {}

  std::once_flag once;
  std::mutex mutex;
  std::atomic<bool> is_ready = false;
  std::optional<Table> table;         // plain, since it is written once
  std::atomic<Table> unguarded = {};  // atomic, so that nothing is undefined
  std::atomic<int> failures_left, tries = 0, made = 0;
  pdc::Meeting all_make;
};

/// Right: one thread calls it, the others wait until it has returned.
Table get_by_call_once(Site& site, const Make& make) {
  std::call_once(site.once, [&] { site.table = make(); });
  return *site.table;
}

/// Right: the compiler sees to the same. There is one such variable in the whole program.
Table get_static(Site& /*site*/, const Make& make) {
  static const Table table = make();
  return table;
}

/// Right: a thread that finds nothing looks once more, alone.
Table get_double_checked(Site& site, const Make& make) {
  if (!site.is_ready.load(std::memory_order_acquire)) {
    const std::scoped_lock lock(site.mutex);
    if (!site.is_ready.load(std::memory_order_relaxed)) {
      site.table = make();
      site.is_ready.store(true, std::memory_order_release);
    }
  }
  return *site.table;
}

/// Wrong on purpose: others look, too, before the table is there.
Table look_and_make(Site& site, const Make& make) {
  Table table = site.unguarded;
  if (table.number == 0) {
    table = make();
    site.unguarded = table;
  }
  return table;
}

Table make_table(Site& site) {
  ++site.tries;
  site.all_make.meet();  // forced: all threads that can be making a table are here
  if (site.failures_left.fetch_sub(1) > 0) throw std::runtime_error("no table this time");
  const Table table{++site.made};
  if (table.number > 1) pdc::fault("made again");
  return table;
}

struct Seen {
  int tries, made, different;  // different ones that the threads got
  int failed;                  // threads that got none
};

Seen get_tables(Table (*get)(Site&, const Make&), int threads, int failures) {
  Site site(threads, failures);
  std::mutex mutex;
  std::set<int> numbers;
  std::atomic<int> failed = 0;
  const auto use = [&](const pdc::Lane& lane) {
    auto wait = site.all_make.wait_outside(lane, "the table");
    const auto make = [&] {
      wait.end();
      const auto work = lane.work("makes it");
      return make_table(site);
    };
    try {
      const Table table = get(site, make);
      const std::scoped_lock lock(mutex);
      numbers.insert(table.number);
    } catch (const std::runtime_error&) {
      ++failed;
    }
  };
  {
    std::vector<std::jthread> users;
    for (int i = 0; i < threads; ++i) users.emplace_back(use, pdc::Lane("thread {}", i));
  }  // ~jthread joins here
  return {site.tries, site.made, static_cast<int>(numbers.size()), failed};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that need the table", {2, 64}}});
  const int n = program.integer("threads");

  const Seen look = program.scene("look, then make", get_tables, look_and_make, n, 0);
  const Seen once = program.scene("std::call_once", get_tables, get_by_call_once, n, 0);
  const Seen local = program.scene("a static local", get_tables, get_static, n, 0);
  const Seen twice = program.scene("a second look behind a lock, the first try fails", get_tables,
                                   get_double_checked, n, 1);

  const auto check = [](const Seen& seen, const char* claim) {
    pdc::check(seen.made == 1 && seen.different == 1 && seen.failed == seen.tries - 1, claim,
               "{} made, {} tries, {} got none", seen.made, seen.tries, seen.failed);
  };
  pdc::check(look.made == n && look.different == n,
             "looked for and then made, every thread has a table of its own",
             "{} tables for {} threads", look.different, n);
  check(once,
        "with std::call_once, one table is made, and each thread gets it or its own exception");
  check(local,
        "with a static local, one table is made, and each thread gets it or its own exception");
  check(twice,
        "with a second look, one table is made, and each thread gets it or its own exception");
  pdc::check(twice.tries == 2 && twice.failed == 1,
             "when a try fails, one thread hears of it, and the next thread makes the table",
             "{} tries, {} failed", twice.tries, twice.failed);
  return program.finish();
}
