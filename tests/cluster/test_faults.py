# SPDX-License-Identifier: MIT
"""What becomes of a job on three hosts when a rank, a host or a link fails: it ends soon, says
whose fault it was, and leaves nothing running; but it lives through a short cut."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable

import cluster
import hosts

SOON = 60  # seconds from a fault to the end of everything, on however busy a machine: else it is minutes
SHORT = 3  # seconds of a cut that a job has to live through
STEADY = "build/release/tests/cluster/steady"
WELL_UNDER_WAY = "step 3 of 6 ranks"


class Faults(cluster.HostsTest):
    command = cluster.block("mpirun --hostfile hosts build").rpartition(" ")[0]

    def setUp(self):
        self.job = self.cluster.start(f"{self.command} {STEADY}")
        self.addCleanup(self.clean_up)
        said = []
        limit = threading.Timer(cluster.TIME_LIMIT, self.job.kill)
        limit.start()
        for line in self.job.stdout:
            said.append(line)
            if line.strip() == WELL_UNDER_WAY:
                limit.cancel()
                return
        self.fail("".join(said))

    def clean_up(self):
        self.job.kill()
        for host in self.cluster.hosts:
            host.switch_off()
            host.mend()
        self.job.communicate()
        hosts.wait_for_links(self.cluster.hosts)

    def assert_ends_soon(self, fault: Callable[[], None], *words: str) -> None:
        """After the fault: not well, with those words, and nothing runs any more."""
        began = time.monotonic()
        fault()
        try:
            out, _ = self.job.communicate(timeout=SOON)
        except subprocess.TimeoutExpired:
            self.fail(f"the job goes on {SOON} s after the fault")
        self.assertNotEqual(self.job.returncode, 0)
        for word in words:
            self.assertIn(word, out)
        self.assert_nothing_runs(seconds=began + SOON - time.monotonic())

    def test_a_rank_is_killed(self):
        host = self.cluster.last
        ranks = [pid for pid in host.processes() if hosts.executable(pid).endswith(STEADY[5:])]
        self.assertEqual(len(ranks), 2)
        self.assert_ends_soon(
            lambda: os.kill(ranks[0], signal.SIGKILL), "rank ", f"on node {host.name}", "Killed"
        )

    def test_a_host_is_switched_off(self):
        host = self.cluster.last
        self.assert_ends_soon(host.switch_off, "lost communication", f"on node {host.name}")

    def test_a_link_is_cut(self):
        host = self.cluster.last
        self.assert_ends_soon(host.cut, "lost communication", f"on node {host.name}")

    def test_a_short_cut_is_lived_through(self):
        self.cluster.last.cut()
        time.sleep(SHORT)  # the fault itself
        self.cluster.last.mend()
        out, _ = self.job.communicate(timeout=cluster.TIME_LIMIT)  # its input ends, so does it
        self.assertEqual(self.job.returncode, 0, out)
        self.assertTrue(out.endswith("the end\n"), out)
        self.assert_nothing_runs()


if __name__ == "__main__":
    cluster.main()
