// Manager: one process keeps a dictionary, others ask it to read and write its entries.
//
// Concept   Processes that share no memory can still share data, if one of them keeps it and
//           answers the requests of the others. It does one after the other, so it needs no lock.
//           But whoever reads with one request and writes with another lets others come between:
//           what must not be torn apart has to be one request.
// Shows     socketpair with SOCK_SEQPACKET, poll, send, recv, boost::json
// Python    multiprocessing.Manager
// Run       manager --clients 4
// You see   to read and then to write loses all updates but one; one request for both loses none
// Next      process_pool gives out work instead of data; socket_server serves clients over TCP

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace json = boost::json;
constexpr std::size_t longest = 64 << 10;  // bytes of a message

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

/// Waits for nothing. False if the client has gone, or is to be shut out: its request is too long,
/// or there is no room for the answer, as it has not read those before.
bool serve(int client, json::object& data, const pdc::Lane& lane) {
  std::array<char, longest> request;  // one packet; MSG_TRUNC tells its length, even if it is cut
  const ssize_t size = recv(client, request.data(), request.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size <= 0) return size == -1 && (errno == EINTR || errno == EAGAIN);
  const auto length = static_cast<std::size_t>(size);
  if (length > request.size()) return false;
  const std::string text = answer({request.data(), length}, data, lane);
  return send(client, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
}

/// Serves clients until all have gone.
void manage(std::vector<pdc::Descriptor> clients, json::object& data, const pdc::Lane& lane) {
  std::vector<pollfd> polled;
  for (const pdc::Descriptor& client : clients) polled.push_back({client.get(), POLLIN, 0});
  std::size_t connected = clients.size();
  while (connected > 0) {
    pdc::posix(TEMP_FAILURE_RETRY(poll(polled.data(), polled.size(), -1)), "poll");
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (polled[i].revents == 0 || serve(polled[i].fd, data, lane)) continue;
      clients[i].close();
      polled[i].fd = -1;  // poll passes it over
      --connected;
    }
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

/// This process is the manager. Returns the counter when all its clients have gone.
std::int64_t run_manager(int clients,
                         const std::function<void(int, const pdc::Lane&)>& act_as_client) {
  const pdc::Lane lane("manager");
  std::vector<pdc::Child> children;
  std::vector<pdc::Descriptor> served;
  for (int number = 0; number < clients; ++number) {
    int ends[2];
    pdc::posix(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
    served.emplace_back(ends[0]);
    const pdc::Descriptor manager(ends[1]);
    children.emplace_back([&, mine = pdc::Lane("client {}", number)] {
      served.clear();  // its copies: or it would not notice the manager's end
      act_as_client(manager.get(), mine);
    });
  }  // closed here: when a client ends, nobody has its end any more
  json::object data = {{"counter", 0}};
  manage(std::move(served), data, lane);
  return data.at("counter").as_int64();
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
  const std::int64_t counter = run_manager(
      clients, [&](int manager, const pdc::Lane& lane) { add_one(manager, *all_have_read, lane); });
  if (counter != clients) pdc::fault("updates lost");
  return counter;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"clients", 4, "clients", {2, 32}}});
  const int clients = program.integer("clients");

  const auto two = program.scene("two requests", add_one_each, clients, add_by_two_requests);
  const auto one = program.scene("one request", add_one_each, clients, add_by_one_request);

  pdc::check(two == 1, "with two requests one update counts, the others are lost", "{} of {}", two,
             clients);
  pdc::check(one == clients, "with one request every update counts", "{} of {}", one, clients);
  return program.finish();
}
