// Worker: takes tasks from a coordinator, says that it lives while it works, and comes back.
//
// Concept   A worker knows nothing but an address and a secret. It computes on a thread of its own,
//           so that its event loop goes on saying that it lives, and listening whether the
//           coordinator does. When that is gone or silent, the worker leaves, and comes back after
//           pauses that grow and are random, so that not all workers come at once.
// Shows     asio::co_spawn, async_connect, steady_timer, asio::thread_pool; pdc::Link
// Python    loop.run_in_executor, asyncio.open_connection, hmac.compare_digest
// Run       worker
// You see   its coordinator stopped in mid-job, left, and killed; the successor, which goes on
// Next      coordinator deals the tasks out; mandelbrot_async has an image computed by such workers

// SPDX-License-Identifier: MIT
#include "../sockets/listening.hpp"
#include "jobs.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/deadline.hpp"
#include "pdc/journal.hpp"
#include "pdc/link.hpp"
#include "pdc/sibling.hpp"

#include <signal.h>
#include <unistd.h>

#include <latch>
#include <map>
#include <random>
#include <set>

namespace {

using namespace job_farm;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using pdc::BrokenProtocol, pdc::Link;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;
constexpr int most_in_hand = 64;
constexpr Milliseconds first_pause = 50ms, longest_pause = 1000ms;

/// As on the page `backoff`.
Milliseconds pause_with_jitter(Milliseconds limit, std::mt19937& random) {
  std::uniform_int_distribution any(Milliseconds::rep{1}, limit.count());
  return Milliseconds(any(random));
}

struct Settings {
  asio::ip::tcp::endpoint coordinator;
  std::string name, secret;
  int silent_after;               // heartbeats
  double patience;                // seconds
  std::function<void()> at_work;  // played on the thread, in the middle of each task
};

/// All but the computing happens on one thread, that of the loop.
class Worker {
 public:
  struct History {
    std::set<int> safe = {};  // tasks: acknowledged
    int again = 0;            // tasks that came although they were
    int left = 0;             // visits that ended before all was done
    int beats = 0;
  };

  explicit Worker(Settings settings) : settings_(std::move(settings)) {
    asio::co_spawn(loop_, keep_visiting(), pdc::rethrow);
  }

  /// Until all is done, or until then. Ends with status 3 if no coordinator is there for too long.
  void work(const std::function<bool()>& until = [] { return false; }) {
    while (!until() && loop_.run_one() > 0) continue;
  }

  const History& history() const { return history_; }

 private:
  asio::awaitable<void> keep_visiting() {
    std::mt19937 random{std::random_device()()};
    for (;;) {
      const std::string why_over = co_await visit();
      if (is_done_) co_return;
      if (Clock::now() > heard_ + std::chrono::duration<double>(settings_.patience)) {
        const auto& there = settings_.coordinator;
        pdc::refuse(fmt::format("no coordinator to work for at {} port {}: {}",
                                there.address().to_string(), there.port(), why_over));
      }
      ++history_.left;
      const auto wait = lane_.wait("pause");
      asio::steady_timer pause(loop_, pause_with_jitter(limit_, random));
      co_await pause.async_wait(asio::use_awaitable);
      limit_ = std::min(2 * limit_, longest_pause);
    }
  }

  /// One connection, from its beginning to its end. Returns why it is over.
  asio::awaitable<std::string> visit() {
    const auto link = std::make_shared<Link>(Link::Socket(loop_, settings_.coordinator.protocol()),
                                             pdc::Side::client, settings_.silent_after);
    link->start_beating([this, link] {  // as on the page `heartbeat`, whatever the thread does
      const auto send = lane_.send("heartbeat");
      ++history_.beats;
      if (link->is_silent()) link->close();
    });
    in_hand_ = 0;
    const json::object hello{{"hello", settings_.name}};
    const Link::Take take = [&](const json::object& message) { handle(link, message); };
    boost::system::error_code error;
    co_await link->socket().async_connect(settings_.coordinator,
                                          asio::redirect_error(asio::use_awaitable, error));
    std::string why_over = error.message();
    if (!error) why_over = co_await link->talk(settings_.secret, hello, take);
    link->close();
    co_return why_over;
  }

  /// A message whose code is right. Errors: BrokenProtocol.
  void handle(const std::shared_ptr<Link>& link, const json::object& message) {
    if (message.contains("task")) return take(link, message);  // no sign of life: it comes at once
    heard_ = Clock::now();
    if (message.contains("ack")) {
      history_.safe.insert(message.at("ack").to_number<int>());
      limit_ = first_pause;  // a connection alone is no help: it may end at once
      pdc::tell_progress();
    } else if (message == json::object{{"done", true}}) {
      is_done_ = true;
      link->close();
    } else if (!message.contains("alive")) {
      throw BrokenProtocol(std::string(message.at("error").as_string()));
    }
  }

  void take(const std::shared_ptr<Link>& link, const json::object& message) {
    const int task = message.at("task").to_number<int>();
    if (++in_hand_ > most_in_hand) throw BrokenProtocol("too many tasks");
    history_.again += history_.safe.contains(task) ? 1 : 0;
    asio::post(thread_,
               [this, task, order = message.at("job").as_object(), visit = std::weak_ptr(link)] {
                 if (visit.expired()) return;  // it has ended, and others have got the task
                 asio::post(loop_, [this, visit, answer = compute(task, order)] {
                   const auto still = visit.lock();
                   if (!still || !still->is_open()) return;
                   --in_hand_;
                   still->send(answer);
                 });
               });
  }

  /// On the thread.
  json::object compute(int task, const json::object& order) {
    const auto work = thread_lane_.work("{}", task);
    settings_.at_work();
    try {
      return {{"result", task}, {"value", perform(order)}};
    } catch (const std::exception& error) {
      return {{"failed", task}, {"why", error.what()}};
    }
  }

  const Settings settings_;
  asio::io_context loop_;
  const pdc::Lane lane_{pdc::task, "loop"}, thread_lane_{"thread"};
  Clock::time_point heard_ = Clock::now();  // a coordinator
  Milliseconds limit_ = first_pause;        // of the next pause
  int in_hand_ = 0;                         // tasks of this visit
  bool is_done_ = false;
  History history_;
  asio::thread_pool thread_{1};  // the last member: the first to go, and waits for its thread
};

constexpr int tasks = 24, safe_before = 5;  // answers, acknowledged before the stop

struct Outcome {
  bool left;              // the first coordinator, before it was killed
  std::size_t before;     // answers that the first one acknowledged
  std::size_t after = 0;  // and the second
  int again = 0;          // tasks that the second one dealt out, and the first had acknowledged
  pdc::Exit end = {};     // of the second
};

/// Two coordinators of one job, with one journal and one port. The first one is stopped in mid-job,
/// and killed when the worker has left it; the second one starts when the worker has come twice.
Outcome change_coordinators(Settings settings) {
  const pdc::OwnSecret secret;
  const pdc::Journal journal;
  // An address of its own, so that nobody takes the port while no coordinator is there.
  const asio::ip::address_v4 address(0x7f000000U | static_cast<unsigned>(getpid()));
  const pdc::Lane lane("coordinator");
  const auto start = [&](const std::string& port) {
    return pdc::Sibling("coordinator",
                        {"--quiet", "--poison", "0", "--secret-file", secret.file(), "--tasks",
                         fmt::format("{}", tasks), "--port", port, "--address", address.to_string(),
                         "--journal", journal.file()});
  };
  pdc::Sibling first = start("0");
  const std::string port = first.said("port ");
  settings.coordinator = {address, static_cast<std::uint16_t>(std::stoi(port))};
  settings.secret = pdc::read_secret(secret.file());
  std::latch stopped(1);
  settings.at_work = [&, begun = 0]() mutable {  // holds one task back: the job is not over before
    if (++begun == tasks / 2) stopped.wait();
  };
  Worker worker(settings);
  const Worker::History& seen = worker.history();
  // A worker that stays for much longer than the limit would stay for ever, and could not say so.
  const auto work_until_left = [&](int times) {
    const int end = seen.beats + 4 * settings.silent_after;
    worker.work([&] { return seen.left >= times || seen.beats > end; });
    return seen.left >= times;
  };
  std::optional bar(lane.work("deals out"));
  worker.work([&] { return std::ssize(seen.safe) >= safe_before; });
  first.send(SIGSTOP);
  pdc::await_stop(first.pid());
  pdc::fault("the coordinator is stopped");
  bar.reset();
  bar.emplace(lane.wait("stopped"));
  stopped.count_down();
  const int visits = seen.left;  // for nothing, on a very busy machine
  Outcome outcome{.left = work_until_left(visits + 1), .before = seen.safe.size()};
  first.send(SIGKILL);
  first.wait();
  pdc::fault("it is killed");
  bar.reset();
  if (!work_until_left(visits + 3)) return outcome;
  pdc::Sibling second = start(port);
  second.said("port ");
  bar.emplace(lane.work("deals out"));
  worker.work();
  return {outcome.left, outcome.before, seen.safe.size() - outcome.before, seen.again,
          second.wait()};
}

/// What --accident says.
std::function<void()> accident_in(const pdc::Program& program) {
  const std::map<std::string, int> signals{{"none", 0}, {"kill", SIGKILL}, {"stop", SIGSTOP}};
  const auto found = signals.find(program.word("accident"));
  if (found == signals.end())
    program.reject(fmt::format("--accident '{}': none, kill or stop", program.word("accident")));
  return [signal = found->second, begun = 0]() mutable {
    if (++begun == 1) kill(getpid(), signal);  // 0: no signal
  };
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"port", 0, "port of the coordinator; 0: it starts two for itself", {0, 65'535}},
       {"address", "127.0.0.1", "IP address of the coordinator"},
       {"secret-file", "", "file with the secret that the coordinator knows, too"},
       {"name", "worker", "what the worker is called"},
       {"silence", 0.5, "seconds without a line after which the coordinator is silent", {0.2, 20}},
       {"patience", 20.0, "seconds without a sign of a coordinator until it goes", {0.1, 86'400}},
       {"accident", "none", "in its first task: none, kill (SIGKILL), stop (SIGSTOP)"}});
  Settings settings{
      endpoint_in(program),     program.word("name"), "", pdc::beats_in(program.real("silence")),
      program.real("patience"), accident_in(program)};
  if (program.integer("port") != 0) {
    const std::string& file = program.word("secret-file");
    if (file.empty()) program.reject("--port: it needs the --secret-file of its coordinator, too");
    settings.secret = pdc::read_secret(file);
    pdc::set_deadline(0s);  // it serves until it is told to end
    Worker(settings).work();
    return 0;
  }
  const auto outcome = program.scene("its coordinator goes away, and a successor comes",
                                     change_coordinators, settings);
  pdc::check(outcome.left, "the worker left the coordinator that said nothing",
             "{} answers acknowledged", outcome.before);
  pdc::check(outcome.after > 0, "the worker came back to the successor, and worked on",
             "{} answers acknowledged", outcome.after);
  pdc::check(outcome.again == 0, "no task was dealt out again that had been acknowledged",
             "{} of {}", outcome.again, outcome.before);
  pdc::check(outcome.after > 0 && outcome.end.good(),
             "in the end the successor had each result once", "{}", outcome.end.text());
  return program.finish();
}
