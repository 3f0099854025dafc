# SPDX-License-Identifier: MIT
"""Sends lines to socket_server that are valid, nearly valid or nothing at all, in pieces that end
anywhere, for as long as it is told to, and holds every answer against an oracle. Says the seed and
how many lines there were."""

import argparse
import collections
import json
import random
import sys
import time
from pathlib import Path

import oracle
import service

LIMIT = 4096  # bytes of a line
IN_ONE_GO = 40  # lines, at most
WHOLES = [0, 1, -1, 7, -40, 10**6, 2**31, 2**53, 2**62, 2**63 - 1, -(2**63), 2**63, 2**64, 10**30]
REALS = """0.5 -2.25 1e3 1E+2 -0.0 -0 1e-7 1e308 1e400 -1e400 5e-324 1e-400 1e99999999999 0e9 0.1
    3.141592653589793238462643 1.7976931348623157e308""".split()
NO_NUMBERS = """null true false "1" [] [1] {} NaN Infinity -Infinity 01 +1 1. .5 0x10 1e --1 1_0 '1'
    \u0661""".split() + [""]
NAMES = r'''"sum" "add" "su\u006d" "Sum" "sum\t" "error" "" "\ud800" sum 1'''.split()
PIECES = rb'''{ } [ ] , : " \ \u // /* 1e5 - null {"sum":[1]} [[[[[[ "sum":'''.split()
PIECES += [b"\0", b"\r", b"\t", b" ", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"]
PIECES += [b"\xe2\x82", b"\xef\xbb\xbf"]  # half a character, a byte order mark


class Generator:
    """Lines without their end. No line is longer than LIMIT."""

    def __init__(self, dice: random.Random):
        self.dice = dice
        self.kinds = collections.Counter()

    def line(self) -> bytes:
        often = [self.valid, self.mutated]
        maker = self.dice.choice([*often, *often, self.odd, self.nested, self.noise])
        self.kinds[maker.__name__] += 1
        return maker().replace(b"\n", b" ")[:LIMIT]

    def number(self) -> str:
        kind = self.dice.random()
        if kind < 0.7:
            return str(self.dice.randrange(-1000, 1000))
        if kind < 0.85:
            return str(self.dice.choice(WHOLES))
        return self.dice.choice(REALS)

    def vector(self, count: int | None = None) -> str:
        count = self.dice.choice([0, 1, 2, 3, 10, 50]) if count is None else count
        small = self.dice.random() < 0.5
        numbers = [str(self.dice.randrange(100)) if small else self.number() for _ in range(count)]
        return "[" + ("," + self.space()).join(numbers) + self.space() + "]"

    def space(self) -> str:
        return self.dice.choice(["", "", "", " ", "\t", "\r", "  "])

    def valid(self) -> bytes:
        if self.dice.random() < 0.5:
            name, content = "sum", self.vector()
        else:
            count = self.dice.choice([0, 1, 3, 20])
            name, content = "add", f"[{self.vector(count)},{self.space()}{self.vector(count)}]"
        space = self.space
        parts = ["", "{", f'"{name}"', ":", content, "}", ""]
        return "".join(space() + part for part in parts).encode()

    def odd(self) -> bytes:
        """JSON, mostly, that is no request."""
        name, other = self.dice.choice(NAMES), self.dice.choice(NAMES)
        numbers = self.vector()[1:-1].split(",")
        numbers.insert(self.dice.randrange(len(numbers) + 1), self.dice.choice(NO_NUMBERS))
        bad = "[" + ",".join(numbers) + "]"
        good = self.vector()
        return self.dice.choice(
            [f"{{{name}:{good}}}", f"{{{name}:{bad}}}", f'{{"sum":{bad}}}', good, bad, "{}", "[]"]
            + [f"{{{name}:{good},{other}:{good}}}", f'{{"sum":[{good}]}}', self.number(), "", " "]
            + [f'{{"add":[{v}]}}' for v in (good, f"{good},{bad}", f"{good},{good},{good}")]
            + [f'{{"add":{good}}}', f'{{"add":[{good},{self.vector()}]}}', f"{{'sum':{good}}}"]
            + [f'{{"sum":{good}}}{{"sum":{good}}}', f'{{"sum":{good},}}', f'{{"sum" {good}}}']
        ).encode()

    def mutated(self) -> bytes:
        """A valid line with some bytes changed, left out, put in or doubled."""
        line = bytearray(self.valid())
        for _ in range(self.dice.randrange(1, 4)):
            at = self.dice.randrange(len(line) + 1)
            to = min(len(line), at + self.dice.choice([1, 1, 2, 8]))
            line[at:to] = self.dice.choice(
                [b"", bytes([self.dice.randrange(256)]), self.dice.choice(PIECES), line[at:to] * 2]
            )
        return bytes(line)

    def nested(self) -> bytes:
        depth = self.dice.choice([1, 2, 3, 30, 31, 32, 33, 34, 100, 1500])
        opening, closing = self.dice.choice([("[", "]"), ('{"sum":', "}"), ('{"sum":[', "]}")])
        inner = self.dice.choice(["1", "", "[1]", '{"sum":[1]}'])
        before, after = opening * depth, closing * self.dice.choice([depth, depth, 0, depth - 1])
        return (before + inner + after).encode()[:LIMIT]

    def noise(self) -> bytes:
        parts = [self.dice.choice(PIECES) for _ in range(self.dice.randrange(12))]
        return b"".join(parts) if self.dice.random() < 0.5 else self.dice.randbytes(len(parts) * 5)


class Fuzzer:
    def __init__(self, server: service.Service, seed: int):
        self.server = server
        self.dice = random.Random(seed)
        self.generator = Generator(self.dice)
        self.client = service.Client(server.address)
        self.lines = self.errors = self.ends = 0

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self.ask(self.dice.randrange(1, IN_ONE_GO))
                if self.dice.random() < 0.02:
                    self.end_a_connection()
        finally:
            self.client.socket.close()

    def ask(self, count: int) -> None:
        lines = [self.generator.line() for _ in range(count)]
        self.send(b"".join(line + b"\n" for line in lines))
        for line in lines:
            self.hold(line, self.client.line())

    def send(self, text: bytes) -> None:
        """In a few pieces that end anywhere."""
        cuts = sorted(self.dice.randrange(len(text)) for _ in range(self.dice.choice([0, 0, 1, 3])))
        for begin, end in zip([0, *cuts], [*cuts, len(text)]):
            self.client.socket.sendall(text[begin:end])

    def hold(self, line: bytes, answer: bytes) -> None:
        self.lines += 1
        self.errors += b'"error"' in answer
        wrong = oracle.fault(line, answer)
        if wrong:
            raise AssertionError(f"{wrong}: to {line!r}\nthe answer is {answer[:1000]!r}")

    def end_a_connection(self) -> None:
        """By a line that is too long, in its middle, or after it."""
        self.ends += 1
        way = self.dice.choice(["too long", "half", "half and reset", "end"])
        if way == "too long":
            self.client.send(b"[" * (LIMIT + 2))
            self.hold(b"[", self.client.line())
            self.expect_end(way)
        elif way == "half and reset":
            self.client.socket.sendall(self.generator.line()[:-1])
            self.client.reset()
        else:
            half = self.generator.line()[:-1] if way == "half" else b""
            self.client.socket.sendall(half)
            self.client.end()
            while answer := self.client.line():  # one, or none: half a line may be taken for none
                json.loads(answer)
        self.client.socket.close()
        self.client = service.Client(self.server.address)

    def expect_end(self, way: str) -> None:
        if (answer := self.client.line()) != b"":
            raise AssertionError(f"{way}: the connection lives and says {answer!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    service.room.enter(options.server.parent)
    with service.Service(options.server, "--line", str(LIMIT)) as server:
        fuzzer = Fuzzer(server, options.seed)
        try:
            fuzzer.run(options.seconds)
        finally:
            print(f"{fuzzer.lines} lines, {fuzzer.errors} of them errors", end="; ")
            print(f"{fuzzer.ends} connections ended badly", end="; ")
            print(", ".join(f"{kind} {n}" for kind, n in fuzzer.generator.kinds.items()))
        server.terminate()
        status, complaints = server.wait(), server.complaints()
        if status != 0 or complaints:
            raise AssertionError(f"the server ends with {status} and says {complaints}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
