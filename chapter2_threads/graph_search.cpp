// Graph search: level by level, and a vertex that several threads find belongs to one of them.
//
// Concept   A breadth-first search goes from level to level: all that is one edge away, then two
//           edges, and so on. The vertices of a level can be looked at at the same time. But two of
//           them may find the same neighbour, and both see that nobody has it. Compare-exchange
//           claims it for the first one alone: it is visited once.
// Shows     std::atomic_ref, compare_exchange_strong, tbb::parallel_for_each
// Run       graph_search --threads 4 --vertices 16384
// You see   4 threads that claim the same vertices, then one for each; then the levels of a graph
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

/// Right: only one of those who come at the same time finds `none` there.
bool claim(Tree& tree, int vertex, int from) {
  if (tree.look(vertex) != none) return false;  // only spares the dearer operation
  int expected = none;
  return std::atomic_ref(tree.parents[vertex]).compare_exchange_strong(expected, from);
}

/// Wrong on purpose: between the look and the store, others look as well.
bool look_and_claim(Tree& tree, int vertex, int from) {
  if (tree.look(vertex) != none) return false;
  const std::atomic_ref parent(tree.parents[vertex]);
  if (parent != none) pdc::fault("claimed twice");
  parent = from;
  return true;
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
    tbb::concurrent_vector<int> next;
    tbb::parallel_for_each(level, [&](int from) {
      found.distances[from] = distance;  // no other thread has this vertex
      for (const int to : graph[from]) {
        if (claim(found.tree, to, from)) next.push_back(to);
      }
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

/// A ring, with a chord from each vertex to any other.
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

constexpr int shared_neighbours = 4;

/// Each thread stands at a vertex of the same level, and all have the same neighbours. Returns how
/// often one was claimed.
int claim_together(bool (*claim_one)(Tree&, int, int), int threads) {
  pdc::Meeting all_have_looked(threads);
  Tree tree{std::vector(shared_neighbours, none), &all_have_looked};
  std::atomic<int> claimed = 0;
  {
    std::vector<std::jthread> searching;
    for (int i = 0; i < threads; ++i) {
      searching.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
        for (int vertex = 0; vertex < shared_neighbours; ++vertex) {
          const auto work = lane.work("vertex {}", vertex);
          if (claim_one(tree, vertex, i)) ++claimed;
        }
      });
    }
  }  // ~jthread joins here
  return claimed;
}

/// Whether each vertex was found from a neighbour that is one edge nearer.
bool is_tree(const Graph& graph, const Found& found, int source) {
  for (int v = 0; v < std::ssize(graph); ++v) {
    const int parent = found.tree.parents[v];
    if (v == source) continue;
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

  const int twice = program.scene("a look and a store", claim_together, look_and_claim, n);
  const int once = program.scene("compare-exchange", claim_together, claim, n);
  const Found found = program.scene("level by level", search, graph, source);

  pdc::check(twice == n * shared_neighbours,
             "with a look and a store, every thread claims every vertex",
             "{} times for {} vertices", twice, shared_neighbours);
  pdc::check(once == shared_neighbours, "with compare-exchange, each vertex is claimed once",
             "{} times for {} vertices", once, shared_neighbours);
  pdc::check(found.distances == search_serially(graph, source),
             "level by level, each vertex has the distance that the serial search finds",
             "{} levels", std::ranges::max(found.distances) + 1);
  pdc::check(found.visits == graph.size(), "level by level, each vertex is visited once",
             "{} visits, {} vertices", found.visits, graph.size());
  pdc::check(is_tree(graph, found, source),
             "each vertex was found from a neighbour that is one edge nearer to the source");
  return program.finish();
}
