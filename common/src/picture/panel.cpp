// SPDX-License-Identifier: MIT
#include "picture/panel.hpp"

#include <algorithm>

#include "picture/columns.hpp"

namespace pdc::detail {
namespace {

constexpr double right = picture_width - 16;  // where the lanes end
constexpr double line = 14;                   // a line of small text
constexpr double strip = 13;                  // the part of a bar above those inside it
constexpr double frame = 3;                   // the part of it around them
constexpr double least_labelled = 14;         // a lower bar has no room for its label
constexpr double shortest = 1.5;              // a bar that can be seen
constexpr double margin = 4;                  // of a label in its bar
constexpr double nowhere = -1;

double text_width(std::string_view text) {
  return columns(text) * character_width;
}

/// Between the lanes, and between a lane and its bars.
double gap_of(double pitch) {
  return pitch >= 30 ? 8 : pitch >= 26 ? 5 : pitch >= 18 ? 3 : pitch >= 8 ? 1 : 0;
}
double inset_of(double pitch) {
  return pitch >= 18 ? 2 : pitch >= 8 ? 1 : 0;
}

}  // namespace

Panel::Panel(const Picture& picture, double left, double pitch)
    : picture_(picture),
      left_(left),
      pitch_(pitch),
      arrows_(select_arrows(picture.arrows, most_arrows, picture.scale / 200)) {
  if (arrows_.size() < picture.arrows.size()) {
    notes_.push_back(
        fmt::format("{} of {} messages are drawn: first, last, lost, sent again, awaited longest",
                    arrows_.size(), picture.arrows.size()));
  }
  if (picture.dropped > 0)
    notes_.push_back(fmt::format("{} spans did not fit and are not shown", picture.dropped));
  name_moments();
  int lines = 0;
  for (const Name& name : names_) lines = std::max(lines, name.line + 1);
  first_ = 26 + line * lines;
  bottom_ = first_;
  for (const Row& row : picture.rows) {
    lanes_.push_back(lay_out(row, bottom_));
    bottom_ += lanes_.back().box.height + gap_of(pitch_);
  }
}

double Panel::height() const {
  return bottom_ + 34 + line * static_cast<double>(notes_.size());
}

double Panel::x(std::int64_t time) const {
  return left_ + (right - left_) * static_cast<double>(time) /
                     static_cast<double>(std::max<std::int64_t>(picture_.scale, 1));
}

/// Each name stands above its moment, in the first line where it has room. One that stands there
/// already, so near that both would touch, is not written again.
void Panel::name_moments() {
  std::vector<const Name*> last;  // in each line
  names_.reserve(picture_.marks.size());
  for (const Mark& mark : picture_.marks) {
    const double half = text_width(mark.label) / 2;
    const double at = std::clamp(x(mark.time), half + 4, picture_width - half - 4);
    const auto touches = [&](const Name* name) {
      return at - half < name->x + text_width(name->mark->label) / 2 + 8;
    };
    if (std::any_of(last.begin(), last.end(), [&](const Name* name) {
          return touches(name) && name->mark->label == mark.label;
        }))
      continue;
    const auto free = std::find_if_not(last.begin(), last.end(), touches);
    const auto place = static_cast<int>(free - last.begin());
    names_.push_back({at, place, &mark});
    if (free == last.end())
      last.push_back(&names_.back());
    else
      *free = &names_.back();
  }
}

/// The bars' places from left to right. One that begins or ends with the one around it is drawn a
/// little shorter, so that both are seen.
std::vector<Panel::Box> Panel::bars_across(const Row& row) const {
  std::vector<Box> boxes;
  std::vector<Box> around;  // by depth
  for (const Bar& bar : row.bars) {
    around.resize(static_cast<std::size_t>(bar.depth));
    double from = std::min(x(bar.begin), right - shortest);
    double to = x(bar.end);
    if (!around.empty() && around.back().width > 4 * frame) {
      from = std::max(from, around.back().x + frame);
      to = std::min(to, around.back().x + around.back().width - frame);
    }
    boxes.push_back({from, 0, std::max(to - from, shortest), 0});
    around.push_back(boxes.back());
  }
  return boxes;
}

/// Where in the bar its label has room beside the bars inside, or nowhere.
double Panel::label_place(const Row& row, const std::vector<Box>& bars, std::size_t bar) const {
  const double needed = text_width(row.bars[bar].label) + 2 * margin;
  double from = bars[bar].x;
  for (std::size_t i = bar + 1; i < bars.size() && row.bars[i].depth > row.bars[bar].depth; ++i) {
    if (bars[i].x - from > needed) return from;
    from = std::max(from, bars[i].x + bars[i].width);
  }
  return bars[bar].x + bars[bar].width - from > needed ? from : nowhere;
}

/// Where bars nest, the outer one is a frame around the inner one. If its label has no room beside
/// the inner ones, it stands above them in a strip, and so does that of every outer bar of this
/// depth.
Panel::Lane Panel::lay_out(const Row& row, double y) const {
  Lane lane{{left_, y, right - left_, 0}, bars_across(row), {}};
  std::vector<bool> outer(row.bars.size(), false);
  std::vector<double> places;
  int strips = 0;
  for (std::size_t i = 0; i < row.bars.size(); ++i) {
    const Bar& bar = row.bars[i];
    outer[i] = i + 1 < row.bars.size() && row.bars[i + 1].depth > bar.depth;
    places.push_back(label_place(row, lane.bars, i));
    const bool fits = text_width(bar.label) + 2 * margin < lane.bars[i].width;
    const bool strip_needed = outer[i] ? places[i] == nowhere : bar.depth > 1;
    if (pitch_ >= 26 && fits && strip_needed)
      strips = std::max(strips, outer[i] ? bar.depth + 1 : bar.depth - 1);
  }
  strips = std::min(strips, 2);
  lane.box.height = pitch_ - gap_of(pitch_) + strip * strips;
  const double inset = inset_of(pitch_);
  for (std::size_t i = 0; i < row.bars.size(); ++i) {
    const Bar& bar = row.bars[i];
    Box& box = lane.bars[i];
    const int depth = std::min(bar.depth, 3);
    const double above = strip * std::min(depth, strips) + frame * std::max(0, depth - strips);
    box.y = y + inset + above;
    box.height = std::max(lane.box.height - 2 * inset - above - frame * depth, 3.0);
    const bool in_strip = outer[i] && bar.depth < strips;
    const double from =
        in_strip ? (text_width(bar.label) + 2 * margin < box.width ? box.x : nowhere) : places[i];
    if (bar.label.empty() || from == nowhere || (!in_strip && box.height < least_labelled))
      continue;
    lane.labels.push_back({from + margin, in_strip ? box.y + 10.5 : box.y + box.height / 2 + 4,
                           escape(bar.label), bar.kind == Kind::wait ? "in-wait" : "in"});
  }
  return lane;
}

void Panel::draw(double top, Drawing& out) const {
  if (!picture_.title.empty())
    out.add(R"(<text class="scene" x="12" y="{:.0f}">{}</text>)", top + 14, escape(picture_.title));
  draw_axis(top, out);
  for (std::size_t row = 0; row < lanes_.size(); ++row) draw_lane(row, top, out);
  for (const Arrow& arrow : arrows_) draw_arrow(arrow, top, out);
  for (const Lane& lane : lanes_) {
    for (const Text& label : lane.labels) {
      out.add(R"(<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>)", label.style, label.x,
              top + label.y, label.text);
    }
  }
  draw_moments(top, out);
  double y = top + bottom_ + 15;
  for (const std::string& note : notes_) {
    out.add(R"(<text class="tick" x="{}" y="{:.0f}" text-anchor="end">{}</text>)", right, y += line,
            note);
  }
}

void Panel::draw_axis(double top, Drawing& out) const {
  const Axis axis = make_axis(picture_.scale, 7);
  const double y = top + bottom_ + 15;
  for (std::int64_t time = 0; time <= picture_.scale; time += axis.step) {
    out.add(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2:.0f}"/>)", x(time),
            top + first_ - 4, top + bottom_);
    const char* anchor = x(time) > right - 20 ? "end" : "middle";
    out.add(R"(<text class="tick" x="{:.1f}" y="{:.0f}" text-anchor="{}">{}</text>)", x(time), y,
            anchor, axis.text(time));
  }
  if (picture_.own_scale) out.add(R"(<text class="own" x="12" y="{:.0f}">own scale</text>)", y);
}

void Panel::draw_lane(std::size_t index, double top, Drawing& out) const {
  const Row& row = picture_.rows[index];
  const Lane& lane = lanes_[index];
  out.add(R"(<rect class="lane" x="{}" y="{:.1f}" width="{}" height="{:.1f}" rx="4"/>)", lane.box.x,
          top + lane.box.y, lane.box.width, lane.box.height);
  const bool has_room = pitch_ >= 12 || index % static_cast<std::size_t>(12 / pitch_ + 1) == 0;
  if (has_room) {
    out.add(R"(<text x="{}" y="{:.1f}" text-anchor="end">{}</text>)", left_ - 12,
            top + lane.box.y + lane.box.height / 2 + 4, escape(row.name));
  }
  for (std::size_t i = 0; i < row.bars.size(); ++i) {
    const Bar& bar = row.bars[i];
    const Box& box = lane.bars[i];
    const Axis unit = make_axis(std::max<std::int64_t>(bar.end, 1), 1);
    const auto number = [&](std::int64_t time) {
      return static_cast<double>(time) / static_cast<double>(unit.unit);
    };
    const char* kind = style(bar.kind).name;
    const int round = box.width > 8 && box.height > 8 ? 3 : 1;
    const auto place =
        fmt::format(R"(x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{}")", box.x,
                    top + box.y, box.width, box.height, round);
    if (bar.depth > 0) {  // an edge to what is around it, and nothing of that through a hatching
      out.add(
          R"(<rect class="base" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{}"/>)",
          box.x - 1, top + box.y - 1, box.width + 2, box.height + 2, round);
    }
    out.add(R"(<rect class="{}" {}><title>{}: {} {}, {:.1f} to {:.1f} {}</title></rect>)", kind,
            place, escape(row.name), kind, escape(bar.label), number(bar.begin), number(bar.end),
            unit.unit_name);
  }
}

void Panel::draw_arrow(const Arrow& arrow, double top, Drawing& out) const {
  const Box& from = lanes_[arrow.from_row].box;
  const Box& to = lanes_[arrow.to_row].box;
  const double inset = inset_of(pitch_);
  const std::string label = escape(arrow.label);
  if (arrow.lost) {
    out.add(
        R"svg(<path class="lost" d="M{:.1f} {:.1f} l14 10 m-4 -4 l8 8 m0 -8 l-8 8"><title>{}: lost</title></path>)svg",
        x(arrow.to), top + from.y + from.height - inset, label);
    return;
  }
  const bool down = arrow.to_row > arrow.from_row;
  out.add(
      R"svg(<path class="arrow" d="M{:.1f} {:.1f} L{:.1f} {:.1f}" marker-end="url(#tip)"><title>{}</title></path>)svg",
      x(arrow.from), top + from.y + (down ? from.height - inset : inset), x(arrow.to),
      top + to.y + (down ? inset : to.height - inset), label);
}

/// Faults last: nothing covers them.
void Panel::draw_moments(double top, Drawing& out) const {
  for (const bool fault : {false, true}) {
    for (const Mark& mark : picture_.marks) {
      if (mark.fault != fault) continue;
      const auto name = std::find_if(names_.begin(), names_.end(),
                                     [&](const Name& n) { return n.mark == &mark; });
      const double up = name == names_.end() ? 0 : line * name->line;
      out.add(
          R"(<line class="{3}" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"><title>{4}</title></line>)",
          x(mark.time), top + first_ - 7 - up, top + bottom_ - 2, fault ? "fault" : "mark",
          escape(mark.label));
      if (fault)
        out.add(R"(<path class="fault-tip" d="M{:.1f} {:.1f}l4.5 -4.5 4.5 4.5 -4.5 4.5z"/>)",
                x(mark.time) - 4.5, top + first_ - 5);
    }
  }
  for (const Name& name : names_) {
    out.add(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
            name.mark->fault ? "fault-text" : "mark-text", name.x,
            top + first_ - 11 - line * name.line, escape(name.mark->label));
  }
}

}  // namespace pdc::detail
