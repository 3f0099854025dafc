// Mandelbrot mpi: uneven rows shared out to ranks, in equal parts or on request.
//
// Concept   Ranks have no image in common: each computes rows of its own, and rank 0 collects them.
//           In equal parts those at the edges are soon done. On request, rank 0 says who computes
//           which band of rows, and computes too: after each row it looks whether anybody asks. The
//           others ask for a band before they compute the one that they have.
// Shows     MPI_Iprobe, MPI_Recv, MPI_Send, MPI_Irecv, MPI_Wait, MPI_Gather, MPI_Gatherv
// Python    mpi4py comm.Iprobe, comm.Irecv, comm.Gatherv
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
#include <ranges>
#include <vector>

namespace {

constexpr int root = 0;
constexpr int request_tag = 1, band_tag = 2;
constexpr pdc::MandelbrotView view;
constexpr int band_rows = 8, bands = view.height / band_rows;  // a band is asked for at once

struct Row {
  int number;
  std::array<pdc::MandelbrotPixel, view.width> pixels;
};

using Rows = std::vector<Row>;

/// Calls after_row() after each of them.
void compute(int first, int end, Rows& mine, const pdc::Lane& lane, auto after_row) {
  const auto work = lane.work("{} to {}", first, end - 1);
  for (int number = first; number < end; ++number) {
    Row& row = mine.emplace_back(Row{number, {}});
    pdc::mandelbrot_row(view, number, row.pixels);
    after_row();
  }
}

/// The root: the next band is for the rank that asks, or for itself. Returns how many rows it
/// computed without looking after them.
int answer_and_compute(Rows& mine, const pdc::mpi::Session& mpi) {
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
  return static_cast<int>(mine.size()) - looks;
}

/// The others: the answer comes while the band before is computed.
void ask_and_compute(Rows& mine, const pdc::mpi::Session& mpi) {
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

/// The rows of all ranks, on the root, in the order of their numbers.
Rows collect(const pdc::mpi::Session& mpi, const Rows& mine) {
  const int count = static_cast<int>(mine.size());
  std::vector<int> counts(mpi.size()), places(mpi.size());
  MPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, root, MPI_COMM_WORLD);
  std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);
  Rows all(places.back() + counts.back());  // none except on the root
  MPI_Datatype row = MPI_DATATYPE_NULL;     // so that counts and places are in rows, not in bytes
  MPI_Type_contiguous(sizeof(Row), MPI_BYTE, &row);
  MPI_Type_commit(&row);
  MPI_Gatherv(mine.data(), count, row, all.data(), counts.data(), places.data(), row, root,
              MPI_COMM_WORLD);
  MPI_Type_free(&row);
  std::ranges::sort(all, {}, &Row::number);
  return all;
}

Rows in_equal_parts(const pdc::mpi::Session& mpi) {
  const std::int64_t rank = mpi.rank();
  const auto first = static_cast<int>(rank * view.height / mpi.size());
  const auto end = static_cast<int>((rank + 1) * view.height / mpi.size());
  Rows mine;
  compute(first, end, mine, mpi.lane(), [] {});
  return collect(mpi, mine);
}

Rows on_request(const pdc::mpi::Session& mpi, int& not_looked) {
  Rows mine;
  if (mpi.rank() == root) {
    not_looked = answer_and_compute(mine, mpi);
  } else {
    ask_and_compute(mine, mpi);
  }
  return collect(mpi, mine);
}

void claim_whole(const Rows& rows, const char* how) {
  std::vector<pdc::MandelbrotPixel> image;
  for (const Row& row : rows) image.insert(image.end(), row.pixels.begin(), row.pixels.end());
  const auto sum = pdc::mandelbrot_checksum(image);
  pdc::check(std::ranges::equal(rows, std::views::iota(0, view.height), {}, &Row::number),
             fmt::format("{}, each row is computed once", how), "{} rows", rows.size());
  pdc::check(sum == pdc::mandelbrot_known,
             fmt::format("{}, the iteration counts are the known ones", how), "checksum {:016x}",
             sum);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);

  int not_looked = 0;
  const Rows equal = program.scene("in equal parts", in_equal_parts, mpi);
  const Rows request = program.scene("on request", on_request, mpi, std::ref(not_looked));

  if (mpi.rank() == root) {
    claim_whole(equal, "in equal parts");
    claim_whole(request, "on request");
    pdc::check(not_looked == 0, "rank 0 looks for requests after each row that it computes",
               "{} rows without", not_looked);
  }
  return program.finish();
}
