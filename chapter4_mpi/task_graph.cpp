// Task graph: tasks that take the results of others run on whichever rank is free.
//
// Concept   Tasks are listed in the order of a serial program, each with the data that it reads
//           and changes. From that follows a graph: which task has to wait for which. A coordinator
//           deals out what is ready to whoever is free; a task that is done makes others ready.
// Shows     MPI_Send, MPI_Recv, MPI_ANY_SOURCE, MPI_ANY_TAG
// Python    dask.delayed, dask.distributed Client.submit
// Run       mpirun -np 4 task_graph --rows 3
// You see   without the graph's edges another matrix; with them the right one, whoever does what
// Next      master_worker deals out jobs that need nothing; heat needs its neighbours only

// SPDX-License-Identifier: MIT
#include "tasks.hpp"

#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using std::chrono::milliseconds;
constexpr int root = 0;

/// Each task waits for those that changed its tiles last; in this method none changes a tile that an
/// earlier one still has to read.
Tasks make_graph(const std::vector<Step>& steps) {
  Tasks tasks;
  std::map<int, int> last;  // by tile: the task that changed it
  for (const Step& step : steps) {
    const int number = static_cast<int>(tasks.size());
    Task task{step};
    for (const int tile : step.tiles) {
      if (!last.contains(tile)) continue;  // as it was at first
      if (tasks[last[tile]].followers.insert(number).second) ++task.waits_for;
    }
    last[step.tiles[0]] = number;
    tasks.push_back(task);
  }
  return tasks;
}

/// The number of a task is the tag of its messages; the next number is the word to stop.
void take_tasks(const pdc::mpi::Session& mpi, const Tasks& tasks, milliseconds time) {
  Tile in(3 * tile_size);  // as many tiles as a task takes at most
  while (true) {
    MPI_Status status;
    MPI_Recv(in.data(), static_cast<int>(in.size()), MPI_DOUBLE, root, MPI_ANY_TAG, MPI_COMM_WORLD,
             &status);
    const int number = status.MPI_TAG;
    if (number == std::ssize(tasks)) return;
    const Step& step = tasks[number].step;
    auto work = mpi.lane().work("{}", step.name);
    std::this_thread::sleep_for(time);  // plays tiles that are larger
    const Tile out = step.run(in);
    work.end();
    MPI_Send(out.data(), tile_size, MPI_DOUBLE, root, number, MPI_COMM_WORLD);
  }
}

void send_inputs(const Step& step, const Tiles& tiles, int number, int rank) {
  Tile in;
  for (const int tile : step.tiles) in.insert(in.end(), tiles[tile].begin(), tiles[tile].end());
  MPI_Send(in.data(), static_cast<int>(in.size()), MPI_DOUBLE, rank, number, MPI_COMM_WORLD);
}

enum class Edges { forgotten, heeded };
struct Outcome {
  Tiles tiles;
  int once, early;  // tasks: dealt once, dealt too early
};

/// The coordinator: has all tiles, and runs no task. A task is ready when it waits for none. Wrong on
/// purpose, with forgotten edges: each is ready from the beginning.
Outcome deal_out(const Tasks& graph, Tiles tiles, int workers, Edges edges) {
  Witness witness(graph);
  Tasks tasks = graph;  // counts down what each waits for
  std::vector<int> ready, idle(workers);
  for (int number = 0; number < std::ssize(tasks); ++number) {
    if (tasks[number].waits_for == 0 || edges == Edges::forgotten) ready.push_back(number);
  }
  std::iota(idle.begin(), idle.end(), 1);
  while (true) {
    while (!ready.empty() && !idle.empty()) {
      const int number = ready.back(), rank = idle.back();  // any of them would do: the last
      ready.pop_back();
      idle.pop_back();
      witness.sees_dealt(number);
      send_inputs(tasks[number].step, tiles, number, rank);
    }
    if (std::ssize(idle) == workers) break;  // no task runs, and none is ready
    Tile result(tile_size);
    MPI_Status status;
    MPI_Recv(result.data(), tile_size, MPI_DOUBLE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
             &status);
    idle.push_back(status.MPI_SOURCE);
    const Task& done = tasks[status.MPI_TAG];
    tiles[done.step.tiles[0]] = result;
    witness.sees_done(status.MPI_TAG);
    for (const int follower : done.followers) {
      --tasks[follower].waits_for;
      if (tasks[follower].waits_for == 0 && edges == Edges::heeded) ready.push_back(follower);
    }
  }
  const auto stop = static_cast<int>(tasks.size());
  for (int rank = 1; rank <= workers; ++rank)
    MPI_Send(nullptr, 0, MPI_DOUBLE, rank, stop, MPI_COMM_WORLD);
  return {tiles, witness.dealt_once(), witness.too_early()};
}

Outcome run(const pdc::mpi::Session& mpi, const Tasks& tasks, const Tiles& tiles, Edges edges,
            milliseconds time) {
  if (mpi.rank() == root) return deal_out(tasks, tiles, mpi.size() - 1, edges);
  take_tasks(mpi, tasks, time);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"rows", 3, "rows of tiles in the matrix", {2, 6}}});
  mpi.need_ranks(2);
  const int rows = program.integer("rows");
  const Tasks tasks = make_graph(cholesky(rows));
  const Tiles tiles = cut_matrix(rows);
  constexpr milliseconds time(6);

  const Outcome without =
      program.scene("without edges", run, mpi, tasks, tiles, Edges::forgotten, time);
  draw(tasks);
  const Outcome with = program.scene("with edges", run, mpi, tasks, tiles, Edges::heeded, time);

  if (mpi.rank() == root) {
    const int all = static_cast<int>(tasks.size());
    const double off = residual(without.tiles, rows), rest = residual(with.tiles, rows);
    pdc::check(without.early > 0, "without edges, tasks are dealt before others that they need",
               "{} of {} tasks", without.early, all);
    pdc::check(!(off < 1e-10), "without edges, l * l^T is another matrix", "off by {:.1f}", off);
    pdc::check(with.once == all && with.early == 0,
               "with edges, each task is dealt once, and not before those that it waits for",
               "{} of {} tasks, {} too early", with.once, all, with.early);
    pdc::check(rest < 1e-10, "with edges, l * l^T is the matrix", "off by {:.1g}", rest);
  }
  return program.finish();
}
