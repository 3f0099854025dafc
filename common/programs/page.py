# SPDX-License-Identifier: MIT
"""A Markdown page as the book and the checks of the READMEs need it: markdown-it reads it, as GitHub would."""

from __future__ import annotations

import html.parser
import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chapters import anchor_of

try:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
except ImportError:
    print(f"{sys.argv[0]}: {sys.executable} has no markdown-it: install python3-markdown-it, "
          "and take Debian's own /usr/bin/python3", file=sys.stderr)  # fmt: skip
    sys.exit(3)

MARKDOWN = MarkdownIt().enable("table")


@dataclass
class Block:
    """A fenced code block: the line of its fence (from 1), its language, its lines unindented,
    what stands before each of them in the page, and the HTML comments right above it."""

    line: int
    language: str
    lines: list[str]
    indent: str
    closed: bool
    comments: list[str]


@dataclass
class Heading:
    line: int
    level: int
    text: str
    anchor: str


@dataclass
class Table:
    """The cells of the header and of the rows below it, each row with its line; as written."""

    line: int
    header: list[str]
    rows: list[tuple[int, list[str]]]


@dataclass
class Link:
    line: int
    text: str
    target: str
    is_picture: bool


@dataclass
class Paragraph:
    """What it says, with and without its code; its links, and its code spans outside of links."""

    line: int
    text: str
    prose: str
    links: list[Link]
    codes: list[str]


@dataclass
class Item:
    """Of a numbered list: what it says in the open, and what it keeps folded away (`<details>`)."""

    line: int
    text: str
    folded: str


class Page:
    """One Markdown file, or a text that is none, taken apart."""

    def __init__(self, path: Path, text: str | None = None):
        self.path = path
        text = path.read_bytes().decode("utf-8") if text is None else text
        self.lines = text.split("\n")
        self.tokens = MARKDOWN.parse(text)

    def _opened_by(self, kind: str) -> Iterator[tuple[Token, Token]]:
        """The tokens of a kind, each with the one that follows it."""
        return (pair for pair in zip(self.tokens, self.tokens[1:]) if pair[0].type == kind)

    @cached_property
    def blocks(self) -> list[Block]:
        blocks = []
        comments: list[str] = []
        for token in self.tokens:
            if token.type == "fence":
                first, end = token.map
                last = self.lines[end - 1].strip(" >") if end - 1 > first else ""
                closed = last.startswith(token.markup) and not last.strip(token.markup[0])
                blocks.append(Block(
                    first + 1, token.info.partition(" ")[0], token.content.split("\n")[:-1],
                    self.lines[first].partition(token.markup)[0], closed, comments,
                ))  # fmt: skip
            is_comment = token.type == "html_block" and token.content.startswith("<!--")
            comments = [*comments, token.content] if is_comment else []
        return blocks

    @cached_property
    def headings(self) -> list[Heading]:
        """Anchors are GitHub's: lower case, no punctuation, a hyphen for a space, -1 for a repeat."""
        headings: list[Heading] = []
        for token, inline in self._opened_by("heading_open"):
            text = shown(inline.children)
            slug = anchor_of(text)
            taken = {heading.anchor for heading in headings}
            repeats = (f"{slug}-{number}" for number in itertools.count(1))
            anchor = next(name for name in itertools.chain([slug], repeats) if name not in taken)
            headings.append(Heading(token.map[0] + 1, int(token.tag[1]), text, anchor))
        return headings

    @cached_property
    def paragraphs(self) -> list[Paragraph]:
        paragraphs = []
        for token, inline in self._opened_by("paragraph_open"):
            prose = shown([part for part in inline.children if part.type != "code_inline"])
            codes = [part.content for part in outside_links(inline.children)
                     if part.type == "code_inline"]  # fmt: skip
            links = list(links_of(inline))
            text = shown(inline.children)
            paragraphs.append(Paragraph(token.map[0] + 1, text, prose, links, codes))
        return paragraphs

    def items(self, line: int) -> list[Item]:
        """The numbered list right below the paragraph of that line; none, if there is none."""
        first = next(i for i, token in enumerate(self.tokens)
                     if token.type == "paragraph_open" and token.map[0] + 1 == line) + 3  # fmt: skip
        if first >= len(self.tokens) or self.tokens[first].type != "ordered_list_open":
            return []
        items: list[Item] = []
        is_folded = False
        for token in self.tokens[first + 1 :]:
            if token.level == 0:
                break
            if token.type == "list_item_open" and token.level == 1:
                items.append(Item(token.map[0] + 1, "", ""))
                is_folded = False
            elif token.type == "html_block":
                is_folded = "<details" in token.content or is_folded and "</details" not in token.content
            elif token.type == "inline" and is_folded:
                items[-1].folded += in_one_line(shown(token.children)) + " "
            elif token.type == "inline":
                items[-1].text += in_one_line(shown(token.children)) + " "
        return items

    @cached_property
    def tables(self) -> list[Table]:
        tables: list[Table] = []
        for above, token in zip(self.tokens, self.tokens[1:]):
            if token.type != "tr_open":
                continue
            row = cells(self.lines[token.map[0]])
            if above.type == "thead_open":
                tables.append(Table(token.map[0] + 1, row, []))
            else:
                tables[-1].rows.append((token.map[0] + 1, row))
        return tables

    @cached_property
    def links(self) -> list[Link]:
        links = []
        for token in self.tokens:
            if token.type == "inline":
                links += links_of(token)
            elif token.type == "html_block":
                links += links_of_html(token.content, token.map[0] + 1)
        return links

    @cached_property
    def anchors(self) -> set[str]:
        every = (part for token in self.tokens for part in (token, *(token.children or [])))
        tags = " ".join(token.content for token in every if token.type.startswith("html_"))
        named = re.findall(r"<\w+\s[^>]*\b(?:id|name)=\"([^\"]+)\"", tags)
        return {*named, *(heading.anchor for heading in self.headings)}

    def section_at(self, line: int) -> range:
        """That of the heading at this line."""
        return self.section(next(heading for heading in self.headings if heading.line == line))

    def section(self, heading: Heading) -> range:
        """The lines from the heading to the next of its level or of one above."""
        later = self.headings[self.headings.index(heading) + 1 :]
        ends = (h.line for h in later if h.level <= heading.level)
        return range(heading.line, next(ends, len(self.lines) + 1))


def shown(tokens: list[Token]) -> str:
    """What the reader sees of them: a link's text, a code span's code, a picture's text."""
    breaks = {"softbreak": "\n", "hardbreak": "\n"}
    return "".join(breaks.get(token.type, token.content) for token in tokens).strip()


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def plain(markdown: str) -> str:
    """What the reader sees of one line."""
    return shown(MARKDOWN.parseInline(markdown)[0].children)


def outside_links(tokens: list[Token]) -> Iterator[Token]:
    inside = False
    for token in tokens:
        inside = token.type == "link_open" or inside and token.type != "link_close"
        if not inside:
            yield token


def links_of(inline: Token) -> Iterator[Link]:
    """The links and pictures of a paragraph, a heading or a cell."""
    line = inline.map[0] + 1
    for at, token in enumerate(inline.children):
        if token.type in ("softbreak", "hardbreak"):
            line += 1
        elif token.type == "image":
            yield Link(line, token.content, str(token.attrs["src"]), True)
        elif token.type == "link_open":
            end = next(i for i in range(at, len(inline.children))
                       if inline.children[i].type == "link_close")  # fmt: skip
            text = shown(inline.children[at + 1 : end])
            yield Link(line, text, str(token.attrs["href"]), False)
        elif token.type == "html_inline":
            yield from links_of_html(token.content, line)


def links_of_html(text: str, line: int) -> list[Link]:
    links: list[Link] = []

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            for target in (given.get(name) for name in ("src", "srcset", "href")):
                if target is not None:
                    at = line + self.getpos()[0] - 1
                    links.append(Link(at, given.get("alt") or "", target, tag == "img"))

    Tags().feed(text)
    return links


def cells(row: str) -> list[str]:
    """The cells of a table's row; a `\\|` is a bar inside a cell."""
    parts = re.split(r"(?<!\\)\|", row.strip())
    parts = parts[not parts[0] : len(parts) - (not parts[-1])]
    return [part.strip().replace("\\|", "|") for part in parts]
