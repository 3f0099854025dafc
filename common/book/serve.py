# SPDX-License-Identifier: MIT
"""Serves a folder, or what a program has drawn, to browsers on this machine."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


class Handler(SimpleHTTPRequestHandler):
    """Answers whoever asks this machine by its own name: a page of another site cannot, under a name of its own."""

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError):  # the browser has closed the page
            super().handle_one_request()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host in ("127.0.0.1", "localhost"):
            return True
        self.send_error(403, "ask for 127.0.0.1")
        return False

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path):
        self.send_error(404, "no such page")

    def log_message(self, *_) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True  # an open connection keeps nobody from ending

    def handle_error(self, *_) -> None:
        pass  # of one connection; the others go on


@contextlib.contextmanager
def serving(handler: type[SimpleHTTPRequestHandler], folder: Path) -> Iterator[Server]:
    """On the loopback interface, at a port that is free."""
    with Server(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        yield server


def tell(what: str, address: str) -> None:
    """Where it is; a terminal on a desktop opens it too."""
    print(f"{what}: {address}  (Ctrl-C ends it)", flush=True)
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display and sys.stdout.isatty() and shutil.which("xdg-open"):
        webbrowser.open(address)


def run_server(what: str, command: list[str | Path]) -> int:
    """One that prints `open ADDRESS`. It is told to end when this process ends. Returns its status."""
    with_this_process = ["setpriv", "--pdeathsig", "TERM", *command]  # Ctrl-C reaches it by this process alone
    with subprocess.Popen(
        with_this_process, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        try:
            for line in server.stdout:
                if line.startswith("open "):
                    tell(what, line.split()[1])
            return server.wait()
        finally:
            server.terminate()


def raise_on_signals() -> None:
    """SIGTERM and SIGHUP end it as Ctrl-C does: by an exception, so that temporary folders go."""

    def end(number: int, _) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
