// SPDX-License-Identifier: MIT
#include "picture/picture.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <unordered_map>

namespace pdc::detail {
namespace {

/// "runner 12" is the 12th of "runner ".
std::pair<std::string, long> split_number(const std::string& name) {
  const std::size_t digits = name.find_last_not_of("0123456789") + 1;
  if (digits == name.size() || name.size() - digits > 9) return {name, 0};
  return {name.substr(0, digits), std::stol(name.substr(digits))};
}

/// Where each lane stands in the picture; lanes without a bar stand nowhere.
std::vector<std::optional<std::size_t>> row_numbers(const Recording& recording) {
  std::vector<bool> used(recording.lanes.size());
  for (const RawBar& bar : recording.bars) {
    if (bar.lane != none) used[bar.lane] = true;
  }
  std::map<std::string, std::size_t> first_of_group;
  std::vector<std::tuple<std::size_t, long, std::size_t>> order;
  for (std::size_t lane = 0; lane < recording.lanes.size(); ++lane) {
    if (!used[lane]) continue;
    const auto [group, number] = split_number(recording.lanes[lane].name.data());
    order.emplace_back(first_of_group.try_emplace(group, lane).first->second, number, lane);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::optional<std::size_t>> rows(recording.lanes.size());
  for (std::size_t row = 0; row < order.size(); ++row) rows[std::get<2>(order[row])] = row;
  return rows;
}

/// A message is one send and the receive that belongs to it: the n-th ones of the same key, or of
/// the same label.
struct Ends {
  std::vector<const RawBar*> sends;
  std::vector<const RawBar*> receives;
};

std::map<std::pair<std::uint64_t, std::string>, Ends> messages(const Recording& recording) {
  std::map<std::pair<std::uint64_t, std::string>, Ends> result;
  for (const RawBar& bar : recording.bars) {
    if (bar.lane == none || bar.collective != Collective::no) continue;
    if (bar.kind != Kind::send && bar.kind != Kind::receive) continue;
    if (bar.message == 0 && bar.label[0] == 0) continue;
    Ends& ends = result[{bar.message, bar.message == 0 ? std::string(bar.label.data()) : ""}];
    (bar.kind == Kind::send ? ends.sends : ends.receives).push_back(&bar);
  }
  for (auto& [key, ends] :
       result) {  // messages of a key do not overtake each other: the first posted gets the first
    std::stable_sort(ends.receives.begin(), ends.receives.end(),
                     [](const RawBar* a, const RawBar* b) { return a->posted < b->posted; });
  }
  return result;
}

/// As many messages of one label are one and its repetitions; more are a kind of messages.
constexpr std::size_t few = 3;

Arrow join(const std::vector<std::optional<std::size_t>>& rows, const RawBar& from,
           const RawBar& to, std::int64_t awaited) {
  return {*rows[from.lane], *rows[to.lane], from.begin, to.end, from.label.data(), awaited};
}

/// Until when each bar only waited.
using Waits = std::unordered_map<const RawBar*, std::int64_t>;

void wait_for_messages(const Recording& recording,
                       const std::vector<std::optional<std::size_t>>& rows, Picture& picture,
                       Waits& waits) {
  for (const auto& [key, ends] : messages(recording)) {
    for (const RawBar* receive : ends.receives)
      waits[receive] = receive->end;  // until a send is found
    for (std::size_t n = 0; n < std::min(ends.sends.size(), ends.receives.size()); ++n) {
      const RawBar& send = *ends.sends[n];
      const RawBar& receive = *ends.receives[n];
      waits[&receive] = send.begin;
      Arrow& arrow = picture.arrows.emplace_back(
          join(rows, send, receive, std::max<std::int64_t>(0, send.begin - receive.begin)));
      arrow.again = n > 0 && ends.sends.size() <= few;
    }
    for (std::size_t n = ends.receives.size(); n < ends.sends.size() && n > 0; ++n) {
      const RawBar& send = *ends.sends[n];
      Arrow& arrow = picture.arrows.emplace_back(join(rows, send, send, 0));
      arrow.lost = true;
    }
  }
}

void wait_for_collectives(const Recording& recording,
                          const std::vector<std::optional<std::size_t>>& rows, Picture& picture,
                          Waits& waits) {
  std::unordered_map<std::uint64_t, std::vector<const RawBar*>> calls;
  for (const RawBar& bar : recording.bars) {
    if (bar.collective != Collective::no) calls[bar.message].push_back(&bar);
  }
  for (const auto& [key, parts] : calls) {
    const auto root =
        std::find_if(parts.begin(), parts.end(), [](const RawBar* bar) { return bar->root; });
    const auto last =
        std::max_element(parts.begin(), parts.end(),
                         [](const RawBar* a, const RawBar* b) { return a->begin < b->begin; });
    for (const RawBar* bar : parts) {
      const bool all = bar->collective == Collective::all;
      if (all || (bar->collective == Collective::root_takes && bar->root))
        waits[bar] = (*last)->begin;
      if (all || bar->root || root == parts.end()) continue;
      const bool gives = bar->collective == Collective::root_gives;
      if (gives) waits[bar] = (*root)->begin;
      const RawBar& from = gives ? **root : *bar;
      const RawBar& to = gives ? *bar : **root;
      picture.arrows.push_back(
          join(rows, from, to, std::max<std::int64_t>(0, from.begin - to.begin)));
    }
  }
}

/// Tells each bar what stands around it.
void nest(Row& row) {
  std::vector<const Bar*> open;
  for (Bar& bar : row.bars) {
    std::erase_if(open, [&](const Bar* outer) { return outer->end <= bar.begin; });
    bar.depth = static_cast<int>(open.size());
    bar.in_hold = std::any_of(open.begin(), open.end(),
                              [](const Bar* outer) { return outer->kind == Kind::hold; });
    open.push_back(&bar);
  }
}

}  // namespace

Picture assemble(std::string title, Recording recording) {
  Picture picture;
  picture.title = std::move(title);
  picture.dropped = recording.dropped;
  if (recording.bars.empty()) return picture;
  std::stable_sort(recording.bars.begin(), recording.bars.end(),
                   [](const RawBar& a, const RawBar& b) {
                     return std::tuple(a.begin, -a.end) < std::tuple(b.begin, -b.end);
                   });
  const auto rows = row_numbers(recording);
  Waits waits;
  wait_for_messages(recording, rows, picture, waits);
  wait_for_collectives(recording, rows, picture, waits);

  const std::int64_t zero = recording.bars.front().begin;
  picture.rows.resize(static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.has_value(); })));
  for (std::size_t lane = 0; lane < rows.size(); ++lane) {
    const RawLane& raw = recording.lanes[lane];
    if (rows[lane]) picture.rows[*rows[lane]] = {raw.name.data(), raw.process, raw.task, {}};
  }
  for (const RawBar& bar : recording.bars) {
    picture.duration = std::max(picture.duration, bar.end - zero);
    if (bar.lane == none) {
      picture.marks.push_back({bar.begin - zero, bar.label.data(), bar.fault});
      continue;
    }
    std::vector<Bar>& bars = picture.rows[*rows[bar.lane]].bars;
    const auto wait = waits.find(&bar);
    const std::int64_t ready =
        wait == waits.end() ? bar.begin : std::clamp(wait->second, bar.begin, bar.end);
    if (ready > bar.begin)
      bars.push_back({Kind::wait, bar.label.data(), bar.begin - zero, ready - zero});
    if (ready < bar.end || bar.begin == bar.end) {
      bars.push_back({bar.kind, bar.label.data(), ready - zero, bar.end - zero});
    }
  }
  for (Row& row : picture.rows) {  // again: a receive whose waiting was cut off begins later
    std::stable_sort(row.bars.begin(), row.bars.end(), [](const Bar& a, const Bar& b) {
      return std::tuple(a.begin, -a.end) < std::tuple(b.begin, -b.end);
    });
    nest(row);
  }
  picture.scale = picture.duration;
  for (Arrow& arrow : picture.arrows) {
    arrow.from -= zero;
    arrow.to = std::max(arrow.to - zero,
                        arrow.from);  // clocks of several hosts agree but for microseconds
  }
  std::stable_sort(picture.arrows.begin(), picture.arrows.end(),
                   [](const Arrow& a, const Arrow& b) { return a.from < b.from; });
  return picture;
}

void share_scale(std::vector<Picture>& pictures) {
  constexpr std::int64_t too_short = 20;
  std::vector<Picture*> longest_first;
  for (Picture& picture : pictures) longest_first.push_back(&picture);
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [](const Picture* a, const Picture* b) { return a->duration > b->duration; });
  std::int64_t scale = 0;
  for (Picture* picture : longest_first) {
    if (picture->duration * too_short < scale || scale == 0) scale = picture->duration;
    picture->scale = scale;
    picture->own_scale = scale != longest_first.front()->duration;
  }
}

void follow_scale(Picture& picture, std::int64_t& longest) {
  constexpr std::int64_t too_short = 5;
  const bool fits = picture.duration <= longest && picture.duration * too_short >= longest;
  if (fits) picture.scale = longest;
  picture.own_scale = !fits && longest > 0;
  longest = std::max(longest, picture.scale);
}

std::vector<Arrow> select_arrows(const std::vector<Arrow>& arrows, std::size_t most,
                                 std::int64_t near) {
  if (arrows.size() <= most) return arrows;
  std::vector<const Arrow*> by_weight;
  for (const Arrow& arrow : arrows) by_weight.push_back(&arrow);
  const auto weight = [&](const Arrow* arrow) {
    const bool outer = arrow == &arrows.front() || arrow == &arrows.back();
    return std::tuple(arrow->lost || arrow->again || outer, arrow->awaited);
  };
  std::stable_sort(by_weight.begin(), by_weight.end(),
                   [&](const Arrow* a, const Arrow* b) { return weight(a) > weight(b); });
  std::vector<const Arrow*> chosen;
  for (const Arrow* arrow : by_weight) {
    const auto covers = [&](const Arrow* other) {
      return std::tie(arrow->from_row, arrow->to_row) == std::tie(other->from_row, other->to_row) &&
             std::abs(arrow->from - other->from) < near && std::abs(arrow->to - other->to) < near;
    };
    if (chosen.size() < most && std::none_of(chosen.begin(), chosen.end(), covers))
      chosen.push_back(arrow);
  }
  std::sort(chosen.begin(), chosen.end());  // their places are in the order of sending
  std::vector<Arrow> result;
  for (const Arrow* arrow : chosen) result.push_back(*arrow);
  return result;
}

std::vector<Bar> flatten(const Row& row) {
  std::vector<Bar> result;
  std::vector<const Bar*> open;
  std::int64_t reached = 0;
  const auto emit_until = [&](std::int64_t time) {
    while (!open.empty() && reached < time) {
      const Bar& inner = *open.back();
      const std::int64_t stop = std::min(time, inner.end);
      if (stop > reached) {
        Bar& shown = result.emplace_back(inner);
        shown.begin = reached;
        shown.end = stop;
      }
      reached = std::max(reached, stop);
      if (inner.end <= time) open.pop_back();
    }
    reached = time;
  };
  for (const Bar& bar : row.bars) {
    emit_until(bar.begin);
    std::erase_if(open, [&](const Bar* outer) { return outer->end <= bar.begin; });
    open.push_back(&bar);
  }
  std::int64_t last = reached;
  for (const Bar* bar : open) last = std::max(last, bar->end);
  emit_until(last);
  return result;
}

std::string Axis::text(std::int64_t time) const {
  if (time == 0) return fmt::format("0 {}", unit_name);
  return fmt::format("{:g}", static_cast<double>(time) / static_cast<double>(unit));
}

Axis make_axis(std::int64_t duration, int most) {
  std::int64_t step = 1;
  for (int i = 0; duration / step > most; ++i)
    step = i % 3 == 1 ? step / 2 * 5 : step * 2;  // 1 2 5 10 20 50
  if (duration < 2'000) return {step, 1, "ns"};
  if (duration < 2'000'000) return {step, 1'000, "µs"};
  if (duration < 2'000'000'000) return {step, 1'000'000, "ms"};
  return {step, 1'000'000'000, "s"};
}

namespace {
template <class Condition>
bool any_bar(const Picture& picture, Condition&& holds) {
  return std::any_of(picture.rows.begin(), picture.rows.end(), [&](const Row& row) {
    return std::any_of(row.bars.begin(), row.bars.end(), holds);
  });
}
}  // namespace

bool uses(const Picture& picture, Kind kind) {
  return any_bar(picture, [&](const Bar& bar) { return bar.kind == kind; });
}

bool holds_and_waits(const Picture& picture) {
  return any_bar(picture, [](const Bar& bar) { return bar.in_hold && bar.kind == Kind::wait; });
}

bool has_moment(const Picture& picture, bool fault) {
  return std::any_of(picture.marks.begin(), picture.marks.end(),
                     [&](const Mark& mark) { return mark.fault == fault; });
}

bool has_arrow(const Picture& picture, bool lost) {
  return std::any_of(picture.arrows.begin(), picture.arrows.end(),
                     [&](const Arrow& arrow) { return arrow.lost == lost; });
}

}  // namespace pdc::detail
