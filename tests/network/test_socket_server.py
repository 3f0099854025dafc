# SPDX-License-Identifier: MIT
"""server_limits, held against its protocol, its limits, and the ways in which it may end; and socket_server against the
same protocol."""

import contextlib
import fcntl
import itertools
import json
import random
import resource
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import unittest

import fuzz
import server_test
import service
from server_test import GOOD, PATIENT, ServerTest
from service import Client, Service

LINES = 100_000  # empty ones: the error that answers each is longer by far
STEADY_BYTES = 512 << 10  # that many more after 20 000 more requests, at most
SHORT = "0.3"  # seconds: a limit for tests that wait for its end
WHOLE = range(-(1 << 63), 1 << 63)
MOST, LEAST = WHOLE[-1], WHOLE[0]


def right_sum(line: bytes) -> int | None:
    """What has to be answered to a request of whole numbers, none if it is something else."""
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    numbers = value.get("sum") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(numbers, list) or not all(type(x) is int for x in numbers):
        return None
    fits = all(x in WHOLE for x in [*numbers, *itertools.accumulate(numbers)])
    return sum(numbers) if fits else None


class Protocol(ServerTest):
    def test_sums(self):
        with self.connect() as client:
            for request, answer in [
                (GOOD, 6),
                ({"sum": [MOST]}, MOST),
                ({"sum": [LEAST]}, LEAST),
                ({"sum": [1, 0.5]}, 1.5),
                ({"sum": [1e308, 0]}, 1e308),
                ({"sum": [1e-7, 2e-7]}, 3e-7),
                ({"sum": [0.1, 0.2]}, 0.1 + 0.2),
                ({"sum": [0.5, 1 << 63]}, float(1 << 63)),
                (b'{"sum":[]}', 0),
                (b'{"su\\u006d":[1]}', 1),
                (b' {\t"sum" : [ 1 , 2 ] } \r', 3),
            ]:
                self.assertEqual(client.ask(request), {"sum": answer}, request)

    def test_whatever_else_gets_an_error_and_the_connection_lives(self):
        with self.connect() as client:
            for line in [
                b"", b" ", b"\0", b"hello", b"{", b'{"sum":[1,2', b"[1,2]", b"7", b"null", b"{}",
                b'{"sum":[1]} {"sum":[1]}', b'{"sum":[1],}', b"{'sum':[1]}", b'{"sum":[NaN]}',
                b'{"sum":[01]}', b'{"sum":[1]}\xff', b'{"s\xc3\x28m":[1]}', b"\xed\xa0\x80",
                b'{"multiply":[1,2]}', b'{"sum":1}', b'{"sum":{}}', b'{"sum":["1"]}',
                b'{"sum":null}', b'{"sum":[null]}', b'{"sum":[true]}', b'{"sum":[[1]]}',
                b'{"sum":[1],"more":[1]}', b"[" * 33 + b"]" * 33, b"[" * 50_000,
                b'{"sum":[%d,1]}' % MOST, b'{"sum":[%d,-1]}' % LEAST, b'{"sum":[%d]}' % (MOST + 1),
                b'{"sum":[1e308,1e308]}', b'{"sum":[1e400]}',
            ]:
                with self.subTest(line[:40]):
                    self.assert_error(client.ask(line))
                    self.assertEqual(client.ask(GOOD), {"sum": 6})

    def test_each_odd_line_has_one_answer(self):
        generator = fuzz.Generator(random.Random(1))
        with self.connect() as client:
            for _ in range(60):
                lines = [generator.line() for _ in range(50)]
                client.send(*lines)
                for line in lines:
                    answer, total = client.answer(), right_sum(line)
                    self.assertIn(list(answer or {}), (["sum"], ["error"]), line)
                    if total is not None:
                        self.assertEqual(answer, {"sum": total}, line)

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
            for byte in b'{"sum":[1,2,3]}\n{"sum":[4]}\n':
                client.socket.sendall(bytes([byte]))
            self.assertEqual([client.answer(), client.answer()], [{"sum": 6}, {"sum": 4}])

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
            self.assertEqual(client.answers(), [{"sum": 6}])

    def test_a_reset_disturbs_nobody(self):
        with self.connect() as other:
            for text in (b"", b'{"sum":[1', b'{"sum":[1,2]}\n' * 1000):
                client = self.connect()
                client.socket.sendall(text)
                client.reset()
                self.assertEqual(other.ask(GOOD), {"sum": 6})

    def test_a_slow_reader_stalls_only_itself(self):
        with self.connect() as other, Client(self.server.address, narrow=True) as slow:
            ask_too_much(slow)
            self.assertEqual(other.ask(GOOD), {"sum": 6})


def ask_too_much(client: Client) -> None:
    """All questions have arrived, and their answers are more than the sockets hold."""
    client.socket.sendall(b"\n" * LINES)
    assert service.wait_until(lambda: unacknowledged(client) == 0)


def unacknowledged(client: Client) -> int:
    """Bytes that the other side's system has not got yet."""
    return struct.unpack("i", fcntl.ioctl(client.socket, termios.TIOCOUTQ, bytes(4)))[0]


class Page(Protocol):
    """socket_server has no limits but that of a line, and is ended as any program."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.program = cls.program.with_name("socket_server")

    def end_well(self) -> None:
        with self.server:
            self.assertTrue(service.wait_until(self.answers))
            self.server.terminate()
            self.assertEqual(self.server.wait(), -signal.SIGTERM)
            self.assertEqual(self.server.complaints(), "")


class CommandLine(unittest.TestCase):
    def test_a_bad_address_is_said_by_all_programs(self):
        for name in ("socket_server", "socket_client", "server_limits"):
            program = ServerTest.program.with_name(name)
            for address in ("here", "192.0.2", "::g"):
                with self.subTest(name, address=address):
                    words = [program, "--address", address]
                    done = subprocess.run(words, capture_output=True, text=True, timeout=service.TIME_LIMIT)
                    self.assertEqual(done.returncode, 2)
                    self.assertRegex(done.stderr, f"^{name}: --address '{address}' .*\\n$")

    def test_a_port_in_use(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            bound.listen()
            port = str(bound.getsockname()[1])
            for name in ("socket_server", "server_limits"):
                words = [ServerTest.program.with_name(name), "--serve", "--port", port]
                done = subprocess.run(words, capture_output=True, text=True, timeout=service.TIME_LIMIT)
                self.assertEqual(done.returncode, 3)
                self.assertRegex(done.stderr, f"^{name}: bind 127.0.0.1 port {port}: .*; choose another --port\n$")


class LineLimit(ServerTest):
    options = (*PATIENT, "--line", "100")

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


class LargeLine(ServerTest):
    options = (*PATIENT, "--line", str(1 << 20))

    def test_a_large_line_within_the_limit(self):
        numbers = [n % 10 for n in range(300_000)]
        with self.connect() as client:
            self.assertEqual(client.ask({"sum": numbers}), {"sum": sum(numbers)})


class LineTime(ServerTest):
    options = (*PATIENT, "--time", SHORT)

    def test_a_line_that_drips_is_ended_though_each_byte_is_in_time(self):
        with self.connect() as client:
            with self.assertRaises(ConnectionError):
                while not select.select([client.socket], [], [], 0.03)[0] or client.socket.recv(1):
                    client.socket.sendall(b"1")
                raise ConnectionError("the end, in good order")

    def test_half_a_line_is_ended_and_silence_is_not(self):
        with self.connect() as silent, self.connect() as half:
            self.assertEqual(half.ask(GOOD), {"sum": 6})
            half.socket.sendall(b'{"sum":[1')
            self.assertEqual(read_to_the_end(half), b"")
            self.assertEqual(silent.ask(GOOD), {"sum": 6})


class Silence(ServerTest):
    options = (*PATIENT, "--silence", SHORT)

    def test_silence_is_ended(self):
        for text, answers in ((b"", b""), (b'{"sum":[1]}\n', b'{"sum":1}\n')):
            with self.subTest(text), self.connect() as client:
                client.socket.sendall(text)
                self.assertEqual(read_to_the_end(client), answers)

    def test_who_sends_and_never_reads_is_ended(self):
        before = self.server.descriptors()
        with Client(self.server.address, narrow=True) as client:
            self.assertTrue(service.wait_until(lambda: self.server.descriptors() > before))
            client.socket.setblocking(False)

            def is_ended() -> bool:
                """Sees it at the server: its reset may reach a client with a full window late."""
                with contextlib.suppress(OSError):  # there is no room, or nobody
                    client.socket.send(b'{"sum":[1,2,3]}\n' * 1000)
                return self.server.descriptors() <= before

            self.assertTrue(service.wait_until(is_ended))


def read_to_the_end(client: Client) -> bytes:
    got = b""
    try:
        while part := client.socket.recv(1 << 16):
            got += part
    except ConnectionResetError:
        pass
    return got


class Crowd(ServerTest):
    options = (*PATIENT, "--connections", "20")

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


class Peer(ServerTest):
    options = (*PATIENT, "--peer", "3")

    def test_one_too_many_of_an_address_gets_an_error_and_others_are_served(self):
        clients = [self.connect() for _ in range(3)]
        for client in clients:
            self.assertEqual(client.ask(GOOD), {"sum": 6})
        with self.connect() as late:
            self.assert_error(late.answer())
            self.assertIsNone(late.answer())
        with socket.create_connection(self.server.address, service.TIME_LIMIT, ("127.0.0.2", 0)) as other:
            other.sendall(b'{"sum":[1]}\n')
            self.assertEqual(other.recv(100), b'{"sum":1}\n')
        for client in clients:
            client.socket.close()
        self.assertTrue(service.wait_until(self.answers))


class FewDescriptors(ServerTest):
    def start(self) -> Service:
        return Service("prlimit", *PATIENT, serving=("--nofile=24:24", str(self.program), "--serve"))

    def test_one_too_many_for_them_gets_an_error_and_the_end(self):
        clients = [self.connect() for _ in range(24)]
        self.assertEqual(clients[0].ask(GOOD), {"sum": 6})
        self.assert_error(clients[-1].answer())
        self.assertIsNone(clients[-1].answer())
        for client in clients:
            client.socket.close()
        self.assertTrue(service.wait_until(self.answers))


class Descriptors(ServerTest):
    def test_when_none_is_left_it_goes_on_and_serves_when_there_is_one(self):
        resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE, (24, 24))
        clients = [self.connect() for _ in range(40)]  # the system connects them all
        self.assertEqual(clients[0].ask(GOOD), {"sum": 6})
        clients[-1].send(GOOD)
        for client in clients[:-1]:
            client.socket.close()
        self.assertEqual(clients[-1].answer(), {"sum": 6})
        clients[-1].socket.close()


class Memory(ServerTest):
    def test_it_does_not_grow_with_the_requests(self):
        with self.connect() as client:
            used = [self.use_after(client, 20_000) for _ in range(2)]
        if not self.sanitized:
            self.assertLess(used[1] - used[0], STEADY_BYTES)

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
        with Client(self.server.address, narrow=True) as client:
            ask_too_much(client)
            self.server.terminate()
            self.assertTrue(service.wait_until(self.is_refused), "new connections are let in")
            answers = iter(client.line, b"")
            self.assertEqual(sum(b'"error"' in answer for answer in answers), LINES)
        self.assertEqual(self.server.wait(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        with Client(self.server.address, narrow=True) as client:
            ask_too_much(client)
            self.server.terminate()
            self.assertTrue(service.wait_until(self.is_refused))
            self.server.terminate()
            self.assertEqual(self.server.wait(), -signal.SIGTERM)

    def is_refused(self) -> bool:
        try:
            socket.create_connection(self.server.address, service.TIME_LIMIT).close()
            return False
        except ConnectionRefusedError:
            return True

    def end_well(self) -> None:
        with self.server:
            self.assertEqual(self.server.complaints(), "")


class DrainTime(ServerTest):
    options = (*PATIENT, "--time", SHORT)

    def test_who_reads_nothing_does_not_keep_it_from_ending(self):
        with Client(self.server.address, narrow=True) as client:
            ask_too_much(client)
            self.server.terminate()
            self.assertEqual(self.server.wait(), 0)


if __name__ == "__main__":
    server_test.main()
