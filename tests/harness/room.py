# SPDX-License-Identifier: MIT
"""A room for a test: name spaces of its own, so that it neither sees what others on the machine do
nor disturbs them.

enter() gives the calling process, and all that it starts from then on, a /dev/shm, a /tmp, POSIX
message queues, System V objects, ports and sockets that nobody else has. What is new there after a
run is what that run made. Where the machine forbids it (most containers do), nothing changes; a run
is then judged by what its own processes were seen to hold, see processes.py.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

SHARED = "PDC_TEST_SHARED"  # in the environment: no name spaces of its own, though they are allowed

_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_NET = 0x00020000, 0x08000000, 0x10000000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 1 << 18
_SET_CHILD_SUBREAPER = 36
_REPLACED = (Path("/tmp"), Path("/dev/shm"))
_OWN_QUEUES = Path("/tmp/mqueue")  # /dev/mqueue need not exist

_libc = ctypes.CDLL(None, use_errno=True)
_is_private = False


def enter(*kept: Path) -> bool:
    """Moves this process into a room of its own, once; returns whether it could. These folders, the
    book's and Python's can be seen in the room wherever they stand. Orphans of what is started come
    to this process. Requires: no other thread has been started.
    """
    global _is_private
    adopt_orphans()
    kept = (Path(__file__).parents[2], Path(sys.prefix), *kept)
    for user in (0, _NEW_USER):  # as a user, one has to be root of a name space first
        if _is_private or SHARED in os.environ:
            break
        if _succeeds(lambda: _enter(user, kept)):
            _enter(user, kept)
            os.environ["TMPDIR"] = "/tmp"
            _is_private = True
    return _is_private


def adopt_orphans() -> None:
    """From now on they become children of this process."""
    _call(_libc.prctl, _SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def is_private() -> bool:
    """Whether this process is in a room of its own."""
    return _is_private


def queues() -> Path | None:
    """The folder that shows the message queues, if there is one."""
    folder = _OWN_QUEUES if _is_private else Path("/dev/mqueue")
    return folder if folder.is_mount() else None


def _succeeds(attempt: Callable[[], None]) -> bool:
    """Tried by a child: half a room would be worse than none."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            attempt()
            os._exit(0)
        os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _enter(user: int, kept: Iterable[Path]) -> None:
    uid, gid = os.getuid(), os.getgid()
    _call(_libc.unshare, user | _NEW_MOUNTS | _NEW_IPC | _NEW_NET)
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)  # or others would see what follows
    here = Path.cwd()
    hidden = _open_hidden([here, *kept])
    for folder in filter(Path.is_dir, _REPLACED):
        _mount("tmpfs", folder, "tmpfs", data="mode=1777")
    for folder, descriptor in hidden.items():
        folder.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", folder, None, _BIND | _RECURSIVE)
        os.close(descriptor)
    os.chdir(here)
    _OWN_QUEUES.mkdir()
    _mount("mqueue", _OWN_QUEUES, "mqueue")
    _bring_up_loopback()


def _open_hidden(folders: Iterable[Path]) -> dict[Path, int]:
    """Those that would no longer be seen, each outermost one once."""
    found: dict[Path, int] = {}
    for folder in sorted({folder.resolve() for folder in folders}):
        if any(map(folder.is_relative_to, _REPLACED)) and folder not in _REPLACED:
            if not any(map(folder.is_relative_to, found)):
                found[folder] = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    return found


def _bring_up_loopback() -> None:
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, get_flags, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack_from("16xh", request)[0]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh22x", b"lo", flags | up))


def _mount(source, target, kind, flags: int = 0, data: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    _call(_libc.mount, *words, ctypes.c_ulong(flags), None if data is None else data.encode())


def _call(function, *arguments) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")
