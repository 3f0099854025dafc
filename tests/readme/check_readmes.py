#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the READMEs against the programs that they show.

    check_readmes.py --source DIR --build DIR [--preset release] [--update] README...

Checked are: every ```console block, by running it (console.py); tables and sections, against the
catalog and the sources; links, anchors and pictures; and the text itself. Each fault is one line
`README:line: what is wrong`, below it where it helps the difference. Status 0: no fault; 1: some;
2: wrong command line. --update writes what the commands print into the README instead, and leaves
lines that are right, `...` and `[..]` among them, as they are.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import console
from page import Page, Table, plain

CODE_COLUMNS = 120
HELP_LIMIT = 30  # seconds
LINES_SHOWN = 20  # of what a command has printed that did not end well
CHAPTER_TABLE = ["program", "concept", "run", "you see"]
SECTION_LABELS = ("What to look at.", "Try.", "Next.")

Faults = Iterator[tuple[int, str]]  # line in the README, what is wrong


@dataclass
class Book:
    """The repository, its build, and what the build knows of the programs."""

    source: Path
    build: Path
    preset: str = "release"
    programs: list[dict] = field(init=False)

    def __post_init__(self):
        self.source, self.build = self.source.resolve(), self.build.resolve()
        self.programs = json.loads((self.build / "catalog.json").read_text(encoding="utf-8"))

    def of_chapter(self, chapter: str) -> list[dict]:
        return [program for program in self.programs if program["chapter"] == chapter]


# Consoles


def check_consoles(page: Page, book: Book, edits: dict[int, tuple[int, list[str]]]) -> Faults:
    """Runs the blocks. What differs goes to `edits` too: line, number of lines, lines to be."""
    for block in (block for block in page.blocks if block.language == "console"):
        commands = console.commands_of(block)
        if not block.lines or not block.lines[0].startswith("$ "):
            yield block.line, "a console block begins with a command, `$ ...`"
            continue
        forbidden = [(c.line, m[1]) for c in commands if (m := console.NOT_HERE.search(c.text))]
        if forbidden:
            for line, word in forbidden:
                yield line, f"'{word}' cannot be a test: use a ```sh block"
            continue
        with console.workspace(book.source, book.build, book.preset) as folder:
            outcomes = console.run(commands, folder)
        followers = [command.text.strip() for command in commands[1:]] + [""]
        for command, outcome, follower in zip(commands, outcomes, followers):
            shown = f"$ {command.text}"
            if outcome.problem:
                lines = outcome.lines[-LINES_SHOWN:]
                yield command.line, "\n".join([shown, outcome.problem, *lines])
                continue
            difference = console.align(command.expected, outcome.lines)
            if any(kind != " " for kind, _ in difference):
                diff = "\n".join(f"{kind} {line}".rstrip() for kind, line in difference)
                yield command.line, f"{shown}\n--- expected\n+++ real\n{diff}"
                lines = [block.indent + line for kind, line in difference if kind != "-"]
                edits[command.output_line] = (len(command.expected), lines)
            if outcome.status != 0 and follower != "echo $?":
                fault = f"ends with status {outcome.status}, and no `$ echo $?` follows"
                yield command.line, f"{shown}\n{fault}"


def apply(page: Page, edits: dict[int, tuple[int, list[str]]]) -> None:
    """Rewrites the README, from its end to its beginning, so that the line numbers stay right."""
    lines = list(page.lines)
    for line, (count, real) in sorted(edits.items(), reverse=True):
        lines[line - 1 : line - 1 + count] = [text.rstrip() for text in real]
    page.path.write_bytes("\n".join(lines).encode("utf-8"))


# Text and links


def check_text(page: Page) -> Faults:
    for number, line in enumerate(page.lines, 1):
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
    for block in page.blocks:
        if not block.closed:
            yield block.line, "this code fence is never closed"
        for number in range(block.line + 1, block.line + 1 + len(block.lines)):
            if (columns := len(page.lines[number - 1])) > CODE_COLUMNS:
                yield number, f"{columns} columns in a code block, {CODE_COLUMNS} are allowed"
    for number, line in enumerate(page.prose, 1):
        if "```" in line or "~~~" in line:
            yield number, "a code fence stands alone on its line (in a quotation it is not checked)"
    for table in page.tables:
        for number, cells in table.rows:
            if len(cells) != len(table.header):
                yield number, f"{len(cells)} cells in a table of {len(table.header)} columns"


def check_links(page: Page, book: Book) -> Faults:
    for link in page.links:
        if link.is_picture and not link.text.strip():
            yield link.line, f"picture {link.target} has no text for those who cannot see it"
        if fault := fault_of_target(link.target, page, book):
            yield link.line, f"link to '{link.target}': {fault}"
        elif link.target.endswith(".svg") and ":" not in link.target:
            if fault := fault_of_svg(target_file(link.target, page)):
                yield link.line, f"{link.target}: {fault}"


def target_file(target: str, page: Page) -> Path:
    """The file of a relative link; of `#anchor` alone, the page itself."""
    path = urllib.parse.unquote(target.partition("#")[0])
    return (page.path.parent / path).resolve() if path else page.path


def fault_of_target(target: str, page: Page, book: Book) -> str | None:
    if not target or re.search(r"\s", target):
        return "not an address (blanks, or nothing)"
    if re.match(r"[A-Za-z][\w+.-]*:", target):
        return fault_of_address(target)
    file, anchor = target_file(target, page), urllib.parse.unquote(target.partition("#")[2])
    if target.startswith("/"):
        return "write it relative to this README"
    if not file.is_relative_to(book.source) or file.is_relative_to(book.source / "build"):
        return "leads out of the repository"
    if not file.exists():
        return "there is no such file"
    if anchor and file.suffix == ".md" and anchor not in Page(file).anchors:
        return f"there is no heading '#{anchor}'"
    if anchor and file.suffix != ".md" and not has_lines(file, anchor):
        return f"there is no '#{anchor}' (a line is #L12 or #L12-L20)"
    return None


def fault_of_address(target: str) -> str | None:
    """External addresses are not fetched, so that the tests need no network."""
    scheme, rest = target.split(":", 1)
    if scheme == "mailto":
        return None if re.fullmatch(r"[^@\s]+@[\w.-]+", rest) else "not a mail address"
    if scheme not in ("http", "https"):
        return f"'{scheme}:' is not http, https or mailto"
    return None if re.fullmatch(r"//[\w-]+(\.[\w-]+)*(:\d+)?([/?#].*)?", rest) else "not an address"


def has_lines(file: Path, anchor: str) -> bool:
    match = re.fullmatch(r"L([1-9]\d*)(?:-L([1-9]\d*))?", anchor)
    if match is None or not file.is_file():
        return False
    return int(match[2] or match[1]) <= len(file.read_text(encoding="utf-8").splitlines())


def fault_of_svg(file: Path) -> str | None:
    try:
        root = xml.etree.ElementTree.parse(file).getroot()
    except xml.etree.ElementTree.ParseError as error:
        return f"not well-formed XML: {error}"
    if root.tag != "{http://www.w3.org/2000/svg}svg":
        return "not an SVG picture (no <svg xmlns=...> at its root)"
    return None if "viewBox" in root.attrib else "the picture has no viewBox, it cannot be scaled"


# The catalog


def check_root(page: Page, book: Book) -> Faults:
    linked = {target_file(link.target, page) for link in page.links if ":" not in link.target}
    for chapter in sorted(book.source.glob("chapter*/")):
        if not linked & {chapter, chapter / "README.md"}:
            yield 1, f"no link to {chapter.name}/README.md"


def check_program_tables(tables: list[Table], book: Book) -> Faults:
    """In every README: what stands under `program` is one, or several with commas between."""
    known = {program["name"] for program in book.programs}
    for table in tables:
        if table.header[:1] == ["program"]:
            for line, cells in table.rows:
                for name in plain(cells[0]).split(","):
                    if name.strip() not in known:
                        yield line, f"'{name.strip()}' is no program of the catalog"


def check_chapter(page: Page, book: Book) -> Faults:
    programs = book.of_chapter(page.path.parent.name)
    yield from check_chapter_table(page, book, programs)
    yield from check_sections(page, book, programs)


def check_chapter_table(page: Page, book: Book, programs: list[dict]) -> Faults:
    tables = [table for table in page.tables if table.header == CHAPTER_TABLE]
    if len(tables) != 1:
        line = page.tables[0].line if page.tables else 1
        yield line, f"one table has to be headed | {' | '.join(CHAPTER_TABLE)} |"
        return
    table = tables[0]
    names = [plain(cells[0]) for _, cells in table.rows]
    yield from check_names(table.line, "the table", names, programs)
    by_name = {program["name"]: program for program in programs}
    for line, cells in table.rows:
        program = by_name.get(plain(cells[0]))
        if program is None or len(cells) != len(CHAPTER_TABLE):
            continue  # reported already
        first, concept, run, _ = cells
        name = program["name"]
        if not re.fullmatch(rf"\[(`?){name}\1\]\(({name}\.cpp|#{name}-[^)]*)\)", first):
            yield line, f"the first cell has to be [{name}]({name}.cpp) or [{name}](#{name}-...)"
        if concept != program["summary"]:
            yield line, (f"the concept of {name} is not the summary in its source\n"
                         f"- {concept}\n+ {program['summary']}")  # fmt: skip
        yield from ((line, fault) for fault in faults_of_run(run, program, book))


def check_names(line: int, where: str, names: list[str], programs: list[dict]) -> Faults:
    """Whether the names are those of the programs, in the catalog's order."""
    wanted = [program["name"] for program in programs]
    if missing := [name for name in wanted if name not in names]:
        yield line, f"{where} lacks {', '.join(missing)}"
    if unknown := [name for name in names if name not in wanted]:
        yield line, f"{where} has {', '.join(unknown)}, not in this chapter's CMakeLists.txt"
    if not missing and not unknown and names != wanted:
        yield line, (f"{where} is not in the order of CMakeLists.txt\n"
                     f"- {', '.join(names)}\n+ {', '.join(wanted)}")  # fmt: skip


def faults_of_run(cell: str, program: dict, book: Book) -> Iterator[str]:
    """The cell `run`: `barrier --threads 6`, or `mpirun -np 4 scatter`, with options that exist."""
    name = program["name"]
    start = rf"mpirun -np [1-9]\d* {name}" if program["mpi"] else name
    match = re.fullmatch(rf"`{start}( [^`]*)?`", cell)
    if match is None:
        form = f"`mpirun -np N {name} ...`" if program["mpi"] else f"`{name} ...`"
        yield f"the cell 'run' of {name} has to be {form}"
        return
    for option in re.findall(r"(?<!\S)--[\w-]+", match[1] or ""):
        text = help_of(book.build / program["executable"])
        if not re.search(rf"(?<![\w-]){option}(?![\w-])", text):
            yield f"{name} has no option {option}"


@functools.lru_cache(maxsize=None)
def help_of(executable: Path) -> str:
    """What --help prints; nothing, so that every option is unknown, if it cannot be run."""
    try:
        return subprocess.run(
            [executable, "--help"], env={**console.MPI_ENVIRONMENT, **os.environ}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=HELP_LIMIT, check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""


def check_sections(page: Page, book: Book, programs: list[dict]) -> Faults:
    """Each program has its section `## name: ...`, in order; what it holds, check_section says."""
    by_name = {program["name"]: program for program in programs}
    names = []
    for index, heading in enumerate(page.headings):
        name = heading.text.partition(": ")[0]
        if heading.level not in (2, 3) or ": " not in heading.text or name not in by_name:
            continue
        names.append(name)
        ends = (h.line for h in page.headings[index + 1 :] if h.level <= heading.level)
        lines = range(heading.line, next(ends, len(page.lines) + 1))
        yield from ((heading.line, f"{name}: {fault}")
                    for fault in faults_of_section(page, lines, by_name[name], book))  # fmt: skip
    yield from check_names(1, "the sequence of sections '## name: ...'", names, programs)


def faults_of_section(page: Page, lines: range, program: dict, book: Book) -> Iterator[str]:
    name = program["name"]
    consoles = [b for b in page.blocks if b.line in lines and b.language == "console"]
    commands = [command.text for block in consoles for command in console.commands_of(block)]
    if not any(re.search(rf"(/|\bpdc run ){name}(?![\w./-])", text) for text in commands):
        yield "no console block of its section runs it"
    pictures = [link.target for link in page.links if link.is_picture and link.line in lines]
    if f"pictures/{name}.svg" not in pictures:
        yield f"its section does not show ![...](pictures/{name}.svg)"
    prose = page.prose[lines.start - 1 : lines.stop - 1]
    for label in SECTION_LABELS:
        if not any(line.startswith(f"**{label}**") for line in prose):
            yield f"no paragraph of its section begins with **{label}**"

    source = next((book.source / program["chapter"]).rglob(f"{name}.cpp"))
    file = source.relative_to(book.source)
    header = re.match(r"(//.*\n)*", source.read_text(encoding="utf-8"))[0]
    for label in ("Run", "You see"):
        if not has_label(header, label):
            yield f"the header of {file} has no '{label}'"
    if has_label(header, "Python") and not re.search(r"\bPython\b", "\n".join(prose)):
        yield "its source names what Python calls it, its section does not mention Python"


def has_label(header: str, label: str) -> bool:
    return re.search(rf"^// {label} +\S", header, re.MULTILINE) is not None


# All of it


def check(readme: Path, book: Book, update: bool = False) -> list[str]:
    """All faults of one README, as lines to print, in the order of its lines."""
    readme = readme.resolve()
    shown = readme.relative_to(book.source) if readme.is_relative_to(book.source) else readme
    if not readme.is_file():
        return [f"{shown}: there is no such file"]
    try:
        page = Page(readme)
    except UnicodeDecodeError as error:
        return [f"{shown}: not UTF-8: {error}"]

    edits: dict[int, tuple[int, list[str]]] = {}
    faults = list(check_consoles(page, book, edits))
    if update and edits:
        apply(page, edits)
        print(f"{shown}: rewrote the output of {len(edits)} commands")
        page = Page(readme)
        faults = list(check_consoles(page, book, {}))
    faults += check_text(page)
    faults += check_links(page, book)
    is_chapter = readme in book.source.glob("chapter*/README.md")
    faults += check_chapter(page, book) if is_chapter else []
    faults += check_root(page, book) if readme == book.source / "README.md" else []
    faults += check_program_tables(page.tables[is_chapter:], book)
    if not faults:
        consoles = [block for block in page.blocks if block.language == "console"]
        count = sum(len(console.commands_of(block)) for block in consoles)
        print(f"{shown}: no faults, {count} commands run")
    faults.sort(key=lambda fault: fault[0])
    return [f"{shown}:{line}: {fault}" for line, fault in faults]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", type=Path, required=True, help="the repository")
    parser.add_argument("--build", type=Path, required=True, help="its build, with catalog.json")
    parser.add_argument("--preset", default="release", help="build/PRESET in the commands")
    parser.add_argument("--update", action="store_true", help="write the real output to the README")
    parser.add_argument("readmes", metavar="README", type=Path, nargs="+")
    given = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by exception, which cleans up
    try:
        book = Book(given.source, given.build, given.preset)
    except (OSError, ValueError) as error:
        parser.error(f"cannot read the catalog: {error}")
    faults = [fault for readme in given.readmes for fault in check(readme, book, given.update)]
    for fault in faults:
        print(fault, end="\n\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
