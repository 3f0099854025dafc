#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds the READMEs against the programs that they show.

    check_readmes.py [--build build/release] [--only NAME]... [--update [--force]] [README...]

Checked are: every ```console block, by running it (console.py) and comparing what it prints with
what is written there (likeness.py says what may differ); tables and sections, against the catalog
and the sources; what a section asks its readers to try, and offers to lift (lessons.py); links,
anchors and pictures; and the text itself. Each fault is one line
`README:line: what is wrong`, below it where it helps the difference. Status 0: no fault; 1: some;
2: wrong command line; 3: something is missing here.

--update writes what the commands print into the READMEs, figures and bars included. It refuses if
others had the processors meanwhile, since a picture of a busy machine tells something else.
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
import lessons
import likeness
from chapters import labels_of
from console import room
from page import Block, Link, Page, Table, plain

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))
from bench import BUSY, others_share, read_clocks

CODE_COLUMNS = 120
BLOCK_LINES = 60  # of a console block: it has to fit on a slide
PROBLEMS = Path("common", "topics", "problems.md")  # which program shows it, of all programs
HELP_LIMIT = 30  # seconds
LINES_SHOWN = 20  # of what a command has printed that did not end well
CHAPTER_TABLE = ["program", "concept", "run", "you see"]
SECTION_LABELS = ("What to look at.", "Try.", "Next.")

Faults = Iterator[tuple[int, str]]  # line in the README, what is wrong
Edits = dict[int, tuple[int, list[str]]]  # line in the README: number of lines, lines to be


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

    @functools.cached_property
    def names(self) -> set[str]:
        return {program["name"] for program in self.programs}

    @functools.cached_property
    def sections(self) -> dict[str, tuple[Path, str]]:
        """Where each program that has a section is explained: the README, the anchor."""
        sections: dict[str, tuple[Path, str]] = {}
        for readme in self.source.glob("chapter*/README.md"):
            for heading in Page(readme).headings:
                if (name := program_of(heading.text, self.names)) is not None:
                    sections.setdefault(name, (readme, heading.anchor))
        return sections


def program_of(heading: str, names: set[str]) -> str | None:
    """A section of a program is headed `name: words`."""
    name, colon, _ = heading.partition(": ")
    return name if colon and name in names else None


# Consoles


def check_consoles(page: Page, book: Book, only: set[str], edits: Edits | None = None) -> Faults:
    """Runs the blocks, or those in the sections of some programs. What each command prints goes to
    `edits` too; if nobody wants it, programs measure but once, since times are masked anyway."""
    measuring = {"PDC_ONE_ROUND": "1"} if edits is None else {}
    for block in consoles_of(page, book, only):
        commands = console.commands_of(block)
        faults = list(faults_before_running(block, commands))
        yield from faults
        if faults:
            continue
        masks = likeness.masks_of(block.comments)
        with console.workspace(book.source, book.build, book.preset) as folder:
            outcomes = console.run(commands, folder, **measuring)
        followers = [command.text.strip() for command in commands[1:]] + [""]
        for command, outcome, follower in zip(commands, outcomes, followers):
            shown = f"$ {command.text}"
            if outcome.problem:
                lines = outcome.lines[-LINES_SHOWN:]
                yield command.line, "\n".join([shown, outcome.problem, *lines])
                continue
            if lines := likeness.difference(command.expected, outcome.lines, masks):
                yield command.line, "\n".join([shown, "--- expected", "+++ real", *lines])
            if edits is not None:
                lines = likeness.renewed(command.expected, outcome.lines, masks)
                lines = [block.indent + line for line in lines]
                edits[command.output_line] = len(command.expected), lines
            if outcome.status != 0 and follower != "echo $?":
                fault = f"ends with status {outcome.status}, and no `$ echo $?` follows"
                yield command.line, f"{shown}\n{fault}"
        for pattern in sorted(set(masks.patterns) - masks.used):
            yield block.line, f"nothing here is like `{pattern}`, which is said to vary"


def consoles_of(page: Page, book: Book, only: set[str]) -> list[Block]:
    """The console blocks, or those in the sections of some programs."""
    blocks = [block for block in page.blocks if block.language == "console"]
    if not only:
        return blocks
    headings = [h for h in page.headings if program_of(h.text, book.names) in only]
    return [b for b in blocks if any(b.line in page.section(heading) for heading in headings)]


def faults_before_running(block: Block, commands: list[console.Command]) -> Faults:
    if not block.lines or not block.lines[0].startswith("$ "):
        yield block.line, "a console block begins with a command, `$ ...`"
    for command in commands:
        if match := console.NOT_HERE.search(command.text):
            yield command.line, f"'{match[1]}' cannot be a test: use a ```sh block"
    try:
        likeness.masks_of(block.comments)
    except ValueError as error:
        yield block.line, str(error)


def apply(page: Page, edits: Edits) -> int:
    """Rewrites the README, from its end to its beginning, so that the line numbers stay right.
    Gives the number of commands whose output is another than before."""
    lines = list(page.lines)
    changed = 0
    for line, (count, real) in sorted(edits.items(), reverse=True):
        place = slice(line - 1, line - 1 + count)
        real = [text.rstrip() for text in real]
        changed += lines[place] != real
        lines[place] = real
    if changed:
        page.path.write_bytes("\n".join(lines).encode("utf-8"))
    return changed


# Text and links


def check_text(page: Page) -> Faults:
    for number, line in enumerate(page.lines, 1):
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "[..]" in line:
            yield number, "'[..]' is no output: write what was printed, what varies is masked"
    for block in page.blocks:
        if not block.closed:
            yield block.line, "this code fence is never closed"
        if block.indent.strip():
            yield block.line, "a code fence stands alone on its line"
        for number in range(block.line + 1, block.line + 1 + len(block.lines)):
            if (columns := len(page.lines[number - 1])) > CODE_COLUMNS:
                yield number, f"{columns} columns in a code block, {CODE_COLUMNS} are allowed"
        if block.language == "console" and len(block.lines) > BLOCK_LINES:
            yield block.line, (f"{len(block.lines)} lines in a console block, {BLOCK_LINES} are "
                               "allowed: give the program smaller options")  # fmt: skip
    yield from check_first_consoles(page)
    for paragraph in page.paragraphs:
        if paragraph.prose.startswith("|"):
            yield paragraph.line, "a table whose second line does not fit its first"
        if re.search(r"\]\([^)]*\s[^)]*\)", paragraph.prose):
            yield paragraph.line, "a link whose address has blanks"
    for table in page.tables:
        for number, cells in table.rows:
            if len(cells) != len(table.header):
                yield number, f"{len(cells)} cells in a table of {len(table.header)} columns"


def check_first_consoles(page: Page) -> Faults:
    """What a reader sees first of a section is the whole output."""
    starts = [heading.line for heading in page.headings] + [len(page.lines) + 1]
    for start, end in zip([1, *starts], starts):
        blocks = (b for b in page.blocks if b.language == "console" and start <= b.line < end)
        if (first := next(blocks, None)) and any(l.strip() == "..." for l in first.lines):
            yield first.line, "'...' in the first console block of its section: show all of it"


def check_links(page: Page, book: Book) -> Faults:
    for link in page.links:
        if link.is_picture and not link.text.strip():
            yield link.line, f"picture {link.target} has no text for those who cannot see it"
        if fault := fault_of_target(link.target, page, book):
            yield link.line, f"link to '{link.target}': {fault}"
        elif fault := fault_of_name(link, page, book):
            yield link.line, f"link to '{link.target}': {fault}"
        elif link.target.endswith(".svg") and ":" not in link.target:
            if fault := fault_of_svg(target_file(link.target, page)):
                yield link.line, f"{link.target}: {fault}"


def fault_of_name(link: Link, page: Page, book: Book) -> str | None:
    """A program's name leads to its source, or to its very section."""
    file, anchor = target_file(link.target, page), link.target.partition("#")[2]
    is_readme = file.suffix == ".md" or file.is_dir()
    if ":" in link.target or not is_readme or (wanted := book.sections.get(link.text)) is None:
        return None
    return None if (file, anchor) == wanted else f"the section of {link.text} is #{wanted[1]}"


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
    if anchor and file.suffix == ".md" and anchor not in anchors_of(file, file.stat().st_mtime_ns):
        return f"there is no heading '#{anchor}'"
    if anchor and file.suffix != ".md" and not has_lines(file, anchor):
        return f"there is no '#{anchor}' (a line is #L12 or #L12-L20)"
    return None


@functools.lru_cache(maxsize=None)
def anchors_of(file: Path, changed: int) -> set[str]:
    """Read once, as long as the file was not changed since."""
    return Page(file).anchors


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


def check_problems(page: Page, book: Book) -> Faults:
    rows = (cells for table in page.tables if table.header[:1] == ["program"]
            for _, cells in table.rows)  # fmt: skip
    named = {name.strip() for cells in rows for name in plain(cells[0]).split(",")}
    if missing := [p["name"] for p in book.programs if p["name"] not in named]:
        yield 1, f"no table headed 'program' has {', '.join(missing)}"


def check_program_tables(tables: list[Table], book: Book) -> Faults:
    """In every README: what stands under `program` is one, or several with commas between."""
    for table in tables:
        if table.header[:1] == ["program"]:
            for line, cells in table.rows:
                for name in plain(cells[0]).split(","):
                    if name.strip() not in book.names:
                        yield line, f"'{name.strip()}' is no program of the catalog"


def check_chapter(page: Page, book: Book, only: set[str]) -> Faults:
    programs = book.of_chapter(page.path.parent.name)
    yield from check_chapter_table(page, book, programs)
    yield from check_groups(page, programs)
    yield from check_sections(page, book, programs)
    read = [program for program in programs if not only or program["name"] in only]
    yield from lessons.check(page, book.source, book.build, sections_of(page, read))


def sections_of(page: Page, programs: list[dict]) -> dict[str, range]:
    """The lines of each program's section, by the program's target."""
    targets = {program["name"]: f"{program['chapter']}.{program['name']}" for program in programs}
    named = ((program_of(heading.text, targets.keys()), heading) for heading in page.headings)
    return {targets[name]: page.section(heading) for name, heading in named if name}


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


def check_groups(page: Page, programs: list[dict]) -> Faults:
    """The tables headed `I want`, where a chapter has some: each program stands in one, once."""
    tables = [table for table in page.tables if table.header[:1] == ["I want"]]
    wanted = {program["name"] for program in programs}
    seen: set[str] = set()
    for line, cells in (row for table in tables for row in table.rows):
        for name in plain(cells[1]).split(", ") if len(cells) > 1 else ():
            if name not in wanted:
                yield line, f"'{name}' is no program of this chapter"
            elif name in seen:
                yield line, f"{name} stands in a table headed 'I want' already"
            seen.add(name)
    if tables and (missing := sorted(wanted - seen)):
        yield tables[0].line, f"no table headed 'I want' has {', '.join(missing)}"


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
    """Each program has its section `## name: ...`, in order; what it holds is checked one by one."""
    by_name = {program["name"]: program for program in programs}
    names = []
    for heading in page.headings:
        name = program_of(heading.text, by_name.keys())
        if name is None or heading.level not in (2, 3):
            continue
        names.append(name)
        yield from ((line, f"{name}: {fault}") for line, fault in
                    check_section(page, page.section(heading), by_name[name], book))  # fmt: skip
    yield from check_names(1, "the sequence of sections '## name: ...'", names, programs)


def check_section(page: Page, lines: range, program: dict, book: Book) -> Faults:
    name = program["name"]
    consoles = [b for b in page.blocks if b.line in lines and b.language == "console"]
    commands = [command.text for block in consoles for command in console.commands_of(block)]
    if not any(re.search(rf"(/|\bpdc run ){name}(?![\w./-])", text) for text in commands):
        yield lines.start, "no console block of its section runs it"
    pictures = [link.target for link in page.links if link.is_picture and link.line in lines]
    if f"pictures/{name}.svg" not in pictures:
        yield lines.start, f"its section does not show ![...](pictures/{name}.svg)"

    chapter = book.source / program["chapter"]
    source = next(chapter.rglob(f"{name}.cpp"))
    paragraphs = [paragraph for paragraph in page.paragraphs if paragraph.line in lines]
    link = f"[{name}.cpp]({source.relative_to(chapter)})"
    if not "\n".join(page.lines[lines.start : lines.stop]).startswith(f"\n{link}"):
        yield lines.start, f"below its heading, its source does not stand: {link}"
    for label in SECTION_LABELS:
        if not any(paragraph.text.startswith(label) for paragraph in paragraphs):
            yield lines.start, f"no paragraph of its section begins with **{label}**"
    for paragraph in paragraphs:
        if paragraph.text.startswith("Next."):
            yield from ((paragraph.line, fault) for fault in faults_of_next(paragraph, book.names))

    file = source.relative_to(book.source)
    labels = labels_of(source.read_text(encoding="utf-8"))
    for label in ("Run", "You see", "Next"):
        if not labels.get(label):
            yield lines.start, f"the header of {file} has no '{label}'"
    for word in dict.fromkeys(words_after_next(labels.get("Next", ""))):
        if word not in book.names:
            yield lines.start, f"the header of {file} has '{word}' after Next, which is no program"
    if labels.get("Python") and not any("Python" in paragraph.text for paragraph in paragraphs):
        yield lines.start, ("its source names what Python calls it, its section does not mention "
                            "Python")  # fmt: skip


def faults_of_next(paragraph: Paragraph, names: set[str]) -> Iterator[str]:
    """Where to read on: each clause begins with a program, and every program is a link."""
    linked = [link.text for link in paragraph.links]
    codes = [code for code in paragraph.codes if re.fullmatch(r"\w+", code)]
    words = words_after_next(paragraph.text.removeprefix("Next."))
    for name in dict.fromkeys([*words, *codes, *linked]):
        if name not in names:
            yield f"'{name}' after Next is no program of the catalog"
        elif name not in linked:
            yield f"'{name}' after Next is no link to its section"


def words_after_next(text: str) -> list[str]:
    """What has to be a program: the first word of each clause, and whatever has an underscore."""
    firsts = [clause.split()[0] for clause in text.split(";") if clause.strip()]
    return firsts + re.findall(r"(?<![\w:])[a-z]\w*_\w+", text)


# All of it


def check(
    readme: Path, book: Book, only: set[str] = frozenset(), update: bool = False, force: bool = False
) -> list[str]:
    """All faults of one README, as lines to print, in the order of its lines. `only` are the
    programs whose consoles are run and whose lessons are tried, all if there are none; `force`
    updates on a busy machine too."""
    readme = readme.resolve()
    shown = readme.relative_to(book.source) if readme.is_relative_to(book.source) else readme
    if not readme.is_file():
        return [f"{shown}: there is no such file"]
    try:
        page = Page(readme)
    except UnicodeDecodeError as error:
        return [f"{shown}: not UTF-8: {error}"]

    edits: Edits | None = {} if update else None
    ticks, cpu = read_clocks()
    faults = list(check_consoles(page, book, only, edits))
    ticks_after, cpu_after = read_clocks()
    busy = others_share(ticks, ticks_after, cpu_after - cpu)
    if update and busy > BUSY and not force:
        faults.append((1, f"not updated: others had {busy:.0%} of the processors meanwhile "
                          "(--force writes what was printed all the same)"))  # fmt: skip
    elif update:
        print(f"{shown}: rewrote the output of {apply(page, edits)} commands")
        page = Page(readme)
        faults = [fault for fault in faults if "\n+++ real\n" not in fault[1]]
    faults += check_text(page)
    faults += check_links(page, book)
    is_chapter = readme in book.source.glob("chapter*/README.md")
    faults += check_chapter(page, book, only) if is_chapter else []
    faults += check_root(page, book) if readme == book.source / "README.md" else []
    faults += check_problems(page, book) if readme == book.source / PROBLEMS else []
    faults += check_program_tables(page.tables[is_chapter:], book)
    if not faults:
        blocks = consoles_of(page, book, only)
        count = sum(len(console.commands_of(block)) for block in blocks)
        print(f"{shown}: no faults, {count} commands run")
    faults.sort(key=lambda fault: fault[0])
    return [f"{shown}:{line}: {fault}" for line, fault in faults]


def main() -> int:
    source = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", type=Path, default=source, help="the repository")
    parser.add_argument("--build", type=Path, default=source / "build" / "release",
                        help="its build, with catalog.json")  # fmt: skip
    parser.add_argument("--preset", default="release", help="build/PRESET in the commands")
    parser.add_argument("--only", metavar="NAME", action="append", default=[],
                        help="run the consoles and try the lessons of this program only")  # fmt: skip
    parser.add_argument("--update", action="store_true", help="write the real output to the README")
    parser.add_argument("--force", action="store_true", help="also on a busy machine")
    parser.add_argument("readmes", metavar="README", type=Path, nargs="*", help="all, if none")
    given = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by exception, which cleans up
    room.enter(given.source, given.build)
    try:
        book = Book(given.source, given.build, given.preset)
    except (OSError, ValueError) as error:
        parser.error(f"cannot read the catalog: {error}")
    if unknown := set(given.only) - book.names:
        parser.error(f"no program of the catalog: {', '.join(sorted(unknown))}")
    every = [book.source / "README.md", book.source / PROBLEMS, *sorted(book.source.glob("chapter*/README.md"))]
    failed = False
    for readme in given.readmes or every:
        for fault in check(readme, book, set(given.only), given.update, given.force):
            print(fault, end="\n\n")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
