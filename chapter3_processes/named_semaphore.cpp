// Named semaphore: unrelated programs meet by a name.
//
// Concept   Any program that knows the name of a piece of shared memory can open it. The name
//           outlives them all, and so does what a killed one had taken. So it is removed as soon as
//           all have opened it: they keep what they have opened, and it goes with the last of them.
// Shows     shm_open, O_CREAT, O_EXCL, shm_unlink, mmap, sem_init, sem_wait, sem_trywait, execl
// Python    multiprocessing.shared_memory, multiprocessing.resource_tracker
// Run       named_semaphore
// You see   a name that a killed program leaves, with the semaphore as it was; a name removed in
//           time, and two programs that share its semaphore all the same
// Next      process_barrier lets all meet

// SPDX-License-Identifier: MIT
#include "brief_name.hpp"

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <utility>

namespace {

sem_t* map(const pdc::Descriptor& memory) {
  const int kind = PROT_READ | PROT_WRITE;
  void* place = mmap(nullptr, sizeof(sem_t), kind, MAP_SHARED, memory.get(), 0);
  if (place == MAP_FAILED) pdc::throw_errno("mmap");
  return static_cast<sem_t*>(place);
}

/// One free place. O_EXCL: a name that is there already is an error, so nothing left is reused.
sem_t* create(const std::string& name) {
  const int number = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
  const pdc::Descriptor memory(pdc::posix(number, "shm_open"));
  pdc::posix(ftruncate(memory.get(), sizeof(sem_t)), "ftruncate");
  sem_t* semaphore = map(memory);
  pdc::posix(sem_init(semaphore, 1, 1), "sem_init");
  return semaphore;
}

enum Found : int { no_name, taken, free_place };

/// The other program: it knows nothing but the name.
Found join(const std::string& name) {
  const pdc::Descriptor memory(shm_open(name.c_str(), O_RDWR, 0));
  if (memory.get() == -1 && errno == ENOENT) return no_name;
  pdc::posix(memory.get(), "shm_open");
  sem_t* semaphore = map(memory);
  raise(SIGSTOP);  // says that it has opened it
  return sem_trywait(semaphore) == 0 ? free_place : taken;
}

/// Started by exec, so that it has no memory of this program, and only the standard descriptors. When
/// this returns it has opened the semaphore, or has ended.
pdc::Child start_other(const std::string& name, const pdc::Lane& lane) {
  const auto start = lane.work("starts");
  pdc::Child other([&] {
    execl("/proc/self/exe", "named_semaphore", "--quiet", "--join", name.c_str(), nullptr);
    pdc::throw_errno("execl");
  });
  pdc::await_stop(other.pid());
  return other;
}

/// How it finds the semaphore when it goes on.
int go_on(pdc::Child other, const pdc::Lane& lane) {
  auto work = lane.work("");
  kill(other.pid(), SIGCONT);
  const int found = other.wait().status;
  work.rename("{}", found == no_name ? "no name" : found == taken ? "taken" : "free");
  return found;
}

/// Wrong on purpose: the name is to be removed at the end.
void remove_later(const std::string&) {}

void remove_now(const std::string& name) {
  pdc::posix(shm_unlink(name.c_str()), "shm_unlink");
}

struct Story {
  pdc::Exit first;
  int second, third;  // how they find the semaphore
  int error;          // when the first is started again
};

/// The first program creates the semaphore, the second opens it. Then the first takes its place, and
/// is killed. A third comes too late.
Story meet_by_name(void (*remove)(const std::string& name)) {
  const std::string plain = fmt::format("pdc-{}-{}", getpid(), std::random_device()());
  const std::string name = "/" + plain;
  const BriefName guard(plain);  // so that this page leaves nothing, even if it is killed itself
  const pdc::Lane one("first"), two("second"), three("third");
  pdc::Child first([&] {
    sem_t* semaphore = create(name);
    raise(SIGSTOP);  // says that it is there
    remove(name);
    while (sem_wait(semaphore) == -1 && errno == EINTR) continue;
    auto hold = one.hold("takes the place");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays what is done with it
    hold.end();
    raise(SIGKILL);  // forced: it does not come to its end
  });
  pdc::await_stop(first.pid());
  pdc::Child second = start_other(name, two);
  kill(first.pid(), SIGCONT);
  const pdc::Exit end = first.wait();
  pdc::fault("killed");
  const int seen = go_on(std::move(second), two);
  const int late = go_on(start_other(name, three), three);
  if (late != no_name) pdc::fault("left behind");
  const pdc::Descriptor again(shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
  return {end, seen, late, again.get() == -1 ? errno : 0};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"join", "none", "a name: be the other program, which this one starts"}});
  if (program.word("join") != "none") _exit(join(program.word("join")));
  const Story left = program.scene("the name stays", meet_by_name, remove_later);
  const Story gone = program.scene("it is removed", meet_by_name, remove_now);

  pdc::check(left.second == taken && gone.second == taken,
             "programs that have opened the same name share one semaphore, even without the name");
  pdc::check(left.first.signal == SIGKILL && left.third == taken,
             "a name outlives a killed program, and what that had taken stays taken");
  pdc::check(left.error == EEXIST,
             "a program that is started again is told that the name is there already", "{}",
             left.error == 0 ? "no error" : strerrorname_np(left.error));
  pdc::check(gone.first.signal == SIGKILL && gone.third == no_name && gone.error == 0,
             "a name that was removed in time is not left behind by a killed program");
  return program.finish();
}
