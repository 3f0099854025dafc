# SPDX-License-Identifier: MIT
"""mpirun across three hosts: the ranks sit on all of them, and find what they find on one."""

import json
import re
import unittest

import cluster


class Mpirun(cluster.HostsTest):
    command = cluster.block("mpirun --hostfile hosts build").strip()

    def on_hosts(self, program: str) -> cluster.Ended:
        return self.run_well(self.command.rpartition(" ")[0] + " " + program)

    def test_ranks_sit_where_the_readme_says(self):
        self.assertIn(cluster.block("by rank"), self.run_well(self.command).out)
        self.assert_nothing_runs()

    def test_one_rank_on_each_host_and_bound(self):
        ended = self.run_well(cluster.block("mpirun --hostfile hosts --map-by").strip())
        bound = re.findall(r"\[(\w+):\d+\] MCW rank (\d) bound to .*core", ended.out)
        self.assertEqual(sorted(bound), [("node1", "0"), ("node2", "1"), ("node3", "2")])

    def test_answers_are_those_of_one_host(self):
        self.assert_same_answers(self.on_hosts)

    def test_false_clocks_are_found(self):
        ended = self.on_hosts("build/release/tests/cluster/clocks")
        said = r"^rank \d adds (-?\d+) ns, give or take (\d+)$"
        found = [(int(ns), int(doubt)) for ns, doubt in re.findall(said, ended.out, re.M)]
        uptimes = [host.uptime for host in self.cluster.hosts for _ in "12"]
        self.assertEqual(len(found), len(uptimes))
        for rank, ((offset, doubt), uptime) in enumerate(zip(found, uptimes)):
            true = (uptimes[0] - uptime) * 1_000_000_000
            self.assertLessEqual(abs(offset - true), doubt, f"rank {rank}")
            self.assertLess(doubt, cluster.TIME_LIMIT * 1e9, f"rank {rank}")

    def test_the_picture_has_one_clock(self):
        trace = cluster.BOOK / "trace.json"
        self.on_hosts(f"build/release/chapter4_mpi/mpi_hello --quiet --trace {trace}")
        events = json.loads(trace.read_text())["traceEvents"]
        ends = {e["pid"]: e["ts"] + e.get("dur", 0) for e in events if "ts" in e}
        self.assertEqual(len(ends), 6)
        self.assertLess(max(ends.values()), cluster.TIME_LIMIT * 1e6, "microseconds")


if __name__ == "__main__":
    cluster.main()
