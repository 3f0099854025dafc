// Publish subscribe: a topic keeps its last value, for clients that come late or are slow.
//
// Concept   A publisher does not know who listens, and a broker passes on what it says. If the
//           broker passes on messages, a client that comes late has missed them, and those for a
//           slow one pile up. If a topic is a value, the broker keeps the last one. Then a client
//           that comes late hears it at once (retained), and a slow one hears the newest when it
//           can, and none of those that are out of date by then (conflation).
// Shows     std::map, experimental::channel as a signal, try_send, async_receive, async_write
// Python    paho-mqtt's publish(retain=True); zmq.CONFLATE
// Run       publish_subscribe --values 12
// You see   a late client that hears nothing, and old values for a slow one; then the newest for both
// Next      chat passes on all lines; backoff comes back to a server that was away

// SPDX-License-Identifier: MIT
#include "subscribers.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <sstream>
#include <utility>

namespace {

using namespace asio::experimental::awaitable_operators;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t longest_line = 1 << 10;  // bytes

/// Wrong on purpose: each message is passed on to the clients that are there now.
void publish_message(Broker& broker, const std::string& topic, const std::string& text) {
  for (Client& client : broker.clients) {
    if (!client.seen.contains(topic)) continue;
    client.queue.push_back(topic + ' ' + text + '\n');
    broker.longest = std::max(broker.longest, static_cast<int>(client.queue.size()));
    client.news.try_send(error_code());
  }
}

asio::awaitable<void> send_messages(Broker&, Client& client) {
  for (;;) {
    while (!client.queue.empty()) {
      const auto [gone, sent] =
          co_await asio::async_write(client.socket, asio::buffer(client.queue.front()), with_error);
      if (gone) co_return;
      client.queue.pop_front();
    }
    co_await client.news.async_receive(asio::use_awaitable);
  }
}

void publish_value(Broker& broker, const std::string& topic, const std::string& text) {
  Value& value = broker.values[topic];
  value.text = text;
  ++value.version;
  for (Client& client : broker.clients) {
    if (client.seen.contains(topic)) client.news.try_send(error_code());  // if full: told already
  }
}

/// Sends what is the newest when its turn comes.
asio::awaitable<void> send_newest(Broker& broker, Client& client) {
  for (;;) {
    for (auto& [topic, seen] : client.seen) {
      const Value& value = broker.values[topic];
      if (seen == value.version) continue;
      seen = value.version;  // before the write: meanwhile there may be a newer one
      const std::string line = topic + ' ' + value.text + '\n';
      const auto [gone, sent] =
          co_await asio::async_write(client.socket, asio::buffer(line), with_error);
      if (gone) co_return;
    }
    co_await client.news.async_receive(asio::use_awaitable);
  }
}

using Publish = decltype(publish_value);
using Send = decltype(send_newest);

asio::awaitable<void> read_lines(Broker& broker, Client& client, Publish* publish) {
  std::string unread;
  for (;;) {
    const auto [end, size] = co_await asio::async_read_until(
        client.socket, asio::dynamic_buffer(unread, longest_line), '\n', with_error);
    if (end) co_return;
    std::istringstream words(unread.substr(0, size));
    unread.erase(0, size);
    std::string verb, topic, text;
    words >> verb >> topic >> std::ws;
    std::getline(words, text);
    if (verb == "publish") publish(broker, topic, text);
    if (verb == "subscribe") {
      client.seen.try_emplace(topic, 0);
      client.news.try_send(error_code());  // there may be a value already
    }
  }
}

asio::awaitable<void> serve(Broker& broker, std::list<Client>::iterator client, Publish* publish,
                            Send* send) {
  co_await (read_lines(broker, *client, publish) || send(broker, *client));  // one ends, both end
  broker.clients.erase(client);
}

Heard spend(int values, Publish* publish, Send* send) {
  Broker broker;
  std::vector<Guest> guests;
  for (const char* name : {"publisher", "quick client", "slow client", "late client"}) {
    const auto client = broker.clients.emplace(broker.clients.end(), broker.loop);
    Socket there(broker.loop);
    asio::local::connect_pair(client->socket, there);
    guests.push_back({std::move(there), pdc::Lane("{}", name)});
    asio::co_spawn(broker.loop, serve(broker, client, publish, send), pdc::rethrow);
  }
  return spend_day(broker, guests, values);
}

std::ptrdiff_t count_lines(const std::string& text) {
  return std::ranges::count(text, '\n');
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"values", 12, "values of the temperature", {4, 64}}});
  const int values = program.integer("values");

  const Heard without =
      program.scene("messages are passed on", spend, values, publish_message, send_messages);
  const Heard with =
      program.scene("the last value is kept", spend, values, publish_value, send_newest);

  pdc::check(without.late.empty(),
             "a late client hears nothing of the messages that were published before it came");
  pdc::check(with.late == "door open\n" + temperatures(values / 2, values / 2),
             "a late client hears the last value of each of its topics at once");
  pdc::check(without.longest == values - 1 && without.slow == temperatures(2, values),
             "messages for a slow client pile up, and it hears them all, the oldest first",
             "{} in its queue", without.longest);
  pdc::check(with.slow == temperatures(2, 2) + temperatures(values, values),
             "of values, a slow client hears the one under way, and then the newest", "{} of {}",
             count_lines(with.slow), values - 1);
  pdc::check(without.quick == temperatures(1, values) && with.quick == without.quick,
             "a quick client hears each value of its topic, and of no other", "{} values",
             count_lines(with.quick));
  return program.finish();
}
