# SPDX-License-Identifier: MIT
"""The book as it stands in the repository: chapters, programs, their sections and their sources.

Nothing of it needs a build or a package: the programs and their order are read from the chapters' CMakeLists.txt,
what each shows from the header comment of its page, and where its section is from the chapter's README.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"  # where the launcher builds, if it has
LABEL = re.compile(r"// (Concept|Shows|Python|Run|You see|Next) +(.*)")


class Problem(Exception):
    """What one line tells the user; `status` is what the command then ends with."""

    def __init__(self, text: str, status: int = 1):
        super().__init__(text)
        self.status = status


def unknown(kind: str, name: str, known: Iterable[str], otherwise: str) -> Problem:
    """That it is not known; what may have been meant, or else that hint."""
    near = difflib.get_close_matches(name.lower(), known)
    hint = f"did you mean {' or '.join(near)}?" if near else otherwise
    return Problem(f"no {kind} {name!r}; {hint}", 2)


def call(command: Callable[[list[str]], int], words: list[str]) -> int:
    """The exit status of a command, whatever ends it."""
    try:
        status = command(words)
        sys.stdout.flush()
        return status
    except Problem as problem:
        print(f"pdc: {problem}", file=sys.stderr)
        return problem.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to be flushed
        return 141
    except OSError as error:
        print(f"pdc: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


@dataclass(frozen=True)
class Program:
    name: str
    chapter: str
    sources: tuple[Path, ...]  # the page first, then the other files of its own
    summary: str
    head: dict[str, str]  # what the header comment says, by its labels
    code_begins: int  # the line of the page's file that comes after the header comment
    section: int  # the line of its heading in the chapter's README; 0 if there is none
    anchor: str  # of that heading

    @property
    def page(self) -> Path:
        return self.sources[0]

    @property
    def docname(self) -> str:
        return f"{self.chapter}/{self.name}"

    @property
    def target(self) -> str:
        return f"{self.chapter}.{self.name}"

    @property
    def link(self) -> str:
        """In Markdown, from the top of the book."""
        return f"[{self.name}]({self.chapter}/README.md#{self.anchor})"


@dataclass(frozen=True)
class Chapter:
    name: str  # chapter2_threads
    programs: list[Program]

    @property
    def readme(self) -> Path:
        return ROOT / self.name / "README.md"

    @property
    def docname(self) -> str:
        return f"{self.name}/index"


def load() -> list[Chapter]:
    """In the book's order. Raises Problem if a page has no header comment."""
    return [load_chapter(lists.parent) for lists in sorted(ROOT.glob("chapter*/CMakeLists.txt"))]


def load_programs() -> list[Program]:
    return [program for chapter in load() for program in chapter.programs]


def load_chapter(folder: Path) -> Chapter:
    programs = []
    readme = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    headings = {line.partition(":")[0]: number for number, line in enumerate(readme, 1) if line.startswith("## ")}
    for name, rest in re.findall(r"^pdc_program\((\w+)([^)]*)\)", (folder / "CMakeLists.txt").read_text(), re.M):
        words = rest.split()
        place = folder / words[words.index("FOLDER") + 1] if "FOLDER" in words else folder
        line = headings.get(f"## {name}", 0)
        anchor = anchor_of(readme[line - 1].removeprefix("## ")) if line else ""
        programs.append(load_program(name, folder.name, place / f"{name}.cpp", line, anchor))
    return Chapter(folder.name, programs)


def anchor_of(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def load_program(name: str, chapter: str, page: Path, section: int, anchor: str) -> Program:
    if not page.is_file():
        raise Problem(f"{page.relative_to(ROOT)} is missing, which {chapter}/CMakeLists.txt names")
    text = page.read_text(encoding="utf-8")
    comment = comment_of(text)
    if not comment or ":" not in comment[0]:
        raise Problem(f"{page.relative_to(ROOT)} has no header comment")
    summary = comment[0].partition(":")[2].strip().rstrip(".")
    lines = enumerate(text.splitlines(), 1)
    begins = next(i for i, line in lines if i > len(comment) and line and "SPDX" not in line)
    return Program(name, chapter, (page, *own_files(page)), summary, labels_of(text), begins, section, anchor)


def comment_of(source: str) -> list[str]:
    """The lines of a page's header comment."""
    return re.match(r"(//.*\n)*", source)[0].splitlines()


def labels_of(source: str) -> dict[str, str]:
    """What the header comment of a page says, by its labels; a text may go over several lines."""
    labels: dict[str, str] = {}
    label = ""
    for line in comment_of(source):
        if begins := LABEL.match(line):
            label, line = begins[1], begins[2]
        if label:
            labels[label] = f"{labels.get(label, '')} {line.removeprefix('//').strip()}".strip()
    return labels


def own_files(page: Path) -> list[Path]:
    """What the page includes from beside it, and what that includes, with the bodies of those headers, unless these are
    pages themselves; and its twin."""
    found: list[Path] = []
    to_read = [page]
    while to_read:
        for header in re.findall(r'^#include "(\w+)\.hpp"', to_read.pop().read_text(encoding="utf-8"), re.M):
            for path in (page.with_name(f"{header}.hpp"), page.with_name(f"{header}.cpp")):
                if not path.is_file() or path in (page, *found):
                    continue
                if path.suffix == ".hpp" or not labels_of(path.read_text(encoding="utf-8")):
                    found.append(path)
                    to_read.append(path)
    twin = page.with_name(f"{page.stem}_twin.cpp")
    return [*([twin] if twin.is_file() else []), *found]


def find(name: str) -> Program:
    """The program of that name, or of chapter/name. Raises Problem with status 2 that suggests others."""
    programs = {program.name: program for program in load_programs()}
    chapter, _, wanted = name.lower().rpartition("/")
    if wanted in programs and chapter in ("", programs[wanted].chapter):
        return programs[wanted]
    raise unknown("program", name, programs, "./pdc list shows them all")
