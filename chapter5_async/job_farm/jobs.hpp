// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/workload.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

/// What is to be done: the one place where coordinator and worker have to agree on what a task is.
namespace job_farm {

namespace json = boost::json;

constexpr std::int64_t numbers = 4'000'000;  // primes are counted below it
constexpr pdc::MandelbrotView view;
constexpr int largest_tile = 20;  // rows whose counts fit into a line

/// A job and the number of its tasks; `poison` of them fail everywhere.
struct Job {
  std::string name;  // primes, mandelbrot, empty
  int tasks, poison;

  bool fails(int task) const { return (task + tasks / 2) % tasks < poison; }
  std::int64_t first_number(int task) const {  // growing parts: tasks are uneven
    const std::int64_t n = tasks;
    return numbers * task / n * task / n;
  }
  int first_row(int task) const { return view.height * task / tasks; }

  /// The first line of a journal: only that of the same job may be continued.
  json::object description() const { return {{"job", name}, {"tasks", tasks}, {"poison", poison}}; }

  /// What a worker is told.
  json::object order(int task) const {
    if (fails(task)) return {{"kind", "poison"}};
    if (name == "empty") return {{"kind", name}};
    const bool primes = name == "primes";
    const std::int64_t first = primes ? first_number(task) : first_row(task);
    return {{"kind", name},
            {"first", first},
            {"end", primes ? first_number(task + 1) : first_row(task + 1)}};
  }

  /// Whether a value can be the result of that task; a worker may send anything.
  bool fits(int task, const json::value* value) const {
    if (task < 0 || task >= tasks || value == nullptr) return false;
    if (name != "mandelbrot") return value->is_int64();
    const auto* counts = value->if_array();
    if (counts == nullptr) return false;
    for (const json::value& count : *counts) {
      if (!count.is_int64() || count.get_int64() < 0 || count.get_int64() > view.depth)
        return false;
    }
    const int rows = first_row(task + 1) - first_row(task);
    return counts->size() == static_cast<std::size_t>(rows * view.width);
  }
};

struct Result {
  int task;
  json::value value;
};

/// The worker's part. Errors: what is thrown is the failure of the task.
inline json::value perform(const json::object& order) {
  const std::string_view kind = order.at("kind").as_string();
  if (kind == "poison") throw std::runtime_error("poison");
  if (kind == "empty") return 0;
  const std::int64_t first = order.at("first").as_int64(), end = order.at("end").as_int64();
  if (kind == "primes") return pdc::count_primes(first, end);
  if (kind != "mandelbrot" || first < 0 || end > view.height)
    throw std::runtime_error("no such task");
  json::array counts;
  std::vector<pdc::MandelbrotPixel> row(view.width);
  for (std::int64_t y = first; y < end; ++y) {
    pdc::mandelbrot_row(view, static_cast<int>(y), row);
    for (const pdc::MandelbrotPixel& pixel : row) counts.push_back(pixel.iterations);
  }
  return counts;
}

/// The checksum of a whole image, tile by tile.
inline std::uint64_t checksum(const std::vector<json::value>& tiles) {
  std::vector<pdc::MandelbrotPixel> pixels;
  for (const json::value& tile : tiles) {
    for (const json::value& count : tile.as_array())
      pixels.push_back({static_cast<std::int32_t>(count.as_int64()), 0});
  }
  return pdc::mandelbrot_checksum(pixels);
}

}  // namespace job_farm
