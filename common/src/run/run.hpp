// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pdc/program.hpp"
#include "picture/picture.hpp"

/// What the parts of the library know of the run they are in.
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

/// What an MPI session adds to a run. Without one: a world of one rank.
struct World {
  int rank = 0;
  int size = 1;
  Recording (*gather)(Recording) = nullptr;  // collective; all ranks' records on rank 0
  std::string (*audit)() = nullptr;          // collective; on rank 0 what MPI was left with
  void (*meet)() = nullptr;                  // collective: returns when all have come
  std::vector<std::string> (*gather_texts)(const std::string&) = nullptr;  // collective; on rank 0
  int (*agree)(int status) = nullptr;   // collective: the highest one, when all have come
  void (*leave)() = nullptr;            // collective: MPI ends, the process goes on
  void (*abort)(int status) = nullptr;  // all ranks end; does not return
};
World& world();

/// Reads the command line into run(). Ends the program for --help, --version and whatever is wrong.
void read_options(int argc, char** argv, std::vector<Option> declared);

/// Undoes what whoever started this process may have left to it: standard descriptors that are
/// closed, signals that are ignored or blocked. Requires: the only thread.
void reset_inherited();

/// True in the process that made the Program and may speak for it: rank 0, not a forked child.
bool is_narrator() noexcept;
/// True in a forked child of the process that made the Program.
bool is_child() noexcept;

/// The program's first line, if it is still to be printed.
void print_title();
/// Writes all of it or refuses.
void write_out(std::string_view text);
/// The same. A file that is there stays as it is until the new one is whole.
void write_file(const std::string& path, std::string_view text);
/// Adds a drawing to the pictures of --svg: SVG elements in the classes of svg.cpp, from y = 0 down.
void add_drawing(std::string_view title, std::string drawing, double height);
/// Prints what a scene has recorded.
void print_chart(Picture& picture);
/// Tells the reader, below the last chart, where the names of what it shows are.
void name_svg();
/// Writes --svg and --trace.
void write_pictures();
/// Installs the handler that the deadline and failing children use.
void catch_signal();
/// What the main thread is in from now on; the deadline says it.
void set_main_act(std::string_view name);
/// One line on standard error, "program: message".
void complain(std::string_view message);

/// Ends every process and rank of this program with that status, from wherever it is called. Where
/// several do so at once, the first one's `last_words` alone are printed.
[[noreturn]] void end_program(int status, std::string_view last_words,
                              std::string_view last_output = "");
/// Ends all ranks with that status; each of them calls it.
[[noreturn]] void leave_together(int status);
[[noreturn]] void reject(std::string_view message);  // status 2
/// Called instead of std::terminate: status 3 for what the machine refused, else 1.
[[noreturn]] void end_by_exception();

/// `[ok] claim (evidence)`.
std::string claim_line(const Claim& claim);
/// "2 of 5 claims failed". Requires: run().mutex is held, or nobody else makes claims.
std::string verdict();
/// The object that --json prints. Requires: as verdict().
std::string json_report();
/// On standard error, what is unsaid. In a signal handler too.
void say_unsaid();

}  // namespace pdc::detail
