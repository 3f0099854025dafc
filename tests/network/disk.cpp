// SPDX-License-Identifier: MIT
/// A disk that a test commands: loaded before a program (LD_PRELOAD), it asks the test in each fdatasync(), by a
/// connection to the socket that PDC_DISK names, how that shall end, and waits for the answer: 'y' is well.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

extern "C" int fdatasync(int) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, std::getenv("PDC_DISK"), sizeof address.sun_path - 1);
  const int test = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char answer = 'n';
  const bool has_answer =
      connect(test, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      read(test, &answer, 1) == 1;
  close(test);
  if (has_answer && answer == 'y') return 0;
  errno = EIO;
  return -1;
}
