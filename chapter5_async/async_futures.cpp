// Async futures: values and errors cross between an event loop and plain threads, both ways.
//
// Concept   An operation of Asio ends as its last argument says: it calls back, keeps a promise for
//           a thread that waits at the future, or resumes a coroutine. It is always the loop that
//           does this. So the loop's own thread must not wait for a future: nobody would bring it.
// Shows     asio::async_initiate, use_future, use_awaitable, co_spawn, asio::post, std::future
// Python    asyncio.wrap_future, asyncio.run_coroutine_threadsafe, loop.run_in_executor
// Run       async_futures --number 100
// You see   a future that cannot get ready; a sum and an error by callback, future and coroutine
// Next      thread_pool_executor keeps threads for many jobs; timeouts gives up what takes too long

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <list>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Sum = std::int64_t;

struct Office {
  asio::io_context loop;
  std::atomic<int> posted = 0;      // sums and errors
  std::list<std::jthread> threads;  // all started by the thread of the loop
};

struct Client {
  void note(const auto& got) { seen += fmt::format("{}{}", seen.empty() ? "" : ", ", got); }

  pdc::Lane lane{"client"}, coroutine{pdc::task, "coroutine"}, thread{"plain thread"};
  pdc::Lane guest{pdc::task, "guest"};  // comes right after, and needs the loop for a moment
  std::string seen = {};
};

/// Sums on a plain thread; then the loop delivers the sum, or the error, as the token says.
template <class Token>
auto async_sum(Office& office, int count, const pdc::Lane& thread, Token&& token) {
  auto start = [&office, count, lane = thread](auto deliver) {
    auto compute = [&office, open = asio::make_work_guard(office.loop), count, lane,
                    deliver = std::move(deliver)]() mutable {
      const auto work = lane.work("sum of {}", count);
      std::this_thread::sleep_for(8ms);  // plays a longer computation
      Sum sum = 0;
      for (int i = 1; i <= count; ++i) sum += i;
      std::exception_ptr error;
      if (count < 0) error = std::make_exception_ptr(std::invalid_argument("negative"));
      asio::post(office.loop, asio::append(std::move(deliver), error, sum));
      ++office.posted;
    };
    office.threads.emplace_back(std::move(compute));
  };
  return asio::async_initiate<Token, void(std::exception_ptr, Sum)>(std::move(start), token);
}

/// Wrong on purpose: the loop's own thread waits for what only the loop can bring.
void by_future_on_loop(Office& office, int count, Client& client) {
  asio::post(office.loop, [&office, count, &client] {
    const auto wait = client.lane.wait("future");
    auto later = async_sum(office, count, client.thread, asio::use_future);
    office.threads.clear();  // joins. Forced: the sum has been posted to the loop
    // get() would wait for ever here
    const int ready = later.wait_for(0s) == std::future_status::ready;
    client.note(fmt::format("{} posted, {} ready", office.posted.load(), ready));
  });
}

void by_callback(Office& office, int count, Client& client) {
  auto call_back = [&client, wait = client.lane.wait("callback")](auto error, Sum sum) {
    error ? client.note("error") : client.note(sum);
  };
  async_sum(office, count, client.thread, std::move(call_back));
}

void wait_on_a_thread(Office& office, std::future<Sum> later, Client& client) {
  office.threads.emplace_back([&client, later = std::move(later)]() mutable {
    const auto wait = client.lane.wait("future");
    try {
      client.note(later.get());
    } catch (const std::exception& error) {
      client.note(error.what());
    }
  });
}

void by_future(Office& office, int count, Client& client) {
  wait_on_a_thread(office, async_sum(office, count, client.thread, asio::use_future), client);
}

asio::awaitable<Sum> ask(Office& office, int count, const Client& client) {
  const auto wait = client.coroutine.wait("co_await");
  co_return co_await async_sum(office, count, client.thread, asio::use_awaitable);  // or throws
}

void by_coroutine(Office& office, int count, Client& client) {
  auto later = asio::co_spawn(office.loop, ask(office, count, client), asio::use_future);
  wait_on_a_thread(office, std::move(later), client);
}

/// For a sum, and for an error.
std::string ask_twice(void (*way)(Office&, int, Client&), int number) {
  Client client;
  for (const int count : {number, -1}) {
    Office office;
    way(office, count, client);
    asio::post(office.loop, [wait = client.guest.wait("its turn")] {});
    office.loop.run();
  }  // ~jthread joins here
  return client.seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"number", 100, "sum of 1 to this", {0, 1'000'000}}});
  const int number = program.integer("number");

  const auto stuck = program.scene("a future, on the loop", ask_twice, by_future_on_loop, number);
  const auto called = program.scene("a callback", ask_twice, by_callback, number);
  const auto waited = program.scene("a future, on a thread", ask_twice, by_future, number);
  const auto awaited = program.scene("a coroutine, and a thread", ask_twice, by_coroutine, number);

  const Sum sum = Sum{number} * (number + 1) / 2;
  const std::string both = fmt::format("{}, negative", sum);
  pdc::check(stuck == "1 posted, 0 ready, 1 posted, 0 ready",
             "on the loop a future cannot get ready", "{}", stuck);
  pdc::check(called == fmt::format("{}, error", sum), "a callback got a sum and an error", "{}",
             called);
  pdc::check(waited == both, "a future brought both to a thread", "{}", waited);
  pdc::check(awaited == both, "a coroutine got both, and handed them on", "{}", awaited);
  return program.finish();
}
