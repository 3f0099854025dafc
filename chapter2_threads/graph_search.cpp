// Graph search: level by level, and a vertex that several threads find belongs to one of them.
//
// Concept   A breadth-first search goes from level to level: all that is one edge away, then two
//           edges, and so on. The vertices of a level can be looked at at the same time. But two of
//           them may find the same neighbour, and both see that nobody has it. Compare-exchange
//           claims it for the first one alone: it is visited once.
// Shows     std::atomic_ref, compare_exchange_strong, tbb::parallel_for_each
// Run       graph_search --threads 4 --vertices 16384
// You see   4 threads that take the same vertices, then one for each; then the levels of a graph
// Next      mandelbrot_threads shares out uneven work; atomics says what compare-exchange does

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <oneapi/tbb/concurrent_vector.h>
#include <oneapi/tbb/parallel_for_each.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <queue>
#include <random>
#include <thread>
#include <vector>

namespace {

using Graph = std::vector<std::vector<int>>;  // the neighbours of each vertex
constexpr int none = -1;

/// From which vertex each one was found first.
struct Tree {
  std::vector<int> parents;
  pdc::Meeting* all_have_looked = nullptr;  // of the attack

  int look(int vertex) {
    const int parent = std::atomic_ref(parents[vertex]).load();
    if (all_have_looked != nullptr) all_have_looked->meet();  // forced: before one claims it
    return parent;
  }
};

/// Right: of those that come at the same time, compare-exchange succeeds for one alone.
bool claim(Tree& tree, int vertex, int from) {
  if (tree.look(vertex) != none) return false;  // only spares the dearer operation
  int expected = none;
  return std::atomic_ref(tree.parents[vertex]).compare_exchange_strong(expected, from);
}

/// Wrong on purpose: between the look and the store, others look as well.
bool look_and_claim(Tree& tree, int vertex, int from) {
  if (tree.look(vertex) != none) return false;
  const std::atomic_ref parent(tree.parents[vertex]);
  if (vertex == 0 && parent != none) pdc::fault("claimed twice");  // a few marks do
  parent = from;
  return true;
}

using Level = tbb::concurrent_vector<int>;

/// Right: what it claims, and nothing else, goes into the next level.
void visit(Tree& tree, const std::vector<int>& neighbours, int from, Level& next) {
  for (const int to : neighbours) {
    if (claim(tree, to, from)) next.push_back(to);
  }
}

/// Wrong on purpose: several threads may put the same neighbour into the next level.
void look_and_visit(Tree& tree, const std::vector<int>& neighbours, int from, Level& next) {
  for (const int to : neighbours) {
    if (look_and_claim(tree, to, from)) next.push_back(to);
  }
}

struct Found {
  Tree tree;
  std::vector<int> distances;  // in edges
  std::size_t visits = 0;
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
    found.visits += level.size();
    level.assign(next.begin(), next.end());
  }
  return found;
}

/// The reference, one vertex after the other.
std::vector<int> search_serially(const Graph& graph, int source) {
  std::vector<int> distances(graph.size(), none);
  distances[source] = 0;
  for (std::queue<int> found({source}); !found.empty(); found.pop()) {
    for (const int to : graph[found.front()]) {
      if (distances[to] != none) continue;
      distances[to] = distances[found.front()] + 1;
      found.push(to);
    }
  }
  return distances;
}

/// A ring, and one more edge from each vertex to a random one, now and then to itself.
Graph make_graph(int vertices) {
  Graph graph(vertices);
  std::minstd_rand random;
  for (int v = 0; v < vertices; ++v) {
    for (const int to : {(v + 1) % vertices, static_cast<int>(random() % vertices)}) {
      graph[v].push_back(to);
      graph[to].push_back(v);
    }
  }
  return graph;
}

const std::vector<int> shared_neighbours{0, 1, 2, 3};

/// Each thread stands at a vertex of the same level, and all have the same neighbours. Returns how
/// many vertices the next level has.
std::size_t visit_together(void (*visit_one)(Tree&, const std::vector<int>&, int, Level&),
                           int threads) {
  pdc::Meeting all_have_looked(threads);
  Tree tree{std::vector(shared_neighbours.size(), none), &all_have_looked};
  Level next;
  std::vector<std::jthread> searching;
  for (int i = 0; i < threads; ++i) {
    searching.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
      const auto work = lane.work("visits {} neighbours", shared_neighbours.size());
      visit_one(tree, shared_neighbours, i, next);
    });
  }
  searching.clear();  // joins
  return next.size();
}

/// Whether the source was found by itself, and each other vertex from a neighbour one edge nearer.
bool is_tree(const Graph& graph, const Found& found, int source) {
  for (int v = 0; v < std::ssize(graph); ++v) {
    const int parent = found.tree.parents[v];
    if (v == source) {
      if (parent != source) return false;
      continue;
    }
    if (std::ranges::count(graph[v], parent) == 0) return false;
    if (found.distances[parent] != found.distances[v] - 1) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 4, "threads that find the same vertices", {2, 64}},
                        {"vertices", 1 << 14, "vertices of the graph", {16, 1 << 18}}});
  const int n = program.integer("threads"), source = 0;
  const Graph graph = make_graph(program.integer("vertices"));

  const std::size_t wrong = program.scene("a look and a store", visit_together, look_and_visit, n);
  const std::size_t right = program.scene("compare-exchange", visit_together, visit, n);
  const Found found = program.scene("level by level", search, graph, source);

  const std::size_t once = shared_neighbours.size();
  pdc::check(wrong == n * once,
             "with a look and a store, every thread takes every vertex into the next level",
             "{} times for {} vertices", wrong, once);
  pdc::check(right == once, "with compare-exchange, each vertex is taken into the next level once",
             "{} times for {} vertices", right, once);
  pdc::check(found.distances == search_serially(graph, source),
             "level by level, each vertex has the distance that the serial search finds",
             "{} levels", std::ranges::max(found.distances) + 1);
  pdc::check(found.visits == graph.size(), "level by level, each vertex is visited once",
             "{} visits, {} vertices", found.visits, graph.size());
  pdc::check(is_tree(graph, found, source),
             "each vertex was found from a neighbour that is one edge nearer to the source");
  return program.finish();
}
