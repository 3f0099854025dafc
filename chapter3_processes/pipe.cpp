// Pipe: one process makes numbers, the next squares them, pipes join them.
//
// Concept   A pipe carries bytes one way, in order. Its reader sees the end of the stream when the
//           last write end is closed, and fork makes copies of every end. To write where nobody
//           reads is a signal that kills; with the signal ignored it is an error like any other.
// Shows     pipe2, read, write, poll, signal
// Python    multiprocessing.Pipe
// Run       pipe --numbers 6
// You see   three processes at work, every number squared once, in order; a forgotten write end
//           that hides the end of the stream; a writer without a reader, killed, then told by an
//           error
// Next      shell_pipeline joins other programs; message_queue keeps messages apart; ipc compares

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

namespace {

struct Pipe {
  explicit Pipe(const char* what) : carries(what) {
    int ends[2];
    pdc::posix(pipe2(ends, O_CLOEXEC), "pipe2");
    read_end = pdc::Descriptor(ends[0]);
    write_end = pdc::Descriptor(ends[1]);
  }
  const char* carries;
  pdc::Descriptor read_end, write_end;
};

/// So few bytes (up to PIPE_BUF) go in one piece, whoever else writes to the same pipe.
void write_number(int file, int number) {
  while (write(file, &number, sizeof number) == -1) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "write");
  }
}

/// False at the end of the stream. (What is written in pieces of one size is read in such pieces.)
bool read_number(int file, int& number) {
  ssize_t got = read(file, &number, sizeof number);
  while (got == -1 && errno == EINTR) got = read(file, &number, sizeof number);
  if (got == -1) throw std::system_error(errno, std::generic_category(), "read");
  return got > 0;
}

void put(const Pipe& pipe, int number, const pdc::Lane& lane) {
  auto work = lane.work("makes {} {}", pipe.carries, number);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the making
  work.end();
  const auto send = lane.send("{} {}", pipe.carries, number);
  write_number(pipe.write_end.get(), number);
}

/// 0 at the end of the stream.
int get(const Pipe& pipe, const pdc::Lane& lane) {
  auto receive = lane.receive("end of stream");
  int number = 0;
  if (read_number(pipe.read_end.get(), number)) receive.rename("{} {}", pipe.carries, number);
  return number;
}

/// A child writes one number and ends. Does its reader see the end of the stream after it?
bool sees_end(bool closes_own_write_end) {
  Pipe pipe("number");
  const pdc::Lane writer("writer"), reader("reader");
  const pdc::Exit wrote = pdc::Child([&] { put(pipe, 1, writer); }).wait();
  if (!wrote.good()) pdc::require(false, "the writer wrote its number", "{}", wrote.text());
  if (closes_own_write_end) pipe.write_end.close();
  get(pipe, reader);
  pollfd next{pipe.read_end.get(), POLLIN, 0};
  return pdc::posix(poll(&next, 1, 0), "poll") == 1;  // only looks: read() might wait for ever
}

/// How a child ends that writes where nobody reads; status EPIPE if it was told.
pdc::Exit write_to_nobody(sighandler_t on_sigpipe) {
  Pipe pipe("number");
  pipe.read_end.close();
  pdc::Child writer([&] {
    signal(SIGPIPE, on_sigpipe);
    if (write(pipe.write_end.get(), "1", 1) == -1) _exit(errno);
  });
  return writer.wait();
}

std::vector<int> square_all(int numbers) {
  Pipe raw("number"), squared("square");
  const pdc::Lane maker("maker"), squarer("squarer"), collector("collector");
  const pdc::Child making([&] {
    for (int number = 1; number <= numbers; ++number) put(raw, number, maker);
  });
  raw.write_end.close();  // or the squarer would hold a copy, and wait for ever at the end
  const pdc::Child squaring([&] {
    while (const int number = get(raw, squarer)) put(squared, number * number, squarer);
  });
  squared.write_end.close();
  std::vector<int> squares;
  while (const int square = get(squared, collector)) squares.push_back(square);
  return squares;
}  // ~Child waits here

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 6, "numbers to square", {1, 1000}}});
  const int numbers = program.integer("numbers");

  const bool forgotten = sees_end(false);
  const bool closed = sees_end(true);
  const pdc::Exit killed = write_to_nobody(SIG_DFL);
  const pdc::Exit told = write_to_nobody(SIG_IGN);
  const std::vector<int> squares = program.scene("maker, squarer, collector", square_all, numbers);

  std::vector<int> expected;
  for (int number = 1; number <= numbers; ++number) expected.push_back(number * number);
  pdc::check(!forgotten, "while the reader itself keeps a write end open, the stream does not end");
  pdc::check(closed, "it ends when the last write end is closed");
  pdc::check(killed.signal == SIGPIPE, "a writer without a reader is killed", "{}", killed.text());
  pdc::check(told.status == EPIPE, "with the signal ignored it gets an error", "{}", told.text());
  pdc::check(squares == expected, "every number came once, squared, in order", "{} of {}",
             squares.size(), numbers);
  return program.finish();
}
