// Graph search: level by level, and a vertex that several threads find belongs to one of them.
//
// Concept   A breadth-first search goes from level to level: all that is one edge away, then two
//           edges, and so on. The vertices of a level can be looked at at the same time. But two of
//           them may find the same neighbour, and both see that nobody has it. Compare-exchange
//           claims it for the first one alone: it is visited once.
// Shows     std::atomic_ref, compare_exchange_strong, tbb::parallel_for_each
// Run       graph_search --threads 4 --dimensions 14
// You see   4 threads that take the same vertices, then one for each; then the levels of a graph
// Next      mandelbrot_threads shares out uneven work; atomics says what compare-exchange does

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <tbb/concurrent_vector.h>
#include <tbb/parallel_for_each.h>

#include <atomic>
#include <bit>
#include <thread>
#include <vector>

namespace {

using Graph = std::vector<std::vector<int>>;  // the neighbours of each vertex
using Level = tbb::concurrent_vector<int>;
constexpr int none = -1;

struct Tree {
  std::vector<int> parents;                 // from which vertex each one was found first
  pdc::Meeting* all_have_looked = nullptr;  // of the attack
  int look(int vertex) {
    const int parent = std::atomic_ref(parents[vertex]).load();
    if (all_have_looked != nullptr) all_have_looked->meet();  // forced: before one claims it
    return parent;
  }
};

/// Right: of those that claim a neighbour at the same time, compare-exchange succeeds for one alone.
void visit(Tree& tree, const std::vector<int>& neighbours, int from, Level& next) {
  for (const int to : neighbours) {
    if (tree.look(to) != none) continue;  // only spares the dearer operation
    int expected = none;
    if (std::atomic_ref(tree.parents[to]).compare_exchange_strong(expected, from))
      next.push_back(to);
  }
}

/// Wrong on purpose: between the look and the store, others look as well.
void look_and_visit(Tree& tree, const std::vector<int>& neighbours, int from, Level& next) {
  for (const int to : neighbours) {
    if (tree.look(to) != none) continue;
    const std::atomic_ref parent(tree.parents[to]);
    if (to == 0 && parent != none) pdc::fault("claimed twice");  // a few marks do
    parent = from;
    next.push_back(to);
  }
}

struct Found {
  Tree tree;
  std::vector<int> distances;  // in edges
  int visits = 0;
};

Found search(const Graph& graph, int source) {
  Found found{{std::vector(graph.size(), none)}, std::vector(graph.size(), none)};
  found.tree.parents[source] = source;
  const pdc::Lane lane("levels");
  std::vector<int> level{source};
  for (int distance = 0; !level.empty(); ++distance) {
    const auto work = lane.work("{}: {}", distance, level.size());
    Level next;
    tbb::parallel_for_each(level, [&](int from) {
      found.distances[from] = distance;  // no other thread has this vertex
      visit(found.tree, graph[from], from, next);
    });  // returns when the whole level is done
    found.visits += static_cast<int>(level.size());
    level.assign(next.begin(), next.end());
  }
  return found;
}

/// The vertices of all threads have the same neighbours. Returns how many the next level has.
int visit_together(decltype(visit)* visit_one, int threads) {
  const std::vector neighbours{0, 1, 2, 3};
  pdc::Meeting all_have_looked(threads);
  Tree tree{std::vector(neighbours.size(), none), &all_have_looked};
  Level next;
  std::vector<std::jthread> searching;
  for (int i = 0; i < threads; ++i) {
    searching.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
      const auto work = lane.work("visits {} neighbours", neighbours.size());
      visit_one(tree, neighbours, i, next);
    });
  }
  searching.clear();  // joins
  return static_cast<int>(next.size());
}

/// Neighbours differ in one binary digit, so the distance from corner 0 is the number of ones.
Graph make_cube(int corners) {
  Graph graph(corners);
  for (int corner = 0; corner < corners; ++corner) {
    for (int digit = 1; digit < corners; digit *= 2) graph[corner].push_back(corner ^ digit);
  }
  return graph;
}

std::vector<int> count_ones(int corners) {
  std::vector<int> ones;
  for (unsigned i = 0; std::ssize(ones) < corners; ++i) ones.push_back(std::popcount(i));
  return ones;
}

/// Whether each corner was found from one that is a digit nearer to corner 0, and that from itself.
bool is_tree(const std::vector<int>& parents) {
  for (int corner = 1; corner < std::ssize(parents); ++corner) {
    const int digit = corner ^ parents[corner];
    if (!std::has_single_bit(static_cast<unsigned>(digit)) || (corner & digit) == 0) return false;
  }
  return parents[0] == 0;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 4, "threads that find the same vertices", {2, 64}},
                        {"dimensions", 14, "of the cube to search", {4, 18}}});
  const int n = program.integer("threads"), corners = 1 << program.integer("dimensions");

  const int wrong = program.scene("a look and a store", visit_together, look_and_visit, n);
  const int right = program.scene("compare-exchange", visit_together, visit, n);
  const Found found = program.scene("level by level", search, make_cube(corners), 0);

  pdc::check(wrong == 4 * n,
             "with a look and a store, every thread takes every vertex into the next level",
             "{} times for 4 vertices", wrong);
  pdc::check(right == 4, "with compare-exchange, each vertex is taken into the next level once",
             "{} times for 4 vertices", right);
  pdc::check(found.distances == count_ones(corners),
             "level by level, each vertex has the distance that its number says");
  pdc::check(found.visits == corners, "level by level, each vertex is visited once",
             "{} visits, {} vertices", found.visits, corners);
  pdc::check(is_tree(found.tree.parents),
             "each vertex was found from a neighbour that is one edge nearer to the source");
  return program.finish();
}
