// SPDX-License-Identifier: MIT
#pragma once

#include "../address.hpp"
#include "jobs.hpp"

#include "pdc/program.hpp"

#include <fmt/core.h>
#include <boost/asio.hpp>

#include <algorithm>
#include <chrono>
#include <string>

/// What the options of both sides say, and what a range cannot say of them.
namespace job_farm {

inline std::chrono::nanoseconds seconds_in(const pdc::Program& program, std::string_view option) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(program.real(option)));
}

inline boost::asio::ip::tcp::endpoint place_in(const pdc::Program& program) {
  return {address_in(program), static_cast<std::uint16_t>(program.integer("port"))};
}

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

}  // namespace job_farm
