# SPDX-License-Identifier: MIT
"""The hosts, set up as the README's section on several hosts says: its own hostfile, settings,
commands and batch script are used, so that what stands there works."""

import json
import os
import subprocess
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path

import hosts

SOURCE = Path(__file__).resolve().parents[2]
sys.path.append(str(SOURCE / "common" / "programs"))
from harness import catalog  # noqa: E402
from page import Page  # noqa: E402

README = SOURCE / "chapter4_mpi" / "README.md"
SECTION = "On more than one machine"
TIME_LIMIT = 150  # seconds for one command, on however busy a machine
BOOK = Path("/run/book")  # looks like the repository with its build
# Those that the catalog has.
PROGRAMS = ("mpi_hello", "scatter", "one_sided", "remote_atomics", "heat", "task_graph")
# What only the tests need: hosts that have to share the cores of one machine, and no sshd.
SETTINGS_HERE = f"""
mpi_yield_when_idle = 1
hwloc_base_binding_policy = none
plm_rsh_agent = {hosts.LOGIN}
"""
SAY_WHERE = """sh -c 'echo "rank $OMPI_COMM_WORLD_RANK sits on $(hostname)"; exec "$0" "$@"'"""


@dataclass
class Ended:
    status: int
    out: str  # stderr too

    @property
    def report(self) -> dict:
        """What the program says with --json, without times and without the evidence of its claims,
        of which chance may have a part."""
        [line] = [line for line in self.out.splitlines() if line.startswith("{")]
        report = json.loads(line)
        lasting = [m for m in report["measurements"] if m["unit"] not in ("s", "ms", "us", "ns")]
        claims = [{**claim, "evidence": ""} for claim in report["claims"]]
        return {**report, "measurements": lasting, "claims": claims}

    @property
    def seats(self) -> list[str]:
        """The host of each rank, as SAY_WHERE prints it."""
        words = [line.split() for line in self.out.splitlines() if " sits on " in line]
        return [name for _, name in sorted((int(line[1]), line[4]) for line in words)]


class Cluster:
    def __init__(self, build: Path):
        self.hosts = hosts.make_hosts([line.split()[0] for line in block("node1").splitlines()])
        self.first, self.last = self.hosts[0], self.hosts[-1]
        (BOOK / "build").mkdir(parents=True)
        (BOOK / "build" / "release").symlink_to(build.resolve())
        (BOOK / "hosts").write_text(block("node1"))
        settings = Path(os.environ["HOME"], ".openmpi", "mca-params.conf")
        settings.parent.mkdir()
        settings.write_text(block("btl_tcp_if_include") + SETTINGS_HERE)
        for name in [name for name in os.environ if name.startswith("OMPI_MCA_")]:
            del os.environ[name]  # the file has to be enough
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

    def start(self, script: str) -> subprocess.Popen:
        return self.first.start(f"exec {script}", cwd=BOOK)

    def run(self, script: str) -> Ended:
        process = self.start(script)
        out, _ = process.communicate(timeout=TIME_LIMIT)
        return Ended(process.returncode, out)


def block(begin: str) -> str:
    """The one code block of the section that begins so."""
    page = Page(README)
    [heading] = [h for h in page.headings if h.text == SECTION]
    end = next(h.line for h in page.headings if h.line > heading.line and h.level <= heading.level)
    blocks = [b for b in page.blocks if heading.line < b.line < end]
    [found] = [b for b in blocks if b.lines[0].startswith(begin)]
    return "".join(f"{line}\n" for line in found.lines)


def programs(build: Path) -> list[str]:
    """As the commands of the README call them."""
    there = [program for program in catalog.load(build) if program.name in PROGRAMS]
    return [f"build/release/{program.chapter}/{program.name}" for program in there]


class HostsTest(unittest.TestCase):
    """With the cluster, and a look afterwards at what still runs there."""

    cluster: Cluster
    build: Path
    lasting: frozenset[int] = frozenset()  # processes that may

    def run_well(self, script: str) -> Ended:
        ended = self.cluster.run(script)
        self.assertEqual(ended.status, 0, f"{script}\n{ended.out}")
        return ended

    def assert_nothing_runs(self, seconds: float = 60) -> None:
        def left() -> dict[int, str]:
            return {pid: text for pid, text in hosts.others().items() if pid not in self.lasting}

        self.assertTrue(hosts.wait_until(lambda: not left(), seconds), f"left: {left()}")

    def assert_same_answers(self, across_hosts) -> None:
        """across_hosts(command) has to sit on all hosts and to report what one host reports."""
        for program in programs(self.build):
            with self.subTest(program):
                ended = across_hosts(f"{SAY_WHERE} {program} --json")
                self.assertEqual(ended.seats, [h.name for h in self.cluster.hosts for _ in "12"])
                one = self.run_well(f"mpirun --host {self.cluster.first.name}:6 {program} --json")
                self.assertEqual(ended.report, one.report)
                self.assertTrue(ended.report["all_claims_hold"])
                self.assert_nothing_runs()


def main(*tools: str, as_root: bool = False) -> None:
    """Runs the tests of the calling file: test_....py BUILD [name...]"""
    hosts.isolate(*tools, as_root=as_root)
    HostsTest.build = Path(sys.argv.pop(1)).resolve()
    HostsTest.cluster = Cluster(HostsTest.build)
    unittest.main(verbosity=2)
