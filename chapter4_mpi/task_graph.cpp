// Task graph: tasks that take the results of others run on whichever rank is free.
//
// Concept   Tasks are submitted in the order of a serial program, each with the data that it reads
//           and changes. From that follows a graph: which task has to wait for which. A coordinator
//           deals out what is ready to whoever is free; a task that is done makes others ready.
// Shows     MPI_Send, MPI_Recv, MPI_ANY_SOURCE, MPI_ANY_TAG
// Python    dask.delayed, dask.distributed Client.submit
// Run       mpirun -np 4 task_graph --rows 3
// You see   without the graph's edges another matrix; with them the right one, whoever does what
// Next      master_worker deals out jobs that need nothing; heat needs its neighbours only

// SPDX-License-Identifier: MIT
#include "task_graph.hpp"  // the tasks, and what they compute

#include "pdc/graph.hpp"
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using std::chrono::milliseconds;

constexpr int root = 0;

/// The number of a task is the tag of its messages; the next number is the word to stop.
void take_tasks(const pdc::mpi::Session& mpi, const Tasks& tasks, milliseconds time) {
  Tile in(side, 3 * side);  // as many tiles as a task takes at most, side by side
  while (true) {
    MPI_Status status;
    MPI_Recv(in.data(), static_cast<int>(in.size()), MPI_DOUBLE, root, MPI_ANY_TAG, MPI_COMM_WORLD,
             &status);
    const int number = status.MPI_TAG;
    if (number == std::ssize(tasks)) return;
    auto work = mpi.lane().work("{}", tasks[number].name);
    std::this_thread::sleep_for(time);  // plays tiles that are larger
    const Tile out = tasks[number].run(in);
    work.end();
    MPI_Send(out.data(), static_cast<int>(out.size()), MPI_DOUBLE, root, number, MPI_COMM_WORLD);
  }
}

void send_inputs(const Task& task, const Tiles& tiles, int number, int rank) {
  Tile in(side, std::ssize(task.tiles) * side);
  for (int i = 0; i < std::ssize(task.tiles); ++i)
    in.middleCols(i * side, side) = tiles[task.tiles[i]];
  MPI_Send(in.data(), static_cast<int>(in.size()), MPI_DOUBLE, rank, number, MPI_COMM_WORLD);
}

struct Outcome {
  Tiles tiles;
  std::vector<std::vector<int>> versions;  // by task: of the tiles that it was given
};

/// The coordinator: has all tiles, and runs no task. A task is ready when it waits for none.
Outcome deal_out(const Tasks& tasks, Tiles tiles, int workers) {
  std::vector<std::vector<int>> versions(tasks.size());
  std::vector<int> changes(tiles.size()), waits_for, ready, idle(workers);
  for (const Task& task : tasks) {
    if (task.waits_for == 0) ready.push_back(static_cast<int>(waits_for.size()));
    waits_for.push_back(task.waits_for);
  }
  std::iota(idle.begin(), idle.end(), 1);
  while (true) {
    while (!ready.empty() && !idle.empty()) {
      const int number = ready.back(), rank = idle.back();  // any of them would do: the last
      ready.pop_back();
      idle.pop_back();
      const Task& task = tasks[number];
      for (const int tile : task.tiles) versions[number].push_back(changes[tile]);
      if (versions[number] != task.versions) pdc::fault("too early");
      send_inputs(task, tiles, number, rank);
    }
    if (std::ssize(idle) == workers) break;  // no task runs, and none is ready
    Tile result(side, side);
    MPI_Status status;
    MPI_Recv(result.data(), static_cast<int>(result.size()), MPI_DOUBLE, MPI_ANY_SOURCE,
             MPI_ANY_TAG, MPI_COMM_WORLD, &status);
    idle.push_back(status.MPI_SOURCE);
    const Task& done = tasks[status.MPI_TAG];
    tiles[done.tiles[0]] = result;
    ++changes[done.tiles[0]];
    for (const int follower : done.followers) {
      --waits_for[follower];
      if (waits_for[follower] == 0) ready.push_back(follower);
    }
  }
  const auto stop = static_cast<int>(tasks.size());
  for (int rank = 1; rank <= workers; ++rank)
    MPI_Send(nullptr, 0, MPI_DOUBLE, rank, stop, MPI_COMM_WORLD);
  return {tiles, versions};
}

Outcome run(const pdc::mpi::Session& mpi, const Tasks& tasks, const Tiles& tiles,
            milliseconds time) {
  if (mpi.rank() == root) return deal_out(tasks, tiles, mpi.size() - 1);
  take_tasks(mpi, tasks, time);
  return {};
}

/// Wrong on purpose: no task waits for another.
Tasks without_edges(Tasks tasks) {
  for (Task& task : tasks) {
    task.followers.clear();
    task.waits_for = 0;
  }
  return tasks;
}

/// Tasks by the tiles that they were given.
struct Tally {
  Tally(const Tasks& tasks, const Outcome& outcome) {
    for (int number = 0; number < std::ssize(tasks); ++number) {
      const std::vector<int>& versions = outcome.versions[number];
      if (versions == tasks[number].versions) {
        ++right;
      } else if (!versions.empty()) {
        ++wrong;
      }
    }
  }
  int right = 0, wrong = 0;  // as a serial program would have them, or not; a task may get none
};

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"rows", 3, "rows of tiles in the matrix", {2, 6}}});
  mpi.need_ranks(2);
  const int rows = program.integer("rows");
  const Tasks tasks = cholesky(rows);
  const Tiles tiles = cut_matrix(rows);
  constexpr milliseconds time(6);

  const Outcome without =
      program.scene("without edges", run, mpi, without_edges(tasks), tiles, time);
  pdc::draw_graph("the graph", edges_of(tasks));
  const Outcome with = program.scene("with edges", run, mpi, tasks, tiles, time);

  if (mpi.rank() == root) {
    const int all = static_cast<int>(tasks.size());
    const Tally early(tasks, without), ready(tasks, with);
    const double off = residual(without.tiles, rows), rest = residual(with.tiles, rows);
    pdc::check(early.wrong > 0,
               "without edges, tasks are given tiles before others have changed them",
               "{} of {} tasks", early.wrong, all);
    pdc::check(!(off < 1e-10), "without edges, l * l^T is another matrix", "off by {:.1f}", off);
    pdc::check(ready.right == all,
               "with edges, each task is dealt once, and its tiles are those of a serial program",
               "{} of {} tasks", ready.right, all);
    pdc::check(rest < 1e-10, "with edges, l * l^T is the matrix", "off by {:.1g}", rest);
  }
  return program.finish();
}
