# SPDX-License-Identifier: MIT
"""The terms of the book: what the READMEs set in italics, with the sentence that says what it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

# Italics that stress a word, and name no term.
STRESSED = frozenset({
    "across", "addresses", "another program", "answer", "before", "broken", "busy", "bytes", "calls", "closed",
    "connections", "content", "copy", "different", "error", "every", "exact", "fail", "first", "from now",
    "from the last expiry", "gone", "has changed", "hot part", "in turn", "inside", "is", "knows", "last", "limit",
    "lock that was wanted while another was held", "look", "loom", "numbers", "on request", "one", "owns", "page",
    "parallel", "patience", "peer", "pieces", "place", "posts", "reflect", "repeat", "requests", "returns", "secret",
    "serial", "shared", "silence", "silent", "status", "steals", "steps", "stopped", "submits", "success",
    "the same", "time", "together", "varying", "waits", "what", "when", "whichever child ends next", "who", "write",
})  # fmt: skip


@dataclass
class Term:
    word: str
    readme: str  # where the sentence stands, so that its links can be followed
    sentence: str  # Markdown, of the first place
    places: list[tuple[str, str]] = field(default_factory=list)  # where it is shown: docname, its name


def terms_of(paragraphs: Iterable[tuple[str, str, str, str]]) -> list[Term]:
    """Of paragraphs as (README, docname, its name, Markdown), in the book's order; sorted by the word."""
    terms: dict[str, Term] = {}
    for readme, docname, name, text in paragraphs:
        for word, sentence in italics(text):
            if is_term(word.lower()):
                term = terms.setdefault(word.lower(), Term(word[:1].upper() + word[1:], readme, sentence))
                if (docname, name) not in term.places:
                    term.places.append((docname, name))
    return sorted(terms.values(), key=lambda term: term.word.lower())


def is_term(word: str) -> bool:
    """No formula, no question, no stressed word."""
    return re.fullmatch(r"[a-z][\w' -]+", word) is not None and word not in STRESSED


def italics(text: str) -> Iterator[tuple[str, str]]:
    """What stands between two stars, each with its sentence."""
    for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z*`\[])", " ".join(text.split())):
        without_code = re.sub(r"`[^`]*`", lambda code: "`" * len(code[0]), sentence)
        for match in re.finditer(r"(?<![\w*])\*([^*`]+)\*(?![\w*])", without_code):
            yield match[1], sentence
