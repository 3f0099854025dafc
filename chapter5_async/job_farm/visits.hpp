// SPDX-License-Identifier: MIT
#pragma once

#include "link.hpp"
#include "proof.hpp"
#include "workbench.hpp"

#include "pdc/timeline.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <string>
#include <utility>

/// A worker's visits to its coordinator, one after the other, each a connection.
namespace job_farm {

struct Settings {
  tcp::endpoint coordinator;
  std::string name, secret;
  std::chrono::nanoseconds heartbeat, patience;
};

class Visits {
 public:
  Visits(asio::io_context& loop, Settings settings)
      : loop_(loop),
        settings_(std::move(settings)),
        beat_(loop),
        bench_(loop, [this](const json::object& answer) {
          link_->send(answer);
          ++answers;
          ++unacknowledged;
        }) {}

  int welcomes = 0;        // visits that began well
  int answers = 0;         // sent
  int unacknowledged = 0;  // of those of the last visit
  bool done = false;       // the coordinator has said so

  /// From connecting to the end of the connection. Returns how that came.
  asio::awaitable<std::string> visit() {
    using namespace asio::experimental::awaitable_operators;
    constexpr auto with_error = asio::as_tuple(asio::use_awaitable);
    tcp::socket socket(loop_);
    beat_.expires_after(settings_.patience);
    const auto first = co_await (socket.async_connect(settings_.coordinator, with_error) ||
                                 beat_.async_wait(with_error));
    if (first.index() == 1) co_return "no answer";
    if (const auto [error] = std::get<0>(first); error) co_return error.message();
    Link link(std::move(socket));
    std::string why;
    link_ = &link;
    co_await (converse(why) && link.write_out() && beat());
    link_ = nullptr;
    bench_.clear();
    co_return why;
  }

 private:
  asio::awaitable<void> converse(std::string& why) {
    try {
      co_await greet();
      ++welcomes;
      unacknowledged = 0;
      while (!done) {
        const json::object message = co_await link_->receive();
        handle(message);
      }
      link_->finish();
    } catch (const BrokenProtocol& broken) {
      why = broken.what();
      link_->close();
    } catch (const boost::system::system_error& error) {
      why = error.code().message();
      link_->close();
    }
    beat_.cancel();
  }

  /// Each proves to the other that it knows the secret.
  asio::awaitable<void> greet() {
    const json::object first = co_await link_->receive();
    const std::string theirs(text_in(first, "challenge")), mine = new_challenge();
    if (theirs.size() != proof_length) throw BrokenProtocol("no challenge");
    link_->send({{"hello", settings_.name},
                 {"challenge", mine},
                 {"proof", proof(settings_.secret, "worker", theirs, mine)}});
    const json::object answer = co_await link_->receive();
    if (answer.contains("error")) throw BrokenProtocol(std::string(text_in(answer, "error")));
    if (!is_same(text_in(answer, "proof"), proof(settings_.secret, "coordinator", theirs, mine)))
      throw BrokenProtocol("the coordinator's proof is wrong: another secret");
  }

  void handle(const json::object& message) {
    if (message.contains("task")) return bench_.take(message);
    if (message.contains("release")) return bench_.release(number_in(message, "release"));
    if (message.contains("ack")) {
      --unacknowledged;
      return;
    }
    if (message.contains("done")) {
      done = true;
      return;
    }
    const bool is_error = message.contains("error");
    throw BrokenProtocol(is_error ? std::string(text_in(message, "error")) : "unknown message");
  }

  /// Says that it lives while it has a task in hand; and loses patience with who does not greet.
  asio::awaitable<void> beat() {
    const auto limit = std::chrono::steady_clock::now() + settings_.patience;
    for (const int before = welcomes; !link_->is_finished();) {
      beat_.expires_after(settings_.heartbeat);
      co_await beat_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (link_->is_finished()) break;
      if (welcomes == before && std::chrono::steady_clock::now() > limit) link_->close();
      if (const auto task = bench_.in_hand(); task && welcomes > before) {
        const auto send = lane_.send("heartbeat {}", *task);
        link_->send({{"heartbeat", *task}});
      }
    }
  }

  asio::io_context& loop_;
  const Settings settings_;
  asio::steady_timer beat_;
  Link* link_ = nullptr;
  const pdc::Lane lane_{pdc::task, "loop"};
  Workbench bench_;
};

}  // namespace job_farm
