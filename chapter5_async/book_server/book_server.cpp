// Book server: a browser shows the book and runs its programs, and no other page can.
//
// Concept   A server on this machine that runs programs can be reached by every page that the
//           browser shows. So it listens on the loopback interface alone, and checks three things
//           in each request: that Host is its own number and port, that it has a cookie that nobody
//           can guess, and that it comes from one of its own pages.
// Shows     guard.hpp: getrandom, Host, Origin; orders.hpp: what becomes of a query;
//           running.hpp: execv, pidfd_open, prctl; server.hpp: SameSite, make_chunk; signal_set
// Python    http.server, secrets.token_hex, asyncio.create_subprocess_exec
// Run       book_server
// You see   three requests from elsewhere that run a program; then three refusals, and a program run
// Next      http_server is how it speaks; coordinator has programs run on other machines

// SPDX-License-Identifier: MIT
#include "server.hpp"

#include "../sockets/listening.hpp"

#include "pdc/program.hpp"

namespace {

using namespace book_server;

/// What is asked, and in whose name.
struct Visit {
  std::string_view name;
  std::string host, origin, cookie;
  std::string order = "/run/timers?ticks=5";
  std::string heard = {};
  bool has_run() const { return heard.find("all claims hold") != heard.npos; }
};

asio::awaitable<std::string> ask(tcp::endpoint server, std::string request) {
  tcp::socket socket(co_await asio::this_coro::executor);
  co_await socket.async_connect(server, asio::use_awaitable);
  co_await asio::async_write(socket, asio::buffer(request), with_error);
  std::string heard;
  co_await asio::async_read(socket, asio::dynamic_buffer(heard), with_error);  // until it hangs up
  co_return heard;
}

/// Opens an address as the server prints it. Returns the cookie that it gets there, if it gets one.
asio::awaitable<std::string> enter(tcp::endpoint server, std::string address) {
  const std::size_t path = address.find('/', 7);  // http://HOST/?token=TOKEN
  const std::string heard =
      co_await ask(server, fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                                       address.substr(path), address.substr(7, path - 7)));
  const std::size_t cookie = std::min(heard.find("pdc_"), heard.size());
  co_return heard.substr(cookie, heard.find(';', cookie) - cookie);
}

asio::awaitable<void> visit(tcp::endpoint server, Visit& visit) {
  const pdc::Lane lane(pdc::task, "{}", visit.name);
  const auto wait = lane.wait("answer");
  visit.heard = co_await ask(
      server, fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nCookie: {}\r\n"
                          "Content-Length: 0\r\nConnection: close\r\n\r\n",
                          visit.order, visit.host, visit.origin, visit.cookie));
  const std::size_t body = visit.heard.rfind("\r\n") + 2;
  if (visit.heard.starts_with("HTTP/1.1 500 "))  // the machine refuses what a program needs
    pdc::refuse(visit.heard.substr(body, visit.heard.size() - body - 1));
  if (visit.has_run() && visit.name != "own page") pdc::fault("has run it");
}

using Visits = std::array<Visit, 6>;

asio::awaitable<void> visit_all(Server& server, tcp::endpoint here, Visits& visits) {
  const std::string host = fmt::format("127.0.0.1:{}", here.port()), page = "http://" + host;
  const std::string address = server.guard().address();
  const std::string wrong = address.substr(0, address.find('=') + 1) + std::string(32, '0');
  const std::string cookie = co_await enter(here, address);
  const std::string none = co_await enter(here, wrong);
  visits = {Visit{"another name", fmt::format("elsewhere.example:{}", here.port()), page, cookie},
            Visit{"another site", host, "http://elsewhere.example", cookie},
            Visit{"no token", host, page, none},
            Visit{"no number", host, page, cookie, "/run/timers?ticks=5;ls"},
            Visit{"out of range", host, page, cookie, "/run/timers?ticks=101"},
            Visit{"own page", host, page, cookie}};
  for (Visit& one : visits) co_await visit(here, one);
  server.end();
}

Visits serve(Guard::Manner manner, const std::filesystem::path& program) {
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const tcp::endpoint here = acceptor.local_endpoint();
  Server server(loop, std::move(acceptor), {.catalog = {{"timers", {program}}}, .manner = manner});
  Visits visits;
  asio::co_spawn(loop, visit_all(server, here, visits), pdc::rethrow);
  loop.run();
  return visits;
}

/// Until SIGINT or SIGTERM comes; a second one ends it at once.
void serve_until_told(unsigned short port, Settings settings) {
  asio::io_context loop(1);
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  Server server(loop, listen(loop, {asio::ip::address_v4::loopback(), port}), std::move(settings));
  signals.async_wait([&](error_code, int) {
    signals.clear();
    server.end();
  });
  fmt::print("open {}\n", server.guard().address());
  std::fflush(stdout);
  loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"serve", false, "serve until SIGINT or SIGTERM comes"},
                        {"port", 0, "to listen on; 0: a free one", {0, 65535}},
                        {"site", std::string(), "folder with pages to show; none: a list"},
                        {"limit", 60, "seconds for a program", {1, 3600}},
                        {"output", 1 << 20, "bytes that a program may print", {1, 1 << 26}}});
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  if (program.flag("serve")) {
    serve_until_told(static_cast<unsigned short>(program.integer("port")),
                     {.catalog = read_catalog(here.parent_path()),
                      .site = program.word("site"),
                      .deadline = program.integer("limit"),
                      .most_output = static_cast<std::size_t>(program.integer("output"))});
    return 0;
  }
  const Visits without = program.scene("no guard", serve, Guard::Manner::careless, here / "timers");
  const Visits with = program.scene("a guard", serve, Guard::Manner::careful, here / "timers");
  const auto [name, page, user, word, large, own] = with;
  const auto is_refused = [](const Visit& visit) {
    return visit.heard.starts_with("HTTP/1.1 403 ") && !visit.has_run();
  };

  const auto is_bad = [](const Visit& visit) {
    return visit.heard.starts_with("HTTP/1.1 400 ") &&
           visit.heard.ends_with("\r\nticks is a whole number from 2 to 100\n");
  };

  const auto run = std::ranges::count_if(without.begin(), without.begin() + 3, &Visit::has_run);
  pdc::check(run == 3, "without a guard, requests from elsewhere run a program", "{} of 3", run);
  pdc::check(is_refused(name), "with it, another name that leads to this machine is refused");
  pdc::check(is_refused(page), "with it, a page of another site is refused, even with the cookie");
  pdc::check(is_refused(user), "with it, a visitor without the token is refused");
  pdc::check(own.has_run() && own.heard.find("\"end\":0") != own.heard.npos &&
                 own.heard.find("<svg") != own.heard.npos,
             "the book's own page runs a program, and has its output, its status and its picture");
  pdc::check(is_bad(word) && is_bad(large),
             "a value that is no number in range starts nothing, and is answered with one line");
  return program.finish();
}
