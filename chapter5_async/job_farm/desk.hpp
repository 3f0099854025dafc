// SPDX-License-Identifier: MIT
#pragma once

#include "farm.hpp"
#include "guest.hpp"
#include "jobs.hpp"
#include "journal.hpp"

#include "pdc/print.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <utility>

/// Who has which task in hand, and what a message changes in that.
namespace job_farm {

class Desk {
 public:
  explicit Desk(const Job& job_done, Limits limits = {})
      : job(job_done), farm(job_done.tasks, limits) {}

  const Job job;
  Farm farm;
  Journal journal;
  Events events;
  std::vector<Result> results;  // those that count, as they came
  std::set<int> held_back;      // tasks whose first result waits for release()
  int come = 0, gone = 0;       // workers; gone before the end

  bool has_met(const std::string& name) const { return lanes_.contains(name); }
  bool is_over() { return farm.is_over() && !events.awaits_more(); }

  /// A line of a journal: that task is done. Errors: BrokenProtocol.
  void recall(const json::object& line) {
    const int task = number_in(line, "task");
    const json::value* value = line.if_contains("value");
    if (!job.fits(task, value)) throw BrokenProtocol("no result of a task");
    if (!farm.recall(task, std::string(text_in(line, "by")))) throw BrokenProtocol("done twice");
    results.push_back({task, *value});
  }

  void welcome(Guest& guest) {
    ++come;
    events.come(guest);
    guests_.push_back(&guest);
    if (!has_met(guest.name)) lanes_.emplace(guest.name, pdc::Lane(pdc::task, "{}", guest.name));
    guest.lane = lanes_.at(guest.name);
    deal_out();
  }

  /// A message of a guest. Errors: BrokenProtocol.
  void handle(Guest& guest, const json::object& message) {
    guest.heard = Clock::now();
    if (std::exchange(guest.silent, false)) guest.show();
    if (message.contains("heartbeat"))
      return events.beat(guest, find(guest, number_in(message, "heartbeat"))->task);
    const bool failed = message.contains("failed");
    const auto found = find(guest, number_in(message, failed ? "failed" : "result"));
    const Deal deal = *found;
    if (number_in(message, "attempt") != deal.attempt) throw BrokenProtocol("another attempt");
    if (failed) farm.fail(deal, std::string(text_in(message, "why")));
    if (!failed) take_result(guest, deal, message);
    guest.hand.erase(found);
    guest.link->send({{"ack", deal.task}});
    guest.show();
    deal_out();
  }

  /// Its connection has ended: others get what it had in hand.
  void say_goodbye(Guest& guest) {
    guests_.remove(&guest);
    if (!is_over()) ++gone;
    guest.bar.reset();
    if (!guest.hand.empty())
      pdc::say("{} is gone, with task {} in hand", guest.name, guest.hand.front().task);
    for (; !guest.hand.empty(); guest.hand.pop_back())  // the first will be the first again
      farm.lose(guest.hand.back(), guest.hand.size() == 1);
    deal_out();
  }

  /// Takes back what is in the hands of those who have been silent since then. Who has been silent
  /// since long before is thrown out: it may wait for a message that never reached it.
  void look_after(Clock::time_point since, Clock::time_point long_before) {
    for (Guest* guest : guests_) {
      if (guest->silent && guest->heard < long_before) guest->link->close();
      if (guest->silent || guest->hand.empty() || guest->heard > since) continue;
      guest->silent = true;
      pdc::say("{} is silent, with task {} in hand", guest->name, guest->hand.front().task);
      for (const Deal deal : guest->hand) farm.take_back(deal);
      guest->show();
    }
    deal_out();
  }

  /// All is over: nobody waits for anything more.
  void dismiss() {
    for (Guest* guest : guests_) {
      if (!guest->link->is_finished()) guest->link->send({{"done", true}});
      guest->link->finish();
    }
  }

  void release(int task) {
    for (Guest* guest : guests_) guest->link->send({{"release", task}});
  }

 private:
  std::deque<Deal>::iterator find(Guest& guest, int task) {
    if (const auto found = std::ranges::find(guest.hand, task, &Deal::task);
        found != guest.hand.end())
      return found;
    throw BrokenProtocol("it has no such task");
  }

  void take_result(Guest& guest, Deal deal, const json::object& message) {
    const json::value* value = message.if_contains("value");
    if (!job.fits(deal.task, value)) throw BrokenProtocol("no such result");
    if (!farm.is_current(deal)) draw_arrow(*guest.lane, lane_, fmt::format("{} late", deal.task));
    if (!farm.finish(deal, guest.name)) return;
    journal.write({{"task", deal.task}, {"value", *value}, {"by", guest.name}});
    results.push_back({deal.task, *value});
    events.done(deal.task);
  }

  /// Several tasks in each hand, so that nobody waits for the next; one when few are left.
  void deal_out() {
    for (Guest* guest : guests_) {
      const std::size_t share = farm.open() / (4 * guests_.size()) + 1;
      const std::size_t most = held_back.empty() ? std::min<std::size_t>(share, 32) : 1;
      if (guest->hand.size() > most / 2) continue;  // then many at once, in one write
      while (!guest->silent && guest->hand.size() < most) {
        const auto deal = farm.deal();
        if (!deal) break;
        json::object order = job.order(deal->task);
        if (deal->attempt == 1 && held_back.contains(deal->task)) order["hold"] = true;
        guest->link->send({{"task", deal->task}, {"attempt", deal->attempt}, {"job", order}});
        guest->hand.push_back(*deal);
        if (deal->attempt > 1) draw_arrow(lane_, *guest->lane, fmt::format("{} again", deal->task));
        guest->show();
      }
    }
  }

  std::list<Guest*> guests_;
  const pdc::Lane lane_{pdc::task, "coordinator"};
  std::map<std::string, pdc::Lane> lanes_;
};

}  // namespace job_farm
