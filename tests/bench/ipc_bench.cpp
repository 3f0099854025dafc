// SPDX-License-Identifier: MIT
/// There and back between two processes, by pipe and by socket, with nothing around the calls; and
/// the ring of the program `ipc`, beside the two copies that it makes, by two threads that do
/// nothing else. Each of the two has the processor's cache for itself.

#define main ipc_main  // its page is a whole program, and the ring is inside
#include "ipc.cpp"
#undef main

#include <benchmark/benchmark.h>
#include <signal.h>

#include <atomic>
#include <cstring>
#include <thread>

namespace {

struct Ends {
  int read_end, write_end;
};

void round_trips(benchmark::State& state, Ends ours, Ends its) {
  std::array<char, 64> message{};
  const auto get = [&](int from) { return read(from, message.data(), message.size()) > 0; };
  const auto put = [&](int to) { return write(to, message.data(), message.size()) > 0; };
  const pdc::Child child([&] {
    while (get(its.read_end) && put(its.write_end)) continue;
  });
  for (auto _ : state) {
    if (!put(ours.write_end) || !get(ours.read_end)) state.SkipWithError("no answer");
  }
  kill(child.pid(), SIGKILL);  // it has the other ends too, so it would see no end of the stream
}

void bare_pipe(benchmark::State& state) {
  const pdc::Pipe there, back;
  round_trips(state, {back.read_end.get(), there.write_end.get()},
              {there.read_end.get(), back.write_end.get()});
}
BENCHMARK(bare_pipe)->UseRealTime();

void bare_socket_pair(benchmark::State& state) {
  int pair[2];
  pdc::posix(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  const pdc::Descriptor ends[] = {pdc::Descriptor(pair[0]), pdc::Descriptor(pair[1])};
  round_trips(state, {pair[0], pair[0]}, {pair[1], pair[1]});
}
BENCHMARK(bare_socket_pair)->UseRealTime();

constexpr std::size_t message_size = 1 << 20, part = Ring::slot_size, slots = Ring::slots;
constexpr std::size_t parts = 8 * message_size / part;  // of eight messages

void shared_ring(benchmark::State& state) {
  const Way way{"", ring(), ring()};
  const auto exchange_eight = [&](Side side) {
    static std::vector<char> message(message_size, 'x');  // each process has its own
    exchange(way, side, message, 8);
  };
  const pdc::Child child([&] {
    while (true) exchange_eight(receiver);
  });
  for (auto _ : state) exchange_eight(sender);
  kill(child.pid(), SIGKILL);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(parts * part));
}
BENCHMARK(shared_ring)->UseRealTime();

struct Counts {
  alignas(64) std::atomic<std::size_t> filled = 0;
  alignas(64) std::atomic<std::size_t> emptied = 0;
};

/// Spins until there are so many, and then yields, since the other may need this processor.
void wait_for(const std::atomic<std::size_t>& count, std::size_t least) {
  for (int spins = 0; count.load(std::memory_order_acquire) < least; ++spins) {
    if (spins > 1000) std::this_thread::yield();
  }
}

void two_copies(benchmark::State& state) {
  const std::vector<char> sent(message_size, 'x');
  std::vector<char> received(message_size), ring(slots * part);
  for (auto _ : state) {
    Counts counts;
    const std::jthread sender([&] {
      for (std::size_t i = 0; i < parts; ++i) {
        if (i >= slots) wait_for(counts.emptied, i - slots + 1);
        std::memcpy(&ring[i % slots * part], &sent[i * part % message_size], part);
        counts.filled.store(i + 1, std::memory_order_release);
      }
    });
    for (std::size_t i = 0; i < parts; ++i) {
      wait_for(counts.filled, i + 1);
      std::memcpy(&received[i * part % message_size], &ring[i % slots * part], part);
      counts.emptied.store(i + 1, std::memory_order_release);
    }
  }
  benchmark::DoNotOptimize(received.data());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(parts * part));
}
BENCHMARK(two_copies)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
