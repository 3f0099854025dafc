// Descriptor passing: one process opens a file, another reads on in it.
//
// Concept   The number of a descriptor means something only in the process that has it: elsewhere it
//           is no file, or another. A socket carries the descriptor itself: the other process gets
//           one of its own, of the same open file, and both share its place.
// Shows     socketpair, sendmsg, recvmsg, SCM_RIGHTS, SCM_CREDENTIALS, SO_PASSCRED,
//           MSG_CMSG_CLOEXEC, MSG_CTRUNC
// Python    socket.send_fds, socket.recv_fds, multiprocessing.reduction.send_handle
// Run       descriptor_passing
// You see   a number, which is another file and then none; a descriptor, in which both read on; a
//           message with one descriptor too many, which is noticed
// Next      ipc compares the ways to send data

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace {

/// Sends a descriptor, and as data its number: that is for show, but there has to be some data.
void send_file(const pdc::Descriptor& socket, int file) {
  iovec data{&file, sizeof file};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof file)> room{};
  msghdr message{nullptr, 0, &data, 1, room.data(), room.size(), 0};
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof file);
  memcpy(CMSG_DATA(rights), &file, sizeof file);
  pdc::posix(sendmsg(socket.get(), &message, MSG_NOSIGNAL), "sendmsg");
}

/// Wrong on purpose: a number is all that arrives.
void send_number(const pdc::Descriptor& socket, int file) {
  pdc::posix(send(socket.get(), &file, sizeof file, MSG_NOSIGNAL), "send");
}

struct Parcel {
  int number = -1;       // as the sender has it
  pdc::Descriptor file;  // as this process has it
  ucred sender{};        // as the kernel says
  bool whole = false;    // there was room for all
};

constexpr std::size_t room_for_sender = CMSG_SPACE(sizeof(ucred));
constexpr std::size_t room_for_both = room_for_sender + CMSG_LEN(sizeof(int));  // SPACE: for two

Parcel receive_file(const pdc::Descriptor& socket, std::size_t size, const pdc::Lane& lane) {
  const auto bar = lane.receive("message");
  Parcel parcel;
  iovec data{&parcel.number, sizeof parcel.number};
  alignas(cmsghdr) std::array<char, 2 * room_for_sender> room{};  // padded, and empty behind
  msghdr message{nullptr, 0, &data, 1, room.data(), size, 0};
  const auto got = pdc::posix(recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC), "recvmsg");
  if (got == 0) pdc::require(false, "the sender does not end before it has sent");
  message.msg_controllen = room.size();  // before 2.37, glibc overlooks a part without its padding
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_type == SCM_CREDENTIALS)
      memcpy(&parcel.sender, CMSG_DATA(part), sizeof parcel.sender);
    int file = -1;
    if (part->cmsg_type == SCM_RIGHTS) memcpy(&file, CMSG_DATA(part), sizeof file);
    if (file != -1) parcel.file = pdc::Descriptor(file);
  }
  parcel.whole = (message.msg_flags & MSG_CTRUNC) == 0;
  return parcel;
}

pdc::Descriptor open_words(const std::string& words) {
  pdc::Descriptor file(pdc::posix(memfd_create("words", MFD_CLOEXEC), "memfd_create"));
  pdc::posix(pwrite(file.get(), words.data(), words.size(), 0), "pwrite");
  return file;
}

/// The next word, of three letters and a space, or the name of the error.
std::string read_word(int file, const pdc::Lane& lane) {
  std::string word(4, ' ');
  if (read(file, word.data(), word.size()) == -1) word = strerrorname_np(errno);
  const auto bar = lane.work("{}", word);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays what is done with it
  return word;
}

struct Story {
  Parcel parcel;
  pid_t child;
  std::string words;  // read by the receiver
};

/// A child reads a word of a file, and sends the file. This process has one of its own, and reads.
Story read_on(void (*send)(const pdc::Descriptor& socket, int file), std::size_t room) {
  std::array<int, 2> ends;
  const int yes = 1;  // each message says who has sent it
  pdc::posix(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  const pdc::Descriptor in(ends[0]);
  pdc::Descriptor out(ends[1]);
  pdc::posix(setsockopt(in.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes), "setsockopt");

  pdc::Child child([&, lane = pdc::Lane("sender")] {
    const pdc::Descriptor file = open_words("one two six ten ");
    read_word(file.get(), lane);
    const auto bar = lane.send("message");
    send(out, file.get());
  });
  pdc::Descriptor own = open_words("own own ");  // forced: has the number of the child's file
  out.close();                                   // or the end of the child would go unnoticed
  const pdc::Lane lane("receiver");
  Parcel parcel = receive_file(in, room, lane);
  const int file = parcel.file.get() == -1 ? parcel.number : parcel.file.get();
  std::string words = read_word(file, lane);
  own.close();
  words += read_word(file, lane);
  if (words != "two six ") pdc::fault("not that file");
  return {std::move(parcel), child.pid(), words};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const Story number = program.scene("its number", read_on, send_number, room_for_both);
  const Story passed = program.scene("the descriptor", read_on, send_file, room_for_both);
  const Story tight = program.scene("no room for it", read_on, send_file, room_for_sender);

  pdc::check(number.words == "own EBADF", "a number alone is another file of the receiver, or none",
             "'{}'", number.words);
  pdc::check(
      passed.words == "two six ",
      "a descriptor that is passed is the same open file: one reads on where the other stopped",
      "'{}'", passed.words);
  pdc::check(fcntl(passed.parcel.file.get(), F_GETFD) == FD_CLOEXEC,
             "the receiver's descriptor is closed on exec");
  pdc::check(number.parcel.sender.pid == number.child && passed.parcel.sender.pid == passed.child,
             "the kernel says which process has sent a message");
  pdc::check(passed.parcel.whole && !tight.parcel.whole && tight.parcel.file.get() == -1,
             "a message says that it had a descriptor for which there was no room");
  return program.finish();
}
