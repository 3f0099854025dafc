# SPDX-License-Identifier: MIT
"""Lines that are valid, nearly valid or nothing at all, for what reads lines of JSON from strangers."""

import collections
import random

LIMIT = 4096  # bytes of a line
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

    def vector(self) -> str:
        small = self.dice.random() < 0.5
        count = self.dice.choice([0, 1, 2, 3, 10, 50])
        numbers = [str(self.dice.randrange(100)) if small else self.number() for _ in range(count)]
        return "[" + ("," + self.space()).join(numbers) + self.space() + "]"

    def space(self) -> str:
        return self.dice.choice(["", "", "", " ", "\t", "\r", "  "])

    def valid(self) -> bytes:
        parts = ["", "{", '"sum"', ":", self.vector(), "}", ""]
        return "".join(self.space() + part for part in parts).encode()

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
            + [f"{{'sum':{good}}}", f'{{"sum":{good}}}{{"sum":{good}}}', f'{{"sum":{good},}}', f'{{"sum" {good}}}']
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
