# SPDX-License-Identifier: MIT
"""The exercises of the book: what each hands out, its hints and its solution.

All of it comes from the lists of mutants (lists.py says what stands in them): an
exercise is a mutant that has a `difficulty`, or an [[exercise]]. Nothing here needs a compiler.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import chapters
from chapters import Program
from lists import Mutant, change, list_of, read_list


@dataclass(frozen=True)
class Exercise:
    name: str
    program: Program
    mutant: Mutant  # what is handed out
    solution: Mutant | None  # none: the page itself
    ranks: tuple[int, ...]  # of an MPI program whose list names some
    optimise: bool  # compile as the build does

    @property
    def asks(self) -> str:
        if self.solution:
            return self.mutant.asks
        return f"Something is wrong in {self.program.page.name}: put it right, so that all claims hold."

    def solved(self) -> dict[Path, str]:
        """The files that the reader works at, as they are when it is solved."""
        if self.solution:
            return change(self.program.page, self.solution.edits)
        return {path: path.read_text() for path in change(self.program.page, self.mutant.edits)}

    def handed_out(self) -> dict[Path, str]:
        changed = change(self.program.page, self.mutant.edits)
        if self.solution:
            return {path: changed.get(path) or path.read_text() for path in self.solved()}
        return {path: without_answer(path.read_text(), text) for path, text in changed.items()}

    def difference(self, now: dict[Path, str], folder: Path) -> list[str]:
        """From these files, which are shown as if they stood in that folder, to what is right."""
        lines: list[str] = []
        for path, right in self.solved().items():
            names = str(folder / path.name), f"{path.name}, solved"
            lines += difflib.unified_diff(now[path].splitlines(), right.splitlines(), *names, lineterm="")
        return lines

    def hints(self) -> list[str]:
        """First where, then what."""
        if self.solution:
            return list(self.mutant.hints)
        return [self.where(), *self.mutant.hints, f"What was done to the page: {self.mutant.says}."]

    def where(self) -> str:
        places = []
        solved = self.solved()
        for path, text in self.handed_out().items():
            lines = text.splitlines()
            for _, new in changes(solved[path].splitlines(), lines):
                number = min(new.start, len(lines) - 1)
                function = function_at(lines, number)
                inside = f"in {function}, " if function else ""
                what = "at line" if new else "before line"
                places.append(f"{inside}{what} {number + 1} of {path.name} as it was handed out")
        return f"Look {', and '.join(dict.fromkeys(places))}."


# --- the page without its answer -------------------------------------------------------------------


def changes(old: list[str], new: list[str]) -> Iterator[tuple[range, range]]:
    """The old lines that are not the same as the new ones, and what has come in their place."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for what, i, i_end, j, j_end in matcher.get_opcodes():
        if what != "equal":
            yield range(i, i_end), range(j, j_end)


def split_comment(line: str) -> tuple[str, str]:
    """What stands before the comment that ends the line, and that comment; empty: it has none."""
    for found in re.finditer("//", line):
        code = line[: found.start()]
        if len(re.findall(r'(?<!\\)"', code)) % 2 == 0:  # not in a text
            return code.rstrip(), line[found.start() :]
    return line, ""


def without_answer(page: str, changed: str) -> str:
    """The changed page, without the comments on what is changed, and without the lines that the
    change has left empty. A function's own comment (///) stays: it says what it has to do."""
    old, new = page.splitlines(), changed.splitlines()
    replaced: dict[int, str | None] = {}
    for before, after in changes(old, new):
        told = {comment for i in before if (comment := split_comment(old[i])[1])}
        for j in after:
            code, comment = split_comment(new[j])
            line = code if comment in told else new[j]
            line = line.replace("{  }", "{}")
            replaced[j] = line if line.strip() else None
        above = after.start - 1
        while new[above].lstrip().startswith("// "):
            replaced[above] = None
            above -= 1
    lines = [replaced.get(j, line) for j, line in enumerate(new)]
    return "\n".join(line.rstrip() for line in lines if line is not None) + "\n"


DEFINITION = re.compile(
    r"(?:  )?(?!(?:if|for|while|switch|return|else|do|try|using|namespace)\b)(?=[A-Za-z~])"
    r"[^=;#{}\[.]*?(~?\b\w+)\([^\[]*"
)


def function_at(lines: list[str], number: int) -> str:
    """The name of the function around that line, as the book lays it out; empty if there is none."""
    for i in range(number, -1, -1):
        line = lines[i]
        if line.startswith("}"):
            return ""
        begins = DEFINITION.fullmatch(line)
        is_call = line.startswith("  ") and not line.endswith(("{", "}") if i == number else "{")
        if begins and not line.endswith(";") and not is_call:
            return begins[1]
    return ""


# --- all of them ------------------------------------------------------------------------------------


def load() -> dict[str, Exercise]:
    """By name: in the order of the book, of each program first its mutant."""
    exercises = [exercise for program in chapters.load_programs() for exercise in of(program)]
    return {exercise.name: exercise for exercise in exercises}


def of(program: Program) -> Iterator[Exercise]:
    path = list_of(program.target)
    if not path.is_file():
        return
    its_list = read_list(path)
    found = [(program.name, mutant, None) for mutant in its_list.mutants if mutant.difficulty]
    found += [(more.name, more.handed_out, more.solution) for more in its_list.exercises]
    for name, mutant, solution in found:
        yield Exercise(name, program, mutant, solution, its_list.ranks, its_list.optimise)
