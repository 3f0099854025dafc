// Thread lifetime: a thread that outlives the function whose local variable it uses.
//
// Concept   A local variable ends with its function. A thread that has a reference to it, and goes on
//           after the function, uses what is gone. So either the thread is joined before the
//           variable ends, or it owns what it uses, alone or with others.
// Shows     std::jthread, std::make_shared, std::shared_ptr, std::weak_ptr, lock
// Python    every reference is a share; weakref.ref is the weak pointer
// Run       thread_lifetime --threads 4
// You see   by reference, 4 of 4 threads find it gone; joined in the function, or with a share in it,
//           all find it there; by a weak pointer, each learns whether it is there
// Next      thread_results joins, then reads; thread_class owns its thread and what that uses

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace {

/// Lives longer than the order, so that it can be asked about one that is gone.
struct Record {
  bool is_there() const { return ended == 0; }

  std::atomic<int> ended = 0, found_gone = 0, shipped = 0;
  pdc::Meeting return_of_function{2};
  std::shared_ptr<const void> kept;  // the share of another owner, if there is one
};

class Order {
 public:
  Order(int amount, Record& record) : amount_(amount), record_(record) {}
  Order(const Order&) = delete;
  ~Order() { ++record_.ended; }
  int amount() const { return amount_; }

 private:
  const int amount_;
  Record& record_;
};

void prepare(Record& record, const pdc::Lane& lane) {
  const auto work = lane.work("prepares");
  record.return_of_function.meet();  // forced: the function has returned, if it can
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays the preparing
}

/// Right: the thread has ended before the order ends.
std::jthread ship_and_join(Record& record, int amount, const pdc::Lane& lane) {
  const Order order(amount, record);
  const std::jthread shipping([&] {
    prepare(record, lane);
    if (record.is_there()) record.shipped += order.amount();
  });
  return {};
}  // ~jthread joins here, and then comes ~Order: what is declared last ends first

/// Right: the order ends with the last who has a share in it.
std::jthread ship_with_share(Record& record, int amount, const pdc::Lane& lane) {
  const auto order = std::make_shared<const Order>(amount, record);
  return std::jthread([&record, lane, order] {  // a share of its own
    prepare(record, lane);
    if (record.is_there()) record.shipped += order->amount();
  });
}

/// Right, where the order may be gone: a weak pointer keeps no order, but it knows.
std::jthread ship_if_there(Record& record, int amount, const pdc::Lane& lane) {
  const auto order = std::make_shared<const Order>(amount, record);
  if (amount % 2 == 1) record.kept = order;  // every second one has another owner
  return std::jthread([&record, lane, weak = std::weak_ptr(order)] {
    prepare(record, lane);
    if (const auto share = weak.lock()) {
      record.shipped += share->amount();
    } else if (!record.is_there()) {
      ++record.found_gone;
    }
  });
}

/// Wrong on purpose: the function returns, and its thread goes on with a reference.
std::jthread ship_by_reference(Record& record, int amount, const pdc::Lane& lane) {
  const Order order(amount, record);
  return std::jthread([&record, lane, &order] {
    prepare(record, lane);
    if (record.is_there()) {
      record.shipped += order.amount();
    } else {  // what would be undefined
      pdc::fault("the order is gone");
      ++record.found_gone;
    }
  });
}

struct Seen {
  int found_gone = 0, shipped = 0, ended_once = 0;
};

Seen ship_all(std::jthread (*ship)(Record&, int, const pdc::Lane&), int threads) {
  std::deque<Record> records(threads);
  const pdc::Lane caller("caller");
  std::vector<std::jthread> shipping;
  for (int i = 0; i < threads; ++i) {
    pdc::Meeting& meeting = records[i].return_of_function;
    auto call = meeting.wait_outside(caller.work("function"));
    shipping.push_back(ship(records[i], i + 1, pdc::Lane("thread {}", i)));
    call.end();
    meeting.meet();
  }
  shipping.clear();  // joins those that go on
  Seen seen;
  for (const Record& record : records) {
    seen.found_gone += record.found_gone;
    seen.shipped += record.shipped;
    if (record.ended == 1) ++seen.ended_once;
  }
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads, each with an order", {1, 64}}});
  const int n = program.integer("threads");
  const Seen wrong = program.scene("by reference", ship_all, ship_by_reference, n);
  const Seen joined = program.scene("joined in the function", ship_all, ship_and_join, n);
  const Seen shared = program.scene("with a share", ship_all, ship_with_share, n);
  const Seen weak = program.scene("with a weak pointer", ship_all, ship_if_there, n);
  const int all = n * (n + 1) / 2;
  pdc::check(wrong.found_gone == n, "by reference, every thread finds its order gone", "{} of {}",
             wrong.found_gone, n);
  pdc::check(joined.shipped == all, "joined in the function, every thread ships its order",
             "{} of {}", joined.shipped, all);
  pdc::check(shared.shipped == all, "with a share, every thread ships its order", "{} of {}",
             shared.shipped, all);
  pdc::check(shared.ended_once == n, "with a share, every order ends exactly once", "{} of {}",
             shared.ended_once, n);
  const int kept = (n + 1) / 2 * ((n + 1) / 2);  // 1 + 3 + 5 ...
  pdc::check(
      weak.shipped == kept && weak.found_gone == n / 2,
      "by a weak pointer, a thread ships its order if it is there, or learns that it is gone",
      "{} of {} shipped, {} of {} gone", weak.shipped, kept, weak.found_gone, n / 2);
  return program.finish();
}
