#pragma once

#include "jobs.hpp"
#include "proof.hpp"

#include "pdc/program.hpp"

#include <fmt/core.h>
#include <boost/asio.hpp>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// Options that pdc::Program does not know. What is wrong with them ends the program with status 2
/// and one line, before anything is started.
namespace job_farm {

inline std::chrono::nanoseconds seconds(double number) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(number));
}

[[noreturn]] inline void reject(std::string_view program, const std::string& why) {
  fmt::print(stderr, "{}: {}\n", program, why);
  std::_Exit(2);
}

inline boost::asio::ip::address address_in(const pdc::Program& program, std::string_view name) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(program.word("address"), error);
  if (error) reject(name, fmt::format("--address {} is no IP address", program.word("address")));
  return address;
}

/// How many workers: a word of its own, since 0 is another way to run and not just a number.
inline int workers_in(const pdc::Program& program) {
  const std::string& word = program.word("workers");
  int workers = -1;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), workers);
  if (error != std::errc() || end != word.data() + word.size() || workers < 0 || workers > 32)
    reject("coordinator", fmt::format("--workers '{}': a whole number from 0 to 32", word));
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
    reject("coordinator", fmt::format("--job '{}': it is primes, mandelbrot or empty", name));
  constexpr int fewest = view.height / largest_tile;
  if (name == "mandelbrot" && (tasks < fewest || tasks > view.height))
    reject("coordinator",
           fmt::format("--tasks {}: from {} to {} tiles", tasks, fewest, view.height));
  return {name, tasks, std::min(program.integer("poison"), tasks)};
}

inline Orders orders_in(const pdc::Program& program) {
  const Job job = job_in(program);
  const auto address = address_in(program, "coordinator");
  const std::string& file = program.word("secret-file");
  if (!address.is_loopback() && file.empty())
    reject("coordinator", fmt::format("--address {}: others can reach it: it needs a --secret-file",
                                      address.to_string()));
  const double silence = program.real("silence"), heartbeat = program.real("heartbeat");
  if (silence < 2 * heartbeat)
    reject("coordinator", fmt::format("--silence {}: at least twice the --heartbeat", silence));
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
