// SPDX-License-Identifier: MIT
#pragma once

#include "farm.hpp"
#include "jobs.hpp"
#include "journal.hpp"
#include "link.hpp"

#include "pdc/print.hpp"
#include "pdc/timeline.hpp"

#include <algorithm>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Who has which task in hand, and what a message changes in that.
namespace job_farm {

/// A connection to a worker that has proved that it knows the secret.
struct Guest {
  Link& link;
  const std::string name;
  std::deque<Deal> hand = {};  // it works on the first
  bool silent = false;
  const pdc::Lane lane{pdc::task, "{}", name};  // of the picture
  std::optional<pdc::Span> bar = {};            // what it does now

  void show() {
    bar.reset();
    if (!hand.empty()) bar.emplace(silent ? lane.wait("silent") : lane.work("{}", hand[0].task));
  }
};

/// What a page hears of its farm.
struct Listener {
  virtual ~Listener() = default;
  virtual void come(const Guest&) {}
  virtual void lost(const Guest&) {}  // gone or silent, with something in hand
  virtual void result(const Guest&, int /*task*/, bool /*counts*/) {}
  virtual bool awaits_more() { return false; }  // when all is done
};

struct Result {
  int task;
  json::value value;
};

class Desk {
 public:
  /// With an empty name of a journal none is kept. Calls `over` when all has become done and safe.
  Desk(asio::any_io_executor loop, Job job, Limits limits, const std::string& journal,
       Listener& listener, std::function<void()> over)
      : loop_(std::move(loop)),
        job_(std::move(job)),
        farm_(job_.tasks, limits),
        listener_(listener),
        over_(std::move(over)) {
    if (!journal.empty())
      journal_.emplace(journal, job_.description(), [&](const json::object& l) { recall(l); });
  }

  const Farm& farm() const { return farm_; }
  const std::vector<Result>& results() const { return results_; }  // that count, as they came
  int come() const { return come_; }                               // workers
  int gone() const { return gone_; }                               // before the end
  /// All is done and safe.
  bool is_over() const {
    return farm_.is_over() && unsafe_.empty() && !keeping_ && !listener_.awaits_more();
  }

  void welcome(Guest& guest) {
    ++come_;
    pdc::say("{} comes", guest.name);
    guests_.push_back(&guest);
    listener_.come(guest);
    deal_out();
  }

  /// A message of a guest. Errors: BrokenProtocol.
  void handle(Guest& guest, const json::object& message) {
    if (std::exchange(guest.silent, false)) guest.show();
    if (!message.contains("alive")) take_answer(guest, message);
    deal_out();
  }

  /// Its connection has ended: others get what it had in hand.
  void say_goodbye(Guest& guest) {
    guests_.remove(&guest);
    for (std::vector<Answer>* answers : {&unsafe_, &kept_})
      std::erase_if(*answers, [&](const Answer& answer) { return answer.guest == &guest; });
    guest.bar.reset();
    if (!is_over()) ++gone_;
    if (guest.hand.empty()) return;
    pdc::say("{} is gone, with task {} in hand", guest.name, guest.hand.front().task);
    listener_.lost(guest);
    while (!guest.hand.empty()) {  // the first of them will be the first again
      farm_.lose(guest.hand.back(), guest.name, guest.hand.size() == 1);
      guest.hand.pop_back();
    }
    deal_out();
  }

  /// With every heartbeat: says something to all, and takes back what is in the hands of those that
  /// have said nothing for so many.
  void look_after_guests(int silent_after) {
    for (Guest* guest : guests_) {
      guest->link.send_beat();
      if (guest->link.tick() <= silent_after || std::exchange(guest->silent, true)) continue;
      if (guest->hand.empty()) continue;
      pdc::say("{} is silent, with task {} in hand", guest->name, guest->hand.front().task);
      listener_.lost(*guest);
      for (const Deal deal : guest->hand) farm_.take_back(deal);
      guest->show();
    }
    deal_out();
  }

  /// All is over: nobody waits for anything more, and the guests go.
  void dismiss() {
    for (Guest* guest : guests_) guest->link.send({{"done", true}});
  }

 private:
  static constexpr std::size_t most_in_hand = 32;
  struct Answer {
    Guest* guest;
    int task;
  };

  /// A line of a journal: that task is done. Errors: BrokenProtocol.
  void recall(const json::object& line) {
    const int task = number_in(line, "task");
    const json::value* value = line.if_contains("value");
    if (!job_.fits(task, value)) throw BrokenProtocol("no result of a task");
    if (!farm_.recall(task, text_in(line, "by"))) throw BrokenProtocol("done twice");
    results_.push_back({task, *value});
  }

  void take_answer(Guest& guest, const json::object& message) {
    const bool failed = message.contains("failed");
    const int task = number_in(message, failed ? "failed" : "result");
    const auto found = std::ranges::find(guest.hand, task, &Deal::task);
    if (found == guest.hand.end()) throw BrokenProtocol("it has no such task");
    const Deal deal = *found;
    if (number_in(message, "attempt") != deal.attempt) throw BrokenProtocol("another attempt");
    if (failed)
      farm_.fail(deal, guest.name, text_in(message, "why"), !others_may_try(guest, farm_[task]));
    else
      take_result(guest, deal, message);
    guest.hand.erase(found);
    guest.show();
    unsafe_.push_back({&guest, task});
    acknowledge();
  }

  void take_result(const Guest& guest, Deal deal, const json::object& message) {
    const json::value* value = message.if_contains("value");
    if (!job_.fits(deal.task, value)) throw BrokenProtocol("no such result");
    if (!farm_.is_current(deal)) draw_arrow(guest.lane, lane_, fmt::format("{} late", deal.task));
    const bool counts = farm_.finish(deal, guest.name);
    if (counts && journal_)
      journal_->write({{"task", deal.task}, {"value", *value}, {"by", guest.name}});
    if (counts) results_.push_back({deal.task, *value});
    listener_.result(guest, deal.task, counts);
  }

  /// What is safe is acknowledged: with a journal, when it is on the disk, many at once.
  void acknowledge() {
    if (keeping_ || unsafe_.empty()) return;
    kept_.swap(unsafe_);
    keeping_ = true;
    const auto tell = [this] {
      for (const auto& [guest, task] : kept_) guest->link.send({{"ack", task}});
      kept_.clear();
      keeping_ = false;
      acknowledge();
      if (is_over()) over_();
    };
    if (journal_)
      journal_->keep(loop_, tell);
    else
      tell();
  }

  bool others_may_try(const Guest& guest, const Farm::Task& task) const {
    return std::ranges::any_of(guests_, [&](const Guest* other) {
      return !other->silent && other->name != guest.name && !task.failed_by.contains(other->name);
    });
  }

  /// Several tasks in each hand, so that nobody waits for the next; one when few are left. No worker
  /// gets what it has failed, as long as there is another one that has not.
  void deal_out() {
    for (Guest* guest : guests_) {
      const std::size_t share = farm_.open() / (16 * guests_.size()) + 1;
      const std::size_t most = std::min(share, most_in_hand);
      if (guest->silent || guest->hand.size() > most / 2) continue;  // then many, in one write
      const auto may_try = [&](const Farm::Task& task) {
        return !task.failed_by.contains(guest->name) || !others_may_try(*guest, task);
      };
      while (guest->hand.size() < most) {
        const auto deal = farm_.deal(may_try);
        if (!deal) break;
        guest->link.send(
            {{"task", deal->task}, {"attempt", deal->attempt}, {"job", job_.order(deal->task)}});
        guest->hand.push_back(*deal);
        if (deal->attempt > 1) draw_arrow(lane_, guest->lane, fmt::format("{} again", deal->task));
        guest->show();
      }
    }
  }

  static void draw_arrow(const pdc::Lane& from, const pdc::Lane& to, const std::string& what) {
    { const auto send = from.send("{}", what); }
    { const auto receive = to.receive("{}", what); }
  }

  const asio::any_io_executor loop_;
  const Job job_;
  Farm farm_;
  Listener& listener_;
  const std::function<void()> over_;
  std::vector<Result> results_;
  std::vector<Answer> unsafe_, kept_;  // not acknowledged; of those, on their way to the disk
  bool keeping_ = false;
  int come_ = 0, gone_ = 0;
  std::list<Guest*> guests_;
  const pdc::Lane lane_{pdc::task, "coordinator"};
  std::optional<Journal> journal_;  // the last member: its thread ends first
};

}  // namespace job_farm
