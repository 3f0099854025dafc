// Mandelbrot processes: uneven rows shared out to processes, in equal parts or on request.
//
// Concept   Processes compute rows of the Mandelbrot set straight into memory that all share: no
//           result is sent. With equal parts those at the edges are soon done and idle. With a
//           counter in the same memory, whoever is free takes the next rows. If one dies, what it
//           had taken is missing, unless somebody looks.
// Shows     pdc::Shared, pdc::Child, std::atomic
// Python    multiprocessing.shared_memory, multiprocessing.Value
// Run       mandelbrot_processes --processes 4 --image mandelbrot.png
// You see   idle processes in equal parts, none on request; the rows of a killed one done again
// Next      mandelbrot_mpi shares the rows out to ranks; process_pool starts its processes once

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <span>
#include <vector>

namespace {

constexpr pdc::MandelbrotView view;
constexpr std::size_t width = view.width;
constexpr int rows = 8, bands = view.height / rows;  // a band of rows is taken at once
static_assert(std::atomic<int>::is_always_lock_free, "or it does not work between processes");

/// Lies in memory that all processes share.
struct Image {
  std::array<pdc::MandelbrotPixel, width * view.height> pixels;
  std::array<std::atomic<int>, bands> done;  // how many times
  std::atomic<int> next;                     // the first band that nobody has taken
  int fatal = bands;                         // the band that kills whoever takes it

  bool is_known() const { return pdc::mandelbrot_checksum(pixels) == pdc::mandelbrot_known; }
};

void compute(Image& image, int band, const pdc::Lane& lane) {
  const auto work = lane.work("{} to {}", band * rows, (band + 1) * rows - 1);
  for (int row = band * rows; row < (band + 1) * rows; ++row) {
    const auto begin = static_cast<std::size_t>(row) * width;
    pdc::mandelbrot_row(view, row, std::span(image.pixels).subspan(begin, width));
  }
  ++image.done[static_cast<std::size_t>(band)];
}

/// All get the same number of bands, and some bands are far more work than others.
void take_part(Image& image, int process, int processes, const pdc::Lane& lane) {
  const int end = (process + 1) * bands / processes;
  for (int band = process * bands / processes; band < end; ++band) compute(image, band, lane);
}

/// Whoever is free takes the next band.
void take_on_request(Image& image, int, int, const pdc::Lane& lane) {
  for (;;) {
    const int band = image.next++;  // nobody else gets this number
    if (band >= bands) return;
    if (band == image.fatal) {
      pdc::fault("killed");
      raise(SIGKILL);  // forced: it is taken, and not done
    }
    compute(image, band, lane);
  }
}

/// Returns how many of the processes died.
int run(Image& image, int processes, decltype(take_part) take) {
  std::vector<pdc::Child> children;
  for (int i = 0; i < processes; ++i) {
    children.emplace_back(
        [&, i, lane = pdc::Lane("process {}", i)] { take(image, i, processes, lane); });
  }
  int died = 0;
  for (pdc::Child& child : children) {
    const pdc::Exit exit = child.wait();
    if (exit.good()) continue;
    pdc::say("a process ended with {}", exit.text());
    ++died;
  }
  return died;
}

/// What nobody has done. Returns how many bands that were.
int compute_missing(Image& image) {
  const pdc::Lane main("main");
  int missing = 0;
  for (int band = 0; band < bands; ++band) {
    if (image.done[static_cast<std::size_t>(band)] > 0) continue;
    compute(image, band, main);
    ++missing;
  }
  return missing;
}

void compare(pdc::Program& program, int processes) {
  pdc::say_speedup(
      program,
      {{"serial", 1, [] { compute_missing(*pdc::Shared<Image>()); }},
       {"equal parts", processes, [&] { run(*pdc::Shared<Image>(), processes, take_part); }},
       {"on request", processes, [&] { run(*pdc::Shared<Image>(), processes, take_on_request); }}},
      3);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"processes", 4, "processes that compute", {2, 64}},
                        {"image", "", "write the picture to this PNG file"}});
  const int processes = program.integer("processes");
  const pdc::Shared<Image> equal, request, repaired;

  program.scene("in equal parts", run, *equal, processes, take_part);
  program.scene("on request", run, *request, processes, take_on_request);
  repaired->fatal = bands / 2;
  const int died = program.scene("one is killed", run, *repaired, processes, take_on_request);
  const bool incomplete = !repaired->is_known();
  const int missing = program.scene("what it left", compute_missing, *repaired);
  compare(program, processes);
  pdc::write_mandelbrot(program.word("image"), view, repaired->pixels);

  const auto is_one = [](int times) { return times == 1; };
  pdc::check(equal->is_known() && std::ranges::all_of(equal->done, is_one),
             "in equal parts, all processes together compute the known image, each band once");
  pdc::check(request->is_known(), "on request, all processes together compute the known image");
  const auto once = std::ranges::count_if(request->done, is_one);
  pdc::check(once == bands, "on request, every band of rows is computed once", "{} of {}", once,
             bands);
  pdc::check(died == 1 && incomplete && missing == 1,
             "the band that a killed process had taken is missing, and no other", "{} of {}",
             missing, bands);
  pdc::check(repaired->is_known(), "the parent finds what is missing, and the image is whole");
  return program.finish();
}
