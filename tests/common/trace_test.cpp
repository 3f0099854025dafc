// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "draft.hpp"
#include "picture/trace.hpp"

namespace {

namespace json = boost::json;
using draft::Recording;
using pdc::Kind;
using pdc::detail::Picture;

/// The events, by phase. Those of each phase have the fields that the format requires.
std::map<std::string, std::vector<json::object>> events(const std::vector<Picture>& pictures) {
  static const std::map<std::string, std::vector<const char*>> required = {
      {"M", {"name", "pid", "args"}},
      {"X", {"name", "cat", "ts", "dur", "pid", "tid"}},
      {"b", {"name", "cat", "ts", "pid", "tid", "id"}},
      {"e", {"name", "cat", "ts", "pid", "tid", "id"}},
      {"s", {"name", "cat", "ts", "pid", "tid", "id"}},
      {"f", {"name", "cat", "ts", "pid", "tid", "id", "bp"}},
      {"i", {"name", "ts", "pid", "tid", "s"}}};
  std::map<std::string, std::vector<json::object>> result;
  const json::value whole = json::parse(pdc::detail::trace("name", pictures));
  for (const json::value& value : whole.at("traceEvents").as_array()) {
    const json::object& event = value.as_object();
    const std::string phase(event.at("ph").as_string());
    EXPECT_TRUE(required.contains(phase)) << phase;
    for (const char* field : required.at(phase)) EXPECT_TRUE(event.contains(field)) << field;
    if (event.contains("ts")) {
      EXPECT_GE(event.at("ts").to_number<double>(), 0);
    }
    if (event.contains("dur")) {
      EXPECT_GE(event.at("dur").to_number<double>(), 0);
    }
    result[phase].push_back(event);
  }
  return result;
}

double number(const json::object& event, const char* field) {
  return event.at(field).to_number<double>();
}

std::string text(const json::object& event, const char* field) {
  return std::string(event.at(field).as_string());
}

Picture conversation() {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  for (int i = 0; i < 3; ++i) {
    recording.bar(to, Kind::receive, "job", 100'000 * i, 100'000 * i + 50'000);
    recording.bar(from, Kind::send, "job", 100'000 * i + 10'000, 100'000 * i + 12'500);
  }
  recording.mark("here", 200'000);
  recording.fault("wrong", 210'000);
  return draft::picture(recording);
}

TEST(Trace, HasAnEventForEachBar) {
  auto all = events({draft::rows(3)});
  EXPECT_EQ(all["X"].size(), 15U);
  std::multiset<std::string> kinds;
  for (const json::object& event : all["X"]) {
    kinds.insert(text(event, "cat"));
    EXPECT_EQ(text(event, "name"), "bar");
    EXPECT_EQ(number(event, "dur"), 1000);  // microseconds
  }
  for (const char* kind : {"work", "wait", "hold", "send", "receive"})
    EXPECT_EQ(kinds.count(kind), 3U);
}

TEST(Trace, TimesAreMicroseconds) {
  auto all = events({conversation()});
  std::multiset<std::pair<double, double>> sends;
  for (const json::object& event : all["X"]) {
    if (text(event, "cat") == "send") sends.emplace(number(event, "ts"), number(event, "dur"));
  }
  EXPECT_EQ(sends, (std::multiset<std::pair<double, double>>{{10, 2.5}, {110, 2.5}, {210, 2.5}}));
}

TEST(Trace, NamesEachLaneOnce) {
  auto all = events({draft::rows(3)});
  std::map<std::pair<double, double>, std::string> names;
  for (const json::object& event : all["M"]) {
    EXPECT_EQ(text(event, "name"), "thread_name");
    const auto lane = std::pair(number(event, "pid"), number(event, "tid"));
    EXPECT_TRUE(names.emplace(lane, event.at("args").at("name").as_string()).second);
  }
  EXPECT_EQ(names.size(), 3U);
  for (const json::object& event : all["X"])
    EXPECT_TRUE(names.contains({number(event, "pid"), number(event, "tid")}));
}

TEST(Trace, TheProcessOfALaneIsItsPid) {
  Recording recording;
  recording.bar(recording.lane("one"), Kind::work, "", 0, 1);
  recording.bar(recording.lane("two"), Kind::work, "", 0, 1);
  auto all = events({draft::picture(recording)});
  EXPECT_EQ(number(all["X"].at(0), "pid"), 100);
  EXPECT_EQ(number(all["X"].at(1), "pid"), 101);
  EXPECT_EQ(text(all["X"].at(0), "name"), "work");  // without a label, the kind
}

TEST(Trace, MessagesArePairsOfFlowEvents) {
  auto all = events({conversation(), conversation()});
  ASSERT_EQ(all["s"].size(), 6U);
  ASSERT_EQ(all["f"].size(), 6U);
  std::map<double, json::object> starts;
  for (const json::object& event : all["s"])
    EXPECT_TRUE(starts.emplace(number(event, "id"), event).second) << "an id stands twice";
  std::set<double> ended;
  for (const json::object& event : all["f"]) {
    const double id = number(event, "id");
    ASSERT_TRUE(starts.contains(id));
    EXPECT_TRUE(ended.insert(id).second);
    EXPECT_GE(number(event, "ts"), number(starts[id], "ts"));
    EXPECT_NE(number(event, "tid"), number(starts[id], "tid"));
    EXPECT_EQ(text(event, "name"), text(starts[id], "name"));
    EXPECT_EQ(text(event, "cat"), text(starts[id], "cat"));
  }
}

TEST(Trace, AFlowDoesNotGoBackInTime) {  // although two clocks may not agree
  Recording recording;
  const auto from = recording.lane("from");
  recording.bar(recording.lane("to"), Kind::receive, "job", 0, 10'000);
  recording.bar(from, Kind::send, "job", 12'000, 15'000);
  auto all = events({draft::picture(recording)});
  ASSERT_EQ(all["s"].size(), 1U);
  EXPECT_GE(number(all["f"].at(0), "ts"), number(all["s"].at(0), "ts"));
}

TEST(Trace, EndsOfFlowsStandInsideTheirBars) {
  auto all = events({conversation()});
  for (const char* phase : {"s", "f"}) {
    for (const json::object& end : all[phase]) {
      bool inside = false;
      for (const json::object& bar : all["X"]) {
        const double from = number(bar, "ts");
        inside = inside || (bar.at("tid") == end.at("tid") && from <= number(end, "ts") &&
                            number(end, "ts") <= from + number(bar, "dur"));
      }
      EXPECT_TRUE(inside) << end;
    }
  }
}

TEST(Trace, TasksAreAsyncEventsInPairs) {
  Recording recording;
  for (const char* name : {"task 1", "task 2"}) {
    const auto lane = recording.lane(name, true);
    recording.bar(lane, Kind::work, "outer", 0, 10'000);
    recording.bar(lane, Kind::wait, "inner", 2'000, 5'000);
  }
  auto all = events({draft::picture(recording)});
  EXPECT_TRUE(all["X"].empty());
  ASSERT_EQ(all["b"].size(), 4U);
  ASSERT_EQ(all["e"].size(), 4U);
  using Key = std::pair<double, std::string>;
  std::multiset<Key> begun;
  std::multiset<Key> ended;
  std::set<double> ids;
  for (std::size_t i = 0; i < 4; ++i) {
    begun.emplace(number(all["b"][i], "id"), text(all["b"][i], "name"));
    ended.emplace(number(all["e"][i], "id"), text(all["e"][i], "name"));
    ids.insert(number(all["b"][i], "id"));
    EXPECT_LE(number(all["b"][i], "ts"), number(all["e"][i], "ts"));
  }
  EXPECT_EQ(begun, ended);
  EXPECT_EQ(ids.size(), 2U);
}

TEST(Trace, MarksAreInstants) {
  auto all = events({conversation()});
  ASSERT_EQ(all["i"].size(), 2U);
  EXPECT_EQ(text(all["i"][0], "cat"), "mark");
  EXPECT_EQ(text(all["i"][1], "cat"), "fault");
  EXPECT_EQ(text(all["i"][0], "name"), "here");
  EXPECT_EQ(text(all["i"][0], "s"), "g");
  EXPECT_EQ(number(all["i"][0], "ts"), 200);
}

TEST(Trace, OnePictureComesAfterTheOther) {
  auto all = events({draft::rows(1), draft::rows(1)});
  ASSERT_EQ(all["X"].size(), 10U);
  double end_of_first = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    end_of_first = std::max(end_of_first, number(all["X"][i], "ts") + number(all["X"][i], "dur"));
  }
  for (std::size_t i = 5; i < 10; ++i) EXPECT_GT(number(all["X"][i], "ts"), end_of_first);
  EXPECT_NE(number(all["X"][0], "tid"), number(all["X"][5], "tid"));
}

TEST(Trace, OfNothingHasNoEvents) {
  EXPECT_TRUE(events({}).empty());
  EXPECT_TRUE(events({Picture{}}).empty());
}

TEST(Trace, QuotesTexts) {
  Recording recording;
  recording.bar(recording.lane("a \"b\""), Kind::work, "c\\\"\n", 0, 1000);
  auto all = events({draft::picture(recording)});
  EXPECT_EQ(text(all["X"].at(0), "name"), "c\\\"\n");
  EXPECT_EQ(all["M"].at(0).at("args").at("name").as_string(), "a \"b\"");
}

}  // namespace
