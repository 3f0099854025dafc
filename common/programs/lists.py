# SPDX-License-Identifier: MIT
"""The lists of mutants: what stands in them, and what they make of a page.

The mutants of chapterN/name stand in tests/mutants/chapterN/name.toml:

    # ranks = [3, 5]    rank counts of an MPI program; else its usual one and one more
    # optimise = true   compile as the build does; else without optimiser, which is quicker

    [[mutant]]
    says = "the mutex is left out"                      # what the reader did, in one sentence
    claim = "with the mutex every update counts"        # which has to fail, or its beginning
    text = "const std::scoped_lock lock(mutex);"        # stands in the page, once,
    by = ""                                             # and is replaced by this
    # times = 2                 the text stands there twice
    # file = "own.hpp"          it stands in another file of the page's own folder
    # options = ["--jobs", "2"] what the program is run with
    # edits = [{ text = "...", by = "..." }]
    #                           more than one change, instead of text and by
    # killer = "tsan"           instead of a claim: a data race and nothing else, which no claim can
    #                           see. It is run, and has to be reported, with ThreadSanitizer only.
    # asks = "take out the lock"
    #                           these words stand in an exercise of the page's section ("Try"), whose
    #                           answer names the claim
    # difficulty = 1            `./pdc exercise` hands it out, for the reader to put right: 1 easy to
    #                           3 hard; one of the list, which goes by the program's name
    # hints = ["..."]           come between its derived hints: where it is, and `says`

What else an exercise asks for, which is no mutant, is tried as well:

    [[try]]
    asks = "give it eight"     # stands in the exercise
    options = ["--threads", "8"]
    # text, by, times, file, edits: as above, if it changes the page
    # ranks = 5                 of an MPI program; else its usual count
    # status = 4                what it ends with, if not with 0
    sees = ["all eight wait"]  # what is then printed, and stands in the answer

What `./pdc exercise` hands out that asks for more than to put a mutant right is tried, too: what is
handed out fails by its claim, and with the solution all claims hold. Both are changes, and no files
of their own: so a page and its exercises cannot drift apart.

    [[exercise]]
    name = "queue_take_all"    # of no program
    asks = "..."               # what is to be done
    claim = "..."              # fails as long as it is not done; `edits` may add it to the page
    difficulty = 3
    hints = ["...", "..."]
    edits = [{ text = "...", by = "..." }]     # what is handed out: the page, and these
    solution = [{ text = "...", by = "..." }]  # and then these
    # options = ["--laps", "3"]

A change that changes nothing that matters is no mutant, and is left out. A text that no longer
stands in the page fails the test, so the list cannot rot.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from chapters import ROOT, Problem

FOLDER = ROOT / "tests" / "mutants"
SURVIVED, FAILED = 0, 1
DIFFICULTIES = (1, 2, 3)


class Mistake(Problem):
    """A list or the command line is wrong."""


class Flaw(Problem):
    """A mutant, or the unchanged page, is not as it has to be."""


@dataclass(frozen=True)
class Edit:
    text: str
    by: str
    times: int = 1
    file: str = ""  # empty: the page


@dataclass(frozen=True)
class Mutant:
    number: int  # from 1; 0 is the unchanged page
    says: str
    claim: str = ""
    edits: tuple[Edit, ...] = ()
    options: tuple[str, ...] = ()
    killer: str = ""
    asks: str = ""  # of an exercise
    sees: tuple[str, ...] = ()  # instead of a claim: an exercise that is no mutant
    ranks: int = 0  # of an exercise; 0: the usual ones
    status: int = FAILED
    solves: bool = False  # an exercise: it is held with all rank counts
    difficulty: int = 0  # 0: it is not handed out
    hints: tuple[str, ...] = ()

    @property
    def is_try(self) -> bool:
        return bool(self.sees)


UNCHANGED = Mutant(0, "the page as it is")


@dataclass(frozen=True)
class Exercise:
    """Asks for more than to put a mutant right."""

    name: str
    handed_out: Mutant
    solution: Mutant


@dataclass(frozen=True)
class List:
    mutants: tuple[Mutant, ...]
    tries: tuple[Mutant, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    ranks: tuple[int, ...] = ()
    optimise: bool = False

    @property
    def asked(self) -> list[Mutant]:
        """The mutants and tries that an exercise of the page's section asks for."""
        return [entry for entry in (*self.mutants, *self.tries) if entry.asks]

    @property
    def all(self) -> tuple[Mutant, ...]:
        """In the order of their numbers, from 1."""
        pairs = [(each.handed_out, each.solution) for each in self.exercises]
        return (*self.mutants, *self.tries, *(mutant for pair in pairs for mutant in pair))


EDIT = {"text": str, "by": str}
PLACE = {"times": int, "file": str}
CHANGE = EDIT | PLACE | {"edits": list}


def take(table: dict, where: str, needed: dict, allowed: dict) -> None:
    """The table has these keys, with values of these types, and no others."""
    kinds = needed | allowed
    for key, value in table.items():
        if key not in kinds:
            raise Mistake(f"{where}: there is no key '{key}', but {', '.join(kinds)}")
        if type(value) is not kinds[key]:
            raise Mistake(f"{where}: '{key}' has to be a {kinds[key].__name__}, not {value!r}")
    for key in needed:
        if key not in table:
            raise Mistake(f"{where}: '{key}' is missing")


def read_list(path: Path) -> List:
    where = f"{path.parent.name}/{path.name}"
    try:
        table = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Mistake(f"{where}: {error}") from None
    others = {"try": list, "exercise": list, "ranks": list, "optimise": bool}
    take(table, where, {"mutant": list}, others)
    mutants = [
        read_mutant(entry, number, f"{where}: mutant {number}")
        for number, entry in enumerate(table["mutant"], 1)
    ]
    tries = [
        read_try(entry, number, f"{where}: try {number - len(mutants)}")
        for number, entry in enumerate(table.get("try", ()), len(mutants) + 1)
    ]
    if sum(mutant.difficulty > 0 for mutant in mutants) > 1:
        raise Mistake(f"{where}: 'difficulty' stands at more than one mutant")
    before = len(mutants) + len(tries)
    exercises = [
        read_exercise(entry, before + 2 * i + 1, f"{where}: exercise {i + 1}")
        for i, entry in enumerate(table.get("exercise", ()))
    ]
    ranks = tuple(table.get("ranks", ()))
    optimise = table.get("optimise", False)
    return List(tuple(mutants), tuple(tries), tuple(exercises), ranks, optimise)


def read_mutant(entry: dict, number: int, where: str) -> Mutant:
    if "says" in entry:
        where += f" ({entry['says']})"
    proof = {"killer": str} if "killer" in entry else {"claim": str}
    change = {"edits": list} if "edits" in entry else EDIT
    others = {"options": list, "asks": str} | ({} if "edits" in entry else PLACE)
    if "difficulty" in entry:
        others |= {"difficulty": int, "hints": list}
    take(entry, where, {"says": str} | proof | change, others)
    if entry.get("killer", "tsan") != "tsan":
        raise Mistake(f"{where}: 'killer' can be tsan only, not {entry['killer']!r}")
    return Mutant(
        number,
        entry["says"],
        entry.get("claim", ""),
        read_edits(entry, where),
        tuple(entry.get("options", ())),
        entry.get("killer", ""),
        entry.get("asks", ""),
        difficulty=read_difficulty(entry, where) if "difficulty" in entry else 0,
        hints=tuple(entry.get("hints", ())),
    )


def read_difficulty(entry: dict, where: str) -> int:
    if entry["difficulty"] not in DIFFICULTIES:
        raise Mistake(f"{where}: 'difficulty' is 1, 2 or 3, not {entry['difficulty']}")
    return entry["difficulty"]


def read_exercise(entry: dict, number: int, where: str) -> Exercise:
    """Of two mutants with this number and the next one."""
    needed = {"name": str, "asks": str, "claim": str, "difficulty": int, "hints": list}
    take(entry, where, needed | {"edits": list, "solution": list}, {"options": list})
    handed_out = Mutant(
        number,
        f"{entry['name']}, as it is handed out",
        entry["claim"],
        read_edits(entry, where),
        tuple(entry.get("options", ())),
        asks=entry["asks"],
        difficulty=read_difficulty(entry, where),
        hints=tuple(entry["hints"]),
    )
    solution = replace(
        handed_out,
        number=number + 1,
        says=f"{entry['name']}, solved",
        edits=handed_out.edits + read_edits({"edits": entry["solution"]}, where),
        sees=(entry["claim"], "all claims hold"),
        status=SURVIVED,
        solves=True,
    )
    return Exercise(entry["name"], handed_out, solution)


def read_try(entry: dict, number: int, where: str) -> Mutant:
    if "asks" in entry:
        where += f" ({entry['asks']})"
    change = {key: kind for key, kind in CHANGE.items() if key in entry}
    others = {"options": list, "ranks": int, "status": int}
    take(entry, where, {"asks": str, "sees": list}, change | others)
    if not entry["sees"] or not all(isinstance(text, str) and text for text in entry["sees"]):
        raise Mistake(f"{where}: 'sees' has to be a list of texts")
    if not change and not entry.get("options") and not entry.get("ranks"):
        raise Mistake(f"{where}: it changes neither the page nor the options nor the ranks")
    return Mutant(
        number,
        entry["asks"],
        edits=read_edits(entry, where) if change else (),
        options=tuple(entry.get("options", ())),
        asks=entry["asks"],
        sees=tuple(entry["sees"]),
        ranks=entry.get("ranks", 0),
        status=entry.get("status", SURVIVED),
    )


def read_edits(entry: dict, where: str) -> tuple[Edit, ...]:
    edits = entry.get("edits") or [{key: entry[key] for key in EDIT | PLACE if key in entry}]
    for each in edits:
        take(each, where, EDIT, PLACE)
    return tuple(Edit(**each) for each in edits)


def list_of(target: str) -> Path:
    return FOLDER / f"{target.replace('.', '/', 1)}.toml"


def change(page: Path, edits: Iterable[Edit]) -> dict[Path, str]:
    """The files of the page that these change, as they are then."""
    changed: dict[Path, str] = {}
    for edit in edits:
        path = page.parent / edit.file if edit.file else page
        if path not in changed and not path.is_file():
            raise Flaw(f"there is no file {edit.file}")
        before = changed.get(path) or path.read_text()
        found = before.count(edit.text)
        if found != edit.times:
            stands = f"its text stands {found} times in {path.name}, not {edit.times}"
            raise Flaw(f"{stands}: {edit.text}")
        changed[path] = before.replace(edit.text, edit.by)
    return changed
