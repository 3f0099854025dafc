// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "picture/picture.hpp"

/// Recordings and pictures made by hand, with times that are known.
namespace draft {

using pdc::Kind;
using pdc::detail::Collective;

inline pdc::Label label(std::string_view text) {
  pdc::Label result{};
  std::copy_n(text.data(), std::min(text.size(), result.size() - 1), result.data());
  return result;
}

struct Recording : pdc::detail::Recording {
  std::uint32_t lane(std::string_view name, bool task = false) {
    lanes.push_back({label(name), 100 + static_cast<int>(lanes.size()), task});
    return static_cast<std::uint32_t>(lanes.size() - 1);
  }
  void bar(std::uint32_t lane, Kind kind, std::string_view what, std::int64_t begin,
           std::int64_t end, std::uint64_t message = 0) {
    bars.push_back({label(what), begin, end, begin, message, lane, kind, Collective::no, false});
  }
  void mark(std::string_view what, std::int64_t time) {
    bar(pdc::detail::none, Kind::work, what, time, time);
  }
  void fault(std::string_view what, std::int64_t time) {
    mark(what, time);
    bars.back().fault = true;
  }
  void call(std::uint32_t lane, Collective collective, bool root, std::int64_t begin,
            std::int64_t end) {
    const bool takes = collective == Collective::root_takes;
    const Kind kind = root != takes && collective != Collective::all ? Kind::send : Kind::receive;
    bars.push_back({label("call"), begin, end, begin, 77, lane, kind, collective, root});
  }
};

inline pdc::detail::Picture picture(Recording recording) {
  return pdc::detail::assemble("title", std::move(recording));
}

/// One row of work from 0 to `duration`.
inline pdc::detail::Picture plain(std::string_view name, std::int64_t duration) {
  Recording recording;
  recording.bar(recording.lane(name), Kind::work, "step", 0, duration);
  return picture(recording);
}

/// As many rows as asked for, "row 1" first, each with a bar of every kind, one ms each; what is
/// received in a row has been sent in it.
inline pdc::detail::Picture rows(int count) {
  Recording recording;
  for (int i = 1; i <= count; ++i) {
    const std::uint32_t lane = recording.lane("row " + std::to_string(i));
    for (int kind = 0; kind < 5; ++kind) {
      recording.bar(lane, static_cast<Kind>(kind), "bar", kind * 1'000'000, (kind + 1) * 1'000'000,
                    static_cast<std::uint64_t>(i));
    }
  }
  return picture(recording);
}

}  // namespace draft
