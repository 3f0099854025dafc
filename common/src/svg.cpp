// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "picture.hpp"

/// The picture as SVG: quiet lanes, one colour for each kind, waiting hatched, readable on light
/// and dark pages. Only plain classes and one pattern, no CSS variables: every renderer draws it.
namespace pdc::detail {
namespace {

constexpr double width = 860;
constexpr double left = 118;       // where the lanes begin
constexpr double right = 844;      // and end
constexpr double character = 6.2;  // of the 11px font, generously

constexpr const char* head = R"svg(<style>
  text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .scene { font-weight: 600; }
  .soft { fill: #59636e; }
  .tick { font-size: 11px; fill: #59636e; font-variant-numeric: tabular-nums; }
  .in { font-size: 11px; fill: #fff; }
  .in-wait { font-size: 11px; fill: #6b4700; paint-order: stroke; stroke: #fdf1d6; stroke-width: 3px; }
  .grid { stroke: #d1d9e0; }
  .lane { fill: #f6f8fa; }
  .work { fill: #2f6fde; }
  .wait { fill: url(#waiting); }
  .wait-back { fill: #f2b84b; fill-opacity: .28; }
  .wait-line { fill: #f2b84b; fill-opacity: .75; }
  .hold { fill: #8250df; }
  .send { fill: #1a7f5a; }
  .receive { fill: #1b8a9e; }
  .mark { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3; }
  .mark-text { font-size: 11px; fill: #cf222e; }
  .arrow { stroke: #1f2328; stroke-opacity: .6; stroke-width: 1.2; fill: none; }
  .tip { fill: #1f2328; fill-opacity: .8; }
  .node { fill: #f6f8fa; stroke: #59636e; }
  .cycle { stroke: #cf222e; stroke-width: 2; fill: none; }
  .red-tip { fill: #cf222e; }
  .on-line { font-size: 11px; paint-order: stroke; stroke: #fff; stroke-width: 4px; }
  .dot { stroke: none; }
  .c0 { stroke: #2f6fde; fill: #2f6fde; }
  .c1 { stroke: #d1690e; fill: #d1690e; }
  .c2 { stroke: #1a7f5a; fill: #1a7f5a; }
  .c3 { stroke: #8250df; fill: #8250df; }
  .curve { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .soft, .tick { fill: #9198a1; }
    .in-wait { fill: #ffe2ad; stroke: #33260d; }
    .grid { stroke: #3d444d; }
    .lane { fill: #151b23; }
    .work { fill: #3a78ea; }
    .hold { fill: #9562ec; }
    .send { fill: #238a65; }
    .receive { fill: #2190a6; }
    .mark { stroke: #ff6a69; }
    .mark-text { fill: #ff6a69; }
    .arrow { stroke: #e6edf3; }
    .tip { fill: #e6edf3; }
    .node { fill: #151b23; stroke: #9198a1; }
    .cycle { stroke: #ff6a69; }
    .red-tip { fill: #ff6a69; }
    .on-line { stroke: #0d1117; }
    .c0 { stroke: #5b93f5; }
    .c1 { stroke: #f0883e; }
    .c2 { stroke: #3fb27f; }
    .c3 { stroke: #ab7df8; }
  }
</style>
<defs>
<pattern id="waiting" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="wait-back"/><rect width="2" height="6" class="wait-line"/></pattern>
<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker>
<marker id="red-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="red-tip" d="M0 0 8 4 0 8z"/></marker>
</defs>
)svg";

/// Draws one picture below another.
class Panel {
 public:
  Panel(const Picture& picture, double top, std::string& out)
      : picture_(picture),
        top_(top + (picture.marks.empty() ? 26 : 40)),
        out_(out),
        pitch_(picture.rows.size() <= 16   ? 34
               : picture.rows.size() <= 64 ? 22
                                           : 14) {}

  /// Returns where the next panel may begin.
  double draw() {
    if (!picture_.title.empty())
      add(R"(<text class="scene" x="12" y="{:.0f}">{}</text>)",
          top_ - (picture_.marks.empty() ? 12 : 26), escape(picture_.title));
    axis();
    for (std::size_t row = 0; row < picture_.rows.size(); ++row) lane(row);
    for (const Mark& mark : picture_.marks) moment(mark);
    for (const Arrow& arrow : picture_.arrows) message(arrow);
    if (picture_.dropped > 0) {
      add(R"(<text class="tick" x="{}" y="{:.0f}" text-anchor="end">{} spans did not fit and are not shown</text>)",
          right, bottom() + 32, picture_.dropped);
    }
    return bottom() + 34;
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), text, std::forward<Args>(args)...);
    out_ += '\n';
  }

  double x(std::int64_t time) const {
    return left + (right - left) * static_cast<double>(time) /
                      static_cast<double>(std::max<std::int64_t>(picture_.duration, 1));
  }
  double y(std::size_t row) const { return top_ + pitch_ * static_cast<double>(row); }
  double bar_height() const { return pitch_ - 12 + (pitch_ < 30 ? 8 : 0); }
  double bottom() const { return y(picture_.rows.size()); }

  void axis() {
    const Axis axis = make_axis(picture_.duration, 7);
    for (std::int64_t time = 0; time <= picture_.duration; time += axis.step) {
      add(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2:.0f}"/>)", x(time),
          top_ - 4, bottom());
      const char* anchor = x(time) > right - 20 ? "end" : "middle";
      add(R"(<text class="tick" x="{:.1f}" y="{:.0f}" text-anchor="{}">{}</text>)", x(time),
          bottom() + 15, anchor, axis.text(time));
    }
  }

  void lane(std::size_t index) {
    const Row& row = picture_.rows[index];
    const double height = bar_height();
    add(R"(<rect class="lane" x="{}" y="{:.0f}" width="{}" height="{:.0f}" rx="4"/>)", left,
        y(index), right - left, height + 4);
    add(R"(<text x="{}" y="{:.1f}" text-anchor="end">{}</text>)", left - 12,
        y(index) + height / 2 + 6, escape(row.name));
    for (const Bar& bar : row.bars) {
      const double from = x(bar.begin);
      const double size = std::max(x(bar.end) - from, 1.5);
      const KindStyle& kind = style(bar.kind);
      const std::string label = escape(bar.label);
      const Axis unit = make_axis(std::max<std::int64_t>(bar.end, 1), 1);
      const auto number = [&](std::int64_t time) {
        return static_cast<double>(time) / static_cast<double>(unit.unit);
      };
      add(R"(<rect class="{}" x="{:.1f}" y="{:.0f}" width="{:.1f}" height="{:.0f}" rx="{}"><title>{}: {} {}, {:.1f} to {:.1f} {}</title></rect>)",
          kind.name, from, y(index) + 2, size, height, size > 8 ? 3 : 1, escape(row.name),
          kind.name, label, number(bar.begin), number(bar.end), unit.unit_name);
      if (pitch_ >= 22 && room(row, bar) > static_cast<double>(bar.label.size()) * character + 10) {
        add(R"(<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>)",
            bar.kind == Kind::wait ? "in-wait" : "in", from + 6, y(index) + height / 2 + 6, label);
      }
    }
  }

  /// The width in which the bar's label can stand: up to the first bar inside it.
  double room(const Row& row, const Bar& bar) const {
    std::int64_t end = bar.end;
    for (const Bar& other : row.bars) {
      if (&other > &bar && other.begin >= bar.begin && other.begin < end) end = other.begin;
    }
    return x(end) - x(bar.begin);
  }

  void moment(const Mark& mark) {
    const double at = x(mark.time);
    add(R"(<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2:.0f}"/>)", at, top_ - 6,
        bottom() - 4);
    const double half = static_cast<double>(mark.label.size()) * character / 2;
    if (at - half < last_mark_ + 6) return;  // the same words once more would only be in the way
    const char* anchor = at + half > right ? "end" : "middle";
    add(R"(<text class="mark-text" x="{:.1f}" y="{:.0f}" text-anchor="{}">{}</text>)", at,
        top_ - 10, anchor, escape(mark.label));
    last_mark_ = at + half;
  }

  void message(const Arrow& arrow) {
    const bool down = arrow.to_row > arrow.from_row;
    const double from = y(arrow.from_row) + (down ? bar_height() + 2 : 2);
    const double to = y(arrow.to_row) + (down ? 2 : bar_height() + 2);
    add(R"svg(<path class="arrow" d="M{:.1f} {:.0f} L{:.1f} {:.0f}" marker-end="url(#tip)"><title>{}</title></path>)svg",
        x(arrow.from), from, x(arrow.to), to, escape(arrow.label));
  }

  const Picture& picture_;
  double top_;
  std::string& out_;
  double pitch_;
  double last_mark_ = 0;
};

std::string legend(const std::vector<Picture>& pictures, double top) {
  std::string text;
  double at = 12;
  for (const KindStyle& kind : kind_styles) {
    if (std::none_of(pictures.begin(), pictures.end(),
                     [&](const Picture& p) { return uses(p, kind.kind); }))
      continue;
    text += fmt::format(
        "<rect class=\"{0}\" x=\"{1:.0f}\" y=\"{2:.0f}\" width=\"14\" height=\"11\" "
        "rx=\"2\"/><text class=\"soft\" x=\"{3:.0f}\" y=\"{4:.0f}\">{0}</text>\n",
        kind.name, at, top, at + 20, top + 10);
    at += 40 + static_cast<double>(std::string_view(kind.name).size()) * 7;
  }
  return text;
}

/// One that was drawn elsewhere. Returns where the next may begin.
double panel(const Picture& picture, double top, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "<text class=\"scene\" x=\"12\" y=\"{:.0f}\">{}</text>\n"
                 "<g transform=\"translate(0 {:.0f})\">\n{}</g>\n",
                 top + 14, escape(picture.title), top + 30, picture.drawing);
  return top + 30 + picture.drawing_height + 14;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return result;
}

std::string svg(const std::string& name, const std::string& summary,
                const std::vector<Picture>& pictures) {
  std::string panels;
  double bottom = 58;
  for (const Picture& picture : pictures) {
    if (!picture.rows.empty() || picture.dropped > 0)
      bottom = Panel(picture, bottom, panels).draw();
    if (!picture.drawing.empty()) bottom = panel(picture, bottom, panels);
  }
  const double height = bottom + 26;
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:.0f}\" width=\"{0}\" "
      "height=\"{1:.0f}\" role=\"img\" aria-label=\"{2}: {3}\">\n",
      width, height, escape(name), escape(summary));
  text += head;
  text += fmt::format(
      "<text class=\"title\" x=\"12\" y=\"24\">{}</text><text class=\"soft\" x=\"12\" "
      "y=\"43\">{}</text>\n",
      escape(name), escape(summary));
  return text + panels + legend(pictures, bottom + 4) + "</svg>\n";
}

}  // namespace pdc::detail
