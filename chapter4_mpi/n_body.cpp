// N body: the bodies of each rank go round a ring, and pull on all others on the way.
//
// Concept   Every body pulls on every other, so each rank needs the bodies of all, but not at once.
//           Beside its own it holds those of one rank, its guests, adds up how they pull, and sends
//           them on to the next rank. p ranks need p rounds, and p - 1 shifts between them.
// Shows     MPI_Sendrecv_replace, MPI_Reduce, std::llround
// Python    mpi4py comm.Sendrecv_replace
// Run       mpirun -np 4 n_body --bodies 3
// You see   a shift too few: 36 of 132 forces are missing, and momentum is not conserved
// Next      ring sends a token round; matrix_multiply sends blocks round in two directions

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0, guests_tag = 3;

/// Three numbers and nothing else, so a body is sent as three MPI_DOUBLE.
struct Body {
  double x, y, mass;
};
static_assert(sizeof(Body) == 3 * sizeof(double));
using Bodies = std::vector<Body>;

/// In whole units, of which any order gives the same sum.
struct Force {
  bool operator==(const Force&) const = default;
  void operator+=(const Force& other) {
    x += other.x;
    y += other.y;
  }
  std::int64_t x = 0, y = 0;
};

/// By Newton's law of gravity: as strong as that of `body` on `by`, and in the opposite direction.
[[gnu::noinline]] Force pull(const Body& body, const Body& by) {  // one code for all: one rounding
  constexpr double unit = 1 << 30;
  const double x = by.x - body.x, y = by.y - body.y, square = x * x + y * y;
  const double strength = unit * body.mass * by.mass / (square * std::sqrt(square));
  return {std::llround(x * strength), std::llround(y * strength)};
}

/// No two stand at the same x, which is their number.
Body body_at(std::int64_t number) {
  return {double(number), double(number * number % 7), double(number % 3 + 1)};
}

Force serial_force(std::int64_t number, std::int64_t bodies) {
  Force sum;
  for (std::int64_t other = 0; other < bodies; ++other)
    if (other != number) sum += pull(body_at(number), body_at(other));
  return sum;
}

/// Sends the guests to the next rank, and has those of the rank before: as many, in their place.
void send_on(Bodies& guests, int rank, int ranks) {
  const int next = (rank + 1) % ranks, before = (rank + ranks - 1) % ranks;
  MPI_Sendrecv_replace(guests.data(), 3 * static_cast<int>(guests.size()), MPI_DOUBLE, next,
                       guests_tag, before, guests_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/// Adds how the guests pull on each of a rank's own bodies. Returns how many forces that were.
int add_pulls(std::vector<Force>& sums, const Bodies& own, const Bodies& guests) {
  int forces = 0;
  for (std::size_t i = 0; i < own.size(); ++i)
    for (const Body& guest : guests) {
      if (guest.x == own[i].x) continue;  // itself
      sums[i] += pull(own[i], guest);
      ++forces;
    }
  return forces;
}

/// Of all ranks, on the root. Five whole numbers and nothing else, so one MPI_Reduce adds them up.
struct Outcome {
  std::int64_t right = 0;                 // bodies whose force is the serial one
  std::int64_t forces = 0, messages = 0;  // added up, and sent
  Force sum;                              // of all forces
};
static_assert(sizeof(Outcome) == 5 * sizeof(std::int64_t));

Outcome go_round(const pdc::mpi::Session& mpi, int bodies, int shifts) {
  const int rank = mpi.rank(), ranks = mpi.size();
  Outcome mine, all;
  Bodies own;
  for (int i = 0; i < bodies; ++i) own.push_back(body_at(rank * bodies + i));
  std::vector<Force> sums(bodies);
  Bodies guests = own;
  for (int round = 0; round <= shifts; ++round) {
    if (round > 0) {
      send_on(guests, rank, ranks);
      ++mine.messages;
    }
    const auto work = mpi.lane().work("of rank {}", int(guests.front().x) / bodies);
    mine.forces += add_pulls(sums, own, guests);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays more bodies
  }
  for (int i = 0; i < bodies; ++i) {
    if (sums[i] == serial_force(rank * bodies + i, ranks * bodies)) ++mine.right;
    mine.sum += sums[i];
  }
  MPI_Reduce(&mine, &all, 5, MPI_INT64_T, MPI_SUM, root, MPI_COMM_WORLD);
  if (rank == root && all.right < ranks * bodies) pdc::fault("forces missing");
  pdc::say("{} forces, right for {} of {} bodies, they add up to {}, {}", all.forces, all.right,
           ranks * bodies, all.sum.x, all.sum.y);
  return all;
}

/// Wrong on purpose: no rank ever sees the bodies of the rank after it.
Outcome shift_too_few_times(const pdc::mpi::Session& mpi, int bodies) {
  return go_round(mpi, bodies, mpi.size() - 2);
}

Outcome shift_to_all(const pdc::mpi::Session& mpi, int bodies) {
  return go_round(mpi, bodies, mpi.size() - 1);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"bodies", 3, "bodies of each rank", {1, 1000}}});
  const int bodies = program.integer("bodies");
  mpi.need_ranks(3);  // two that miss each other miss as much: the sum of all forces stays 0
  const Outcome few = program.scene("a shift too few", shift_too_few_times, mpi, bodies);
  const Outcome all = program.scene("all the way round", shift_to_all, mpi, bodies);

  if (mpi.rank() == root) {
    const std::int64_t p = mpi.size(), n = p * bodies;
    pdc::check(few.forces == n * (n - 1) - n * bodies,
               "with a shift too few, each body misses those of one rank", "{} of {} forces",
               few.forces, n * (n - 1));
    pdc::check(few.sum.x != 0, "with a shift too few, the forces do not add up to 0", "{}",
               few.sum.x);
    pdc::check(all.right == n, "with p - 1 shifts, each force is that of a serial sum", "{} of {}",
               all.right, n);
    pdc::check(all.sum == Force{}, "with p - 1 shifts, the forces add up to 0");
    pdc::check(all.messages == p * (p - 1), "p ranks send p * (p - 1) messages", "{} messages",
               all.messages);
  }
  return program.finish();
}
