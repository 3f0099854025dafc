// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "picture/picture.hpp"

/// Shows the run's pictures: each as a chart when its scene has ended, all as files at the end.
namespace pdc::detail {

/// Adds a drawing to the pictures of --svg: SVG elements in the classes of svg.cpp, from y = 0 down.
void add_drawing(std::string_view title, std::string drawing, double height);

/// Prints what a scene has recorded.
void print_chart(Picture& picture);

/// Tells the reader, below the last chart, where the names of what it shows are.
void name_svg();

/// Writes --svg and --trace.
void write_pictures();

}  // namespace pdc::detail
