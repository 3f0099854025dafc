#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Exercises: pages whose protection is taken out, to be put right, and some that ask for more.

    ./pdc exercise          the exercises, what is solved, and the next one to do
    ./pdc exercise lock     hands one out: a file to work at
    ./pdc check lock        builds it, runs it, and shows its claims; --watch: whenever it is saved
    ./pdc hint lock         a hint, and with each call the next
    ./pdc solution lock     the difference to what is right

What is handed out, and what is solved, is kept in .exercises/ at the top of the book: it is the
reader's own work, so git ignores it, and it stays when somebody removes build/.
Status 0 if all is well; 1 not solved; 2 the command line is wrong; 3 the machine refused.
"""

import argparse
import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "programs"))

import changed
import chapters
import collection
import judgement
from chapters import ROOT, Problem
from collection import Exercise

LOOK_AGAIN = 0.3  # seconds between two looks at whether a file was saved
GREEN, RED, BOLD, DIM = "32", "31", "1", "2"


def paint(text: str, colour: str) -> str:
    shows = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\033[{colour}m{text}\033[0m" if shows else text


def stars(exercise: Exercise) -> str:
    return "*" * exercise.mutant.difficulty


# --- the reader's work ------------------------------------------------------------------------------


class Desk:
    """Where the reader works: a folder for each exercise, with its files and what is known of it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def of(self, exercise: Exercise) -> Path:
        return self.folder / exercise.name

    def shown(self, exercise: Exercise) -> Path:
        folder = self.of(exercise)
        return folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder

    def is_begun(self, exercise: Exercise) -> bool:
        return self.of(exercise).is_dir()

    def is_solved(self, exercise: Exercise) -> bool:
        return (self.of(exercise) / ".solved").exists()

    def note_solved(self, exercise: Exercise) -> None:
        (self.of(exercise) / ".solved").touch()

    def next_hint(self, exercise: Exercise, hints: int) -> int:
        """Counted from 0; the last one again and again."""
        given = [n for n in range(hints) if (self.of(exercise) / f".hint{n + 1}").exists()]
        return min(len(given), hints - 1)

    def note_hint(self, exercise: Exercise, number: int) -> None:
        if self.is_begun(exercise):
            (self.of(exercise) / f".hint{number + 1}").touch()

    def hand_out(self, exercise: Exercise) -> None:
        """All of it or nothing, wherever this is killed; what is there already stays as it is."""
        if self.is_begun(exercise):
            return
        self.folder.mkdir(exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{exercise.name}.", dir=self.folder))
        try:
            for path, text in exercise.handed_out().items():
                (made / path.name).write_text(text)
            made.chmod(0o755)
            made.rename(self.of(exercise))
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def files(self, exercise: Exercise) -> dict[Path, Path]:
        """The reader's files, by those of the page."""
        return {path: self.of(exercise) / path.name for path in exercise.handed_out()}

    def read(self, exercise: Exercise) -> dict[Path, str]:
        found = {}
        for path, file in self.files(exercise).items():
            if not file.is_file():
                shown = self.shown(exercise) / path.name
                begin = "" if not self.is_begun(exercise) else f"rm -r {self.shown(exercise)} and "
                raise Problem(f"there is no {shown}: {begin}./pdc exercise {exercise.name} hands it out", 2)
            found[path] = file.read_text(errors="replace") or "\n"
        return found


# --- the commands -----------------------------------------------------------------------------------


def next_one(exercises: Iterable[Exercise], desk: Desk) -> Exercise | None:
    return next((each for each in exercises if not desk.is_solved(each)), None)


def show_all(exercises: dict[str, Exercise], desk: Desk) -> int:
    width = max(map(len, exercises))
    chapter = ""
    for each in exercises.values():
        if each.program.chapter != chapter:
            print(("\n" if chapter else "") + paint(each.program.chapter, BOLD))
            chapter = each.program.chapter
        state = "begun" if desk.is_begun(each) else ""
        state = "solved" if desk.is_solved(each) else state
        state = paint(f"{state:6}", GREEN if state == "solved" else DIM)
        print(f"  {each.name:{width}}  {stars(each):3}  {state}  {first_sentence(each)}")
    solved = sum(map(desk.is_solved, exercises.values()))
    print(f"\n{solved} of {len(exercises)} solved; * is easy, *** is hard")
    if following := next_one(exercises.values(), desk):
        print(f"next: ./pdc exercise {following.name}")
    return 0


def first_sentence(exercise: Exercise) -> str:
    if exercise.solution:
        return re.split(r"[.:;] ", in_one_line(exercise.asks), maxsplit=1)[0].rstrip(".")
    return exercise.mutant.claim


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def hand_out(exercise: Exercise, desk: Desk) -> int:
    was_there = desk.is_begun(exercise)
    desk.hand_out(exercise)
    name, folder = exercise.name, desk.shown(exercise)
    files = ", ".join(str(folder / path.name) for path in exercise.handed_out())
    print(f"{paint(name, BOLD)}  {stars(exercise)}  {exercise.program.chapter}")
    print(f"  work at   {files}")
    if was_there:
        print(f"            (as you left it; to begin anew: rm -r {folder})")
    print(f"  to do     {in_one_line(exercise.asks)}")
    print(f"  the claim {exercise.mutant.claim}")
    print(f"  read      {exercise.program.chapter}/README.md:{exercise.program.section}, with its picture")
    for command, what in (
        (f"check {name} --watch", "builds and runs it whenever you save"),
        (f"hint {name}", f"one of {len(exercise.hints())}, and with each call the next"),
        (f"solution {name}", "the difference to what is right"),
    ):
        print(f"  {'./pdc ' + command:{20 + len(name)}}  {what}")
    return 0


def show_hint(exercise: Exercise, desk: Desk) -> int:
    hints = exercise.hints()
    number = desk.next_hint(exercise, len(hints))
    print(f"hint {number + 1} of {len(hints)}: {in_one_line(hints[number])}")
    desk.note_hint(exercise, number)
    if number + 1 == len(hints):
        print(f"That was the last one. ./pdc solution {exercise.name} shows the rest.")
    elif not desk.is_begun(exercise):
        print(f"The next one comes when it has been handed out: ./pdc exercise {exercise.name}")
    return 0


def show_solution(exercise: Exercise, desk: Desk) -> int:
    """The difference from what the reader has, or else from what is handed out."""
    now = desk.read(exercise) if desk.is_begun(exercise) else exercise.handed_out()
    lines = exercise.difference(now, desk.shown(exercise))
    for line in lines:
        colour = {"+": GREEN, "-": RED}.get(line[0])
        print(paint(line, colour) if colour else line)
    if not lines:
        print("no difference: it is the solution")
    return 0


# --- checking ---------------------------------------------------------------------------------------


async def check(exercise: Exercise, desk: Desk, build: Path) -> int:
    files = desk.read(exercise)
    seen = await judgement.judge(exercise, files, build, desk.shown(exercise))
    for claim in seen.claims:
        mark = paint("[ok]", GREEN) if claim["holds"] else paint("[failed]", RED)
        evidence = f" ({claim['evidence']})" if claim["evidence"] else ""
        print(f"{mark} {claim['claim']}{evidence}")
    if seen.status == judgement.SOLVED:
        desk.note_solved(exercise)
        print(paint(f"{exercise.name} is solved: all claims hold, on one core and on all", GREEN))
    else:
        print(f"{paint('not yet', RED)}: {seen.why}")
        print(f"./pdc hint {exercise.name} says more")
    sys.stdout.flush()
    return seen.status


async def check_whenever_saved(exercise: Exercise, desk: Desk, build: Path) -> int:
    """Until it is solved."""

    def saved() -> list[tuple[int, int] | None]:
        return [stamp(file) for file in desk.files(exercise).values()]

    while True:
        before = saved()
        if None not in before:  # else an editor is about to put the file back
            if await check(exercise, desk, build) == judgement.SOLVED:
                return judgement.SOLVED
            print(paint("waiting for you to save it; Ctrl-C ends this", DIM), flush=True)
        while saved() == before:
            await asyncio.sleep(LOOK_AGAIN)
        print()


def stamp(file: Path) -> tuple[int, int] | None:
    try:
        seen = file.stat()
    except FileNotFoundError:
        return None
    return seen.st_mtime_ns, seen.st_ino


def run_check(given: argparse.Namespace, exercise: Exercise, exercises: dict, desk: Desk) -> int:
    desk.read(exercise)  # so that what is not there is told at once
    changed.adopt_orphans()
    os.environ["PDC_ONE_ROUND"] = "1"  # nobody looks at the times
    way = check_whenever_saved if given.watch else check
    try:
        status = asyncio.run(changed.until_signal(way(exercise, desk, given.build)))
    except asyncio.CancelledError:
        return 130
    finally:
        changed.end_orphans()
    following = next_one(exercises.values(), desk)
    if status == judgement.SOLVED and following:
        print(f"next: ./pdc exercise {following.name}")
    return status


# --- the command line -------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise Problem(message, 2)


def parse(words: list[str]) -> argparse.Namespace:
    parser = Parser(prog="./pdc", add_help=False)
    parser.add_argument("command", choices=["exercise", "check", "hint", "solution"])
    parser.add_argument("name", nargs="?")
    parser.add_argument("--watch", action="store_true")
    parser.add_argument("--program", action="store_true")  # only says which one is to be built
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--folder", type=Path, default=ROOT / ".exercises")
    given = parser.parse_args(words)
    if given.watch and given.command != "check":
        raise Problem(f"--watch belongs to check, not to {given.command}", 2)
    if not given.name and given.command != "exercise":
        raise Problem(f"{given.command} wants the name of an exercise: ./pdc exercise shows them all", 2)
    return given


def start(words: list[str]) -> int:
    """Returns the exit status."""
    given = parse(words)
    desk = Desk(given.folder.resolve())
    exercises = collection.load()
    if not given.name:
        return show_all(exercises, desk)
    if given.name not in exercises:
        raise chapters.unknown("exercise", given.name, exercises, "./pdc exercise shows them all")
    exercise = exercises[given.name]
    if given.program:
        desk.read(exercise)
        print(exercise.program.name)
        return 0
    if given.command == "check":
        return run_check(given, exercise, exercises, desk)
    commands = {"exercise": hand_out, "hint": show_hint, "solution": show_solution}
    return commands[given.command](exercise, desk)


if __name__ == "__main__":
    sys.exit(chapters.call(start, sys.argv[1:]))
