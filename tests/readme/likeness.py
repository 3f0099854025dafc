# SPDX-License-Identifier: MIT
"""Whether two outputs are alike: one that stands in a README, and one that was printed just now.

Both are brought into a form in which nothing is left that varies from run to run, by itself:

  - a number with a unit of time, a rate or a percentage, whatever its unit; a size if it has
    decimals; in a table, which is a line with wide gaps, every number with decimals; a spread;
  - a port, an address in memory, a version, the number of a process or a thread;
  - a chart's bars, marks and ticks, its scale, the order of its rows, and whether its legend has
    `wait`. Its names count.

What varies in one block only, its author says in HTML comments right above the fence:

    <!-- lines in any order -->
    <!-- varies: `# of 12 starts`: chance decides how many run ahead -->

The first leaves out of account in which order lines of text stand that nothing separates, but never
claims. In the second, `#` stands for any number and `*` for any text; lines that such a pattern
covers whole count as one if they follow one another. `...` alone on a line stands for any lines.
All else has to be the same.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

NUMBER = r"-?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?"
DECIMAL = r"(?<![\w.])-?\d+\.\d+(?:e[+-]?\d+)?(?![\w.])"
CLAIM = re.compile(r"\[(?:ok|failed)\] |all claims hold")
HANGING = re.compile(r" {4,}\S")  # the rest of a claim that was too long for its line
IN_TABLE = re.compile(r"\S {2,}\S")

# Each with what stands for it; the blanks before it, which align it, do not count.
EVERYWHERE = [
    (re.compile(rf" *(?<![\w.]){NUMBER} ?(?:[nµum]?s|min|h)(?![\w/])"), " <time>"),
    (re.compile(rf" *(?<![\w.]){NUMBER} ?[kKMGT]?i?(?:B|bit|bytes|FLOP)/s(?!\w)"), " <rate>"),
    (re.compile(rf" *(?<![\w.]){NUMBER} ?%"), " <percentage>"),
    (re.compile(r" *(?<![\w.])\d+\.\d+ ?[kKMGT]i?B(?![\w/])"), " <size>"),
    (re.compile(r"\b(port|process|thread|pid) \d{3,}\b"), r"\1 <number>"),
    (re.compile(r"\b0x[0-9a-f]{4,}\b"), "<address>"),
    (re.compile(r"(?<![\w.])\d+\.\d+\.\d+(?![\w.])"), "<version>"),
    (re.compile(r"(a yardstick), \d+ (serial runs)"), r"\1, <number> \2"),
]
SPREAD = rf"{NUMBER}, from {NUMBER} to {NUMBER}|\({NUMBER} to {NUMBER}\)"
IN_NARRATION = [(re.compile(SPREAD), "<spread>")]
IN_TABLES = [(re.compile(rf" *{DECIMAL}"), " <decimal>")]

AXIS = re.compile(r"( {5,}|  own scale +)0(?: [nµum]?s)?(?: +\d+(?:\.\d+)?)*(?: [nµum]?s)?")
WAIT = re.compile(r"\W wait")


@dataclass
class Masks:
    """What varies in one block, by its author's word."""

    in_any_order: bool = False
    patterns: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)  # the patterns that were found somewhere


@dataclass
class Piece:
    """One thing to compare: mostly a line; what marks or names a chart may take several."""

    kind: str  # "text", "claim", "row", "names" or "..."
    text: str  # with what varies masked
    lines: list[str]  # as they are written
    covered: bool = False  # by a pattern of the block, as a whole

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.text


def masks_of(comments: list[str]) -> Masks:
    """Reads the comments above a block. Throws ValueError with what is wrong."""
    masks = Masks()
    for comment in comments:
        text = " ".join(comment.split()).removeprefix("<!--").removesuffix("-->").strip()
        varies = re.fullmatch(r"varies: (`[^`]+`(?:, `[^`]+`)*): \S.*", text)
        if text == "lines in any order":
            masks.in_any_order = True
        elif varies:
            masks.patterns += re.findall(r"`([^`]+)`", varies[1])
        else:
            raise ValueError(f"'{text}' is neither 'lines in any order' nor 'varies: `...`: why'")
    return masks


@functools.cache
def compiled(pattern: str) -> re.Pattern:
    forms = {"#": rf"(?<!\w)(?:{NUMBER}|#)(?!\w)", "*": ".*", " ": " +"}
    return re.compile("".join(forms.get(sign, re.escape(sign)) for sign in pattern))


def difference(expected: list[str], real: list[str], masks: Masks) -> list[str]:
    """Nothing if they are alike; else all lines: `- ` only expected, `+ ` only real, `  ` alike."""
    wanted, got = pieces_of(expected, masks), pieces_of(real, masks)
    if alike(wanted, got):
        return []
    lines: list[str] = []
    for left, right, equal in stretches(wanted, got):
        lines += [f"- {line}" for piece in left for line in piece.lines if not equal]
        lines += [f"{' ' if equal else '+'} {line}" for piece in right for line in piece.lines]
    return lines


def renewed(expected: list[str], real: list[str], masks: Masks) -> list[str]:
    """What stands in the README when it is brought up to date: the real lines, but for those that
    are left out on purpose."""
    lines: list[str] = []
    sides = (pieces_of(side, masks, as_they_stand=True) for side in (expected, real))
    for _, right, _ in stretches(*sides):
        lines += [line.rstrip() for piece in right for line in piece.lines]
    return lines


def alike(wanted: list[Piece], got: list[Piece]) -> bool:
    """Whether the stretches between the `...` follow one another in what was got."""
    keys = [piece.key for piece in got]
    parts: list[list[tuple[str, str]]] = [[]]
    for piece in wanted:
        if piece.kind == "...":
            parts.append([])
        else:
            parts[-1].append(piece.key)
    first, *middle = parts
    if not middle:
        return keys == first
    last, at = middle.pop(), len(first)
    if keys[:at] != first:
        return False
    for part in middle:
        places = range(at, len(keys) - len(part) + 1)
        place = next((place for place in places if keys[place : place + len(part)] == part), None)
        if place is None:
            return False
        at = place + len(part)
    return at <= len(keys) - len(last) and keys[len(keys) - len(last) :] == last


def stretches(
    wanted: list[Piece], got: list[Piece]
) -> Iterator[tuple[list[Piece], list[Piece], bool]]:
    """Both side by side: what is equal, what is not. A `...` is equal to what it stands for."""
    sides = [piece.key for piece in wanted], [piece.key for piece in got]
    for tag, i, j, k, l in difflib.SequenceMatcher(None, *sides, False).get_opcodes():
        left, right = wanted[i:j], got[k:l]
        if [piece.kind for piece in left] == ["..."]:
            right = left
        yield left, right, tag == "equal" or right is left


def pieces_of(lines: list[str], masks: Masks, as_they_stand: bool = False) -> list[Piece]:
    """The lines in their comparable form, those whose order does not count in one of their own."""
    pieces = charted([line.rstrip() for line in lines])
    for piece in pieces:
        mask(piece, masks)
    if not as_they_stand:
        pieces = ordered(pieces, ("row", "text") if masks.in_any_order else ("row",))
    merged: list[Piece] = []
    for piece in pieces:
        if piece.covered and merged and merged[-1].key == piece.key:
            merged[-1].lines += piece.lines
        else:
            merged.append(piece)
    return merged


def charted(lines: list[str]) -> list[Piece]:
    """Puts the lines of a claim together, and takes the charts apart. Their axis tells them: names
    stand left of its zero, bars above it, marks above those, and the legend below."""
    pieces: list[Piece] = []
    at = 0
    while at < len(lines):
        end = at + 1
        axis = AXIS.fullmatch(lines[at])
        if axis and (rows := rows_above(pieces, len(axis[1]))):
            for row in rows:
                row.kind, row.text = "row", row.text[: len(axis[1])].strip()
            while end < len(lines) and re.match(rf" {{{len(axis[1])}}}\S", lines[end]):
                end += 1
            names = [name for line in lines[at + 1 : end] for name in line.strip().split("  ")]
            pieces.append(Piece("names", "  ".join(names), lines[at:end]))
        elif pieces and pieces[-1].kind == "claim" and HANGING.match(lines[at]):
            pieces[-1].text += " " + lines[at].strip()
            pieces[-1].lines.append(lines[at])
        elif lines[at].strip() == "...":
            pieces.append(Piece("...", "", [lines[at]]))
        else:
            kind = "claim" if CLAIM.match(lines[at]) else "text"
            pieces.append(Piece(kind, lines[at], [lines[at]]))
        at = end
    return pieces


def rows_above(pieces: list[Piece], margin: int) -> list[Piece]:
    """The rows of the chart whose axis comes next: a name, bars. What stands above them, indented
    as the bars are, marks moments."""
    row = re.compile(rf"  \S.{{{margin - 5}}}  \W*|  \S.{{,{margin - 5}}}")
    first = len(pieces)
    while first > 0 and pieces[first - 1].kind == "text" and row.fullmatch(pieces[first - 1].text):
        first -= 1
    rows = pieces[first:]
    begin = first
    while rows and begin > 0 and re.match(rf" {{{margin}}} *\S", pieces[begin - 1].text):
        begin -= 1
    marks = [line for piece in pieces[begin:first] for line in piece.lines]
    if marks:
        words = re.sub(r"[^\w\s]+ ?|\b\d+\b", " ", " ".join(marks)).split()  # who, not which one
        pieces[begin:first] = [Piece("names", "  ".join(words), marks)]
    return rows


def mask(piece: Piece, masks: Masks) -> None:
    """Takes out of its text what varies."""
    if piece.kind == "names":
        names = {mask_text(name, piece.kind, masks)[0] for name in piece.text.split("  ")}
        piece.text = "  ".join(sorted(name for name in names if not WAIT.fullmatch(name)))
    elif piece.kind != "...":
        piece.text, piece.covered = mask_text(piece.text, piece.kind, masks)


def mask_text(text: str, kind: str, masks: Masks) -> tuple[str, bool]:
    """The text without what varies; whether a pattern of the block covers all of it."""
    plain = text
    for pattern in masks.patterns:
        if compiled(pattern).search(text):
            masks.used.add(pattern)
        if compiled(pattern).fullmatch(text.strip()):
            return pattern, True
        text = compiled(pattern).sub(lambda _: pattern, text)
    rules = list(EVERYWHERE) if kind in ("text", "claim") else []
    if kind == "text":
        rules += IN_NARRATION + (IN_TABLES if IN_TABLE.search(plain) else [])
    for rule, stand_in in rules:
        text = rule.sub(stand_in, text)
    return (text if text == plain else re.sub(r"(?<=\S) {2,}", " ", text)), False


def ordered(pieces: list[Piece], kinds: tuple[str, ...]) -> list[Piece]:
    """Those of one of the kinds sorted among those that stand together."""
    result: list[Piece] = []
    for (kind, _), group in itertools.groupby(pieces, lambda p: (p.kind, not p.text.strip())):
        result += sorted(group, key=lambda piece: piece.text) if kind in kinds else group
    return result
