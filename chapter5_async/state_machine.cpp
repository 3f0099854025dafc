// State machine: each state is a coroutine, which says what state comes next.
//
// Concept   A state machine is in one of a few states, and each input takes it to the next, until
//           an end state. If the next is awaited from inside a state, that is not over: frames pile
//           up along the path. If each state returns the next, it is over, and a loop goes on.
// Shows     boost::asio::awaitable, co_await, co_return, boost::asio::co_spawn, boost::asio::post
// Python    async def, await
// Run       state_machine --robots 2 --inputs 6 --seed 1
// You see   the same paths twice: with a frame for each state on the way, and with one for all
// Next      channel brings inputs as they come; async_futures joins loop and threads

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
enum State : std::size_t { cutting, polishing, testing, done };

struct Robot {
  int number;
  std::vector<bool> inputs;  // whether a step goes well
  std::string planned;       // the states that a table leads to, by their initials
  std::string path = {};     // the states that were visited
  std::shared_ptr<int> alive = std::make_shared<int>();  // with a copy in each frame
  long frames = 0;                                       // most of them at once
};

/// What is done in every state: work, and give the turn back.
asio::awaitable<bool> work(Robot& robot, const pdc::Lane& lane, std::string_view what) {
  auto work = lane.work("{}", what);
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the work on a piece
  work.end();
  robot.frames = std::max(robot.frames, robot.alive.use_count() - 1);
  robot.path += what[0];
  const auto wait = lane.wait("its turn");
  co_await asio::post(asio::use_awaitable);
  co_return robot.inputs.at(robot.path.size() - 1);
}

asio::awaitable<State> cut(Robot& robot, const pdc::Lane& lane) {
  co_return co_await work(robot, lane, "cut") ? polishing : cutting;
}

asio::awaitable<State> polish(Robot& robot, const pdc::Lane& lane) {
  co_return co_await work(robot, lane, "polish") ? testing : cutting;
}

asio::awaitable<State> test(Robot& robot, const pdc::Lane& lane) {
  co_return co_await work(robot, lane, "test") ? done : polishing;
}

constexpr std::array states = {cut, polish, test};

/// Wrong on purpose: who is in a state enters the next from there, and stays till the end of all.
asio::awaitable<void> nest(Robot& robot, State state) {
  const auto frame = robot.alive;
  const pdc::Lane lane(pdc::task, "robot {} frame {}", robot.number, frame.use_count() - 1);
  const State next = co_await states[state](robot, lane);
  if (next == done) co_return;
  const auto wait = lane.wait("the states after it");
  co_await nest(robot, next);
}

asio::awaitable<void> loop_over(Robot& robot, State state) {
  const auto frame = robot.alive;
  const pdc::Lane lane(pdc::task, "robot {} frame 1", robot.number);
  while (state != done) state = co_await states[state](robot, lane);
}

/// At last all goes well: this cannot go on for ever.
Robot plan(int number, int inputs, std::mt19937& random) {
  const std::map<char, std::string_view> table = {{'c', "cp"}, {'p', "ct"}, {'t', "pd"}};
  Robot robot{number, {}, "c"};
  for (int left = inputs; robot.planned.back() != 'd'; --left) {
    robot.inputs.push_back(left <= 0 || random() % 2 == 1);
    robot.planned += table.at(robot.planned.back())[robot.inputs.back()];
  }
  return robot;
}

std::list<Robot> run_all(const pdc::Program& program, decltype(nest)* walk) {
  std::mt19937 random(static_cast<unsigned>(program.integer("seed")));
  asio::io_context loop;
  std::list<Robot> robots;
  for (int i = 0; i < program.integer("robots"); ++i) {
    Robot& robot = robots.emplace_back(plan(i, program.integer("inputs"), random));
    asio::co_spawn(loop, walk(robot, cutting), [&](std::exception_ptr error) {
      pdc::rethrow(error);
      robot.path += 'd';
    });
  }
  loop.run();  // all of them on this thread, in turns
  return robots;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"robots", 2, "robots on one thread", {1, 9}},
                        {"inputs", 6, "inputs of each; then all goes well", {0, 20}},
                        {"seed", 1, "of the inputs"}});

  const auto nested = program.scene("each state awaits the next", run_all, program, nest);
  const auto looped = program.scene("a loop enters each state", run_all, program, loop_over);

  const auto as_planned = [](const Robot& r) { return r.path == r.planned; };
  const auto piled = [](const Robot& r) { return r.frames == std::ssize(r.planned) - 1; };
  const auto one = [](const Robot& r) { return r.frames == 1; };
  pdc::check(std::ranges::all_of(nested, as_planned) && std::ranges::all_of(looped, as_planned),
             "all went the way of the table, to its end", "{}", looped.front().path);
  pdc::check(std::ranges::all_of(nested, piled),
             "awaited from inside, a frame stayed for each state", "{}", nested.front().frames);
  pdc::check(std::ranges::all_of(looped, one), "entered by a loop, all had one frame", "{}",
             looped.front().frames);
  return program.finish();
}
