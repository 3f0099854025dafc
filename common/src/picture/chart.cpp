// SPDX-License-Identifier: MIT
#include "picture/chart.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "picture/columns.hpp"

/// The picture in the terminal: the moments, a row of blocks for each lane, an axis, a legend.
namespace pdc::detail {
namespace {

constexpr std::size_t most_rows = 24;
constexpr int longest_name = 18;

/// Where bars nest a cell shows the inner one, but for this: the hold would not be seen at all.
constexpr KindStyle hold_and_wait{Kind::wait, "hold and wait", "▒", "35"};
constexpr KindStyle moment{Kind::work, "moment", "▾", "39"};
constexpr KindStyle fault{Kind::work, "fault", "✗", "31"};

const KindStyle& shade(const Bar& bar) {
  return bar.kind == Kind::wait && bar.in_hold ? hold_and_wait : style(bar.kind);
}

std::string paint(const KindStyle& kind, const std::string& text, bool colour) {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", kind.colour, text) : text;
}

int cell_of(std::int64_t time, std::int64_t duration, int cells) {
  return std::min(cells - 1, static_cast<int>(static_cast<double>(time) * cells /
                                              static_cast<double>(duration)));
}

/// A cell shows the kind that filled most of it; a bar too short to fill any still gets the one
/// where it began.
std::string blocks(const Row& row, std::int64_t duration, int cells, bool colour) {
  std::vector<std::map<const KindStyle*, double>> shares(static_cast<std::size_t>(cells));
  const double cell_time = static_cast<double>(duration) / cells;
  const std::vector<Bar> bars = flatten(row);
  for (const Bar& bar : bars) {
    for (int cell = cell_of(bar.begin, duration, cells); cell <= cell_of(bar.end, duration, cells);
         ++cell) {
      const double from = std::max(static_cast<double>(bar.begin), cell * cell_time);
      const double to = std::min(static_cast<double>(bar.end), (cell + 1) * cell_time);
      shares[static_cast<std::size_t>(cell)][&shade(bar)] += std::max(0.0, to - from);
    }
  }
  std::vector<const KindStyle*> shown(shares.size(), nullptr);
  for (std::size_t cell = 0; cell < shares.size(); ++cell) {
    const auto most =
        std::max_element(shares[cell].begin(), shares[cell].end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != shares[cell].end() && most->second > cell_time / 4) shown[cell] = most->first;
  }
  for (const Bar& bar : row.bars) {
    if (bar.kind == Kind::wait)
      continue;  // a moment of waiting matters less than what came after it
    const auto first = static_cast<std::size_t>(cell_of(bar.begin, duration, cells));
    const auto last = static_cast<std::size_t>(cell_of(bar.end, duration, cells));
    const auto seen = [&](const KindStyle* kind) { return kind == &style(bar.kind); };
    if (std::none_of(shown.begin() + static_cast<long>(first),
                     shown.begin() + static_cast<long>(last) + 1, seen)) {
      shown[first] = &style(bar.kind);
    }
  }
  std::vector<bool> seam(shown.size());  // where a bar of work ends and the next begins at once
  int last_begin = cells;
  int last_end = 0;
  for (const Bar& bar : bars) {
    if (bar.kind != Kind::work) continue;
    const int cell = cell_of(bar.begin, duration, cells);
    if (last_begin < cell - 1 && last_end >= cell - 1)
      seam[static_cast<std::size_t>(cell) - 1] = true;
    last_begin = cell;
    last_end = cell_of(bar.end, duration, cells);
  }
  while (!shown.empty() && shown.back() == nullptr) shown.pop_back();
  std::string line;
  for (std::size_t cell = 0; cell < shown.size();) {
    std::string run;
    const KindStyle* kind = shown[cell];
    for (; cell < shown.size() && shown[cell] == kind; ++cell)
      run += kind == nullptr ? " " : seam[cell] ? "▉" : kind->glyph;
    line += kind == nullptr ? run : paint(*kind, run, colour);
  }
  return line;
}

/// A line with texts that begin at given cells. One that would touch the one before, or not fit, is left out.
class Ruler {
 public:
  Ruler(int cells, int gap) : cells_(cells), gap_(gap) {}
  void put(int cell, const std::string& text) {
    if (cell < next_ || cell + columns(text) > cells_) return;
    line_ += std::string(static_cast<std::size_t>(cell - reached_), ' ') + text;
    reached_ = cell + columns(text);
    next_ = reached_ + gap_;
  }
  const std::string& line() const { return line_; }

 private:
  const int cells_;
  const int gap_;
  std::string line_;
  int reached_ = 0;
  int next_ = 0;
};

/// The moments above the rows, each with its name, in as many lines as that takes. A name that
/// stands there already is not written again where it has no room, its glyph alone is.
class Moments {
 public:
  explicit Moments(int cells) : cells_(cells) {}

  void put(int cell, const Mark& mark) {
    const KindStyle& kind = mark.fault ? fault : moment;
    std::string text = fmt::format("{} {}", kind.glyph, mark.label);
    int begin = cell;
    if (begin + columns(text) > cells_) {
      text = fmt::format("{} {}", mark.label, kind.glyph);
      begin = std::max(0, cell + 1 - columns(text));
    }
    const bool is_new = names_.insert(mark.label).second;
    if (!put(begin, text, kind, is_new)) put(cell, kind.glyph, kind, false);
  }

  std::string text(const std::string& margin, bool colour) const {
    std::string result;
    for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {  // the first stands lowest
      result += margin;
      int reached = 0;
      for (const Name& name : *line) {
        result += std::string(static_cast<std::size_t>(name.begin - reached), ' ');
        result += paint(*name.kind, name.text, colour);
        reached = name.begin + columns(name.text);
      }
      result += '\n';
    }
    return result;
  }

 private:
  struct Name {
    int begin;
    std::string text;
    const KindStyle* kind;
  };

  /// Marks come in the order of time, so only the last name of a line can be in the way.
  bool put(int begin, const std::string& text, const KindStyle& kind, bool in_a_new_line) {
    const auto line = std::find_if(lines_.begin(), lines_.end(), [&](const auto& names) {
      return names.back().begin + columns(names.back().text) < begin;
    });
    if (line != lines_.end())
      line->push_back({begin, text, &kind});
    else if (in_a_new_line)
      lines_.push_back({{begin, text, &kind}});
    return line != lines_.end() || in_a_new_line;
  }

  const int cells_;
  std::set<std::string> names_;
  std::vector<std::vector<Name>> lines_;
};

/// Whatever occurs, in as many lines as that takes.
std::string legend(const Picture& picture, const std::string& margin, int width, bool colour) {
  std::vector<const KindStyle*> kinds;
  for (const KindStyle& kind : kind_styles) {
    if (uses(picture, kind.kind)) kinds.push_back(&kind);
  }
  if (holds_and_waits(picture)) kinds.push_back(&hold_and_wait);
  if (has_moment(picture, false)) kinds.push_back(&moment);
  if (has_moment(picture, true)) kinds.push_back(&fault);
  std::string text;
  int reached = width;
  for (const KindStyle* kind : kinds) {
    const int needed = 2 + columns(kind->name);
    const bool fits = reached + 2 + needed <= width;
    text += fits ? "  " : (text.empty() ? "" : "\n") + margin;
    text += fmt::format("{} {}", paint(*kind, kind->glyph, colour), kind->name);
    reached = (fits ? reached + 2 : static_cast<int>(margin.size())) + needed;
  }
  return text + "\n";
}

}  // namespace

std::string chart(const Picture& picture, int width, bool colour) {
  std::string dropped;
  if (picture.dropped > 0)
    dropped = fmt::format("  ({} spans did not fit and are not shown)\n", picture.dropped);
  if (picture.rows.empty()) return dropped;
  int name_width = 0;
  for (const Row& row : picture.rows) name_width = std::max(name_width, columns(row.name));
  name_width = std::min(name_width, longest_name);
  const std::string axis_name = picture.own_scale ? "own scale" : "";
  name_width = std::max(name_width, columns(axis_name));
  const int cells = width - name_width - 6;  // a margin of two on each side, two before the bars
  const std::string margin(static_cast<std::size_t>(name_width) + 4, ' ');
  const std::int64_t duration = std::max<std::int64_t>(picture.scale, 1);

  Moments moments(cells);
  for (const Mark& mark : picture.marks) moments.put(cell_of(mark.time, duration, cells), mark);
  std::string text = moments.text(margin, colour);
  for (std::size_t i = 0; i < std::min(picture.rows.size(), most_rows); ++i) {
    const Row& row = picture.rows[i];
    text += fmt::format("  {0:{1}.{1}}  {2}\n", row.name, name_width,
                        blocks(row, duration, cells, colour));
  }
  if (picture.rows.size() > most_rows) {
    text += fmt::format("  ... and {} more (--svg shows all)\n", picture.rows.size() - most_rows);
  }
  const Axis axis = make_axis(duration, 6);
  Ruler ticks(cells + 2, 1);  // the last one may reach into the margin
  for (std::int64_t time = 0; time <= duration; time += axis.step) {
    ticks.put(cell_of(time, duration, cells), axis.text(time));
  }
  text += fmt::format("  {:{}}  {}\n", axis_name, name_width, ticks.line());
  return text + legend(picture, margin, width, colour) + dropped;
}

}  // namespace pdc::detail
