// SPDX-License-Identifier: MIT
#include "picture/trace.hpp"

#include <boost/json.hpp>

/// The picture as Chrome trace events ("Trace Event Format"), for Perfetto and chrome://tracing:
/// pid is the process or rank, tid the lane; tasks of an event loop are async events; messages are
/// flows.
namespace pdc::detail {
namespace {

namespace json = boost::json;

double microseconds(std::int64_t time) {
  return static_cast<double>(time) / 1000;
}

json::object metadata(const char* what, int process, std::size_t lane, const std::string& name) {
  return {{"ph", "M"}, {"name", what}, {"pid", process}, {"tid", lane}, {"args", {{"name", name}}}};
}

class Events {
 public:
  /// Adds a picture that begins at `zero`, its lanes numbered from `lane`.
  void add(const Picture& picture, std::int64_t zero, std::size_t lane) {
    if (picture.rows.empty()) return;
    for (std::size_t i = 0; i < picture.rows.size(); ++i) {
      const Row& row = picture.rows[i];
      events_.push_back(metadata("thread_name", row.process, lane + i, row.name));
      for (const Bar& bar : row.bars) add(bar, row, zero, lane + i);
    }
    for (const Arrow& arrow : picture.arrows) {
      if (arrow.lost) continue;  // a flow has two ends
      add_flow("s", arrow, picture.rows[arrow.from_row].process, lane + arrow.from_row,
               zero + arrow.from);
      add_flow("f", arrow, picture.rows[arrow.to_row].process, lane + arrow.to_row,
               zero + arrow.to);
      ++flows_;
    }
    for (const Mark& mark : picture.marks) {
      events_.push_back(json::object{{"ph", "i"},
                                     {"s", "g"},
                                     {"name", mark.label},
                                     {"cat", mark.fault ? "fault" : "mark"},
                                     {"ts", microseconds(zero + mark.time)},
                                     {"pid", picture.rows[0].process},
                                     {"tid", lane}});
    }
  }

  json::array take() { return std::move(events_); }

 private:
  void add(const Bar& bar, const Row& row, std::int64_t zero, std::size_t lane) {
    const char* kind = style(bar.kind).name;
    json::object event{{"name", bar.label.empty() ? kind : bar.label},
                       {"cat", kind},
                       {"ts", microseconds(zero + bar.begin)},
                       {"pid", row.process},
                       {"tid", lane}};
    if (!row.task) {
      event["ph"] = "X";
      event["dur"] = microseconds(bar.end - bar.begin);
      events_.push_back(std::move(event));
      return;
    }
    event["id"] = lane;
    event["ph"] = "b";
    events_.push_back(event);
    event["ph"] = "e";
    event["ts"] = microseconds(zero + bar.end);
    events_.push_back(std::move(event));
  }

  void add_flow(const char* phase, const Arrow& arrow, int process, std::size_t lane,
                std::int64_t time) {
    json::object event{{"ph", phase},  {"name", arrow.label},      {"cat", "message"},
                       {"id", flows_}, {"ts", microseconds(time)}, {"pid", process},
                       {"tid", lane}};
    if (*phase == 'f') event["bp"] = "e";
    events_.push_back(std::move(event));
  }

  json::array events_;
  std::size_t flows_ = 1;
};

}  // namespace

std::string trace(const std::string& name, const std::vector<Picture>& pictures) {
  Events events;
  std::int64_t zero = 0;
  std::size_t lane = 1;
  for (const Picture& picture : pictures) {
    events.add(picture, zero, lane);
    zero += picture.duration + picture.duration / 10 + 1000;
    lane += picture.rows.size();
  }
  const json::object whole{{"traceEvents", events.take()},
                           {"displayTimeUnit", "ms"},
                           {"otherData", {{"program", name}}}};
  return json::serialize(whole) + "\n";
}

}  // namespace pdc::detail
