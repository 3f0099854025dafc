// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

#include "picture.hpp"

/// The picture in the terminal: a row of blocks for each lane, an axis, a legend.
namespace pdc::detail {
namespace {

constexpr std::size_t most_rows = 24;
constexpr int longest_name = 18;

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
  using Shares = std::array<double, std::size(kind_styles)>;
  std::vector<Shares> shares(static_cast<std::size_t>(cells), Shares{});
  const double cell_time = static_cast<double>(duration) / cells;
  const std::vector<Bar> bars = flatten(row);
  for (const Bar& bar : bars) {
    for (int cell = cell_of(bar.begin, duration, cells); cell <= cell_of(bar.end, duration, cells);
         ++cell) {
      const double from = std::max(static_cast<double>(bar.begin), cell * cell_time);
      const double to = std::min(static_cast<double>(bar.end), (cell + 1) * cell_time);
      shares[static_cast<std::size_t>(cell)][static_cast<std::size_t>(bar.kind)] +=
          std::max(0.0, to - from);
    }
  }
  std::vector<const KindStyle*> shown(shares.size(), nullptr);
  for (std::size_t cell = 0; cell < shares.size(); ++cell) {
    const auto most = std::max_element(shares[cell].begin(), shares[cell].end());
    if (*most > cell_time / 4) shown[cell] = &kind_styles[most - shares[cell].begin()];
  }
  for (const Bar& bar : row.bars) {
    if (bar.kind == Kind::wait)
      continue;  // a moment of waiting matters less than what came after it
    const auto first = static_cast<std::size_t>(cell_of(bar.begin, duration, cells));
    const auto last = static_cast<std::size_t>(cell_of(bar.end, duration, cells));
    const auto seen = [&](const KindStyle* kind) {
      return kind != nullptr && kind->kind == bar.kind;
    };
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

/// How many columns the text takes: bytes but the inner ones of UTF-8.
int columns(const std::string& text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
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

/// The kinds and marks that occur, in as many lines as they need.
std::string legend(const Picture& picture, const std::string& margin, int width, bool colour) {
  std::vector<std::pair<std::string, std::string>> items;  // as painted, as counted
  for (const KindStyle& kind : kind_styles) {
    if (!uses(picture, kind.kind)) continue;
    items.emplace_back(fmt::format("{} {}", paint(kind, kind.glyph, colour), kind.name),
                       fmt::format("{} {}", kind.glyph, kind.name));
  }
  std::set<std::string> names;
  for (const Mark& mark : picture.marks) names.insert(mark.label);
  for (const std::string& name : names) items.emplace_back("▾ " + name, "▾ " + name);
  std::string text;
  int reached = width;
  for (const auto& [painted, counted] : items) {
    const bool fits = reached + 2 + columns(counted) <= width;
    text += fits ? "  " : (text.empty() ? "" : "\n") + margin;
    text += painted;
    reached = (fits ? reached + 2 : static_cast<int>(margin.size())) + columns(counted);
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
  const int cells = width - name_width - 6;  // a margin of two on each side, two before the bars
  const std::string margin(static_cast<std::size_t>(name_width) + 4, ' ');
  const std::int64_t duration = std::max<std::int64_t>(picture.duration, 1);

  std::string text;
  Ruler marks(cells, 0);
  for (const Mark& mark : picture.marks) marks.put(cell_of(mark.time, duration, cells), "▾");
  if (!picture.marks.empty()) text += margin + marks.line() + "\n";
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
  return text + margin + ticks.line() + "\n" + legend(picture, margin, width, colour) + dropped;
}

}  // namespace pdc::detail
