// SPDX-License-Identifier: MIT
#include "pdc/print.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "run_scenario.hpp"

namespace {

using scenario::run;

TEST(Print, LinesOfThreadsAndChildrenComeWholeAndInTheOrderOfEach) {
  const auto ended = run({"speaks"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  std::map<std::string, int> next;
  for (const std::string& line : scenario::lines(ended.out)) {
    const std::size_t says = line.find(" says ");
    if (says == std::string::npos) continue;
    const std::string who = line.substr(0, says);
    EXPECT_EQ(line, who + " says " + std::to_string(next[who]++) + " " + std::string(200, '.'));
  }
  const std::map<std::string, int> all = {
      {"child 0", 50}, {"child 1", 50}, {"thread 0", 50}, {"thread 1", 50}};
  EXPECT_EQ(next, all);
  EXPECT_EQ(scenario::count(ended.out, "\nall claims hold\n"), 1);
  EXPECT_EQ(scenario::count(ended.out, "only the first process"), 0);
}

TEST(Print, TheTitleIsTheFirstLineAndStandsOnceWhoeverSpeaksFirst) {
  for (int round = 0; round < 10; ++round) {
    const auto ended = run({"speaks"});
    EXPECT_EQ(scenario::lines(ended.out).at(0), "scenario: how \"programs\" end");
    EXPECT_EQ(scenario::count(ended.out, "scenario: how"), 1);
  }
}

TEST(Print, QuietLeavesTheClaims) {
  const auto ended = run({"speaks", "--quiet"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out, "[ok] the sum is right (4 of 4)\n[ok] \"all\" came\nall claims hold\n");
}

TEST(Print, LinesInsideASceneAreIndented) {
  const auto ended = run({"draws"});
  EXPECT_EQ(scenario::count(ended.out, "\nfirst <scene>\n  told inside\n"), 1) << ended.out;
}

TEST(Print, LongLinesStayWholeWhereNobodyReadsThemInColumns) {
  const auto ended = run({"tells"});
  EXPECT_EQ(
      scenario::count(ended.out,
                      "\na title of more words than have room in a line of some fifty columns\n"),
      1)
      << ended.out;
  EXPECT_EQ(
      scenario::count(
          ended.out,
          "[ok] a claim is a whole sentence, which is often longer than a line is wide (1 of 1)\n"),
      1);
}

TEST(Print, LongLinesAreBrokenAtBlanksAndContinuedWithAnIndent) {
  const auto ended = run({"tells"}, {.columns = "60"});
  EXPECT_EQ(ended.status, 0);
  for (const char* lines :
       {"\na title of more words than have room in a line of some fifty\n  columns\n",
        "\n  and a line inside that is as long as that, and so is the\n    claim below\n",
        "\n  averyverylongwordthatdoesnotfitintoanylineofsomefiftycolumnsandisnotbroken\n  short\n",
        "\n[ok] a claim is a whole sentence, which is often longer than\n     a line is wide (1 of "
        "1)\n"})
    EXPECT_EQ(scenario::count(ended.out, lines), 1) << lines << "in\n" << ended.out;
}

TEST(Print, ColumnsThatAreNoNumberAreNone) {
  for (const char* columns : {"no", "0", "-7"})
    EXPECT_EQ(run({"tells"}, {.columns = columns}).out, run({"tells"}).out) << columns;
}

TEST(Print, AClosedOutputIsStatusThree) {
  const auto ended = run({"holds"}, {.redirect = ">&-"});
  EXPECT_EQ(ended.status, 3);
  EXPECT_EQ(ended.err, "scenario: write to standard output: it is closed\n");
}

TEST(Print, AClosedOutputIsStatusThreeWhateverElseIsClosed) {
  EXPECT_EQ(run({"holds"}, {.redirect = "<&- >&-"}).status, 3);
  EXPECT_EQ(run({"holds"}, {.redirect = ">&- 2>&-"}).status, 3);
  EXPECT_EQ(run({"holds"}, {.redirect = "<&- >&- 2>&-"}).status, 3);
  EXPECT_EQ(run({"holds"}, {.redirect = "<&- 2>&-"}).status, 0);
}

TEST(Print, JoinsWhatStandsInARange) {
  EXPECT_EQ(pdc::join(std::vector{3, 1, 2}), "3, 1, 2");
  EXPECT_EQ(pdc::join(std::vector<std::string>{"", "a", ""}, "; "), "; a; ");
  EXPECT_EQ(pdc::join(std::vector<double>{}), "");
}

TEST(Print, AFullDeviceIsStatusThree) {
  for (const char* option : {"--deadline=9", "--quiet", "--json", "--help", "--version"}) {
    const auto ended = run({"holds", option}, {.redirect = ">/dev/full"});
    EXPECT_EQ(ended.status, 3) << option;
    EXPECT_EQ(ended.err, "scenario: write to standard output: No space left on device\n");
  }
}

TEST(Print, ABrokenPipeIsStatusThree) {
  const auto ended = run({"holds"}, {.nobody_reads = true});
  EXPECT_EQ(ended.status, 3);
  EXPECT_EQ(ended.err, "scenario: write to standard output: Broken pipe\n");
}

TEST(Print, AChildOrThreadThatCannotWriteEndsTheProgram) {
  EXPECT_EQ(run({"speaks"}, {.redirect = ">/dev/full"}).status, 3);
  EXPECT_EQ(run({"speaks"}, {.nobody_reads = true}).status, 3);
}

TEST(Print, RefuseIsStatusThreeWithOneLineFromAnywhere) {
  for (const char* where : {"main", "thread", "child", "waited child"}) {
    const auto ended = run({"refuses", "--where", where, "--quiet"});
    EXPECT_EQ(ended.status, 3) << where;
    EXPECT_EQ(ended.err, "scenario: bind port 80: no; take another\n");
    EXPECT_EQ(ended.out, "");
  }
}

}  // namespace
