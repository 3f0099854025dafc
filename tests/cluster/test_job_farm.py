# SPDX-License-Identifier: MIT
"""The job farm on three hosts: a coordinator on one, a worker on each of the others, and a link that is cut while
tasks are under way."""

import os
import re
import signal
import subprocess
import sys

import cluster
import hosts

sys.path.append(str(cluster.SOURCE / "tests" / "network"))
from farm import SECRET, Job, Keeper, read_journal  # noqa: E402

JOB = Job(tasks=400)
CHAPTER = "build/release/chapter5_async"
HERE = "10.0.0.100"  # the address of the test itself, at the switch


class JobFarm(cluster.HostsTest):
    @classmethod
    def setUpClass(cls):
        hosts.call("ip", "address", "add", f"{HERE}/24", "dev", "switch")

    def setUp(self):
        self.secret, self.journal = hosts.TEMPORARY / "secret", hosts.TEMPORARY / "journal"
        self.secret.write_bytes(SECRET)
        self.secret.chmod(0o600)
        self.started: list[subprocess.Popen] = []
        self.addCleanup(self.clean_up)

    def clean_up(self) -> None:
        for host in self.cluster.hosts:
            host.switch_off()
            host.mend()
        for process in self.started:
            process.communicate()
        hosts.wait_for_links(self.cluster.hosts)
        self.assert_nothing_runs()

    def start(self, host: hosts.Host, program: str, options: str) -> subprocess.Popen:
        words = f"{CHAPTER}/{program} --secret-file {self.secret} {options}"
        self.started.append(host.start(f"exec {words}", cwd=cluster.BOOK))
        return self.started[-1]

    def coordinator(self) -> subprocess.Popen:
        first = self.cluster.first
        options = f"--address {first.address} --json --silence 0.5 --deadline 100"
        job = " ".join(JOB.options())
        process = self.start(first, "coordinator", f"{options} {job} --journal {self.journal}")
        self.port = int(re.search(r"port (\d+)", process.stdout.readline())[1])
        return process

    def worker(self, host: hosts.Host) -> subprocess.Popen:
        place = f"--address {self.cluster.first.address} --port {self.port}"
        return self.start(host, "worker", f"{place} --name {host.name} --quiet --patience 60")

    def keeper(self) -> Keeper:
        keeper = Keeper((self.cluster.first.address, self.port))
        self.addCleanup(keeper.leave)
        return keeper

    def done_by(self, *names: str) -> int:
        return sum(line["by"] in names for line in read_journal(self.journal))

    def wait_until(self, holds) -> None:
        self.assertTrue(hosts.wait_until(holds, cluster.TIME_LIMIT), read_journal(self.journal)[-5:])

    def test_a_worker_that_was_cut_off_comes_back(self):
        _, near, far = self.cluster.hosts
        coordinator = self.coordinator()
        keepers = [self.keeper(), self.keeper()]
        back = self.worker(far)
        self.wait_until(lambda: self.done_by(far.name) > 0)
        far.cut()
        keepers[1].leave()  # if all others were done by now, far gets this one's
        self.worker(near)
        self.wait_until(lambda: len(read_journal(self.journal)) == JOB.tasks - 1)
        for pid in near.processes():
            os.kill(pid, signal.SIGKILL)
        far.mend()
        keepers[0].leave()  # the last task, and far alone can do it
        report = self.end_of(coordinator)
        # What it had in hand was done by others: its own answers come late, or it was thrown out.
        self.assertTrue(report["late"] > 0 or report["workers gone"] > 3, report)
        self.assertEqual(read_journal(self.journal)[-1]["by"], far.name)
        self.end_of(back)
        self.assert_nothing_runs()

    def end_of(self, process: subprocess.Popen) -> dict[str, int]:
        """It ends well; of the coordinator, what it counted, and every task has its result once."""
        out, _ = process.communicate(timeout=cluster.TIME_LIMIT)
        self.assertEqual(process.returncode, 0, out)
        if process is not self.started[0]:
            return {}
        report = cluster.Ended(process.returncode, out).report
        self.assertTrue(report["all_claims_hold"])
        lines = read_journal(self.journal)
        self.assertEqual(len(lines), JOB.tasks)
        self.assertEqual({line["task"]: line["value"] for line in lines}, JOB.results())
        return {measured["name"]: int(measured["value"]) for measured in report["measurements"]}


if __name__ == "__main__":
    cluster.main()
