# SPDX-License-Identifier: MIT
"""The same as a Slurm job: the README's batch script, with a controller on the first host and a
slurmd on each."""

import os
import re
import subprocess
from pathlib import Path

import cluster
import hosts

STATE = Path("/run/slurm")
TOOLS = ("slurmctld", "slurmd", "munged", "sbatch", "sinfo")
CONFIGURATION = """\
ClusterName=book
SlurmctldHost={first.name}({first.address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={state}/munge.socket
StateSaveLocation={state}/state
SlurmdSpoolDir={state}/%n
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
PartitionName=main Nodes=ALL Default=YES State=UP
"""


class Slurm(cluster.HostsTest):
    @classmethod
    def setUpClass(cls):
        (STATE / "state").mkdir(parents=True)
        STATE.chmod(0o755)
        key = STATE / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        text = CONFIGURATION.format(first=cls.cluster.first, state=STATE)
        for host in cls.cluster.hosts:
            text += f"NodeName={host.name} NodeAddr={host.address} CPUs=2 State=UNKNOWN\n"
        configuration = STATE / "slurm.conf"
        configuration.write_text(text)
        os.environ["SLURM_CONF"] = str(configuration)
        (cluster.BOOK / "job.sh").write_text(cluster.block("#!/bin/bash"))

        files = " ".join(
            f"--{kind}-file={STATE}/munge.{kind}" for kind in ("key", "pid", "seed", "log")
        )
        cls.start(cls.cluster.first, f"munged -F {files} --socket={STATE}/munge.socket")
        cls.wait_for((STATE / "munge.socket").exists)
        cls.start(cls.cluster.first, "slurmctld -D -c")
        for host in cls.cluster.hosts:
            cls.start(host, f"slurmd -D -c -N {host.name}")
        cls.wait_for(cls.all_are_idle)
        cls.lasting = frozenset(hosts.others())

    @classmethod
    def wait_for(cls, holds) -> None:
        if not hosts.wait_until(holds, cluster.TIME_LIMIT):
            raise RuntimeError((STATE / "log").read_text())

    @classmethod
    def start(cls, host: hosts.Host, script: str) -> None:
        with open(STATE / "log", "a") as log:
            daemon = host.start(f"exec {script}", stdin=subprocess.DEVNULL, stdout=log)
        cls.addClassCleanup(daemon.wait)
        cls.addClassCleanup(daemon.kill)

    @classmethod
    def all_are_idle(cls) -> bool:
        ended = cls.cluster.run("sinfo --noheader --Node --format=%T")
        return ended.out.split() == ["idle"] * len(cls.cluster.hosts)

    def batch(self, program: str) -> cluster.Ended:
        """Submits as the README does, waits for the job's end, and reads what it has written."""
        ended = self.run_well(cluster.block("sbatch").rpartition(" ")[0] + " " + program)
        self.assertIn("Submitted batch job ", ended.out)
        job = ended.out.split()[3]
        self.assertTrue(hosts.wait_until(lambda: self.status_of(job), cluster.TIME_LIMIT))
        out = Path(cluster.BOOK, f"slurm-{job}.out").read_text()
        return cluster.Ended(int(self.status_of(job)), out)

    def status_of(self, job: str) -> str:
        """Empty as long as the job has not ended. (sbatch --wait looks every few seconds only.)"""
        shown = self.run_well(f"scontrol show job {job}").out
        ended = re.search(r"JobState=(COMPLETED|FAILED|TIMEOUT)", shown)
        return re.search(r"ExitCode=(\d+)", shown)[1] if ended else ""

    def batch_that_ends_well(self, program: str) -> cluster.Ended:
        ended = self.batch(program)
        self.assertEqual(ended.status, 0, ended.out)
        return ended

    def test_answers_are_those_of_one_host(self):
        self.assert_same_answers(self.batch_that_ends_well)

    def test_a_job_that_fails_says_so(self):
        ended = self.batch("build/release/chapter4_mpi/mpi_hello --no-such-option")
        self.assertEqual(ended.status, 2)
        self.assertIn("no-such-option", ended.out)
        self.assert_nothing_runs()


if __name__ == "__main__":
    cluster.main(*TOOLS, as_root=True)  # its daemons change users
