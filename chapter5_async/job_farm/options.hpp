// SPDX-License-Identifier: MIT
#pragma once

#include "../address.hpp"
#include "jobs.hpp"
#include "proof.hpp"

#include "pdc/program.hpp"

#include <fmt/core.h>
#include <boost/asio.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>

/// What the options say, and what a range cannot say of them.
namespace job_farm {

inline std::chrono::nanoseconds seconds(double number) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(number));
}

/// How many workers: a word of its own, since 0 is another way to run and not just a number.
inline int workers_in(const pdc::Program& program) {
  const std::string& word = program.word("workers");
  int workers = -1;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), workers);
  if (error != std::errc() || end != word.data() + word.size() || workers < 0 || workers > 32)
    program.reject(fmt::format("--workers '{}': a whole number from 0 to 32", word));
  return workers;
}

/// A coordinator's.
struct Orders {
  Job job;
  int workers;  // of its own
  boost::asio::ip::tcp::endpoint place;
  std::string journal, secret_file, secret;
  double heartbeat;
  std::chrono::nanoseconds silence, deadline;
  bool text;  // not only claims, nor JSON
};

inline Job job_in(const pdc::Program& program) {
  const std::string& name = program.word("job");
  const int tasks = program.integer("tasks");
  if (name != "primes" && name != "mandelbrot" && name != "empty")
    program.reject(fmt::format("--job '{}': it is primes, mandelbrot or empty", name));
  constexpr int fewest = view.height / largest_tile;
  if (name == "mandelbrot" && (tasks < fewest || tasks > view.height))
    program.reject(fmt::format("--tasks {}: from {} to {} tiles", tasks, fewest, view.height));
  return {name, tasks, std::min(program.integer("poison"), tasks)};
}

inline Orders orders_in(const pdc::Program& program) {
  const Job job = job_in(program);
  const auto address = address_in(program);
  const std::string& file = program.word("secret-file");
  if (!address.is_loopback() && file.empty())
    program.reject(fmt::format("--address {}: others can reach it: it needs a --secret-file",
                               address.to_string()));
  const double silence = program.real("silence"), heartbeat = program.real("heartbeat");
  if (silence < 2 * heartbeat)
    program.reject(fmt::format("--silence {}: at least twice the --heartbeat", silence));
  const int workers = workers_in(program);
  const auto port = static_cast<std::uint16_t>(program.integer("port"));
  return {job,
          workers,
          {address, port},
          program.word("journal"),
          file,
          read_secret(file),
          heartbeat,
          seconds(silence),
          seconds(program.real("deadline")),
          !program.flag("quiet") && !program.flag("json")};
}

}  // namespace job_farm
