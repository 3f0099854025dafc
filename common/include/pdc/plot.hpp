// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

/// Curves, such as the measured beside the predicted ones.
namespace pdc {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  // in the order in which they are joined
  bool predicted = false;                         // drawn as a dashed line without dots
};

struct Axis {
  std::string name;  // with the unit
  bool logarithmic = false;
};

/// Adds the curves to the pictures of --svg. The terminal shows nothing: there the program prints
/// its table. Requires: at most four curves; numbers above 0 on a logarithmic axis; a pdc::Program;
/// not within a scene, main thread. MPI: rank 0 alone draws.
void plot(const std::string& title, const Axis& x, const Axis& y, const std::vector<Curve>& curves);

}  // namespace pdc
