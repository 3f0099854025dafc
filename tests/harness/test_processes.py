# SPDX-License-Identifier: MIT
"""What a run leaves behind is seen, and what others leave is not: in a room of its own, and where
there is none."""

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from harness import processes, room, traces
from harness.processes import Run, Running

TRACES = [sys.executable, "-B", traces.__file__]
SEEN = {  # of each kind, what is said
    "process": "process {}: sleep 60",
    "abstract socket": "with socket @trace.",
    "shared memory": "name /dev/shm/trace.",
    "file": "name /tmp/trace.",
    "pipe": ".pipe",
    "socket file": ".socket",
    "System V shm": "name System V shm ",
    "System V sem": "name System V sem ",
    "System V msg": "name System V msg ",
    "message queue": "mqueue/trace.",
    "temporary file": "temporary file /",
}
GOOD = "echo >/dev/shm/mine.$$; sleep 0.1; rm /dev/shm/mine.$$"
NOBODY = 65534
SET_DUMPABLE = 4
NO_PATIENCE = 0.2  # seconds: for what stays anyway


@pytest.fixture(params=["private", "shared"])
def within(request, monkeypatch) -> Callable:
    """Calls a function in a room of its own, or in none, in a process of its own."""
    if request.param == "shared":
        monkeypatch.setenv(room.SHARED, "1")

    def call(function: Callable, keep: Iterable[Path] = (), uid: int = 0):
        answer, question = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                if uid:
                    os.chdir("/")
                    os.setuid(uid)
                    traces.libc.prctl(SET_DUMPABLE, 1)  # as after exec: /proc/self is its own
                if room.enter(*keep) != (request.param == "private"):
                    result = "no room"
                else:
                    result = function()
            except BaseException as error:
                result = error
            with open(question, "wb") as file:
                pickle.dump(result, file)
            os._exit(0)
        os.close(question)
        with open(answer, "rb") as file:
            result = pickle.load(file)
        os.waitpid(pid, 0)
        if isinstance(result, BaseException):
            raise result
        if result == "no room":
            pytest.skip("name spaces are not allowed here")
        return result

    return call


@pytest.fixture(scope="module")
def neighbour() -> Iterator[None]:
    """Makes and drops one of each kind all the time, outside of the room."""
    with subprocess.Popen(TRACES, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        yield
        process.send_signal(signal.SIGTERM)
        reader.join()
    assert process.returncode == 0


def leave(*kinds: str) -> Run:
    processes.PATIENCE = NO_PATIENCE
    return Running([*TRACES, *kinds]).finish()


@pytest.mark.parametrize("kind", traces.KINDS)
def test_each_kind_is_seen_and_removed(within, neighbour, kind):
    def body() -> tuple[Run, set[str], bool]:
        return leave(kind), set(processes.shared_names()), room.queues() is not None

    run, names, sees_queues = within(body)
    assert run.status == 0, run.err
    if kind == "message queue" and not sees_queues:
        traces.libc.mq_unlink(f"/trace.{int(run.out)}".encode())  # nobody else would
        pytest.skip("/dev/mqueue is not mounted")
    assert len(run.left) == 1, run.left
    assert all(part in run.left[0] for part in SEEN[kind].split("{}"))
    assert run.left[0].removeprefix("name ") not in names, "it is removed"


def test_a_good_program_is_not_blamed_for_its_neighbour(within, neighbour):
    def body() -> list[Run]:
        return [Running(["sh", "-c", GOOD]).finish() for _ in range(10)]

    for run in within(body):
        assert (run.status, run.left) == (0, [])


def test_all_that_two_at_once_leave_is_told_with_the_last(within):
    def body() -> list[Run]:
        processes.PATIENCE = NO_PATIENCE
        return [running.finish() for running in [Running([*TRACES, "process"]) for _ in "12"]]

    first, last = within(body)
    assert (len(first.left), len(last.left)) == (0, 2)


def test_a_run_that_does_not_end_is_killed_with_all_it_started(within):
    def body() -> tuple[Run, int]:
        run = Running(["sh", "-c", "setsid sleep 60 & exec sleep 61"]).finish(0.3)
        return run, len(processes.living())

    run, living = within(body)
    assert (run.status, run.left, living) == (None, [], 0)
    assert any("sleep" in executable for executable in run.survivors)


def test_what_is_tolerated_is_removed_all_the_same(within):
    def body() -> tuple[list[str], bool]:
        run = Running([*TRACES, "shared memory"], tolerate=re.compile("/trace"))
        name = f"trace.{run.process.pid}"
        return run.finish().left, name in os.listdir("/dev/shm")

    assert within(body) == ([], False)


@pytest.mark.parametrize("within", ["private"], indirect=True)
def test_a_room_shows_what_is_kept_and_nothing_else_of_tmp(within, tmp_path):
    """Folders of this test are in /tmp, as a clone of the book may be."""
    kept, other = tmp_path / "a" / "kept", tmp_path / "other"
    for folder in (kept, other):
        folder.mkdir(parents=True)
        (folder / "file").touch()

    def body() -> list[bool]:
        (kept / "written").touch()
        return [path.exists() for path in (Path(__file__), kept / "file", other)]

    assert within(body, keep=[kept]) == [True, True, False]
    assert (kept / "written").exists()


@pytest.mark.parametrize("within", ["private"], indirect=True)
def test_a_room_has_ports_of_its_own(within):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def body() -> bytes:
            """Nobody has taken the port there, and its own server is reached."""
            with socket.create_server(("127.0.0.1", port)) as own:
                with socket.create_connection(("127.0.0.1", port)) as client:
                    own.accept()[0].send(b"here")
                    return client.recv(9)

        assert within(body) == b"here"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_gets_a_room_too(within, neighbour):
    def body() -> tuple[int, list[str]]:
        return os.getuid(), Running(["sh", "-c", "echo >/tmp/trace.$$; sleep 0.1"]).finish().left

    uid, left = within(body, uid=NOBODY)
    assert (uid, len(left)) == (NOBODY, 1)
