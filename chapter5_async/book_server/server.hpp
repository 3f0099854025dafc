// SPDX-License-Identifier: MIT
#pragma once

#include "guard.hpp"
#include "orders.hpp"
#include "running.hpp"

#include "pdc/coroutine.hpp"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <list>
#include <set>

/// Pages and programs for a browser, on one thread.
namespace book_server {

using asio::ip::tcp;
using Answer = http::response<http::string_body>;
using namespace std::chrono_literals;

struct Settings {
  Catalog catalog;
  std::filesystem::path site = {};  // a folder; none: a page that lists the programs
  Guard::Manner manner = Guard::Manner::careful;
  std::chrono::seconds patience = 10s;  // for a request, and for an answer
  int deadline = 60;                    // seconds, of a program
  std::size_t most_output = 1 << 20;    // bytes, of a program
  std::size_t most_programs = 2, most_connections = 64;
};

class Server {
 public:
  Server(asio::io_context& loop, tcp::acceptor acceptor, Settings settings)
      : loop_(loop),
        acceptor_(std::move(acceptor)),
        settings_(std::move(settings)),
        guard_(settings_.manner, acceptor_.local_endpoint().port()) {
    asio::co_spawn(loop_, accept_all(), pdc::rethrow);
  }

  const Guard& guard() const { return guard_; }

  /// Stops what runs, and hangs up on everybody: then the loop has nothing left to do.
  void end() {
    is_ending_ = true;
    acceptor_.close();
    // Not cancel(): a wait that is about to begin would miss it.
    for (Connection& connection : connections_) connection.timer.expires_after(0s);
  }

 private:
  struct Connection {
    tcp::socket socket;
    asio::steady_timer timer;
    bool has_begun = false;  // to send an answer piece by piece: then there is no other
  };

  asio::awaitable<void> accept_all() {
    asio::steady_timer pause(loop_);
    while (acceptor_.is_open()) {
      auto [error, client] = co_await acceptor_.async_accept(with_error);
      if (error && acceptor_.is_open()) {  // no descriptor is left, say: there may be one soon
        pause.expires_after(100ms);
        co_await pause.async_wait(with_error);
      }
      if (error || connections_.size() == settings_.most_connections) continue;  // hangs up
      connections_.push_front({std::move(client), asio::steady_timer(loop_)});
      asio::co_spawn(loop_, talk(connections_.begin()), pdc::rethrow);
    }
  }

  /// As on the page `http_server`.
  asio::awaitable<void> talk(std::list<Connection>::iterator place) {
    Connection& client = *place;
    boost::beast::flat_buffer unread;
    for (bool goes_on = true; goes_on && !is_ending_;) {
      http::request_parser<http::empty_body> parser;
      parser.header_limit(8192);
      wait_for(client, settings_.patience);
      const auto read = co_await (http::async_read(client.socket, unread, parser, with_error) ||
                                  client.timer.async_wait(with_error));
      Answer answer = refuse(http::status::request_timeout);
      if (read.index() == 0) {
        const error_code error = std::get<0>(std::get<0>(read));
        if (error == http::error::end_of_stream) break;
        if (error == http::error::header_limit)
          answer = refuse(http::status::request_header_fields_too_large);
        else if (error)
          answer = refuse(http::status::bad_request, "this is no request without a body");
        else
          answer = co_await answer_or_refuse(client, parser.get());
      }
      if (client.has_begun) break;
      wait_for(client, settings_.patience);
      const auto sent = co_await (http::async_write(client.socket, answer, with_error) ||
                                  client.timer.async_wait(with_error));
      if (sent.index() == 1 || std::get<0>(std::get<0>(sent))) break;
      goes_on = answer.keep_alive();
    }
    error_code ignored;
    client.socket.shutdown(tcp::socket::shutdown_send, ignored);
    wait_for(client, settings_.patience);
    std::string rest;
    co_await (asio::async_read(client.socket, asio::dynamic_buffer(rest, 1 << 16), with_error) ||
              client.timer.async_wait(with_error));
    connections_.erase(place);
  }

  void wait_for(Connection& client, std::chrono::seconds time) const {
    client.timer.expires_after(is_ending_ ? 0s : time);
  }

  /// What a browser may do with it: scripts and styles are the site's own files.
  template <class Message>
  static void set_fields(Message& message, std::string_view type) {
    message.set(http::field::content_type, type);
    message.set("Content-Security-Policy",
                "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
                "frame-ancestors 'none'; base-uri 'none'; form-action 'self'");
    message.set("X-Content-Type-Options", "nosniff");
    message.set("Referrer-Policy", "no-referrer");
    message.set(http::field::cache_control, "no-store");
  }

  static Answer make_answer(http::status status, std::string_view type, std::string text) {
    Answer answer(status, 11);
    set_fields(answer, type);
    answer.body() = std::move(text);
    answer.prepare_payload();
    return answer;
  }

  static Answer refuse(http::status status, std::string_view why = "") {
    Answer answer = make_answer(status, "text/plain; charset=utf-8", fmt::format("{}\n", why));
    answer.keep_alive(false);
    return answer;
  }

  /// Whatever goes wrong with one request, the server goes on.
  asio::awaitable<Answer> answer_or_refuse(Connection& client, const Request& request) {
    try {
      Answer answer = co_await answer_request(client, request);
      answer.keep_alive(answer.keep_alive() && request.keep_alive());
      if (request.method() == http::verb::head) answer.body().clear();
      co_return answer;
    } catch (const BadRequest& error) {
      co_return refuse(http::status::bad_request, error.what());
    } catch (const std::exception& error) {
      co_return refuse(http::status::internal_server_error, error.what());
    }
  }

  asio::awaitable<Answer> answer_request(Connection& client, const Request& request) {
    const bool is_post = request.method() == http::verb::post;
    if (!is_post && request.method() != http::verb::head && request.method() != http::verb::get)
      co_return refuse(http::status::not_implemented, "GET, HEAD and POST are all there is");
    if (!guard_.is_for_us(request)) co_return refuse(http::status::forbidden, "not this host");
    const std::string target(request.target());
    constexpr std::string_view entrance = "/?token=", run = "/run/", choices = "/programs/";
    if (target.starts_with(entrance) && !is_post) co_return admit(target.substr(entrance.size()));
    const auto session = guard_.session_of(request);
    if (!session)
      co_return refuse(http::status::forbidden, "open the address that the server has printed");
    if (is_post && target.starts_with(run)) {
      Answer answer = co_await run_program(client, *session, target.substr(run.size()));
      co_return answer;
    }
    if (is_post) co_return refuse(http::status::not_found, "POST is for /run/NAME");
    if (!target.starts_with(choices)) co_return find_page(target);
    Answer answer = co_await tell_choices(client, target.substr(choices.size()));
    co_return answer;
  }

  Answer admit(std::string_view token) {
    const auto session = guard_.admit(token);
    if (!session) return refuse(http::status::forbidden, "a wrong token");
    Answer answer = make_answer(http::status::see_other, "text/plain", "");
    answer.set(http::field::location, "/");
    answer.set(http::field::set_cookie, fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict",
                                                    guard_.cookie_name(), *session));
    answer.insert(http::field::set_cookie,  // for the pages' script: here it may run programs
                  fmt::format("runs_{}=1; Path=/; SameSite=Strict", guard_.cookie_name()));
    return answer;
  }

  Answer find_page(std::string_view target) const {
    if (settings_.site.empty()) {
      std::string page = "<!doctype html><html lang=en><title>pdc</title><h1>Programs</h1><ul>";
      for (const auto& [name, program] : settings_.catalog) page += "<li>" + name;
      return make_answer(http::status::ok, "text/html; charset=utf-8", page + "</ul>");
    }
    static const std::map<std::string, std::string, std::less<>> types{
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".txt", "text/plain; charset=utf-8"},
        {".pdf", "application/pdf"},
        {".woff2", "font/woff2"}};
    std::string name(target.substr(1, target.find('?') - 1));
    if (name.empty() || name.ends_with('/')) name += "index.html";
    error_code error;
    const auto path = std::filesystem::weakly_canonical(settings_.site / name, error);
    const auto root = std::filesystem::weakly_canonical(settings_.site, error);
    const auto type = types.find(path.extension().string());
    const bool is_inside = std::ranges::mismatch(root, path).in1 == root.end();  // no .. leads out
    if (error || !is_inside || type == types.end() || !is_regular_file(path, error))
      return refuse(http::status::not_found, "no such page");
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return make_answer(http::status::ok, type->second, text.str());
  }

  /// A program that somebody has, until the end of its life.
  struct Place {
    Place(std::multiset<std::string>& all, const std::string& whose)
        : places(all), place(all.insert(whose)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { places.erase(place); }
    std::multiset<std::string>& places;
    std::multiset<std::string>::iterator place;
  };

  /// Why there is no place for it now, if so.
  std::optional<Answer> find_no_place(const std::string& session) const {
    if (places_.contains(session))
      return refuse(http::status::conflict, "your last program still runs");
    if (places_.size() == settings_.most_programs)
      return refuse(http::status::service_unavailable, "others run programs now");
    return std::nullopt;
  }

  asio::awaitable<Answer> tell_choices(Connection& client, const std::string& name) {
    const auto program = settings_.catalog.find(name);
    if (program == settings_.catalog.end())
      co_return refuse(http::status::not_found, "no such program");
    if (asking_.size() == settings_.most_programs)
      co_return refuse(http::status::service_unavailable, "others ask now");
    const Place place(asking_, name);
    const std::vector<Choice> choices = co_await choices_of(client, program->second);
    co_return make_answer(http::status::ok, "application/json", describe(choices));
  }

  static std::string describe(const std::vector<Choice>& choices) {
    boost::json::array options;
    for (const Choice& choice : choices) {
      options.push_back(boost::json::object{{"name", choice.name},
                                            {"meaning", choice.meaning},
                                            {"default", choice.preset},
                                            {"whole", choice.is_whole},
                                            {"lowest", choice.lowest},
                                            {"highest", choice.highest}});
    }
    return boost::json::serialize(options);
  }

  /// Asks the program itself, once.
  asio::awaitable<std::vector<Choice>> choices_of(Connection& client, const Program& program) {
    const auto known = choices_.find(program.path);
    if (known != choices_.end()) co_return known->second;
    std::vector<std::string> words;
    words.push_back(program.path);
    words.push_back("--help");
    Running running(loop_, words, false);
    std::string help;
    wait_for(client, settings_.patience);
    const auto first = co_await (read_all(running, help) || client.timer.async_wait(with_error));
    if (first.index() == 1) running.stop();
    const int status = co_await running.finish();
    if (status != 0) throw std::runtime_error("it does not say what it takes");
    choices_[program.path] = read_choices(program, help);
    co_return choices_[program.path];
  }

  static asio::awaitable<void> read_all(Running& running, std::string& text) {
    constexpr std::size_t longest = 1 << 16;  // bytes
    for (std::string piece = "-"; !piece.empty() && text.size() < longest; text += piece)
      piece = co_await running.read();
  }

  /// Each event is a line of JSON, sent at once. False: the client is gone, or its time is over.
  asio::awaitable<bool> tell(Connection& client, const boost::json::object& event) {
    const std::string line = boost::json::serialize(event) + '\n';
    const auto chunk = http::make_chunk(asio::buffer(line));
    const auto sent = co_await (asio::async_write(client.socket, chunk, with_error) ||
                                client.timer.async_wait(with_error));
    co_return sent.index() == 0 && !std::get<0>(std::get<0>(sent));
  }

  /// What it says, while it runs, and at the end its status and its picture. It is stopped when the
  /// client hangs up, or sends anything more.
  asio::awaitable<Answer> run_program(Connection& client, const std::string& session,
                                      std::string order) {
    const std::size_t mark = std::min(order.find('?'), order.size());
    const auto program = settings_.catalog.find(order.substr(0, mark));
    if (program == settings_.catalog.end())
      co_return refuse(http::status::not_found, "no such program");
    if (auto none = find_no_place(session)) co_return std::move(*none);
    const Place place(places_, session);
    const std::vector<Choice> choices = co_await choices_of(client, program->second);
    const std::string query = order.substr(std::min(mark + 1, order.size()));
    std::vector<std::string> words = read_order(program->second, choices, query);
    const Picture picture;
    words.push_back("--svg=" + picture.path());
    words.push_back(fmt::format("--deadline={}", settings_.deadline));
    Running running(loop_, words, program->second.is_mpi);
    wait_for(client, std::chrono::seconds(settings_.deadline + 5));  // it ends itself before that
    http::response<http::empty_body> head(http::status::ok, 11);
    set_fields(head, "application/x-ndjson");
    head.chunked(true);
    head.keep_alive(false);
    http::response_serializer<http::empty_body> header(head);
    client.has_begun = true;
    co_await http::async_write_header(client.socket, header, with_error);
    const std::string why = co_await pass_on(client, running);
    if (!why.empty()) running.stop();
    const int status = co_await running.finish();
    wait_for(client, settings_.patience);
    boost::json::object last;
    last["end"] = status;
    last["why"] = why;
    last["picture"] = picture.text();
    if (co_await tell(client, last))
      co_await asio::async_write(client.socket, http::make_chunk_last(), with_error);
    co_return Answer();
  }

  /// Line by line. Returns why it has to be stopped, or nothing: it has said all.
  asio::awaitable<std::string> pass_on(Connection& client, Running& running) {
    std::string unsaid;
    std::array<char, 1> more;  // a read, since async_wait may end for what has been read already
    for (std::size_t size = 0; size <= settings_.most_output;) {
      const auto first = co_await (running.read() || client.timer.async_wait(with_error) ||
                                   client.socket.async_read_some(asio::buffer(more), with_error));
      if (first.index() == 1) co_return is_ending_ ? "the server ends" : "its time is over";
      if (first.index() == 2) co_return "stopped";
      const std::string& piece = std::get<0>(first);
      size += piece.size();
      unsaid += piece;
      const std::size_t end = piece.empty() ? unsaid.size() : unsaid.rfind('\n') + 1;
      boost::json::object event;
      event["out"] = unsaid.substr(0, end);
      if (end > 0 && !co_await tell(client, event)) co_return "stopped";
      if (piece.empty()) co_return "";
      unsaid.erase(0, end);
    }
    co_return "too much output";
  }

  asio::io_context& loop_;
  tcp::acceptor acceptor_;
  const Settings settings_;
  Guard guard_;
  bool is_ending_ = false;
  std::list<Connection> connections_ = {};
  std::multiset<std::string> places_ = {};  // by session
  std::multiset<std::string> asking_ = {};  // programs that are asked what they take
  std::map<std::string, std::vector<Choice>> choices_ = {};
};

}  // namespace book_server
