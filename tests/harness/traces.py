# SPDX-License-Identifier: MIT
"""Makes what programs may leave behind, for the tests of what sees that.

    traces.py KIND...   makes one of each, says its process id, and ends without removing them
    traces.py           makes and drops all of them, again and again, until it is killed

Each carries the number of the process that makes it, as names of the book's programs would.
"""

import ctypes
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

libc = ctypes.CDLL(None, use_errno=True)
held: list[object] = []  # lives as long as this process
IPC_PRIVATE, IPC_RMID = 0, 0


def make_file(folder: str) -> Callable[[], None]:
    path = f"{folder}/trace.{os.getpid()}"
    open(path, "w").close()
    return lambda: os.unlink(path)


def make_pipe() -> Callable[[], None]:
    path = f"/tmp/trace.{os.getpid()}.pipe"
    os.mkfifo(path)
    return lambda: os.unlink(path)


def make_socket_file() -> Callable[[], None]:
    path = f"/tmp/trace.{os.getpid()}.socket"
    made = socket.socket(socket.AF_UNIX)
    made.bind(path)
    made.close()
    return lambda: os.unlink(path)


def make_abstract_socket() -> Callable[[], None]:
    """A process that has given up its environment and its session keeps it."""
    made = socket.socket(socket.AF_UNIX)
    made.bind(f"\0trace.{os.getpid()}")
    made.set_inheritable(True)
    return start(["sleep", "60"], close_fds=False, env={"PATH": "/bin"}, start_new_session=True)


def start(command: list[str], **how) -> Callable[[], None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **how)
    held.append(process)

    def end() -> None:
        process.kill()
        process.wait()
        held.remove(process)

    return end


def make_segment() -> Callable[[], None]:
    number = libc.shmget(IPC_PRIVATE, 64, 0o1600)
    return lambda: libc.shmctl(number, IPC_RMID, None)


def make_semaphore() -> Callable[[], None]:
    number = libc.semget(IPC_PRIVATE, 1, 0o1600)
    libc.semop(number, (ctypes.c_short * 3)(0, 1, 0), 1)  # the kernel notes who uses it, not who made it
    return lambda: libc.semctl(number, 0, IPC_RMID)


def make_queue() -> Callable[[], None]:
    number = libc.msgget(IPC_PRIVATE, 0o1600)
    libc.msgsnd(number, ctypes.create_string_buffer(b"\1\0\0\0\0\0\0\0x", 9), 1, 0)  # likewise
    return lambda: libc.msgctl(number, IPC_RMID, None)


def make_posix_queue() -> Callable[[], None]:
    name = f"/trace.{os.getpid()}".encode()
    os.close(libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600, None))
    return lambda: libc.mq_unlink(name)


KINDS: dict[str, Callable[[], Callable[[], None]]] = {
    "process": lambda: start(["sleep", "60"]),
    "abstract socket": make_abstract_socket,
    "shared memory": lambda: make_file("/dev/shm"),
    "file": lambda: make_file("/tmp"),
    "pipe": make_pipe,
    "socket file": make_socket_file,
    "System V shm": make_segment,
    "System V sem": make_semaphore,
    "System V msg": make_queue,
    "message queue": make_posix_queue,
    "temporary file": lambda: make_file(os.environ["TMPDIR"]),
}


def disturb() -> None:
    """Half of all names are there at any moment."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    drops: list[Callable[[], None]] = []
    try:
        for kind in itertools.cycle(set(KINDS) - {"temporary file"}):
            drops.append(KINDS[kind]())
            if len(drops) == len(KINDS) // 2:
                drops.pop(0)()
                print("ready", flush=True)
                time.sleep(0.001)  # leaves some time to those that it disturbs
    finally:
        for drop in drops:
            drop()


if __name__ == "__main__":
    if kinds := sys.argv[1:]:
        for kind in kinds:
            KINDS[kind]()
        print(os.getpid(), flush=True)
        time.sleep(0.1)  # plays the work of the program that then leaves it all behind
        os._exit(0)
    disturb()
