// Manager: one process keeps a dictionary and a list, others ask it to read and write them.
//
// Concept   Processes that share no memory can still share data, if one of them keeps it and
//           answers the requests of the others. It does one after the other, so it needs no lock.
//           But who reads with one request and writes with another lets others come between.
// Shows     socketpair, poll, boost::json
// Python    multiprocessing.Manager
// Run       manager --clients 4 --items 4
// You see   two requests lose updates, one does not; a bad request gets an error, no more
// Next      process_pool gives out work instead of data; socket_server serves clients over TCP

// SPDX-License-Identifier: MIT
#include "wire.hpp"

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <list>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace json = boost::json;
using Ends = std::list<Wire>;  // of connections

/// Does what is asked for. Throws if that cannot be done, and then nothing has changed.
json::value act(json::object& data, const json::object& request) {
  const json::string& what = request.at("do").as_string();
  if (what == "copy") return data;
  json::value& entry = data.at(request.at("key").as_string());
  if (what == "get") return entry;
  const json::value& value = request.at("value");
  if (what == "set") return entry = value;
  if (what == "add") return entry = entry.as_int64() + value.as_int64();
  if (what == "append") return entry.as_array().emplace_back(value);
  throw std::invalid_argument("no such request");
}

/// The answer to the client's next request; none if that has not come whole.
std::optional<json::value> reply(Wire& client, json::object& data, const pdc::Lane& lane) {
  try {
    const auto request = client.take();
    if (!request) return std::nullopt;
    const auto work = lane.work("{}", request->at("do").as_string().c_str());
    return json::value{{"result", act(data, request->as_object())}};
  } catch (const std::exception& error) {  // the client's fault: say so, and go on
    return json::value{{"error", error.what()}};
  }
}

void manage(Ends clients, const pdc::Lane& lane) {
  json::object data = {{"counter", 0}, {"errors", 0}, {"list", json::array()}};
  while (!clients.empty()) {
    std::vector<pollfd> polled;
    for (const Wire& client : clients) polled.push_back({client.descriptor(), POLLIN, 0});
    pdc::posix(poll(polled.data(), polled.size(), -1), "poll");
    std::size_t i = 0;
    std::erase_if(clients, [&](Wire& client) {
      if (polled[i++].revents == 0) return false;
      try {
        if (!client.fill()) return true;  // it has gone, in the middle of a request perhaps
        while (const auto found = reply(client, data, lane)) client.send(*found);
      } catch (const std::system_error&) {
        return true;  // there is nobody to read the answer
      }
      return false;
    });
  }
}

json::value ask(Wire& manager, const pdc::Lane& lane, const char* what, const char* key,
                const json::value& value) {
  const auto wait = lane.wait("{}", what);
  manager.send({{"do", what}, {"key", key}, {"value", value}});
  return manager.receive().value();
}

std::pair<Ends, Ends> connect(int count) {
  Ends ends, other_ends;
  for (int i = 0; i < count; ++i) {
    int pair[2];
    pdc::posix(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
    ends.emplace_back(pdc::Descriptor(pair[0]));
    other_ends.emplace_back(pdc::Descriptor(pair[1]));
  }
  return {std::move(ends), std::move(other_ends)};
}

/// A manager and its clients. Returns what it keeps in the end, and how many clients died.
template <class Act>
json::object run_manager(int clients, Act act_as_client) {
  auto [ends, other_ends] = connect(clients + 1);  // the last one is for the parent
  std::vector<pdc::Child> children;
  const pdc::Child manager([&, lane = pdc::Lane("manager")] {
    ends.clear();  // its copies, or no stream would end
    manage(std::move(other_ends), lane);
  });
  other_ends.clear();
  for (int number = 0; number < clients; ++number) {
    children.emplace_back([&, number, lane = pdc::Lane("client {}", number)] {
      Wire mine = std::move(ends.front());
      ends.clear();
      act_as_client(number, mine, lane);
    });
    ends.pop_front();
  }
  int died = 0;
  for (pdc::Child& child : children) died += child.wait().good() ? 0 : 1;
  const json::value all = ask(ends.front(), pdc::Lane("main"), "copy", "", {});
  ends.clear();  // the last client goes, and so the manager ends
  json::object kept = all.at("result").as_object();
  kept["died"] = died;
  return kept;
}

/// Wrong on purpose: to read is one request, to write another.
json::object add_by_two_requests(int clients) {
  const pdc::Shared<std::atomic<int>> have_read(0);
  return run_manager(clients, [&](int, Wire& manager, const pdc::Lane& lane) {
    const json::value seen = ask(manager, lane, "get", "counter", {}).at("result");
    auto wait = lane.wait("the others");
    for (++*have_read; *have_read < clients;) std::this_thread::yield();  // forced: all have read
    wait.end();
    ask(manager, lane, "set", "counter", seen.as_int64() + 1);
  });
}

json::object add_and_append(int clients, int items) {
  return run_manager(clients + 1, [&](int number, Wire& manager, const pdc::Lane& lane) {
    if (number == clients) {
      constexpr std::string_view half = R"({"do": "append", "key": "list", "value": -1})";
      send(manager.descriptor(), half.data(), half.size(), MSG_NOSIGNAL);
      raise(SIGKILL);  // forced: the end of the line is missing
    }
    for (int item = 0; item < items; ++item) {
      ask(manager, lane, "append", "list", number * items + item);
      ask(manager, lane, "add", "counter", 1);
      const json::value bad = ask(manager, lane, "dance", "counter", 1);
      if (bad.as_object().contains("error")) ask(manager, lane, "add", "errors", 1);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"clients", 4, "clients", {2, 32}}, {"items", 4, "items of each", {1, 64}}});
  const int clients = program.integer("clients"), items = program.integer("items");

  const json::object two = program.scene("two requests", add_by_two_requests, clients);
  const json::object one = program.scene("one request", add_and_append, clients, items);
  const auto without = two.at("counter").as_int64(), with = one.at("counter").as_int64();
  const auto errors = one.at("errors").as_int64(), died = one.at("died").as_int64();
  auto list = json::value_to<std::vector<int>>(one.at("list"));
  std::ranges::sort(list);
  const int all = clients * items;

  pdc::check(without == 1, "with two requests one update counts, the others are lost", "{} of {}",
             without, clients);
  pdc::check(with == all, "with one request every update counts", "{} of {}", with, all);
  pdc::check(errors == all, "each bad request gets an error, its client goes on", "{}", errors);
  pdc::check(died == 1 && !list.empty() && list[0] == 0,
             "half a request of a killed client changed nothing");
  const bool twice = std::ranges::adjacent_find(list) != list.end();
  pdc::check(!twice && std::ssize(list) == all && list.back() == all - 1,
             "all others are there, each once", "{} of {}", list.size(), all);
  return program.finish();
}
