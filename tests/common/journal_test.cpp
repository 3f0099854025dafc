// SPDX-License-Identifier: MIT
#include "pdc/journal.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <boost/json.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace json = boost::json;
const json::object job{{"job", "test"}};

std::vector<int> tasks_in(const pdc::Journal& journal) {
  std::vector<int> tasks;
  journal.read(
      [&](const json::object& line) { tasks.push_back(line.at("task").to_number<int>()); });
  return tasks;
}

class InAFolder : public testing::Test {
 protected:
  InAFolder() { mkdtemp(folder_.data()); }
  ~InAFolder() override { std::filesystem::remove_all(folder_); }

  std::string text() const {
    std::ifstream file(name());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& text) const { std::ofstream(name()) << text; }
  std::string name() const { return folder_ + "/journal"; }

 private:
  std::string folder_ = testing::TempDir() + "pdc_journal_XXXXXX";
};

TEST_F(InAFolder, IsGoneOnWith) {
  {
    pdc::Journal journal(name(), job);
    EXPECT_TRUE(tasks_in(journal).empty());
    journal.append({{"task", 7}});
    journal.keep();
  }
  pdc::Journal journal(name(), job);
  journal.append({{"task", 5}});
  EXPECT_EQ(tasks_in(journal), (std::vector{7, 5}));
  EXPECT_EQ(text(), "{\"job\":\"test\"}\n{\"task\":7}\n{\"task\":5}\n");
}

TEST_F(InAFolder, LosesWhatAKillHasTornWhereverThatIs) {
  const std::string whole = "{\"job\":\"test\"}\n{\"task\":7}\n{\"task\":5}\n";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    write(whole.substr(0, size));
    pdc::Journal journal(name(), job);
    journal.append({{"task", 3}});
    const std::size_t kept = size < 26 ? 0 : size < 37 ? 1 : 2;
    EXPECT_EQ(tasks_in(journal).size(), kept + 1) << size;
    EXPECT_EQ(tasks_in(journal).back(), 3) << size;
  }
}

TEST_F(InAFolder, OfAnotherJobIsRefusedAndLeftAsItIs) {
  for (const char* other :
       {"hello", "\n", "{}\n", "{\"job\":\"other\"}\n", "{\"job\":\"test\"}x"}) {
    write(other);
    EXPECT_EXIT(pdc::Journal(name(), job), testing::ExitedWithCode(3), "of another job") << other;
    EXPECT_EQ(text(), other);
  }
}

TEST_F(InAFolder, InUseIsRefused) {
  const pdc::Journal journal(name(), job);
  EXPECT_EXIT(pdc::Journal(name(), job), testing::ExitedWithCode(3), "another program uses it");
}

TEST_F(InAFolder, ThatCannotBeIsRefusedWithItsName) {
  const auto refused = testing::ExitedWithCode(3);
  EXPECT_EXIT(pdc::Journal("/nowhere/journal", job), refused, "journal /nowhere/journal: open: ");
  EXPECT_EXIT(pdc::Journal(testing::TempDir(), job), refused, "journal .*: open: ");
}

TEST_F(InAFolder, WithAWrongLineEndsTheProgram) {
  write("{\"job\":\"test\"}\n{\"task\":7}\n{\"task\":\n");
  const pdc::Journal journal(name(), job);
  EXPECT_EXIT(tasks_in(journal), testing::ExitedWithCode(3), "line 3 is wrong");
  const auto judge = [](const json::object&) { throw std::logic_error("no result"); };
  EXPECT_EXIT(journal.read(judge), testing::ExitedWithCode(3), "line 2 is wrong: no result");
}

TEST(Journal, InMemoryIsWrittenByWhomeverItIsNamedTo) {
  const pdc::Journal mine;
  for (int task = 0; task < 2; ++task) {
    pdc::Journal theirs(mine.file(), job);
    theirs.append({{"task", task}});
  }
  EXPECT_EQ(tasks_in(mine), (std::vector{0, 1}));
}

TEST(Journal, WithoutANameIsInMemory) {
  pdc::Journal journal("", job);
  journal.append({{"task", 7}});
  EXPECT_EQ(tasks_in(journal), (std::vector{7}));
}

}  // namespace
