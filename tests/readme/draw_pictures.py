#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the READMEs' pictures anew: every program with --svg into its chapter's pictures/.

    draw_pictures.py --build build/release [NAME...]

An MPI program runs with four ranks, or with the most that it is tested with if it refuses four. A
picture is replaced only if its program ends with status 0. Status 1 if one of them does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from console import MPI_ENVIRONMENT, TIME_LIMIT

SOURCE = Path(__file__).resolve().parents[2]
RANKS = 4
WRONG_COMMAND_LINE = 2


def run(program: dict, build: Path, drawn: Path, ranks: int = RANKS) -> str:
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
        return run(program, build, drawn, most)
    if ended.returncode != 0:
        return f"status {ended.returncode}\n{ended.stdout}"
    return "" if drawn.exists() else "no picture, although the status is 0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build, with catalog.json")
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these programs")
    given = parser.parse_args()
    build = given.build.resolve()
    programs = json.loads((build / "catalog.json").read_text(encoding="utf-8"))
    if unknown := set(given.names) - {program["name"] for program in programs}:
        parser.error(f"not in the catalog: {', '.join(sorted(unknown))}")

    failed = 0
    for program in programs:
        if given.names and program["name"] not in given.names:
            continue
        picture = SOURCE / program["chapter"] / "pictures" / f"{program['name']}.svg"
        with tempfile.TemporaryDirectory(prefix="pdc-pictures-") as folder:
            drawn = Path(folder, picture.name)
            fault = run(program, build, drawn)
            if not fault:
                picture.parent.mkdir(exist_ok=True)
                picture.write_bytes(drawn.read_bytes())
        failed += bool(fault)
        print(f"{picture.relative_to(SOURCE)}: {fault or 'drawn'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
