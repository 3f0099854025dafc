# SPDX-License-Identifier: MIT
"""What socket_server may answer to a line, by Python's json and arithmetic."""

import itertools
import json
import math
import re
from dataclasses import dataclass

WHOLE = range(-(1 << 63), 1 << 63)
LARGE = 1e305  # whether a sum of such reals is finite may depend on the order of adding
CLOSE = 1e-9  # of the sum of absolute values: what another order of adding may change
DIGITS = 300  # more of them may be read as another number


class Unknown(float):
    """A number that may be read in more than one way, or refused."""


@dataclass(frozen=True)
class Sum:
    total: int | float | None  # None: there has to be an error
    off: float = 0  # how far the answer may be from it
    may_fail: bool = False  # an error will do


def fault(line: bytes, answer: bytes) -> str:
    """What is wrong with this answer to that line; "" if nothing is."""
    try:
        got = _read(answer)
    except ValueError:
        return "no JSON"
    if not isinstance(got, dict) or len(got) != 1:
        return "no object with one name"
    request = _request(line)
    sums = _add_up(request[1]) if request else []
    [(name, content)] = got.items()
    if name == "error":
        right = not request or any(x.total is None or x.may_fail for x in sums)
        if right and content and isinstance(content, str):
            return ""
        return "an error where there is none"
    if not request or any(x.total is None for x in sums):
        return "no error"
    values = content if name == "add" else [content]
    if name != request[0] or not _is_vector(values) or len(values) != len(sums):
        return "another kind of answer"
    wrong = [f"{v} for {x.total}" for v, x in zip(values, sums) if not _is_right(v, x)]
    return wrong[0] if wrong else ""


def _is_right(value: int | float, wanted: Sum) -> bool:
    if type(wanted.total) is int:
        return type(value) is int and value == wanted.total
    return wanted.off == math.inf or abs(value - wanted.total) <= wanted.off


def _read(line: bytes) -> object:
    """The value, or ValueError where it is none."""

    def whole(text: str) -> int | Unknown:
        value = int(text) if len(text) < DIGITS else float(text)
        return value if value in WHOLE else Unknown(value)

    def real(text: str) -> float:
        exponent = re.search(r"[eE]-(\d+)$", text)
        is_tiny = exponent is not None and int(exponent[1]) >= DIGITS
        return Unknown(text) if is_tiny or len(text) > DIGITS else float(text)

    def constant(name: str) -> None:
        raise ValueError(name)  # NaN and Infinity are no JSON

    def members(pairs: list[tuple]) -> dict:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name twice")  # which of them counts is for nobody to say
        return dict(pairs)

    readers = {"parse_int": whole, "parse_float": real, "parse_constant": constant}
    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=members, **readers)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _request(line: bytes) -> tuple[str, list[list]] | None:
    """What is to be added up, and by what name; None where there has to be an error."""
    try:
        value = _read(line)
    except ValueError:
        return None
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(name, content)] = value.items()
    if name == "sum" and _is_vector(content):
        return name, [content]
    if name == "add" and isinstance(content, list) and len(content) == 2:
        if all(map(_is_vector, content)) and len(content[0]) == len(content[1]):
            return name, [list(pair) for pair in zip(*content)]
    return None


def _is_vector(value: object) -> bool:
    return isinstance(value, list) and all(type(x) in (int, float, Unknown) for x in value)


def _add_up(columns: list[list]) -> list[Sum]:
    """One number that is not whole makes reals of all."""
    if not all(type(x) is int for column in columns for x in column):
        columns = [[float(x) if type(x) is int else x for x in column] for column in columns]
    return [_add(column) for column in columns]


def _add(numbers: list) -> Sum:
    if any(isinstance(x, Unknown) for x in numbers):
        return Sum(0.0, math.inf, may_fail=True)
    if not all(math.isfinite(x) for x in numbers):
        return Sum(None)
    if all(type(x) is int for x in numbers):
        total = sum(numbers)
        within = all(x in WHOLE for x in itertools.accumulate(numbers))
        return Sum(total if total in WHOLE else None, may_fail=not within)
    if max(map(abs, numbers)) > LARGE:
        return Sum(0.0, math.inf, may_fail=True)
    return Sum(math.fsum(numbers), CLOSE * math.fsum(map(abs, numbers)))
