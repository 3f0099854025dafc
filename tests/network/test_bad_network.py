# SPDX-License-Identifier: MIT
"""server_limits and clients behind a proxy that mistreats what passes, beside one without."""

import collections
import json
import random
import threading
from collections.abc import Iterator

import server_test
import service
from proxy import Plan, Proxy
from server_test import ServerTest
from service import Client

SEED = 1


class BadNetwork(ServerTest):
    def setUp(self):
        super().setUp()
        self.connections = 600 if not self.sanitized else 120
        self.before = self.server.descriptors()
        self.over = threading.Event()
        self.wrong: list[str] = []
        self.right = 0
        self.neighbour = threading.Thread(target=self.be_a_good_neighbour)

    def be_a_good_neighbour(self) -> None:
        dice = random.Random(SEED)
        try:
            with self.connect() as client:
                while not self.over.is_set():
                    numbers = [dice.randrange(1000) for _ in range(10)]
                    self.assertEqual(client.ask({"sum": numbers}), {"sum": sum(numbers)})
                    self.right += 1
        except Exception as error:  # a thread's own end would go unseen
            self.wrong.append(f"beside the faults: {error!r}")

    def suffer(self, plan: Plan) -> collections.Counter:
        """Many clients, eight at a time; what they see is held by check_answers."""
        self.neighbour.start()
        with Proxy(self.server.address, plan, SEED) as proxy:
            numbers = iter(range(self.connections))
            work = {"target": self.run_clients, "args": [proxy, plan, numbers]}
            threads = [threading.Thread(**work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.over.set()
        self.neighbour.join()
        self.assertEqual(self.wrong, [])
        self.assertGreater(self.right, 0)
        self.assertEqual(proxy.connections, self.connections)
        closed = service.wait_until(lambda: self.server.descriptors() <= self.before)
        self.assertTrue(closed, "descriptors are left open")
        faults = f"{proxy.faults.total()} faults: {dict(proxy.faults)}"
        print(f"{faults}; beside them {self.right} right answers", flush=True)
        return proxy.faults

    def run_clients(self, proxy: Proxy, plan: Plan, numbers: Iterator[int]) -> None:
        for number in numbers:
            lines = self.make_lines(random.Random(f"{SEED} {number}"))
            try:
                with Client(proxy.address) as client:
                    got, ended = self.exchange(client, lines)
                self.check_answers(plan, lines, got, ended)
            except Exception as error:
                self.wrong.append(repr(error))

    def make_lines(self, dice: random.Random) -> list[bytes]:
        lines = []
        for _ in range(dice.randrange(1, 30)):
            numbers = [dice.randrange(-100, 100) for _ in range(dice.randrange(1, 40))]
            lines.append(json.dumps({dice.choice(["sum", "sum", "multiply"]): numbers}).encode())
        return lines

    def exchange(self, client: Client, lines: list[bytes]) -> tuple[bytes, bool]:
        """What comes back, and whether it came to a good end."""
        got = b""
        try:
            for line in lines:
                client.socket.sendall(line + b"\n")
            client.end()
            while part := client.socket.recv(1 << 16):
                got += part
        except TimeoutError:
            raise  # nothing may last for ever, whatever happens
        except OSError:  # reset, or ended already
            return got, False
        return got, True

    def check_answers(self, plan: Plan, lines: list[bytes], bytes_got: bytes, ended: bool) -> None:
        if plan.corrupt:
            return
        answers = bytes_got.split(b"\n")[:-1]
        for line, answer in zip(lines, answers):
            request, got = json.loads(line), json.loads(answer)
            right = {"sum": sum(request["sum"])} if "sum" in request else {"error": got.get("error")}
            if got != right:
                self.wrong.append(f"{line!r}: {answer!r}")
        whole = not plan.cut and not plan.reset
        if len(answers) > len(lines) or whole and (not ended or len(answers) != len(lines)):
            self.wrong.append(f"{len(answers)} answers to {len(lines)} lines")

    def test_delays_splits_and_joins_change_no_answer(self):
        faults = self.suffer(Plan(delay=0.1, split=0.5, join=0.5))
        for kind in ("delay", "split"):  # whether two chunks can be joined is up to their timing
            self.assertGreater(faults[kind], 10, kind)

    def test_what_came_before_a_cut_is_right(self):
        faults = self.suffer(Plan(cut=0.5, reset=0.5, split=0.3, join=0.2))
        for kind in ("cut", "reset"):
            self.assertGreater(faults[kind], 10, kind)

    def test_corrupt_bytes_disturb_nobody_else(self):
        faults = self.suffer(Plan(corrupt=0.5, cut=0.1, reset=0.1, delay=0.1, split=0.3, join=0.2))
        self.assertGreater(faults["corrupt"], 50)


if __name__ == "__main__":
    server_test.main()
