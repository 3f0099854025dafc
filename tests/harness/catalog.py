# SPDX-License-Identifier: MIT
"""What a build knows of the book's programs: its catalog.json and its cache."""

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A program of the book."""

    name: str
    chapter: str
    summary: str
    executable: Path  # an absolute path
    mpi: bool
    ranks: tuple[int, ...]  # with which it is tested, if it speaks MPI
    twin: str  # another executable of its own, beside it; empty: none


def load(build: Path) -> list[Entry]:
    """In the book's order. Raises OSError or ValueError if the build has no good catalog."""
    programs = json.loads((build / "catalog.json").read_text(encoding="utf-8"))
    return [
        Entry(
            **{key: program[key] for key in ("name", "chapter", "summary", "mpi", "twin")},
            executable=(build / program["executable"]).resolve(),
            ranks=tuple(program["ranks"]),
        )
        for program in programs
    ]


def cached(build: Path, variable: str) -> str:
    """From CMakeCache.txt; empty if it is not there."""
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    match = re.search(rf"^{variable}:\w+=(.*)$", cache, re.MULTILINE)
    return match[1] if match else ""
