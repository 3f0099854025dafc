// Global snapshot: markers between the messages make a cut at which all the money is there.
//
// Concept   No rank sees all accounts at one moment, and payments may be under way. A rank that
//           writes down its account sends a marker to all others. At its first marker a rank writes
//           down its own, and then, as under way, what each other one sent before its own marker.
// Shows     MPI_Isend, MPI_Recv, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_Waitall, MPI_Allreduce
// Python    mpi4py comm.Isend, comm.Recv with MPI.ANY_TAG, Status.Get_source
// Run       mpirun -np 4 global_snapshot
// You see   written down when asked, 300 are missing, or 90 counted twice; with markers none
// Next      logical_clocks says what happened before what; termination_detection looks for the end

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <deque>
#include <thread>
#include <vector>

namespace {

constexpr int first = 0, money = 1000;  // who begins the snapshot; what is in each account at first
constexpr int payment_tag = 1, marker_tag = 2;

/// All pay to the first rank before it begins, and it pays to all of them when it has begun.
struct Payments {
  int before, after;
};

struct Received {
  int amount, from, tag;
};

/// What is written down: by one rank, or by all.
struct Cut {
  int accounts = 0, under_way = 0, markers = 0;
};

struct Bank {
  const pdc::mpi::Session& mpi;
  int account = money;
  Cut cut{};
  std::deque<int> outbox{};  // stays until all is sent
  std::vector<MPI_Request> sent{};

  bool is_first() const { return mpi.rank() == first; }
  int others() const { return mpi.size() - 1; }
  void send(int amount, int tag, int to) {
    account -= amount;
    outbox.push_back(amount);
    sent.emplace_back();
    MPI_Isend(&outbox.back(), 1, MPI_INT, to, tag, MPI_COMM_WORLD, &sent.back());
  }
  void send_all(int amount, int tag) {
    for (int rank = 0; rank < mpi.size(); ++rank) {
      if (rank != mpi.rank()) send(amount, tag, rank);
    }
  }
  Received take(int from, int tag) {
    int amount = 0;
    MPI_Status status;
    MPI_Recv(&amount, 1, MPI_INT, from, tag, MPI_COMM_WORLD, &status);
    account += amount;
    return {amount, status.MPI_SOURCE, status.MPI_TAG};
  }
  void write_down() {
    const auto work = mpi.lane().work("writes {}", account);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays it
    cut.accounts = account;
  }
};

/// Wrong on purpose: what is under way then is in no account, or in two.
void ask_all(Bank& bank, const Payments& payments) {
  if (bank.is_first()) {
    bank.write_down();
    bank.send_all(0, marker_tag);  // means no more than: write down yours
    bank.send_all(payments.after, payment_tag);
    for (int other = 0; other < bank.others(); ++other) {
      if (bank.take(MPI_ANY_SOURCE, payment_tag).amount > 0) pdc::fault("in no account");
    }
  } else {
    bank.send(payments.before, payment_tag, first);
    const Received paid = bank.take(first, payment_tag);  // forced: it overtakes the request
    bank.take(first, marker_tag);
    if (paid.amount > 0) pdc::fault("in two accounts");
    bank.write_down();
  }
}

/// With any tag, what one rank sends is received in the order in which it was sent.
void send_markers(Bank& bank, const Payments& payments) {
  bool has_cut = false;
  std::vector<bool> is_marked(bank.mpi.size());  // what comes from there now was sent after the cut
  const auto cut = [&] {
    bank.write_down();
    bank.send_all(0, marker_tag);
    has_cut = true;
  };
  if (bank.is_first()) {
    cut();
    bank.send_all(payments.after, payment_tag);
  } else {
    bank.send(payments.before, payment_tag, first);
  }
  for (int left = bank.others() + (bank.is_first() ? bank.others() : 1); left > 0; --left) {
    const auto [amount, from, tag] = bank.take(MPI_ANY_SOURCE, MPI_ANY_TAG);
    if (tag == marker_tag) {
      if (!has_cut) cut();
      is_marked[from] = true;
      ++bank.cut.markers;
    } else if (has_cut && !is_marked[from]) {
      bank.cut.under_way += amount;
    }
  }
}

Cut run(const pdc::mpi::Session& mpi, void (*snapshot)(Bank&, const Payments&), Payments payments) {
  Bank bank{mpi};
  snapshot(bank, payments);
  MPI_Waitall(static_cast<int>(bank.sent.size()), bank.sent.data(), MPI_STATUSES_IGNORE);
  Cut all{};
  MPI_Allreduce(&bank.cut, &all, 3, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  pdc::say("{} in the accounts, {} under way", all.accounts, all.under_way);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);
  const int ranks = mpi.size(), all = money * ranks;
  const Cut less = program.scene("asked: 100 are under way", run, mpi, ask_all, Payments{100, 0});
  const Cut more = program.scene("asked: 30 are sent after", run, mpi, ask_all, Payments{0, 30});
  const Cut right = program.scene("with markers: both", run, mpi, send_markers, Payments{100, 30});

  pdc::check(less.accounts < all, "written down when asked, what is under way is missing",
             "{} of {}", less.accounts, all);
  pdc::check(more.accounts > all, "written down when asked, what is sent after is counted twice",
             "{} of {}", more.accounts, all);
  pdc::check(right.accounts + right.under_way == all,
             "with markers, the accounts and what is under way are all the money", "{} + {} of {}",
             right.accounts, right.under_way, all);
  pdc::check(right.markers == ranks * (ranks - 1), "p ranks send p * (p - 1) markers", "{} markers",
             right.markers);
  return program.finish();
}
