// Mandelbrot mpi: uneven rows shared out to ranks, in equal parts or on request.
//
// Concept   Ranks have no image in common: each computes rows of its own, MPI_Reduce joins them.
//           In equal parts those at the edges are soon done. On request, rank 0 says who computes
//           which band of rows, and computes too: after each row it looks whether anybody asks. The
//           others ask for a band before they compute the one that they have.
// Shows     MPI_Iprobe, MPI_Recv, MPI_Send, MPI_Irecv, MPI_Wait, MPI_Reduce
// Python    mpi4py comm.Iprobe, comm.Irecv, comm.Reduce
// Run       mpirun -np 4 mandelbrot_mpi
// You see   idle ranks in equal parts, hardly any on request, rank 0 included; the same image
// Next      monte_carlo_pi has equal work for all; heat has ranks that need their neighbours' rows

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

namespace {

constexpr int root = 0;
constexpr int request_tag = 1, band_tag = 2;
constexpr pdc::MandelbrotView view;
constexpr int band_rows = 8, bands = view.height / band_rows;  // a band is asked for at once

/// What a rank has computed; 0 where it has not.
struct Image {
  std::vector<int> iterations = std::vector<int>(view.width * view.height);
  std::vector<int> computed = std::vector<int>(view.height);  // by row: how often
};

/// Calls after_row() after each of them.
void compute(int first, int end, Image& mine, const pdc::Lane& lane, auto after_row) {
  const auto work = lane.work("{} to {}", first, end - 1);
  std::array<pdc::MandelbrotPixel, view.width> pixels;
  for (int row = first; row < end; ++row) {
    pdc::mandelbrot_row(view, row, pixels);
    std::ranges::transform(pixels, mine.iterations.begin() + row * view.width,
                           &pdc::MandelbrotPixel::iterations);
    ++mine.computed[row];
    after_row();
  }
}

/// The root: the next band is for the rank that asks, or for itself. Returns how many rows it
/// computed without looking after them.
int answer_and_compute(Image& mine, const pdc::mpi::Session& mpi) {
  int next = 0, asking = mpi.size() - 1, looks = 0;
  const auto answer = [&] {
    MPI_Status request;
    MPI_Recv(nullptr, 0, MPI_INT, MPI_ANY_SOURCE, request_tag, MPI_COMM_WORLD, &request);
    MPI_Send(&next, 1, MPI_INT, request.MPI_SOURCE, band_tag, MPI_COMM_WORLD);
    if (next < bands) {
      ++next;
    } else {
      --asking;  // this one has heard that there are none left
    }
  };
  const auto look = [&] {
    int asked = 1;
    while (asked != 0) {
      MPI_Iprobe(MPI_ANY_SOURCE, request_tag, MPI_COMM_WORLD, &asked, MPI_STATUS_IGNORE);
      if (asked != 0) {
        answer();
      } else {
        ++looks;
      }
    }
  };
  while (next < bands) {
    const int band = next;
    ++next;
    compute(band_rows * band, band_rows * (band + 1), mine, mpi.lane(), look);
  }
  while (asking > 0) answer();  // now it may wait
  return std::reduce(mine.computed.begin(), mine.computed.end()) - looks;
}

/// The others: the answer comes while the band before is computed.
void ask_and_compute(Image& mine, const pdc::mpi::Session& mpi) {
  int band = -1;  // none yet
  while (band < bands) {
    int next = bands;
    MPI_Request answer = MPI_REQUEST_NULL;
    MPI_Irecv(&next, 1, MPI_INT, root, band_tag, MPI_COMM_WORLD, &answer);
    MPI_Send(nullptr, 0, MPI_INT, root, request_tag, MPI_COMM_WORLD);
    if (band >= 0) compute(band_rows * band, band_rows * (band + 1), mine, mpi.lane(), [] {});
    MPI_Wait(&answer, MPI_STATUS_IGNORE);
    band = next;
  }
}

/// What all have computed, on the root.
Image add_up(const Image& mine) {
  Image all;
  MPI_Reduce(mine.iterations.data(), all.iterations.data(), view.width * view.height, MPI_INT,
             MPI_SUM, root, MPI_COMM_WORLD);
  MPI_Reduce(mine.computed.data(), all.computed.data(), view.height, MPI_INT, MPI_SUM, root,
             MPI_COMM_WORLD);
  return all;
}

Image in_equal_parts(const pdc::mpi::Session& mpi) {
  const std::int64_t rank = mpi.rank();
  const auto first = static_cast<int>(rank * view.height / mpi.size());
  const auto end = static_cast<int>((rank + 1) * view.height / mpi.size());
  Image mine;
  compute(first, end, mine, mpi.lane(), [] {});
  return add_up(mine);
}

Image on_request(const pdc::mpi::Session& mpi, int& not_looked) {
  Image mine;
  if (mpi.rank() == root) {
    not_looked = answer_and_compute(mine, mpi);
  } else {
    ask_and_compute(mine, mpi);
  }
  return add_up(mine);
}

void claim_whole(const Image& image, const char* how) {
  std::vector<pdc::MandelbrotPixel> pixels;
  for (const int iterations : image.iterations) pixels.push_back({iterations, 0});
  const auto sum = pdc::mandelbrot_checksum(pixels);
  const auto once = std::ranges::count(image.computed, 1);
  pdc::check(once == view.height, fmt::format("{}, each row is computed once", how),
             "{} of {} rows", once, view.height);
  pdc::check(sum == pdc::mandelbrot_known,
             fmt::format("{}, the iteration counts are the known ones", how), "checksum {:016x}",
             sum);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);

  int not_looked = 0;
  const Image equal = program.scene("in equal parts", in_equal_parts, mpi);
  const Image request = program.scene("on request", on_request, mpi, std::ref(not_looked));

  if (mpi.rank() == root) {
    claim_whole(equal, "in equal parts");
    claim_whole(request, "on request");
    pdc::check(not_looked == 0, "rank 0 looks for requests after each row that it computes",
               "{} rows without", not_looked);
  }
  return program.finish();
}
