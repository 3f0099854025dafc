// Mandelbrot mpi: uneven rows shared out to ranks, in equal parts or on request.
//
// Concept   Ranks have no image in common: each computes rows of its own, and in the end they are
//           put together. In equal parts those at the edges are soon done. On request, rank 0 says
//           who computes which band of rows, and computes too: after each row it looks whether
//           anybody asks. The others ask for a band before they compute the one that they have.
// Shows     MPI_Iprobe, MPI_Recv, MPI_Send, MPI_Irecv, MPI_Wait, MPI_Reduce, MPI_BOR
// Python    mpi4py comm.Iprobe, comm.Irecv, comm.Reduce
// Run       mpirun -np 4 mandelbrot_mpi --image mandelbrot.png
// You see   idle ranks in equal parts, none on request, rank 0 included; the same image
// Next      monte_carlo_pi has equal work for all; heat has ranks that need their neighbours' rows

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <span>
#include <vector>

namespace {

constexpr pdc::MandelbrotView view;
constexpr std::size_t width = view.width;
constexpr int rows = 8, bands = view.height / rows, no_band = -1;  // a band is asked for at once
constexpr int request_tag = 1, band_tag = 2;

/// The whole image, or what a rank has of it: the rest is zero.
struct Image {
  std::vector<pdc::MandelbrotPixel> pixels{width * view.height};
  std::vector<int> done = std::vector<int>(view.height);  // how often each row was computed
};

void compute(int first, int end, Image& image, const pdc::Lane& lane, auto after_row) {
  const auto work = lane.work("{} to {}", first, end - 1);
  for (int row = first; row < end; ++row) {
    const auto place = static_cast<std::size_t>(row);
    pdc::mandelbrot_row(view, row, std::span(image.pixels).subspan(place * width, width));
    ++image.done[place];
    after_row();
  }
}

/// Rank 0: the first band that nobody has is for whoever asks, or for itself.
void answer_and_compute(Image& mine, const pdc::mpi::Session& mpi) {
  int next = 0, asking = mpi.size() - 1;
  const auto answer = [&] {
    MPI_Status request;
    MPI_Recv(nullptr, 0, MPI_INT, MPI_ANY_SOURCE, request_tag, MPI_COMM_WORLD, &request);
    MPI_Send(&next, 1, MPI_INT, request.MPI_SOURCE, band_tag, MPI_COMM_WORLD);
    if (next++ >= bands) --asking;  // it has heard that there are none left
  };
  const auto look = [&] {
    for (int asked = 1; asked != 0;) {
      MPI_Iprobe(MPI_ANY_SOURCE, request_tag, MPI_COMM_WORLD, &asked, MPI_STATUS_IGNORE);
      if (asked != 0) answer();
    }
  };
  for (int band = next++; band < bands; band = next++)
    compute(rows * band, rows * (band + 1), mine, mpi.lane(), look);
  while (asking > 0) answer();  // now it may wait
}

/// The others: the answer comes while the band before is computed.
void ask_and_compute(Image& mine, const pdc::mpi::Session& mpi) {
  for (int band = no_band, next = 0; band < bands; band = next) {
    MPI_Request answer = MPI_REQUEST_NULL;
    MPI_Irecv(&next, 1, MPI_INT, 0, band_tag, MPI_COMM_WORLD, &answer);
    MPI_Send(nullptr, 0, MPI_INT, 0, request_tag, MPI_COMM_WORLD);
    if (band != no_band) compute(rows * band, rows * (band + 1), mine, mpi.lane(), [] {});
    MPI_Wait(&answer, MPI_STATUS_IGNORE);
  }
}

/// Returns the whole image on rank 0.
Image run(const pdc::mpi::Session& mpi, bool in_parts) {
  const int rank = mpi.rank(), size = mpi.size();
  const int first = rank * view.height / size, end = (rank + 1) * view.height / size;
  Image mine, whole;
  if (in_parts) compute(first, end, mine, mpi.lane(), [] {});
  if (!in_parts) rank == 0 ? answer_and_compute(mine, mpi) : ask_and_compute(mine, mpi);
  const int bytes = static_cast<int>(std::as_bytes(std::span(mine.pixels)).size());
  MPI_Reduce(mine.pixels.data(), whole.pixels.data(), bytes, MPI_BYTE, MPI_BOR, 0, MPI_COMM_WORLD);
  MPI_Reduce(mine.done.data(), whole.done.data(), view.height, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
  return whole;  // zero or x is x
}

void claim_whole(const Image& image, const char* how) {
  const auto sum = pdc::mandelbrot_checksum(image.pixels);
  pdc::check(image.done == std::vector<int>(view.height, 1),
             fmt::format("{}, each row was computed once", how), "{} rows", view.height);
  pdc::check(sum == pdc::mandelbrot_known,
             fmt::format("{}, the iteration counts are the known ones", how), "checksum {:016x}",
             sum);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"image", "", "write the picture to this PNG file"}});

  const Image equal = program.scene("in equal parts", run, mpi, true);
  const Image request = program.scene("on request", run, mpi, false);
  const auto times = pdc::time_in_turns({{"in equal parts", mpi.size(), [&] { run(mpi, true); }},
                                         {"on request", mpi.size(), [&] { run(mpi, false); }}},
                                        3);
  pdc::say("\nin equal parts, then on request");
  for (const pdc::Timing& time : times)
    pdc::say("  median {}, at best {}", pdc::time_text(time.median), pdc::time_text(time.lowest));
  program.report("on request, median", times.back().median, "s");

  if (mpi.rank() == 0) {
    pdc::write_mandelbrot(program.word("image"), view, request.pixels);
    claim_whole(equal, "in equal parts");
    claim_whole(request, "on request");
  }
  return program.finish();
}
