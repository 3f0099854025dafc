// State machine: each state is a coroutine, which says what state comes next.
//
// Concept   A state machine is in one of a few states, and each input takes it to the next, until
//           an end state. If a state awaits the next one, it is not over itself: frames pile up
//           along the path. If it returns the next one, it is over, and a loop goes on.
// Shows     boost::asio::awaitable, co_await, co_return, boost::asio::co_spawn, boost::asio::post
// Python    async def, await
// Run       state_machine --robots 2 --inputs 5 --seed 2
// You see   the same paths twice: with a frame for each state on the way, and with one for all
// Next      channel brings inputs as they come; async_futures joins loop and threads

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <list>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
enum State { cutting, polishing, testing, done };

struct Robot {
  int number;
  std::string planned;       // the states that a table leads to, by their initials
  std::vector<bool> inputs;  // whether a step goes well
  std::string path = {};     // the states that were visited
  pdc::Gauge entered = {};   // states that are not over
  pdc::Gauge frames = {};    // of coroutines that have entered states, and are not over
};

struct Hall {
  asio::io_context loop;
  std::list<Robot> robots;
};

/// What is done in every state: work, and give the turn back.
asio::awaitable<bool> work(Robot& robot, const pdc::Lane& lane, std::string_view what) {
  auto work = lane.work("{}", what);
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the work on a piece
  work.end();
  robot.path += what[0];
  const auto wait = lane.wait("its turn");
  co_await asio::post(asio::use_awaitable);  // the other robots have theirs
  co_return robot.inputs.at(robot.path.size() - 1);
}

asio::awaitable<State> cut(Robot& robot, const pdc::Lane& lane) {
  const auto visit = robot.entered.visit();
  co_return co_await work(robot, lane, "cut") ? polishing : cutting;
}

asio::awaitable<State> polish(Robot& robot, const pdc::Lane& lane) {
  const auto visit = robot.entered.visit();
  co_return co_await work(robot, lane, "polish") ? testing : cutting;
}

asio::awaitable<State> test(Robot& robot, const pdc::Lane& lane) {
  const auto visit = robot.entered.visit();
  co_return co_await work(robot, lane, "test") ? done : polishing;
}

constexpr std::array states = {cut, polish, test};
static_assert(states.size() == done);

asio::awaitable<void> loop_over(Robot& robot, State state) {
  const auto frame = robot.frames.visit();
  const pdc::Lane lane(pdc::task, "robot {} frame 1", robot.number);
  while (state != done) state = co_await states[state](robot, lane);
}

/// Wrong on purpose: a state enters the next one itself, and stays till the end of all.
asio::awaitable<void> nest(Robot& robot, State state) {
  const auto frame = robot.frames.visit();
  const pdc::Lane lane(pdc::task, "robot {} frame {}", robot.number, robot.frames.inside());
  const State next = co_await states[state](robot, lane);
  if (next == done) co_return;
  const auto wait = lane.wait("the states after it");
  co_await nest(robot, next);
}

/// By a table; at last all goes well, so it ends.
void plan(std::mt19937& random, int inputs, Robot& robot) {
  const std::map<char, std::string_view> table = {{'c', "cp"}, {'p', "ct"}, {'t', "pd"}};
  for (int left = inputs; robot.planned.back() != 'd'; --left) {
    robot.inputs.push_back(left <= 0 || random() % 2 == 1);
    robot.planned += table.at(robot.planned.back())[robot.inputs.back()];
  }
}

void run_all(Hall& hall, const pdc::Program& program, decltype(nest)* walk) {
  std::mt19937 random(static_cast<unsigned>(program.integer("seed")));
  for (int i = 0; i < program.integer("robots"); ++i) {
    Robot& robot = hall.robots.emplace_back(i, "c");
    plan(random, program.integer("inputs"), robot);
    asio::co_spawn(hall.loop, walk(robot, cutting), [&robot](std::exception_ptr error) {
      pdc::rethrow(error);
      robot.path += 'd';
    });
  }
  hall.loop.run();  // all of them on this thread, in turns
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"robots", 2, "robots on one thread", {1, 9}},
                        {"inputs", 5, "inputs of each; then all goes well", {0, 20}},
                        {"seed", 2, "of the inputs"}});
  Hall nested, looped;

  program.scene("each state awaits the next", run_all, nested, program, nest);
  program.scene("a loop enters each state", run_all, looped, program, loop_over);

  const auto as_planned = [](const Robot& r) { return r.path == r.planned; };
  const auto piled = [](const Robot& r) { return r.frames.most() == std::ssize(r.planned) - 1; };
  const auto one = [](const Robot& r) { return r.frames.most() == 1 && r.entered.most() == 1; };
  pdc::check(std::ranges::all_of(nested.robots, as_planned) &&
                 std::ranges::all_of(looped.robots, as_planned),
             "all robots go the way of the table, to its end", "{}", looped.robots.front().path);
  pdc::check(std::ranges::all_of(nested.robots, piled),
             "where a state awaits the next, a frame stays for each state on the way", "{}",
             nested.robots.front().frames.most());
  pdc::check(std::ranges::all_of(looped.robots, one),
             "where a loop enters each state, a robot has one frame and one state at a time", "{}",
             looped.robots.front().frames.most());
  return program.finish();
}
