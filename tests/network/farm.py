# SPDX-License-Identifier: MIT
"""The job farm under test: its programs as processes, and a worker that shares no code with them."""

import contextlib
import hashlib
import hmac
import json
import re
import secrets
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

from service import TIME_LIMIT, Client, Service, Watch, wait_until

# ThreadSanitizer's own, of a program that is killed in its first millisecond.
LEFT_BY_SANITIZER = re.compile(r"/tsan\.rodata\.\d+$")

NUMBERS = 4_000_000  # the job `primes` counts those below it
BEAT = 0.05  # seconds
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


SECRET = b"what only they know"


def code(secret: bytes, text: bytes | str) -> str:
    text = text if isinstance(text, bytes) else text.encode()
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


SIDES = ["coordinator", "worker"]


@dataclass
class Session:
    """What a coordinator and a worker know of each other."""

    secret: bytes
    coordinators: str  # challenges
    workers: str

    def key(self) -> bytes:
        return code(self.secret, self.coordinators + self.workers).encode()


class Seal:
    """Of the lines of one side."""

    def __init__(self, key: bytes, side: str):
        self.key, self.side, self.lines = key, SIDES.index(side), 0

    def next(self, text: bytes) -> bytes:
        number, self.lines = self.lines, self.lines + 1
        return text + b" " + code(self.key, f"{self.side} {number} ".encode() + text).encode()


class Speaker(Client):
    """Ends what it says with the right code, and holds what it hears against it, once it has greeted."""

    outgoing: Seal | None = None
    incoming: Seal | None = None

    def send(self, *lines: bytes | dict) -> None:
        texts = [x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines]
        super().send(*(self.outgoing.next(text) if self.outgoing else text for text in texts))

    def line(self) -> bytes:
        line = super().line()
        if not line or not self.incoming:
            return line
        text = line.rpartition(b" ")[0]
        assert line == self.incoming.next(text), f"a wrong code: {line!r}"
        return text

    def answer(self) -> dict | None:
        """The next one that is not a mere sign of life."""
        while (answer := super().answer()) == {"alive": True}:
            pass
        return answer

    def exchange_challenges(self, secret: bytes, me: str) -> Session:
        """From then on lines have a code."""
        mine = secrets.token_hex(32)
        theirs = self.ask({"challenge": mine})["challenge"]
        session = Session(secret, *([mine, theirs] if me == "coordinator" else [theirs, mine]))
        other = SIDES[1 - SIDES.index(me)]
        self.outgoing, self.incoming = Seal(session.key(), me), Seal(session.key(), other)
        return session


class Stranger(Speaker):
    """A worker that knows the protocol alone. It does what it is told to when the test says so."""

    def __init__(self, address: tuple[str, int], name: str = "stranger", secret: bytes = SECRET):
        super().__init__(address)
        self.name, self.secret = name, secret
        self.hand: list[dict] = []  # tasks that it was given

    def greet(self) -> Session:
        session = self.exchange_challenges(self.secret, "worker")
        self.send({"hello": self.name})
        return session

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

    def await_task(self) -> dict | None:
        """As next_task(), saying meanwhile that it lives."""
        self.socket.settimeout(BEAT)
        while True:
            try:
                return self.next_task()
            except TimeoutError:
                self.send({"alive": True})

    def perform(self, task: dict) -> None:
        job = task["job"]
        if job["kind"] == "poison":
            self.fail(task)
        else:
            value = count_primes(job["first"], job["end"]) if job["kind"] == "primes" else 0
            self.send({"result": task["task"], "value": value})

    def fail(self, task: dict) -> None:
        self.send({"failed": task["task"], "why": "poison"})

    def work(self) -> None:
        """To the end of the job."""
        while task := self.next_task():
            self.perform(task)
        self.end()


class Host(Speaker):
    """A coordinator that knows the protocol alone, at its end of a worker's connection."""

    def __init__(self, connection: socket.socket):
        self.socket, self.received = connection, b""
        self.socket.settimeout(TIME_LIMIT)

    def greet(self, secret: bytes = SECRET) -> Session:
        session = self.exchange_challenges(secret, "coordinator")
        assert "hello" in self.answer()
        return session

    def have_it_work(self) -> None:
        """It does a task, and hears that it is safe."""
        self.send({"task": 0, "job": {"kind": "empty"}})
        assert self.answer() == {"result": 0, "value": 0}
        self.send({"ack": 0})

    def hung_up(self) -> bool:
        """Waits until the worker is gone; whatever it says until then is read."""
        end = time.monotonic() + TIME_LIMIT
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(1 << 16):
                if time.monotonic() > end:
                    return False
        return True


def attacks(session: Session, me: str, other: str, lines_before: int = 0) -> dict[str, bytes]:
    """What somebody in between can make of what one side says, or the other, without the key."""
    text = b'{"alive":true}'
    seal, stolen = Seal(session.key(), me), Seal(session.key(), other)
    stolen.lines = lines_before
    seal.lines = lines_before
    lines = [seal.next(text) + b"\n" for _ in range(3)]
    whole = lines[0]
    changed = {
        f"byte {place} is changed": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        for place in range(len(whole) - 1)
    }
    return changed | {
        "it is said twice": lines[0] * 2,
        "an old one is said again": lines[0] + lines[1] + lines[0],
        "one is left out": lines[0] + lines[2],
        "the order is another": lines[1] + lines[0],
        "it is sent back": stolen.next(text) + b"\n",
        "it has no code": text + b"\n",
        "it has half a code": whole[:-33] + b"\n",
        "it is of another connection": Seal(b"0" * 64, me).next(text) + b"\n",
        "one is put in between": lines[0] + text + b"\n" + lines[1],
    }


ATTACKS = list(attacks(Session(b"", "", ""), *SIDES))


class Keeper(threading.Thread):
    """A stranger that keeps the first task it is given, so that the job goes on until it lets that
    go, or leaves. It does others if it is given any meanwhile."""

    def __init__(self, address: tuple[str, int], secret: bytes = SECRET):
        super().__init__()
        self.stranger = Stranger(address, "keeper", secret)
        self.stranger.greet()
        self.kept = self.stranger.next_task()
        self.stranger.socket.settimeout(BEAT)
        self.free, self.ended = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with contextlib.suppress(ConnectionError, AssertionError):  # it left, or was thrown out
            has_it = True
            while not self.ended.is_set():
                if has_it and self.free.is_set():
                    self.stranger.perform(self.kept)
                    has_it = False
                try:
                    if not (task := self.stranger.next_task()):
                        return self.stranger.end()
                    self.stranger.perform(task)
                except TimeoutError:
                    self.stranger.send({"alive": True})

    def let_go(self) -> None:
        """It does the task that it kept, unless it was too slow for the coordinator."""
        self.free.set()
        self.join()

    def leave(self) -> None:
        """Somebody else gets the task that it kept."""
        self.ended.set()
        self.join()
        self.stranger.socket.close()


class Coordinator(Service):
    def __init__(self, program: Path, job: Job, journal: Path, *options: str):
        self.job, self.journal = job, journal
        words = ["--json", "--deadline", "100", "--journal", str(journal)]
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
        self.secret = self.secret_file("secret", SECRET)
        self.workers: list[subprocess.Popen] = []
        self.watch = Watch()
        self.addCleanup(self.assert_nothing_is_left)

    def secret_file(self, name: str, text: bytes, mode: int = 0o600) -> str:
        path = self.folder / name
        path.write_bytes(text)
        path.chmod(mode)
        return str(path)

    def coordinator(
        self, job: Job, *options: str, silence: str = LONG, journal: Path | None = None
    ) -> Coordinator:
        """One that is killed at the end of the test, whatever happens."""
        options = ("--secret-file", self.secret, "--silence", silence, *options)
        made = Coordinator(self.chapter / "coordinator", job, journal or self.journal, *options)
        self.addCleanup(made.__exit__)
        return made

    def worker(self, address: tuple[str, int], *options: str) -> subprocess.Popen:
        """A process, likewise."""
        words = ["--quiet", "--address", address[0], "--port", str(address[1])]
        words += ["--name", f"worker {len(self.workers)}", *options]
        if "--patience" not in options:
            words += ["--patience", str(TIME_LIMIT)]
        if "--silence" not in options:
            words += ["--silence", LONG]
        if "--secret-file" not in options:
            words += ["--secret-file", self.secret]
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
        once = report["every task but the poison is in the journal once"]
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
        left = [told for told in self.watch.left() if not LEFT_BY_SANITIZER.search(told)]
        self.assertEqual(left, [])
