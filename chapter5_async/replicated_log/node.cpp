// SPDX-License-Identifier: MIT
#include "node.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <sstream>
#include <string_view>

using pdc::posix;

// All that is sent or written is a JSON object with these members.
namespace raft {
BOOST_DESCRIBE_ENUM(Kind, request_vote, vote, append_entries, appended)
BOOST_DESCRIBE_ENUM(Role, follower, candidate, leader)
BOOST_DESCRIBE_STRUCT(Entry, (), (term, command))
BOOST_DESCRIBE_STRUCT(Record, (), (term, vote, kept, added))
BOOST_DESCRIBE_STRUCT(Message, (),
                      (kind, from, to, term, index, log_term, commit, success, entries))
}  // namespace raft
BOOST_DESCRIBE_STRUCT(Command, (), (client, number, is_put, key, value))
BOOST_DESCRIBE_STRUCT(Answer, (), (client, number, value))
BOOST_DESCRIBE_STRUCT(Input, (), (message, command))
BOOST_DESCRIBE_STRUCT(Report, (), (role, term, sent, first, executed, answers))

namespace {

std::string write_text(const auto& value) {
  return boost::json::serialize(boost::json::value_from(value));
}

template <class Type>
Type read_text(const std::string& text) {
  return boost::json::value_to<Type>(boost::json::parse(text));
}

/// The whole lines: nobody was told of what comes after the end of the last one.
std::string read_lines(int file) {
  std::string text;
  std::array<char, 4096> bytes;
  for (;;) {
    const auto place = static_cast<off_t>(text.size());
    const ssize_t count = TEMP_FAILURE_RETRY(pread(file, bytes.data(), bytes.size(), place));
    if (posix(count, "pread") == 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  text.resize(text.rfind('\n') + 1);
  return text;
}

/// When it returns, the line is in the file, and on the disk if the file has one.
void append(int file, std::string_view line) {
  while (!line.empty()) {
    const ssize_t count = TEMP_FAILURE_RETRY(write(file, line.data(), line.size()));
    if (count == -1 && (errno == ENOSPC || errno == EFBIG)) _exit(disk_is_full);
    line.remove_prefix(static_cast<std::size_t>(posix(count, "write")));
  }
  posix(TEMP_FAILURE_RETRY(fdatasync(file)), "fdatasync");
}

raft::Step take(raft::Raft& node, const Input& input) {
  if (!input.message.empty()) return node.receive(input.message.front());
  if (!input.command.empty()) return node.propose(to_text(input.command.front()));
  return node.tick();
}

}  // namespace

Answer Store::execute(const Command& command) {
  Answer& last = last_[command.client];
  if (command.number > last.number) {
    int& value = values_[command.key];
    if (command.is_put) value = command.value;
    last = {command.client, command.number, value};
  }
  return last;
}

std::string to_text(const Command& command) {
  return write_text(command);
}
std::string to_text(const Input& input) {
  return write_text(input);
}
Command to_command(const std::string& text) {
  return read_text<Command>(text);
}
Report to_report(const std::string& text) {
  return read_text<Report>(text);
}

std::string receive(const pdc::Descriptor& socket) {
  const ssize_t size = TEMP_FAILURE_RETRY(recv(socket.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC));
  if (size == -1 && errno == ECONNRESET) return {};
  std::string text(static_cast<std::size_t>(posix(size, "recv")), '\0');
  if (!text.empty())
    posix(TEMP_FAILURE_RETRY(recv(socket.get(), text.data(), text.size(), 0)), "recv");
  return text;
}

bool send(const pdc::Descriptor& socket, const std::string& text) {
  const ssize_t sent =
      TEMP_FAILURE_RETRY(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL));
  if (sent == -1 && (errno == EPIPE || errno == ECONNRESET)) return false;
  posix(sent, "send");
  return true;
}

pdc::Descriptor open_file() {
  pdc::Descriptor file(posix(memfd_create("log", MFD_CLOEXEC), "memfd_create"));
  posix(fcntl(file.get(), F_SETFL, O_APPEND), "fcntl");
  return file;
}

raft::Durable read_file(const pdc::Descriptor& file) {
  std::istringstream lines(read_lines(file.get()));
  raft::Durable durable;
  for (std::string line; std::getline(lines, line);) redo(durable, read_text<raft::Record>(line));
  return durable;
}

void live(const pdc::Descriptor& socket, const pdc::Descriptor& file, raft::Raft node) {
  signal(SIGXFSZ, SIG_IGN);  // a file that must not grow: write() says so
  const auto whole = static_cast<off_t>(read_lines(file.get()).size());
  posix(TEMP_FAILURE_RETRY(ftruncate(file.get(), whole)), "ftruncate");  // what is torn goes
  Store store;
  for (std::string text = receive(socket); !text.empty(); text = receive(socket)) {
    const auto input = read_text<Input>(text);
    const raft::Step step = take(node, input);
    if (step.write) append(file.get(), write_text(*step.write) + "\n");  // before anybody is told
    Report report{node.role(), node.term(), step.send, step.first, step.execute, {}};
    for (const raft::Entry& entry : step.execute) {
      const Answer answer = store.execute(to_command(entry.command));
      if (node.role() == raft::Role::leader) report.answers.push_back(answer);
    }
    if (!send(socket, write_text(report))) return;
  }
}
