# SPDX-License-Identifier: MIT
"""The job farm under test: its programs as processes, and a worker that shares no code with them."""

import contextlib
import hashlib
import hmac
import json
import secrets
import subprocess
import tempfile
import threading
import unittest
import zlib
from dataclasses import dataclass
from pathlib import Path

from service import TIME_LIMIT, Client, Service, Watch, wait_until

NUMBERS = 4_000_000  # the job `primes` counts those below it
LONG = "20"  # seconds: in a test, nobody counts as silent


@dataclass(frozen=True)
class Job:
    name: str = "primes"
    tasks: int = 100
    poison: int = 0

    def options(self) -> list[str]:
        return ["--job", self.name, "--tasks", str(self.tasks), "--poison", str(self.poison)]

    def is_poison(self, task: int) -> bool:
        return (task + self.tasks // 2) % self.tasks < self.poison

    def first(self, task: int) -> int:
        return NUMBERS * task // self.tasks * task // self.tasks

    def results(self) -> dict[int, int]:
        """By task: what has to come out."""
        tasks = [task for task in range(self.tasks) if not self.is_poison(task)]
        if self.name == "empty":
            return dict.fromkeys(tasks, 0)
        return {task: count_primes(self.first(task), self.first(task + 1)) for task in tasks}


def sieve() -> bytearray:
    is_prime = bytearray([1]) * NUMBERS
    is_prime[:2] = b"\0\0"
    for n in range(2, int(NUMBERS**0.5) + 1):
        if is_prime[n]:
            is_prime[n * n :: n] = bytes(len(range(n * n, NUMBERS, n)))
    return is_prime


IS_PRIME = sieve()


def count_primes(first: int, end: int) -> int:
    return IS_PRIME.count(1, first, end)


def prove(secret: bytes, role: str, coordinators: str, workers: str) -> str:
    text = f"{role} {coordinators} {workers}".encode()
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def summed(text: bytes) -> bytes:
    """A line, without its end."""
    return text + f" {zlib.crc32(text):08x}".encode()


class Speaker(Client):
    """Ends what it says with the right check sum, and holds what it hears against it."""

    def send(self, *lines: bytes | dict) -> None:
        texts = [x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines]
        super().send(*map(summed, texts))

    def line(self) -> bytes:
        line = super().line()
        text = line.rpartition(b" ")[0]
        assert line in (b"", summed(text)), f"a wrong check sum: {line!r}"
        return text


class Stranger(Speaker):
    """A worker that knows the protocol alone. It does what it is told to when the test says so."""

    def __init__(self, address: tuple[str, int], name: str = "stranger", secret: bytes = b""):
        super().__init__(address)
        self.name, self.secret = name, secret
        self.hand: list[dict] = []  # tasks that it was given

    def hello(self, theirs: str) -> dict:
        mine = secrets.token_hex(32)
        proof = prove(self.secret, "worker", theirs, mine)
        return {"hello": self.name, "challenge": mine, "proof": proof}

    def greet(self) -> dict | None:
        """Returns the coordinator's answer, and holds its proof against the secret."""
        theirs = self.answer()["challenge"]
        hello = self.hello(theirs)
        answer = self.ask(hello)
        if answer and "welcome" in answer:
            right = prove(self.secret, "coordinator", theirs, hello["challenge"])
            assert hmac.compare_digest(answer["proof"], right), "the coordinator's proof is wrong"
        return answer

    def next_task(self) -> dict | None:
        """Of those in hand or to come; None when it is told that all is done."""
        while not self.hand:
            message = self.answer()
            assert message and "error" not in message, message
            if "done" in message:
                return None
            if "task" in message:
                self.hand.append(message)
        return self.hand.pop(0)

    def perform(self, task: dict) -> None:
        job, both = task["job"], {"attempt": task["attempt"]}
        self.send({"heartbeat": task["task"]})
        if job["kind"] == "poison":
            self.send({"failed": task["task"], **both, "why": "poison"})
        else:
            value = count_primes(job["first"], job["end"]) if job["kind"] == "primes" else 0
            self.send({"result": task["task"], **both, "value": value})

    def work(self) -> None:
        """To the end of the job."""
        while task := self.next_task():
            self.perform(task)
        self.end()


class Keeper(threading.Thread):
    """A stranger that keeps the first task it is given, so that the job goes on until it lets that
    go, or leaves. It does others if it is given any meanwhile."""

    BEAT = 0.05  # seconds

    def __init__(self, address: tuple[str, int], secret: bytes = b""):
        super().__init__()
        self.stranger = Stranger(address, "keeper", secret)
        self.stranger.greet()
        self.kept = self.stranger.next_task()
        self.stranger.socket.settimeout(self.BEAT)
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        with contextlib.suppress(ConnectionError, AssertionError):  # it left, or was thrown out
            while not self.ended.is_set():
                try:
                    if not (task := self.stranger.next_task()):
                        return self.stranger.end()
                    self.stranger.perform(task)
                except TimeoutError:
                    self.stranger.send({"heartbeat": self.kept["task"]})

    def let_go(self) -> None:
        """It does the task that it kept, unless it was too slow for the coordinator."""
        with contextlib.suppress(ConnectionError):
            self.stranger.perform(self.kept)
        self.join()

    def leave(self) -> None:
        """Somebody else gets the task that it kept."""
        self.ended.set()
        self.join()
        self.stranger.socket.close()


class Coordinator(Service):
    def __init__(self, program: Path, job: Job, journal: Path, *options: str):
        self.job, self.journal = job, journal
        words = ["--workers", "0", "--json", "--deadline", "100", "--journal", str(journal)]
        super().__init__(program, *words, *job.options(), *options, serving=())

    def report(self) -> dict:
        """Of its end: measurements and the evidence of claims, by name."""
        [line] = [line for line in self.said.splitlines() if line.startswith("{")]
        told = json.loads(line)
        counts = {m["name"]: int(m["value"]) for m in told["measurements"]}
        return {**counts, **{c["claim"]: c["evidence"] for c in told["claims"] if c["holds"]}}


def read_journal(journal: Path) -> list[dict]:
    """The whole lines of tasks that are done."""
    with contextlib.suppress(FileNotFoundError):
        lines = journal.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines[1:]]
    return []


class FarmTest(unittest.TestCase):
    """With the programs; afterwards nothing that was started may run."""

    chapter: Path
    sanitized = False

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pdc.")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.journal = self.folder / "journal"
        self.workers: list[subprocess.Popen] = []
        self.watch = Watch()
        self.addCleanup(self.assert_nothing_is_left)

    def coordinator(
        self, job: Job, *options: str, silence: str = LONG, journal: Path | None = None
    ) -> Coordinator:
        """One that is killed at the end of the test, whatever happens."""
        options = ("--silence", silence, *options)
        made = Coordinator(self.chapter / "coordinator", job, journal or self.journal, *options)
        self.addCleanup(made.__exit__)
        return made

    def worker(self, address: tuple[str, int], *options: str) -> subprocess.Popen:
        """A process, likewise."""
        words = ["--quiet", "--address", address[0], "--port", str(address[1])]
        words += ["--name", f"worker {len(self.workers)}", *options]
        if "--patience" not in options:
            words += ["--patience", str(TIME_LIMIT)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([self.chapter / "worker", *words], text=True, **pipes)
        self.addCleanup(self.end, process)
        self.workers.append(process)
        return process

    def end(self, process: subprocess.Popen) -> None:
        if process.stdout.closed:
            return
        process.kill()
        process.communicate()

    def stranger(self, farm: Coordinator, *arguments) -> Stranger:
        made = Stranger(farm.address, *arguments)
        self.addCleanup(made.__exit__)
        return made

    def keeper(self, farm: Coordinator) -> "Keeper":
        keeper = Keeper(farm.address)
        self.addCleanup(keeper.leave)
        return keeper

    def wait_for_tasks(self, count: int) -> None:
        """Until so many are done."""
        well = wait_until(lambda: len(read_journal(self.journal)) >= count)
        self.assertTrue(well, f"{len(read_journal(self.journal))} of {count} tasks are done")

    def run_to_end(self, farm: Coordinator, end_workers: bool = False) -> dict:
        """The job ends well, and so do the workers that live; or, if they may have missed the end
        of the job, they are ended. Returns what the coordinator reports."""
        self.assertEqual(farm.wait(), 0, farm.complaints())
        self.assertEqual(farm.complaints(), "")
        for worker in self.workers:
            if worker.poll() is None and end_workers:
                worker.terminate()
            if not worker.stdout.closed:
                said, complaints = worker.communicate(timeout=TIME_LIMIT)
                self.assertTrue(worker.returncode <= 0, f"{said} {complaints}")
                self.assertEqual(complaints, "")
        self.assert_right(farm)
        return farm.report()

    def assert_right(self, farm: Coordinator) -> None:
        """Every task is in the result once, with its value, and so it is reported."""
        job, expected, report = farm.job, farm.job.results(), farm.report()
        lines = read_journal(self.journal)
        self.assertEqual(sorted(line["task"] for line in lines), sorted(expected))
        self.assertEqual({line["task"]: line["value"] for line in lines}, expected)
        self.assertEqual((report["done"], report["failed"]), (len(expected), job.poison))
        once = report["every task but the poison is in the result once"]
        self.assertEqual(once, f"{len(expected)} of {job.tasks}")
        self.assertEqual(report["the sum of the results is right"], str(sum(expected.values())))

    def assert_refused(self, program: str, status: int, *options: str) -> str:
        """It ends at once with the status and one line of complaint, which is returned."""
        command = [self.chapter / program, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def assert_nothing_is_left(self) -> None:
        self.assertEqual(self.watch.left(), [])
