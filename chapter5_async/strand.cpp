// Strand: handlers on a pool share something without a lock, one at a time.
//
// Concept   A strand is a queue in front of the pool: of the handlers posted to it one runs at a
//           time, in order, on any thread. As with a mutex no two meet, but who has to wait waits
//           in the queue and blocks no thread: the pool goes on with other work.
// Shows     boost::asio::thread_pool, boost::asio::make_strand, boost::asio::post, std::barrier
// Python    asyncio.Lock, loop.call_soon_threadsafe
// Run       strand --threads 4
// You see   without the strand 1 of 4 updates counts, with it 4 of 4, and a guest passes them all
// Next      thread_pool_executor returns results; channel hands items from task to task

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct Shared {
  void enter() {
    const int now = ++inside;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
  }
  void leave() { --inside; }

  int counter = 0;         // a plain number,
  std::vector<int> order;  // and a plain vector
  int before_guest = 0;
  std::barrier<> guest_looks{2};
  std::atomic<int> inside = 0, most = 0;  // handlers at the same time
};

/// Wrong on purpose: on one thread a handler needs no lock, but a pool has many threads. The counter
/// is atomic here, so nothing is undefined, and still updates are lost.
void add_without_strand(Shared& shared, int threads) {
  std::atomic<int> counter = 0;
  std::barrier all_have_read(threads);
  asio::thread_pool pool(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    asio::post(pool, [&, lane = pdc::Lane(pdc::task, "handler {}", i)] {
      shared.enter();
      const int seen = counter.load();
      const auto update = lane.work("reads {}, writes {}", seen, seen + 1);
      all_have_read.arrive_and_wait();   // forced: nobody writes before everybody has read
      std::this_thread::sleep_for(5ms);  // plays the computing between the two
      counter.store(seen + 1);
      shared.leave();
    });
  }
  pool.join();  // when all handlers have returned
  shared.counter = counter;
}

void add_one(Shared& shared, int number, const pdc::Lane& lane) {
  shared.enter();
  const int seen = shared.counter;
  const auto update = lane.hold("reads {}, writes {}", seen, seen + 1);
  if (number == 0) shared.guest_looks.arrive_and_wait();  // forced: the guest comes now
  std::this_thread::sleep_for(5ms);                       // plays the same computing
  if (number == 0) shared.guest_looks.arrive_and_wait();  // and looks before anybody writes
  shared.counter = seen + 1;
  shared.order.push_back(number);
  shared.leave();
}

void add_with_strand(Shared& shared, int threads) {
  asio::thread_pool pool(static_cast<std::size_t>(threads));
  const auto strand = asio::make_strand(pool);
  for (int i = 0; i < threads; ++i) {
    const pdc::Lane lane(pdc::task, "handler {}", i);
    asio::post(strand, [&shared, i, lane, wait = lane.wait("strand")]() mutable {
      wait.end();
      add_one(shared, i, lane);
    });
  }
  asio::post(pool, [&, lane = pdc::Lane(pdc::task, "guest")] {  // last, and not to the strand
    shared.guest_looks.arrive_and_wait();
    const auto work = lane.work("passes");
    shared.before_guest = shared.counter;  // no race: handler 0 waits meanwhile
    shared.guest_looks.arrive_and_wait();
  });
  pool.join();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads, and as many handlers", {2, 64}}});
  const int threads = program.integer("threads");
  Shared without, with;

  program.scene("without the strand", add_without_strand, without, threads);
  program.scene("with the strand", add_with_strand, with, threads);

  pdc::check(without.most == threads, "without it, all were inside at once", "{} of {}",
             without.most.load(), threads);
  pdc::check(without.counter == 1, "without it, one update counts, the others are lost", "{} of {}",
             without.counter, threads);
  pdc::check(with.most == 1, "with it, one was inside at a time", "{}", with.most.load());
  pdc::check(with.counter == threads, "with it, every update counts", "{} of {}", with.counter,
             threads);
  pdc::check(std::ranges::is_sorted(with.order), "they came in the order they were posted in");
  pdc::check(with.before_guest == 0, "who waits for the strand blocks no thread: a guest passes",
             "before {} of {}", threads - with.before_guest, threads);
  return program.finish();
}
