# SPDX-License-Identifier: MIT
"""The book as it stands in the repository: chapters, programs, their sections and their sources.

Nothing of it needs a build: the programs and their order are read from the chapters' CMakeLists.txt,
what each shows from the header comment of its page, and its section from the chapter's README.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("Concept", "Shows", "Python", "Run", "You see", "Next")

sys.path.append(str(ROOT / "tests" / "readme"))


class Problem(Exception):
    """What one line tells the user; `status` is what the command then ends with."""

    def __init__(self, text: str, status: int = 1):
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Program:
    name: str
    chapter: str
    sources: tuple[Path, ...]  # the page first, then the other files of its own
    summary: str
    head: dict[str, str]  # what the header comment says, by its labels
    code_begins: int  # the line of the page's file that comes after the header comment
    is_mpi: bool

    @property
    def page(self) -> Path:
        return self.sources[0]

    @property
    def docname(self) -> str:
        return f"{self.chapter}/{self.name}"


@dataclass
class Chapter:
    name: str  # chapter2_threads
    programs: list[Program] = field(default_factory=list)

    @property
    def readme(self) -> Path:
        return ROOT / self.name / "README.md"

    @property
    def docname(self) -> str:
        return f"{self.name}/index"


def load() -> list[Chapter]:
    """In the book's order. Raises Problem if a page has no header comment."""
    return [load_chapter(lists.parent) for lists in sorted(ROOT.glob("chapter*/CMakeLists.txt"))]


def load_chapter(folder: Path) -> Chapter:
    chapter = Chapter(folder.name)
    for call in re.finditer(r"^pdc_program\((\w+)([^)]*)\)", (folder / "CMakeLists.txt").read_text(), re.M):
        name, words = call[1], call[2].split()
        place = folder / words[words.index("FOLDER") + 1] if "FOLDER" in words else folder
        chapter.programs.append(load_program(name, folder.name, place / f"{name}.cpp", "RANKS" in words))
    return chapter


def load_program(name: str, chapter: str, page: Path, is_mpi: bool) -> Program:
    if not page.is_file():
        raise Problem(f"{page.relative_to(ROOT)} is missing, which {chapter}/CMakeLists.txt names")
    lines = page.read_text(encoding="utf-8").splitlines()
    comment = [line[2:] for line in lines[: next(i for i, line in enumerate(lines) if not line.startswith("//"))]]
    if not comment or ":" not in comment[0]:
        raise Problem(f"{page.relative_to(ROOT)} has no header comment")
    head: dict[str, str] = {}
    label = ""
    for line in comment[1:]:
        words = line.strip()
        label = next((each for each in LABELS if words.startswith(f"{each} ")), label)
        if label and words:
            head[label] = f"{head.get(label, '')} {words.removeprefix(label).strip()}".strip()
    summary = comment[0].partition(":")[2].strip().rstrip(".")
    sources = (page, *own_files(page, is_folder_its_own=page.parent.name != chapter))
    begins = next(i for i, line in enumerate(lines, 1) if i > len(comment) and line and "SPDX" not in line)
    return Program(name, chapter, sources, summary, head, begins, is_mpi)


def own_files(page: Path, is_folder_its_own: bool) -> list[Path]:
    """What the page includes from beside it, and what that includes, with the bodies of those headers."""
    found: list[Path] = []
    to_read = [page]
    while to_read:
        for header in re.findall(r'^#include "(\w+)\.hpp"', to_read.pop().read_text(encoding="utf-8"), re.M):
            for path in (page.with_name(f"{header}.hpp"), page.with_name(f"{header}.cpp")):
                if path.is_file() and path not in (page, *found):
                    found.append(path)
                    to_read.append(path)
    twin = page.with_name(f"{page.stem}_twin.cpp")
    return [*([twin] if is_folder_its_own and twin.is_file() else []), *found]


def find(name: str, chapters: list[Chapter]) -> Program:
    """The program of that name, or of chapter/name. Raises Problem with status 2 that suggests others."""
    programs = {program.name: program for chapter in chapters for program in chapter.programs}
    wanted = name.lower().rpartition("/")
    if wanted[2] in programs and wanted[0] in ("", programs[wanted[2]].chapter):
        return programs[wanted[2]]
    near = difflib.get_close_matches(name.lower(), programs, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "./pdc list shows them all"
    raise Problem(f"no program {name!r}; {hint}", 2)
