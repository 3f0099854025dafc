// Task graph: tasks that take the results of others run on whichever rank is free.
//
// Concept   To submit a task gives a number that stands for its result, and later tasks may take
//           it. From that follows what may run at the same time. Rank 0 deals out what is ready,
//           to who has least to do and most of the inputs. A result stays where it was made until
//           it is needed elsewhere. The graph and the tasks are in task_graph.hpp.
// Shows     MPI_Isend, MPI_Iprobe, MPI_Probe, MPI_Get_count, MPI_Recv, MPI_Waitall, MPI_Reduce
// Python    dask.delayed, dask.distributed Client.submit
// Run       mpirun -np 3 task_graph --tiles 4 --size 128
// You see   with results forgotten another matrix; with all kept the right one, whoever did what
// Next      master_worker deals out jobs that need nothing; heat needs its neighbours only

#include "task_graph.hpp"

#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <deque>

namespace {

constexpr int most = 2;  // tasks dealt to a rank at a time: one to run, one to go on with
enum Tag { run_tag, give_tag, done_tag, stop_tag, result_tag };  // the last one plus the task

/// What every rank is, rank 0 too. No send waits: two that wait for each other would for ever.
struct Worker {
  const pdc::mpi::Session& mpi;
  Graph graph;
  std::vector<int> told = {};                   // tasks to run
  std::deque<std::array<int, 2>> letters = {};  // kept: what is under way must not change
  std::vector<MPI_Request> sends = {};
  bool stopped = false;
  std::vector<int> runs = std::vector<int>(graph.size()), all_runs = runs;  // by task
  double came = 0, busy = 0, seconds = 0;                                   // came: KiB
  std::vector<int> load = std::vector<int>(mpi.size());  // by rank: tasks dealt and not done
  std::set<int> done = {};
  int early = 0;  // inputs that were not done when a task was dealt

  void write(int rank, Tag tag, int task = 0, int whom = 0) {
    letters.push_back({task, whom});
    MPI_Isend(letters.back().data(), 2, MPI_INT, rank, tag, MPI_COMM_WORLD, &sends.emplace_back());
  }

  /// Waits for a message, and does what it says.
  void serve() {
    MPI_Status found;
    MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found);
    const int from = found.MPI_SOURCE, tag = found.MPI_TAG;
    if (tag >= result_tag) return receive(graph[tag - result_tag].result, found);
    std::array<int, 2> letter{};
    MPI_Recv(letter.data(), 2, MPI_INT, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    const auto [task, whom] = letter;
    if (tag == run_tag) told.push_back(task);
    if (tag == give_tag) give(graph[task].result, result_tag + task, whom);
    if (tag == stop_tag) stopped = true;
    if (tag != done_tag) return;
    --load[from];
    done.insert(task);
    graph.set_done(task, from);
    deal();
  }

  void give(const Tile& result, int tag, int rank) {  // can be read meanwhile: it never changes
    MPI_Isend(result.data(), static_cast<int>(result.size()), MPI_DOUBLE, rank, tag, MPI_COMM_WORLD,
              &sends.emplace_back());
  }

  void receive(Tile& result, const MPI_Status& found) {
    int size = 0;
    MPI_Get_count(&found, MPI_DOUBLE, &size);
    const auto side = std::lround(std::sqrt(size));  // all are square
    result.resize(side, side);
    MPI_Recv(result.data(), size, MPI_DOUBLE, found.MPI_SOURCE, found.MPI_TAG, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    came += size * sizeof(double) / 1024.0;
  }

  /// On rank 0: who has least to do is told what to run, at best a task whose inputs it has.
  void deal() {
    while (!graph.ready.empty()) {
      const auto least = std::ranges::min_element(load);
      if (*least == most) return;  // nobody is free
      const int idle = static_cast<int>(least - load.begin());
      const auto lacks = [&](int input) { return !graph[input].holders.contains(idle); };
      const auto moves = [&](int any) { return std::ranges::count_if(graph[any].inputs, lacks); };
      const int task = *std::ranges::min_element(graph.ready, {}, moves);
      const int rank = task + 1 == std::ssize(graph) ? 0 : idle;  // the last is wanted on rank 0
      for (const int input : graph[task].inputs) {
        early += done.contains(input) ? 0 : 1;
        const bool is_new = graph[input].holders.insert(rank).second;
        if (is_new) write(graph[input].maker, give_tag, input, rank);
      }
      write(rank, run_tag, task);
      graph.ready.erase(task);
      ++load[rank];
    }
    for (int rank = 0; done.size() == graph.size() && rank < mpi.size(); ++rank)
      write(rank, stop_tag);
  }

  /// Runs the first task whose inputs have come. False: there is none.
  bool run_one() {
    const auto is_here = [&](int input) { return graph[input].result.size() > 0; };
    const auto next = std::ranges::find_if(
        told, [&](int task) { return std::ranges::all_of(graph[task].inputs, is_here); });
    if (next == told.end()) return false;
    Task& task = graph[*next];
    Inputs inputs;
    for (const int input : task.inputs) inputs.push_back(&graph[input].result);
    const auto work = mpi.lane().work("{}", task.name);
    busy -= MPI_Wtime();
    task.result = task.function(inputs);
    busy += MPI_Wtime();
    ++runs[*next];
    write(0, done_tag, *next);
    told.erase(next);
    return true;
  }

  void run() {
    seconds -= MPI_Wtime();
    if (mpi.rank() == 0) deal();
    while (!stopped) {
      int found = 0;  // messages go first, so that nobody waits for this rank longer than a task
      MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
      if (found != 0 || !run_one()) serve();
    }
    MPI_Waitall(static_cast<int>(sends.size()), sends.data(), MPI_STATUSES_IGNORE);
    seconds += MPI_Wtime();
    MPI_Reduce(runs.data(), all_runs.data(), static_cast<int>(runs.size()), MPI_INT, MPI_SUM, 0,
               MPI_COMM_WORLD);
  }
};

void judge(const Graph& without, const Worker& with, const Graph& tree) {
  const auto residual = [](const Tile& l) {  // NaN if an element is
    return (l * l.transpose() - lehmer(0, 0, l.rows())).norm();
  };
  const double wrong = residual(join(without)), right = residual(join(with.graph));
  const auto once = std::ranges::count(with.all_runs, 1);
  const auto primes = static_cast<double>(pdc::sieve_primes(blocks * block_size));
  const double sum = tree.back().result(0, 0);
  pdc::check(wrong > 1e-10, "forgotten, l * l^T is another matrix", "off by {:.1g}", wrong);
  pdc::check(once == std::ssize(with.graph), "kept, each task ran once", "{} tasks", once);
  pdc::check(with.early == 0, "none was dealt before its inputs were done", "{}", with.early);
  pdc::check(right < 1e-10, "l * l^T is the matrix", "off by {:.1g}", right);
  pdc::check(sum == primes, "the tree counts all primes", "{}", sum);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv,
                       {{"tiles", 4, "rows of tiles in the matrix", {2, 12}},
                        {"size", 128, "rows of elements in a tile", {1, 128}}});
  const int tiles = program.integer("tiles"), size = program.integer("size");
  Worker without{mpi, cholesky(tiles, size, true)}, with{mpi, cholesky(tiles, size, false)};
  Worker tree{mpi, prime_tree()};
  say_levels(with.graph);

  program.scene("what gemm returns forgotten", &Worker::run, without);
  program.scene("all results kept", &Worker::run, with);
  pdc::mpi::say_by_rank(fmt::format("rank {} ran {} tasks, was busy {:.0f} %, was sent {:.0f} KiB",
                                    mpi.rank(), std::ranges::count(with.runs, 1),
                                    100 * with.busy / with.seconds, with.came));
  program.report("all results kept", with.seconds, "s");
  program.scene("a tree of sums", &Worker::run, tree);
  if (mpi.rank() == 0) judge(without.graph, with, tree.graph);
  return program.finish();
}
