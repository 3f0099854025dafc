// SPDX-License-Identifier: MIT
#pragma once

#include "../address.hpp"
#include "farm.hpp"
#include "jobs.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/deadline.hpp"
#include "pdc/journal.hpp"
#include "pdc/link.hpp"
#include "pdc/print.hpp"
#include "pdc/timeline.hpp"

#include <deque>
#include <list>
#include <map>
#include <ranges>

/// The coordinator's connections, who has which task in hand, and what a message changes in that.
namespace job_farm {

namespace asio = boost::asio;
using asio::ip::tcp;
using pdc::BrokenProtocol, pdc::Link;

/// The other end of a connection: a stranger, until a line has shown that it knows the secret.
struct Guest {
  std::shared_ptr<Link> link;
  asio::ip::address peer;
  std::string name = {};            // empty: a stranger
  std::deque<int> hand = {};        // tasks: it works on the first
  bool is_late = false;             // these have been taken back
  std::optional<pdc::Lane> lane{};  // of the picture
  std::optional<pdc::Span> bar{};

  bool is_stranger() const { return name.empty() && link->is_open(); }
  bool can_work() const { return !name.empty() && !link->is_silent(); }
  void show() {
    bar.reset();
    if (!hand.empty()) bar.emplace(is_late ? lane->wait("silent") : lane->work("{}", hand[0]));
  }
};

/// One thread, one event loop, a coroutine for each connection; a second thread waits for the disk.
class Service {
 public:
  struct Settings {
    Job job;
    std::string secret;
    int silent_after;  // heartbeats
    Limits limits = {};
  };
  /// What has happened to workers, by their names.
  struct History {
    int come = 0;                                       // connections
    std::multiset<std::string, std::less<>> gone = {};  // likewise, before the end
    std::multiset<std::string, std::less<>> late = {};  // whose answers came so
    std::map<std::string, int, std::less<>> lost = {};  // with which task in hand, the first time
  };

  /// Serves until end(), whenever the loop of the acceptor runs.
  Service(tcp::acceptor acceptor, pdc::Journal& journal, const Settings& settings)
      : acceptor_(std::move(acceptor)),
        settings_(settings),
        farm_(settings.job.tasks, settings.limits),
        journal_(journal) {
    journal_.read([&](const json::object& line) {
      const int task = line.at("task").to_number<int>();
      if (!settings_.job.fits(task, line.at("value"))) throw BrokenProtocol("no result of a task");
      if (!farm_.finish(task)) throw BrokenProtocol("done twice");
    });
    asio::co_spawn(acceptor_.get_executor(), accept(), pdc::rethrow);
  }

  /// All is done or given up, and safe.
  bool is_over() const { return farm_.is_over() && !is_keeping_ && answers_.empty(); }

  /// Requires: is_over(). When the connections have ended, the loop has nothing left to do.
  void end() {
    ended_ = true;
    acceptor_.close();
    for (Guest& guest : guests_) {
      if (guest.name.empty()) guest.link->close();
      guest.link->send({{"done", true}});
    }
  }

  const Farm& farm() const { return farm_; }
  const History& history() const { return history_; }
  /// Whether one says nothing for much longer than the limit, with its task still in its hands.
  bool has_forgotten_one() const {
    return std::ranges::any_of(guests_, [](const Guest& guest) {
      return !guest.hand.empty() && !guest.is_late && guest.link->is_silent(4);
    });
  }

 private:
  static constexpr std::ptrdiff_t most_strangers = 64;
  static constexpr std::size_t most_in_hand = 32;

  asio::awaitable<void> accept() {
    asio::steady_timer pause(acceptor_.get_executor());
    while (acceptor_.is_open()) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (!error) {
        asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), pdc::rethrow);
      } else if (acceptor_.is_open()) {  // no descriptor is left, say: there may be one soon
        pause.expires_after(pdc::beat_period);
        co_await pause.async_wait(asio::use_awaitable);
      }
    }
  }

  /// Ends when the connection does. What breaks the protocol breaks the connection, and no more.
  asio::awaitable<void> serve(tcp::socket socket) {
    if (ended_) co_return;  // it was too late
    boost::system::error_code gone;
    const auto peer = peer_of(socket.remote_endpoint(gone).address());  // as on `server_limits`
    const auto link =
        std::make_shared<Link>(std::move(socket), pdc::Side::server, settings_.silent_after);
    const auto guest = guests_.insert(guests_.end(), Guest{link, peer});
    link->start_beating([this, guest] { watch(*guest); });
    make_room();
    const Link::Take take = [this, guest](const json::object& message) {
      handle(*guest, message);
      go_on();
    };
    const std::string why_over = co_await link->talk(settings_.secret, {}, take);
    link->close(why_over);
    if (!guest->name.empty()) say_goodbye(*guest);
    guests_.erase(guest);
    go_on();
  }

  /// Strangers have few places. When there are too many, the peer that has most of them loses the one
  /// that has been there longest: who knows the secret is a stranger for a moment only.
  void make_room() {
    std::map<asio::ip::address, int> of_peer;
    for (const Guest& guest : guests_) of_peer[guest.peer] += guest.is_stranger() ? 1 : 0;
    if (std::ranges::count_if(guests_, &Guest::is_stranger) <= most_strangers) return;
    const int most = std::ranges::max(of_peer | std::views::values);
    std::ranges::find_if(guests_, [&](const Guest& guest) {
      return guest.is_stranger() && of_peer[guest.peer] == most;
    })->link->close();
  }

  /// A message whose code is right. Errors: BrokenProtocol.
  void handle(Guest& guest, const json::object& message) {
    if (guest.name.empty())
      welcome(guest, std::string(message.at("hello").as_string()));
    else if (!message.contains("alive"))
      take_answer(guest, message);
  }

  void welcome(Guest& guest, const std::string& name) {
    const auto is_readable = [](char c) { return c >= ' ' && c <= '~'; };
    if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, is_readable))
      throw BrokenProtocol("no name");
    pdc::say("{} comes", name);
    guest.name = name;
    guest.lane = pdc::Lane(pdc::task, "{}", name);
    ++history_.come;
  }

  void take_answer(Guest& guest, const json::object& message) {
    const bool failed = message.contains("failed");
    const int task = message.at(failed ? "failed" : "result").to_number<int>();
    const auto found = std::ranges::find(guest.hand, task);
    if (found == guest.hand.end()) throw BrokenProtocol("it has no such task");
    if (!failed && !settings_.job.fits(task, message.at("value")))
      throw BrokenProtocol("no such result");
    guest.hand.erase(found);
    guest.show();
    if (guest.is_late) history_.late.insert(guest.name);
    if (!failed && farm_.finish(task)) {
      journal_.append({{"task", task}, {"value", message.at("value")}, {"by", guest.name}});
      pdc::tell_progress();
    }
    if (failed && !guest.is_late) farm_.fail(task, guest.name);
    answers_.emplace_back(guest.link, task);
  }

  /// As on the page `journal`: they are written down, then on the disk, and only then acknowledged.
  /// The disk takes long, so all that have come meanwhile share the next wait.
  asio::awaitable<void> acknowledge() {
    const auto keep = [this]() -> asio::awaitable<void> { co_return journal_.keep(); };
    while (!answers_.empty()) {
      const auto safe = std::exchange(answers_, {});
      co_await asio::co_spawn(disk_, keep, asio::use_awaitable);
      for (const auto& [link, task] : safe) link->send({{"ack", task}});
    }
    is_keeping_ = false;
    go_on();
  }

  /// Its connection has ended: others get what it had in hand.
  void say_goodbye(Guest& guest) {
    if (!ended_) history_.gone.insert(guest.name);
    guest.bar.reset();
    if (guest.hand.empty()) return;
    tell_loss(guest, "gone");
    if (guest.is_late) return;  // they have got it
    farm_.lose(guest.hand.front());
    for (const int task : guest.hand | std::views::drop(1)) farm_.take_back(task);
  }

  /// As on the page `heartbeat`. Others get what a silent worker has in hand, and it may still answer.
  void watch(Guest& guest) {
    if (!guest.link->is_silent()) return;
    if (guest.name.empty() || ended_) {
      guest.link->close();
    } else if (!guest.hand.empty() && !std::exchange(guest.is_late, true)) {
      tell_loss(guest, "silent");
      for (const int task : guest.hand) farm_.take_back(task);
      guest.show();
    }
    go_on();
  }

  void tell_loss(const Guest& guest, std::string_view how) {
    pdc::say("{} is {}, with task {} in hand", guest.name, how, guest.hand.front());
    pdc::fault(fmt::format("{} is {}", guest.name, how));
    history_.lost.emplace(guest.name, guest.hand.front());
  }

  /// After each change: deals out, and acknowledges.
  void go_on() {
    for (Guest& guest : guests_) {
      if (guest.can_work()) deal_out(guest);
    }
    if (!answers_.empty() && !std::exchange(is_keeping_, true))
      asio::co_spawn(acceptor_.get_executor(), acknowledge(), pdc::rethrow);
  }

  /// Nobody gets what it has failed, as long as there is another one that has not.
  void deal_out(Guest& guest) {
    const auto may_try = [&](const Farm::Task& task) {
      return !task.failed_by.contains(guest.name) ||
             std::ranges::none_of(guests_, [&](const Guest& other) {
               return other.can_work() && !task.failed_by.contains(other.name);
             });
    };
    const std::size_t most = std::min(farm_.open() / (16 * guests_.size()) + 1, most_in_hand);
    if (guest.hand.empty()) guest.is_late = false;
    if (guest.is_late || guest.hand.size() > most / 2) return;  // then many, in one write
    while (guest.hand.size() < most) {
      const auto task = farm_.deal(may_try);
      if (!task) break;
      guest.link->send({{"task", *task}, {"job", settings_.job.order(*task)}});
      guest.hand.push_back(*task);
    }
    guest.show();
  }

  tcp::acceptor acceptor_;
  const Settings settings_;
  Farm farm_;
  pdc::Journal& journal_;
  std::list<Guest> guests_;
  std::vector<std::pair<std::shared_ptr<Link>, int>> answers_;  // tasks that are not acknowledged
  bool is_keeping_ = false, ended_ = false;
  History history_;
  asio::thread_pool disk_{1};  // the last member: its thread has ended before the others go
};

}  // namespace job_farm
