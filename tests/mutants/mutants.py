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

The mutants of chapterN/name stand in chapterN/name.toml beside this file:

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

Mutants are compiled many at once, each in a namespace of its own, which takes a fifth of the time;
what cannot be put together so is compiled alone, and so is a page whose twin is changed. Where a
page has other source files, only those are compiled that the change is in, or that include the
header that it is in. Mutants are linked
with what the build has made already, and each runs in a folder of its own, which goes with the
driver. --keep builds one mutant, alone, runs nothing and says how to run it. --coverage holds the
lists against the catalog: every program has one.
Status 0 if all is well, 1 if not, 2 if a list or the command line is wrong.
"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import together

HERE = Path(__file__).resolve().parent
SURVIVED, FAILED, DEADLINE, REPORTED_BY_TSAN = 0, 1, 4, 66
RUNS = 2  # of each mutant: on all cores and on one; with ranks, each count has its turn
DIFFICULTIES = (1, 2, 3)
AT_ONCE = 2  # mutants: one waits while the other computes
TOGETHER = 12  # mutants in one source file
PATIENCE = 5  # seconds, and as many times what the unchanged page takes: the deadline of mutants
LAST_RESORT = 60  # seconds: on a machine that is busy the deadline alone proves nothing yet


class Mistake(Exception):
    """A list or the command line is wrong."""


class Flaw(Exception):
    """A mutant, or the unchanged page, is not as it has to be."""


# --- the lists ------------------------------------------------------------------------------------


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


# --- the program ----------------------------------------------------------------------------------


@dataclass
class Program:
    """What the build knows of a program."""

    target: str
    build: Path
    chapter: Path
    executable: Path
    page: Path
    siblings: list[Path]  # executables of the same chapter, which it may start
    ranks: list[int]  # none: no MPI program
    mpirun: str
    has_tsan: bool
    headers: str  # precompiled without optimiser; empty: none
    twins: list["Program"] = field(default_factory=list)  # one, if it has a twin, which it may start
    link: list[str] = field(default_factory=list)
    compile: dict[Path, list[str]] = field(default_factory=dict)  # of its own source files

    @property
    def name(self) -> str:
        return self.executable.name


def cached(build: Path, variable: str) -> str:
    match = re.search(rf"^{variable}:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)
    return match[1] if match else ""


def load_catalog(build: Path) -> dict[str, dict]:
    entries = json.loads((build / "catalog.json").read_text())
    return {f"{entry['chapter']}.{entry['name']}": entry for entry in entries}


def output_of(command: list[str]) -> str:
    return command[command.index("-o") + 1]


async def load_program(build: Path, target: str, headers: str) -> Program:
    catalog = load_catalog(build)
    if target not in catalog:
        raise Mistake(f"{build}/catalog.json has no program '{target}'")
    entry = catalog[target]
    chapter = Path(cached(build, "CMAKE_HOME_DIRECTORY"), entry["chapter"])
    program = Program(
        target,
        build,
        chapter,
        build / entry["executable"],
        next(chapter.rglob(f"{entry['name']}.cpp")),
        [build / e["executable"] for e in catalog.values() if e["chapter"] == entry["chapter"]],
        entry["ranks"] if entry["mpi"] else [],
        cached(build, "MPIEXEC_EXECUTABLE") or "mpirun",
        "-fsanitize=thread" in cached(build, "CMAKE_CXX_FLAGS"),
        headers if Path(f"{headers}.gch").exists() else "",
    )
    await load_commands(program)
    if entry["twin"]:
        twin = program.executable.with_name(entry["twin"])
        page = program.page.with_name(f"{twin.name}.cpp")
        program.twins = [replace(program, executable=twin, page=page, has_tsan=True, compile={})]
        await load_commands(program.twins[0])
    return program


async def load_commands(program: Program) -> None:
    """How it is linked, and how its own source files are compiled."""
    executable = str(program.executable.relative_to(program.build))
    ninja = await call(["ninja", "-t", "commands", "-s", executable], program.build)
    program.link = [word for word in shlex.split(ninja.out) if word not in ("&&", ":")]
    for command in json.loads((program.build / "compile_commands.json").read_text()):
        words = shlex.split(command["command"])
        source = Path(command["file"])
        if output_of(words) in program.link and source.is_relative_to(program.chapter):
            program.compile[source] = words


# --- building -------------------------------------------------------------------------------------


def mutate(program: Program, mutant: Mutant) -> dict[Path, str]:
    """The files that it changes, as they are then."""
    changed = change(program.page, mutant.edits)
    for path in changed:
        if not any(touched_by([path], each) for each in (program, *program.twins)):
            raise Flaw(f"no source file of the program includes {path.name}")
    return changed


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


def without_warnings(command: list[str]) -> list[str]:
    return [word for word in command if not word.startswith("-W")] + ["-w"]


def without_optimiser(command: list[str], headers: str) -> list[str]:
    """With those precompiled headers, which were made without it too, if it has any."""
    words: list[str] = []
    for word in command:
        if words[-1:] == ["-include"]:
            words.pop()
        elif not re.match("-[Og]", word):
            words.append(word)
    return [*words, "-O0", "-g0", *(["-include", headers] if headers and "-include" in command else [])]


def touched_by(changed: Iterable[Path], program: Program) -> list[Path]:
    """Its source files that are changed, or that include a header that is."""
    paths = {path.resolve() for path in changed}
    return [source for source in program.compile if paths & read_by(source)]


def read_by(source: Path) -> set[Path]:
    """That file, and what it includes from beside it."""
    found: set[Path] = set()
    to_read = {source.resolve()}
    while to_read:
        path = to_read.pop()
        found.add(path)
        headers = (together.own_header(path, line) for line in path.read_text().splitlines())
        to_read |= {header for header in headers if header and header not in found}
    return found


async def build_alone(program: Program, mutant: Mutant, folder: Path, optimise: bool) -> Path:
    """Returns its executable, in that folder, with its siblings beside it."""
    return await build_changed(program, mutate(program, mutant), folder, optimise)


async def build_changed(
    program: Program, changed: dict[Path, str], folder: Path, optimise: bool
) -> Path:
    """The same of files as they are then."""
    for twin in program.twins:
        if touched_by(changed, twin):
            await build_one(twin, changed, folder, optimise)
    await build_one(program, changed, folder, optimise)
    link_siblings(program, folder)
    return folder / program.name


async def build_one(
    program: Program, changed: dict[Path, str], folder: Path, optimise: bool
) -> None:
    """The executable of a program, or of its twin, with these changes."""
    sources = touched_by(changed or [program.page], program)
    copies = {}
    for path in [*program.chapter.rglob("*.hpp"), *sources]:
        copies[path] = folder / "source" / path.relative_to(program.chapter)
        copies[path].parent.mkdir(parents=True, exist_ok=True)
        copies[path].write_text(changed.get(path) or path.read_text())
    await make(program, {source: copies[source] for source in sources}, folder, optimise)


async def make(program: Program, copies: dict[Path, Path], folder: Path, optimise: bool) -> None:
    """The executable, from these copies of sources and from what the build has of the others."""
    link = list(program.link)
    for source, copy in copies.items():
        words = program.compile[source]
        made = output_of(words)
        replaced = {made: str(copy.with_suffix(".o")), str(source): str(copy)}
        words = without_warnings([replaced.get(word, word) for word in words])
        if not optimise and not program.has_tsan:
            words = without_optimiser(words, program.headers)
        ended = await call(words, program.build)
        if ended.status != 0:
            raise Flaw(f"it does not compile:\n{ended.err}")
        link[link.index(made)] = replaced[made]
    link[link.index("-o") + 1] = str(folder / program.name)
    if shutil.which("ld.gold"):  # twice as quick as the default
        link.append("-fuse-ld=gold")
    ended = await call(link, program.build)
    if ended.status != 0:
        raise Flaw(f"it does not link:\n{ended.err}")


def link_siblings(program: Program, folder: Path) -> None:
    twins = [twin.executable for twin in program.twins]
    for sibling in [*program.siblings, *twins]:
        if not (folder / sibling.name).exists():  # its own executable, and a twin that is changed
            (folder / sibling.name).symlink_to(sibling)


async def build_together(
    program: Program, mutants: list[Mutant], folder: Path, optimise: bool
) -> Path | None:
    """An executable of all of them, for separate(). None if they cannot be put together, or if one
    of them does not compile."""
    changes = {mutant.number: mutate(program, mutant) for mutant in mutants}
    changed = [path for change in changes.values() for path in change]
    if touched_by([program.page, *changed], program) != [program.page]:
        return None
    if any(touched_by(changed, twin) for twin in program.twins):
        return None
    folder.mkdir()
    copy = folder / program.page.name
    try:
        copy.write_text(together.source_of(program.page, changes))
        await make(program, {program.page: copy}, folder, optimise)
    except (Flaw, together.CannotBe):
        return None
    return folder / program.name


def separate(program: Program, mutant: Mutant, made: Path, folder: Path) -> Path:
    """Its executable out of one of many, in that folder, with its siblings beside it."""
    executable = folder / program.name
    executable.write_bytes(together.choose(mutant.number, made.read_bytes()))
    executable.chmod(0o755)
    link_siblings(program, folder)
    return executable


# --- running --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    status: int | None  # none: it did not end
    out: str
    err: str
    seconds: float


async def call(words: list[str], folder: Path, limit: float | None = None) -> Ended:
    """Runs that in that folder. Whatever ends the driver ends it too. What it leaves behind may go
    on to hold its output: files, not pipes."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", *words),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            status = await asyncio.wait_for(process.wait(), limit)
        except TimeoutError:
            status = None
        finally:
            await end(process)
        texts = [os.pread(f.fileno(), 1 << 20, 0).decode(errors="replace") for f in (out, err)]
    return Ended(status, *texts, time.monotonic() - began)


async def end(process: asyncio.subprocess.Process) -> None:
    """Gently first: mpirun then ends its ranks and takes away their files."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 5)


@dataclass(frozen=True)
class Run:
    """How a mutant, or the unchanged page, is run."""

    number: int
    of: int
    ranks: int  # 0: no MPI program
    options: tuple[str, ...]
    is_json: bool = True

    @property
    def pinned(self) -> bool:
        return self.number % 2 == 1

    def words(self, program: Program, executable: Path | str, deadline: float) -> list[str]:
        cores = sorted(os.sched_getaffinity(0))
        words = ["taskset", "--cpu-list", str(cores[self.number % len(cores)])]
        words = words if self.pinned else []
        if self.ranks:
            words += [program.mpirun, "--bind-to", "none", "-np", str(self.ranks)]
        words += [str(executable), *self.options]
        words += ["--json"] if self.is_json else []
        own = "--deadline" in self.options
        return words if own else [*words, "--deadline", f"{deadline:.0f}"]

    def text(self) -> str:
        ranks = f" with {self.ranks} ranks" if self.ranks else ""
        cores = "one core" if self.pinned else "all cores"
        return f"run {self.number} of {self.of}{ranks} on {cores}"


def usual_ranks(ranks: list[int]) -> list[int]:
    """The largest count up to 3, and one that deals the work out otherwise: the largest up to 5."""
    counts = {max((n for n in ranks if n <= most), default=min(ranks)) for most in (3, 5) if ranks}
    return sorted(counts)


def runs_of(mutant: Mutant, ranks: list[int]) -> list[Run]:
    counts = ranks if len(ranks) >= RUNS else (ranks or [0]) * RUNS
    if mutant.is_try and not mutant.solves:
        counts = [mutant.ranks or counts[0]] * RUNS
    return [
        Run(i, len(counts), count, mutant.options, not mutant.is_try)
        for i, count in enumerate(counts, 1)
    ]


async def run_once(program: Program, run: Run, executable: Path, deadline: float) -> Ended:
    """In a folder of its own for what it writes: two mpiruns take away each other's."""
    words = run.words(program, executable, deadline)
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as own:
        words = ["env", f"TMPDIR={own}", *words]
        return await call(words, executable.parent, deadline + LAST_RESORT)


def read_claims(out: str) -> dict[str, bool]:
    """Whether each claim holds; none if the program has not come to tell."""
    for line in out.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return {claim["claim"]: claim["holds"] for claim in json.loads(line)["claims"]}
    return {}


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


# --- the test -------------------------------------------------------------------------------------


class Test:
    def __init__(self, program: Program, mutants: List, scratch: Path):
        self.program = program
        self.list = mutants
        self.scratch = scratch
        self.ranks = list(mutants.ranks) or usual_ranks(program.ranks)
        self.deadline = float(LAST_RESORT)
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
                return await build_together(self.program, batch, folder, self.list.optimise)

        for first in range(0, len(mutants), TOGETHER):
            batch = mutants[first : first + TOGETHER]
            task = asyncio.create_task(build(batch, self.scratch / f"from-{batch[0].number}"))
            self.batches |= {mutant.number: task for mutant in batch}

    def check_texts(self) -> bool:
        """Of all mutants, before anything is compiled."""
        fine = True
        for mutant in self.list.all:
            try:
                mutate(self.program, mutant)
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
                    ended = await run_once(self.program, run, executable, LAST_RESORT)
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
                    ended = await run_once(self.program, run, executable, self.deadline)
                    if ended.status == DEADLINE != mutant.status:
                        ended = await run_once(self.program, run, executable, LAST_RESORT)
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
            return separate(self.program, mutant, made, folder)
        return await build_alone(self.program, mutant, folder, self.list.optimise)

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
            await build_alone(self.program, known[number], self.scratch, self.list.optimise)
        except Flaw as flaw:
            self.report(known[number], flaw)
            return False
        for run in runs_of(known[number], self.ranks):
            print(self.how_to_run(run, self.scratch))
        return True


def list_of(target: str) -> Path:
    return HERE / f"{target.replace('.', '/', 1)}.toml"


def check_coverage(build: Path) -> bool:
    """Every program has a list."""
    programs = load_catalog(build)
    listed = {f"{path.parent.name}.{path.stem}" for path in HERE.glob("*/*.toml")}
    flaws = [f"there is no program {n} for {list_of(n)}" for n in listed - programs.keys()]
    flaws += [f"{n} has no mutants: write {list_of(n)}" for n in programs.keys() - listed]
    print(*sorted(flaws), f"{len(listed)} of {len(programs)} programs have mutants", sep="\n")
    return not flaws


async def test(given: argparse.Namespace) -> bool:
    program = await load_program(given.build, given.program, given.headers)
    mutants = read_list(list_of(given.program))
    if given.keep:
        return await Test(program, mutants, given.keep).keep(given.mutant)
    with tempfile.TemporaryDirectory(prefix="pdc.", ignore_cleanup_errors=True) as scratch:
        os.environ |= {"TMPDIR": scratch, "PDC_ONE_ROUND": "1"}
        return await Test(program, mutants, Path(scratch)).hold()


async def test_until_signal(given: argparse.Namespace) -> bool:
    """A signal ends the test as an error does: nothing stays."""
    task = asyncio.ensure_future(test(given))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def adopt_orphans() -> None:
    """What mutants leave behind becomes a child of the driver, for end_orphans()."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1)


def end_orphans() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while pids := children.read_text().split():
        for pid in map(int, pids):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


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
    adopt_orphans()
    try:
        if given.coverage:
            return 0 if check_coverage(given.build) else 1
        return 0 if asyncio.run(test_until_signal(given)) else 1
    except (Mistake, OSError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        return 130
    finally:
        end_orphans()


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
