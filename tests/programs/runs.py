"""Runs a command under a fault and tells how it ended and what it left behind.

Each run gets a working directory and a TMPDIR of its own, both empty, and is marked by an
environment variable that its children inherit: whatever carries the mark after the end has been
left behind.
"""

import contextlib
import ctypes
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TIME_LIMIT = 60  # seconds for one run; a program's own deadline is 30
PATIENCE = 10  # seconds for what a run started to go away after its end
TERMINAL_COLUMNS = 100
MARK = "PDC_TEST_RUN"
BARE_ENVIRONMENT = re.compile(r"(PATH|HOME)$|(OMPI|ASAN|LSAN|UBSAN|TSAN)_")

_own = threading.local()  # of a thread that has name spaces of its own: where its queues stand


@dataclass(frozen=True)
class Run:
    """One finished run."""

    command: str  # as one would type it
    status: int | None  # negative: the signal that ended it; None: it did not end in time
    out: str
    err: str
    seconds: float
    files: dict[str, bytes]  # what stands in its working directory
    left: list[str]  # what else it left behind, in words
    survivors: list[str]  # the executables that still ran when its time was over

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Running:
    """A command that has been started; finish() waits for its end.

    stdout   "file"; "terminal": a terminal, TERMINAL_COLUMNS wide; "unread": a pipe nobody reads
    redirect redirections as a shell spells them: ">&-" closes standard output
    cwd      None: a fresh empty folder
    bare     with an environment that holds PATH, HOME and what Open MPI and sanitizers need, only
    extra    variables added to the environment
    tolerate what may be left in the shared name spaces or in TMPDIR, besides nothing
    """

    def __init__(
        self,
        command: list[str],
        *,
        stdout: str = "file",
        redirect: str = "",
        cwd: str | None = None,
        bare: bool = False,
        extra: dict[str, str] | None = None,
        tolerate: re.Pattern[str] | None = None,
    ):
        self.command = _typed(command, stdout, redirect, cwd, bare, extra or {})
        self.tolerate = tolerate
        self.mark = uuid.uuid4().hex
        self.folder = tempfile.TemporaryDirectory(prefix="pdc.", ignore_cleanup_errors=True)
        self.place = Path(self.folder.name, "cwd")
        self.temporary = Path(self.folder.name, "tmp")
        self.place.mkdir()
        self.temporary.mkdir()
        self.out = open(Path(self.folder.name, "out"), "w+b")
        self.err = open(Path(self.folder.name, "err"), "w+b")
        self.screen = None
        self.names_before = shared_names()

        inherited = {k: v for k, v in os.environ.items() if not bare or BARE_ENVIRONMENT.match(k)}
        for name in ("NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"):
            inherited.pop(name, None)
        own = {"TMPDIR": str(self.temporary), MARK: self.mark}
        if redirect:
            command = ["/bin/sh", "-c", f'exec "$@" {redirect}', "sh", *command]
        with _standard_output(stdout, self.out) as (descriptor, self.screen):
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=self.err,
                cwd=cwd or self.place,
                env={**inherited, **(extra or {}), **own},
            )
        self.ended = os.pidfd_open(self.process.pid)

    def processes(self) -> list[int]:
        """Those that belong to this run and live; a zombie has no environment any more."""
        mark = f"{MARK}={self.mark}".encode()
        return [pid for pid in _pids() if mark in _read(pid, "environ").split(b"\0")]

    def ignores(self, number: signal.Signals) -> bool:
        match = re.search(rb"^SigIgn:\s*(\w+)", _read(self.process.pid, "status"), re.MULTILINE)
        return match is not None and int(match[1], 16) >> (number - 1) & 1 == 1

    def finish(self, time_limit: float = TIME_LIMIT) -> Run:
        """Waits, at most that many seconds from now; then everything of this run is killed."""
        ended, screen = self._wait(time_limit)
        seconds = time.monotonic() - self.began
        survivors = [] if ended else [_executable(pid) for pid in self.processes()]
        if not ended:
            self._kill()
        status = self.process.wait()
        left = self._what_is_left()
        run = Run(
            command=self.command,
            status=status if ended else None,
            out=_content(self.out) + screen.decode(errors="replace").replace("\r\n", "\n"),
            err=_content(self.err),
            seconds=seconds,
            files=_files(self.place),
            left=left,
            survivors=survivors,
        )
        self.folder.cleanup()
        return run

    def _wait(self, seconds: float) -> tuple[bool, bytes]:
        """Whether it ended in time, and what it wrote to its terminal."""
        end = time.monotonic() + seconds
        text = b""
        try:
            while True:
                watched = [self.ended] if self.screen is None else [self.ended, self.screen]
                ready, _, _ = select.select(watched, [], [], max(0.0, end - time.monotonic()))
                if self.screen in ready:
                    part = _read_terminal(self.screen)
                    text += part
                    if not part:
                        os.close(self.screen)
                        self.screen = None
                elif self.ended in ready:
                    return True, text
                else:
                    return False, text
        finally:
            os.close(self.ended)
            if self.screen is not None:
                os.close(self.screen)

    def _kill(self) -> None:
        while processes := self.processes():
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _what_is_left(self) -> list[str]:
        processes = _until_empty(self.processes)
        left = [f"process {pid}: {shlex.join(_words(pid))}" for pid in processes]
        if processes:
            self._kill()
        left += [f"name {name}" for name in _until_empty(self._new_names)]
        files = [str(path) for path in sorted(self.temporary.iterdir())]
        left += [f"temporary file {name}" for name in files if not self._is_tolerated(name)]
        for name in filter(self._is_tolerated, _new_and_dead(self.names_before)):
            with contextlib.suppress(OSError):
                os.unlink(name)
        return left

    def _new_names(self) -> list[str]:
        return [n for n in _new_and_dead(self.names_before) if not self._is_tolerated(n)]

    def _is_tolerated(self, path: str) -> bool:
        return self.tolerate is not None and self.tolerate.search(path) is not None


def own_name_spaces(queues: str) -> bool:
    """Gives the calling thread, and what it starts from now on, a /dev/shm and POSIX message
    queues of its own (which stand in the folder `queues`), so that what another program has there
    is never taken for what a run left. Needs privileges; without them nothing changes and False is
    returned."""
    new_mounts, new_ipc, recursive_private = 0x00020000, 0x08000000, 0x4000 | (1 << 18)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_mounts | new_ipc) != 0:
        return False
    if libc.mount(b"none", b"/", None, recursive_private, None) != 0:  # or others would see these:
        return False
    if libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, None) != 0:
        return False
    if libc.mount(b"mqueue", queues.encode(), b"mqueue", 0, None) == 0:
        _own.queues = queues
    return True


def message_queues_are_seen() -> bool:
    return os.path.ismount(_queues())


def shared_names() -> set[str]:
    """What stands in the name spaces that all processes share."""
    folders = [folder for folder in ("/dev/shm", _queues()) if os.path.isdir(folder)]
    return {f"{folder}/{name}" for folder in folders for name in os.listdir(folder)}


def running_executable(pids: list[int], executable: Path) -> list[int]:
    """Those of the processes that run it."""
    return [pid for pid in pids if _executable(pid) == str(executable)]


def _queues() -> str:
    return getattr(_own, "queues", "/dev/mqueue")


def _new_and_dead(before: set[str]) -> list[str]:
    """Shared names that are new and that no living process has open or mapped: those which
    somebody else uses at this moment are not what a run left."""
    new = shared_names() - before
    if new:
        for pid in _pids():
            new -= set(re.findall(r"/.*", _read(pid, "maps").decode(errors="replace")))
            with contextlib.suppress(OSError):
                for descriptor in os.listdir(f"/proc/{pid}/fd"):
                    new.discard(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return sorted(new)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(pid: int, what: str) -> bytes:
    """A file of /proc; nothing when the process has gone or belongs to somebody else."""
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _executable(pid: int) -> str:
    """Its resolved path, nothing when the process has gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def _words(pid: int) -> list[str]:
    """Its command line."""
    return _read(pid, "cmdline").decode(errors="replace").split("\0")[:-1]


def _until_empty(look: Callable[[], list]) -> list:
    """What is still there after a while, usually nothing."""
    end = time.monotonic() + PATIENCE
    while (seen := look()) and time.monotonic() < end:
        time.sleep(0.01)
    return seen


def _content(file) -> str:
    file.seek(0)
    with file:
        return file.read().decode(errors="replace")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def _read_terminal(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # nobody has the other side open any more
        return b""


@contextlib.contextmanager
def _standard_output(kind: str, file) -> Iterator[tuple[int, int | None]]:
    """The descriptor to start with, and of a terminal the side that is read; the first is closed
    once the program has it."""
    screen = None
    if kind == "terminal":
        screen, descriptor = pty.openpty()
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("4H", 40, TERMINAL_COLUMNS, 0, 0))
    elif kind == "unread":
        reader, descriptor = os.pipe()
        os.close(reader)  # before the program starts: no race with what it writes first
    else:
        descriptor = os.dup(file.fileno())
    try:
        yield descriptor, screen
    finally:
        os.close(descriptor)


def _typed(
    command: list[str],
    stdout: str,
    redirect: str,
    cwd: str | None,
    bare: bool,
    extra: dict[str, str],
) -> str:
    """The command as one would type it, so that a failure can be seen by hand."""
    words = ["env", "-i", "PATH=$PATH", "HOME=$HOME"] if bare else []
    words += [f"{name}={value}" for name, value in extra.items()]
    words.append(shlex.join(command))
    if redirect:
        words.append(redirect)
    if stdout != "file":
        words.append({"terminal": "(on a terminal)", "unread": "| (nobody reads)"}[stdout])
    return (f"cd {cwd} && " if cwd else "") + " ".join(words)
