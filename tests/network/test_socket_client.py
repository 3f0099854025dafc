# SPDX-License-Identifier: MIT
"""socket_client, held against servers that are none of the book's: test_socket_client.py CLIENT plain|sanitized"""

import contextlib
import json
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

import proxy
import service

MOST_MEMORY = 64 << 20  # bytes: this interpreter's, which a child begins with, and a few of its own

Handler = socketserver.StreamRequestHandler


@contextlib.contextmanager
def serving(talk: Callable[[Handler], None]) -> Iterator[int]:
    """Talks to each client on a thread of its own. Its port."""

    class Talk(Handler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the client may be gone
                talk(self)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        accepting = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        accepting.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            accepting.join()


def answer_all(more: int = 0, form: str = '{{"sum":{}}}') -> Callable[[Handler], None]:
    """What socket_server does, in other words."""

    def talk(client: Handler) -> None:
        for line in client.rfile:
            try:
                answer = form.format(sum(json.loads(line)["sum"]) + more)
            except ValueError:
                answer = ' {"error" : "no" }\r'
            client.wfile.write(answer.encode() + b"\n")

    return talk


class SocketClient(unittest.TestCase):
    program: Path
    sanitized = False

    def run_client(self, *options: object) -> subprocess.CompletedProcess:
        words = [self.program, "--quiet", *map(str, options)]
        return subprocess.run(words, capture_output=True, text=True, timeout=service.TIME_LIMIT)

    def assert_holds(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], "all claims hold")

    def assert_refused(self, done: subprocess.CompletedProcess, port: int, why: str) -> None:
        """One line: where, why, and what to do."""
        said = f"^socket_client: 127[.]0[.]0[.]1 port {port}: {why}; is socket_server --serve running there[?]\n$"
        self.assertRegex(done.stderr, said)
        self.assertEqual(done.returncode, 3)
        self.assertNotIn("all claims hold", done.stdout)

    def test_a_server_of_its_own(self):
        self.assert_holds(self.run_client())

    def test_answers_that_come_byte_by_byte(self):
        with service.Service(self.program.with_name("socket_server")) as server:
            with proxy.Proxy(server.address, proxy.Plan(split=1), seed=1) as between:
                self.assert_holds(self.run_client("--port", between.address[1], "--patience", 20))
                self.assertGreater(between.faults["split"], 0)

    def test_another_server_and_blanks(self):
        with serving(answer_all(form=' {{\t"sum" : {} }} \r')) as port:
            self.assert_holds(self.run_client("--port", port))

    def test_the_claims_in_json(self):
        with serving(answer_all()) as port:
            done = self.run_client("--port", port, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(json.loads(done.stdout)["all_claims_hold"])

    def test_wrong_answers(self):
        def nonsense(client: Handler) -> None:
            for _ in client.rfile:
                client.wfile.write(b"\xff{{{ 6\n")

        for talk in (answer_all(more=1), answer_all(form='{{"total":{}}}'), nonsense):
            with self.subTest(talk), serving(talk) as port:
                done = self.run_client("--port", port)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stdout + done.stderr, "(?m)^.*failed.*from a server that answers")

    def test_a_server_that_hangs_up(self):
        def in_the_middle(client: Handler) -> None:
            client.rfile.readline()
            client.wfile.write(b'{"sum":')

        def with_a_reset(client: Handler) -> None:
            in_the_middle(client)
            service.reset(client.request)

        with serving(in_the_middle) as port:
            self.assert_refused(self.run_client("--port", port), port, "End of file")
        with serving(with_a_reset) as port:
            self.assert_refused(self.run_client("--port", port), port, "Connection reset by peer")

    def test_an_unused_port(self):
        with socket.socket() as bound:  # so nobody else gets it; but it does not listen
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            self.assert_refused(self.run_client("--port", port), port, "Connection refused")

    def test_a_silent_server(self):
        with serving(lambda client: client.rfile.read()) as port:
            done = self.run_client("--port", port, "--patience", 0.2)
            self.assert_refused(done, port, "Connection timed out")

    def test_a_server_that_falls_silent(self):
        def talk(client: Handler) -> None:
            client.rfile.readline()
            client.wfile.write(b'{"sum":42}\n')
            client.rfile.read()

        with serving(talk) as port:
            done = self.run_client("--port", port, "--patience", 0.5)
            self.assert_refused(done, port, "Connection timed out")

    def test_an_answer_without_end(self):
        def talk(client: Handler) -> None:
            while True:
                client.wfile.write(b"1" * (1 << 16))

        with serving(talk) as port, tempfile.TemporaryFile("w+") as errors:
            words = [self.program, "--quiet", "--port", str(port)]
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            done = subprocess.CompletedProcess(words, process.returncode, "", errors.read())
            self.assert_refused(done, port, "Message too long")
        if not self.sanitized:
            self.assertLess(usage.ru_maxrss << 10, MOST_MEMORY)


def main() -> None:
    SocketClient.program = Path(sys.argv.pop(1)).resolve()
    SocketClient.sanitized = sys.argv.pop(1) == "sanitized"
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
