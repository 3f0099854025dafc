// Message queue: messages between processes stay apart, and urgent ones overtake.
//
// Concept   A pipe carries bytes, a message queue messages: each comes as it was sent, to one
//           receiver, the urgent first. Nobody else gets it, even if that receiver dies.
// Shows     boost::interprocess::message_queue: create_only, remove, send, receive
// Python    multiprocessing.Queue
// Run       message_queue --workers 2 --items 12
// You see   a pipe makes one message of five; a queue keeps them apart, but what a killed
//           consumer has taken is lost
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
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace {

using boost::interprocess::create_only, boost::interprocess::message_queue;
using Texts = std::vector<std::string>;
constexpr unsigned usual = 0, urgent = 1;
constexpr std::array<std::pair<const char*, unsigned>, 5> calls = {
    {{"milk", usual}, {"bread", usual}, {"FIRE", urgent}, {"eggs", usual}, {"FLOOD", urgent}}};
constexpr std::size_t longest = 16;  // bytes of a message

/// Boost makes queues under a name. Children inherit the queue itself, so the name can go.
message_queue make_queue(const std::string& name) {
  const BriefName brief(name);  // also when somebody is killed meanwhile
  return message_queue(create_only, name.c_str(), 64, longest);  // room for 64: little waiting
}

/// Wrong on purpose: nothing in a stream of bytes says where a message ends.
std::string send_by_pipe() {
  const pdc::Pipe pipe;
  for (const auto& [text, priority] : calls)
    pdc::posix(write(pipe.write_end.get(), text, std::strlen(text)), "write");
  std::array<char, 512> text{};  // forced: all are there before the first is taken
  pdc::posix(read(pipe.read_end.get(), text.data(), text.size() - 1), "read");
  return text.data();
}

void put(message_queue& queue, const std::string& text, unsigned priority, const pdc::Lane& lane) {
  const auto bar = lane.send("{}", text);
  queue.send(text.data(), text.size(), priority);  // waits while the queue is full
}

std::string get(message_queue& queue, const pdc::Lane& lane) {
  auto bar = lane.receive("");
  std::array<char, longest> text;
  message_queue::size_type size = 0;
  unsigned priority = 0;
  queue.receive(text.data(), text.size(), size, priority);  // waits while the queue is empty
  const std::string message(text.data(), size);
  bar.rename("{}", message);
  return message;
}

void send_calls(message_queue& queue) {
  const pdc::Lane sender("sender");
  for (const auto& [text, priority] : calls) put(queue, text, priority, sender);
}

Texts take_all(message_queue& queue) {
  const pdc::Lane consumer("consumer");
  Texts taken;
  while (queue.get_num_msg() > 0) taken.push_back(get(queue, consumer));
  return taken;
}

Texts send_by_queue(message_queue& queue) {
  send_calls(queue);
  return take_all(queue);  // forced here, too: all are there before the first is taken
}

struct Loss {
  pdc::Exit consumer;
  Texts left;
};

Loss kill_consumer(message_queue& queue) {
  send_calls(queue);
  pdc::Child consumer([&, lane = pdc::Lane("killed one")] {
    get(queue, lane);
    pdc::fault("killed");
    raise(SIGKILL);  // forced: the call is taken, and not answered
  });
  const pdc::Exit end = consumer.wait();
  return {end, take_all(queue)};
}

/// Returns how many items came exactly once.
std::int64_t pass_items(message_queue& queue, int workers, int items) {
  const pdc::Shared<std::array<int, 8000>> taken;
  std::vector<pdc::Child> children;
  for (int worker = 0; worker < workers; ++worker) {
    children.emplace_back([&, worker, lane = pdc::Lane("producer {}", worker)] {
      for (int i = worker; i < items; i += workers) put(queue, std::to_string(i), usual, lane);
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
  const Texts came = program.scene("five calls", send_by_queue, queue);
  const Loss loss = program.scene("a consumer is killed", kill_consumer, queue);
  const auto once = program.scene("producers, consumers", pass_items, queue, workers, items);
  const auto pass = [&] { pass_items(queue, 1, 8000); };
  const double time = pdc::time_in_turns({{"", 2, pass}})[0].median / 8000;
  pdc::say("\na message takes {}", pdc::time_text(time));
  program.report("a message", time, "s");

  pdc::check(piped == "milkbreadFIREeggsFLOOD", "a pipe makes one message of five", "{}", piped);
  pdc::check(came == Texts{"FIRE", "FLOOD", "milk", "bread", "eggs"},
             "from a queue each message comes whole, the urgent ones first");
  pdc::check(
      loss.consumer.signal == SIGKILL && loss.left == Texts{"FLOOD", "milk", "bread", "eggs"},
      "the message that a killed consumer has taken is lost, and no other", "{} of {} left",
      loss.left.size(), calls.size());
  pdc::check(!message_queue::remove(name.c_str()), "the queue has no name that could be left");
  pdc::check(once == items, "every item comes once", "{} of {}", once, items);
  return program.finish();
}
