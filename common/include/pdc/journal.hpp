// SPDX-License-Identifier: MIT
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "pdc/process.hpp"

/// A file that says what is done, as on the page `journal`: each line is a JSON object, and the first
/// says of what it is the journal. What is in it outlives its writer.
namespace pdc {

/// Thread safety: one thread may keep() what another one appends; else as that of a vector. Errors:
/// ends the program with status 3 if the machine refuses something.
class Journal {
 public:
  /// An empty one in memory, for programs that this one starts: it goes when the last of them does.
  Journal();

  /// Of that job. One that is there already is gone on with: what a kill has torn is cut off. With an
  /// empty name it is in memory. Errors: also if it is of another job, or is in use right now.
  Journal(const std::string& file, const boost::json::object& job);

  /// Its name, for programs that this one starts, too.
  const std::string& file() const { return name_; }

  /// When it returns, the line survives the end of this process, though no power failure yet.
  void append(const boost::json::object& line);

  /// When it returns, what was appended before survives a power failure, too. That may take long.
  void keep() const;

  /// Calls `take` with each line but the first, whoever has written it. What `take` throws is wrong
  /// with the line, and ends the program with status 3.
  void read(const std::function<void(const boost::json::object&)>& take) const;

 private:
  [[noreturn]] void refuse(std::string_view why) const;
  void require(long result, const char* call) const;
  void keep_name() const;
  std::string read_all() const;

  Descriptor file_;
  std::string name_;
};

}  // namespace pdc
