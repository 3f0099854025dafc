// SPDX-License-Identifier: MIT
#pragma once

#include "desk.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/deadline.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <list>
#include <optional>
#include <string>
#include <utility>

/// The coordinator's connections: one thread, one event loop, two coroutines for each.
namespace job_farm {

class Service {
 public:
  struct Settings {
    std::string secret;
    std::chrono::nanoseconds heartbeat;
    int silent_after;                        // heartbeats
    std::chrono::duration<double> deadline;  // from the last result on
  };

  /// Serves until end(); when all connections have ended, too, the loop has nothing left to do.
  Service(tcp::acceptor& acceptor, Desk& desk, Settings settings)
      : acceptor_(acceptor),
        desk_(desk),
        settings_(std::move(settings)),
        tick_(acceptor.get_executor()) {
    asio::co_spawn(acceptor.get_executor(), accept(), pdc::rethrow);
    asio::co_spawn(acceptor.get_executor(), watch(), pdc::rethrow);
  }

  /// Nobody else may come, and those that are there are told to go.
  void end() {
    if (std::exchange(ended_, true)) return;
    acceptor_.close();
    desk_.dismiss();
    for (Link* stranger : strangers_) stranger->close();
    tick_.cancel();
  }

 private:
  static constexpr std::size_t most_strangers = 64;
  static constexpr std::chrono::seconds time_to_go{10};  // at the end, for the guests

  asio::awaitable<void> accept() {
    while (!ended_) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (!error) asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), pdc::rethrow);
      if (!error || error == asio::error::operation_aborted) continue;
      asio::steady_timer pause(acceptor_.get_executor(), settings_.heartbeat);
      co_await pause.async_wait(asio::use_awaitable);  // for descriptors, say
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    using namespace asio::experimental::awaitable_operators;
    Link link(std::move(socket));
    const auto place = links_.insert(links_.end(), &link);
    try {
      co_await (converse(link) && link.write_out());
    } catch (const asio::multiple_exceptions& both) {  // the second is a cancellation
      std::rethrow_exception(both.first_exception());
    }
    links_.erase(place);
    if (ended_) tick_.cancel();  // watch() may end now
  }

  /// Ends when the connection does. What breaks the protocol breaks the connection, and no more.
  asio::awaitable<void> converse(Link& link) {
    std::optional<Guest> guest;
    json::object last_words;
    try {
      const std::string name = co_await greet(link);
      guest.emplace(link, name);
      desk_.welcome(*guest);
      for (;;) {
        const json::object message = co_await link.receive();
        desk_.handle(*guest, message);
      }
    } catch (const BrokenProtocol& broken) {
      last_words["error"] = broken.what();
    } catch (const boost::system::system_error&) {  // it is gone
    }
    strangers_.remove(&link);
    link.close(last_words);
    if (guest) desk_.say_goodbye(*guest);
  }

  /// Each proves to the other that it knows the secret. Returns the worker's name. Strangers have
  /// few places: if there are too many, the one that has been there longest has to go.
  asio::awaitable<std::string> greet(Link& link) {
    strangers_.push_back(&link);
    if (strangers_.size() > most_strangers) {
      strangers_.front()->close();
      strangers_.pop_front();
    }
    Greeting greeting{.coordinators = new_challenge(), .workers = {}, .name = {}};
    link.send({{"challenge", greeting.coordinators}});
    const json::object hello = co_await link.receive();
    greeting.workers = text_in(hello, "challenge");
    greeting.name = text_in(hello, "hello");
    const bool readable =
        std::ranges::all_of(greeting.name, [](char c) { return c >= ' ' && c <= '~'; });
    if (greeting.name.empty() || greeting.name.size() > 64 || !readable)
      throw BrokenProtocol("no name");
    if (greeting.workers.size() != challenge_length) throw BrokenProtocol("no challenge");
    if (!is_same(text_in(hello, "proof"), greeting.proof(settings_.secret, "worker")))
      throw BrokenProtocol("the worker's proof is wrong: another secret");
    link.send({{"welcome", greeting.proof(settings_.secret, "coordinator")}});
    link.seal(greeting.key(settings_.secret, "coordinator"),
              greeting.key(settings_.secret, "worker"));
    strangers_.remove(&link);
    co_return greeting.name;
  }

  /// With every heartbeat: who is silent, who does not even greet, who does not go.
  asio::awaitable<void> watch() {
    for (int done = 0, late = 0; !ended_ || !links_.empty();) {
      if (std::exchange(done, desk_.farm().counts().done) != done)
        pdc::set_deadline(settings_.deadline);
      tick_.expires_after(settings_.heartbeat);
      const auto [cancelled] = co_await tick_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (cancelled) continue;
      if (ended_ && ++late > time_to_go / settings_.heartbeat) std::ranges::for_each(links_, close);
      if (ended_) continue;
      desk_.look_after_guests(settings_.silent_after);
      for (Link* stranger : strangers_) {
        if (stranger->tick() > settings_.silent_after) stranger->close();
      }
    }
  }

  static void close(Link* link) { link->close(); }

  tcp::acceptor& acceptor_;
  Desk& desk_;
  const Settings settings_;
  asio::steady_timer tick_;
  std::list<Link*> links_, strangers_;  // all; and those that have not greeted yet
  bool ended_ = false;
};

}  // namespace job_farm
