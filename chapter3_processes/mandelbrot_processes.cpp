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

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace {

constexpr pdc::MandelbrotView view;
constexpr std::size_t width = view.width;
constexpr int rows = 8, bands = view.height / rows;  // a band of rows is taken at once

/// Lies in memory that all processes share.
struct Image {
  std::array<pdc::MandelbrotPixel, width * view.height> pixels;
  std::array<std::atomic<bool>, bands> done;
  std::atomic<int> next;  // the first band that nobody has taken
  int fatal = bands;      // the band that kills whoever takes it
  std::uint64_t checksum() const { return pdc::mandelbrot_checksum(pixels); }
};

void compute(Image& image, int band, const pdc::Lane& lane) {
  const auto work = lane.work("{} to {}", band * rows, (band + 1) * rows - 1);
  for (int row = band * rows; row < (band + 1) * rows; ++row) {
    const auto begin = static_cast<std::size_t>(row) * width;
    pdc::mandelbrot_row(view, row, std::span(image.pixels).subspan(begin, width));
  }
  image.done[static_cast<std::size_t>(band)] = true;
}

/// What nobody has done. Returns how many bands that were.
int compute_missing(Image& image) {
  const pdc::Lane main("main");
  int missing = 0;
  for (int band = 0; band < bands; ++band) {
    if (image.done[static_cast<std::size_t>(band)]) continue;
    compute(image, band, main);
    ++missing;
  }
  return missing;
}

/// Takes band after band; with a counter that others share, those that they have not taken.
void take(std::atomic<int>& next, int end, Image& image, const pdc::Lane& lane) {
  for (int band = next++; band < end; band = next++) {
    if (band == image.fatal) pdc::fault("killed");
    if (band == image.fatal) raise(SIGKILL);  // forced: it is taken, and not done
    compute(image, band, lane);
  }
}

/// Returns how many of the processes died.
int run(Image& image, int processes, bool in_parts) {
  std::vector<pdc::Child> children;
  for (int i = 0; i < processes; ++i) {
    children.emplace_back([&, i, lane = pdc::Lane("process {}", i)] {
      std::atomic<int> mine = i * bands / processes;
      if (in_parts) take(mine, (i + 1) * bands / processes, image, lane);
      if (!in_parts) take(image.next, bands, image, lane);
    });
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

void compare(pdc::Program& program, int processes) {
  pdc::say_speedup(
      program,
      {{"serial", 1, [] { compute_missing(*pdc::Shared<Image>()); }},
       {"equal parts", processes, [&] { run(*pdc::Shared<Image>(), processes, true); }},
       {"on request", processes, [&] { run(*pdc::Shared<Image>(), processes, false); }}},
      3);
}

void claim_known(const Image& image, const char* claim) {
  const std::uint64_t sum = image.checksum();
  pdc::check(sum == pdc::mandelbrot_known, claim, "checksum {:016x}", sum);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"processes", 4, "processes that compute", {2, 64}},
                        {"image", "", "write the picture to this PNG file"}});
  const int processes = program.integer("processes");
  const pdc::Shared<Image> equal, request, repaired;

  program.scene("in equal parts", run, *equal, processes, true);
  program.scene("on request", run, *request, processes, false);
  repaired->fatal = bands / 2;
  const int died = program.scene("one is killed", run, *repaired, processes, false);
  const bool incomplete = repaired->checksum() != pdc::mandelbrot_known;
  const int missing = program.scene("what it left", compute_missing, *repaired);
  compare(program, processes);
  pdc::write_mandelbrot(program.word("image"), view, repaired->pixels);

  claim_known(*equal, "in equal parts, processes compute the known iteration counts");
  claim_known(*request, "so do they on request");
  pdc::check(died == 1 && incomplete && missing == 1, "if one is killed, its rows are missing",
             "{} of {} bands", missing, bands);
  claim_known(*repaired, "the parent sees it, and does them again");
  return program.finish();
}
