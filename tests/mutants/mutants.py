# SPDX-License-Identifier: MIT
"""Holds the claims of one program against its mutants: every claim has its counter-proof.

    mutants.py --build build/release chapter2_threads.barrier
    mutants.py --build build/release chapter2_threads.barrier --mutant 3 --keep FOLDER
    mutants.py --build build/release --coverage

A mutant is the program with a change that a clumsy reader makes: the lock taken out, the wait
forgotten, a rank left out, the protection put into the version that is wrong on purpose. It has to
end with status 1 by the claim that it names, in every run: half of the runs have one core only. A
mutant that survives, or that nothing but the deadline ends, says that the claim is none; a claim
that no mutant names fails the test too. First of all the unchanged page has to hold on one core.

Mutants are compiled many at once, each in a namespace of its own, which takes a fifth of the time;
what cannot be put together so is compiled alone, and so is a page whose twin is changed. --keep builds
one mutant, alone, runs nothing and says how to run it. --coverage holds the lists against the catalog:
every program has one. common/programs/lists.py says what stands in them, and changed.py beside it
builds and runs what is changed.
Status 0 if all is well, 1 if not, 2 if a list or the command line is wrong.
"""

import argparse
import asyncio
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "common" / "programs"))

import changed
import lists
from changed import DEADLINE, Ended, Built, Run, usual_ranks
from lists import FAILED, SURVIVED, UNCHANGED, Flaw, List, Mistake, Mutant

REPORTED_BY_TSAN = 66
RUNS = 2  # of each mutant: on all cores and on one; with ranks, each count has its turn
AT_ONCE = 2  # mutants: one waits while the other computes
TOGETHER = 12  # mutants in one source file
PATIENCE = 5  # seconds, and as many times what the unchanged page takes: the deadline of mutants


def runs_of(mutant: Mutant, ranks: list[int]) -> list[Run]:
    counts = ranks if len(ranks) >= RUNS else (ranks or [0]) * RUNS
    if mutant.is_try and not mutant.solves:
        counts = [mutant.ranks or counts[0]]  # once: it shows what the README says of a run
    return [
        Run(i, len(counts), count, mutant.options, not mutant.is_try)
        for i, count in enumerate(counts, 1)
    ]


def read_claims(out: str) -> dict[str, bool]:
    """Whether each claim holds."""
    return {claim["claim"]: claim["holds"] for claim in changed.claims_of(out)}


def meant_by(mutant: Mutant, claims: Iterable[str]) -> list[str]:
    """Those that the mutant names: one, if the list is right."""
    same = [claim for claim in claims if claim == mutant.claim]
    return same or [c for c in claims if mutant.claim and c.startswith(mutant.claim)]


def judge(mutant: Mutant, ended: Ended) -> str:
    """Why the mutant is not killed; empty: it is."""
    if mutant.is_try:
        return judge_try(mutant, ended)
    if mutant.killer == "tsan":
        if ended.status == REPORTED_BY_TSAN and "ThreadSanitizer: data race" in ended.err:
            return ""
        return f"ThreadSanitizer reports no data race: status {ended.status}"
    if ended.status is None:
        return "not even the deadline ends it"
    if ended.status == SURVIVED:
        return "it survives: all claims hold"
    if ended.status == DEADLINE:
        return f"nothing but the deadline ends it:\n{ended.err}"
    if ended.status != FAILED:
        return f"it ends with status {ended.status}:\n{ended.err}"
    claims = read_claims(ended.out)
    failed = [claim for claim, holds in claims.items() if not holds]
    if not failed:
        return f"it ends with status 1, but by no claim:\n{ended.err}"
    if not any(claim in failed for claim in meant_by(mutant, claims)):
        return "another claim fails: " + "; ".join(failed)
    return ""


def judge_try(mutant: Mutant, ended: Ended) -> str:
    """Why the exercise's answer is not what is seen; empty: it is."""
    printed = " ".join(f"{ended.out} {ended.err}".split())
    missing = [text for text in mutant.sees if text not in printed]
    if ended.status == mutant.status and not missing:
        return ""
    why = "; ".join(f"it does not print: {text}" for text in missing) or "it prints what it should"
    return f"{why}; status {ended.status}, not {mutant.status}:\n{ended.out}{ended.err}"


class Test:
    def __init__(self, program: Built, mutants: List, scratch: Path):
        self.program = program
        self.list = mutants
        self.scratch = scratch
        self.ranks = list(mutants.ranks) or usual_ranks(program.ranks)
        self.deadline = float(changed.LAST_RESORT)
        self.at_once = asyncio.Semaphore(AT_ONCE)
        self.compiling = asyncio.Lock()
        self.batches: dict[int, asyncio.Task[Path | None]] = {}  # by mutant

    async def hold(self) -> bool:
        """The whole test."""
        began = time.monotonic()
        killer = "tsan" if self.program.has_tsan else ""
        mutants = [mutant for mutant in self.list.mutants if mutant.killer == killer]
        tries: list[Mutant] = []
        if not self.program.has_tsan:
            mutants += [exercise.handed_out for exercise in self.list.exercises]
            tries += [*self.list.tries, *(exercise.solution for exercise in self.list.exercises)]
        if not self.check_texts():
            return False
        self.begin_to_build([UNCHANGED, *mutants, *(each for each in tries if each.edits)])
        try:
            return await self.hold_mutants(mutants, tries, began)
        finally:  # nothing is compiled any more when the folder goes
            for task in self.batches.values():
                task.cancel()
            await asyncio.gather(*self.batches.values(), return_exceptions=True)

    async def hold_mutants(
        self, mutants: list[Mutant], tries: list[Mutant], began: float
    ) -> bool:
        if (claims := await self.check_unchanged()) is None:
            return False
        named = self.program.has_tsan or self.check_claims(claims)
        results = await asyncio.gather(*map(self.kill, [*mutants, *tries]))
        killed, seen = sum(results[: len(mutants)]), sum(results[len(mutants) :])
        took = f"{time.monotonic() - began:.1f} s"
        exercises = f", {seen} of {len(tries)} answers seen" if tries else ""
        alone = "" if all([await task for task in self.batches.values()]) else ", compiled alone"
        print(f"{self.program.target}: {killed} of {len(mutants)} mutants killed{exercises} in {took}{alone}")
        return named and all(results)

    def begin_to_build(self, mutants: list[Mutant]) -> None:
        async def build(batch: list[Mutant], folder: Path) -> Path | None:
            async with self.compiling:  # one at a time: those of the first run meanwhile
                return await changed.build_together(self.program, batch, folder, self.list.optimise)

        elsewhere = [mutant for mutant in mutants if not self.is_of_page(mutant)]
        for some in ([mutant for mutant in mutants if mutant not in elsewhere], elsewhere):
            for first in range(0, len(some), TOGETHER):
                batch = some[first : first + TOGETHER]
                task = asyncio.create_task(build(batch, self.scratch / f"from-{batch[0].number}"))
                self.batches |= {mutant.number: task for mutant in batch}

    def is_of_page(self, mutant: Mutant) -> bool:
        """Whether the page alone has to be compiled for it: others are not put together."""
        files = changed.mutate(self.program, mutant)
        return changed.touched_by([self.program.page, *files], self.program) == [self.program.page]

    def check_texts(self) -> bool:
        """Of all mutants, before anything is compiled."""
        fine = True
        for mutant in self.list.all:
            try:
                changed.mutate(self.program, mutant)
            except Flaw as flaw:
                self.report(mutant, flaw)
                fine = False
        return fine

    async def check_unchanged(self) -> list[str] | None:
        """The claims of the page as it is, with all options that mutants have, if all hold."""
        run = None
        claims: list[str] = []
        longest = 0.0
        try:
            executable = await self.build(UNCHANGED)
            for options in dict.fromkeys([(), *(mutant.options for mutant in self.list.mutants)]):
                for ranks in self.ranks or [0]:
                    run = Run(1, 1, ranks, options)
                    ended = await changed.run_once(self.program, run, executable, changed.LAST_RESORT)
                    if ended.status != SURVIVED:
                        seen = f"it ends with status {ended.status}:\n{ended.out}{ended.err}"
                        raise Flaw(seen)
                    claims += read_claims(ended.out)
                    longest = max(longest, ended.seconds)
        except Flaw as flaw:
            self.report(UNCHANGED, flaw, run)
            return None
        self.deadline = PATIENCE * (1 + longest)
        return list(dict.fromkeys(claims))

    def check_claims(self, claims: list[str]) -> bool:
        """Each is named by a mutant, and no mutant may mean two."""
        meanings = [meant_by(mutant, claims) for mutant in self.list.mutants]
        fine = True
        for mutant, meant in zip(self.list.mutants, meanings):
            if len(meant) > 1:
                print(f"AMBIGUOUS: mutant {mutant.number} ({mutant.says}) may mean: {meant}")
                fine = False
        for claim in claims:
            if not any(claim in meant for meant in meanings):
                print(f"NO COUNTER-PROOF: no mutant of {self.program.target} names: {claim}")
                fine = False
        return fine

    async def kill(self, mutant: Mutant) -> bool:
        run = None
        async with self.at_once:
            began = time.monotonic()
            try:
                executable = await self.build(mutant)
                for run in runs_of(mutant, self.ranks):
                    ended = await changed.run_once(self.program, run, executable, self.deadline)
                    if ended.status == DEADLINE != mutant.status:
                        ended = await changed.run_once(self.program, run, executable, changed.LAST_RESORT)
                    if why := judge(mutant, ended):
                        raise Flaw(why)
            except Flaw as flaw:
                self.report(mutant, flaw, run)
                return False
            what = "seen" if mutant.is_try else "killed"
            print(f"{what} in {time.monotonic() - began:4.1f} s: {mutant.says}", flush=True)
            return True

    async def build(self, mutant: Mutant) -> Path:
        if mutant.is_try and not mutant.edits:
            return self.scratch / str(UNCHANGED.number) / self.program.name
        folder = self.scratch / str(mutant.number)
        folder.mkdir()
        if made := await self.batches[mutant.number]:
            return changed.separate(self.program, mutant, made, folder)
        return await changed.build_alone(self.program, mutant, folder, self.list.optimise)

    def report(self, mutant: Mutant, flaw: Flaw, run: Run | None = None) -> None:
        what = "NOT KILLED" if mutant.number else "WRONG BEFORE ANY CHANGE"
        what = "NOT SEEN" if mutant.is_try else what
        again = ["python3", str(HERE / "mutants.py"), "--build", str(self.program.build)]
        again += [self.program.target, "--mutant", str(mutant.number), "--keep", "FOLDER"]
        print(f"{what}: {self.program.target}, mutant {mutant.number}: {mutant.says}")
        if mutant.claim:
            print(f"claim     {mutant.claim}")
        print("seen      " + str(flaw).strip().replace("\n", "\n          "))
        if run:
            print(f"in        {run.text()}")
        print(f"by hand   {shlex.join(again)}")
        if run:
            print(f"          {self.how_to_run(run, Path('FOLDER'))}")
        sys.stdout.flush()

    def how_to_run(self, run: Run, folder: Path) -> str:
        return shlex.join(run.words(self.program, folder / self.program.name, self.deadline))

    async def keep(self, number: int) -> bool:
        """Builds one mutant in the scratch folder, and says how to run it."""
        known = (UNCHANGED, *self.list.all)
        if number not in range(len(known)):
            raise Mistake(f"--mutant goes from 0 to {len(known) - 1}, not {number}")
        self.scratch.mkdir()
        try:
            await changed.build_alone(self.program, known[number], self.scratch, self.list.optimise)
        except Flaw as flaw:
            self.report(known[number], flaw)
            return False
        for run in runs_of(known[number], self.ranks):
            print(self.how_to_run(run, self.scratch))
        return True


def check_coverage(build: Path) -> bool:
    """Every program has a list."""
    programs = changed.load_catalog(build)
    listed = {f"{path.parent.name}.{path.stem}" for path in lists.FOLDER.glob("*/*.toml")}
    flaws = [f"there is no program {n} for {lists.list_of(n)}" for n in listed - programs.keys()]
    flaws += [f"{n} has no mutants: write {lists.list_of(n)}" for n in programs.keys() - listed]
    print(*sorted(flaws), f"{len(listed)} of {len(programs)} programs have mutants", sep="\n")
    return not flaws


async def test(given: argparse.Namespace) -> bool:
    program = await changed.load_program(given.build, given.program, given.headers)
    mutants = lists.read_list(lists.list_of(given.program))
    if given.keep:
        return await Test(program, mutants, given.keep).keep(given.mutant)
    with tempfile.TemporaryDirectory(prefix="pdc.", ignore_cleanup_errors=True) as scratch:
        os.environ |= {"TMPDIR": scratch, "PDC_ONE_ROUND": "1"}
        return await Test(program, mutants, Path(scratch)).hold()


def parse(words: list[str]) -> argparse.Namespace:
    def path(text: str) -> Path:
        return Path(text).resolve()

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", type=path, required=True)
    parser.add_argument("--coverage", action="store_true", help="which programs have no mutants")
    parser.add_argument("--headers", default="", help="a precompiled header without optimiser")
    parser.add_argument("--mutant", type=int, help="this one only; 0 is the unchanged page")
    parser.add_argument("--keep", type=path, help="a new folder to build it in")
    parser.add_argument("program", nargs="?", help="chapter2_threads.barrier")
    given = parser.parse_args(words)
    if given.coverage == bool(given.program):
        parser.error("give it one program, or --coverage")
    if (given.mutant is None) != (given.keep is None):
        parser.error("--mutant and --keep belong together")
    return given


def start(words: list[str]) -> int:
    """Returns the exit status."""
    given = parse(words)
    changed.adopt_orphans()
    try:
        if given.coverage:
            return 0 if check_coverage(given.build) else 1
        return 0 if asyncio.run(changed.until_signal(test(given))) else 1
    except (Mistake, OSError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        return 130
    finally:
        changed.end_orphans()


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
