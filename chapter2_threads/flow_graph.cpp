// Flow graph: steps with more than one way through, and a limit for what is on the way.
//
// Concept   Each node of the graph computes as soon as its message has come, and sends the result
//           along its edges. Where two ways meet again, a join puts together what belongs to one
//           number. Nodes keep what they cannot send on, so a fast reader fills the memory: a
//           limiter lets in a fixed number, and the next only when one has been written.
// Shows     tbb::flow::graph, input_node, limiter_node, function_node, join_node, make_edge
// Run       flow_graph --numbers 8 --limit 3
// You see   without a limiter 8 of 8 numbers are in the graph at once, with it 3
// Next      pipeline is the same without branches; channel keeps a fast sender back without threads

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <tbb/flow_graph.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

namespace {

namespace flow = tbb::flow;

struct Part {  // one side of what is known of a number
  int number;
  std::int64_t value;
};
using Pair = std::tuple<Part, Part>;

std::int64_t add_up_powers(int n, int exponent) {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays more work
  std::int64_t sum = 0;
  for (std::int64_t i = 1; i <= n; ++i) sum += exponent == 1 ? i : i * i * i;
  return sum;
}

struct Seen {
  std::vector<int> times;  // that each number came out, with its sum
  int squares = 0;         // pairs whose cubes add up to the square of the sum
  int in_graph = 0;        // numbers, at most at once
};

Seen run_graph(bool limited, int numbers, int limit) {
  Seen seen{std::vector<int>(numbers + 1)};
  pdc::Gauge in_graph;
  std::atomic<bool> any_pair = false;
  const pdc::Lane adder("adder"), writer("writer");
  std::vector<pdc::Lane> lanes;
  for (int n = 1; n <= numbers; ++n) lanes.push_back(pdc::Lane("number {}", n));
  std::vector<std::optional<pdc::Span>> stays(numbers + 1);

  flow::graph graph;
  flow::input_node<int> read(graph, [&, next = 1](tbb::flow_control& control) mutable {
    if (next > numbers) control.stop();
    return next++;
  });
  flow::limiter_node<int> limiter(graph, static_cast<std::size_t>(limit));
  flow::function_node<int, Part> sum(graph, flow::serial, [&](int n) -> Part {
    const auto work = adder.work("{}", n);
    return {n, add_up_powers(n, 1)};
  });
  flow::function_node<int, Part> cubes(graph, flow::unlimited, [&](int n) -> Part {
    in_graph.enter();
    stays[n].emplace(lanes[n - 1].hold("in the graph"));
    if (n == 1) any_pair.wait(false);  // forced: others overtake the first number here
    return {n, add_up_powers(n, 3)};
  });
  const auto number_of = [](const Part& part) { return part.number; };
  flow::join_node<Pair, flow::key_matching<int>> join(graph, number_of, number_of);
  flow::function_node<Pair, Pair> tell(graph, flow::serial, [&](const Pair& pair) {
    any_pair = true;
    any_pair.notify_all();
    return pair;
  });
  flow::queue_node<Pair> ready(graph);
  flow::function_node<Pair, flow::continue_msg> write(graph, flow::serial, [&](const Pair& pair) {
    const auto& [number, its_sum] = std::get<0>(pair);
    const auto work = writer.work("{}", number);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays a slow disk
    if (its_sum == number * (number + 1) / 2) ++seen.times[number];
    if (std::get<1>(pair).value == its_sum * its_sum) ++seen.squares;
    in_graph.leave();
    stays[number].reset();
    return flow::continue_msg();
  });

  if (limited) {
    flow::make_edge(read, limiter);
    flow::make_edge(limiter, sum);
    flow::make_edge(limiter, cubes);
    flow::make_edge(write, limiter.decrementer());  // one written, one let in
  } else {
    flow::make_edge(read, sum);
    flow::make_edge(read, cubes);
  }
  flow::make_edge(sum, flow::input_port<0>(join));
  flow::make_edge(cubes, flow::input_port<1>(join));
  flow::make_edge(join, tell);
  flow::make_edge(tell, ready);
  read.activate();
  graph.wait_for_all();  // forced: the graph does all that it can before the first pair is written
  if (in_graph.inside() > limit) pdc::fault("too many in the graph");
  for (Pair pair; ready.try_get(pair);) {
    write.try_put(pair);
    graph.wait_for_all();  // forced: and again, before the next one is written
  }
  seen.in_graph = in_graph.most();
  return seen;
}

Seen run_on_threads(bool limited, int numbers, int limit) {
  const tbb::global_control more_than_cores(tbb::global_control::max_allowed_parallelism, 3);
  return tbb::task_arena(3).execute([&] { return run_graph(limited, numbers, limit); });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"numbers", 8, "numbers to read", {2, 64}},
                        {"limit", 3, "numbers in the graph at once, at most", {2, 64}}});
  const int n = program.integer("numbers"), limit = std::min(program.integer("limit"), n);

  const Seen without = program.scene("without a limiter", run_on_threads, false, n, limit);
  const Seen with = program.scene("with a limiter", run_on_threads, true, n, limit);

  pdc::check(without.in_graph == n, "without a limiter, all numbers are in the graph at once",
             "{} of {}", without.in_graph, n);
  pdc::check(with.in_graph == limit,
             "with a limiter, as many numbers are in the graph as it lets in, and never more",
             "{} of {}", with.in_graph, n);
  const auto once = [](const Seen& seen) { return std::ranges::count(seen.times, 1); };
  pdc::check(once(without) == n && once(with) == n, "every number comes out once, with its sum",
             "{} and {} of {}", once(without), once(with), n);
  pdc::check(with.squares == n, "joined by their number, the cubes are the square of the sum",
             "{} of {}", with.squares, n);
  return program.finish();
}
