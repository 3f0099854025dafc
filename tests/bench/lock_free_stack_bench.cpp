// SPDX-License-Identifier: MIT
/// A push and a pop, by two threads at once: the very stack of the page `lock_free_stack`,
/// and Boost's, whose nodes are a fixed pool as well.

#define main lock_free_stack_main  // its page is a whole program, and the stack is inside
#include "lock_free_stack.cpp"
#undef main

#include <benchmark/benchmark.h>

#include <boost/lockfree/stack.hpp>

namespace {

constexpr Node nodes = 16;

Stack<CountedHead> this_one(nodes);
void this_stack(benchmark::State& state) {
  const Gap nothing = do_nothing;
  const Node first = static_cast<Node>(state.thread_index()) + 1;
  Node node = first;
  for (auto _ : state) {
    this_one.push(node, nothing);
    node = this_one.pop(nothing);
  }
  benchmark::DoNotOptimize(node);
}
BENCHMARK(this_stack)->Threads(2)->UseRealTime();

boost::lockfree::stack<Node, boost::lockfree::capacity<nodes>> boosts;
void boost_stack(benchmark::State& state) {
  Node node = 1;
  for (auto _ : state) {
    boosts.push(node);
    boosts.pop(node);
  }
  benchmark::DoNotOptimize(node);
}
BENCHMARK(boost_stack)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
