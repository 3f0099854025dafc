# SPDX-License-Identifier: MIT
"""Holds all programs of the book against surroundings that nobody promised them.

What they inherit from whoever starts them changes nothing; what the machine refuses them ends them
with status 3 and one line. PDC_BUILD names the build folder whose programs are run.
"""

import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(os.environ["PDC_BUILD"]).resolve()
CATALOG = json.loads((BUILD / "catalog.json").read_text())
NAMES = {entry["name"] for entry in CATALOG}
HOLDS, REFUSED, DEADLINE = 0, 3, 4
TIME_LIMIT = 600  # seconds for one run, on however busy a machine
PATIENT = ["--deadline", str(TIME_LIMIT)]
ESCAPE = "\x1b"


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int | None  # None: it did not in time, and was killed
    out: str
    err: str

    @property
    def holds(self) -> bool:
        return self.status == HOLDS and self.out.splitlines()[-1:] == ["all claims hold"]

    def __str__(self) -> str:
        return f"status {self.status}\n{self.out[-1000:]}{self.err[-1000:]}"


def executable(entry: dict) -> str:
    return str(BUILD / entry["executable"])


def imports(entry: dict) -> set[str]:
    """The functions that it has from shared libraries."""
    table = subprocess.run(["nm", "-D", "-u", executable(entry)], capture_output=True, text=True)
    return {line.split()[-1].partition("@")[0] for line in table.stdout.splitlines()}


def run(command: list[str], terminal: bool = False, cwd: str = "/", **variables: str) -> Ended:
    """Standard output is a file, or a terminal. One round of measurements is enough."""
    environment = {**os.environ, "PDC_ONE_ROUND": "1", **variables}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        screen, descriptor = pty.openpty() if terminal else (None, os.dup(out.fileno()))
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=err,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
        os.close(descriptor)
        shown = read_screen(screen) if terminal else b""
        try:
            status = process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = None
        for file in (out, err):
            file.seek(0)
        text = (shown.replace(b"\r\n", b"\n") or out.read()).decode(errors="replace")
        return Ended(status, text, err.read().decode(errors="replace"))


def read_screen(screen: int) -> bytes:
    """All that comes until nobody can write there any more."""
    shown = b""
    end = time.monotonic() + TIME_LIMIT
    while select.select([screen], [], [], max(0, end - time.monotonic()))[0]:
        try:
            shown += os.read(screen, 65536)
        except OSError:
            break
    os.close(screen)
    return shown


class Surroundings(unittest.TestCase):
    maxDiff = None

    def hold(self, entries: list[dict], fault: Callable[[dict], str]) -> None:
        """Fails with what is wrong with each, "" when nothing is."""
        self.assertTrue(entries)
        with ThreadPoolExecutor(2) as pool:
            faults = dict(zip((e["name"] for e in entries), pool.map(fault, entries)))
        wrong = [f"{name}: {fault}" for name, fault in faults.items() if fault]
        self.assertFalse(wrong, f"{len(wrong)} of {len(faults)}\n" + "\n".join(wrong))


class Inherited(Surroundings):
    def test_it_changes_nothing(self):
        start = [sys.executable, "-S", str(Path(__file__).with_name("start_badly.py"))]

        def fault(entry: dict) -> str:
            dumb = {"TERM": "dumb", "CLICOLOR_FORCE": "1"}
            least = min(entry["ranks"], default=1)
            mpirun = ["mpirun", "-np", str(least)] if least > 1 else []
            ended = run([*mpirun, *start, executable(entry), *PATIENT], terminal=True, **dumb)
            if not ended.holds:
                return str(ended)
            return "escapes on a dumb terminal" if ESCAPE in ended.out else ""

        self.hold(CATALOG, fault)

    def test_colour_is_for_terminals_that_know_it(self):
        barrier = next(executable(entry) for entry in CATALOG if entry["name"] == "barrier")
        for variables, coloured in (
            ({"TERM": "xterm"}, True),
            ({"TERM": "xterm", "NO_COLOR": ""}, True),
            ({"TERM": "xterm", "NO_COLOR": "1"}, False),
            ({"TERM": "dumb"}, False),
            ({"TERM": ""}, False),
        ):
            with self.subTest(variables):
                ended = run([barrier], terminal=True, **{"NO_COLOR": "", **variables})
                self.assertTrue(ended.holds, ended)
                self.assertEqual(ESCAPE in ended.out, coloured)


@unittest.skipUnless(os.geteuid() == 0, "only root can take that much away from a program")
class Refused(Surroundings):
    """MPI programs are left out: there it is MPI that is refused something, and speaks."""

    def hold_without(self, needs: set[str], wrapped: Callable[[int, list[str]], list[str]]) -> None:
        """All programs that import one of these functions. `wrapped` gets a number for each run,
        and what is to be run."""
        entries = [e for e in CATALOG if not e["mpi"] and imports(e) & needs]

        def fault(entry: dict) -> str:
            number = CATALOG.index(entry)
            patience = PATIENT if not entry["siblings"] else []  # one may be waited for in vain
            command = [executable(entry), "--quiet", *patience]
            ended = run(wrapped(number, command))
            return "" if ended.holds or is_refusal(entry["name"], ended) else str(ended)

        self.hold(entries, fault)

    def test_threads_and_processes(self):
        # Users whom nobody else is: the limit counts all that a user has.
        first = 2**30 + os.getpid() % 2**20 * 2**9

        def as_somebody(number: int, command: list[str]) -> list[str]:
            user = first + number
            who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            return within_reach(":", [*who, "prlimit", "--nproc=3", *command])

        self.hold_without({"fork", "posix_spawn", "pthread_create"}, as_somebody)

    def test_descriptors(self):
        needs = {"pipe2", "socketpair", "epoll_create1", "memfd_create"}
        self.hold_without(needs, lambda _, c: ["prlimit", "--nofile=12", *c])

    def test_network(self):
        self.hold_without({"bind", "connect"}, lambda _, c: ["unshare", "--net", *c])

    def test_shared_memory_with_a_name(self):
        for options in ("ro", "size=4k", "mode=0"):

            def mounted(number: int, command: list[str]) -> list[str]:
                who = ["setpriv", "--reuid=65534", "--clear-groups"]
                return within_reach(f"mount -t tmpfs -o {options} none /dev/shm", [*who, *command])

            with self.subTest(options):
                self.hold_without({"shm_open"}, mounted)

    def test_timers(self):
        def fault(entry: dict) -> str:
            ended = run(["prlimit", "--sigpending=0", executable(entry), "--quiet"])
            advice = "(raise the limit of pending signals: ulimit -i)\n"
            is_right = is_refusal(entry["name"], ended) and ended.err.endswith(advice)
            return "" if is_right else str(ended)

        self.hold([entry for entry in CATALOG if not entry["mpi"]], fault)


def within_reach(prepare: str, command: list[str]) -> list[str]:
    """The command after that one in a shell, where whoever may not enter the folders above the build
    can reach it all the same."""
    moved = [word.replace(str(BUILD), "/mnt", 1) for word in command]
    script = f'mount --bind "$0" /mnt && {prepare} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(BUILD), *moved]


def is_refusal(name: str, ended: Ended) -> bool:
    """One line that says so. Another program that this one started may have said why, and may be
    waited for in vain then."""
    lines = re.findall(r"^(\w+): (.*)", ended.err, re.MULTILINE)
    own = [said for who, said in lines if who == name]
    others = {who for who, said in lines} - {name}
    if any("[failed]" in said for _, said in lines) or not others <= NAMES:
        return False
    if others:
        return ended.status in (REFUSED, DEADLINE) and len(own) <= 1
    return ended.status == REFUSED and len(own) == 1 == len(ended.err.splitlines())


class Files(Surroundings):
    """A file that is there stays until the new one is whole."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.picture = Path(self.folder.name, "picture")
        self.picture.write_text("a good one")

    def write(self, *options: str, **how) -> Ended:
        barrier = next(executable(entry) for entry in CATALOG if entry["name"] == "barrier")
        return run([*how.pop("wrapped", []), barrier, "--quiet", *options], **how)

    def expect_untouched(self):
        self.assertEqual(self.picture.read_text(), "a good one")
        self.assertEqual(os.listdir(self.folder.name), ["picture"])

    def test_a_file_that_does_not_fit_leaves_nothing(self):
        ignore = ["env", "--ignore-signal=XFSZ", "prlimit", "--fsize=100"]
        for option in ("--svg", "--trace"):
            with self.subTest(option):
                ended = self.write(option, str(self.picture), wrapped=ignore, terminal=True)
                self.assertEqual(ended.status, REFUSED, ended)
                self.assertEqual(ended.err, f"barrier: write {self.picture}: File too large\n")
                self.expect_untouched()

    def test_a_program_that_is_killed_in_the_middle_leaves_nothing(self):
        try:
            os.close(os.open(self.folder.name, os.O_TMPFILE | os.O_WRONLY))
        except OSError as error:
            self.skipTest(f"files without a name: {error}")
        limit = ["prlimit", "--fsize=100", "--core=0"]
        ended = self.write("--svg", str(self.picture), wrapped=limit, terminal=True)
        self.assertEqual(ended.status, -signal.SIGXFSZ, ended)
        self.expect_untouched()

    def test_a_new_one_takes_its_place_and_its_mode(self):
        self.picture.chmod(0o640)
        self.assertTrue(self.write("--svg", str(self.picture)).holds)
        self.assertIn("<svg", self.picture.read_text())
        self.assertEqual(self.picture.stat().st_mode & 0o777, 0o640)
        self.assertEqual(os.listdir(self.folder.name), ["picture"])

    def test_a_name_without_folder_and_a_link_will_do(self):
        link = Path(self.folder.name, "link")
        link.symlink_to("picture")
        self.assertTrue(self.write("--svg", "link", cwd=self.folder.name).holds)
        self.assertTrue(link.is_symlink())
        self.assertIn("<svg", self.picture.read_text())

    def test_devices_and_pipes_are_written_themselves(self):
        self.assertIn("<svg", self.write("--svg", "/dev/stdout").out)
        self.assertEqual(self.write("--svg", "/dev/full").status, REFUSED)
        self.assertTrue(self.write("--svg", "/dev/null").holds)

    def test_an_image_is_tried_before_it_is_computed(self):
        def fault(entry: dict) -> str:
            for place in ("/nonexistent/image.png", self.folder.name):
                ended = run([executable(entry), "--image", place])
                if ended.status != REFUSED or ended.out:
                    return str(ended)
            return ""

        self.hold([entry for entry in CATALOG if has_image(entry)], fault)


def has_image(entry: dict) -> bool:
    return "--image" in run([executable(entry), "--help"]).out


class WrongLauncher(Surroundings):
    @unittest.skipUnless(shutil.which("mpirun.mpich"), "there is no other MPI (Debian: mpich)")
    def test_the_mpirun_of_another_mpi_is_refused(self):
        def fault(entry: dict) -> str:
            ended = run(["mpirun.mpich", "-np", "2", executable(entry)])
            said = [line for line in ended.err.splitlines() if line.startswith(entry["name"])]
            is_said = said and all("2 processes were started" in line for line in said)
            return "" if ended.status == REFUSED and is_said and not ended.holds else str(ended)

        self.hold([entry for entry in CATALOG if entry["mpi"]], fault)


if __name__ == "__main__":
    unittest.main()
