// Termination detection: a token finds out when all ranks are idle and no job is under way.
//
// Concept   A rank that is idle may be sent a job the next moment, so it is not enough to ask each
//           once. A token goes round and sums up jobs sent, less jobs received; a rank that has got
//           one since the last visit makes it black. If it comes home white, and the sum is 0: end.
// Shows     MPI_Isend, MPI_Send, MPI_Recv, MPI_ANY_SOURCE, MPI_Waitall, MPI_Allreduce
// Python    mpi4py comm.Isend, comm.Send, comm.Recv
// Run       mpirun -np 4 termination_detection
// You see   all idle, even with the sum 0, 2 jobs are unfinished; with a white token, none
// Next      ring has a simpler token; master_worker knows the end, as one rank deals out all jobs

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace {

constexpr int token_tag = 1, job_tag = 2, first = 1;

struct Token {
  int sum = 0;    // of the jobs that the ranks have sent, less those that they have received
  int black = 0;  // 1: a rank has received a job since the last visit
  int end = 0;    // 1: it tells the others that all has ended
  /// Wrong on purpose: a rank that was idle may have been sent a job since.
  static bool all_idle(const Token&) { return true; }
  /// Wrong on purpose: of two jobs it may have seen one sent, and the other one received.
  static bool sum_is_0(const Token& token) { return token.sum == 0; }
  static bool sum_is_0_and_white(const Token& token) { return token.sum == 0 && token.black == 0; }
};

/// Whether all has ended. Asked when the token is home; all ranks were idle when it passed them.
using Rule = bool (*)(const Token&);

struct Member {
  const pdc::mpi::Session& mpi;
  int previous = (mpi.rank() + mpi.size() - 1) % mpi.size(), next = (mpi.rank() + 1) % mpi.size();
  int count = 0, black = 0;          // what it adds to the token
  int unfinished = 0, messages = 0;  // jobs sent, less jobs finished; the token's messages
  int passed_busy = 0;               // tokens passed on while a job was in work
  std::optional<pdc::Span> job{};    // in work
  std::vector<MPI_Request> sent{};

  void send_job(int to) {
    ++count;
    ++unfinished;
    sent.emplace_back();
    MPI_Isend(nullptr, 0, MPI_INT, to, job_tag, MPI_COMM_WORLD, &sent.back());
  }
  void take_job() {
    MPI_Recv(nullptr, 0, MPI_INT, MPI_ANY_SOURCE, job_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    --count;
    black = 1;
    job.emplace(mpi.lane().work("job"));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays it
  }
  void finish_job() {
    if (job) --unfinished;
    job.reset();
  }
  void pass_on(const Token& token) {
    if (job && token.end == 0) ++passed_busy;
    MPI_Send(&token, 3, MPI_INT, next, token_tag, MPI_COMM_WORLD);
    ++messages;
  }
  Token receive_token() {
    Token token;
    MPI_Recv(&token, 3, MPI_INT, previous, token_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return token;
  }
  void add_to(Token& token) {
    token.sum += count;
    token.black |= black;
    black = 0;
  }
};

/// Rank 0 sends the token round until all has ended.
void detect(Member& me, Rule has_ended) {
  Token token;
  do {
    me.pass_on({});
    token = me.receive_token();
    me.add_to(token);
  } while (!has_ended(token));
  me.pass_on({.end = 1});
}

/// Forced: of three jobs, one is taken when the token has just gone, one when it has come, and one
/// when it has gone for the third time. A job takes until the token comes again.
void work(Member& me) {
  const int rank = me.mpi.rank(), last = me.mpi.size() - 1;
  if (rank == last) me.send_job(first);
  int visits = 0;
  for (Token token = me.receive_token(); token.end == 0; token = me.receive_token()) {
    ++visits;
    if (rank == last && visits == 1) me.take_job();
    me.finish_job();
    me.add_to(token);
    me.pass_on(token);
    if (rank == first && visits == 1) {
      me.take_job();
      for (int job = 0; job < 2; ++job) me.send_job(last);
    }
    if (rank == last && visits == 3) me.take_job();
  }
  if (me.job) pdc::fault("not finished");
  if (rank != last) me.pass_on({.end = 1});
  if (rank == last && visits < 3) me.take_job();  // of use to nobody any more
  MPI_Waitall(static_cast<int>(me.sent.size()), me.sent.data(), MPI_STATUSES_IGNORE);
}

struct Outcome {
  int unfinished, messages, passed_busy;  // of all ranks
};

Outcome run(const pdc::mpi::Session& mpi, Rule has_ended) {
  Member me{mpi};
  mpi.rank() == 0 ? detect(me, has_ended) : work(me);
  Outcome mine{me.unfinished, me.messages, me.passed_busy}, all{};
  MPI_Allreduce(&mine, &all, 3, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  pdc::say("after {} messages: {} jobs unfinished", all.messages, all.unfinished);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(3);
  const Outcome idle = program.scene("all idle", run, mpi, Token::all_idle);
  const Outcome zero = program.scene("the sum is 0", run, mpi, Token::sum_is_0);
  const Outcome white = program.scene("all white, too", run, mpi, Token::sum_is_0_and_white);

  pdc::check(idle.unfinished > 0, "if all were idle when the token came, jobs can be unfinished",
             "{} jobs", idle.unfinished);
  pdc::check(zero.unfinished > 0, "if all were idle and the sum is 0, jobs can be unfinished",
             "{} jobs", zero.unfinished);
  pdc::check(white.passed_busy == 0, "only idle ranks pass the token on");
  pdc::check(white.unfinished == 0, "if the sum is 0 and all are white, no job is unfinished");
  pdc::check(white.messages == 6 * mpi.size() - 1,
             "the token goes round 5 times, and then tells p - 1 ranks of the end", "{} messages",
             white.messages);
  return program.finish();
}
