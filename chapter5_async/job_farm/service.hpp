// SPDX-License-Identifier: MIT
#pragma once

#include "desk.hpp"
#include "proof.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/deadline.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

/// The coordinator's connections: one thread, one event loop, two coroutines for each.
namespace job_farm {

class Service {
 public:
  Service(Desk& desk, tcp::acceptor& acceptor, std::string secret, Clock::duration silence,
          std::chrono::duration<double> deadline)
      : desk_(desk),
        acceptor_(acceptor),
        tick_(acceptor.get_executor()),
        secret_(std::move(secret)),
        silence_(silence),
        deadline_(deadline) {
    asio::co_spawn(acceptor.get_executor(), accept(), pdc::rethrow);
    asio::co_spawn(acceptor.get_executor(), watch(), pdc::rethrow);
  }

 private:
  struct Open {
    Link* link;
    Clock::time_point limit;  // then it is closed
  };

  asio::awaitable<void> accept() {
    while (!desk_.is_over()) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (!error) asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), pdc::rethrow);
      if (!error || error == asio::error::operation_aborted) continue;
      asio::steady_timer pause(acceptor_.get_executor(), silence_);  // no descriptors left, say
      co_await pause.async_wait(asio::use_awaitable);
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    using namespace asio::experimental::awaitable_operators;
    Link link(std::move(socket));
    const auto open = open_.insert(open_.end(), Open{&link, Clock::now() + silence_});
    co_await (converse(*open) && link.write_out());
    open_.erase(open);
    tick_.cancel();  // watch() may end now
  }

  /// Ends when the connection does. What breaks the protocol breaks the connection, and no more.
  asio::awaitable<void> converse(Open& open) {
    Guest guest(open.link);
    json::object last_words;
    try {
      guest.name = co_await greet(*open.link);
      if (!ended_) open.limit = Clock::time_point::max();
      desk_.welcome(guest);
      for (;;) {
        if (desk_.is_over()) end();
        const json::object message = co_await open.link->receive();
        desk_.handle(guest, message);
      }
    } catch (const BrokenProtocol& broken) {
      last_words["error"] = broken.what();
    } catch (const boost::system::system_error&) {  // it is gone
    }
    open.link->close(last_words);
    if (!guest.name.empty()) desk_.say_goodbye(guest);
  }

  /// Each proves to the other that it knows the secret. Returns the worker's name.
  asio::awaitable<std::string> greet(Link& link) {
    const std::string mine = new_challenge();
    link.send({{"challenge", mine}});
    const json::object hello = co_await link.receive();
    const std::string name(text_in(hello, "hello")), theirs(text_in(hello, "challenge"));
    const bool readable = std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; });
    if (name.empty() || name.size() > 64 || !readable) throw BrokenProtocol("no name");
    if (theirs.size() != proof_length) throw BrokenProtocol("no challenge");
    if (!is_same(text_in(hello, "proof"), proof(secret_, "worker", mine, theirs)))
      throw BrokenProtocol("the proof is wrong: another secret");
    link.send({{"welcome", name}, {"proof", proof(secret_, "coordinator", mine, theirs)}});
    co_return name;
  }

  /// Looks now and then who is silent, and who does not even greet.
  asio::awaitable<void> watch() {
    for (int done = 0; !(ended_ && open_.empty());) {
      if (desk_.is_over()) end();
      if (std::exchange(done, desk_.farm.counts().done) != done) pdc::set_deadline(deadline_);
      tick_.expires_after(silence_ / 4);
      co_await tick_.async_wait(asio::as_tuple(asio::use_awaitable));
      const auto now = Clock::now();
      if (!ended_) desk_.look_after(now - silence_, now - 20 * silence_);
      for (const Open& open : open_) {
        if (open.limit < now) open.link->close();
      }
      desk_.journal.keep();
    }
  }

  void end() {
    desk_.dismiss();
    if (std::exchange(ended_, true)) return;
    acceptor_.close();
    for (Open& open : open_) open.limit = Clock::now() + silence_;  // for them to go
    tick_.cancel();
  }

  Desk& desk_;
  tcp::acceptor& acceptor_;
  asio::steady_timer tick_;
  const std::string secret_;
  const Clock::duration silence_;
  const std::chrono::duration<double> deadline_;  // from the last result on
  std::list<Open> open_;
  bool ended_ = false;
};

}  // namespace job_farm
