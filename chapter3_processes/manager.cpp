// Manager: one process keeps a dictionary, others ask it to read and write its entries.
//
// Concept   Processes that share no memory can still share data, if one of them keeps it and
//           answers the requests of the others. It does one after the other, so it needs no lock.
//           But whoever reads with one request and writes with another lets others come between. And
//           the manager waits for no single client: one that reads no answers would stop all.
// Shows     socketpair with SOCK_SEQPACKET, poll, send, recv, boost::json
// Python    multiprocessing.Manager
// Run       manager --clients 4 --items 4
// You see   two requests lose updates, one does not; a client that reads nothing, and is shut out
// Next      process_pool gives out work instead of data; socket_server serves clients over TCP

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace json = boost::json;
constexpr std::size_t longest = 64 << 10;  // bytes of a message
constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max();
constexpr int room = 128 << 10;  // for answers that a client has not read
constexpr int asked = 100;  // for a long answer: so many are far more than a socket has room for

/// Does what is asked for. Throws if that cannot be done, and then nothing has changed.
json::value act(json::object& data, const json::object& request) {
  const json::string& what = request.at("do").as_string();
  json::value& entry = data.at(request.at("key").as_string());
  if (what == "get") return entry;
  const json::value& value = request.at("value");
  if (what == "set") return entry = value;
  if (what != "add") throw std::invalid_argument("no such request");
  std::int64_t sum = 0;
  const bool overflows = __builtin_add_overflow(entry.as_int64(), value.as_int64(), &sum);
  if (overflows) throw std::overflow_error("the sum is too large");
  return entry = sum;
}

std::string answer(std::string_view request, json::object& data, const pdc::Lane& lane) {
  try {
    const json::value message = json::parse(request);
    const auto work = lane.work("{}", message.at("do").as_string().c_str());
    return json::serialize(json::value{{"result", act(data, message.as_object())}});
  } catch (const std::exception& error) {  // the client's fault: say so, and go on
    return json::serialize(json::value{{"error", error.what()}});
  }
}

/// Waits for nothing. False if the client has gone, or is to be shut out: there is no room for its
/// answer, as it has not read those before. A packet comes whole, or not at all.
bool serve(int client, json::object& data, const pdc::Lane& lane) {
  std::array<char, longest> request;
  const ssize_t size = recv(client, request.data(), request.size(), MSG_DONTWAIT);
  if (size <= 0) return size == -1 && (errno == EINTR || errno == EAGAIN);
  const std::string text = answer({request.data(), static_cast<std::size_t>(size)}, data, lane);
  return send(client, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
}

/// Serves clients until all have gone.
void manage(std::vector<pdc::Descriptor> clients, json::object& data, const pdc::Lane& lane) {
  while (!clients.empty()) {
    std::vector<pollfd> polled;
    for (const pdc::Descriptor& client : clients) polled.push_back({client.get(), POLLIN, 0});
    pdc::posix(TEMP_FAILURE_RETRY(poll(polled.data(), polled.size(), -1)), "poll");
    auto next = polled.begin();
    std::erase_if(clients, [&](const pdc::Descriptor& client) {
      const bool is_ready = next->revents != 0;
      ++next;
      return is_ready && !serve(client.get(), data, lane);
    });
  }
}

json::value ask(int manager, const pdc::Lane& lane, const char* what, const char* key,
                const json::value& value = nullptr) {
  const auto wait = lane.wait("{}", what);
  const std::string text =
      json::serialize(json::value{{"do", what}, {"key", key}, {"value", value}});
  pdc::posix(TEMP_FAILURE_RETRY(send(manager, text.data(), text.size(), MSG_NOSIGNAL)), "send");
  std::array<char, longest> reply;
  const auto size = TEMP_FAILURE_RETRY(recv(manager, reply.data(), reply.size(), 0));
  return json::parse({reply.data(), static_cast<std::size_t>(pdc::posix(size, "recv"))});
}

/// This process is the manager. Returns what it keeps when all its clients have gone.
template <class Act>
json::object run_manager(int clients, Act act_as_client) {
  const pdc::Lane lane("manager");
  std::vector<pdc::Child> children;
  std::vector<pdc::Descriptor> served;
  for (int number = 0; number < clients; ++number) {
    int ends[2];
    pdc::posix(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
    served.emplace_back(ends[0]);
    pdc::posix(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), "setsockopt");
    const pdc::Descriptor manager(ends[1]);
    children.emplace_back([&, number, mine = pdc::Lane("client {}", number)] {
      served.clear();  // its copies: or it would not notice the manager's end
      act_as_client(number, manager.get(), mine);
    });
  }  // closed here: when a client ends, nobody has its end any more
  json::object data = {{"counter", 0}, {"errors", 0}, {"limit", limit}};
  data["text"] = std::string(longest - 100, 'x');
  manage(std::move(served), data, lane);
  return data;
}

/// Wrong on purpose: to read is one request, to write another.
void add_by_two_requests(int manager, pdc::Meeting& all_have_read, const pdc::Lane& lane) {
  const json::value seen = ask(manager, lane, "get", "counter").at("result");
  all_have_read.meet();  // forced
  ask(manager, lane, "set", "counter", seen.as_int64() + 1);
}

void add_by_one_request(int manager, pdc::Meeting& all_have_read, const pdc::Lane& lane) {
  ask(manager, lane, "get", "counter");
  all_have_read.meet();  // forced, here too
  ask(manager, lane, "add", "counter", 1);
}

std::int64_t add_one_each(int clients, decltype(add_by_one_request) add_one) {
  const pdc::Shared<pdc::Meeting> all_have_read(clients);
  const json::object data = run_manager(clients, [&](int, int manager, const pdc::Lane& lane) {
    add_one(manager, *all_have_read, lane);
  });
  return data.at("counter").as_int64();
}

/// The last client asks, and reads no answers before the others, who begin after it, have ended.
json::object ignore_answers(int clients, int items) {
  constexpr std::string_view long_one = R"({"do": "get", "key": "text"})";
  const pdc::Shared<pdc::Meeting> meeting(clients + 1);
  const pdc::Shared<int> answers(0);
  json::object data = run_manager(clients + 1, [&](int number, int manager, const auto& lane) {
    if (number == clients) {
      for (int i = 0; i < asked; ++i) send(manager, long_one.data(), long_one.size(), MSG_NOSIGNAL);
      meeting->meet();  // forced: it has asked for all before the others begin
      meeting->meet();
      shutdown(manager, SHUT_WR);  // it asks no more
      std::array<char, longest> text;
      while (recv(manager, text.data(), text.size(), 0) > 0) ++*answers;
      return;
    }
    meeting->meet();
    for (int item = 0; item < items; ++item) {
      ask(manager, lane, "add", "counter", 1);
      const json::value unknown = ask(manager, lane, "dance", "counter", 1);
      const json::value too_large = ask(manager, lane, "add", "limit", 1);
      if (unknown.as_object().contains("error") && too_large.as_object().contains("error"))
        ask(manager, lane, "add", "errors", 1);
    }
  });
  data["answers"] = *answers;
  return data;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"clients", 4, "clients", {2, 32}}, {"items", 4, "items of each", {1, 64}}});
  const int clients = program.integer("clients"), items = program.integer("items");
  const int all = clients * items;

  const auto two = program.scene("two requests", add_one_each, clients, add_by_two_requests);
  const auto one = program.scene("one request", add_one_each, clients, add_by_one_request);
  const json::object data = program.scene("one reads no answers", ignore_answers, clients, items);
  const auto served = data.at("counter").as_int64(), errors = data.at("errors").as_int64();

  pdc::check(two == 1, "with two requests one update counts, the others are lost", "{} of {}", two,
             clients);
  pdc::check(one == clients, "with one request every update counts", "{} of {}", one, clients);
  pdc::check(served == all, "while one client reads no answers, every update of the others counts",
             "{} of {}", served, all);
  pdc::check(data.at("answers").as_int64() < asked,
             "a client that reads no answers does not get them all");
  pdc::check(errors == all && data.at("limit").as_int64() == limit,
             "a bad request gets an error and changes nothing", "{} of {}", errors, all);
  return program.finish();
}
