// SPDX-License-Identifier: MIT
#include "pdc/plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "runtime.hpp"

namespace pdc {
namespace {

/// Where numbers stand along an axis, and where its ticks are.
class Scale {
 public:
  Scale(const Axis& axis, double first, double last)
      : log_(axis.logarithmic), first_(first), last_(last) {}

  void include(double value) {
    lowest_ = std::min(lowest_, value);
    highest_ = std::max(highest_, value);
  }

  /// Round places; a linear axis begins at 0, a logarithmic one has powers of ten, or of two.
  std::vector<double> ticks() {
    std::vector<double> result;
    if (log_) {
      const double base = highest_ / lowest_ > 100 ? 10 : 2;
      double tick = std::pow(base, std::floor(std::log(lowest_) / std::log(base) + 1e-9));
      for (; tick < highest_ * (base - 1e-9); tick *= base) result.push_back(tick);
    } else {
      double step = std::pow(10.0, std::floor(std::log10(std::max(highest_, 1e-12))) - 1);
      for (int i = 0; highest_ / step > 6; ++i) step *= i % 3 == 1 ? 2.5 : 2;  // 1 2 5 10 20 50
      for (int i = 0; (i - 1) * step < highest_; ++i) result.push_back(i * step);
    }
    lowest_ = std::min(result.front(), log_ ? lowest_ : 0.0);
    highest_ = std::max(result.back(), highest_);
    return result;
  }

  double at(double value) const {
    const double part = log_ ? std::log(value / lowest_) / std::log(highest_ / lowest_)
                             : (value - lowest_) / (highest_ - lowest_);
    return first_ + (last_ - first_) * part;
  }

 private:
  bool log_;
  double first_, last_;  // places in the picture
  double lowest_ = std::numeric_limits<double>::infinity();
  double highest_ = 0;
};

}  // namespace

void plot(const std::string& title, const Axis& x, const Axis& y,
          const std::vector<Curve>& curves) {
  if (!detail::is_narrator()) return;
  constexpr double left = 118, right = 660, top = 10, bottom = 260;
  Scale across(x, left, right), up(y, bottom, top);
  for (const Curve& curve : curves) {
    for (const auto& [px, py] : curve.points) {
      across.include(px);
      up.include(py);
    }
  }
  std::string drawing;
  const auto add = [&]<class... Args>(fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(drawing), text, std::forward<Args>(args)...);
    drawing += '\n';
  };
  const auto across_ticks = across.ticks(), up_ticks = up.ticks();
  for (const double tick : across_ticks) {
    add(R"svg(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/><text class="tick" x="{0:.1f}" y="{3}" text-anchor="middle">{4:g}</text>)svg",
        across.at(tick), top, bottom, bottom + 16, tick);
  }
  for (const double tick : up_ticks) {
    add(R"svg(<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/><text class="tick" x="{3}" y="{4:.1f}" text-anchor="end">{5:g}</text>)svg",
        left, right, up.at(tick), left - 8, up.at(tick) + 4, tick);
  }
  add(R"svg(<text class="soft" x="{}" y="{}" text-anchor="middle">{}</text>)svg",
      (left + right) / 2, bottom + 36, detail::escape(x.name));
  add(R"svg(<text class="soft" x="50" y="{0}" text-anchor="middle" transform="rotate(-90 50 {0})">{1}</text>)svg",
      (top + bottom) / 2, detail::escape(y.name));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    std::string line;
    for (const auto& [px, py] : curve.points)
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? 'M' : 'L', across.at(px), up.at(py));
    const char* dashes = curve.predicted ? R"( stroke-dasharray="6 4")" : "";
    add(R"svg(<path class="curve c{}"{} d="{}"/>)svg", i, dashes, line);
    for (const auto& [px, py] : curve.points) {
      if (curve.predicted) continue;
      add(R"svg(<circle class="dot c{}" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}: {:g}, {:g}</title></circle>)svg",
          i, across.at(px), up.at(py), detail::escape(curve.name), px, py);
    }
    const double legend = top + 10 + 22 * static_cast<double>(i);
    add(R"svg(<path class="curve c{0}"{1} d="M{2} {3}h24"/><text x="{4}" y="{5}">{6}</text>)svg", i,
        dashes, right + 20, legend, right + 52, legend + 4, detail::escape(curve.name));
  }
  detail::add_drawing(title, std::move(drawing), bottom + 46);
}

}  // namespace pdc
