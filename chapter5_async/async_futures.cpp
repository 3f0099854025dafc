// Async futures: values and errors cross between an event loop and plain threads, both ways.
//
// Concept   An operation of Asio ends as its last argument says: it keeps a promise for a thread
//           that waits at the future, or it resumes a coroutine. It is always the loop that does
//           this. So the loop's own thread must not wait for a future: nobody would bring it.
// Shows     asio::async_initiate, use_future, use_awaitable, co_spawn, asio::post, std::future
// Python    asyncio.wrap_future, asyncio.run_coroutine_threadsafe, loop.run_in_executor
// Run       async_futures --number 100
// You see   a future that cannot get ready; a sum and an error by future and by coroutine
// Next      thread_pool_executor keeps threads for many jobs; timeouts gives up what takes too long

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <list>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Sum = std::int64_t;

/// A job for a plain thread.
Sum add_up(int count) {
  std::this_thread::sleep_for(8ms);  // plays a longer computation
  if (count < 0) throw std::invalid_argument("negative");
  Sum sum = 0;
  for (int i = 1; i <= count; ++i) sum += i;
  return sum;
}

struct Office {
  std::jthread waiting;  // for a future: the last to go, as what it waits for goes with the loop
  asio::io_context loop;
  std::counting_semaphore<> may_begin{0};
  std::atomic<int> posted = 0;      // sums and errors
  std::list<std::jthread> threads;  // that compute; started by the thread of the loop
};

struct Client {
  void note(const auto& got) { seen += fmt::format("{}{}", seen.empty() ? "" : ", ", got); }

  pdc::Lane lane{"client"}, thread{"plain thread"};
  std::string seen = {};
};

/// Sums on a plain thread; then the loop delivers the sum, or the error, as the token says.
template <class Token>
auto async_sum(Office& office, int count, const pdc::Lane& lane, Token&& token) {
  auto start = [&office, count, lane](auto deliver) {
    auto compute = [&office, count, lane, open = asio::make_work_guard(office.loop),
                    deliver = std::move(deliver)]() mutable {
      office.may_begin.acquire();  // forced: by now the loop has nothing else to do
      const auto work = lane.work("sum of {}", count);
      Sum sum = 0;
      std::exception_ptr error;
      try {
        sum = add_up(count);
      } catch (...) {
        error = std::current_exception();
      }
      asio::post(office.loop, asio::append(std::move(deliver), error, sum));
      ++office.posted;
    };
    office.threads.emplace_back(std::move(compute));
  };
  return asio::async_initiate<Token, void(std::exception_ptr, Sum)>(std::move(start), token);
}

void by_future(Office& office, int count, Client& client) {
  auto later = async_sum(office, count, client.thread, asio::use_future);
  office.waiting = std::jthread([&client, later = std::move(later)]() mutable {
    const auto wait = client.lane.wait("future");
    try {
      client.note(later.get());
    } catch (const std::exception& error) {
      client.note(error.what());
    }
  });
}

asio::awaitable<void> ask(Office& office, int count, Client& client) {
  const auto wait = client.lane.wait("co_await");
  try {
    client.note(co_await async_sum(office, count, client.thread, asio::use_awaitable));
  } catch (const std::exception& error) {
    client.note(error.what());
  }
}

void by_coroutine(Office& office, int count, Client& client) {
  asio::co_spawn(office.loop, ask(office, count, client), pdc::rethrow);
}

/// Wrong on purpose: the loop's own thread waits for what only the loop can bring.
void by_future_on_loop(Office& office, int count, Client& client) {
  asio::post(office.loop, [&office, count, &client] {
    const auto wait = client.lane.wait("future");
    auto later = async_sum(office, count, client.thread, asio::use_future);
    office.may_begin.release();
    office.threads.clear();  // joins. Forced: the sum has been posted to the loop
    // get() would wait for ever here
    const int ready = later.wait_for(0s) == std::future_status::ready;
    client.note(fmt::format("{} posted, {} ready", office.posted.load(), ready));
  });
}

/// For a sum, and for an error.
std::string ask_twice(void (*way)(Office&, int, Client&), int number) {
  Client client;
  const pdc::Lane guest(pdc::task, "guest");  // comes right after, and needs the loop for a moment
  for (const int count : {number, -1}) {
    Office office;
    way(office, count, client);
    asio::post(office.loop, [wait = guest.wait("its turn")] {});
    office.loop.poll();
    office.may_begin.release();
    office.loop.run();
  }  // ~jthread joins here
  return client.seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"number", 100, "sum of 1 to this", {0, 1'000'000}}});
  const int number = program.integer("number");

  const auto stuck = program.scene("a future, on the loop", ask_twice, by_future_on_loop, number);
  const auto waited = program.scene("a future, on a thread", ask_twice, by_future, number);
  const auto awaited = program.scene("a coroutine", ask_twice, by_coroutine, number);

  const std::string both = fmt::format("{}, negative", Sum{number} * (number + 1) / 2);
  pdc::check(stuck == "1 posted, 0 ready, 1 posted, 0 ready",
             "on the loop's own thread, a future whose sum is posted cannot get ready", "{}",
             stuck);
  pdc::check(waited == both, "a future brings the sum, or the error, to a plain thread", "{}",
             waited);
  pdc::check(awaited == both, "a coroutine goes on with the sum, or with the error", "{}", awaited);
  return program.finish();
}
