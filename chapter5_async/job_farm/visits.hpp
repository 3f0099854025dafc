// SPDX-License-Identifier: MIT
#pragma once

#include "link.hpp"
#include "workbench.hpp"

#include "pdc/timeline.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

/// A worker's visits to its coordinator, one after the other, each a connection.
namespace job_farm {

/// What a page hears of its worker.
struct Witness {
  virtual ~Witness() = default;
  virtual void at_work() {}  // on the thread, in the middle of a task; all others: on the loop
  virtual void taken(int /*task*/) {}
  virtual void acknowledged(int /*task*/) {}
  virtual void left() {}  // a visit has ended, and not all is done
};

class Visits {
 public:
  struct Settings {
    tcp::endpoint coordinator;
    std::string name, secret;
    std::chrono::nanoseconds heartbeat, patience;
  };

  /// How a visit ended.
  struct End {
    bool done = false;     // the coordinator said so
    bool heard = false;    // since the welcome, a sign of life
    int acknowledged = 0;  // answers
    std::string why = "";  // if not done
  };

  Visits(asio::io_context& loop, Settings settings, Witness& witness)
      : loop_(loop),
        settings_(std::move(settings)),
        witness_(witness),
        beat_(loop),
        bench_(
            loop, [this] { witness_.at_work(); }, [this](const json::object& a) { give(a); }) {}

  const pdc::Lane& lane() const { return lane_; }
  int welcomes() const { return welcomes_; }
  int unacknowledged() const { return unacknowledged_; }  // of the last

  /// From connecting to the end of the connection.
  asio::awaitable<End> visit() {
    using namespace asio::experimental::awaitable_operators;
    constexpr auto with_error = asio::as_tuple(asio::use_awaitable);
    end_ = {};
    tcp::socket socket(loop_);
    beat_.expires_after(settings_.patience);
    const auto first = co_await (socket.async_connect(settings_.coordinator, with_error) ||
                                 beat_.async_wait(with_error));
    if (first.index() == 1) co_return End{.why = "no answer"};
    if (const auto [error] = std::get<0>(first); error) co_return End{.why = error.message()};
    Link link(std::move(socket));
    link_ = &link;
    co_await (converse() && link.write_out() && beat());
    link_ = nullptr;
    bench_.clear();
    co_return end_;
  }

 private:
  asio::awaitable<void> converse() {
    std::string why;
    try {
      co_await greet();
      ++welcomes_;
      unacknowledged_ = 0;
      while (!end_.done || unacknowledged_ > 0) {
        const json::object message = co_await link_->receive();
        handle(message);
      }
      link_->finish();
    } catch (const BrokenProtocol& broken) {
      why = broken.what();
    } catch (const boost::system::system_error& error) {
      why = error.code().message();
    }
    if (!end_.done) link_->close();
    if (end_.why.empty()) end_.why = why;
    beat_.cancel();
  }

  /// Each proves to the other that it knows the secret.
  asio::awaitable<void> greet() {
    const json::object first = co_await link_->receive();
    const Greeting greeting{.coordinators = text_in(first, "challenge"),
                            .workers = new_challenge(),
                            .name = settings_.name};
    if (greeting.coordinators.size() != challenge_length) throw BrokenProtocol("no challenge");
    link_->send({{"hello", greeting.name},
                 {"challenge", greeting.workers},
                 {"proof", greeting.proof(settings_.secret, "worker")}});
    const json::object answer = co_await link_->receive();
    if (answer.contains("error")) throw BrokenProtocol(text_in(answer, "error"));
    if (!is_same(text_in(answer, "welcome"), greeting.proof(settings_.secret, "coordinator")))
      throw BrokenProtocol("the coordinator's proof is wrong: another secret");
    link_->seal(greeting.key(settings_.secret, "worker"),
                greeting.key(settings_.secret, "coordinator"));
  }

  void handle(const json::object& message) {
    if (message.contains("task")) {
      bench_.take(message);
      witness_.taken(number_in(message, "task"));
      return;
    }
    end_.heard = true;
    if (message.contains("alive")) return;
    if (message.contains("ack")) {
      --unacknowledged_;
      ++end_.acknowledged;
      witness_.acknowledged(number_in(message, "ack"));
    } else if (message == json::object{{"done", true}}) {
      end_.done = true;  // only acknowledgements may still come
      bench_.clear();
    } else {
      throw BrokenProtocol(message.contains("error") ? text_in(message, "error") : "what is that?");
    }
  }

  void give(const json::object& answer) {
    link_->send(answer);
    ++unacknowledged_;
  }

  /// Says that the worker lives, whatever its thread does, and listens whether the coordinator does.
  asio::awaitable<void> beat() {
    const auto silent_after = std::max<std::int64_t>(2, settings_.patience / settings_.heartbeat);
    while (!link_->is_finished()) {
      beat_.expires_after(settings_.heartbeat);
      co_await beat_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (link_->is_finished()) break;
      if (link_->tick() > silent_after) {
        end_.why = "it says nothing";
        link_->close();
      } else if (link_->is_sealed()) {
        const auto send = lane_.send("heartbeat");
        link_->send_beat();
      }
    }
  }

  asio::io_context& loop_;
  const Settings settings_;
  Witness& witness_;
  asio::steady_timer beat_;
  Link* link_ = nullptr;
  End end_;
  int welcomes_ = 0, unacknowledged_ = 0;
  const pdc::Lane lane_{pdc::task, "loop"};
  Workbench bench_;
};

}  // namespace job_farm
