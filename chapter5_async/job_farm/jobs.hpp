// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/workload.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
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

  /// Where a task begins; it ends where the next begins. Parts of the primes grow: tasks are uneven.
  std::int64_t first(int task) const {
    const std::int64_t n = tasks;
    if (name == "primes") return numbers * task / n * task / n;
    return name == "mandelbrot" ? view.height * task / n : 0;
  }

  /// The first line of a journal: only that of the same job may be continued.
  json::object description() const { return {{"job", name}, {"tasks", tasks}, {"poison", poison}}; }

  /// What a worker is told.
  json::object order(int task) const {
    if (fails(task)) return {{"kind", "poison"}};
    if (name == "empty") return {{"kind", name}};
    return {{"kind", name}, {"first", first(task)}, {"end", first(task + 1)}};
  }

  /// Whether a value can be the result of that task at all.
  bool fits(int task, const json::value& value) const {
    if (task < 0 || task >= tasks) return false;
    const std::int64_t size = first(task + 1) - first(task);
    const auto is_count = [](const json::value& count, std::int64_t most) {
      return count.is_int64() && count.get_int64() >= 0 && count.get_int64() <= most;
    };
    if (name != "mandelbrot") return is_count(value, size);
    const json::array* counts = value.if_array();
    return counts != nullptr && std::ssize(*counts) == size * view.width &&
           std::ranges::all_of(*counts,
                               [&](const auto& each) { return is_count(each, view.depth); });
  }
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

}  // namespace job_farm
