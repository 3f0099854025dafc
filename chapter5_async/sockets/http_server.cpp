// HTTP server: it answers request by request, and lets no client keep its connection for ever.
//
// Concept   A request of HTTP begins with a header: lines up to an empty one. A library takes it
//           apart, but how long it may be, and how long it may take, is the server's to say: else
//           the answer is 431, or 408. What has come behind a request is the next request.
// Shows     request_parser, header_limit, async_read, async_write, prepare_payload, keep_alive
// Python    http.server, aiohttp.web
// Run       http_server
// You see   three clients that keep their connections as long as they like; then none can
// Next      graceful_shutdown is how such a server ends

// SPDX-License-Identifier: MIT
#include "../played_clock.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using asio::experimental::awaitable_operators::operator||;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;    // elsewhere asio::ip::tcp::socket
using Timer = asio::basic_waitable_timer<PlayedClock>;  // elsewhere asio::steady_timer
using Answer = http::response<http::string_body>;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

struct Limits {
  std::uint32_t header;            // bytes
  std::chrono::milliseconds time;  // for a request and the silence before it, and for an answer
};

Answer answer_request(const http::request<http::empty_body>& request) {
  const bool is_head = request.method() == http::verb::head;
  const bool is_known = is_head || request.method() == http::verb::get;
  Answer answer(is_known ? http::status::ok : http::status::not_implemented, 11);  // HTTP/1.1
  answer.keep_alive(request.keep_alive());  // until the client says close
  answer.body() = std::string(request.target()) + '\n';
  answer.prepare_payload();  // its length
  if (is_head) answer.body().clear();
  return answer;
}

/// Afterwards the connection is of no use: nobody knows where the next request begins.
Answer refuse(http::status why) {
  Answer answer(why, 11);
  answer.keep_alive(false);
  answer.prepare_payload();
  return answer;
}

asio::awaitable<void> talk(Socket client, Limits limits) {
  Timer timer(client.get_executor());
  boost::beast::flat_buffer unread;  // of the connection: what is left in it is the next request
  for (bool goes_on = true; goes_on;) {
    http::request_parser<http::empty_body> parser;  // of one request, which has no body
    parser.header_limit(limits.header);
    timer.expires_after(limits.time);  // from now on, however many bytes come one by one
    const auto read = co_await (http::async_read(client, unread, parser, with_error) ||
                                timer.async_wait(with_error));
    Answer answer = refuse(http::status::request_timeout);
    if (read.index() == 0) {
      const error_code error = std::get<0>(std::get<0>(read));
      if (error == http::error::end_of_stream) co_return;
      if (error == http::error::header_limit)
        answer = refuse(http::status::request_header_fields_too_large);
      else
        answer = error ? refuse(http::status::bad_request) : answer_request(parser.get());
    }
    timer.expires_after(limits.time);
    const auto sent =
        co_await (http::async_write(client, answer, with_error) || timer.async_wait(with_error));
    if (sent.index() == 1 || std::get<0>(std::get<0>(sent))) co_return;  // nobody reads it
    goes_on = answer.keep_alive();
  }
  // To close it now, with bytes unread, would be a reset, and could take the answer with it.
  error_code ignored;
  client.shutdown(Socket::shutdown_send, ignored);
  std::string rest;
  co_await (asio::async_read(client, asio::dynamic_buffer(rest, 1 << 16), with_error) ||
            timer.async_wait(with_error));
}

struct Client {
  std::string name, says, then = "";                       // in each millisecond after that
  bool is_reading = true, is_open = true, is_cut = false;  // cut: before it has said all
  std::string hears = "";
};
using Clients = std::array<Client, 4>;

/// A socket pair delivers at once, and the clock is played: every run is the same to the byte.
asio::awaitable<void> visit(asio::io_context& loop, Limits limits, Client& client) {
  Socket server(loop), other(loop);
  asio::local::connect_pair(server, other);
  other.set_option(Socket::send_buffer_size(1));  // the smallest there is: soon full
  server.non_blocking(true);
  asio::co_spawn(loop, talk(std::move(other), limits), pdc::rethrow);
  const auto hold = pdc::Lane(pdc::task, "{}", client.name).hold("connection");
  for (int ms = 0; ms < 30 && client.is_open; ++ms) {
    error_code error;
    server.write_some(asio::buffer(ms == 0 ? client.says : client.then), error);
    if (error == asio::error::broken_pipe) client.is_cut = true;
    Timer timer(loop, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    std::array<char, 1024> said;
    if (client.is_reading)
      client.hears.append(said.data(), server.read_some(asio::buffer(said), error));
    client.is_open = !error || error == asio::error::would_block;
  }
  if (client.is_open) pdc::fault("still open");
}

Clients serve(Limits limits) {
  const std::string get = "GET /a HTTP/1.1\r\n\r\n", head = "HEAD /b HTTP/1.1\r\n\r\n";
  Clients clients{
      Client{"endless header", "GET /a HTTP/1.1\r\n", "and: so on and so on\r\n"},
      Client{"byte by byte", "GET /a HTTP/1.1\r\n", "x"}, Client{"reads nothing", get, get, false},
      Client{"good client", get + head, "GET /c HTTP/1.1\r\nConnection: close\r\n\r\n"}};
  asio::io_context loop;
  for (Client& client : clients) asio::co_spawn(loop, visit(loop, limits, client), pdc::rethrow);
  PlayedClock::run(loop);
  return clients;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const Clients without = program.scene("without limits", serve, Limits{UINT32_MAX, 1h});
  const auto [endless, slow, deaf, good] = program.scene("with limits", serve, Limits{128, 10ms});
  const auto kept = std::ranges::count(without, true, &Client::is_open);
  const std::string ok = "HTTP/1.1 200 OK\r\n", three = "Content-Length: 3\r\n\r\n";
  const std::string two_answers = ok + three + "/a\n" + ok + three;

  pdc::check(kept == 3, "without limits, clients keep their connections in three ways", "{}", kept);
  pdc::check(endless.hears.starts_with("HTTP/1.1 431") && !endless.is_open,
             "with limits, an endless header is answered with 431");
  pdc::check(slow.hears.starts_with("HTTP/1.1 408") && !slow.is_open,
             "with limits, a header sent byte by byte is answered with 408");
  pdc::check(!deaf.is_open, "with limits, the server hangs up on a client that reads nothing");
  pdc::check(!endless.is_cut && !slow.is_cut && !good.is_cut,
             "before the server closes a connection, it hears out a client that it has told so");
  pdc::check(good.hears.starts_with(two_answers + ok),
             "two requests in one packet have two answers: GET a page, and HEAD its header alone");
  pdc::check(good.hears == two_answers + ok + "Connection: close\r\n" + three + "/c\n",
             "a connection is kept for the next request, until the client says close");
  return program.finish();
}
