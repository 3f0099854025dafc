// SPDX-License-Identifier: MIT
#include "mpi_main.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace {

const pdc::mpi::Session* the_session = nullptr;

/// On the other ranks: only what failed.
class Failures : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& test) override {
    name_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s: %s:%d\n%s\n", the_session->rank(), name_.c_str(),
                 result.file_name(), result.line_number(), result.message());
  }

  std::string
      name_;  // kept here: to ask GoogleTest for it in the middle of a report would deadlock
};

}  // namespace

const pdc::mpi::Session& session() {
  return *the_session;
}

int main(int argc, char** argv) {
  const pdc::mpi::Session session(argc, argv);
  the_session = &session;
  testing::InitGoogleTest(&argc, argv);
  if (session.rank() != 0) {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new Failures);
  }
  const int failed = RUN_ALL_TESTS();
  int failed_anywhere = 0;
  MPI_Allreduce(&failed, &failed_anywhere, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return failed_anywhere;
}
