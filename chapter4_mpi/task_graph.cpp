// Task graph: tasks that take the results of others run on whichever rank is free.
//
// Concept   A task submitted gives a number that stands for its result, which later tasks may take;
//           from that follows what may run at once. All ranks hear in the same order what is done
//           and deal alike, so each knows what to run, and where its results are needed.
// Shows     MPI_Isend, MPI_Iprobe, MPI_Recv, MPI_Waitall
// Python    dask.delayed, dask.distributed Client.submit
// Run       mpirun -np 3 task_graph --tiles 4
// You see   with results forgotten another matrix; with all kept the right one, whoever did what
// Next      master_worker deals out jobs that need nothing; heat needs its neighbours only

// SPDX-License-Identifier: MIT
#include "task_graph.hpp"  // the graph and its tasks
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>

namespace {

constexpr int most = 2;  // tasks dealt to a rank at a time: one to run, one to go on with
constexpr int done_tag = 0, result_tag = 1;  // plus the task

/// What every rank is, rank 0 too. All know who runs what and who has what.
struct Worker {
  const pdc::mpi::Session& mpi;
  Graph graph;
  std::vector<int> mine = {};                            // tasks dealt to this rank, not run yet
  std::vector<int> load = std::vector<int>(mpi.size());  // by rank: tasks dealt and not done
  std::vector<MPI_Request> sends = {};                   // nobody waits in a send
  int came = 0, early = 0;  // came: tiles; early: inputs that were not done when a task was dealt
  double busy = 0;          // seconds

  /// Who has least to do gets a task, at best one whose inputs it has.
  void deal() {
    while (!graph.ready.empty() && std::ranges::min(load) < most) {
      const int idle = static_cast<int>(std::ranges::min_element(load) - load.begin());
      const auto lacks = [&](int input) { return !graph[input].holders.contains(idle); };
      const auto moves = [&](int any) { return std::ranges::count_if(graph[any].inputs, lacks); };
      Task& task = graph[*std::ranges::min_element(graph.ready, {}, moves)];
      task.runner = task.number == graph.back().number ? 0 : idle;  // the last is wanted on rank 0
      task.holders = {task.runner};
      graph.ready.erase(task.number);
      ++load[task.runner];
      if (task.runner == mpi.rank()) mine.push_back(task.number);
      for (const int input : task.inputs) provide(graph[input], task.runner);
    }
  }

  /// Its maker sends an input to the rank that needs it and has not got it.
  void provide(Task& input, int rank) {
    early += input.times_done == 0 ? 1 : 0;
    if (input.holders.insert(rank).second && input.runner == mpi.rank())
      MPI_Isend(input.result.data(), static_cast<int>(input.result.size()), MPI_DOUBLE, rank,
                result_tag + input.number, MPI_COMM_WORLD, &sends.emplace_back());
  }

  /// Waits to hear that a task is done: from its runner on rank 0, which passes it on.
  void hear() {
    int number = 0;
    MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, done_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    const Task& task = graph[number];
    if (mpi.rank() == 0) {
      for (int rank = 1; rank < mpi.size(); ++rank)
        MPI_Isend(&task.number, 1, MPI_INT, rank, done_tag, MPI_COMM_WORLD, &sends.emplace_back());
    }
    --load[task.runner];
    graph.set_done(number);
    deal();
  }

  void run_next() {
    Task& task = graph[mine.front()];
    mine.erase(mine.begin());
    Inputs inputs;
    for (const int number : task.inputs) {
      Tile& input = graph[number].result;
      inputs.push_back(&input);
      if (input.size() > 0) continue;
      input.resize(graph.side, graph.side);
      MPI_Recv(input.data(), static_cast<int>(input.size()), MPI_DOUBLE, graph[number].runner,
               result_tag + number, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      ++came;
    }
    const auto work = mpi.lane().work("{}", task.name);
    busy -= MPI_Wtime();
    task.result = task.function(inputs);
    busy += MPI_Wtime();
    MPI_Isend(&task.number, 1, MPI_INT, 0, done_tag, MPI_COMM_WORLD, &sends.emplace_back());
  }

  void run() {
    deal();
    while (std::ranges::max(load) > 0) {
      int news = 0;  // they go first, so that nobody waits for this rank longer than a task
      MPI_Iprobe(MPI_ANY_SOURCE, done_tag, MPI_COMM_WORLD, &news, MPI_STATUS_IGNORE);
      news != 0 || mine.empty() ? hear() : run_next();
    }
    MPI_Waitall(static_cast<int>(sends.size()), sends.data(), MPI_STATUSES_IGNORE);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"tiles", 4, "rows of tiles in the matrix", {2, 12}}});
  const int tiles = program.integer("tiles");
  Worker without{mpi, cholesky(tiles, true)}, with{mpi, cholesky(tiles, false)};
  Worker tree{mpi, prime_tree()};
  say_levels(with.graph);

  program.scene("what gemm returns forgotten", &Worker::run, without);
  program.scene("all results kept", &Worker::run, with);
  pdc::mpi::say_by_rank(fmt::format("rank {} was busy for {:.1f} ms and was sent {} tiles",
                                    mpi.rank(), 1000 * with.busy, with.came));
  program.scene("a tree of sums", &Worker::run, tree);
  if (mpi.rank() != 0) return program.finish();  // the results are on rank 0

  const double wrong = residual(without.graph, tiles), right = residual(with.graph, tiles);
  const auto once = std::ranges::count(with.graph, 1, &Task::times_done);
  const double sum = tree.graph.back().result(0, 0);
  pdc::check(wrong > 1e-10, "forgotten, l * l^T is another matrix", "off by {:.1g}", wrong);
  pdc::check(once == std::ssize(with.graph), "kept, each task ran once", "{} tasks", once);
  pdc::check(with.early == 0, "none was dealt before its inputs were done", "{}", with.early);
  pdc::check(right < 1e-10, "l * l^T is the matrix", "off by {:.1g}", right);
  pdc::check(sum == primes, "the tree counts all primes", "{}", sum);
  return program.finish();
}
