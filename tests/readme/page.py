# SPDX-License-Identifier: MIT
"""Reads a Markdown page as GitHub does, as far as the checks of the READMEs need it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"(\s*)(`{3,}|~{3,})\s*([^`\s]*)[^`]*")
HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*")
DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
# Both may go over a line's end, never over a blank line.
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\[((?:(?!\n\s*\n)[^\[\]])*)\]\(((?:[^()\n]|\([^()\n]*\))*)\)")
PICTURE = re.compile("!" + LINK.pattern)
DEFINITION = re.compile(r"^ {0,3}\[([^\]]+)\]:\s+(.*)$", re.MULTILINE)
AUTOLINK = re.compile(r"<(https?:[^>]*)>")
TAG = re.compile(r"<(a|img|source)\s([^>]*)>")
ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*\"([^\"]*)\"")


@dataclass
class Block:
    """A fenced code block: the line of its fence (from 1), its language, its lines unindented."""

    line: int
    language: str
    indent: str
    lines: list[str] = field(default_factory=list)
    closed: bool = False


@dataclass
class Heading:
    line: int
    level: int
    text: str


@dataclass
class Table:
    """The cells of the header and of the rows below it, each row with its line."""

    line: int
    header: list[str]
    rows: list[tuple[int, list[str]]]


@dataclass
class Link:
    line: int
    text: str
    target: str
    is_picture: bool


class Page:
    """One Markdown file, taken apart."""

    def __init__(self, path: Path):
        self.path = path
        self.lines = path.read_bytes().decode("utf-8").split("\n")
        self.blocks: list[Block] = []
        self.prose = self._take_blocks()  # one for each line, those of code blocks empty
        self.headings = self._find_headings()
        self.tables = self._find_tables()
        self.links = self._find_links()
        self.anchors = self._find_anchors()

    def _take_blocks(self) -> list[str]:
        prose = []
        block, fence = None, ""
        for number, line in enumerate(self.lines, 1):
            match = FENCE.fullmatch(line)
            if block is None and match:
                block, fence = Block(number, match[3], match[1]), match[2]
                self.blocks.append(block)
            elif block is None:
                prose.append(line)
                continue
            elif match and match[2].startswith(fence) and not match[3]:
                block.closed = True
                block = None
            else:
                block.lines.append(line.removeprefix(block.indent))
            prose.append("")
        return prose

    def _find_headings(self) -> list[Heading]:
        matches = ((number, HEADING.fullmatch(line)) for number, line in enumerate(self.prose, 1))
        return [Heading(number, len(m[1]), plain(m[2])) for number, m in matches if m]

    def _find_tables(self) -> list[Table]:
        tables: list[Table] = []
        table = None
        for number, line in enumerate(self.prose[1:], 2):
            above = self.prose[number - 2]
            if "|" not in line:
                table = None
            elif table is not None:
                table.rows.append((number, cells(line)))
            elif "|" in above and DELIMITER.fullmatch(line):
                table = Table(number - 1, cells(above), [(number, cells(line))])
                tables.append(table)
        for table in tables:
            if len(table.rows[0][1]) == len(table.header):
                del table.rows[0]  # the delimiter; one of another length stays, to be found wrong
        return tables

    def _find_links(self) -> list[Link]:
        links = []

        def take(pattern: re.Pattern, text: str, is_picture: bool) -> str:
            for match in pattern.finditer(text):
                target = re.sub(r"\s+\"[^\"]*\"$", "", match[2].strip())
                line = text.count("\n", 0, match.start()) + 1
                links.append(Link(line, match[1], target, is_picture))
            return pattern.sub(masked, text)

        text = CODE_SPAN.sub(masked, "\n".join(self.prose))
        text = take(PICTURE, text, True)  # first, since a picture may be the text of a link
        text = take(LINK, text, False)
        text = take(DEFINITION, text, False)
        for match in AUTOLINK.finditer(text):
            links.append(Link(text.count("\n", 0, match.start()) + 1, "", match[1], False))
        for match in TAG.finditer(text):
            given = dict(ATTRIBUTE.findall(match[2]))
            line = text.count("\n", 0, match.start()) + 1
            for target in (given.get(name) for name in ("src", "srcset", "href")):
                if target is not None:
                    links.append(Link(line, given.get("alt", ""), target, match[1] == "img"))
        return sorted(links, key=lambda link: link.line)

    def _find_anchors(self) -> set[str]:
        """GitHub's: lower case, no punctuation, a hyphen for a space, -1 and so on for repeats."""
        anchors = set(re.findall(r"<\w+\s[^>]*\b(?:id|name)=\"([^\"]+)\"", "\n".join(self.prose)))
        for heading in self.headings:
            slug = re.sub(r"[^\w\- ]", "", heading.text.lower()).replace(" ", "-")
            name, repeats = slug, 0
            while name in anchors:
                repeats += 1
                name = f"{slug}-{repeats}"
            anchors.add(name)
        return anchors


def masked(match: re.Match) -> str:
    """As long and with as many lines as what it replaces, but nothing to find in it."""
    return re.sub(r"[^\n]", "x", match[0])


def plain(text: str) -> str:
    """What the reader sees of a line: a link's text, a code span's code."""
    return LINK.sub(r"\1", PICTURE.sub(r"\1", text)).replace("`", "").strip()


def cells(row: str) -> list[str]:
    """The cells of a table's row; a `\\|` is a bar inside a cell."""
    parts = re.split(r"(?<!\\)\|", row.strip())
    if parts[0] == "":
        parts = parts[1:]
    if parts and parts[-1] == "":
        parts = parts[:-1]
    return [part.strip().replace("\\|", "|") for part in parts]
