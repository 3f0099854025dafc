#include "mpi_main.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace {

const pdc::mpi::Session* the_session = nullptr;

/// On the other ranks: only what failed.
class Failures : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    std::fprintf(stderr, "rank %d: %s.%s: %s:%d\n%s\n", the_session->rank(),
                 test == nullptr ? "" : test->test_suite_name(),
                 test == nullptr ? "" : test->name(), result.file_name(), result.line_number(),
                 result.message());
  }
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
