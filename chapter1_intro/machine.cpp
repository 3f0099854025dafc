// Machine: what this computer offers, and how much of it a program may use.
//
// Concept   A computer has packages with cores in them; a core may run several hardware threads
//           (SMT), and caches stand between the cores and the memory. A program need not get all of
//           it: a container may have a part of the CPUs (affinity) or of their time (quota).
// Shows     hwloc, sched_getaffinity, sched_setaffinity, sched_getcpu
// Python    os.cpu_count, os.sched_getaffinity
// Run       machine
// You see   the tree of caches and cores, and the CPUs and the time that this program may use
// Next      serial_parallel uses the cores; flynn shows the four kinds of parallel computer

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
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

using Counts = std::map<hwloc_obj_type_t, int>;

/// Prints what is inside, each kind once, and counts it. There are `alike` of it in what is around
/// it, and `all` in the machine.
void say_tree(hwloc_obj_t object, Counts& counts, int alike = 1, int all = 1, int depth = 0) {
  char kind[64];
  char details[128];
  hwloc_obj_type_snprintf(kind, sizeof kind, object, 1);
  hwloc_obj_attr_snprintf(details, sizeof details, object, ", ", 0);
  const std::string branch =
      depth == 0 ? "" : fmt::format("{:{}}└─ {} x ", "", 3 * depth - 3, alike);
  pdc::say("{}{}{}{}", branch, object->type == HWLOC_OBJ_PU ? "hardware thread" : kind,
           *details == 0 ? "" : ", ", details);
  counts[object->type] += all;
  for (hwloc_obj_t memory = object->memory_first_child; memory != nullptr;
       memory = memory->next_sibling)
    say_tree(memory, counts, 1, all, depth + 1);
  const auto inside = static_cast<int>(object->arity);
  if (object->symmetric_subtree != 0 && inside > 0) {  // all children look the same
    say_tree(object->first_child, counts, inside, all * inside, depth + 1);
  } else {
    for (int i = 0; i < inside; ++i) say_tree(object->children[i], counts, 1, all, depth + 1);
  }
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
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> visitors;
    for (const int cpu : cpus) {
      visitors.emplace_back([&right, cpu, lane = pdc::Lane("cpu {}", cpu)] {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(cpu, &only);
        pdc::posix(sched_setaffinity(0, sizeof only, &only), "sched_setaffinity");  // this thread
        const auto work = lane.work("on cpu {}", sched_getcpu());
        pdc::count_primes(0, 50'000);
        if (sched_getcpu() == cpu) ++right;
      });
    }
  }  // ~jthread joins here
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const Topology topology = load_topology();
  const std::vector<int> cpus = usable_cpus();
  const auto usable = static_cast<int>(cpus.size());
  const auto online = static_cast<int>(pdc::posix(sysconf(_SC_NPROCESSORS_ONLN), "sysconf"));

  pdc::say("");
  Counts tree;
  say_tree(hwloc_get_root_obj(topology.get()), tree);
  pdc::say("\n{} CPUs are online, this program may use {} of them; quota: {}", online, usable,
           quota());
  const int right = program.scene("a thread on each CPU", visit_each, cpus);

  const int threads = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_PU);
  const int memories = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_NUMANODE);
  pdc::check(usable >= 1 && usable <= online, "the CPUs that may be used are among those online",
             "{} of {}", usable, online);
  pdc::check(tree[HWLOC_OBJ_PU] == threads && tree[HWLOC_OBJ_NUMANODE] == memories,
             "the tree holds every hardware thread and every NUMA node once", "{} and {}",
             tree[HWLOC_OBJ_PU], tree[HWLOC_OBJ_NUMANODE]);
  pdc::check(right == usable, "a thread bound to a CPU runs there", "{} of {}", right, usable);
  return program.finish();
}
