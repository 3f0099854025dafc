// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Programs that must end: runs one of scenario.cpp (or of scenario_mpi.cpp, under mpirun) to its
/// end and tells how it ended.
namespace scenario {

struct Ended {
  int status;  // 128 + the signal, if one ended it
  std::string out;
  std::string err;
};

struct Setting {
  int ranks = 0;              // 0: no mpirun
  std::string redirect = "";  // as a shell spells it: ">&-"
  bool nobody_reads = false;  // standard output is a pipe without a reader
  std::string columns = "";   // what COLUMNS says; empty: it is not set
};

/// `words` are the scenario's name and its options. It is a failure of the test if the program does
/// not end, or if a process that it started outlives it; what does is killed.
Ended run(const std::vector<std::string>& words, const Setting& setting = {});

std::vector<std::string> lines(std::string_view text);

/// How often `part` stands in `text`.
int count(std::string_view text, std::string_view part);

/// A folder of this test alone, removed with what is in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

std::string content(const std::string& file);

}  // namespace scenario
