# SPDX-License-Identifier: MIT
"""`./pdc try NAME`: the exercises of a page's section, and what is seen when one is done.

They are data already, in the list of the page's mutants, whose driver builds them too. A page is never changed: the
driver changes a copy, in a folder below build/ that goes with the command.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import changed
from chapters import BUILD, ROOT, Problem, Program
from lists import Flaw, Mutant, list_of, read_list


def exercises(program: Program) -> list[Mutant]:
    """The mutants and tries of the list that an exercise asks for, in the order of the section."""
    if not list_of(program.target).is_file():
        return []
    texts = questions(program)

    def place(entry: Mutant) -> int:
        return next((i for i, text in enumerate(texts) if entry.asks in text), len(texts))

    return sorted(read_list(list_of(program.target)).asked, key=place)


def questions(program: Program) -> list[str]:
    """What "Try" asks, without the answers."""
    import pages

    readme = pages.Page(ROOT / program.chapter / "README.md")
    lines = readme.section_at(program.section)
    tries = next((p.line for p in readme.paragraphs if p.line in lines and p.text.startswith("Try.")), None)
    return [item.text.strip() for item in readme.items(tries)] if tries else []


def list_exercises(program: Program) -> None:
    """Prints them."""
    asked, texts = exercises(program), questions(program)
    if not asked:
        print(f"{program.name} has no exercises yet")
        return
    for number, entry in enumerate(asked, 1):
        text = next((text for text in texts if entry.asks in text), entry.asks)
        print(f"{number:2}  {text}")
    print(f"./pdc try {program.name} 1 does the first, in a copy, and shows what is then seen")


def try_one(program: Program, number: int) -> int:
    """Shows what is changed, what is then printed, and how the claims differ. Returns the exit status."""
    asked = exercises(program)
    if not 1 <= number <= len(asked):
        there = f"1 to {len(asked)}" if asked else "none"
        raise Problem(f"no exercise {number}: {program.name} has {there}", 2)
    entry = asked[number - 1]
    build_page(program)
    with tempfile.TemporaryDirectory(prefix="try-", dir=ROOT / "build", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        known = asyncio.run(changed.load_program(BUILD, program.target, ""))
        ranks = entry.ranks or (changed.usual_ranks(known.ranks) or [0])[0]
        before = printed(known, () if entry.is_try and not entry.edits else entry.options, ranks, known.executable, scratch)
        executable = known.executable
        if entry.edits:
            for path, text in changed.mutate(known, entry).items():
                show_difference(path.read_text(encoding="utf-8"), text, path.name)
            optimise = read_list(list_of(program.target)).optimise
            try:
                executable = asyncio.run(changed.build_alone(known, entry, folder, optimise))
            except Flaw as flaw:
                raise Problem(f"exercise {number} does not build: {flaw}", 1) from None
        after = printed(known, entry.options, ranks, executable, scratch)
    ranks_first = ["mpirun", "-np", str(ranks)] if ranks else []
    print("$", shlex.join([*ranks_first, program.name, *entry.options]), flush=True)
    sys.stdout.write(after.stdout)
    sys.stderr.write(after.stderr)
    print(f"\nstatus {after.returncode}, and {before.returncode} before; the claims, before (-) and now (+):")
    show_claims(before.stdout, after.stdout)
    print("The page is as it was: a copy was changed.")
    return 0


def build_page(program: Program) -> None:
    """What the copy is linked with."""
    command = [str(ROOT / "pdc"), "run", program.name, "--version"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if ended.returncode != 0:
        raise Problem(f"{program.name} does not build: see above", ended.returncode)


def printed(known, options: tuple[str, ...], ranks: int, executable: Path, scratch: str):
    """What the program prints; it has no deadline of the driver's, but its own."""
    run = changed.Run(2, 2, ranks, tuple(options), is_json=False)  # an even number: on all cores
    words = run.words(known, executable, 30)
    environment = os.environ | {"TMPDIR": scratch}
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=scratch, env=environment)


def show_difference(before: str, after: str, name: str) -> None:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name}, changed", "", "", 2, "")
    print("\n".join(lines) + "\n", flush=True)


def show_claims(before: str, after: str) -> None:
    """Without the evidence in brackets where only that differs."""
    lines = [claims_of(text) for text in (before, after)]
    plain = [[re.sub(r" \([^()]*\)$", "", line) for line in each] for each in lines]
    for line in difflib.ndiff(*plain):
        if not line.startswith("?"):
            print(line)


def claims_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"\[(ok|failed)\] |all claims hold$", line)]
