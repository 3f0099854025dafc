# SPDX-License-Identifier: MIT
"""Runs a command under a fault and tells how it ended and what it left behind.

Each run gets a working directory and a TMPDIR of its own, both empty. Left behind are the processes
that still live below this one, which adopts all orphans (room.enter()), and names that are new where
processes share them: in /dev/shm and /tmp, message queues, System V's objects. In a room of its own
the run has made all that is new there. Elsewhere it has made what carries the number of one of its
processes, or was seen in the hands of one.
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
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness import room

TIME_LIMIT = 120  # seconds for whatever has to happen, on however busy a machine
RUN_LIMIT = 200  # seconds for one run: a busy machine makes it slow, not wrong
PATIENCE = 30  # seconds for what a run started to go away after its end
LOOK = 0.01  # seconds until the next look at what tells nobody that it changes
TERMINAL_COLUMNS = 100
BARE_ENVIRONMENT = re.compile(r"(PATH|HOME|PDC_ONE_ROUND)$|(OMPI|ASAN|LSAN|UBSAN|TSAN)_")
GETPID = 11  # semctl's: who was the last to use it, which /proc does not tell
REMOVE_SYSTEM_V = {"shm": "-m", "sem": "-s", "msg": "-q"}  # ipcrm's options

_libc = ctypes.CDLL(None)


def wait_until(holds: Callable[[], object], seconds: float = TIME_LIMIT) -> bool:
    """For what happens in another process and tells nobody: whether it has come true in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK)
    return True


def living() -> list[psutil.Process]:
    """All processes below this one that live: what it has started and has not ended, whatever those
    have started, and orphans. None is missed: whoever loses its parent meanwhile is added here."""
    while True:
        found, children = [], _children(os.getpid())
        for pid in filter(lives, children):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                found += [process, *process.children(recursive=True)]
        if found or children == _children(os.getpid()):
            return [process for process in found if lives(process.pid)]


def kill_all() -> None:
    """Ends whatever lives below this process."""
    while processes := living():
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def end_all(patience: float) -> None:
    """Asks each, once, to end by itself, so that mpirun cleans up; then kills them."""
    for process in living():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    wait_until(lambda: not living(), patience)
    kill_all()


def die_with_parent() -> None:
    """In a child, before exec: it does not outlive a test that is killed."""
    set_death_signal = 1
    _libc.prctl(set_death_signal, signal.SIGKILL, 0, 0, 0)


def describe(process: psutil.Process) -> str:
    """Its number, its command line and the names of its Unix sockets."""
    with contextlib.suppress(psutil.Error):
        sockets = [c.laddr for c in process.connections("unix") if c.laddr]
        words = shlex.join(process.cmdline()) or process.name()
        return f"{process.pid}: {words}" + "".join(f", with socket {name}" for name in sockets)
    return f"{process.pid}"


class Watch:
    """Tells what is left behind of all that is done from now on. Requires: room.enter()."""

    def __init__(self) -> None:
        self.names_before = shared_names()
        self.pids: set[int] = set()  # of processes below this one, as far as they were seen
        self.held: set[str] = set()  # files and sockets that these were seen to hold

    def look(self) -> None:
        """To be called often, where others have names too: what belongs to whom shows only now."""
        if not room.is_private():
            for pid in _below(os.getpid()):
                self.pids.add(pid)
                self.held.update(_held(pid))

    def left_processes(self) -> list[str]:
        """What still lives after a while, in words; usually nothing. Then it does no more."""

        def are_gone() -> bool:  # one that changes its parent right now may be missed once
            return not living() and not living()

        if wait_until(are_gone, PATIENCE):
            return []
        left = [f"process {describe(process)}" for process in living()]
        kill_all()
        return left

    def left(self) -> list[str]:
        """Both, in words."""
        return self.left_processes() + [f"name {name}" for name in self.left_names()]

    def left_names(self) -> list[str]:
        """Shared names that have been made meanwhile, and are removed now. Requires: none of the
        processes lives any more."""
        now = shared_names()
        new = {name: pids for name, pids in now.items() if name not in self.names_before}
        if not room.is_private():
            new = {n: told for n, told in new.items() if told & self.pids or n in self.held}
        for name in new:
            _remove(name)
        return sorted(new)


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
    """A command that has been started; finish() waits for its end. What several at the same time
    leave behind is told with the one that is finished last.

    stdout   "file"; "terminal": a terminal, TERMINAL_COLUMNS wide; "unread": a pipe nobody reads
    redirect redirections as a shell spells them: ">&-" closes standard output
    cwd      None: a fresh empty folder
    bare     with an environment that holds PATH, HOME and what Open MPI and sanitizers need, only
    extra    variables added to the environment
    tolerate what may be left among the shared names or in TMPDIR, besides nothing
    """

    _unfinished: weakref.WeakSet["Running"] = weakref.WeakSet()  # but those that were given up
    _watch: Watch

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
        self.folder = tempfile.TemporaryDirectory(prefix="pdc.", ignore_cleanup_errors=True)
        self.place = Path(self.folder.name, "cwd")
        self.temporary = Path(self.folder.name, "tmp")
        self.place.mkdir()
        self.temporary.mkdir()
        self.out = open(Path(self.folder.name, "out"), "w+b")
        self.err = open(Path(self.folder.name, "err"), "w+b")
        self.screen = None
        if not Running._unfinished:
            Running._watch = Watch()
        Running._unfinished.add(self)

        inherited = {k: v for k, v in os.environ.items() if not bare or BARE_ENVIRONMENT.match(k)}
        for name in ("NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"):
            inherited.pop(name, None)
        if stdout == "terminal":
            inherited["TERM"] = "xterm"  # whatever this test was started from
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
                env={**inherited, **(extra or {}), "TMPDIR": str(self.temporary)},
            )
        self.ended = os.pidfd_open(self.process.pid)
        Running._watch.look()

    def has_ended(self) -> bool:
        return not lives(self.process.pid)  # not poll(), which takes away what finish() reads

    def children(self) -> list[int]:
        """Those below the command that live now."""
        return [pid for pid in _below(self.process.pid) if lives(pid)]

    def running(self, program: Path) -> list[int]:
        """Those of its processes that run it."""
        pids = [self.process.pid, *self.children()]
        return [pid for pid in pids if executable(pid) == str(program)]

    def ignores(self, number: signal.Signals) -> bool:
        return self._has_action("SigIgn", number)

    def catches(self, number: signal.Signals) -> bool:
        return self._has_action("SigCgt", number)

    def _has_action(self, action: str, number: signal.Signals) -> bool:
        status = _read(self.process.pid, "status").decode()
        match = re.search(rf"^{action}:\s*(\w+)", status, re.MULTILINE)
        return match is not None and int(match[1], 16) >> (number - 1) & 1 == 1

    def finish(self, time_limit: float = RUN_LIMIT) -> Run:
        """Waits, at most that many seconds from now; then everything of this run is killed."""
        ended, screen = self._wait(time_limit)
        seconds = time.monotonic() - self.began
        survivors = [] if ended else [executable(process.pid) for process in living()]
        if not ended:
            kill_all()
        had_children = ended and _had_children(self.process.pid)
        status = self.process.wait()
        Running._unfinished.remove(self)
        run = Run(
            command=self.command,
            status=status if ended else None,
            out=_content(self.out) + screen.decode(errors="replace").replace("\r\n", "\n"),
            err=_content(self.err),
            seconds=seconds,
            left=[] if Running._unfinished else self._what_is_left(),
            files=_files(self.place),
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
                rest = max(0.0, end - time.monotonic())
                next_look = rest if room.is_private() else LOOK
                ready, _, _ = select.select(watched, [], [], min(rest, next_look))
                if self.screen in ready:
                    part = _read_terminal(self.screen)
                    text += part
                    if not part:
                        os.close(self.screen)
                        self.screen = None
                elif self.ended in ready:
                    return True, text
                elif time.monotonic() >= end:
                    return False, text
                else:
                    Running._watch.look()
        finally:
            os.close(self.ended)
            if self.screen is not None:
                os.close(self.screen)

    def _what_is_left(self) -> list[str]:
        left = Running._watch.left_processes()
        _bury_orphans()
        files = [str(path) for path in sorted(self.temporary.iterdir())]
        names = [name for name in Running._watch.left_names() if name != self.folder.name]
        left += [f"name {name}" for name in names if not self._is_tolerated(name)]
        left += [f"temporary file {name}" for name in files if not self._is_tolerated(name)]
        return left

    def _is_tolerated(self, path: str) -> bool:
        return self.tolerate is not None and self.tolerate.search(path) is not None


def _bury_orphans() -> None:
    """Nobody else waits for them. Requires: no child of this process's own is still waited for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def shared_names() -> dict[str, set[int]]:
    """The names that all processes share, and the numbers of processes that each may tell of."""
    found = _system_v()
    for folder in (Path("/dev/shm"), Path("/tmp"), room.queues()):
        with contextlib.suppress(OSError, TypeError):
            for name in os.listdir(folder):
                found[f"{folder}/{name}"] = set(map(int, re.findall(r"\d+", name)))
    return found


def _system_v() -> dict[str, set[int]]:
    """Each System V queue, semaphore and segment, and the processes that made or used it."""
    found = {}
    for kind in REMOVE_SYSTEM_V:
        with contextlib.suppress(FileNotFoundError):  # a kernel without them
            titles, *rows = map(str.split, Path(f"/proc/sysvipc/{kind}").read_text().splitlines())
            for row in rows:
                has = dict(zip(titles, map(int, row)))
                pids = {has.get(title, 0) for title in ("cpid", "lpid", "lspid", "lrpid")}
                if kind == "sem":
                    pids = {_libc.semctl(int(row[1]), 0, GETPID)}
                found[f"System V {kind} {row[1]}"] = pids
    return found


def _remove(name: str) -> None:
    if name.startswith("/"):
        with contextlib.suppress(OSError):  # a folder of temporary files, for example
            os.unlink(name)
    else:
        *_, kind, number = name.split()
        subprocess.run(["ipcrm", REMOVE_SYSTEM_V[kind], number], check=False, capture_output=True)


def _held(pid: int) -> set[str]:
    """The files that it has open or mapped, and its named Unix sockets."""
    names = set(re.findall(r"/.*", _read(pid, "maps").decode(errors="replace")))
    with contextlib.suppress(psutil.Error, OSError):
        names.update(str(c.laddr) for c in psutil.Process(pid).connections("unix"))
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                names.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return names


def _read(pid: int, what: str) -> bytes:
    """A file of /proc; nothing when the process has gone."""
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _children(pid: int) -> list[int]:
    """Those that it has started or adopted, zombies too. From the kernel's own list, since a look
    through all processes, as psutil takes, costs milliseconds."""
    with contextlib.suppress(OSError):
        tasks = os.listdir(f"/proc/{pid}/task")
        return [int(p) for task in tasks for p in _read(pid, f"task/{task}/children").split()]
    return []


def _below(pid: int) -> list[int]:
    """Its children, and theirs."""
    below, parents = [], [pid]
    while parents:
        below += (born := _children(parents.pop()))
        parents += born
    return below


def _stat(pid: int) -> list[str]:
    """State, parent and so on, as proc(5) has them from field 3 on; nothing when it has gone."""
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def lives(pid: int) -> bool:
    """It is there and no zombie."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def _had_children(pid: int) -> bool:
    """A process that has ended, but is not waited for yet: the page faults of the children that it
    waited for are counted, and there is no process without one."""
    return _stat(pid)[8:9] not in ([], ["0"])


def executable(pid: int) -> str:
    """What it runs; nothing when it has gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


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
