# SPDX-License-Identifier: MIT
"""socket_server, held against its protocol, its limits, and the ways in which it may end."""

import contextlib
import fcntl
import json
import socket
import struct
import subprocess
import termios
import threading

import server_test
import service
from server_test import GOOD, ServerTest
from service import Client

STEADY_BYTES = 512 << 10  # that many more after 20 000 more requests, at most
LEFT_BYTES = 128 << 10  # of a connection that has sent a large line, at most
SHORT = "0.3"  # seconds: an idle limit for tests that wait for it


class Protocol(ServerTest):
    def test_sums_and_vectors(self):
        most, least = (1 << 63) - 1, -(1 << 63)
        with self.connect() as client:
            for request, answer in [
                (GOOD, {"sum": 6}),
                ({"add": [[1, 2], [3, 4]]}, {"add": [4, 6]}),
                ({"sum": [most]}, {"sum": most}),
                ({"sum": [least]}, {"sum": least}),
                ({"add": [[most, least], [0, 0]]}, {"add": [most, least]}),
                ({"sum": [1, 0.5]}, {"sum": 1.5}),
                ({"add": [[1, 0.25], [2, 0.5]]}, {"add": [3, 0.75]}),
                ({"sum": [1e308, 0]}, {"sum": 1e308}),
                ({"sum": [1e-7, 2e-7]}, {"sum": 3e-7}),
                ({"sum": [0.1, 0.2]}, {"sum": 0.1 + 0.2}),
                ({"sum": [0.5, 1 << 63]}, {"sum": float(1 << 63)}),
                ({"sum": [-1, 0, -0.5, 12345678901234567890.5]}, {"sum": 12345678901234567890.0}),
                (b'{"sum":[]}', {"sum": 0}),
                (b'{"add":[[],[]]}', {"add": []}),
                (b'{"su\\u006d":[1]}', {"sum": 1}),
                (b'{"\\u0061\\u0064d":[[1],[2]]}', {"add": [3]}),
                (b' {\t"sum" : [ 1 , 2 ] } \r', {"sum": 3}),
            ]:
                self.assertEqual(client.ask(request), answer, request)

    def test_whatever_else_gets_an_error_and_the_connection_lives(self):
        most, least = (1 << 63) - 1, -(1 << 63)
        with self.connect() as client:
            for line in [
                b"", b" ", b"\0", b"hello", b"{", b'{"sum":[1,2', b"[1,2]", b"7", b"null", b"{}",
                b'{"sum":[1]} {"sum":[1]}', b'{"sum":[1],}', b"{'sum':[1]}", b'{"sum":[NaN]}',
                b'{"sum":[01]}', b'{"sum":[1]}\xff', b'{"s\xc3\x28m":[1]}', b"\xed\xa0\x80",
                b'{"multiply":[1,2]}', b'{"sum":1}', b'{"sum":{}}', b'{"sum":["1"]}',
                b'{"sum":null}',
                b'{"sum":[null]}', b'{"sum":[true]}', b'{"sum":[[1]]}', b'{"add":[]}',
                b'{"add":[[1,2],[3]]}',
                b'{"add":[[1],["2"]]}', b'{"add":[1,2]}', b'{"add":[[1],[2]],"sum":[1]}',
                b"[" * 33 + b"]" * 33, b"[" * 100_000, b'{"sum":' * 33 + b"1" + b"}" * 33,
                b'{"sum":[%d,1]}' % most, b'{"sum":[%d,-1]}' % least, b'{"sum":[%d]}' % (most + 1),
                b'{"add":[[1,%d],[1,1]]}' % most, b'{"sum":[1e308,1e308]}', b'{"sum":[1e400]}',
                b'{"add":[[-1e308],[-1e308]]}',
            ]:
                with self.subTest(line[:40]):
                    self.assert_error(client.ask(line))
                    self.assertEqual(client.ask(GOOD), {"sum": 6})

    def test_requests_in_one_go_are_answered_in_order(self):
        with self.connect() as client:
            requests = [{"sum": [n, n]} if n % 7 else b"bad" for n in range(1, 5000)]
            sender = threading.Thread(target=client.send, args=requests)
            sender.start()
            for n in range(1, 5000):
                answer = client.answer()
                self.assertEqual(answer.get("sum"), 2 * n if n % 7 else None)
            sender.join()

    def test_a_line_may_come_byte_by_byte(self):
        with self.connect() as client:
            for byte in b'{"sum":[1,2,3]}\n{"add":[[1],[2]]}\n':
                client.socket.sendall(bytes([byte]))
            self.assertEqual([client.answer(), client.answer()], [{"sum": 6}, {"add": [3]}])

    def test_who_has_ended_sending_still_gets_answers(self):
        with self.connect() as client:
            client.send(*[GOOD] * 300)
            client.end()
            self.assertEqual(client.answers(), [{"sum": 6}] * 300)

    def test_half_a_line_at_the_end_is_no_request(self):
        with self.connect() as client:
            client.send(GOOD)
            client.socket.sendall(b'{"sum":[1')
            client.end()
            first, *rest = client.answers()
            self.assertEqual(first, {"sum": 6})
            for answer in rest:
                self.assert_error(answer)
            self.assertLessEqual(len(rest), 1)

    def test_a_large_line_within_the_limit(self):
        numbers = [n % 10 for n in range(300_000)]
        with self.connect() as client:
            self.assertEqual(client.ask({"sum": numbers}), {"sum": sum(numbers)})
            half = numbers[:150_000]
            self.assertEqual(client.ask({"add": [half, half]}), {"add": [2 * n for n in half]})

    def test_a_reset_disturbs_nobody(self):
        with self.connect() as other:
            for text in (b"", b'{"sum":[1', b'{"sum":[1,2]}\n' * 1000):
                client = self.connect()
                client.socket.sendall(text)
                client.reset()
                self.assertEqual(other.ask(GOOD), {"sum": 6})


class CommandLine(ServerTest):
    def test_a_bad_address_is_said_by_both_programs(self):
        for program in (self.program, self.program.with_name("socket_client")):
            for address in ("here", "192.0.2", "::g"):
                with self.subTest(program.name, address=address):
                    words = [program, "--address", address]
                    done = subprocess.run(words, capture_output=True, text=True, timeout=service.TIME_LIMIT)
                    self.assertEqual(done.returncode, 2)
                    self.assertRegex(done.stderr, f"^{program.name}: --address '{address}' .*\\n$")


class LineLimit(ServerTest):
    options = ("--line", "100")

    def test_a_line_of_the_limit_passes(self):
        with self.connect() as client:
            for length in (98, 99):
                line = b'{"sum":[1]}'
                self.assertEqual(client.ask(line + b" " * (length - len(line))), {"sum": 1})

    def test_a_longer_one_gets_an_error_and_then_the_end(self):
        long = b'{"sum":[1]}'.ljust(300)
        for line in (b" " * 102 + b"\n", long + b"\n", b"[" * 102, b"[" * 5000):
            with self.subTest(f"{len(line)} bytes"), self.connect() as client:
                client.send(GOOD)
                self.assertEqual(client.answer(), {"sum": 6})
                client.socket.sendall(line)
                self.assert_error(client.answer())
                self.assertIsNone(client.answer())

    def test_it_counts_for_a_line_and_not_for_all_of_them(self):
        with self.connect() as client:
            client.send(*[GOOD] * 1000)
            self.assertEqual([client.answer() for _ in range(1000)], [{"sum": 6}] * 1000)

    def test_what_comes_before_a_longer_one_is_answered(self):
        with self.connect() as client:
            client.send(GOOD, {"sum": [4]}, b"[" * 150)
            self.assertEqual([client.answer(), client.answer()], [{"sum": 6}, {"sum": 4}])
            self.assert_error(client.answer())
            self.assertIsNone(client.answer())


class Sum(ServerTest):
    options = ("--line", str(1 << 26))

    def test_half_lines_together_have_a_limit(self):
        half = b" " * (60 << 20)
        clients = [self.connect() for _ in range(8)]
        for client in clients:
            with contextlib.suppress(ConnectionError):
                client.socket.sendall(half)
        if not self.sanitized:
            self.assertLess(self.server.memory(), 600 << 20)
        with self.connect() as other:
            self.assertEqual(other.ask(GOOD), {"sum": 6})
        refused = 0
        for client in clients:
            client.end()
            with contextlib.suppress(ConnectionError):
                refused += client.answer() is not None
            client.socket.close()
        self.assertGreater(refused, 0)
        self.assertTrue(service.wait_until(self.answers))


class Idle(ServerTest):
    options = ("--idle", SHORT)

    def test_silence_is_ended(self):
        for text in (b"", b'{"sum":[1', b'{"sum":[1]}\n{"sum"'):
            with self.subTest(text), self.connect() as client:
                client.socket.sendall(text)
                self.assertLessEqual(len(self.read_to_the_end(client)), text.count(b"\n") + 1)

    def test_who_sends_and_never_reads_is_ended(self):
        before = self.server.descriptors()
        with self.connect() as client:
            request = json.dumps({"add": [[1] * 2000, [2] * 2000]}).encode() + b"\n"
            with self.assertRaises(ConnectionError):
                while True:
                    client.socket.sendall(request)
        self.assertTrue(service.wait_until(lambda: self.server.descriptors() <= before))

    def read_to_the_end(self, client: Client) -> list[bytes]:
        got = b""
        try:
            while part := client.socket.recv(1 << 16):
                got += part
        except ConnectionResetError:
            pass
        return got.splitlines()


class Crowd(ServerTest):
    options = ("--connections", "20")

    def test_one_too_many_gets_an_error_and_the_end(self):
        clients = [self.connect() for _ in range(20)]
        for client in clients:
            self.assertEqual(client.ask(GOOD), {"sum": 6})  # it is in
        for _ in range(3):
            with self.connect() as late:
                self.assert_error(late.answer())
                self.assertIsNone(late.answer())
        for client in clients:
            self.assertEqual(client.ask(GOOD), {"sum": 6})
            client.socket.close()
        self.assertTrue(service.wait_until(self.answers))


class Memory(ServerTest):
    def test_it_does_not_grow_with_the_requests(self):
        with self.connect() as client:
            used = [self.use_after(client, 20_000) for _ in range(2)]
        if not self.sanitized:
            self.assertLess(used[1] - used[0], STEADY_BYTES)

    def test_a_large_line_leaves_little_behind(self):
        numbers = [7] * 300_000
        clients = [self.connect() for _ in range(50)]
        clients[0].ask({"sum": numbers})
        before = self.server.memory()
        for client in clients:
            self.assertEqual(client.ask({"sum": numbers}), {"sum": sum(numbers)})
        more = self.server.memory() - before
        for client in clients:
            client.socket.close()
        if not self.sanitized:
            self.assertLess(more / len(clients), LEFT_BYTES)

    def use_after(self, client: Client, requests: int) -> int:
        for _ in range(requests // 100):
            client.send(*[{"sum": list(range(10))}] * 100)
            for _ in range(100):
                self.assertEqual(client.answer(), {"sum": 45})
        return self.server.memory()


class Termination(ServerTest):
    def test_requests_under_way_are_answered(self):
        with self.connect() as client, self.connect() as idle:
            self.assertEqual(idle.ask(GOOD), {"sum": 6})
            client.send(*[{"sum": [n]} for n in range(30)])  # they come in one packet
            self.assertEqual(client.answer(), {"sum": 0})
            self.server.terminate()
            self.assertEqual(client.answers(), [{"sum": n} for n in range(1, 30)])
            self.assertEqual(idle.answers(), [])
        self.assertEqual(self.server.wait(), 0)

    def test_what_has_come_is_answered_though_the_client_does_not_read_yet(self):
        lines = 100_000
        with Client(self.server.address, narrow=True) as client:
            client.socket.sendall(b"\n" * lines)  # each answer is longer than its line by far
            self.assertTrue(service.wait_until(lambda: unacknowledged(client) == 0))
            self.server.terminate()
            self.assertTrue(service.wait_until(self.is_refused), "new connections are let in")
            answers = iter(client.line, b"")
            self.assertEqual(sum(b'"error"' in answer for answer in answers), lines)
        self.assertEqual(self.server.wait(), 0)

    def test_answers_wait_for_a_slow_reader(self):
        with self.connect() as client:
            numbers = [[1] * 5000, [2] * 5000]
            sender = threading.Thread(target=self.send_until_ended, args=[client, {"add": numbers}])
            sender.start()
            self.assertEqual(client.answer(), {"add": [3] * 5000})
            self.server.terminate()
            self.assertTrue(service.wait_until(self.is_refused), "new connections are let in")
            got = b""
            try:
                while part := client.socket.recv(1 << 16):
                    got += part
            except ConnectionResetError:
                pass  # what it had not read when it ended
            sender.join()
            for line in (client.received + got).split(b"\n")[:-1]:
                self.assertEqual(json.loads(line), {"add": [3] * 5000})
        self.assertEqual(self.server.wait(), 0)

    def send_until_ended(self, client: Client, request: dict) -> None:
        try:
            while True:
                client.send(request)
        except OSError:
            pass

    def is_refused(self) -> bool:
        try:
            socket.create_connection(self.server.address, service.TIME_LIMIT).close()
            return False
        except ConnectionRefusedError:
            return True


def unacknowledged(client: Client) -> int:
    """Bytes that the other side's system has not got yet."""
    return struct.unpack("i", fcntl.ioctl(client.socket, termios.TIOCOUTQ, bytes(4)))[0]


if __name__ == "__main__":
    server_test.main()
