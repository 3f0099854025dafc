// SPDX-License-Identifier: MIT
#include "picture/svg.hpp"

#include <algorithm>
#include <utility>

#include "picture/columns.hpp"
#include "picture/drawing.hpp"
#include "picture/panel.hpp"

/// The picture as SVG: quiet lanes, one colour for each kind, waiting hatched, readable on light
/// and dark pages and without seeing all colours (tests/common/colour_test.cpp). Only plain classes
/// and patterns, no CSS variables: every renderer draws it. The root has no size, so that it fills a
/// window or a projector.
namespace pdc::detail {
namespace {

constexpr double most_height = 800;  // of a sheet, so that a projector shows it whole
constexpr double least_pitch = 22;   // of lanes whose bars have labels
constexpr double title_height = 58;  // above the panels
constexpr double legend_line = 18;

constexpr const char* head = R"svg(<style>
  text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .scene { font-weight: 600; }
  .soft { fill: #59636e; }
  .tick { font-size: 11px; fill: #59636e; font-variant-numeric: tabular-nums; }
  .in { font-size: 11px; fill: #fff; }
  .in-wait { font-size: 11px; fill: #6b4700; paint-order: stroke; stroke: #fdf1d6; stroke-width: 3px; }
  .grid { stroke: #d1d9e0; }
  .lane, .base { fill: #f6f8fa; }
  .work { fill: #2f6fde; }
  .wait { fill: url(#waiting); }
  .wait-back { fill: #f2b84b; fill-opacity: .28; }
  .wait-line { fill: #f2b84b; fill-opacity: .75; }
  .hold { fill: url(#holding); }
  .hold-back { fill: #b3266e; }
  .hold-line { fill: #000; fill-opacity: .1; }
  .send { fill: #2b7d1f; }
  .receive { fill: #0e7490; }
  .mark { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 4 3; }
  .fault { stroke: #cf222e; stroke-width: 2; }
  .fault-tip { fill: #cf222e; }
  .mark-text { fill: #59636e; }
  .fault-text { fill: #cf222e; font-weight: 600; }
  .mark-text, .fault-text { font-size: 11px; paint-order: stroke; stroke: #fff; stroke-width: 4px; }
  .own { font-size: 11px; font-style: italic; fill: #59636e; }
  .arrow { stroke: #1f2328; stroke-opacity: .6; stroke-width: 1.2; fill: none; }
  .tip { fill: #1f2328; fill-opacity: .8; }
  .lost { stroke: #cf222e; stroke-width: 1.5; fill: none; }
  .node { fill: #f6f8fa; stroke: #59636e; }
  .cycle { stroke: #cf222e; stroke-width: 2; fill: none; }
  .red-tip { fill: #cf222e; }
  .on-line { font-size: 11px; paint-order: stroke; stroke: #fff; stroke-width: 4px; }
  .dot { stroke: none; }
  .c0 { stroke: #2f6fde; fill: #2f6fde; }
  .c1 { stroke: #b8590a; fill: #b8590a; }
  .c2 { stroke: #1f2328; fill: #1f2328; }
  .c3 { stroke: #b3266e; fill: #b3266e; }
  path.curve { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .soft, .tick, .own, .mark-text { fill: #9198a1; }
    .in-wait { fill: #ffe2ad; stroke: #33260d; }
    .grid { stroke: #3d444d; }
    .lane, .base { fill: #151b23; }
    .work { fill: #3470e0; }
    .wait-line { fill-opacity: .4; }
    .hold-back { fill: #b8446f; }
    .send { fill: #2f8024; }
    .receive { fill: #1879a0; }
    .mark { stroke: #9198a1; }
    .fault, .lost { stroke: #ff6a69; }
    .fault-tip, .fault-text { fill: #ff6a69; }
    .mark-text, .fault-text { stroke: #0d1117; }
    .arrow { stroke: #e6edf3; }
    .tip { fill: #e6edf3; }
    .node { fill: #151b23; stroke: #9198a1; }
    .cycle { stroke: #ff6a69; }
    .red-tip { fill: #ff6a69; }
    .on-line { stroke: #0d1117; }
    .c0 { stroke: #5b93f5; fill: #5b93f5; }
    .c1 { stroke: #f0883e; fill: #f0883e; }
    .c2 { stroke: #e6edf3; fill: #e6edf3; }
    .c3 { stroke: #e07aa6; fill: #e07aa6; }
  }
</style>
<defs>
<pattern id="waiting" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="wait-back"/><rect width="2" height="6" class="wait-line"/></pattern>
<pattern id="holding" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect width="7" height="7" class="hold-back"/><rect width="2" height="7" class="hold-line"/></pattern>
<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker>
<marker id="red-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="red-tip" d="M0 0 8 4 0 8z"/></marker>
</defs>
)svg";

bool has_lanes(const Picture& picture) {
  return !picture.rows.empty() || picture.dropped > 0;
}

/// A picture has lanes, or was drawn elsewhere and needs its title only.
double height_of(const Picture& picture, double left, double pitch) {
  if (has_lanes(picture)) return Panel(picture, left, pitch).height();
  return 44 + picture.drawing_height;
}

void draw(const Picture& picture, double left, double pitch, double top, Drawing& out) {
  if (has_lanes(picture)) return Panel(picture, left, pitch).draw(top, out);
  out.add(R"(<text class="scene" x="12" y="{:.0f}">{}</text>)", top + 14, escape(picture.title));
  out.add(R"svg(<g transform="translate(0 {:.0f})">)svg", top + 30);
  out.add("{}</g>", picture.drawing);
}

/// Names whatever is drawn.
class Legend {
 public:
  explicit Legend(const std::vector<const Picture*>& pictures) {
    const auto any = [&](const auto& holds) {
      return std::any_of(pictures.begin(), pictures.end(),
                         [&](const Picture* picture) { return holds(*picture); });
    };
    for (const KindStyle& kind : kind_styles) {
      if (any([&](const Picture& p) { return uses(p, kind.kind); })) add(kind.name, bar(kind.name));
    }
    if (any(holds_and_waits)) {
      add("hold and wait", bar("hold") +
                               R"(<rect class="base" x="3" y="2.5" width="8" height="6"/>)"
                               R"(<rect class="wait" x="3" y="2.5" width="8" height="6"/>)");
    }
    if (any([](const Picture& p) { return has_moment(p, false); }))
      add("moment", R"(<path class="mark" d="M7 -1v13"/>)");
    if (any([](const Picture& p) { return has_moment(p, true); })) {
      add("fault", R"(<path class="fault" d="M7 3v9"/>)"
                   R"(<path class="fault-tip" d="M2.5 1l4.5 -4.5 4.5 4.5 -4.5 4.5z"/>)");
    }
    if (any([](const Picture& p) { return has_arrow(p, false); }))
      add("message", R"svg(<path class="arrow" d="M0 10L14 1" marker-end="url(#tip)"/>)svg");
    if (any([](const Picture& p) { return has_arrow(p, true); }))
      add("lost message", R"(<path class="lost" d="M0 0l8 6m-3 -3l6 6m0 -6l-6 6"/>)");
  }

  double height() const { return items_.empty() ? 0 : legend_line * (items_.back().line + 1); }

  void draw(double top, Drawing& out) const {
    for (const Item& item : items_) {
      const double y = top + legend_line * item.line;
      out.add(R"svg(<g transform="translate({:.0f} {:.0f})">{}</g>)svg", item.x, y, item.sample);
      out.add(R"(<text class="soft" x="{:.0f}" y="{:.0f}">{}</text>)", item.x + 20, y + 10,
              item.name);
    }
  }

 private:
  struct Item {
    std::string name;
    std::string sample;  // 14 wide and 11 high, at the origin
    double x;
    int line;
  };

  static std::string bar(const char* kind) {
    return fmt::format(R"(<rect class="{}" x="0" y="0" width="14" height="11" rx="2"/>)", kind);
  }

  void add(std::string name, std::string sample) {
    const double width = 40 + 7 * columns(name);
    if (next_ + width > picture_width) {
      next_ = 12;
      ++line_;
    }
    items_.push_back({std::move(name), std::move(sample), next_, line_});
    next_ += width;
  }

  std::vector<Item> items_;
  double next_ = 12;
  int line_ = 0;
};

/// A file: pictures one below another, with as much room for each lane as its height allows.
class Sheet {
 public:
  Sheet(std::vector<const Picture*> pictures, double left)
      : pictures_(std::move(pictures)), legend_(pictures_), left_(left) {
    for (const double pitch : {34., 28., least_pitch, 14., 7., 3., 1., 0.5}) {
      pitch_ = pitch;
      if (height() <= most_height) break;
    }
  }

  /// If not, it has to be parted.
  bool is_readable() const { return pitch_ >= least_pitch || pictures_.size() == 1; }

  /// `part` says which of several it is.
  std::string draw(const std::string& name, const std::string& summary,
                   const std::string& part) const {
    Drawing out;
    out.add(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {:.0f}" role="img" )"
            R"(aria-label="{}: {}">)",
            picture_width, height(), escape(name), escape(summary));
    out.add("{}", head);
    out.add(R"(<text class="title" x="12" y="24">{}</text>)", escape(name));
    if (!part.empty()) {
      out.add(R"(<text class="tick" x="{}" y="24" text-anchor="end">{}</text>)", picture_width - 16,
              part);
    }
    out.add(R"(<text class="soft" x="12" y="43">{}</text>)", escape(summary));
    double y = title_height;
    for (const Picture* picture : pictures_) {
      detail::draw(*picture, left_, pitch_, y, out);
      y += height_of(*picture, left_, pitch_);
    }
    legend_.draw(y + 4, out);
    out.add("</svg>");
    return out.text();
  }

 private:
  double height() const {
    double panels = 0;
    for (const Picture* picture : pictures_) panels += height_of(*picture, left_, pitch_);
    return title_height + panels + legend_.height() + 8;
  }

  std::vector<const Picture*> pictures_;
  Legend legend_;
  double left_;
  double pitch_ = 0;
};

/// As few sheets as can be, filled about equally.
std::vector<Sheet> part(const std::vector<const Picture*>& pictures, double left) {
  double total = 0;
  for (const Picture* picture : pictures) total += height_of(*picture, left, least_pitch);
  for (std::size_t count = 1;; ++count) {
    std::vector<std::vector<const Picture*>> parts(count);
    double y = 0;
    for (const Picture* picture : pictures) {  // goes where its middle is
      const double height = height_of(*picture, left, least_pitch);
      const double middle = (y + height / 2) / total;
      parts[static_cast<std::size_t>(middle * static_cast<double>(count))].push_back(picture);
      y += height;
    }
    std::vector<Sheet> sheets;
    for (const auto& pictures_of_sheet : parts) {
      if (!pictures_of_sheet.empty() || count == 1) sheets.emplace_back(pictures_of_sheet, left);
    }
    if (std::all_of(sheets.begin(), sheets.end(), [](const Sheet& s) { return s.is_readable(); }))
      return sheets;
  }
}

}  // namespace

std::vector<std::string> svg(const std::string& name, const std::string& summary,
                             std::vector<Picture> pictures) {
  share_scale(pictures);
  std::vector<const Picture*> shown;
  double left = 118;
  for (const Picture& picture : pictures) {
    if (has_lanes(picture) || !picture.drawing.empty()) shown.push_back(&picture);
    for (const Row& row : picture.rows) left = std::max(left, 26 + 6.8 * columns(row.name));
  }
  const std::vector<Sheet> sheets = part(shown, left);
  std::vector<std::string> result;
  for (const Sheet& sheet : sheets) {
    const std::string part = fmt::format("part {} of {}", result.size() + 1, sheets.size());
    result.push_back(sheet.draw(name, summary, sheets.size() == 1 ? "" : part));
  }
  return result;
}

}  // namespace pdc::detail
