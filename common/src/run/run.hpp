// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pdc/option.hpp"
#include "picture/picture.hpp"

/// What the parts of the library know of the run that they are in.
namespace pdc::detail {

enum class Output { text, claims_only, json };

struct Claim {
  std::string text;
  std::string evidence;
  bool holds;
};

struct Measurement {
  std::string name;
  double value;
  std::string unit;
};

struct Run {
  // the page
  std::string name = "program";
  std::string chapter;
  std::string header;
  std::string summary;
  // the command line
  std::vector<Option> options;
  Output output = Output::text;
  std::string svg_file;
  std::string svg_scene;  // only this one: its number or title
  std::string trace_file;
  double deadline = 30;  // seconds
  // the run so far
  bool output_closed = false;  // standard output was, when the program began
  std::atomic<bool> title_due = false;
  std::mutex mutex;  // guards what follows
  std::string scene;
  std::uint32_t scene_first_record = 0;
  std::uint32_t dropped_before_scene = 0;
  std::vector<Picture> pictures;
  std::int64_t chart_scale = 0;  // of the longest chart so far
  bool names_due = false;        // name_svg() has something to say
  std::vector<Claim> claims;
  std::vector<Measurement> measurements;
  std::array<char, 4096> unsaid;  // lines about failed claims that standard output has not seen
  std::atomic<std::size_t> unsaid_size = 0;
  std::atomic<bool> verdict_due = false;  // a claim has failed, and finish() has not said so
};
Run& run();

}  // namespace pdc::detail
