// Machine: what this computer offers, and how much of it a program may use.
//
// Concept   A computer has packages with cores in them; a core may run several hardware threads
//           (SMT), and caches stand between the cores and the memory. A program need not get all of
//           it: a container may have a part of the CPUs (affinity) or of their time (quota). What
//           several workers can gain is limited by what they may use, and by what they share.
// Shows     hwloc, sched_getaffinity, pthread_setaffinity_np, sched_getcpu, std::jthread
// Python    os.cpu_count, os.sched_getaffinity
// Run       machine --megabytes 64
// You see   the tree of caches and cores, the CPUs this program may use, and what N workers gain
// Next      serial_parallel uses the cores; flynn shows the four kinds of parallel computer

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Topology = std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)>;

Topology load_topology() {
  hwloc_topology_t topology = nullptr;
  pdc::posix(hwloc_topology_init(&topology), "hwloc_topology_init");
  Topology owner(topology, &hwloc_topology_destroy);
  pdc::posix(hwloc_topology_load(topology), "hwloc_topology_load");
  return owner;
}

struct Counted {
  unsigned threads, memories;
};

/// Prints what is inside, each kind once, and returns how many hardware threads and memories (NUMA
/// nodes) there are.
Counted say_tree(hwloc_obj_t object, unsigned alike = 1, unsigned depth = 0) {
  char kind[64];
  char details[128];
  hwloc_obj_type_snprintf(kind, sizeof kind, object, 1);
  hwloc_obj_attr_snprintf(details, sizeof details, object, ", ", 0);
  const std::string branch = depth == 0 ? "" : std::string(3UL * depth - 3, ' ') + "└─ ";
  const std::string number = depth == 0 ? "" : fmt::format("{} x ", alike);
  const bool is_thread = object->type == HWLOC_OBJ_PU;
  pdc::say("{}{}{}{}{}", branch, number, is_thread ? "hardware thread" : kind,
           *details == 0 ? "" : ", ", details);
  Counted all{is_thread ? 1U : 0U, object->type == HWLOC_OBJ_NUMANODE ? 1U : 0U};
  const auto count = [&](hwloc_obj_t child, unsigned times) {
    const Counted inside = say_tree(child, times, depth + 1);
    all.threads += times * inside.threads;
    all.memories += times * inside.memories;
  };
  for (hwloc_obj_t memory = object->memory_first_child; memory != nullptr;
       memory = memory->next_sibling)
    count(memory, 1);
  if (object->symmetric_subtree != 0 && object->arity > 0) {  // all children look the same
    count(object->first_child, object->arity);
  } else {
    for (unsigned i = 0; i < object->arity; ++i) count(object->children[i], 1);
  }
  return all;
}

std::vector<int> usable_cpus() {
  cpu_set_t set;
  pdc::posix(sched_getaffinity(0, sizeof set, &set), "sched_getaffinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

/// How many CPUs' worth of time this process may use: the smallest quota of its cgroup (version 2)
/// and of those around it, as in a container or by systemd's CPUQuota=.
std::string quota() {
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::ifstream own("/proc/self/cgroup");
  std::filesystem::path group = root;
  for (std::string line; std::getline(own, line);) {
    if (line.starts_with("0::/")) group = root / line.substr(4);
  }
  double smallest = std::numeric_limits<double>::infinity();
  for (; group != root.parent_path(); group = group.parent_path()) {
    double time = 0;
    double period = 0;  // both in microseconds; "max" is no number, and no quota
    if (std::ifstream in(group / "cpu.max"); in >> time >> period)
      smallest = std::min(smallest, time / period);
  }
  return std::isinf(smallest) ? "none" : fmt::format("{:g} CPUs' worth of time", smallest);
}

/// Returns how many threads ran where they were told to.
int visit_each(const std::vector<int>& cpus) {
  std::vector<int> seen(cpus.size(), -1);
  {
    std::vector<std::jthread> visitors;
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      visitors.emplace_back([&, i, lane = pdc::Lane("cpu {}", cpus[i])] {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(cpus[i], &only);
        errno = pthread_setaffinity_np(pthread_self(), sizeof only, &only);
        if (errno != 0) pdc::throw_errno("pthread_setaffinity_np");
        const auto work = lane.work("on cpu {}", sched_getcpu());
        pdc::count_primes(0, 50'000);
        seen[i] = sched_getcpu();
      });
    }
  }  // ~jthread joins here
  int right = 0;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    if (seen[i] == cpus[i]) ++right;
  }
  return right;
}

void in_threads(int threads, const auto& work) {
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back(work, i);
}

/// What N workers gain: computing, which they do apart, and copying, where they share the memory.
void measure_gain(pdc::Program& program, int cpus) {
  const auto bytes = static_cast<std::size_t>(program.integer("megabytes")) << 20;
  std::vector<char> from(bytes, 1), to(bytes, 2);
  std::vector<pdc::Variant> variants;
  std::vector<int> counts;
  for (int n = 1; n < cpus; n *= 2) counts.push_back(n);
  counts.push_back(cpus);
  for (const int n : counts) {
    variants.push_back(
        {"count", n, [=] { in_threads(n, [](int) { pdc::count_primes(0, 200'000); }); }});
    variants.push_back({"copy", n, [&, n] {
                          in_threads(n, [&, part = bytes / static_cast<std::size_t>(n)](int i) {
                            const auto begin = static_cast<std::size_t>(i) * part;
                            std::memcpy(&to[begin], &from[begin], part);
                          });
                        }});
  }
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(variants, 9);
  pdc::Curve count{"N counts of primes", {}}, copy{"one copy, shared out", {}},
      ideal{"N times", {}, true};
  pdc::say("\n  threads   computing gains   copying gains   memory moved");
  for (std::size_t i = 0; i < timings.size(); i += 2) {
    const int n = variants[i].workers;
    const double counting = n * timings[0].median / timings[i].median;
    const double copying = timings[1].median / timings[i + 1].median;
    const double speed =
        2e-9 * static_cast<double>(bytes) / timings[i + 1].median;  // read, written
    pdc::say("  {:>7}   {:>13.2f} x   {:>11.2f} x   {:>7.1f} GB/s", n, counting, copying, speed);
    program.report(fmt::format("memory moved by {} threads", n), speed, "GB/s");
    program.report(fmt::format("computing gained by {} threads", n), counting, "times");
    count.points.emplace_back(n, counting);
    copy.points.emplace_back(n, copying);
    ideal.points.emplace_back(n, n);
  }
  pdc::plot("what more threads gain here", {"threads"}, {"times one thread"}, {count, copy, ideal});
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"megabytes", 64, "MiB to copy", {1, 1024}}});
  const Topology topology = load_topology();
  const std::vector<int> cpus = usable_cpus();
  const auto usable = static_cast<int>(cpus.size());
  const auto online = static_cast<int>(pdc::posix(sysconf(_SC_NPROCESSORS_ONLN), "sysconf"));

  pdc::say("");
  const Counted tree = say_tree(hwloc_get_root_obj(topology.get()));
  pdc::say("\n{} CPUs are online, this program may use {} of them; quota: {}", online, usable,
           quota());
  const int right = program.scene("a thread on each CPU", visit_each, cpus);
  measure_gain(program, usable);

  const int threads = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_PU);
  const int memories = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_NUMANODE);
  pdc::check(usable >= 1 && usable <= online, "the CPUs that may be used are among those online",
             "{} of {}", usable, online);
  pdc::check(static_cast<int>(tree.threads) == threads, "the tree holds every hardware thread once",
             "{} of {}", tree.threads, threads);
  pdc::check(static_cast<int>(tree.memories) == memories, "the tree holds every NUMA node once",
             "{} of {}", tree.memories, memories);
  pdc::check(right == usable, "a thread bound to a CPU runs there", "{} of {}", right, usable);
  return program.finish();
}
