// Mandelbrot async: tiles computed by workers over TCP, one of which is killed on the way.
//
// Concept   A job farm is a tool: whoever has work starts a coordinator and as many workers as
//           there are processors, here or elsewhere, and need not care which of them see the end.
//           The image is put together from the coordinator's journal.
// Shows     pdc::Sibling, SIGKILL, pdc::Journal, boost::json::parse
// Python    subprocess.Popen, Popen.kill
// Run       mandelbrot_async --workers 3 --image mandelbrot.png
// You see   a worker that is killed with a tile in hand, which another computes; the same counts
// Next      coordinator is what it is built on; mandelbrot_mpi does it with ranks

// SPDX-License-Identifier: MIT
#include "pdc/journal.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/secret.hpp"
#include "pdc/sibling.hpp"
#include "pdc/workload.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <istream>
#include <list>
#include <string>
#include <vector>

namespace {

constexpr pdc::MandelbrotView view;
constexpr int tiles = 48, rows = view.height / tiles;

/// A worker, and its row of the picture.
struct Worker {
  Worker(int number, const std::string& port, const std::string& secret,
         const std::string& accident = "none")
      : lane("worker {}", number),
        process("worker", {"--quiet", "--port", port, "--name", fmt::format("worker {}", number),
                           "--secret-file", secret, "--accident", accident}),
        alive(lane.work("computes tiles")) {}

  const pdc::Lane lane;
  pdc::Sibling process;
  pdc::Span alive;
};

struct Image {
  std::vector<pdc::MandelbrotPixel> pixels{std::size_t{view.width} * view.height};
  std::vector<int> times = std::vector<int>(tiles);  // how often each tile is in the journal
  std::vector<std::string> by{tiles};                // who computed it
};

/// Results come in any order: each says which tile it is, and that is where it belongs.
Image put_together(std::istream& journal) {
  Image image;
  std::string line;
  std::getline(journal, line);  // which job it is
  while (std::getline(journal, line)) {
    const boost::json::object tile = boost::json::parse(line).as_object();
    const auto number = static_cast<std::size_t>(tile.at("task").as_int64());
    ++image.times.at(number);
    image.by.at(number) = tile.at("by").as_string();
    std::size_t pixel = number * rows * view.width;
    for (const boost::json::value& count : tile.at("value").as_array()) {
      const auto iterations = static_cast<std::int32_t>(count.as_int64());
      image.pixels.at(pixel) = {iterations, static_cast<float>(iterations)};  // colours have steps
      ++pixel;
    }
  }
  return image;
}

struct Outcome {
  pdc::Exit killed, coordinator;
  std::size_t tile;  // that the killed worker had in hand
  Image image;
};

Outcome farm_out(int workers) {
  const pdc::Journal journal;  // in memory: nothing of it stays, however this program ends
  const pdc::Lane lane("coordinator");
  auto work = lane.work("deals out tiles");
  const pdc::OwnSecret secret;  // whoever is started here inherits it
  const std::string secret_file = secret.file(), count = fmt::format("{}", tiles);
  const std::vector<std::string> orders{"--job",     "mandelbrot",  "--poison",      "0",
                                        "--tasks",   count,         "--secret-file", secret_file,
                                        "--journal", journal.file()};
  pdc::Sibling coordinator("coordinator", orders);
  const std::string port = coordinator.said("port ");
  Worker first(0, port, secret.file(), "stop");
  pdc::await_stop(first.process.pid());  // in the middle of its first tile
  first.process.send(SIGKILL);
  const pdc::Exit killed = first.process.wait();
  first.alive.end();
  pdc::fault("worker 0 is killed");
  const std::string tile = coordinator.said("worker 0 is gone, with task ");
  std::list<Worker> others;
  for (int i = 1; i < workers; ++i) others.emplace_back(i, port, secret.file());
  const pdc::Exit end = coordinator.wait();
  work.end();
  others.clear();  // ~Sibling ends those that came too late
  std::ifstream lines(journal.file());
  return {killed, end, std::stoul(tile), put_together(lines)};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 3, "workers, one of which is killed", {2, 32}},
                        {"image", "", "write the picture to this PNG file"}});
  const int workers = program.integer("workers");

  const Outcome outcome = program.scene("tiles for whoever is there", farm_out, workers);
  const Image& image = outcome.image;
  pdc::write_mandelbrot(program.word("image"), view, image.pixels);

  const std::string& by = image.by.at(outcome.tile);
  pdc::check(outcome.killed.signal == SIGKILL && outcome.tile < tiles,
             "worker 0 was killed with a tile in hand", "{}, tile {}", outcome.killed.text(),
             outcome.tile);
  pdc::check(!by.empty() && by != "worker 0",
             "the tile that the killed worker had in hand was computed by another", "by {}", by);
  const auto once = std::ranges::count(image.times, 1);
  pdc::check(once == tiles, "every tile was computed, and counts once", "{} of {}", once, tiles);
  const auto sum = pdc::mandelbrot_checksum(image.pixels);
  pdc::check(sum == pdc::mandelbrot_known, "the iteration counts are those of the known image",
             "checksum {:016x}", sum);
  pdc::check(outcome.coordinator.good(), "the coordinator ended well, with nothing left to do",
             "{}", outcome.coordinator.text());
  return program.finish();
}
