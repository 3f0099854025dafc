// Nursery: all tasks that a function starts have ended when the function ends, also when one fails.
//
// Concept   A task that was started and left alone goes on when its function has returned, or when
//           another one has failed. A nursery is a scope for tasks: it may grow while they run, and
//           is left when all have ended. If one throws, the others are cancelled and awaited, and
//           then its exception comes out (structured concurrency).
// Shows     co_spawn, asio::cancellation_signal, bind_cancellation_slot, throw_if_cancelled
// Python    asyncio.TaskGroup, trio.open_nursery
// Run       nursery --tasks 3
// You see   tasks that outlive their function; then none does, whether all is well or one fails
// Next      tasks has && and ||, for tasks that are known beforehand

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <boost/asio.hpp>

#include <exception>
#include <functional>
#include <list>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;

/// For one loop with one thread. Whoever has started a task has to await wait_for_all().
class Nursery {
 public:
  explicit Nursery(asio::io_context& loop) : wake_(loop, asio::steady_timer::time_point::max()) {}
  Nursery(const Nursery&) = delete;  // its tasks know its address

  void start(asio::awaitable<void> task) {
    const auto it = running_.emplace(running_.end());
    auto end = asio::bind_cancellation_slot(it->slot(), [this, it](std::exception_ptr error) {
      running_.erase(it);
      if (error && !error_) {
        error_ = error;  // the first; that others are cancelled is no news
        cancel();
      }
      if (running_.empty()) wake_.cancel();
    });
    asio::co_spawn(wake_.get_executor(), std::move(task), end);
  }

  asio::awaitable<void> wait_for_all() {
    co_await asio::this_coro::throw_if_cancelled(false);  // waits even when cancelled
    while (!running_.empty()) {
      co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (!running_.empty()) cancel();  // woken by no end: the nursery itself is cancelled
    }
    co_await asio::this_coro::throw_if_cancelled(true);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  asio::steady_timer wake_;
  std::list<asio::cancellation_signal> running_;
  std::exception_ptr error_;
  void cancel() {
    for (auto& signal : running_) signal.emit(asio::cancellation_type::terminal);
  }
};

struct Site {
  const int tasks;
  std::function<void(int)> start = {};  // a task that reads this page
  pdc::Gauge alive = {};                // tasks that read
  int read = 0, alive_at_end = 0;       // at the end of the function
  std::string heard = {};               // what it throws
  asio::io_context loop = {};
  asio::basic_waitable_timer<PlayedClock> power{loop};  // takes descriptors here, not in a task
};

/// A page has a link to another one, until there are twice as many pages as there were tasks.
asio::awaitable<void> read(Site& site, int page) {
  const auto wait = pdc::Lane(pdc::task, "page {}", page).wait("answer");
  const auto visit = site.alive.visit();
  asio::basic_waitable_timer<PlayedClock> server(site.loop, PlayedClock::duration(6));
  co_await server.async_wait(asio::use_awaitable);  // throws when cancelled
  ++site.read;
  if (page < site.tasks) site.start(page + site.tasks);
}

asio::awaitable<void> watch_power(Site& site) {
  site.power.expires_after(PlayedClock::duration(4));
  co_await site.power.async_wait(asio::use_awaitable);
  pdc::mark("no power");
  throw std::runtime_error("no power");
}

/// Wrong on purpose: starts the tasks, and that is all.
asio::awaitable<void> crawl_and_leave(Site& site) {
  site.start = [&](int page) { asio::co_spawn(site.loop, read(site, page), asio::detached); };
  for (int page = 0; page < site.tasks; ++page) site.start(page);
  asio::co_spawn(site.loop, watch_power(site), asio::detached);
  co_return;
}

asio::awaitable<void> read_all(Site& site) {
  Nursery nursery(site.loop);
  site.start = [&](int page) { nursery.start(read(site, page)); };
  for (int page = 0; page < site.tasks; ++page) site.start(page);
  co_await nursery.wait_for_all();
}

asio::awaitable<void> crawl(Site& site) {
  Nursery nursery(site.loop);
  nursery.start(read_all(site));  // a nursery in a nursery
  nursery.start(watch_power(site));
  co_await nursery.wait_for_all();
}

void spend(Site& site, asio::awaitable<void> (*act)(Site&)) {
  asio::co_spawn(site.loop, act(site), [&](std::exception_ptr error) {
    site.alive_at_end = site.alive.inside();
    if (site.alive_at_end > 0) pdc::fault("ends before its tasks");
    if (error) std::rethrow_exception(error);
  });
  try {
    PlayedClock::run(site.loop);
  } catch (const std::exception& error) {
    site.heard = error.what();
  }
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"tasks", 3, "that a function starts", {2, 16}}});
  const int tasks = program.integer("tasks");
  Site left{tasks}, well{tasks}, failed{tasks};
  program.scene("without a nursery", spend, left, crawl_and_leave);
  program.scene("a nursery", spend, well, read_all);
  program.scene("a nursery in a nursery, and one fails", spend, failed, crawl);

  pdc::check(left.alive_at_end == tasks, "without a nursery, a function ends before its tasks",
             "{} alive", left.alive_at_end);
  pdc::check(left.read == 2 * tasks && left.heard.empty(),
             "without it, a task fails unheard, and the others go on", "{} pages read", left.read);
  pdc::check(well.read == 2 * tasks && well.alive_at_end == 0,
             "a nursery is left when all have ended", "{} pages read", well.read);
  pdc::check(failed.read == 0 && failed.alive_at_end == 0,
             "if one fails, all others, in a nursery inside as well, are cancelled and awaited");
  pdc::check(failed.heard == "no power", "what the first threw comes out, once", "{}",
             failed.heard);
  return program.finish();
}
