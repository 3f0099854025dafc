// SPDX-License-Identifier: MIT
#include "speak/show.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "end/end.hpp"
#include "picture/chart.hpp"
#include "picture/svg.hpp"
#include "picture/trace.hpp"
#include "run/run.hpp"
#include "speak/file.hpp"
#include "speak/print.hpp"
#include "speak/terminal.hpp"

namespace pdc::detail {
namespace {

/// The picture that --scene asks for. Ends the program if there is none: which there are, only the
/// end knows.
Picture find_scene(const Run& r) {
  std::string titles;
  for (std::size_t i = 0; i < r.pictures.size(); ++i) {
    const Picture& picture = r.pictures[i];
    if (r.svg_scene == std::to_string(i + 1) || r.svg_scene == picture.title) return picture;
    titles += fmt::format("{}{} '{}'", i == 0 ? "" : ", ", i + 1, picture.title);
  }
  end_program(2, fmt::format("--scene '{}' is none of the scenes: {}", r.svg_scene, titles));
}

/// FILE.svg, and FILE-2.svg and so on if one is not enough.
void write_svg(const Run& r) {
  const auto pictures = r.svg_scene.empty() ? r.pictures : std::vector{find_scene(r)};
  const std::filesystem::path first = r.svg_file;
  const std::vector<std::string> sheets = svg(r.name, r.summary, pictures);
  write_file(first, sheets[0]);
  for (std::size_t i = 1; i < sheets.size(); ++i) {
    const std::string stem = fmt::format("{}-{}", first.stem().string(), i + 1);
    write_file(first.parent_path() / (stem + first.extension().string()), sheets[i]);
  }
}

}  // namespace

void add_drawing(std::string_view title, std::string drawing, double height) {
  Picture& picture = run().pictures.emplace_back();
  picture.title = title;
  picture.drawing = std::move(drawing);
  picture.drawing_height = height;
}

void print_chart(Picture& picture) {
  Run& r = run();
  follow_scale(picture, r.chart_scale);
  const std::string text = chart(picture, chart_width(), in_colour());
  if (!text.empty() && r.claims.empty()) r.names_due = true;  // once is enough
  write_out(text);
}

void name_svg() {
  if (std::exchange(run().names_due, false) && run().svg_file.empty())
    write_out("  --svg FILE draws it with names\n");
}

void write_pictures() {
  const Run& r = run();
  if (!r.svg_file.empty()) write_svg(r);
  if (!r.trace_file.empty()) write_file(r.trace_file, trace(r.name, r.pictures));
}

}  // namespace pdc::detail
