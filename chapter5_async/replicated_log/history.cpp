// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace {

/// The search for an order of operations on one key that explains all answers.
class Search {
 public:
  explicit Search(std::vector<Operation> operations)
      : operations_(std::move(operations)), done_(operations_.size(), false) {}

  /// Whether the rest can be put in order, if the key has that value now.
  bool can_go_on(int value) {
    const int first_return = earliest_return();
    if (first_return == never) return true;  // the rest has no answer, and need not be done
    if (!tried_.insert({done_, value}).second) return false;  // Lowe: in vain
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const Operation& next = operations_[i];
      if (done_[i] || next.invoked > first_return) continue;  // another one ended before it began
      const bool has_answer = next.returned != never;
      if (!next.is_put && has_answer && next.value != value) continue;
      done_[i] = true;
      if (can_go_on(next.is_put ? next.value : value)) return true;
      done_[i] = false;
    }
    return false;
  }

 private:
  int earliest_return() const {
    int earliest = never;
    for (std::size_t i = 0; i < operations_.size(); ++i)
      if (!done_[i]) earliest = std::min(earliest, operations_[i].returned);
    return earliest;
  }

  const std::vector<Operation> operations_;
  std::vector<bool> done_;
  std::set<std::pair<std::vector<bool>, int>> tried_;
};

}  // namespace

bool is_linearizable(const std::vector<Operation>& history) {
  std::map<int, std::vector<Operation>> keys;
  for (const Operation& operation : history) keys[operation.key].push_back(operation);
  return std::ranges::all_of(keys, [](const auto& key) { return Search(key.second).can_go_on(0); });
}
