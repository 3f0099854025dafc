// Message queue: messages between processes stay apart, and urgent ones overtake.
//
// Concept   A pipe carries bytes, a message queue messages: each comes as it was sent, to one
//           receiver, the urgent first. Forked children need no name to open it by.
// Shows     boost::interprocess::message_queue: create_only, remove, send, receive
// Python    multiprocessing.Queue
// Run       message_queue --workers 2 --items 12
// You see   a pipe makes one message of five; a queue does not, but a killed consumer's is lost
// Next      ipc compares it with other ways; process_lock survives the death of its owner

// SPDX-License-Identifier: MIT
#include "brief_name.hpp"

#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <boost/interprocess/ipc/message_queue.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace {

using boost::interprocess::create_only, boost::interprocess::message_queue;
using Texts = std::vector<std::string>;
const Texts calls = {"milk", "bread", "FIRE", "eggs", "FLOOD"};  // in capitals: urgent
constexpr std::size_t longest = 16;                              // bytes of a message, with a zero

/// Boost makes queues under a name. Children inherit the queue itself, so the name can go.
message_queue make_queue(const std::string& name) {
  const BriefName brief(name);  // also when somebody is killed meanwhile
  return message_queue(create_only, name.c_str(), 64, longest);  // room for 64: little waiting
}

/// Wrong on purpose: nothing in a stream of bytes says where a message ends.
std::string send_by_pipe() {
  const pdc::Pipe pipe;
  for (const std::string& call : calls) {
    pdc::posix(write(pipe.write_end.get(), call.data(), call.size()), "write");
  }
  std::array<char, 512> text{};  // forced: all are there before the first is taken
  pdc::posix(read(pipe.read_end.get(), text.data(), text.size() - 1), "read");
  return text.data();
}

void put(message_queue& queue, const std::string& text, const pdc::Lane& lane) {
  const auto send = lane.send("{}", text);
  queue.send(text.data(), text.size(), text[0] >= 'A' && text[0] <= 'Z' ? 1 : 0);
}

std::string get(message_queue& queue, const pdc::Lane& lane) {
  auto receive = lane.receive("");
  std::array<char, longest> text{};
  auto [size, priority] = std::pair(longest, 0u);
  queue.receive(text.data(), longest, size, priority);
  receive.rename("{}", text.data());
  return text.data();
}

/// One consumer takes a call and is killed. Returns what another one finds.
Texts send_by_queue(message_queue& queue) {
  const pdc::Lane sender("sender"), killed("killed consumer"), consumer("consumer");
  for (const std::string& call : calls) put(queue, call, sender);
  pdc::Child([&] {
    get(queue, killed);
    const auto work = killed.work("answers");
    raise(SIGKILL);  // plays a crash before the call is answered
  }).wait();
  Texts rest;
  while (queue.get_num_msg() > 0) rest.push_back(get(queue, consumer));
  return rest;
}

/// Returns how many items came exactly once.
std::int64_t pass_items(message_queue& queue, int workers, int items) {
  const pdc::Shared<std::array<int, 8000>> taken;
  std::vector<pdc::Child> children;
  for (int worker = 0; worker < workers; ++worker) {
    children.emplace_back([&, worker, lane = pdc::Lane("producer {}", worker)] {
      for (int i = worker; i < items; i += workers) put(queue, std::to_string(i), lane);
    });
    children.emplace_back([&, worker, lane = pdc::Lane("consumer {}", worker)] {
      for (int i = worker; i < items; i += workers) ++(*taken)[std::stoul(get(queue, lane))];
    });
  }
  for (std::size_t ended = 0; ended < children.size(); ++ended) {
    pdc::Child& next = children[pdc::next_to_end(children)];  // the dead leave the queue locked
    if (!next.wait().good()) pdc::require(false, "no process died on the way");
  }
  return std::ranges::count(*taken, 1);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 2, "producers, and as many consumers", {1, 16}},
                        {"items", 12, "items", {1, 8000}}});
  const int workers = program.integer("workers"), items = program.integer("items");
  const std::string name = fmt::format("pdc-{}", getpid());
  message_queue queue = make_queue(name);

  const std::string piped = send_by_pipe();
  const Texts rest = program.scene("a consumer is killed", send_by_queue, queue);
  const auto once = program.scene("producers, consumers", pass_items, queue, workers, items);
  const auto pass = [&] { pass_items(queue, 1, 8000); };
  const double time = pdc::time_in_turns({{"", 2, pass}})[0].median / 8000;
  pdc::say("\na message takes {}", pdc::time_text(time));
  program.report("a message", time, "s");

  pdc::check(piped == "milkbreadFIREeggsFLOOD", "a pipe makes one message of five", "{}", piped);
  pdc::check(rest.size() == 4, "a killed consumer takes one along", "{} of 5 left", rest.size());
  pdc::check(rest == Texts{"FLOOD", "milk", "bread", "eggs"}, "the others come, urgent ones first");
  pdc::check(!message_queue::remove(name.c_str()), "the queue has no name that could be left");
  pdc::check(once == items, "every item comes once", "{} of {}", once, items);
  return program.finish();
}
