# SPDX-License-Identifier: MIT
"""A service under test, and a client that shares no code with the book: lines of JSON over TCP."""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

sys.path.append(str(Path(__file__).resolve().parents[1]))
from harness import room  # noqa: E402
from harness.processes import TIME_LIMIT, Watch, wait_until  # noqa: E402, F401


class Service:
    """A program that says `listening on ADDRESS port PORT` and serves, until SIGTERM or its job is done."""

    def __init__(self, program: Path, *options: str, serving: tuple[str, ...] = ("--serve",)):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [program, *serving, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        for line in self.process.stdout:  # what its title says comes first
            if match := re.fullmatch(r"listening on (\S+) port (\d+)\n", line):
                self.address = (match[1], int(match[2]))
                return
        with self:
            raise AssertionError(f"{program} does not listen, and says {self.complaints()!r}")

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.errors.close()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit status; everything that it said has to be read by then."""
        said, _ = self.process.communicate(timeout=TIME_LIMIT)
        self.said = said
        return self.process.returncode

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        if not self.process.stdout.closed:
            self.process.communicate()

    def complaints(self) -> str:
        """What it wrote to standard error: a sanitizer's report, for example."""
        self.errors.seek(0)
        return self.errors.read()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self) -> int:
        """Bytes that are its own."""
        return psutil.Process(self.process.pid).memory_full_info().uss


class Client:
    """A connection, and its lines. A narrow one is soon full of what nobody reads."""

    def __init__(self, address: tuple[str, int], narrow: bool = False, source: str = ""):
        self.socket = socket.socket()
        self.socket.settimeout(TIME_LIMIT)
        if source:
            self.socket.bind((source, 0))
        if narrow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *lines: bytes | dict) -> None:
        """In one go."""
        texts = [x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines]
        self.socket.sendall(b"".join(text + b"\n" for text in texts))

    def end(self) -> None:
        """Nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        reset(self.socket)

    def line(self) -> bytes:
        """The next one without its end; b"" when there are no more, and then no half one either."""
        while b"\n" not in self.received:
            part = self.socket.recv(1 << 16)
            if not part:
                assert not self.received, f"half a line at the end: {self.received!r}"
                return b""
            self.received += part
        line, _, self.received = self.received.partition(b"\n")
        return line

    def answer(self) -> dict | None:
        """The next one; None when there are no more."""
        line = self.line()
        return json.loads(line) if line else None

    def answers(self) -> list[dict]:
        """All that come until the other side ends it."""
        return list(iter(self.answer, None))

    def ask(self, request: bytes | dict) -> dict | None:
        self.send(request)
        return self.answer()


def reset(connection: socket.socket) -> None:
    """Ends it with RST: what was sent and not yet read is lost."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def raise_descriptor_limit() -> int:
    """As far as it goes; returns how far."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
