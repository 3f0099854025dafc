# SPDX-License-Identifier: MIT
"""book_server, held against requests that share no code with it. Run as: test_book_server.py FOLDER."""

import contextlib
import json
import re
import signal
import socket
import sys
import unittest
from pathlib import Path

import psutil
import service
from service import TIME_LIMIT, Service, Watch, wait_until

FOLDER: Path
LONG = "/run/timers?ticks=100"  # takes seconds


class Browser:
    """One connection. It reads as much as comes until the server hangs up, or until a given text."""

    def __init__(self, test: "BookServerTest", request: bytes = b""):
        self.socket = socket.create_connection(test.server.address, TIME_LIMIT)
        test.addCleanup(self.socket.close)
        self.heard = b""
        self.socket.sendall(request)

    def until(self, text: bytes) -> bytes:
        while text not in self.heard:
            part = self.socket.recv(1 << 16)
            if not part:
                raise AssertionError(f"no {text!r} in {self.heard!r}")
            self.heard += part
        return self.heard

    def all(self) -> bytes:
        with contextlib.suppress(ConnectionError):
            while part := self.socket.recv(1 << 16):
                self.heard += part
        return self.heard


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


class BookServerTest(unittest.TestCase):
    def setUp(self):
        watch = Watch()
        self.addCleanup(lambda: self.assertEqual(watch.left(), []))
        self.start()

    def start(self, *options: str) -> None:
        self.server = Service(FOLDER / "book_server", "--quiet", *options)
        self.addCleanup(self.server.__exit__)
        self.url = self.server.process.stdout.readline().removeprefix("open ").strip()
        self.host = self.url.split("/")[2]
        entered = self.ask("GET", "/" + self.url.split("/", 3)[3], cookie="")
        self.assertEqual(status(entered), 303)
        self.assertRegex(entered, rb"\r\nSet-Cookie: pdc_\d+=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict\r\n")
        self.cookie = re.search(rb"(pdc_\d+=[0-9a-f]{32})", entered)[1].decode()

    def request(self, method: str, target: str, more: str = "", **changed: str) -> bytes:
        fields = {"host": self.host, "origin": f"http://{self.host}" if method == "POST" else ""}
        fields["cookie"] = "" if "cookie" in changed else self.cookie
        fields |= changed
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        return f"{method} {target} HTTP/1.1\r\n{lines}{more}Connection: close\r\n\r\n".encode()

    def ask(self, *words: str, **changed: str) -> bytes:
        return Browser(self, self.request(*words, **changed)).all()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.server.process.pid).children(recursive=True)

    def end(self) -> None:
        self.server.terminate()
        self.assertEqual(self.server.wait(), 0)
        self.assertEqual(self.server.complaints(), "")

    def test_it_tells_what_a_program_takes(self):
        (ticks,) = json.loads(self.ask("GET", "/programs/timers").partition(b"\r\n\r\n")[2])  # not the deadline
        self.assertEqual((ticks["name"], ticks["lowest"], ticks["highest"], ticks["whole"]), ("ticks", 2, 100, True))
        self.end()

    def test_the_output_comes_while_the_program_runs(self):
        browser = Browser(self, self.request("POST", LONG))
        browser.until(b'{"out":"')
        self.assertNotEqual(self.children(), [])
        browser.all()
        self.assertIn(b'{"end":0,', browser.heard)
        self.assertIn(b"<svg", browser.heard)
        self.assertTrue(browser.heard.endswith(b"\r\n0\r\n\r\n"))
        self.end()

    def test_nobody_else_can_use_it(self):
        for changed in (
            {"host": "elsewhere.example"},
            {"host": ""},
            {"origin": "http://elsewhere.example"},
            {"origin": "null"},
            {"origin": ""},
            {"cookie": ""},
            {"cookie": self.cookie[:-1]},
            {"cookie": f"{self.cookie}0"},
        ):
            with self.subTest(**changed):
                answer = self.ask("POST", "/run/timers", **changed)
                self.assertEqual(status(answer), 403)
                self.assertEqual(self.children(), [])
        self.assertEqual(status(self.ask("GET", "/", cookie="")), 403)
        self.assertEqual(status(self.ask("GET", "/?token=" + "0" * 32, cookie="")), 403)
        self.assertEqual(status(self.ask("GET", "/")), 200)
        self.end()

    def test_wrong_input_is_answered_with_one_line_and_starts_nothing(self):
        for query in (
            "ticks=1",
            "ticks=101",
            "ticks=",
            "ticks",
            "ticks=5x",
            "ticks=5%20",
            "ticks=5;ls",
            "ticks=$(ls)",
            "ticks=nan",
            "ticks=5&ticks=6",
            "svg=/tmp/x",
            "deadline=5",
            "help=1",
            "ranks=2",
            "=5",
            "&",
        ):
            with self.subTest(query=query):
                head, _, line = self.ask("POST", f"/run/timers?{query}").partition(b"\r\n\r\n")
                self.assertEqual(status(head), 400)
                self.assertEqual(line.count(b"\n"), 1)
                self.assertEqual(self.children(), [])
        for target in ("/run/", "/run/no_such_program", "/run/../timers", "/run/timers/../ls"):
            self.assertEqual(status(self.ask("POST", target)), 404, target)
        self.assertEqual(status(self.ask("PUT", "/run/timers")), 501)
        with_body = self.request("POST", "/run/timers", "Content-Length: 3\r\n") + b"abc"
        self.assertEqual(status(Browser(self, with_body).all()), 400)
        self.end()

    def test_one_program_for_each_and_two_in_all(self):
        first = self.cookie
        others = []
        for _ in range(2):
            entered = self.ask("GET", "/" + self.url.split("/", 3)[3], cookie="")
            others.append(re.search(rb"(pdc_\d+=[0-9a-f]{32})", entered)[1].decode())
        running = [Browser(self, self.request("POST", LONG, cookie=cookie)) for cookie in (first, others[0])]
        for browser in running:
            browser.until(b'{"out":"')
        self.assertEqual(status(self.ask("POST", LONG, cookie=first)), 409)
        self.assertEqual(status(self.ask("POST", LONG, cookie=others[1])), 503)
        for browser in running:
            self.assertIn(b'{"end":0,', browser.all())
        self.assertEqual(status(self.ask("POST", "/run/timers", cookie=others[1])), 200)
        self.end()

    def test_who_hangs_up_stops_the_program(self):
        browser = Browser(self, self.request("POST", LONG))
        browser.until(b'{"out":"')
        browser.socket.close()
        self.assertTrue(wait_until(lambda: not self.children()))
        self.end()

    def test_told_to_end_it_stops_the_program(self):
        browser = Browser(self, self.request("POST", LONG))
        browser.until(b'{"out":"')
        self.end()
        self.assertNotIn(b'{"end":0,', browser.all())

    def test_killed_it_leaves_nothing(self):
        browser = Browser(self, self.request("POST", LONG))
        browser.until(b'{"out":"')
        children = self.children()
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.assertTrue(wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children)))

    def test_a_flood_of_output_is_stopped(self):
        self.end()
        self.start("--output", "200")
        answer = self.ask("POST", "/run/timers")
        self.assertIn(b'"why":"too much output"', answer)
        self.end()

    def test_headers_without_end_and_a_flood_of_connections(self):
        endless = Browser(self)
        with contextlib.suppress(ConnectionError):
            endless.socket.sendall(b"GET / HTTP/1.1\r\n" + b"and: so on\r\n" * 10000)
        self.assertEqual(status(endless.all()), 431)
        drip = Browser(self, b"GET / HTT")
        crowd = [Browser(self) for _ in range(100)]  # more than it takes
        self.assertEqual(status(drip.all()), 408)
        for browser in crowd:
            browser.socket.close()
        self.assertTrue(wait_until(lambda: self.ask("GET", "/").startswith(b"HTTP/1.1 200 ")))
        self.end()


if __name__ == "__main__":
    FOLDER = Path(sys.argv.pop(1)).resolve()
    service.room.enter(FOLDER)
    unittest.main(verbosity=2)
