// Ping pong: what a message costs, by round trips that one clock measures.
//
// Concept   A message takes a latency, however short it is, and some time for each of its bytes.
//           One clock sees it go and another one sees it come, and two clocks do not agree. So send
//           it back: one clock sees both ends of the round trip, and half of that is one way.
// Shows     MPI_Send, MPI_Recv, std::chrono::system_clock
// Python    mpi4py comm.Send, comm.Recv
// Run       mpirun -np 2 ping_pong
// You see   a message that comes before it goes; then what 1 byte to 1 MiB take
// Next      point_to_point has the calls; mpi_barrier counts rounds instead of measuring them

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/mpi.hpp"
#include "pdc/plot.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <numeric>
#include <vector>

namespace {

constexpr int tag = 1;
constexpr std::array sizes{1, 4, 16, 64, 256, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20};
constexpr int trips = 10;      // round trips timed as one
constexpr double hour = 3600;  // seconds

/// The time of day in seconds. The clock of rank 0 is an hour fast, as if set by local time.
double read_clock(int rank) {
  const std::chrono::duration<double> time = std::chrono::system_clock::now().time_since_epoch();
  return time.count() + (rank == 0 ? hour : 0);
}

struct Stamps {
  double sent = 0, there = 0, back = 0;  // the second by the clock of rank 1
};

/// A message to rank 1, and its answer: when the message has come. Returns all of it on rank 0.
Stamps stamp(int rank) {
  Stamps stamps;
  if (rank == 0) {
    stamps.sent = read_clock(rank);
    MPI_Send(nullptr, 0, MPI_DOUBLE, 1, tag, MPI_COMM_WORLD);
    MPI_Recv(&stamps.there, 1, MPI_DOUBLE, 1, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    stamps.back = read_clock(rank);
  } else if (rank == 1) {
    MPI_Recv(nullptr, 0, MPI_DOUBLE, 0, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    stamps.there = read_clock(rank);
    MPI_Send(&stamps.there, 1, MPI_DOUBLE, 0, tag, MPI_COMM_WORLD);
  }
  return stamps;
}

/// Wrong on purpose: one rank's clock says when the message goes, another's when it comes.
double time_by_two_clocks(int rank) {
  const Stamps stamps = stamp(rank);
  if (stamps.there < stamps.sent) pdc::fault("comes before it goes");
  return stamps.there - stamps.sent;
}

/// The same clock is wrong, but by as much at both ends.
double time_by_one_clock(int rank) {
  const Stamps stamps = stamp(rank);
  return (stamps.back - stamps.sent) / 2;
}

using Bytes = std::vector<unsigned char>;

/// Rank 0's bytes go to rank 1 and come back; other ranks do nothing.
void play(int rank, const Bytes& out, Bytes& back) {
  const int size = static_cast<int>(out.size());
  if (rank == 0) {
    MPI_Send(out.data(), size, MPI_BYTE, 1, tag, MPI_COMM_WORLD);
    MPI_Recv(back.data(), size, MPI_BYTE, 1, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else if (rank == 1) {
    MPI_Recv(back.data(), size, MPI_BYTE, 0, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(back.data(), size, MPI_BYTE, 0, tag, MPI_COMM_WORLD);
  }
}

/// Returns how many came back as they were sent, on rank 0.
int play_each_size(int rank) {
  int returned = 0;
  for (const int size : sizes) {
    Bytes out(size), back(size);
    if (rank == 0) std::iota(out.begin(), out.end(), static_cast<unsigned char>(size % 255 + 1));
    play(rank, out, back);
    if (back == out) ++returned;
  }
  return returned;
}

/// What is predicted is the straight line through the shortest and the longest.
void measure(int rank) {
  std::vector<pdc::Variant> variants;
  for (const int size : sizes) {
    variants.push_back({"", 2, [rank, out = Bytes(size), back = Bytes(size)]() mutable {
                          for (int i = 0; i < trips; ++i) play(rank, out, back);
                        }});
  }
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(variants);
  if (rank != 0) return;
  const auto one_way = [](double time) { return time / (2 * trips); };
  const double latency = one_way(timings.front().median);
  const double per_byte = (one_way(timings.back().median) - latency) / (sizes.back() - 1);
  pdc::Curve measured{"measured", {}}, predicted{"predicted", {}, true};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto& [median, lowest, highest] = timings[i];
    pdc::say("  {:>7} bytes   {}  ({} to {})", sizes[i], pdc::time_text(one_way(median)),
             pdc::time_text(one_way(lowest)), pdc::time_text(one_way(highest)));
    measured.points.emplace_back(sizes[i], 1e6 * one_way(median));
    predicted.points.emplace_back(sizes[i], 1e6 * (latency + per_byte * (sizes[i] - 1)));
  }
  pdc::say("  latency {}, bandwidth {:.1f} GB/s", pdc::time_text(latency), 1e-9 / per_byte);
  pdc::plot("one way", {"bytes", true}, {"µs", true}, {measured, predicted});
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);
  const int rank = mpi.rank();

  const double by_two = program.scene("by two clocks", time_by_two_clocks, rank);
  const double by_one = program.scene("by one clock", time_by_one_clock, rank);
  const int returned = program.scene("each size once", play_each_size, rank);
  measure(rank);

  if (rank == 0) {
    pdc::check(by_two < 0, "by two clocks, a message comes before it goes", "{:.3f} s", by_two);
    pdc::check(by_one >= 0 && by_one < hour,
               "by one clock, wrong as it is, no message comes before it goes");
    pdc::check(returned == std::ssize(sizes), "what comes back is what was sent", "{} sizes",
               returned);
  }
  return program.finish();
}
