// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "run_scenario.hpp"

namespace {

using scenario::count;
using scenario::run;

// A wrong command line.

struct Wrong {
  std::vector<std::string> words;
  const char* says;  // stands in the one line on standard error
};

void PrintTo(const Wrong& wrong, std::ostream* out) {
  for (const std::string& word : wrong.words) *out << "'" << word << "' ";
}

class WrongCommandLine : public testing::TestWithParam<Wrong> {};

TEST_P(WrongCommandLine, IsStatusTwoWithOneLineBeforeAnythingIsPrinted) {
  std::vector<std::string> words = {"holds"};
  words.insert(words.end(), GetParam().words.begin(), GetParam().words.end());
  const auto ended = run(words);
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(scenario::lines(ended.err).size(), 1U) << ended.err;
  EXPECT_TRUE(ended.err.starts_with("scenario: ")) << ended.err;
  EXPECT_EQ(count(ended.err, GetParam().says), 1) << ended.err;
}

INSTANTIATE_TEST_SUITE_P(
    WholeNumbers, WrongCommandLine,
    testing::Values(Wrong{{"--threads", "0"},
                          "--threads 0 is out of range: runners, a whole number from 2 to 64"},
                    Wrong{{"--threads", "-1"}, "--threads -1 is out of range"},
                    Wrong{{"--threads=-1"}, "--threads -1 is out of range"},
                    Wrong{{"--threads", "65"}, "--threads 65 is out of range"},
                    Wrong{{"--threads", "99999999999999999999"}, "is out of range"},
                    Wrong{{"--threads", "four"},
                          "--threads 'four' is not a whole number: runners, a whole"},
                    Wrong{{"--threads", "4.5"}, "--threads '4.5' is not a whole number"},
                    Wrong{{"--threads", "4 "}, "--threads '4 ' is not a whole number"},
                    Wrong{{"--threads", ""}, "--threads needs a value: runners"},
                    Wrong{{"--threads="}, "--threads needs a value: runners"},
                    Wrong{{"--threads"}, "--threads needs a value: runners"},
                    Wrong{{"--threads", "--quiet"}, "--threads needs a value: runners"},
                    Wrong{{"--threads", "4", "--threads", "0"}, "--threads 0 is out of range"}));

INSTANTIATE_TEST_SUITE_P(
    Reals, WrongCommandLine,
    testing::Values(Wrong{{"--ratio", "0"},
                          "--ratio 0 is out of range: part of the whole, a number "
                          "from 0.1 to 1"},
                    Wrong{{"--ratio", "1.01"}, "--ratio 1.01 is out of range"},
                    Wrong{{"--ratio", "-0.5"}, "--ratio -0.5 is out of range"},
                    Wrong{{"--ratio", "nan"}, "--ratio 'nan' is not a number"},
                    Wrong{{"--ratio", "inf"}, "--ratio 'inf' is not a number"},
                    Wrong{{"--ratio", "1e999"}, "--ratio 1e999 is out of range"},
                    Wrong{{"--ratio", "half"}, "--ratio 'half' is not a number"},
                    Wrong{{"--ratio", ""}, "--ratio needs a value: part"},
                    Wrong{{"--ratio"}, "--ratio needs a value: part of the whole"},
                    Wrong{{"--deadline", "0"}, "--deadline 0 is out of range: seconds"},
                    Wrong{{"--deadline", "soon"}, "--deadline 'soon' is not a number"}));

INSTANTIATE_TEST_SUITE_P(
    WordsAndFlags, WrongCommandLine,
    testing::Values(Wrong{{"--mode", ""}, "--mode needs a value: how"},
                    Wrong{{"--mode"}, "--mode needs a value: how"},
                    Wrong{{"--svg"}, "--svg needs a value"},
                    Wrong{{"--scene", "2"}, "--scene needs --svg FILE"},
                    Wrong{{"--loud=maybe"}, "--loud is on or off and takes no value: leave =maybe"},
                    Wrong{{"--quiet=-1"}, "--quiet is on or off and takes no value: leave =-1 out"},
                    Wrong{{"--json=true"}, "--json is on or off and takes no value"},
                    Wrong{{"--help=1"}, "--help is on or off and takes no value"},
                    Wrong{{"--mode", "--quiet"}, "--mode needs a value: how"}));

INSTANTIATE_TEST_SUITE_P(
    UnknownOnes, WrongCommandLine,
    testing::Values(Wrong{{"--frobnicate"}, "no option --frobnicate; --help lists them"},
                    Wrong{{"--thread", "4"}, "no option --thread; did you mean --threads?"},
                    Wrong{{"--threds=4"}, "did you mean --threads?"},
                    Wrong{{"--Threads", "4"}, "did you mean --threads?"},
                    Wrong{{"--quite"}, "did you mean --quiet?"},
                    Wrong{{"--nodees", "2"}, "did you mean --nodes?"},
                    Wrong{{"--nods", "2"}, "did you mean --nodes?"},
                    Wrong{{"-t", "4"}, "no option -t"}, Wrong{{"stray"}, "stray argument 'stray'"},
                    Wrong{{"--threads", "4", "5"}, "stray argument '5'"},
                    Wrong{{"--", "stray"}, "no option --;"}, Wrong{{""}, "stray argument ''"},
                    Wrong{{"-"}, "no option -;"}));

TEST(CommandLine, DefaultsAndLimitsAreAllowed) {
  const std::vector<std::vector<std::string>> good = {{"--threads", "2"},
                                                      {"--threads=64"},
                                                      {"--ratio", "0.1"},
                                                      {"--ratio=1e-1"},
                                                      {"--threads=2", "--threads=3"},
                                                      {"--loud"},
                                                      {"--mode", "slow"},
                                                      {"--deadline", "60"}};
  for (std::vector<std::string> words : good) {
    words.insert(words.begin(), "holds");
    const auto ended = run(words);
    EXPECT_EQ(ended.status, 0) << words[1] << ": " << ended.err;
  }
}

TEST(CommandLine, HelpShowsThePageAndTheOptionsAndStartsNothing) {
  const auto ended = run({"holds", "--help"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.err, "");
  EXPECT_TRUE(ended.out.starts_with("Scenario: how \"programs\" end.\n")) << ended.out;
  EXPECT_EQ(count(ended.out, "runners, a whole number from 2 to 64 (default 4)"), 1) << ended.out;
  for (const char* option :
       {"--threads", "--ratio", "--mode", "--loud", "--help", "--version", "--quiet", "--json",
        "--svg FILE", "--scene", "--trace FILE", "--deadline SECONDS"})
    EXPECT_GE(count(ended.out, option), 1) << option;
  EXPECT_EQ(count(ended.out, "[ok]"), 0);
}

TEST(CommandLine, VersionIsOneLine) {
  const auto ended = run({"holds", "--version"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(scenario::lines(ended.out).size(), 1U);
  EXPECT_TRUE(ended.out.starts_with("scenario (pdc) ")) << ended.out;
}

TEST(CommandLine, WhatARangeCannotSayIsStatusTwoToo) {
  const auto ended = run({"rejects", "--quiet"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.err, "scenario: --mode fast: not with --loud\n");
  EXPECT_EQ(ended.out, "");
}

TEST(CommandLine, AFileThatCannotBeWrittenIsStatusThreeBeforeAnythingIsPrinted) {
  const scenario::Folder folder;
  for (const char* option : {"--svg", "--trace"}) {
    const auto ended = run({"holds", option, folder.file("none/picture")});
    EXPECT_EQ(ended.status, 3);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(scenario::lines(ended.err).size(), 1U) << ended.err;
    EXPECT_EQ(run({"holds", option, folder.file("")}).status, 3);  // the folder itself
  }
}

// How exceptions end.

struct Thrown {
  const char* what;
  int status;
  const char* says;
};

class EscapedException : public testing::TestWithParam<Thrown> {};

TEST_P(EscapedException, EndsTheProgramFromAnywhere) {
  for (const char* where : {"main", "thread", "child", "waited child"}) {
    const auto ended = run({"throws", "--what", GetParam().what, "--where", where, "--quiet"});
    EXPECT_EQ(ended.status, GetParam().status) << where;
    EXPECT_EQ(ended.err, std::string("scenario: ") + GetParam().says + "\n") << where;
    EXPECT_EQ(ended.out, "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, EscapedException,
    testing::Values(
        Thrown{"runtime", 1, "[failed] an exception escaped: no luck"},
        Thrown{"number", 1, "[failed] an exception escaped"},
        Thrown{"system", 3, "open door: No such file or directory"},
        Thrown{"exhausted", 3,
               "fork: Resource temporarily unavailable (out of threads, processes or "
               "memory: ask for fewer)"},
        Thrown{"thread", 3,
               "start a thread: Resource temporarily unavailable (out of threads, "
               "processes or memory: ask for fewer)"},
        Thrown{"asio_thread", 3,
               "start a thread: Resource temporarily unavailable (out of threads, "
               "processes or memory: ask for fewer)"},
        Thrown{"tbb", 3,
               "start it: Resource temporarily unavailable (out of threads, processes "
               "or memory: ask for fewer)"},
        Thrown{"connect", 3, "connect: Too many open files (raise the limit: ulimit -n)"},
        Thrown{"parser", 1, "[failed] an exception escaped: parse: syntax error"},
        Thrown{"shared_memory", 3,
               "make shared memory in /dev/shm: Read-only file system (a tmpfs with "
               "room has to be there that this user may write to)"},
        Thrown{"buffer", 1, "[failed] an exception escaped: boost::interprocess::bad_alloc"},
        Thrown{"memory", 3, "no memory left: ask for less"}),
    [](const auto& test) { return std::string(test.param.what); });

TEST(EscapedException, OfAChildDoesNotGoOnIntoTheCodeOfItsParent) {
  const auto ended = run({"child_throws_into_parent"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "scenario: [failed] an exception escaped: no luck\n");
  EXPECT_EQ(count(ended.out, "caught"), 0) << ended.out;
}

TEST(Signals, TerminationHasItsDefaultActionAndLeavesNoChild) {
  EXPECT_EQ(run({"terminated"}).status, 128 + 15);
}

// What it prints.

TEST(Program, PrintsTheVerdictOnceAndLast) {
  const auto ended = run({"holds"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(count(ended.out, "all claims hold"), 1);
  EXPECT_EQ(scenario::lines(ended.out).back(), "all claims hold");
}

TEST(Program, JsonIsCompleteAndAlone) {
  const auto ended = run({"holds", "--json", "--threads", "7", "--loud", "--mode", "a \"b\""});
  ASSERT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  const boost::json::object report = boost::json::parse(ended.out).as_object();
  EXPECT_EQ(report.at("name").as_string(), "scenario");
  EXPECT_EQ(report.at("chapter").as_string(), "tests");
  EXPECT_TRUE(report.at("all_claims_hold").as_bool());

  const boost::json::object& options = report.at("options").as_object();
  EXPECT_EQ(options.at("threads").as_int64(), 7);
  EXPECT_EQ(options.at("ratio").as_double(), 0.5);
  EXPECT_EQ(options.at("mode").as_string(), "a \"b\"");
  EXPECT_TRUE(options.at("loud").as_bool());
  EXPECT_FALSE(options.at("quiet").as_bool());
  EXPECT_EQ(options.at("deadline").as_double(), 30);

  const boost::json::array& measurements = report.at("measurements").as_array();
  ASSERT_EQ(measurements.size(), 2U);
  EXPECT_EQ(measurements[0].at("name").as_string(), "rate");
  EXPECT_EQ(measurements[0].at("value").as_double(), 2.5);
  EXPECT_EQ(measurements[0].at("unit").as_string(), "per second");

  const boost::json::array& claims = report.at("claims").as_array();
  ASSERT_EQ(claims.size(), 2U);
  EXPECT_EQ(claims[0].at("claim").as_string(), "the sum is right");
  EXPECT_EQ(claims[0].at("evidence").as_string(), "4 of 4");
  EXPECT_TRUE(claims[0].at("holds").as_bool());
  EXPECT_EQ(claims[1].at("claim").as_string(), "\"all\" came");
  EXPECT_EQ(claims[1].at("evidence").as_string(), "");
}

TEST(Program, ScenesAreDrawnInTextOnly) {
  const auto ended = run({"draws"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(count(ended.out, "a & b"), 1) << ended.out;
  EXPECT_EQ(count(ended.out, "▾ moment"), 1) << ended.out;
  EXPECT_EQ(count(ended.out, "\x1b"), 0);  // no terminal, no colour
  EXPECT_EQ(count(run({"draws", "--quiet"}).out, "a & b"), 0);
  EXPECT_EQ(scenario::lines(run({"draws", "--json"}).out).size(), 1U);
}

TEST(Program, PicturesGoToTheFilesAskedFor) {
  const scenario::Folder folder;
  const std::string svg = folder.file("picture.svg");
  const std::string trace = folder.file("picture.json");
  const auto ended = run({"draws", "--quiet", "--svg", svg, "--trace", trace});
  ASSERT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(count(scenario::content(svg), "first &lt;scene&gt;"), 1);
  const boost::json::value events = boost::json::parse(scenario::content(trace));
  EXPECT_GT(events.at("traceEvents").as_array().size(), 5U);
}

TEST(Program, OneSceneIsDrawnAloneByItsNumberOrTitle) {
  const scenario::Folder folder;
  const std::string svg = folder.file("picture.svg");
  for (const char* scene : {"2", "middle"}) {
    ASSERT_EQ(run({"draws_three", "--svg", svg, "--scene", scene}).status, 0);
    const std::string drawn = scenario::content(svg);
    EXPECT_EQ(count(drawn, ">middle</text>"), 1);
    EXPECT_EQ(count(drawn, ">begin</text>") + count(drawn, ">end</text>"), 0);
  }
}

TEST(Program, ASceneThatIsNotThereIsStatusTwoWithThoseThatAre) {
  const scenario::Folder folder;
  for (const char* scene : {"0", "4", "02", "none"}) {
    const auto ended = run({"draws_three", "--svg", folder.file("picture.svg"), "--scene", scene});
    EXPECT_EQ(ended.status, 2);
    EXPECT_EQ(scenario::lines(ended.err).size(), 1U) << ended.err;
    EXPECT_EQ(count(ended.err, "1 'begin', 2 'middle', 3 'end'"), 1) << ended.err;
    EXPECT_EQ(count(ended.out, "all claims hold"), 0);
  }
}

TEST(Program, APictureThatIsTooHighGoesToSeveralFiles) {
  const scenario::Folder folder;
  ASSERT_EQ(run({"draws_high", "--svg", folder.file("picture.svg")}).status, 0);
  EXPECT_EQ(count(scenario::content(folder.file("picture.svg")), "part 1 of 2</text>"), 1);
  EXPECT_EQ(count(scenario::content(folder.file("picture-2.svg")), "part 2 of 2</text>"), 1);
}

TEST(Program, SaysOnceBelowAChartWhereTheNamesAre) {
  const std::string says = "  --svg FILE draws it with names\n";
  const auto ended = run({"draws"});
  EXPECT_EQ(count(ended.out, says + "\n[ok]"), 1) << ended.out;
  EXPECT_EQ(count(run({"draws_three"}).out, says), 1);
  EXPECT_EQ(count(run({"holds"}).out, says), 0);  // there is no chart
  EXPECT_EQ(count(run({"draws", "--quiet"}).out, says), 0);
  const scenario::Folder folder;
  EXPECT_EQ(count(run({"draws", "--svg", folder.file("picture.svg")}).out, says), 0);
}

TEST(Program, AFileThatIsThereIsReplaced) {
  const scenario::Folder folder;
  const std::string svg = folder.file("picture.svg");
  ASSERT_EQ(run({"draws", "--svg", svg}).status, 0);
  const std::string first = scenario::content(svg);
  ASSERT_EQ(run({"holds", "--svg", svg}).status, 0);
  EXPECT_LT(scenario::content(svg).size(), first.size());
}

TEST(Program, ASceneOfMarksAloneCanBeWritten) {
  const scenario::Folder folder;
  const std::string trace = folder.file("picture.json");
  const auto ended = run({"marks_only", "--trace", trace, "--svg", folder.file("picture.svg")});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_NO_THROW(boost::json::parse(scenario::content(trace)));
}

TEST(Program, EachSceneSaysHowManySpansDidNotFitInIt) {
  const auto ended = run({"overflows"});
  EXPECT_EQ(ended.status, 0);
  const std::size_t second = ended.out.find("nothing left");
  ASSERT_NE(second, std::string::npos);
  EXPECT_EQ(count(ended.out.substr(0, second), "(10 spans did not fit"), 1) << ended.out;
  EXPECT_EQ(count(ended.out.substr(second), "(5 spans did not fit"), 1) << ended.out;
}

}  // namespace
