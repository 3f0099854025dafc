// Ipc: pipe, socket pair, message queue and shared memory side by side.
//
// Concept   Interprocess communication is copying. Pipe and socket copy into the kernel and out of
//           it, with calls; a queue and a ring of slots do so in memory that both sides share.
// Shows     pipe2, socketpair, boost::interprocess: message_queue, interprocess_semaphore
// Python    multiprocessing.Pipe, multiprocessing.Queue, multiprocessing.shared_memory
// Run       ipc --rounds 9
// You see   the same data through each, the time of a round trip, and how much gets through
// Next      pipe and message_queue show how they are used; shared_memory copies nothing at all

// SPDX-License-Identifier: MIT
#include "brief_name.hpp"

#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/sync/interprocess_semaphore.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

namespace ipc = boost::interprocess;
using Bytes = std::span<char>;
constexpr std::size_t largest = 4 << 20, part_size = 64 << 10, slots = 16;
enum Side { sender, receiver };
using Line = std::function<void(Side, Bytes)>;  // one direction: passes a part of a message
struct Way {
  std::string name;
  Line there, back;
  std::array<Bytes, 2> bytes;  // what either side sends or receives
};
using Room = std::array<std::array<char, largest>, 4>;  // for what is received

/// A pipe, or one direction of a socket pair. The ends stay open as long as the program runs.
Line stream(int from, int to) {
  return [=](Side side, Bytes part) {
    if (side == sender) pdc::posix(write(to, part.data(), part.size()), "write");
    while (side == receiver && !part.empty())  // it comes in pieces of any size
      part = part.subspan(pdc::posix(read(from, part.data(), part.size()), "read"));
  };
}

Line queue() {
  const std::string id = fmt::format("pdc-{}", getpid());
  const BriefName brief(id);  // children inherit the queue itself
  auto queue = std::make_shared<ipc::message_queue>(ipc::create_only, id.c_str(), slots, part_size);
  return [=, size = std::size_t{}, priority = 0U](Side side, Bytes part) mutable {
    if (side == sender) queue->send(part.data(), part.size(), 0);
    if (side == receiver) queue->receive(part.data(), part_size, size, priority);
  };
}

struct Ring {
  std::array<char, part_size> slot[slots] = {};
  alignas(64) ipc::interprocess_semaphore free{slots}, full{0};  // a cache line each
};

void take(ipc::interprocess_semaphore& semaphore) {
  for (int i = 0; i < 100; ++i, sched_yield())
    if (semaphore.try_wait()) return;  // mostly the other is about to be done
  semaphore.wait();                    // else the kernel wakes us, which takes longer
}

Line ring() {
  const auto ring = std::make_shared<pdc::Shared<Ring>>();
  return [=, at = 0U](Side side, Bytes part) mutable {
    auto& [slot, free, full] = **ring;
    take(side == sender ? free : full);
    char* place = slot[at++ % slots].data();  // both go round, each at its own pace
    if (side == sender) std::ranges::copy(part, place);
    if (side == receiver) std::copy_n(place, part.size(), part.data());
    (side == sender ? full : free).post();
  };
}

std::vector<Way> make_ways(Bytes data, Room& room) {
  int there[2], back[2], pair[2];
  for (int* ends : {there, back}) pdc::posix(pipe2(ends, O_CLOEXEC), "pipe2");
  pdc::posix(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  return {{"pipe", stream(there[0], there[1]), stream(back[0], back[1]), {data, room[0]}},
          {"socket pair", stream(pair[1], pair[0]), stream(pair[0], pair[1]), {data, room[1]}},
          {"message queue", queue(), queue(), {data, room[2]}},
          {"shared ring", ring(), ring(), {data, room[3]}}};
}

struct Job {
  std::string name;
  std::size_t size;
  int messages, together;  // an answer to so many together
};
const std::vector<Job> jobs = {{"round trip", 64, 200, 1},   {"64 B", 64, 2000, 2000},
                               {"4 KiB", 4 << 10, 500, 500}, {"64 KiB", 64 << 10, 64, 64},
                               {"1 MiB", 1 << 20, 8, 8},     {"4 MiB", largest, 2, 2}};

/// Both sides do the same: what one sends, the other receives.
void exchange(const Job& job, const Way& way, Side side) {
  std::array<char, 64> answer{};
  for (int i = 1; i <= job.messages; ++i) {
    for (std::size_t at = 0; at < job.size; at += part_size)
      way.there(side, way.bytes[side].subspan(at, std::min(part_size, job.size - at)));
    if (i % job.together == 0) way.back(side == sender ? receiver : sender, answer);
  }
}

using Times = std::array<std::array<pdc::Timing, 4>, 6>;  // of a job by a way

Times take_part(const std::vector<Way>& ways, Side side, int rounds) {
  const pdc::Lane lane("{}", side == sender ? "sender" : "receiver");
  for (const Way& way : ways) {
    const auto pass = side == sender ? lane.send("{}", way.name) : lane.receive("{}", way.name);
    exchange(jobs.back(), way, side);
  }
  Times times;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    std::vector<pdc::Variant> variants;
    for (const Way& way : ways) variants.push_back({"", 2, [&] { exchange(jobs[j], way, side); }});
    std::ranges::copy(pdc::time_in_turns(variants, rounds), times[j].begin());
  }
  return times;
}

/// In two children, whose parent watches both: no semaphore tells one that the other is dead.
Times run(const std::vector<Way>& ways, int rounds) {
  const pdc::Shared<Times> times;
  std::vector<pdc::Child> sides;
  sides.emplace_back([&] { *times = take_part(ways, sender, rounds); });
  sides.emplace_back([&] { take_part(ways, receiver, rounds); });
  for (std::size_t ended = 0; ended < sides.size(); ++ended) {
    const pdc::Exit end = sides[pdc::next_to_end(sides)].wait();
    if (!end.good()) pdc::require(false, "no process died on the way", "{}", end.text());
  }
  return *times;
}

void say_times(pdc::Program& program, const std::vector<Way>& ways, const Times& times) {
  std::vector<pdc::Curve> curves(4);
  pdc::say("\n{:<10}{:>15}{:>15}{:>15}{:>15}", "", "pipe", "socket pair", "queue", "shared ring");
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    std::string row = fmt::format("{:<10}", jobs[j].name);
    for (std::size_t i = 0; i < 4; ++i) {
      const bool trip = jobs[j].together == 1;
      const double each = times[j][i].median / jobs[j].messages;  // seconds
      const double rate = 1e-9 * static_cast<double>(jobs[j].size) / each;
      program.report(ways[i].name + ", " + jobs[j].name, trip ? each : rate, trip ? "s" : "GB/s");
      row += fmt::format("{:>15}", trip ? pdc::time_text(each) : fmt::format("{:.3g} GB/s", rate));
      curves[i].name = ways[i].name;
      if (!trip) curves[i].points.emplace_back(jobs[j].size, rate);
    }
    pdc::say("{}", row);
  }
  pdc::plot("how much gets through", {"bytes in a message", true}, {"GB/s", true}, curves);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"rounds", 9, "rounds of the measurement", {1, 50}}});
  std::string data(largest, 0);
  for (std::size_t i = 0; i < largest; ++i) data[i] = static_cast<char>(i * 2654435761 >> 24);
  const pdc::Shared<Room> room;
  const std::vector<Way> ways = make_ways(data, *room);
  say_times(program, ways, program.scene("8 MiB by each", run, ways, program.integer("rounds")));

  const auto sum = [](Bytes in) { return std::hash<std::string_view>()({in.data(), largest}); };
  const auto equal = std::ranges::count(*room, sum(data), sum);
  pdc::check(equal == 4, "each passed the same data, in order", "{} of 4 checksums", equal);
  return program.finish();
}
