// SPDX-License-Identifier: MIT
#include "pdc/plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "picture/drawing.hpp"
#include "run/world.hpp"
#include "speak/show.hpp"

namespace pdc {
namespace {

/// Numbers along an axis, and its ticks.
class Scale {
 public:
  /// `first` and `last` are its ends in the picture. A linear one begins at 0, if `from_zero`.
  Scale(const Axis& axis, std::vector<double> values, double first, double last, bool from_zero)
      : log_(axis.logarithmic), first_(first), last_(last) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    if (log_)
      set_powers(values);
    else if (!from_zero && are_counts(values))
      ticks_ = std::move(values);
    else
      set_round_steps(values, from_zero);
    if (ticks_.size() < 2) ticks_.push_back(ticks_.back() + 1);
  }

  const std::vector<double>& ticks() const { return ticks_; }

  double at(double value) const {
    const double from = ticks_.front(), to = ticks_.back();
    const double part =
        log_ ? std::log(value / from) / std::log(to / from) : (value - from) / (to - from);
    return first_ + (last_ - first_) * part;
  }

 private:
  static bool are_whole(const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double v) { return v == std::floor(v); });
  }

  /// Few enough for a tick each.
  static bool are_counts(const std::vector<double>& values) {
    return are_whole(values) && values.size() > 2 && values.size() <= 8;
  }

  void set_powers(const std::vector<double>& values) {
    const double base = values.back() / values.front() > 100 ? 10 : 2;
    double tick = std::pow(base, std::floor(std::log(values.front()) / std::log(base) + 1e-9));
    for (; tick < values.back() * (base - 1e-9); tick *= base) ticks_.push_back(tick);
  }

  void set_round_steps(const std::vector<double>& values, bool from_zero) {
    const double lowest = from_zero ? 0 : values.front();
    const double range = std::max(values.back() - lowest, 1e-12);
    double step = std::pow(10.0, std::floor(std::log10(range)) - 1);
    for (int i = 0; range / step > 6; ++i) step *= i % 3 == 1 ? 2.5 : 2;  // 1 2 5 10 20 50
    if (are_whole(values)) step = std::max(step, 1.0);
    for (double i = std::floor(lowest / step); (i - 1) * step < values.back(); ++i)
      ticks_.push_back(i * step);
  }

  bool log_;
  double first_, last_;
  std::vector<double> ticks_;
};

/// 0.001 and 1,000,000: never with an exponent beside others without.
std::string text(double tick) {
  if (tick > 0 && tick < 1e-3)
    return fmt::format("{:.{}f}", tick, static_cast<int>(std::ceil(-std::log10(tick))));
  if (tick < 1000) return fmt::format("{:g}", tick);
  const std::string digits = fmt::format("{:.0f}", tick);
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

}  // namespace

void plot(const std::string& title, const Axis& x, const Axis& y,
          const std::vector<Curve>& curves) {
  if (!detail::is_narrator()) return;
  constexpr double left = 118, right = 660, top = 10, bottom = 230;
  std::vector<double> xs, ys;
  for (const Curve& curve : curves) {
    for (const auto& [px, py] : curve.points) {
      xs.push_back(px);
      ys.push_back(py);
    }
  }
  const Scale across(x, xs, left, right, false), up(y, ys, bottom, top, true);
  detail::Drawing out;
  for (const double tick : across.ticks()) {
    out.add(
        R"svg(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/><text class="tick" x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>)svg",
        across.at(tick), top, bottom, bottom + 16, text(tick));
  }
  for (const double tick : up.ticks()) {
    out.add(
        R"svg(<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/><text class="tick" x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>)svg",
        left, right, up.at(tick), left - 8, up.at(tick) + 4, text(tick));
  }
  out.add(R"svg(<text class="soft" x="{}" y="{}" text-anchor="middle">{}</text>)svg",
          (left + right) / 2, bottom + 36, detail::escape(x.name));
  out.add(
      R"svg(<text class="soft" x="50" y="{0}" text-anchor="middle" transform="rotate(-90 50 {0})">{1}</text>)svg",
      (top + bottom) / 2, detail::escape(y.name));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    std::string line;
    for (const auto& [px, py] : curve.points)
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? 'M' : 'L', across.at(px), up.at(py));
    const char* dashes = curve.predicted ? R"( stroke-dasharray="6 4")" : "";
    out.add(R"svg(<path class="curve c{}"{} d="{}"/>)svg", i, dashes, line);
    for (const auto& [px, py] : curve.points) {
      if (curve.predicted) continue;
      out.add(
          R"svg(<circle class="dot c{}" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}: {:g}, {:g}</title></circle>)svg",
          i, across.at(px), up.at(py), detail::escape(curve.name), px, py);
    }
    const double legend = top + 10 + 22 * static_cast<double>(i);
    out.add(
        R"svg(<path class="curve c{0}"{1} d="M{2} {3}h24"/><text x="{4}" y="{5}">{6}</text>)svg", i,
        dashes, right + 20, legend, right + 52, legend + 4, detail::escape(curve.name));
  }
  detail::add_drawing(title, out.text(), bottom + 46);
}

}  // namespace pdc
