# SPDX-License-Identifier: MIT
"""What a section asks its readers to try, and what it offers to lift.

"Try" is a numbered list. Each exercise keeps its answer folded away (`<details>`), and stands as
data in tests/mutants/<chapter>/<name>.toml, where the driver of the mutants makes the change and
looks for what the answer promises. Here both are held against each other: the words of `asks` stand
in one exercise, and the claim that fails, or what `sees` says is printed, in its answer.

"To lift" ends with one ```cpp block: the page's own lines, without those that only show what
happens. It compiles as it stands, without `common`. A line that is not the page's says in a comment
why.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "common" / "programs"))

import chapters
from lists import Mutant, read_list
from page import Block, Item, Page, Paragraph, in_one_line

COMPILERS = 2  # at once
LINES_SHOWN = 12  # of what the compiler says

Faults = Iterator[tuple[int, str]]  # line in the README, what is wrong


def check(page: Page, source: Path, build: Path, sections: dict[str, range]) -> Faults:
    """Of the sections of these programs, by their targets."""
    blocks: dict[str, Block] = {}
    for target, lines in sections.items():
        paragraphs = [p for p in page.paragraphs if p.line in lines]
        faults = [*faults_of_try(page, paragraphs, entries_of(source, target))]
        lifted = lift_block(page, paragraphs, lines)
        if isinstance(lifted, Block):
            faults += faults_of_lines(lifted, code_of(source, target))
            blocks[target] = lifted
        else:
            faults.append((lines.start, lifted))
        name = target.partition(".")[2]
        yield from ((line, f"{name}: {fault}") for line, fault in faults)
    yield from faults_of_compiling(build, blocks)


def paragraph_of(paragraphs: list[Paragraph], label: str) -> Paragraph | None:
    return next((p for p in paragraphs if p.text.startswith(label)), None)


# Try


def entries_of(source: Path, target: str) -> list[Mutant]:
    """The exercises as data."""
    path = source / "tests" / "mutants" / f"{target.replace('.', '/', 1)}.toml"
    return read_list(path).asked if path.is_file() else []


def faults_of_try(page: Page, paragraphs: list[Paragraph], entries: list[Mutant]) -> Faults:
    paragraph = paragraph_of(paragraphs, "Try.")
    if paragraph is None:
        return  # reported already
    items = page.items(paragraph.line)
    if not items:
        yield paragraph.line, "after **Try.** comes no numbered list of exercises"
    for item in items:
        if not item.folded:
            yield item.line, "this exercise has no answer folded away (<details>)"
        if not any(in_one_line(entry.asks) in item.text for entry in entries):
            yield item.line, "this exercise is not tried: no `asks` in its list of mutants has its words"
    for entry in entries:
        yield from faults_of_entry(items, entry, paragraph.line)


def faults_of_entry(items: list[Item], entry: Mutant, line: int) -> Faults:
    asked = [item for item in items if in_one_line(entry.asks) in item.text]
    if len(asked) != 1:
        yield line, f"{len(asked)} exercises, not one, have the words: {entry.asks}"
        return
    for text in answers_to(entry):
        if in_one_line(text) not in asked[0].folded:
            yield asked[0].line, f"the answer to '{entry.asks}' does not say what is seen: {text}"


def answers_to(entry: Mutant) -> tuple[str, ...]:
    return entry.sees or (entry.claim or "data race",)


# To lift


def code_of(source: Path, target: str) -> str:
    """The page, with the other files of its own."""
    chapter, name = target.split(".", 1)
    page = next((source / chapter).rglob(f"{name}.cpp"))
    return "\n".join(file.read_text(encoding="utf-8") for file in (page, *chapters.own_files(page)))


def lift_block(page: Page, paragraphs: list[Paragraph], lines: range) -> Block | str:
    """The block, or why there is none."""
    paragraph = paragraph_of(paragraphs, "To lift.")
    if paragraph is None:
        return "no paragraph of its section begins with **To lift.**"
    blocks = [b for b in page.blocks if b.language == "cpp" and b.line in lines]
    return blocks[0] if len(blocks) == 1 else f"its section has {len(blocks)} cpp blocks, not one"


def faults_of_lines(block: Block, code: str) -> Faults:
    known = squeezed(code)
    for number, line in enumerate(block.lines, block.line + 1):
        text, _, comment = line.partition("//")
        is_bare = not re.search(r"\w", text) or text.startswith("#include")
        if not is_bare and not comment.strip() and squeezed(text) not in known:
            yield number, f"no line of the page, and no comment says why: {line.strip()}"


def squeezed(code: str) -> str:
    return re.sub(r"\s+", "", code)


def faults_of_compiling(build: Path, blocks: dict[str, Block]) -> Faults:
    """Each as a source file of its own."""
    if not blocks:
        return
    commands = compile_commands(build)
    with tempfile.TemporaryDirectory(prefix="pdc.") as name, ThreadPoolExecutor(COMPILERS) as pool:
        ended = {
            target: pool.submit(compile_block, block, commands[target], Path(name, f"{target}.cpp"))
            for target, block in blocks.items()
        }
        for target, future in ended.items():
            if said := future.result():
                shown = "\n".join(said.splitlines()[:LINES_SHOWN])
                yield blocks[target].line, f"{target}: what it offers to lift does not compile:\n{shown}"


def compile_block(block: Block, command: list[str], file: Path) -> str:
    """What the compiler says against it."""
    file.write_text("\n".join(block.lines) + "\n", encoding="utf-8")
    words = [*command, "-fsyntax-only", "-Werror", "-Wno-unused-function", str(file)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    return ended.stderr if ended.returncode else ""


def compile_commands(build: Path) -> dict[str, list[str]]:
    """How the build compiles each page, but without common and precompiled headers."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        words = shlex.split(entry["command"])
        at = words.index("-o")
        if match := re.match(r"chapter\w+/CMakeFiles/([\w.]+)\.dir/", words[at + 1]):
            commands[match[1]] = without_common(words[:at])
    return commands


def without_common(words: list[str]) -> list[str]:
    kept: list[str] = []
    for word in words:
        if kept[-1:] == ["-include"]:
            kept.pop()
        elif not word.endswith("/common/include"):
            kept.append(word)
    return [word for word in kept if word != "-Winvalid-pch"]
