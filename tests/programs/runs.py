# SPDX-License-Identifier: MIT
"""Runs a command under a fault and tells how it ended and what it left behind.

Each run gets a working directory and a TMPDIR of its own, both empty, and is marked by an
environment variable that its children inherit: whatever carries the mark after the end has been
left behind. So is a process that was once seen below the command, though it may have given up its
environment, and what is new in the name spaces that all processes share: /dev/shm, message queues,
System V's, Unix sockets.
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
BARE_ENVIRONMENT = re.compile(r"(PATH|HOME|PDC_ONE_ROUND)$|(OMPI|ASAN|LSAN|UBSAN|TSAN)_")

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
    had_children: bool  # it waited for at least one
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
        self.seen: dict[int, int] = {}  # processes below the command, and when each was born
        self.names_before = shared_names()
        self.sockets_before = _sockets()

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
        self.born = _born(self.process.pid)
        self.ended = os.pidfd_open(self.process.pid)

    def processes(self) -> list[int]:
        """Those that belong to this run and live; a zombie has no environment any more."""
        mark = f"{MARK}={self.mark}".encode()
        return [pid for pid in _pids() if mark in _read(pid, "environ").split(b"\0")]

    def has_ended(self) -> bool:
        return not _lives(self.process.pid)  # not poll(), which takes away what finish() reads

    def children(self) -> list[int]:
        """Those below the command that live now. finish() remembers them: each has to go."""
        below, parents = [], [self.process.pid]
        while parents:
            below += (born := _children(parents.pop()))
            parents += born
        living = {pid: _born(pid) for pid in below if _lives(pid)}
        self.seen.update(living)
        return list(living)

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
        had_children = ended and _had_children(self.process.pid)
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
            had_children=had_children,
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

    def _remaining(self) -> list[int]:
        """The processes of this run, also those without its mark, also zombies. But an orphan's end
        is for process 1 to wait for: a container's often does not."""
        seen = [pid for pid, born in self.seen.items() if _born(pid) == born]
        return sorted({*self.processes(), *(p for p in seen if _lives(p) or _parent(p) != 1)})

    def _kill(self) -> None:
        while processes := [pid for pid in self._remaining() if _lives(pid)]:
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _what_is_left(self) -> list[str]:
        processes = _until_empty(self._remaining)
        left = [f"process {pid}: {shlex.join(_words(pid)) or 'a zombie'}" for pid in processes]
        if processes:
            self._kill()
        left += [f"name {name}" for name in _until_empty(self._new_names)]
        left += [f"socket {name}" for name in _until_empty(self._new_sockets)]
        files = [str(path) for path in sorted(self.temporary.iterdir())]
        left += [f"temporary file {name}" for name in files if not self._is_tolerated(name)]
        for name in filter(self._is_tolerated, _new_and_dead(self.names_before)):
            with contextlib.suppress(OSError):
                os.unlink(name)
        return left

    def _new_names(self) -> list[str]:
        return [n for n in _new_and_dead(self.names_before) if not self._is_tolerated(n)]

    def _new_sockets(self) -> list[str]:
        """Abstract Unix sockets that are new. Each lives as long as a process has it open; only
        one that is as new as this run and without the mark of another can be of this run."""
        new = {name: numbers for name, numbers in _sockets().items() if name[0] == "@"}
        for name in self.sockets_before:
            new.pop(name, None)
        mark = f"{MARK}=".encode()
        young = [p for p in _pids() if _born(p) >= self.born] if new else []
        held = [_open_files(pid) for pid in young if mark not in _read(pid, "environ")]
        return sorted(name for name, numbers in new.items() if numbers & set().union(*held))

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
    files = {f"{folder}/{name}" for folder in folders for name in os.listdir(folder)}
    return files | _special_files() | set(_system_v())


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
            new -= _open_files(pid)
        new -= set(_sockets())
        new -= {name for name, makers in _system_v().items() if any(map(_lives, makers))}
    return sorted(new)


def _special_files() -> set[str]:
    """Sockets and named pipes in /tmp; the other files of a run stand in its TMPDIR."""
    with os.scandir("/tmp") as entries:
        return {
            entry.path
            for entry in entries
            if not entry.is_symlink()
            and not entry.is_file(follow_symlinks=False)
            and not entry.is_dir(follow_symlinks=False)
        }


def _sockets() -> dict[str, set[str]]:
    """Each bound Unix socket, and what stands for it among a process's open files. The name of
    an abstract one begins with @."""
    found: dict[str, set[str]] = {}
    for line in Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]:
        words = line.split(maxsplit=7)
        if len(words) == 8:
            found.setdefault(words[7], set()).add(f"socket:[{words[6]}]")
    return found


def _system_v() -> dict[str, set[int]]:
    """Each System V queue, semaphore and segment, and the processes that made or used it."""
    found = {}
    for kind in ("msg", "sem", "shm"):
        with contextlib.suppress(FileNotFoundError):  # a kernel without them
            titles, *rows = map(str.split, Path(f"/proc/sysvipc/{kind}").read_text().splitlines())
            for row in rows:
                has = dict(zip(titles, map(int, row)))
                pids = {has.get(title, 0) for title in ("cpid", "lpid", "lspid", "lrpid")}
                found[f"System V {kind} {row[1]}"] = pids
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(pid: int, what: str) -> bytes:
    """A file of /proc; nothing when the process has gone or belongs to somebody else."""
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _open_files(pid: int) -> set[str]:
    names = set()
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            names.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return names


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        tasks = os.listdir(f"/proc/{pid}/task")
        return [int(p) for task in tasks for p in _read(pid, f"task/{task}/children").split()]
    return []


def _stat(pid: int) -> list[str]:
    """State, parent and so on, as proc(5) has them from field 3 on; nothing when it has gone."""
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _lives(pid: int) -> bool:
    """It is there and no zombie."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def _parent(pid: int) -> int:
    return int("".join(_stat(pid)[1:2]) or 1)  # without parent as with the last one


def _born(pid: int) -> int:
    """When it started; it and its number are one process. -1 when it has gone."""
    return int("".join(_stat(pid)[19:20]) or -1)


def _had_children(pid: int) -> bool:
    """A process that has ended, but is not waited for yet: the page faults of the children that it
    waited for are counted, and there is no process without one."""
    return _stat(pid)[8:9] not in ([], ["0"])


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
