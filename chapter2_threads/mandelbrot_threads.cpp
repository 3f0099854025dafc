// Mandelbrot threads: uneven rows shared out to threads, in equal parts or as they become free.
//
// Concept   The rows of the Mandelbrot set are independent, so threads can compute them at the same
//           time. But the rows in the middle take far longer than those at the edges. If everyone
//           gets as many rows as the others, the one with the middle keeps all waiting. If the rows
//           are cut small, and a thread that has done its part steals from another, all end
//           together.
// Shows     std::jthread, tbb::parallel_for, tbb::blocked_range, tbb::task_arena
// Python    concurrent.futures.ThreadPoolExecutor.map
// Run       mandelbrot_threads --threads 4 --image mandelbrot.png
// You see   idle threads with equal parts, none with work stealing, and the same image
// Next      mandelbrot_processes shares the rows out to processes, mandelbrot_mpi to ranks

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <barrier>
#include <span>
#include <thread>
#include <vector>

namespace {

const pdc::MandelbrotView view;
using Pixels = std::vector<pdc::MandelbrotPixel>;

Pixels blank() {
  return Pixels(static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height));
}

void compute(int first, int last, Pixels& pixels, const pdc::Lane& lane) {
  const auto work = lane.work("{} to {}", first, last - 1);
  const auto width = static_cast<std::size_t>(view.width);
  for (int row = first; row < last; ++row) {
    const auto begin = static_cast<std::size_t>(row) * width;
    pdc::mandelbrot_row(view, row, std::span(pixels).subspan(begin, width));
  }
}

Pixels serial() {
  Pixels pixels = blank();
  compute(0, view.height, pixels, pdc::Lane("main"));
  return pixels;
}

Pixels in_equal_parts(int threads) {
  Pixels pixels = blank();
  std::barrier all_done(threads);
  {
    std::vector<std::jthread> computing;
    for (int i = 0; i < threads; ++i) {
      computing.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
        compute(i * view.height / threads, (i + 1) * view.height / threads, pixels, lane);
        const auto wait = lane.wait("the others");
        all_done.arrive_and_wait();
      });
    }
  }  // ~jthread joins here
  return pixels;
}

Pixels with_work_stealing(int threads) {
  Pixels pixels = blank();
  std::vector<pdc::Lane> lanes;
  for (int i = 0; i < threads; ++i) lanes.push_back(pdc::Lane("thread {}", i));
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism,
                                    static_cast<std::size_t>(threads));  // also if more than cores
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range(0, view.height, 8), [&](const auto& rows) {
      const auto me = static_cast<std::size_t>(tbb::this_task_arena::current_thread_index());
      compute(rows.begin(), rows.end(), pixels, lanes[me]);
    });
  });
  return pixels;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 4, "threads that compute", {1, 64}},
                        {"image", "", "write the picture to this PNG file"}});
  const int threads = program.integer("threads");

  const Pixels one = program.scene("one thread", serial);
  const Pixels equal = program.scene("in equal parts", in_equal_parts, threads);
  const Pixels stolen = program.scene("with work stealing", with_work_stealing, threads);
  pdc::write_mandelbrot(program.word("image"), view, stolen);
  pdc::say_speedup(program,
                   {{"serial", 1, serial},
                    {"equal parts", threads, [&] { in_equal_parts(threads); }},
                    {"stealing", threads, [&] { with_work_stealing(threads); }}},
                   3);

  const auto sum = [](const Pixels& pixels) { return pdc::mandelbrot_checksum(pixels); };
  pdc::check(sum(one) == pdc::mandelbrot_known, "one thread computes the known iteration counts",
             "checksum {:016x}", sum(one));
  pdc::check(sum(equal) == pdc::mandelbrot_known,
             "threads with equal parts compute the known iteration counts", "checksum {:016x}",
             sum(equal));
  pdc::check(sum(stolen) == pdc::mandelbrot_known,
             "threads that steal work compute the known iteration counts", "checksum {:016x}",
             sum(stolen));
  return program.finish();
}
