/// What an empty task costs: a pool as in the program `thread_pool`, oneTBB's and Asio's; with the
/// allocations of each.

#include <benchmark/benchmark.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <latch>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace {

std::atomic<std::int64_t> allocations = 0;

}  // namespace

// Out of line: g++ takes the `free` of one beside the `new` of the other for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace {

constexpr int threads = 2;
constexpr int tasks = 10'000;  // in one iteration, submitted by this thread, then waited for

struct Job {
  virtual ~Job() = default;
  virtual void run() = 0;
};

template <class Work>
struct Task final : Job {
  explicit Task(Work todo) : work(std::move(todo)) {}
  void run() override {
    work();
    ready = 1;
    ready.notify_all();
  }
  Work work;
  std::atomic<int> ready = 0;
};

class Pool {
 public:
  Pool() {
    for (int i = 0; i < threads; ++i) {
      workers_.emplace_back([this] {
        while (const std::shared_ptr<Job> job = next()) job->run();
      });
    }
  }
  ~Pool() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  template <class Work>
  std::shared_ptr<Task<Work>> submit(Work work) {
    auto task = std::make_shared<Task<Work>>(std::move(work));
    {
      const std::scoped_lock lock(mutex_);
      jobs_.push_back(task);
    }
    changed_.notify_one();
    return task;
  }

 private:
  std::shared_ptr<Job> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || !jobs_.empty(); });
    if (jobs_.empty()) return nullptr;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> jobs_;
  bool stopped_ = false;
  std::vector<std::jthread> workers_;  // last: joined before the others are gone
};

/// Times `run_all`, which does all tasks; one round before does not count.
template <class RunAll>
void time_tasks(benchmark::State& state, RunAll run_all) {
  run_all();
  const std::int64_t before = allocations;
  for (auto _ : state) run_all();
  const auto done = static_cast<double>(state.iterations() * tasks);
  state.SetItemsProcessed(state.iterations() * tasks);
  state.counters["allocations_per_task"] = static_cast<double>(allocations - before) / done;
  state.counters["tasks"] = done;
}

void this_pool(benchmark::State& state) {
  Pool pool;
  const auto nothing = [] {};
  std::vector<decltype(pool.submit(nothing))> futures;
  time_tasks(state, [&] {
    futures.clear();
    for (int i = 0; i < tasks; ++i) futures.push_back(pool.submit(nothing));
    for (const auto& future : futures) future->ready.wait(0);
  });
}
BENCHMARK(this_pool)->UseRealTime();

void tbb_task_group(benchmark::State& state) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(threads);
  time_tasks(state, [&] {
    arena.execute([] {
      tbb::task_group group;
      for (int i = 0; i < tasks; ++i) group.run([] {});
      group.wait();
    });
  });
}
BENCHMARK(tbb_task_group)->UseRealTime();

void asio_thread_pool(benchmark::State& state) {
  boost::asio::thread_pool pool(threads);
  time_tasks(state, [&] {
    std::latch done(tasks);
    for (int i = 0; i < tasks; ++i) boost::asio::post(pool, [&] { done.count_down(); });
    done.wait();
  });
}
BENCHMARK(asio_thread_pool)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
