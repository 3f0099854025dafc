// Master worker: uneven jobs, split in equal parts, then dealt out to whoever is free.
//
// Concept   Equal parts are not equal work: the rank with the longest jobs keeps all waiting. Dealt
//           out on request, a worker sends its result to the coordinator, and hears in answer what
//           to do next, or to stop. Who has a long job asks less often.
// Shows     MPI_Recv, MPI_Send, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_Status, MPI_Reduce, MPI_Gather
// Python    mpi4py comm.recv with MPI.ANY_SOURCE, Status.Get_source, Status.Get_tag
// Run       mpirun -np 4 master_worker --jobs 13
// You see   in equal parts rank 0 has half of the work, on request all workers end together
// Next      mandelbrot_mpi has a coordinator that computes; task_graph has jobs that need others

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int result_tag = 1, job_tag = 2, stop_tag = 3;

struct Result {
  int job, steps;
};

struct Done {
  std::vector<int> by_job;  // the steps of all ranks, on rank 0
  int by_me;                // the steps of this rank
  int before_stop;          // how many jobs were given out when the first worker was stopped
};

/// Jobs are uneven, the longest first: with 13 jobs 169, 144, 121, ... 4, 1 steps.
Result work_on(int job, int jobs, const pdc::Lane& lane) {
  const int steps = (jobs - job) * (jobs - job);
  const auto work = lane.work("job {}", job);
  std::this_thread::sleep_for(std::chrono::microseconds(200) * steps);  // plays the steps
  return {job, steps};
}

/// Wrong on purpose: as many jobs for each rank as for the others, however long they are.
Done split(const pdc::mpi::Session& mpi, int jobs) {
  std::vector<int> mine(static_cast<std::size_t>(jobs)), all(mine);
  const int end = jobs * (mpi.rank() + 1) / mpi.size();
  for (int job = jobs * mpi.rank() / mpi.size(); job < end; ++job)
    mine[static_cast<std::size_t>(job)] += work_on(job, jobs, mpi.lane()).steps;
  MPI_Reduce(mine.data(), all.data(), jobs, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
  return {all, std::reduce(mine.begin(), mine.end()), jobs};
}

/// The worker: each result asks for the next job.
Done ask_for_jobs(const pdc::mpi::Session& mpi, int jobs) {
  Result result{0, 0};  // the first one only asks: no steps of job 0
  for (int steps = 0;; steps += result.steps) {
    MPI_Send(&result, 2, MPI_INT, 0, result_tag, MPI_COMM_WORLD);
    int job = 0;
    MPI_Status answer;
    MPI_Recv(&job, 1, MPI_INT, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &answer);
    if (answer.MPI_TAG == stop_tag) return {{}, steps, jobs};
    result = work_on(job, jobs, mpi.lane());
  }
}

/// The coordinator: there is a job for whoever asks, until there are none.
Done deal_out(const pdc::mpi::Session& mpi, int jobs) {
  Done done{std::vector<int>(static_cast<std::size_t>(jobs)), 0, jobs};
  for (int next = 0, workers = mpi.size() - 1; workers > 0;) {
    Result result{};
    MPI_Status request;
    MPI_Recv(&result, 2, MPI_INT, MPI_ANY_SOURCE, result_tag, MPI_COMM_WORLD, &request);
    done.by_job[static_cast<std::size_t>(result.job)] += result.steps;
    const int tag = next < jobs ? job_tag : stop_tag;
    MPI_Send(&next, 1, MPI_INT, request.MPI_SOURCE, tag, MPI_COMM_WORLD);
    if (tag == stop_tag) {
      done.before_stop = std::min(done.before_stop, next);
      --workers;
    } else {
      ++next;
    }
  }
  return done;
}

/// How uneven the work was, with so many ranks to share it.
void compare(const pdc::mpi::Session& mpi, const char* how, int steps, int workers) {
  std::vector<int> all(static_cast<std::size_t>(mpi.size()));
  MPI_Gather(&steps, 1, MPI_INT, all.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
  const double mean = static_cast<double>(std::reduce(all.begin(), all.end())) / workers;
  pdc::say("{}: {} steps by rank, the most is {:.2f} times the mean", how, pdc::join(all),
           std::ranges::max(all) / mean);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"jobs", 13, "jobs, the first of jobs x jobs steps", {1, 40}}});
  const int jobs = program.integer("jobs"), rank = mpi.rank(), size = mpi.size();
  std::vector<int> once;  // what the steps by job should be
  for (int n = jobs; n > 0; --n) once.push_back(n * n);

  const Done parts = program.scene("in equal parts", split, mpi, jobs);
  const auto act = size == 1 ? split : rank == 0 ? deal_out : ask_for_jobs;  // alone, nobody asks
  const Done dealt = program.scene("on request", act, mpi, jobs);
  compare(mpi, "\nin equal parts", parts.by_me, size);
  compare(mpi, "on request", dealt.by_me, std::max(size - 1, 1));

  const auto first = once.begin() + jobs * rank / size;
  const int part = std::reduce(first, once.begin() + jobs * (rank + 1) / size);
  pdc::check(parts.by_me == part, "in equal parts, each rank did what its jobs take",
             "{} of {} steps on rank {}", part, std::reduce(once.begin(), once.end()), rank);
  if (rank == 0) {
    pdc::check(parts.by_job == once, "each job was done once", "{} jobs", jobs);
    pdc::check(dealt.by_job == once, "on request, each job was done once, too", "{} jobs", jobs);
    pdc::check(dealt.before_stop == jobs, "no worker was stopped while there were jobs",
               "{} of {} given out before", dealt.before_stop, jobs);
  }
  return program.finish();
}
