// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Who waits for whom: the wait-for graph of a deadlock, its cycle and its picture; and a graph that
/// has no cycle, such as that of tasks.
namespace pdc {

/// Thread safety: as that of a vector; what several threads know is put in behind a lock.
///
///     graph.add("philosopher 0", "fork 1", "philosopher 1");
class WaitForGraph {
 public:
  /// `who` waits for `what`, and `whom` holds it.
  void add(std::string who, std::string what, std::string whom);

  /// Those who wait for one another in a circle, each for the next and the last for the first,
  /// from the first in the alphabet on; empty if there is no circle. Found by depth-first search
  /// (Cormen et al., Introduction to Algorithms, 22.3: a back edge closes a cycle).
  std::vector<std::string> cycle() const;

  /// Prints a line for each who waits, and adds the graph to the pictures of --svg, the cycle in
  /// red. Requires: a pdc::Program; not within a scene, main thread. MPI: rank 0 alone draws.
  void draw(std::string_view title) const;

 private:
  struct Wait {
    std::string who, what, whom;
  };
  std::vector<Wait> waits_;
};

/// From one node to another, both by their names.
struct Edge {
  std::string from, to;
};

/// Prints a graph without a cycle, layer by layer, and adds it to the pictures of --svg: on top the
/// nodes that no edge leads to, and every edge leads down. Requires: no cycle; a pdc::Program; not
/// within a scene, main thread. MPI: rank 0 alone draws.
void draw_graph(std::string_view title, const std::vector<Edge>& edges);

}  // namespace pdc
