// SPDX-License-Identifier: MIT
/// Programs that must end in a certain way: `scenario NAME [options]`, run by the tests in a
/// process of their own.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <boost/interprocess/exceptions.hpp>
#include <boost/json.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "pdc/deadline.hpp"
#include "pdc/measure.hpp"
#include "pdc/page.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

namespace {

using namespace std::chrono_literals;

const pdc::Page page("scenario", "tests",
                     "// Scenario: how \"programs\" end.\n//\n// Run  by tests\n");

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

void fail() {
  pdc::check(false, "the sum is right", "{} of {}", 3, 4);
}

void need() {
  pdc::require(false, "the sum is right", "{} of {}", 3, 4);
}

/// Three claims, the second of which fails, on a thread or in main.
void fails(pdc::Program& program) {
  pdc::check(true, "all came");
  if (program.word("where") == "main") fail();
  if (program.word("where") == "thread") std::jthread{fail};  // joins here
  pdc::check(true, "nobody is left");
}

/// Runs it on the main thread, on another, or in a child; main does not end by itself meanwhile.
void run_somewhere(const std::string& where, void (*body)()) {
  if (where == "main") body();
  if (where == "thread") {
    const std::jthread thread(body);
    wait_for_ever();
  }
  if (where == "child" || where == "waited child") {
    pdc::Child child(body);
    if (where == "child") wait_for_ever();
    child.wait();
  }
  if (where == "grandchild") {
    pdc::Child child([=] {
      const pdc::Child grandchild(body);
      wait_for_ever();
    });
    child.wait();
  }
}

void needs(pdc::Program& program) {
  run_somewhere(program.word("where"), need);
}

/// A child has no finish().
void fails_in_child(pdc::Program&) {
  const pdc::Child child(fail);
  wait_for_ever();
}

/// How a program may end by which a failed claim must not get lost.
void fails_and_ends(pdc::Program& program) {
  pdc::check(true, "all came");
  fail();
  const std::string& how = program.word("what");
  if (how == "exit") std::exit(0);
  if (how == "child") {
    pdc::check(pdc::Child([] { std::exit(0); }).wait().good(), "a child may exit");
    std::exit(0);
  }
  if (how == "exception") throw std::runtime_error("no luck");
  if (how == "refusal") pdc::refuse("bind port 80: no; take another");
  pdc::set_deadline(50ms);
  wait_for_ever();
}

/// The last of the three is what the program needs.
void needs_in_the_end(pdc::Program&) {
  pdc::check(true, "all came");
  pdc::check(false, "all left", "{} of {}", 3, 4);
  need();
  pdc::say("not to be seen");
}

void throws(pdc::Program& program) {
  using boost::interprocess::error_info, boost::interprocess::interprocess_exception;
  using boost::system::system_error, boost::system::system_category;
  static std::string what;
  what = program.word("what");
  run_somewhere(program.word("where"), [] {
    if (what == "runtime") throw std::runtime_error("no luck");
    if (what == "system") throw std::system_error(ENOENT, std::generic_category(), "open door");
    if (what == "exhausted") throw std::system_error(EAGAIN, std::generic_category(), "fork");
    if (what == "thread") throw std::system_error(EAGAIN, std::generic_category());
    if (what == "asio_thread") throw system_error(EAGAIN, system_category(), "thread");
    if (what == "connect") throw system_error(EMFILE, system_category(), "connect");
    if (what == "parser") throw system_error(boost::json::error::syntax, "parse");
    if (what == "shared_memory") throw interprocess_exception(error_info(EROFS));
    if (what == "buffer") throw boost::interprocess::bad_alloc();
    if (what == "tbb") throw std::runtime_error("start it: Resource temporarily unavailable");
    if (what == "memory") throw std::bad_alloc();
    if (what == "number") throw 42;
  });
}

/// An exception of the child's body must not go on into the code of its parent.
void child_throws_into_parent(pdc::Program&) {
  try {
    pdc::Child([] { throw std::runtime_error("no luck"); }).wait();
  } catch (const std::runtime_error&) {
    pdc::say("caught by process {}", getpid());
  }
}

void threads_fail(pdc::Program& program) {
  const int number = program.integer("threads");
  std::barrier together(number);
  std::vector<std::jthread> threads;
  for (int i = 0; i < number; ++i) {
    threads.emplace_back([&together, i] {
      together.arrive_and_wait();
      pdc::check(false, "no thread fails", "thread {} does", i);
    });
  }
}

void threads_need(pdc::Program& program) {
  const int number = program.integer("threads");
  std::barrier together(number);
  std::vector<std::jthread> threads;
  for (int i = 0; i < number; ++i) {
    threads.emplace_back([&together, i] {
      together.arrive_and_wait();
      pdc::require(false, "no thread fails", "thread {} does", i);
    });
  }
}

void two_children_fail(pdc::Program&) {
  int ends[2];
  pdc::posix(pipe2(ends, O_CLOEXEC), "pipe2");
  std::optional<pdc::Descriptor> gate(ends[1]);
  const auto body = [&] {
    gate.reset();
    char byte = 0;
    pdc::posix(read(ends[0], &byte, 1), "read");  // until the parent has opened the gate
    fail();
  };
  const pdc::Child first(body);
  const pdc::Child second(body);
  gate.reset();
}

void holds(pdc::Program& program) {
  pdc::check(true, "the sum is right", "{} of {}", 4, 4);
  pdc::check(true, "\"all\" came");
  program.report("rate", 2.5, "per second");
  program.report("count", 3, "items");
}

void draws(pdc::Program& program) {
  const int threads = program.integer("threads");
  program.scene("first <scene>", [&] {
    pdc::say("told inside");
    const pdc::Lane lane("a & b");
    const pdc::Lane other(pdc::task, "task");
    lane.send("job {}", threads).end();
    other.receive("job {}", threads).end();
    pdc::mark("here");
  });
  const int result = program.scene(
      "second", [](int x) { return x + 1; }, 41);
  pdc::check(result == 42, "a scene gives back what its act gave");
}

void no_claim(pdc::Program&) {}

/// With a claim after each scene.
void draws_three(pdc::Program& program) {
  for (const char* title : {"begin", "middle", "end"}) {
    program.scene(title, [] { pdc::Lane("row").work("works").end(); });
    pdc::check(true, "a scene ends");
  }
}

/// More lanes than a picture has room for.
void draws_high(pdc::Program& program) {
  for (int scene = 1; scene <= 6; ++scene) {
    program.scene("scene", [] {
      for (int i = 0; i < 8; ++i) pdc::Lane("row {}", i).work("works").end();
    });
  }
  holds(program);
}

void tells(pdc::Program& program) {
  program.scene("a title of more words than have room in a line of some fifty columns", [] {
    pdc::say("and a line inside that is as long as that, and so is the claim below");
    pdc::say("averyverylongwordthatdoesnotfitintoanylineofsomefiftycolumnsandisnotbroken");
    pdc::say("short");
  });
  pdc::check(true, "a claim is a whole sentence, which is often longer than a line is wide",
             "{} of {}", 1, 1);
}

void marks_only(pdc::Program& program) {
  program.scene("nothing but a mark", [] { pdc::mark("here"); });
  holds(program);
}

void refuses(pdc::Program& program) {
  run_somewhere(program.word("where"), [] { pdc::refuse("bind port 80: no; take another"); });
}

void rejects(pdc::Program& program) {
  program.reject("--mode fast: not with --loud");
}

/// Lines from several threads and children at once.
void speaks(pdc::Program& program) {
  const auto speak = [](const std::string& who) {
    for (int i = 0; i < 50; ++i) pdc::say("{} says {} {}", who, i, std::string(200, '.'));
  };
  {
    const pdc::Child first([&] { speak("child 0"); });
    const pdc::Child second([&] { speak("child 1"); });
    std::vector<std::jthread> threads;
    for (const char* who : {"thread 0", "thread 1"}) threads.emplace_back(speak, who);
  }
  const pdc::Child quiet([] { pdc::check(true, "only the first process prints this"); });
  holds(program);
}

void overflows(pdc::Program& program) {
  constexpr int capacity = 1 << 16;
  program.scene("too much", [] {
    const pdc::Lane lane("busy");
    for (int i = 0; i < capacity + 10; ++i) lane.work("step").end();
  });
  program.scene("nothing left", [] {
    const pdc::Lane lane("late");
    for (int i = 0; i < 5; ++i) lane.work("step").end();
  });
  holds(program);
}

void measures(pdc::Program& program) {
  const auto work = [] {};
  pdc::say_speedup(program, {{"serial", 1, work}, {"two threads", 2, work}}, 3);
  holds(program);
}

void shows_slowly(pdc::Program& program) {
  for (const char* title : {"first", "second"})
    program.scene(title, [] { std::this_thread::sleep_for(1200ms); });  // plays slow work
  pdc::check(true, "both came to their end");
}

/// Rounds that take long, here or in a child. Says how many there were.
void measures_slowly(pdc::Program& program) {
  static pdc::Shared<std::atomic<int>> runs(0);
  static int rounds;
  rounds = program.integer("threads");
  run_somewhere(program.word("where"), [] {
    const auto run = [] {
      std::this_thread::sleep_for(600ms);  // plays slow work
      ++*runs;
    };
    pdc::time_in_turns({{"slow", 1, run}}, rounds);
  });
  pdc::check(true, "it is timed", "{} runs", runs->load());
}

/// Each holds what the other wants. The deadline is set when both wait, so what it says is known.
void stuck_threads(pdc::Program&) {
  static std::mutex fork;  // static: nobody ends their life
  static std::mutex knife;
  static std::latch both_hold(2);
  static std::latch both_wait(3);
  const auto eat = [](const pdc::Lane& lane, std::mutex& first, std::mutex& second,
                      const char* owned, const char* wanted) {
    const std::scoped_lock holding(first);
    auto over = lane.work("over before what begins in it");
    const auto hold = lane.hold("{}", owned);
    over.end();
    both_hold.arrive_and_wait();
    const auto wait = lane.wait("{}", wanted);
    both_wait.count_down();
    const std::scoped_lock never(second);
  };
  const pdc::Lane idle("idle");
  const std::jthread one(eat, pdc::Lane("eater 1"), std::ref(fork), std::ref(knife), "the fork",
                         "the knife");
  const std::jthread two(eat, pdc::Lane("eater 2"), std::ref(knife), std::ref(fork), "the knife",
                         "the fork");
  idle.work("done long ago").end();
  both_wait.arrive_and_wait();
  pdc::set_deadline(50ms);
}

void stuck_child(pdc::Program&) {
  int ends[2];
  pdc::posix(pipe2(ends, O_CLOEXEC), "pipe2");
  const pdc::Lane main_lane("parent");
  const pdc::Lane child_lane("child");
  pdc::Child child([&] {
    const auto stuck = child_lane.receive("a letter");
    pdc::posix(write(ends[1], "!", 1), "write");
    wait_for_ever();
  });
  char byte = 0;
  pdc::posix(read(ends[0], &byte, 1), "read");
  const auto wait = main_lane.wait("its child");
  pdc::set_deadline(50ms);
  child.wait();
}

void stuck(pdc::Program& program) {
  const std::string& where = program.word("where");
  if (where != "main") pdc::set_deadline(200ms);
  if (where == "scene") program.scene("the scene <of the crime>", wait_for_ever);
  if (where == "after") program.scene("before", [] {});
  const pdc::Lane lane("main");
  const auto wait = where == "lane" ? lane.wait("a call") : pdc::Span();
  wait_for_ever();
}

/// SIGTERM, sent by itself, has its default action.
void terminated(pdc::Program&) {
  const pdc::Child child(wait_for_ever);
  kill(getpid(), SIGTERM);
  wait_for_ever();
}

const std::map<std::string, void (*)(pdc::Program&)> scenarios = {
    {"child_throws_into_parent", child_throws_into_parent},
    {"draws", draws},
    {"draws_high", draws_high},
    {"draws_three", draws_three},
    {"fails", fails},
    {"fails_and_ends", fails_and_ends},
    {"fails_in_child", fails_in_child},
    {"holds", holds},
    {"marks_only", marks_only},
    {"measures", measures},
    {"measures_slowly", measures_slowly},
    {"needs", needs},
    {"needs_in_the_end", needs_in_the_end},
    {"no_claim", no_claim},
    {"overflows", overflows},
    {"refuses", refuses},
    {"rejects", rejects},
    {"shows_slowly", shows_slowly},
    {"speaks", speaks},
    {"stuck", stuck},
    {"stuck_child", stuck_child},
    {"stuck_threads", stuck_threads},
    {"tells", tells},
    {"terminated", terminated},
    {"threads_fail", threads_fail},
    {"threads_need", threads_need},
    {"throws", throws},
    {"two_children_fail", two_children_fail},
};

}  // namespace

int main(int argc, char** argv) {
  const auto scenario = scenarios.find(argc < 2 ? "" : argv[1]);
  if (scenario == scenarios.end()) return 99;
  pdc::Program program(argc - 1, argv + 1,
                       {{"threads", 4, "runners", {2, 64}},
                        {"ratio", 0.5, "part of the whole", {0.1, 1}},
                        {"where", "main", "where it happens"},
                        {"what", "runtime", "what is thrown"},
                        {"mode", "fast", "how"},
                        {"nodes", 1, "computers", {1, 8}},
                        {"loud", false, "with more noise"}});
  scenario->second(program);
  return program.finish();
}
