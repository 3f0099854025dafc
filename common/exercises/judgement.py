# SPDX-License-Identifier: MIT
"""Builds and runs what the reader made of an exercise, with what builds and runs mutants, and as
that does: so what is proved of the mutant holds for the reader.
"""

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import changed
from changed import DEADLINE, Ended, Built, Run
from collection import Exercise
from lists import SURVIVED, Flaw

PATIENCE = 30  # seconds: the programs' own deadline
LINES_SHOWN = 12  # of what a program says that ends in another way than by its claims

SOLVED, UNSOLVED, REFUSED = 0, 1, 3


@dataclass(frozen=True)
class Judgement:
    status: int
    claims: list[dict] = field(default_factory=list)  # of the run that decided
    why: str = ""  # it is not solved


async def judge(exercise: Exercise, files: dict[Path, str], build: Path, shown: Path) -> Judgement:
    """`files` are those of the page, as they are now; they are shown as if they stood in `shown`."""
    program = await changed.load_program(build, exercise.program.target, "")
    with tempfile.TemporaryDirectory(prefix="pdc.", ignore_cleanup_errors=True) as scratch:
        try:
            made = changed.build_changed(program, files, Path(scratch), exercise.optimise)
            executable = await made
        except Flaw as flaw:
            names = [path.name for path in files]
            return Judgement(UNSOLVED, why=first_error(str(flaw), names, shown))
        judgement = Judgement(UNSOLVED)
        for run in runs_of(exercise, program):
            ended = await changed.run_once(program, run, executable, PATIENCE)
            judgement = judge_run(exercise, run, ended)
            if judgement.status != SOLVED:
                break
        return judgement


def runs_of(exercise: Exercise, program: Built) -> list[Run]:
    """On one core and on all; with two rank counts; with its own options and without."""
    ranks = exercise.ranks or changed.usual_ranks(program.ranks) or [0]
    ways = [(n, o) for n in ranks for o in dict.fromkeys([(), exercise.mutant.options])]
    ways = [way for way in ways for _ in range(2)]
    return [Run(i, len(ways), *way) for i, way in enumerate(ways, 1)]


def judge_run(exercise: Exercise, run: Run, ended: Ended) -> Judgement:
    claims = changed.claims_of(ended.out)
    told = [claim for claim in claims if claim["claim"].startswith(exercise.mutant.claim)]
    if ended.status == SURVIVED and told:
        return Judgement(SOLVED, claims)
    options = f" and the options {' '.join(run.options)}" if run.options else ""
    if ended.status == SURVIVED:
        why = f"the claim that this is about is gone: {exercise.mutant.claim}"
    elif any(not claim["holds"] for claim in claims):
        failed = sum(not claim["holds"] for claim in claims)
        why = f"{failed} of {len(claims)} claims failed in {run.text()}{options}"
    else:
        why = f"{how(ended)} in {run.text()}{options}\n{last_lines(ended.err)}".rstrip()
    return Judgement(REFUSED if ended.status == REFUSED else UNSOLVED, claims, why)


def how(ended: Ended) -> str:
    if ended.status is None:
        return "not even its deadline ended it"
    if ended.status == DEADLINE:
        return "it was stuck"
    if ended.status < 0:
        return f"signal {-ended.status} killed it"
    return f"it ended with status {ended.status}"


def last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-LINES_SHOWN:])


ERROR = re.compile(r"(.+?):(\d+):\d+: (?:fatal )?error: .*")


def first_error(said: str, names: list[str], shown: Path) -> str:
    """The first thing that the compiler, or else the linker, says is wrong, and at which line."""
    own = re.compile(rf"\S*/({'|'.join(map(re.escape, names))})(?=:\d)")
    lines = [own.sub(lambda found: str(shown / found[1]), line) for line in said.splitlines()]
    for i, line in enumerate(lines):
        if error := ERROR.match(line):
            source = [each for each in lines[i + 1 : i + 3] if re.match(r" +\d* \|", each)]
            used = [each for each in lines if each.startswith(str(shown))]
            mine = [] if error[1].startswith(str(shown)) else used[:1]
            return "\n".join(["it does not compile:", *mine, line, *source])
    wrong = [line for line in lines[1:] if "undefined" in line or "multiple definition" in line]
    return "\n".join([lines[0], *(wrong or lines[1:])[:1]])
