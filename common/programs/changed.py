# SPDX-License-Identifier: MIT
"""Builds a program whose page is changed, from what the build has made already, and runs it. A page itself is never
changed: copies are.

Where a page has other source files, only those are compiled that the change is in, or that include the header that it
is in. Without optimiser, if the list does not ask for it, which is quicker. Each runs in a folder of its own.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import together
from lists import Flaw, Mistake, Mutant, change

DEADLINE = 4  # the status of a program that it ends
LAST_RESORT = 60  # seconds: on a machine that is busy the deadline alone proves nothing yet


# --- the program ----------------------------------------------------------------------------------


@dataclass
class Built:
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
    twins: list["Built"] = field(default_factory=list)  # one, if it has a twin, which it may start
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


async def load_program(build: Path, target: str, headers: str) -> Built:
    catalog = load_catalog(build)
    if target not in catalog:
        raise Mistake(f"{build}/catalog.json has no program '{target}'")
    entry = catalog[target]
    chapter = Path(cached(build, "CMAKE_HOME_DIRECTORY"), entry["chapter"])
    program = Built(
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


async def load_commands(program: Built) -> None:
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


def mutate(program: Built, mutant: Mutant) -> dict[Path, str]:
    """The files that it changes, as they are then."""
    changed = change(program.page, mutant.edits)
    for path in changed:
        if not any(touched_by([path], each) for each in (program, *program.twins)):
            raise Flaw(f"no source file of the program includes {path.name}")
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


def touched_by(changed: Iterable[Path], program: Built) -> list[Path]:
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


async def build_alone(program: Built, mutant: Mutant, folder: Path, optimise: bool) -> Path:
    """Returns its executable, in that folder, with its siblings beside it."""
    return await build_changed(program, mutate(program, mutant), folder, optimise)


async def build_changed(
    program: Built, changed: dict[Path, str], folder: Path, optimise: bool
) -> Path:
    """The same of files as they are then."""
    for twin in program.twins:
        if touched_by(changed, twin):
            await build_one(twin, changed, folder, optimise)
    await build_one(program, changed, folder, optimise)
    link_siblings(program, folder)
    return folder / program.name


async def build_one(
    program: Built, changed: dict[Path, str], folder: Path, optimise: bool
) -> None:
    """The executable of a program, or of its twin, with these changes."""
    sources = touched_by(changed or [program.page], program)
    copies = {}
    for path in [*program.chapter.rglob("*.hpp"), *sources]:
        copies[path] = folder / "source" / path.relative_to(program.chapter)
        copies[path].parent.mkdir(parents=True, exist_ok=True)
        copies[path].write_text(changed.get(path) or path.read_text())
    await make(program, {source: copies[source] for source in sources}, folder, optimise)


async def make(program: Built, copies: dict[Path, Path], folder: Path, optimise: bool) -> None:
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


def link_siblings(program: Built, folder: Path) -> None:
    twins = [twin.executable for twin in program.twins]
    for sibling in [*program.siblings, *twins]:
        if not (folder / sibling.name).exists():  # its own executable, and a twin that is changed
            (folder / sibling.name).symlink_to(sibling)


async def build_together(
    program: Built, mutants: list[Mutant], folder: Path, optimise: bool
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


def separate(program: Built, mutant: Mutant, made: Path, folder: Path) -> Path:
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

    def words(self, program: Built, executable: Path | str, deadline: float) -> list[str]:
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


async def run_once(program: Built, run: Run, executable: Path, deadline: float) -> Ended:
    """In a folder of its own for what it writes: two mpiruns take away each other's."""
    words = run.words(program, executable, deadline)
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as own:
        words = ["env", f"TMPDIR={own}", *words]
        return await call(words, executable.parent, deadline + LAST_RESORT)


def claims_of(out: str) -> list[dict]:
    """What --json has printed of its claims; none if the program has not come to tell."""
    for line in out.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return json.loads(line)["claims"]
    return []


async def until_signal(work: Coroutine):
    """A signal ends it as an error does: nothing stays."""
    task = asyncio.ensure_future(work)
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
