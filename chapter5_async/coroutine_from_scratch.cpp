// Coroutine from scratch: what the compiler makes of a coroutine, and who destroys its frame.
//
// Concept   What a coroutine has to remember lies in a frame, as a rule on the heap. A promise in
//           it is asked at each step: begin at once? where do value and error go? what at the end?
//           A handle is a pointer to the frame, which stays until somebody destroys it.
// Shows     promise_type, std::coroutine_handle, await_suspend, std::suspend_always, destroy
// Python    generator.send, __await__, types.coroutine
// Run       coroutine_from_scratch --coroutines 3
// You see   a coroutine step by step; frames that outlive their coroutines; frames that do not
// Next      generator hands out values one by one; tasks awaits several of Asio's coroutines

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <chrono>
#include <coroutine>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

struct Scheduler {
  std::deque<std::coroutine_handle<>> ready = {};
  std::string steps = {};
  int made = 0, destroyed = 0, ended = 0;  // frames, and coroutines that have ended
  int sum = 0, errors = 0;                 // what came out of co_await

  void run() {
    for (; !ready.empty(); ready.pop_front()) {
      steps += " resume";
      ready.front().resume();  // returns when the coroutine is suspended again
    }
  }
};

/// What a coroutine returns to its caller: the owner of its frame.
struct Task {
  struct promise_type {  // by this name the compiler finds it, and gives it the arguments
    promise_type(Scheduler& by, const pdc::Lane& lane, int)
        : scheduler(by), frame(lane.hold("frame")) {
      scheduler.steps += " frame";
      ++scheduler.made;
    }
    ~promise_type() {
      scheduler.steps += " destroy";
      ++scheduler.destroyed;
    }
    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() { return {}; }  // suspend_never begins at once
    void return_value(int returned) { value = returned; }
    void unhandled_exception() { error = std::current_exception(); }
    std::suspend_always final_suspend() noexcept {  // suspend_never destroys the frame
      scheduler.steps += " final_suspend";
      ++scheduler.ended;
      if (awaiting) scheduler.ready.push_back(awaiting);
      return {};
    }

    Scheduler& scheduler;
    pdc::Span frame;
    std::coroutine_handle<> awaiting = {};  // empty: nobody
    std::exception_ptr error = {};
    int value = 0;
  };
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle made) : handle(made) {}
  Task(const Task&) = delete;
  ~Task() {
    if (handle) handle.destroy();  // destroys the variables, too, if it has not ended
  }

  bool await_ready() { return false; }  // true: go on, without being suspended
  void await_suspend(std::coroutine_handle<> awaiting) {
    handle.promise().scheduler.steps += " await_suspend";
    handle.promise().awaiting = awaiting;
    handle.promise().scheduler.ready.push_back(handle);  // its turn comes
  }
  int await_resume() {  // what it returns or throws comes out of co_await
    handle.promise().scheduler.steps += " await_resume";
    if (handle.promise().error) std::rethrow_exception(handle.promise().error);
    return handle.promise().value;
  }

  Handle handle;
};

Task halve(Scheduler& scheduler, pdc::Lane lane, int number) {
  scheduler.steps += " halve";
  const auto work = lane.work("{} / 2", number);
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the work
  if (number % 2 != 0) throw std::invalid_argument("odd");
  co_return number / 2;
}

Task ask(Scheduler& scheduler, pdc::Lane lane, int number) {
  scheduler.steps += " ask";
  try {
    scheduler.sum += co_await halve(scheduler, lane, number);
  } catch (const std::invalid_argument&) {
    ++scheduler.errors;
  }
  co_return 0;
}

/// Wrong on purpose: a handle is taken from its owner, and whoever has it destroys nothing.
int run_handles(Scheduler& scheduler, int coroutines) {
  std::deque<Task::Handle> handles;
  for (int i = 0; i < coroutines; ++i) {
    Task task = ask(scheduler, pdc::Lane("ask {}", i), i);
    handles.push_back(std::exchange(task.handle, {}));
    scheduler.ready.push_back(handles.back());
    scheduler.run();
  }
  const int left = scheduler.made - scheduler.destroyed;
  if (left > 0) pdc::fault("frames left");
  for (const auto handle : handles) handle.destroy();  // for leak checkers alone
  return left;
}

void run_tasks(Scheduler& scheduler, int coroutines) {
  for (int i = 0; i < coroutines; ++i) {
    scheduler.steps = "call";  // in the end, those of the last one
    const Task task = ask(scheduler, pdc::Lane("ask {}", i), i);
    scheduler.ready.push_back(task.handle);
    scheduler.run();
  }  // ~Task destroys the frame
  pdc::say("{}", scheduler.steps);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"coroutines", 3, "coroutines, one by one", {2, 9}}});
  const int coroutines = program.integer("coroutines"), even = (coroutines + 1) / 2;
  Scheduler without, with;

  const int left = program.scene("handles without an owner", run_handles, without, coroutines);
  program.scene("tasks own their frames", run_tasks, with, coroutines);

  pdc::check(with.steps ==
                 "call frame resume ask frame await_suspend resume halve final_suspend "
                 "resume await_resume destroy final_suspend destroy",
             "a coroutine takes its steps in their order");
  pdc::check(left == coroutines && without.ended == without.made,
             "without owners, frames stay although their coroutines have ended", "{} of {}", left,
             coroutines);
  pdc::check(with.destroyed == with.made && with.made == 2 * coroutines,
             "with owners, as many frames are destroyed as were made", "{} of {}", with.destroyed,
             with.made);
  pdc::check(with.sum == even * (even - 1) / 2 && with.errors == coroutines - even,
             "a value or an exception comes out of the co_await of whoever awaits",
             "sum {}, {} exceptions", with.sum, with.errors);
  return program.finish();
}
