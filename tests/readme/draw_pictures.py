#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the READMEs' pictures anew: every program with --svg into its chapter's pictures/.

    draw_pictures.py --build build/release [--runs 5] [NAME...]
    draw_pictures.py --build build/release --from FOLDER [NAME...]

Of each program's runs that end with status 0 and meet the expectations of their picture
(expectations.py), the one from which others took the least of the processors' time is taken; if that
is too much, or there is none, the picture stays as it is. An MPI program runs with four ranks, or
with the most that it is tested with if it refuses four. --from runs nothing and takes pictures made
elsewhere: any folder below it that has NAME.svg is a run; the first that meets the expectations, in
the order of their paths, is taken. Status 0: all drawn; 1: some not; 2: wrong command line; 3: this
machine is too busy, or has too few cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from console import MPI_ENVIRONMENT, TIME_LIMIT
from expectations import expected, faults_of_picture, files_of

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/harness"))
import quiet  # noqa: E402: where the harness is, is known now

RANKS = 4
WRONG_COMMAND_LINE = 2
REFUSED = 3


@dataclass
class Run:
    """One try to draw a picture, in a folder of its own."""

    folder: Path
    fault: str = ""
    others: float = 0.0  # their part of the processors' time meanwhile


def draw(program: dict, build: Path, drawn: Path, ranks: int = RANKS) -> str:
    """Draws one picture; gives what went wrong, or nothing."""
    start = ["mpirun", "-np", str(ranks)] if program["mpi"] else []
    command = [*start, build / program["executable"], "--quiet", "--svg", drawn]
    try:
        ended = subprocess.run(
            command, env={**MPI_ENVIRONMENT, **os.environ}, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIME_LIMIT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    most = max(program["ranks"], default=ranks)
    if ended.returncode == WRONG_COMMAND_LINE and ranks == RANKS != most:
        return draw(program, build, drawn, most)
    if ended.returncode != 0:
        return f"status {ended.returncode}\n{ended.stdout}"
    return "" if drawn.exists() else "no picture, although the status is 0"


def made_here(program: dict, build: Path, folder: Path, runs: int) -> Iterator[Run]:
    for number in range(runs):
        run = Run(folder / str(number))
        run.folder.mkdir()
        ticks, cpu = quiet.read_clocks()
        run.fault = draw(program, build, run.folder / f"{program['name']}.svg")
        ticks_after, cpu_after = quiet.read_clocks()
        run.others = quiet.others_share(ticks, ticks_after, cpu_after - cpu)
        if run.others > quiet.BUSY:
            run.fault = run.fault or f"others had {run.others:.0%} of the processors' time"
        yield run


def made_elsewhere(program: dict, folder: Path) -> Iterator[Run]:
    pictures = sorted(folder.rglob(f"{program['name']}.svg"))
    if not pictures:
        yield Run(folder, f"there is no {program['name']}.svg below {folder}")
    yield from (Run(picture.parent) for picture in pictures)


def best(runs: Iterable[Run], name: str, expectations: list[dict]) -> Run:
    """The calmest of those without a fault, or the last one."""
    tried = list(runs)
    for run in tried:
        run.fault = run.fault or "; ".join(faults_of_picture(run.folder, name, expectations))
    return min((run for run in tried if not run.fault), key=lambda run: run.others, default=tried[-1])


def replace(pictures: Path, name: str, run: Run) -> None:
    """Puts the run's picture, all files of it, into the place of the one that is there."""
    pictures.mkdir(exist_ok=True)
    drawn = files_of(run.folder, name)
    for file in set(files_of(pictures, name)) - {pictures / each.name for each in drawn}:
        file.unlink()  # when it had more files
    for file in drawn:
        shutil.copyfile(file, pictures / file.name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build, with catalog.json")
    parser.add_argument("--runs", type=int, choices=range(1, 101), default=5, metavar="N", help="of each program (5)")
    parser.add_argument("--from", type=Path, dest="made", metavar="FOLDER", help="take pictures made elsewhere")
    parser.add_argument("--source", type=Path, default=SOURCE, help=argparse.SUPPRESS)
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these programs")
    given = parser.parse_args()
    build = given.build.resolve()
    programs = json.loads((build / "catalog.json").read_text(encoding="utf-8"))
    if unknown := set(given.names) - {program["name"] for program in programs}:
        parser.error(f"not in the catalog: {', '.join(sorted(unknown))}")
    if given.made and not given.made.is_dir():
        parser.error(f"--from {given.made}: no such folder")
    if not given.made and (fault := quiet.fault_of_machine()):
        print(f"no pictures are drawn here now: {fault}", file=sys.stderr)
        return REFUSED

    failed = False
    for program in programs:
        name = program["name"]
        if given.names and name not in given.names:
            continue
        pictures = given.source / program["chapter"] / "pictures"
        with tempfile.TemporaryDirectory(prefix="pdc-pictures-") as folder:
            runs = (made_elsewhere(program, given.made) if given.made
                    else made_here(program, build, Path(folder), given.runs))  # fmt: skip
            run = best(runs, name, expected(pictures).get(name, []))
            if not run.fault:
                replace(pictures, name, run)
        failed |= bool(run.fault)
        print(f"{program['chapter']}/pictures/{name}.svg: {run.fault or 'drawn'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
