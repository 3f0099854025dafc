# SPDX-License-Identifier: MIT
"""A program of the book under test: how it is run, and what is expected of any run of it."""

import json
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness import catalog
from harness.processes import Run, Running

VERDICT = "all claims hold"
HOLDS, FAILED, WRONG_COMMAND_LINE, REFUSED, DEADLINE = 0, 1, 2, 3, 4
COMMON_OPTIONS = {"quiet", "json", "svg", "scene", "trace", "deadline", "help", "version"}
PATIENT = ("--deadline", "150")  # where it is not what is tested: a busy machine is slow
FURTHER_RANKS = {1, 3, 5, 7}  # besides those of the catalog, with which CTest runs it anyway


@dataclass(frozen=True)
class Number:
    """An option that takes a number; the bounds as the program writes them."""

    name: str
    whole: bool
    lowest: str
    highest: str

    @property
    def allowed(self) -> str:
        return f"from {self.lowest} to {self.highest}"


@dataclass
class Program:
    name: str
    executable: Path
    source: Path
    ranks: tuple[int, ...] = ()  # of an MPI program
    mpirun: str = "mpirun"
    sanitized: bool = False
    options: list[str] = field(default_factory=list)  # as --help has them
    own_numbers: list[Number] = field(default_factory=list)

    @classmethod
    def of_build(cls, build: Path, entry: catalog.Entry) -> "Program":
        home = Path(catalog.cached(build, "CMAKE_HOME_DIRECTORY"))
        program = cls(
            entry.name,
            entry.executable,
            next((home / entry.chapter).rglob(f"{entry.name}.cpp")),
            entry.ranks,
            catalog.cached(build, "MPIEXEC_EXECUTABLE") or "mpirun",
            "-fsanitize" in catalog.cached(build, "CMAKE_CXX_FLAGS"),
        )
        program.read_help()
        return program

    def read_help(self) -> None:
        for line in self.alone("--help").lines:
            if match := re.fullmatch(r"  --(\w[\w-]*)(?: [A-Z]+)? +(\S.*)", line):
                name, meaning = match.groups()
                self.options.append(name)
                bounds = re.search(r", a (whole )?number from (\S+) to (\S+) \(default ", meaning)
                if bounds and name not in COMMON_OPTIONS:
                    self.own_numbers.append(Number(name, bounds[1] is not None, *bounds.group(2, 3)))

    @property
    def mpi(self) -> bool:
        return bool(self.ranks)

    @property
    def usual_ranks(self) -> int:
        return max((n for n in self.ranks if n <= 3), default=min(self.ranks))

    @property
    def further_ranks(self) -> list[int]:
        return sorted(FURTHER_RANKS - set(self.ranks)) if self.mpi else []

    def start(self, *arguments: str, ranks: int | None = None, **surroundings) -> Running:
        """Under mpirun, if it is an MPI program."""
        command = [str(self.executable), *arguments]
        if self.mpi:
            command = [self.mpirun, "-np", str(ranks or self.usual_ranks), *command]
        return Running(command, **surroundings)

    def run(self, *arguments: str, **how) -> Run:
        return self.start(*PATIENT, *arguments, **how).finish()

    def alone(self, *arguments: str, **surroundings) -> Run:
        """As a single process, an MPI program too: enough for the command line, and quicker."""
        return Running([str(self.executable), *arguments], **surroundings).finish()

    @cached_property
    def plain(self) -> Run:
        """Without arguments, and without what a program should not need: a working directory of its
        own, an environment."""
        return self.start(cwd="/", bare=True).finish()

    @cached_property
    def twins(self) -> list[Run]:
        """Two at the same time: neither may disturb the other."""
        arguments = (*PATIENT, "--json", "--svg", "picture.svg", "--trace", "trace.json")
        return [running.finish() for running in [self.start(*arguments) for _ in range(2)]]

    @cached_property
    def claims(self) -> list[str]:
        """Their sentences."""
        return [claim["claim"] for claim in json.loads(self.twins[0].out)["claims"]]

    @property
    def seconds(self) -> float:
        return self.plain.seconds

    @property
    def is_slow(self) -> bool:
        return self.seconds >= 1

    @property
    def is_very_slow(self) -> bool:
        """A slow program in a sanitizer's build: it is spared what quick ones show there as well,
        and it itself in other builds."""
        return self.sanitized and self.is_slow

    @cached_property
    def has_children(self) -> bool:
        """Processes; MPI's ranks are none, nor is the one with which AddressSanitizer looks for leaks."""
        if self.mpi or not self.sanitized:
            return self.plain.had_children and not self.mpi
        return self.start(*PATIENT, extra=self.without_tracer).finish().had_children

    @property
    def without_tracer(self) -> dict[str, str]:
        """AddressSanitizer looks for leaks by a process of its own, which is not the program's."""
        options = os.environ.get("ASAN_OPTIONS", "")
        return {"ASAN_OPTIONS": f"{options}:detect_leaks=0"} if self.sanitized else {}

    def complaints(self, run: Run) -> list[str]:
        """What it said on standard error. mpirun and MPI_Abort add lines of their own."""
        lines = run.err.splitlines()
        return [line for line in lines if line.startswith(f"{self.name}: ")] if self.mpi else lines

    # --- what is expected of a run ---

    def succeeded(self, run: Run) -> None:
        """Status 0, the verdict in the last line and nowhere else, no files."""
        ended(run, HOLDS)
        wrote(run)
        expect(
            run.lines[-1:] == [VERDICT] and run.lines.count(VERDICT) == 1,
            run,
            f"'{VERDICT}' once, in the last line",
        )

    def rejected(self, run: Run, *parts: str) -> None:
        """A wrong command line: status 2, nothing was started."""
        self.complained(run, WRONG_COMMAND_LINE, *parts)
        expect(run.out == "", run, "nothing on standard output")

    def complained(self, run: Run, status: int, *parts: str) -> None:
        """It ended with that status after exactly one line that has these parts."""
        ended(run, status)
        wrote(run)
        complaints = self.complaints(run)
        expect(
            len(complaints) == 1
            and complaints[0].startswith(f"{self.name}: ")
            and all(part in complaints[0] for part in parts),
            run,
            f"one line '{self.name}: ...' with " + " and ".join(map(repr, parts)),
            run.err,
        )


def ended(run: Run, *allowed: int) -> None:
    """It ended with one of these statuses and left nothing behind."""
    seen = f"{status_text(run.status)}; {short(run.err)}"
    expected = " or ".join(status_text(status) for status in allowed)
    expect(not run.left, run, "nothing is left behind", "\n".join([*run.left, f"after {seen}"]))
    expect(run.status in allowed, run, expected, seen)


def wrote(run: Run, *files: str) -> None:
    """These files, and no others, stand in the working directory."""
    expect(set(run.files) == set(files), run, f"files: {files}", sorted(run.files))


def expect(holds: bool, run: Run, expected: str, seen: object = "") -> None:
    """Tells what was seen instead, which is what the run printed unless it is said."""
    __tracebackhide__ = True
    if not holds:
        seen = seen or f"standard output: {short(run.out)}\nstandard error: {short(run.err)}"
        raise AssertionError(
            f"\ncommand   {run.command}\nexpected  {expected}\nseen      "
            + str(seen).replace("\n", "\n          ")
        )


def status_text(status: int | None) -> str:
    if status is None:
        return "no end in time"
    return f"status {status}" if status >= 0 else f"signal {-status}"


def short(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines if len(lines) <= 12 else [*lines[:6], "...", *lines[-5:]]) or "nothing"
