# SPDX-License-Identifier: MIT
"""Holds one program of the book against what every program promises, faults included.

    check_program.py --build build/release lost_update

Reads what there is from the build's catalog.json and the program's own --help, so it knows no
program by name. Prints a line for each check, each failure with its command, what was expected
and what was seen, and at last the counts. Status 0 when every check passed, 1 otherwise. MPI as
root needs the environment that CTest gives (OMPI_ALLOW_RUN_AS_ROOT and so on).
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import sys
import time
import traceback
import xml.etree.ElementTree as xml
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from harness import room  # noqa: E402
from harness.processes import Run, Running  # noqa: E402

VERDICT = "all claims hold"
HOLDS, FAILED, WRONG_COMMAND_LINE, REFUSED, DEADLINE = 0, 1, 2, 3, 4
COMMON_OPTIONS = {"quiet", "json", "svg", "trace", "deadline"}
LARGEST_VALUE_TO_RUN = 64  # above it, the largest allowed value may take very long
MOMENTS = 5  # at which each signal is sent; fewer to slow programs, one in a sanitizer's build
LOSSES = 20  # of a child process, if there are any, and of their parent; fewer in slow programs
TIME_FOR_LOSSES = 10  # seconds after which no further child is lost, if one was
TRIES_TO_LOSE = 20  # one at least
TIME_FOR_ALL = 300  # seconds after which no further check begins
TIME_TO_END = 10  # seconds, after a signal or the loss of a rank
SYNCHRONOUS = {"PDC_MPI_SYNCHRONOUS": "1"}
# Open MPI's header alone takes 56 bytes, and in shared memory small messages are never held back.
NOT_EAGER = {
    "OMPI_MCA_btl": "tcp,self",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_btl_tcp_eager_limit": "56",
}
# When Open MPI begins, it makes a segment of each kind and removes it, to see whether it could: who
# is killed between these two calls leaves it.
LEFT_BY_KILLED_RANK = re.compile(r"/dev/shm/open_mpi\.\d+$|^System V shm ")
# An mpirun that is killed outright cannot clean up: its session directory and the shared memory
# of its ranks stay. Nothing that a program does changes that, so in this case alone they may.
LEFT_BY_KILLED_MPIRUN = re.compile(
    rf"{LEFT_BY_KILLED_RANK.pattern}|/dev/shm/vader_segment\.|/ompi\.[^/]*$"
)
# A single process without mpirun has nobody who removes its session directory when it ends in
# another way than by MPI_Finalize or MPI_Abort, neither of which a signal handler may call.
LEFT_WITHOUT_MPIRUN = re.compile(r"/ompi\.[^/]*$")
# ThreadSanitizer's own, in the first millisecond of a program.
LEFT_BY_SANITIZER = re.compile(r"/tsan\.rodata\.\d+$")


@dataclass(frozen=True)
class Number:
    """An option that takes a number."""

    name: str
    whole: bool
    lowest: str  # as the program writes them
    highest: str
    default: str

    @property
    def allowed(self) -> str:
        return f"from {self.lowest} to {self.highest}"

    def takes(self, value: int) -> bool:
        return float(self.lowest) <= value <= float(self.highest)


@dataclass
class Program:
    """One entry of the catalog, and what the build says about it."""

    name: str
    chapter: str
    summary: str
    executable: Path
    source: Path
    mpi: bool
    ranks: list[int]
    mpirun: str
    sanitized: bool
    # What survey() finds out:
    options: list[str] = field(default_factory=list)  # all of them, as --help has them
    numbers: list[Number] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # those that take something else
    claims: list[str] = field(default_factory=list)  # their sentences
    normal_seconds: float = 0.0
    has_children: bool = False  # processes; MPI's ranks are none
    runs_alone: bool = True  # as a single process without mpirun

    @property
    def usual_ranks(self) -> int:
        return max((n for n in self.ranks if n <= 3), default=min(self.ranks))

    @property
    def moments(self) -> int:
        if self.sanitized:
            return 1
        return 2 if self.is_slow else MOMENTS

    @property
    def losses(self) -> int:
        if self.sanitized:
            return 2
        in_time = int(TIME_FOR_LOSSES / max(self.normal_seconds, 0.01))
        return min(LOSSES, max(self.moments, in_time))

    @property
    def is_slow(self) -> bool:
        return self.normal_seconds >= 1

    @property
    def is_very_slow(self) -> bool:
        """A slow program in a sanitizer's build: it is spared what quick ones show there as well,
        and it itself in other builds."""
        return self.sanitized and self.is_slow

    def start(self, *arguments: str, ranks: int | None = None, **surroundings) -> Running:
        """Under mpirun, if it is an MPI program."""
        command = [str(self.executable), *arguments]
        if self.mpi:
            command = [self.mpirun, "-np", str(ranks or self.usual_ranks), *command]
        return Running(command, **surroundings)

    def run(self, *arguments: str, **how) -> Run:
        return self.start(*arguments, **how).finish()

    def alone(self, *arguments: str, **surroundings) -> Run:
        """As a single process, an MPI program too: enough for the command line, and quicker."""
        return Running([str(self.executable), *arguments], **surroundings).finish()

    def complaints(self, run: Run) -> list[str]:
        """What the program said on standard error. mpirun and MPI_Abort add lines of their own."""
        lines = run.err.splitlines()
        return [s for s in lines if s.startswith(f"{self.name}: ")] if self.mpi else lines


class Found:
    """What one check found. Its checks are run in one thread."""

    def __init__(self, program: Program):
        self.program = program
        self.checks = 0
        self.seconds = 0.0
        self.failures: list[str] = []
        self.skips: list[str] = []
        self.note = ""  # what a line without a failure should tell too

    def expect(self, holds: bool, run: Run | None, expected: str, seen: object = "") -> bool:
        """Counts a check; `seen` defaults to what the run printed."""
        self.checks += 1
        if not holds:
            command = run.command if run else "(none)"
            if run and not seen:
                seen = f"standard output: {_short(run.out)}\nstandard error: {_short(run.err)}"
            self.failures.append(
                f"command   {command}\nexpected  {expected}\nseen      "
                + str(seen).replace("\n", "\n          ")
            )
        return holds

    def skip(self, why: str) -> None:
        self.skips.append(why)

    def ended(self, run: Run, *allowed: int) -> bool:
        """It ended with one of these statuses and left nothing behind."""
        self.expect(not run.left, run, "nothing is left behind", "\n".join(run.left))
        return self.expect(
            run.status in allowed,
            run,
            " or ".join(_status_text(status) for status in allowed),
            f"{_status_text(run.status)}; standard error: {_short(run.err)}",
        )

    def succeeded(self, run: Run, *files: str) -> bool:
        """Status 0, the verdict in the last line and nowhere else, these files and no others."""
        self.wrote(run, *files)
        return self.ended(run, HOLDS) and self.expect(
            run.lines[-1:] == [VERDICT] and run.lines.count(VERDICT) == 1,
            run,
            f"'{VERDICT}' once, in the last line",
        )

    def wrote(self, run: Run, *files: str) -> None:
        """These files, and no others, stand in the working directory."""
        self.expect(set(run.files) == set(files), run, f"files: {files}", sorted(run.files))

    def rejected(self, run: Run, *parts: str) -> None:
        """A wrong command line: status 2, one line that says these parts, nothing was started."""
        self.complained(run, WRONG_COMMAND_LINE, *parts)
        self.expect(run.out == "", run, "nothing on standard output")

    def complained(self, run: Run, status: int, *parts: str) -> None:
        """It ended with that status after exactly one line that has these parts."""
        self.ended(run, status)
        self.wrote(run)
        complaints = self.program.complaints(run)
        self.expect(
            len(complaints) == 1
            and complaints[0].startswith(f"{self.program.name}: ")
            and all(part in complaints[0] for part in parts),
            run,
            f"one line '{self.program.name}: ...' with " + " and ".join(map(repr, parts)),
            _short(run.err),
        )


# --- what there is to check -----------------------------------------------------------------------


def load(build: Path, name: str) -> Program:
    """The program of that name or target name. Raises LookupError."""
    catalog = json.loads((build / "catalog.json").read_text())
    cache = (build / "CMakeCache.txt").read_text()

    def cached(variable: str) -> str:
        match = re.search(rf"^{variable}:\w+=(.*)$", cache, re.MULTILINE)
        return match[1] if match else ""

    for entry in catalog:
        if name in (entry["name"], f"{entry['chapter']}.{entry['name']}"):
            home = Path(cached("CMAKE_HOME_DIRECTORY"))
            return Program(
                **{key: entry[key] for key in ("name", "chapter", "summary", "mpi", "ranks")},
                executable=(build / entry["executable"]).resolve(),
                source=next((home / entry["chapter"]).rglob(f"{entry['name']}.cpp")),
                mpirun=cached("MPIEXEC_EXECUTABLE") or "mpirun",
                sanitized="-fsanitize" in cached("CMAKE_CXX_FLAGS"),
            )
    raise LookupError(f"{build}/catalog.json has no program '{name}'")


def survey(program: Program, found: Found) -> None:
    """Help, the plain run and --json: what they promise, and what the other checks build on."""
    run = program.alone("--help")
    found.ended(run, HOLDS)
    read_help(program, run, found)

    run = program.run()
    program.normal_seconds = run.seconds
    program.has_children = run.had_children and not program.mpi
    found.succeeded(run)
    check_plain_text(program, run, found)

    report = check_json(program, found)
    program.claims = [claim["claim"] for claim in report["claims"]]
    check_claim_lines(program, run, found)
    expected = {*report["options"], "help", "version"}
    seen = sorted(program.options)
    found.expect(
        set(seen) == expected and len(seen) == len(expected),
        None,
        f"--help lists {sorted(expected)} (the options of --json, --help, --version), each once",
        seen,
    )
    if program.mpi:
        check_alone(program, found)
    if not room.is_private():
        found.skip("what nobody of this run was seen to hold: no name spaces of its own here")


def read_help(program: Program, run: Run, found: Found) -> None:
    header = re.match(r"(//.*\n)+", program.source.read_text())[0]
    wanted = [header.splitlines()[0].removeprefix("// ")]
    labels = r"^// ((?:Concept|Shows|Python|Run|You see|Next) .*)"
    wanted += re.findall(labels, header, re.MULTILINE)
    for line in wanted:
        found.expect(line in run.lines, run, f"--help has the source's line '{line}'")
    for line in run.lines:
        if not line.startswith("  --"):
            continue
        match = re.fullmatch(r"  --(\w[\w-]*)( VALUE)? +(\S.*)", line)
        if not found.expect(match is not None, run, "'  --name VALUE  meaning'", line):
            continue
        name, value, meaning = match.groups()
        program.options.append(name)
        bounds = re.search(r", a (whole )?number from (\S+) to (\S+) \(default (\S+)\)$", meaning)
        if bounds:
            program.numbers.append(Number(name, bounds[1] is not None, *bounds.group(2, 3, 4)))
        elif value:
            program.words.append(name)
    common = f"--help lists {sorted(COMMON_OPTIONS)}"
    found.expect(COMMON_OPTIONS <= set(program.options), run, common, program.options)


def check_plain_text(program: Program, run: Run, found: Found) -> None:
    title = f"{program.name}: {program.summary}"
    found.expect(run.lines[:1] == [title], run, f"first line '{title}'", run.lines[:1])
    found.expect(run.err == "", run, "nothing on standard error", run.err)
    found.expect("\x1b" not in run.out, run, "no colour: this is not a terminal", _short(run.out))
    wide = [line for line in run.lines if len(line) > 120]
    found.expect(not wide, run, "no line has more than 120 columns", _short("\n".join(wide)))
    found.expect(5 <= len(run.lines) <= 60, run, "5 to 60 lines", f"{len(run.lines)} lines")


def check_json(program: Program, found: Found) -> dict:
    """Returns the report, an empty one when it is not as it should be."""
    run = program.run("--json")
    found.ended(run, HOLDS)
    found.wrote(run)
    found.expect(run.err == "", run, "nothing on standard error", run.err)
    try:
        report = json.loads(run.out)
        claims, measurements = report["claims"], report["measurements"]
        keys = {"name", "chapter", "options", "measurements", "claims", "all_claims_hold"}
        good = (
            set(report) == keys
            and report["name"] == program.name
            and report["chapter"] == program.chapter
            and report["all_claims_hold"] is True
            and len(claims) > 0
            and all(set(claim) == {"claim", "evidence", "holds"} for claim in claims)
            and all(claim["holds"] is True for claim in claims)
            and all(set(value) == {"name", "value", "unit"} for value in measurements)
        )
    except (ValueError, KeyError, TypeError):
        good = False
    expected = "one JSON object: name, chapter, options, measurements, at least one claim, all hold"
    return report if found.expect(good, run, expected) else {"options": {}, "claims": []}


def check_claim_lines(program: Program, run: Run, found: Found) -> None:
    """The [ok] lines are the claims of --json; the evidence may differ from run to run."""
    texts = [line.removeprefix("[ok] ") for line in run.lines if line.startswith("[ok] ")]
    seen = [claim_in(text, program.claims) for text in texts]
    found.expect(
        Counter(seen) == Counter(program.claims),
        run,
        "the claims of --json: " + "; ".join(program.claims),
        "; ".join(seen),
    )


def claim_in(text: str, claims: list[str]) -> str:
    """The claim that reads "claim" or "claim (evidence)"; the text itself if it is none."""

    def says(claim: str) -> bool:
        return text == claim or text.startswith(f"{claim} (") and text.endswith(")")

    return max(filter(says, claims), key=len, default=text)


def check_alone(program: Program, found: Found) -> None:
    """An MPI program without mpirun is a world of one rank."""
    run = program.alone()
    if run.status == WRONG_COMMAND_LINE and 1 not in program.ranks:
        program.runs_alone = False
        check_too_few_ranks(run, found)
    else:
        found.succeeded(run)


# --- the checks -----------------------------------------------------------------------------------


def check_version(program: Program, found: Found) -> None:
    run = program.alone("--version")
    found.ended(run, HOLDS)
    found.expect(len(run.lines) == 1 and run.lines[0] != "" and run.err == "", run, "one line")


def check_quiet(program: Program, found: Found) -> None:
    """Claims and nothing else; an option's value may follow an equals sign."""
    number = program.numbers[0]
    run = program.run("--quiet", f"--{number.name}={number.default}")
    found.succeeded(run)
    check_claim_lines(program, run, found)
    found.expect(
        len(run.lines) > 1 and all(line.startswith("[ok] ") for line in run.lines[:-1]),
        run,
        "only lines that begin with '[ok] ', and the verdict",
    )


def check_number(program: Program, found: Found, number: Number) -> None:
    """Every wrong value is refused with what is allowed; the ends of the range work."""
    flag = f"--{number.name}"
    wrong = ["four", "", "nan", "9" * 400]
    wrong.append(f"{float(number.highest) * 10:.0f}")
    if number.whole:
        wrong += [str(int(number.lowest) - 1), str(int(number.highest) + 1), "1e9", "0x10", "3.5"]
    if not number.takes(-1):
        wrong.append("-1")
    for arguments in [[flag, value] for value in wrong] + [[flag]]:
        found.rejected(program.alone(*arguments), flag, number.allowed)
    if number.whole and not program.is_very_slow:
        found.succeeded(program.run(flag, number.lowest))
        if int(number.highest) <= LARGEST_VALUE_TO_RUN:
            found.succeeded(program.run(flag, number.highest))


def check_arguments(program: Program, found: Found) -> None:
    """An unknown option, a stray argument, a misspelt option, a value that is missing."""
    for word in program.words:
        found.rejected(program.alone(f"--{word}"), f"--{word}")
        found.rejected(program.alone(f"--{word}", ""), f"--{word}")
    found.rejected(program.alone("--nosuch"), "--nosuch")
    found.rejected(program.alone("stray"), "stray")
    own = [name for name in program.options if name not in COMMON_OPTIONS | {"help", "version"}]
    for name in own or ["deadline"]:
        if len(name) > 2 and name[:-1] not in program.options:
            found.rejected(program.alone(f"--{name[:-1]}"), f"did you mean --{name}?")


def check_terminal(program: Program, found: Found) -> None:
    """Colour on a terminal, if there is a picture, and none where it is not wanted. mpirun gives
    every rank a terminal whatever its own output goes to, so ranks are told by CLICOLOR_FORCE."""
    wanted = {"CLICOLOR_FORCE": "1"} if program.mpi else {}
    run = program.run(stdout="terminal", extra=wanted)
    found.succeeded(run)
    if re.search("[█░▓]", run.out):
        found.expect("\x1b[" in run.out, run, "colour, on a terminal")
    run = program.run(stdout="terminal", extra=wanted | {"NO_COLOR": "1"})
    found.succeeded(run)
    found.expect("\x1b" not in run.out, run, "no colour with NO_COLOR", _short(run.out))


def check_pictures(program: Program, found: Found) -> None:
    """--svg and --trace, by two runs at the same time: neither may disturb the other."""
    arguments = ("--svg", "picture.svg", "--trace", "trace.json")
    for running in [program.start(*arguments) for _ in range(2)]:
        run = running.finish()
        if found.succeeded(run, "picture.svg", "trace.json"):
            check_svg(program, run, found)
            check_trace(run, found)


def check_svg(program: Program, run: Run, found: Found) -> None:
    try:
        picture = xml.fromstring(run.files["picture.svg"])
    except (xml.ParseError, KeyError) as error:
        found.expect(False, run, "an SVG file", error)
        return
    space = "{http://www.w3.org/2000/svg}"
    texts = [e.text for e in picture.iter() if e.tag in (space + "text", space + "title")]
    lanes = [e for e in picture.iter(space + "rect") if e.get("class") == "lane"]
    is_svg = picture.tag == space + "svg" and "viewBox" in picture.attrib
    found.expect(is_svg, run, "an SVG with a viewBox", picture.attrib)
    found.expect(program.name in texts, run, f"the picture's title is '{program.name}'", texts[:3])
    found.expect(len(lanes) > 0, run, "the picture has a lane", "none")


def check_trace(run: Run, found: Found) -> None:
    """Chrome's Trace Event Format, as far as programs use it."""
    try:
        events = json.loads(run.files["trace.json"])["traceEvents"]
        wrong = wrong_events(events)
    except (ValueError, KeyError, TypeError) as error:
        events, wrong = [None], [f"{type(error).__name__}: {error}"]
    found.expect(len(events) > 0, run, "the trace has events")
    found.expect(not wrong, run, "trace events as the format wants them", "\n".join(wrong[:5]))


def wrong_events(events: list[dict]) -> list[str]:
    wrong = []
    needed_by_phase = {"M": (), "X": ("ts", "dur"), "i": ("ts",)}
    needed_by_phase |= dict.fromkeys("besf", ("ts", "id"))
    open_ends: dict[tuple, list[float]] = {}
    for event in events:
        phase = event["ph"]
        needed = needed_by_phase.get(phase)
        if needed is None:
            wrong.append(f"unknown phase: {event}")
        elif missing := [key for key in ("pid", "tid", "name", *needed) if key not in event]:
            wrong.append(f"without {missing}: {event}")
        elif any(event.get(key, 0) < 0 for key in ("ts", "dur", "pid", "tid")):
            wrong.append(f"a number below zero: {event}")
        elif phase in "besf":
            open_ends.setdefault((phase, event.get("cat"), event["id"]), []).append(event["ts"])
    for begin, end in ("be", "sf"):
        for phase, *rest in [key for key in open_ends if key[0] in (begin, end)]:
            begins = sorted(open_ends.get((begin, *rest), []))
            ends = sorted(open_ends.get((end, *rest), []))
            paired = len(begins) == len(ends) and all(b <= e for b, e in zip(begins, ends))
            if not paired and (phase == begin or not begins):
                wrong.append(f"{begin} and {end} of {rest} do not pair: {begins} and {ends}")
    return wrong


def check_picture_refused(program: Program, found: Found) -> None:
    """A picture that cannot be written: which file and why."""
    for option in ("--svg", "--trace"):
        run = program.run(option, "/nonexistent/x")
        found.complained(run, REFUSED, "/nonexistent/x", "No such file or directory")
        run = program.run(option, "/dev/full")
        found.complained(run, REFUSED, "/dev/full", "No space left on device")


def check_output_lost(program: Program, found: Found) -> None:
    """Standard output that is closed, full, or a pipe that nobody reads."""
    if not program.runs_alone:
        return found.skip("standard output lost: needs mpirun, and standard output is mpirun's")
    found.complained(program.alone(redirect=">&-"), REFUSED, "standard output", "closed")
    found.complained(program.alone(stdout="unread"), REFUSED, "standard output", "Broken pipe")
    for arguments in ([], ["--json"], ["--help"], ["--version"]):
        run = program.alone(*arguments, redirect=">/dev/full")
        found.complained(run, REFUSED, "standard output", "No space left on device")


def check_surroundings(program: Program, found: Found) -> None:
    """No working directory, environment, standard input or standard error is needed."""
    run = program.run(cwd="/", bare=True)
    found.succeeded(run)
    found.expect(run.err == "", run, "nothing on standard error", run.err)
    if not program.runs_alone:
        return found.skip("standard input and error closed: needs mpirun, and they are mpirun's")
    run = program.alone(redirect="<&-")
    found.succeeded(run)
    found.expect(run.err == "", run, "nothing on standard error", run.err)
    found.succeeded(program.alone(redirect="<&- 2>&-"))


def check_deadline(program: Program, found: Found) -> None:
    """A deadline that no program can keep: it says so, or was quicker all the same."""
    runs = [program.run("--deadline", "0.001")]
    if program.mpi and program.runs_alone:
        runs.append(program.alone("--deadline", "0.001", tolerate=LEFT_WITHOUT_MPIRUN))
    for run in runs:
        found.ended(run, HOLDS, DEADLINE)
        found.wrote(run)
        if run.status == DEADLINE:
            first = program.complaints(run)[:1]
            found.expect(
                len(first) == 1 and first[0].startswith(f"{program.name}: still running"),
                run,
                f"first '{program.name}: still running ...' on standard error",
                _short(run.err),
            )


def check_signal(program: Program, found: Found, number: signal.Signals) -> None:
    """A signal at random moments ends the program (an MPI program: mpirun), and all of it."""
    choice = random.Random(f"{program.name} {number}")
    killed_mpirun = program.mpi and number == signal.SIGKILL
    leaves_children = program.has_children and number == signal.SIGKILL
    tolerate = LEFT_BY_SANITIZER if program.sanitized else None
    if program.mpi:
        tolerate = LEFT_BY_KILLED_MPIRUN if killed_mpirun else LEFT_BY_KILLED_RANK
    for _ in range(program.losses if leaves_children else program.moments):
        running = program.start(tolerate=tolerate)
        moment = choice.uniform(0, program.normal_seconds)
        time.sleep(moment)  # orders nothing: the moment is what is random
        deaf = running.ignores(number)
        running.process.send_signal(number)
        run = interrupted(running, f"{number.name} after {moment:.3f} s")
        if mpirun_failed(program, run):
            found.skip(f"{run.command}: all ranks ended, mpirun itself got stuck or crashed")
            continue
        found.expect(not deaf, run, f"{number.name} is not ignored", "it is, by /proc/PID/status")
        if program.mpi and not killed_mpirun:
            ended_by_mpirun(run, found)
        elif run.status == HOLDS:
            found.succeeded(run)  # it was quicker
        else:
            found.ended(run, -number)
        found.wrote(run)


def interrupted(running: Running, by: str, deadline: float = 0) -> Run:
    run = running.finish(deadline + TIME_TO_END)
    return replace(run, command=f"{run.command}  ({by})")


# --- the checks of programs that have children ----------------------------------------------------


def check_child_lost(program: Program, found: Found, number: signal.Signals) -> None:
    """One of its processes, not the first, gets a signal at random moments: the program ends all
    the same, by its deadline at the latest, and takes the others with it."""
    choice = random.Random(f"{program.name} child {number}")
    wanted = program.losses if number == signal.SIGKILL else 1
    end = time.monotonic() + TIME_FOR_LOSSES
    losses: list[tuple[float, int | None]] = []  # when, and with which status it ended
    latest = program.normal_seconds
    tries = 0
    while len(losses) < wanted and (time.monotonic() < end or not losses and tries < TRIES_TO_LOSE):
        tries += 1
        moment = choice.uniform(0, latest)
        run, lost_at = lose_child(program, number, choice, moment)
        if lost_at is not None:
            losses.append((lost_at, run.status))
            ended_with_loss(run, found)
        elif run.had_children:
            latest = moment  # there were none any more: earlier next time
            found.ended(run, HOLDS, DEADLINE)
        else:  # what survey() saw was the sanitizer's
            found.note = "no child processes"
            return
    found.note = _losses_text(losses)
    found.expect(len(losses) > 0, None, "a child process to kill", "each time it was too late")


def lose_child(
    program: Program, number: signal.Signals, choice: random.Random, moment: float
) -> tuple[Run, float | None]:
    """Signals one of the children that live at that moment, or the next one; and when that was,
    None if the program ended first."""
    deadline = round(2 + 2 * program.normal_seconds, 1)  # a loss should not take long to show
    running = program.start("--deadline", str(deadline), extra=without_tracer(program))
    time.sleep(moment)  # orders nothing: the moment is what is random
    children = wait_for_children(running)
    if not children:
        return running.finish(), None
    signal_one(children, number, choice)
    lost_at = time.monotonic() - running.began
    by = f"{number.name} to one of {len(children)} children after {lost_at:.3f} s"
    return interrupted(running, by, deadline), lost_at


def without_tracer(program: Program) -> dict[str, str]:
    """AddressSanitizer looks for leaks by a process of its own, which is not the program's."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": f"{options}:detect_leaks=0"} if program.sanitized else {}


def wait_for_children(running: Running) -> list[int]:
    """Those that live; none when the program ended first."""
    while not (children := running.children()) and not running.has_ended():
        time.sleep(0.0005)
    return children


def ended_with_loss(run: Run, found: Found) -> None:
    """With the verdict, if all was done already or it could do without; or it says why not."""
    if run.status == HOLDS:
        found.succeeded(run)
    elif found.ended(run, HOLDS, FAILED, REFUSED, DEADLINE):
        found.expect(run.err != "", run, "it says why on standard error")
    found.wrote(run)


# --- the checks of MPI programs -------------------------------------------------------------------


def check_ranks(program: Program, found: Found, ranks: int) -> None:
    """Any number of ranks works or is refused in one line; those of the catalog work."""
    run = program.run(ranks=ranks)
    if run.status == WRONG_COMMAND_LINE and ranks not in program.ranks:
        check_too_few_ranks(run, found)
    else:
        found.succeeded(run)
        check_claim_lines(program, run, found)


def check_too_few_ranks(run: Run, found: Found) -> None:
    found.rejected(run, "ranks")
    said = " ".join(found.program.complaints(run))
    found.expect(re.search(r"\d", said) is not None, run, "it says how many ranks it needs", said)


def check_rejected_together(program: Program, found: Found) -> None:
    """A wrong command line under mpirun: all ranks end, one of them speaks."""
    found.rejected(program.run("--nosuch", ranks=3), "--nosuch")


def check_unbuffered(program: Program, found: Found, extra: dict[str, str]) -> None:
    """Nothing depends on a message being buffered: it ends as ever when none is."""
    for ranks in sorted({program.usual_ranks, max(program.ranks)}):
        run = program.run("--quiet", ranks=ranks, extra=extra)
        found.succeeded(run)


def check_rank_lost(program: Program, found: Found, number: signal.Signals) -> None:
    """One rank gets a signal at random moments: mpirun ends and takes the others with it."""
    choice = random.Random(f"{program.name} rank {number}")
    ranks = max(program.ranks)
    for _ in range(program.moments if number == signal.SIGKILL else 1):
        running = program.start(ranks=ranks, tolerate=LEFT_BY_KILLED_RANK)
        wait_for_ranks(running, program, ranks)
        moment = choice.uniform(0, program.normal_seconds)
        time.sleep(moment)  # orders nothing: the moment is what is random
        signal_one(running.running(program.executable), number, choice)
        run = interrupted(running, f"{number.name} to one rank after {moment:.3f} s")
        if mpirun_failed(program, run):
            found.skip(f"{run.command}: all ranks ended, mpirun itself got stuck or crashed")
        else:
            ended_by_mpirun(run, found)


def ended_by_mpirun(run: Run, found: Found) -> None:
    """Not with 0, unless all claims were made before the signal came, and with nothing left."""
    if run.status == HOLDS:
        found.succeeded(run)
        return
    ended = f"mpirun ends within {TIME_TO_END} s"
    found.expect(run.status is not None, run, ended, f"these still ran: {run.survivors}")
    found.expect(not run.left, run, "nothing is left behind", "\n".join(run.left))


def mpirun_failed(program: Program, run: Run) -> bool:
    """Open MPI 4.1 with PMIx 4.2: a few times in a hundred, mpirun deadlocks or crashes in its own
    PMIx_server_finalize when ranks are lost while others are in MPI_Finalize. Only mpirun is left
    then, and it has no rank to end; the program can do nothing about that."""
    only_mpirun = bool(run.survivors) and str(program.executable) not in run.survivors
    return program.mpi and (only_mpirun or run.status == -signal.SIGSEGV)


def wait_for_ranks(running: Running, program: Program, ranks: int) -> None:
    while running.process.poll() is None:
        if len(running.running(program.executable)) >= ranks:
            return
        time.sleep(0.005)


def signal_one(pids: list[int], number: signal.Signals, choice: random.Random) -> None:
    with contextlib.suppress(IndexError, ProcessLookupError):  # all have ended already
        os.kill(choice.choice(pids), number)


# --- all of it ------------------------------------------------------------------------------------


def all_checks(program: Program) -> list[tuple]:
    """Title, function and its arguments of each check besides survey(), the longest first."""
    checks: list[tuple] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        checks.append((f"{number.name} at random moments", check_signal, number))
    if program.has_children:
        for number in (signal.SIGKILL, signal.SIGTERM):
            checks.append((f"{number.name} to one child process", check_child_lost, number))
    if program.mpi:
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            checks.append((f"{number.name} to one rank", check_rank_lost, number))
        for ranks in sorted({1, 3, 5, 7, *program.ranks}):
            checks.append((f"ranks: {ranks}", check_ranks, ranks))
        checks.append(("wrong command line under mpirun", check_rejected_together))
        checks.append(("every send synchronous", check_unbuffered, SYNCHRONOUS))
        checks.append(("eager limit zero", check_unbuffered, NOT_EAGER))
    for option in program.numbers:
        checks.append((f"values of --{option.name}", check_number, option))
    if not program.is_very_slow:
        checks += [
            ("pictures that cannot be written", check_picture_refused),
            ("standard output lost", check_output_lost),
            ("surroundings", check_surroundings),
            ("terminal", check_terminal),
            ("quiet", check_quiet),
            ("deadline", check_deadline),
            ("pictures, two runs at once", check_pictures),
        ]
    return checks + [
        ("unknown, misspelt and incomplete arguments", check_arguments),
        ("version", check_version),
    ]


def carry_out(program: Program, check: Callable, *more, end: float) -> Found:
    """Calls the check, unless it is too late to begin one."""
    began = time.monotonic()
    found = Found(program)
    if began > end:
        late = f"all checks have begun within {TIME_FOR_ALL} s"
        if program.sanitized:
            found.skip(f"{late}: not so")
        else:
            found.expect(False, None, late, "not this one")
        return found
    try:
        check(program, found, *more)
    except Exception:  # what was not foreseen is a failure too, and the other checks go on
        found.expect(False, None, "the check itself comes to its end", traceback.format_exc())
    found.seconds = time.monotonic() - began
    return found


def tell(title: str, found: Found) -> None:
    verdict = "FAILED" if found.failures else "ok"
    note = f": {found.note}" if found.note else ""
    print(f"{verdict:<7} {title} ({found.checks} checks, {found.seconds:.1f} s){note}")
    for failure in found.failures:
        print("    " + failure.replace("\n", "\n    ") + "\n")
    for why in found.skips:
        print(f"skipped {why}")
    sys.stdout.flush()


def check_all(program: Program) -> Counter:
    """Prints what every check found; returns how many there were, failed, and were skipped."""
    end = time.monotonic() + TIME_FOR_ALL
    totals = Counter(checks=0, failed=0, skipped=0)

    def carry_out_and_tell(title: str, check: Callable, *more) -> None:
        found = carry_out(program, check, *more, end=end)
        tell(title, found)
        totals["checks"] += found.checks
        totals["failed"] += len(found.failures)
        totals["skipped"] += len(found.skips)

    carry_out_and_tell("help, plain run, --json", survey)
    for check in all_checks(program):
        carry_out_and_tell(*check)
    return totals


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="the build folder")
    parser.add_argument("name", help="the program's name or target")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits it ignored,
        signal.signal(number, signal.SIG_DFL)  # and so would the programs
    room.enter(arguments.build)
    totals = check_all(load(arguments.build, arguments.name))
    print("{checks} checks, {failed} failed, {skipped} skipped".format(**totals))
    return 1 if totals["failed"] else 0


def _status_text(status: int | None) -> str:
    if status is None:
        return "no end in time"
    return f"status {status}" if status >= 0 else f"{signal.Signals(-status).name}"


def _losses_text(losses: list[tuple[float, int | None]]) -> str:
    statuses = Counter(status for _, status in losses)
    ends = ", ".join(f"{_status_text(s)} ({count}x)" for s, count in statuses.most_common())
    moments = " ".join(sorted(f"{moment:.3f}" for moment, _ in losses))
    processes = "process" if len(losses) == 1 else "processes"
    return f"{len(losses)} {processes} killed, after {moments} s; {ends}"


def _short(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines if len(lines) <= 12 else [*lines[:6], "...", *lines[-5:]]) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
