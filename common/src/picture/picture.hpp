// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "picture/recording.hpp"

/// From what was recorded to a picture: what chart.cpp, svg.cpp and trace.cpp draw.
namespace pdc::detail {

/// Times in nanoseconds from the picture's beginning.
struct Bar {
  Kind kind;
  std::string label;
  std::int64_t begin;
  std::int64_t end;
  int depth = 0;         // how many bars stand around it
  bool in_hold = false;  // one of them is a hold
};
struct Row {
  std::string name;
  int process;
  bool task;
  std::vector<Bar> bars;  // by begin; what stands inside another comes after it
};
struct Arrow {
  std::size_t from_row;
  std::size_t to_row;
  std::int64_t from;
  std::int64_t to;
  std::string label;
  std::int64_t awaited = 0;  // how long its receiver had waited when it was sent
  bool again = false;        // one of the same label had been sent before
  bool lost = false;         // never received: from and to are the begin and end of its sending
};
struct Mark {
  std::int64_t time;
  std::string label;
  bool fault = false;
};
struct Picture {
  std::string title;
  std::int64_t duration = 0;
  std::vector<Row> rows;
  std::vector<Arrow> arrows;
  std::vector<Mark> marks;  // by time
  std::int64_t scale = 0;   // ns, what the whole width shows: not less than the duration
  bool own_scale = false;   // and that is not what the other pictures' width shows
  std::uint32_t dropped = 0;
  std::string drawing;  // instead of rows: what graph.cpp and plot.cpp have drawn
  double drawing_height = 0;
};

/// Orders the rows, joins the messages by arrows, and tells waiting from receiving.
///
/// The waiting is found from the whole, as Scalasca does ("late sender", "late broadcast", "wait at
/// barrier"; Geimer et al., The Scalasca performance toolset architecture, 2010): a receive waits
/// until its message's send has begun, a part of a collective call until the last one on which it
/// depends has come.
Picture assemble(std::string title, Recording recording);

/// Gives all pictures the scale of the longest one, so that they can be compared by eye. What would
/// be less than a twentieth of the width gets a scale of its own.
void share_scale(std::vector<Picture>& pictures);

/// The same where what comes later is not known, with a fifth: gives the picture the scale of the
/// longest one before, unless it is longer or far too short. `longest` is 0 before the first.
void follow_scale(Picture& picture, std::int64_t& longest);

/// The arrows if they are no more than `most`, else those that matter: lost, sent again, the first,
/// the last, and those for which somebody waited longest; of those that are the same but for `near`
/// ns one. By the time of sending.
std::vector<Arrow> select_arrows(const std::vector<Arrow>& arrows, std::size_t most,
                                 std::int64_t near);

/// The bars of a row without overlap: where bars nest, the inner one counts.
std::vector<Bar> flatten(const Row& row);

/// Round places for the ticks of an axis of that length, at most about `most` of them, and how to
/// write them.
struct Axis {
  std::int64_t step;  // ns
  std::int64_t unit;  // ns
  const char* unit_name;

  std::string text(std::int64_t time) const;  // "0 ms" for 0, else the bare number
};
Axis make_axis(std::int64_t duration, int most);

/// Drawing order and names of the kinds.
struct KindStyle {
  Kind kind;
  const char* name;    // in the legend, and the class in the SVG
  const char* glyph;   // in the chart
  const char* colour;  // in the chart: an SGR parameter
};
inline constexpr KindStyle kind_styles[] = {{Kind::work, "work", "█", "34"},
                                            {Kind::wait, "wait", "░", "33"},
                                            {Kind::hold, "hold", "▓", "35"},
                                            {Kind::send, "send", ">", "32"},
                                            {Kind::receive, "receive", "<", "36"}};
inline const KindStyle& style(Kind kind) {
  return kind_styles[static_cast<std::size_t>(kind)];
}
bool uses(const Picture& picture, Kind kind);
/// Whether somebody waits in it while holding something.
bool holds_and_waits(const Picture& picture);
bool has_moment(const Picture& picture, bool fault);
bool has_arrow(const Picture& picture, bool lost);

}  // namespace pdc::detail
