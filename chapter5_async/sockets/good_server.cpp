// SPDX-License-Identifier: MIT
#include "good_server.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/refuse.hpp"

#include <fmt/core.h>
#include <boost/json.hpp>

namespace {

asio::awaitable<void> visit(Client& client, tcp::endpoint server, Patience patience,
                            const Calls& calls) {
  co_await calls.with_patience(client, calls.connect(client, server), patience);
  for (const char* const line : {"{\"sum\":[20,22]}\n", "20 and 22?\n", "{\"sum\":[2,3]}\n"}) {
    if (client.error) co_return;
    co_await calls.with_patience(client, calls.ask(client, line), patience);
    if (client.error) co_return;
    error_code ignored;  // what is no JSON is null
    const auto answer = boost::json::parse(client.answer, ignored);
    const auto* const sum = answer.find_pointer("/sum", ignored);
    if (sum != nullptr) client.got.push_back(boost::json::serialize(*sum));
    if (answer.find_pointer("/error", ignored) != nullptr) client.got.push_back("error");
  }
}

}  // namespace

std::vector<std::string> ask_good_server(tcp::endpoint server, Patience patience,
                                         const Calls& calls) {
  asio::io_context loop;
  Client client{tcp::socket(loop)};
  asio::co_spawn(loop, visit(client, server, patience, calls), pdc::rethrow);
  loop.run();
  if (client.error)
    pdc::refuse(fmt::format("{} port {}: {}; is socket_server --serve running there?",
                            server.address().to_string(), server.port(), client.error.message()));
  return client.got;
}
