# SPDX-License-Identifier: MIT
"""Holds one program of the book against what every program promises, faults included.

    python3 -m pytest tests/programs/test_program.py --build build/release --program lost_update

Only what differs from program to program is tested here: its claims, its own options, its signals
and losses, its ranks, what it leaves behind, its pictures. What one function of the library does for
all of them, the command line first of all, is tested once: test_contract.py, tests/common.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import time
import xml.etree.ElementTree as xml
from collections import Counter
from dataclasses import replace

import pytest

from harness.processes import Run, Running, executable, living, wait_until
from program import (
    DEADLINE,
    FAILED,
    HOLDS,
    REFUSED,
    WRONG_COMMAND_LINE,
    Number,
    Program,
    ended,
    expect,
    short,
    wrote,
)

LARGEST_VALUE_TO_RUN = 64  # above it, the largest allowed value may take very long
LOSSES = 20  # of a child process, and of a parent of some: at random moments
TIME_FOR_LOSSES = 5  # seconds after which no further one is lost
TRIES_TO_LOSE = 20  # one at least
LOW_PRIORITY = 10  # of whoever loses a child: the look at it comes first, on one core too
TIME_TO_END = 60  # seconds, after a signal or the loss of a rank
MPIRUN_IS_STUCK = 10  # seconds that it lives without ranks
# No message is buffered. Open MPI's header alone takes 56 bytes, and in shared memory small messages
# are never held back.
UNBUFFERED = {
    "PDC_MPI_SYNCHRONOUS": "1",
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
    rf"{LEFT_BY_KILLED_RANK.pattern}|/dev/shm/(vader_segment|osc_sm)\.|/ompi\.[^/]*$"
)
# ThreadSanitizer's own, in the first millisecond of a program.
LEFT_BY_SANITIZER = re.compile(r"/tsan\.rodata\.\d+$")

mpi_only = pytest.mark.mpi
with_children_only = pytest.mark.children


# --- what it says ---------------------------------------------------------------------------------


def test_the_plain_run(program: Program):
    run = program.plain
    program.succeeded(run)
    expect(run.err == "", run, "nothing on standard error", run.err)
    expect("\x1b" not in run.out, run, "no colour: this is not a terminal")
    wide = [line for line in run.lines if len(line) > 120]
    expect(not wide, run, "no line has more than 120 columns", short("\n".join(wide)))
    expect(5 <= len(run.lines) <= 60, run, "5 to 60 lines", f"{len(run.lines)} lines")
    expect_claims(program, run)


def expect_claims(program: Program, run: Run) -> None:
    """The [ok] lines are the claims of --json; the evidence may differ from run to run."""
    texts = [line.removeprefix("[ok] ") for line in run.lines if line.startswith("[ok] ")]
    seen = [claim_in(text, program.claims) for text in texts]
    expected = "the claims of --json: " + "; ".join(program.claims)
    expect(Counter(seen) == Counter(program.claims), run, expected, "; ".join(seen))


def claim_in(text: str, claims: list[str]) -> str:
    """The claim that reads "claim" or "claim (evidence)"; the text itself if it is none."""

    def says(claim: str) -> bool:
        return text == claim or text.startswith(f"{claim} (") and text.endswith(")")

    return max(filter(says, claims), key=len, default=text)


def test_the_help(program: Program):
    """It has the page's header, and the options that --json tells of."""
    run = program.alone("--help")
    ended(run, HOLDS)
    [header] = re.findall(r"\A(?:// SPDX.*\n)?((?://.*\n)+)", program.source.read_text())
    first, *others = [line.removeprefix("//").strip() for line in header.splitlines()]
    labelled = [line for line in others if re.match(r"(Concept|Shows|Python|Run|You see|Next) ", line)]
    for line in (first, *labelled):
        expect(line in run.lines, run, f"--help has the source's line '{line}'")
    told = {*json.loads(program.twins[0].out)["options"], "help", "version"}
    expect(Counter(program.options) == Counter(told), run, f"the options {sorted(told)}, each once")


def test_json_and_pictures_by_two_runs_at_once(program: Program):
    for run in program.twins:
        ended(run, HOLDS)
        more = [file for file in run.files if re.fullmatch(r"picture-\d+\.svg", file)]
        wrote(run, "picture.svg", "trace.json", *more)
        expect(run.err == "", run, "nothing on standard error", run.err)
        expect(is_good_report(program, run.out), run, "one JSON object in which all claims hold")
        expect_svg(program, run)
        expect_trace(run)


def is_good_report(program: Program, text: str) -> bool:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        report = json.loads(text)
        named = report["name"] == program.name
        return named and report["all_claims_hold"] and all(c["holds"] for c in report["claims"])
    return False


def expect_svg(program: Program, run: Run) -> None:
    try:
        picture = xml.fromstring(run.files["picture.svg"])
    except xml.ParseError as error:
        return expect(False, run, "an SVG file", error)
    space = "{http://www.w3.org/2000/svg}"
    lanes = [e for e in picture.iter(space + "rect") if e.get("class") == "lane"]
    is_svg = picture.tag == space + "svg" and "viewBox" in picture.attrib
    expect(is_svg, run, "an SVG with a viewBox", picture.attrib)
    return expect(len(lanes) > 0, run, "the picture has a lane", "none")


def expect_trace(run: Run) -> None:
    """Chrome's Trace Event Format, as far as programs use it."""
    events = json.loads(run.files["trace.json"])["traceEvents"]
    expect(len(events) > 0, run, "the trace has events")
    wrong = wrong_events(events)
    expect(not wrong, run, "trace events as the format wants them", "\n".join(wrong[:5]))


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


# --- its own options ------------------------------------------------------------------------------


def test_the_ends_of_a_range_work_and_nothing_beyond(program: Program, option: Number):
    flag = f"--{option.name}"
    step = 1 if option.whole else 0.001
    beyond = float(option.lowest) - step, float(option.highest) + step
    for value in beyond:
        program.rejected(program.alone(flag, f"{value:.10g}"), flag, option.allowed)
    if option.whole and not program.is_very_slow:
        program.succeeded(program.run(flag, option.lowest))
        if int(option.highest) <= LARGEST_VALUE_TO_RUN:
            program.succeeded(program.run(flag, option.highest))


# --- how it ends ----------------------------------------------------------------------------------


def test_a_deadline_that_no_program_can_keep(program: Program):
    """It says so, or was quicker all the same."""
    run = program.run("--deadline", "0.001")
    ended(run, HOLDS, DEADLINE)
    wrote(run)
    if run.status == DEADLINE:
        first = "".join(program.complaints(run)[:1])
        expect(first.startswith(f"{program.name}: still running"), run, "first '... still running'")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_all_of_it(program: Program, number: signal.Signals):
    """At random moments, the first one half-way. What has the default action of a signal ends as by
    SIGKILL, and so does a job, whose mpirun gets the signal: once is enough for those. To mpirun
    SIGINT is SIGTERM."""
    if program.mpi and number == signal.SIGINT:
        pytest.skip("mpirun does the same as with SIGTERM")
    choice = random.Random(f"{program.name} {number}")
    killed_mpirun = program.mpi and number == signal.SIGKILL
    tolerate = LEFT_BY_SANITIZER if program.sanitized else None
    if program.mpi:
        tolerate = LEFT_BY_KILLED_MPIRUN if killed_mpirun else LEFT_BY_KILLED_RANK
    moment = program.seconds / 2
    for _ in range(how_often(program, number)):
        running = program.start(tolerate=tolerate)
        time.sleep(moment)  # orders nothing: the moment is what is random
        is_ignored, is_caught = running.ignores(number), running.catches(number)
        running.process.send_signal(number)
        run = interrupted(program, running, f"{number.name} after {moment:.3f} s")
        expect(not is_ignored, run, f"{number.name} is not ignored", "it is, by /proc/PID/status")
        ended_by_signal(program, run, number)
        if number != signal.SIGKILL and (program.mpi or not is_caught):
            break
        moment = choice.uniform(0, program.seconds)


def how_often(program: Program, number: signal.Signals) -> int:
    if program.sanitized:
        return 2 if program.has_children and number == signal.SIGKILL else 1
    if program.has_children and number == signal.SIGKILL:
        return min(LOSSES, max(2, int(TIME_FOR_LOSSES / program.seconds)))
    return 1 if program.mpi else 2 if program.is_slow else 5


def ended_by_signal(program: Program, run: Run, number: signal.Signals) -> None:
    if run.status == HOLDS:
        program.succeeded(run)  # it was quicker
    elif program.mpi and number != signal.SIGKILL:
        ended_by_mpirun(program, run)
    else:
        ended(run, -number)
    wrote(run)


def interrupted(program: Program, running: Running, by: str, deadline: float = 0) -> Run:
    if program.mpi:
        wait_until(lambda: running.has_ended() or not ranks_of(program, running), TIME_TO_END)
        wait_until(running.has_ended, MPIRUN_IS_STUCK)
    is_stuck = program.mpi and only_mpirun_lives(program)
    run = running.finish(0 if is_stuck else deadline + TIME_TO_END)
    return replace(run, command=f"{run.command}  ({by})")


@with_children_only
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lost_child_ends_it(program: Program, number: signal.Signals):
    """One of its processes, not the first, gets a signal at random moments: the program ends all
    the same, by its deadline at the latest, and takes the others with it."""
    choice = random.Random(f"{program.name} child {number}")
    wanted = how_often(program, number) if number == signal.SIGKILL else 1
    end = time.monotonic() + TIME_FOR_LOSSES
    latest, losses = program.seconds, 0
    for attempt in range(wanted + TRIES_TO_LOSE):
        run, is_lost = lose_child(program, number, choice, latest)
        if is_lost:
            losses += 1
            ended_with_loss(program, run)
        else:  # there were none any more: earlier next time
            latest /= 2
            ended(run, HOLDS, DEADLINE)
        if losses == wanted or losses and time.monotonic() > end:
            break
    expect(losses > 0, run, "a child process to end", "each time it was too late")


def lose_child(
    program: Program, number: signal.Signals, choice: random.Random, latest: float
) -> tuple[Run, bool]:
    """Signals one of the children that live at a moment, or the next one; and whether there was one
    before the program ended."""
    deadline = round(2 + 2 * program.seconds, 1)  # a loss should not take long to show
    running = program.start("--deadline", str(deadline), extra=program.without_tracer)
    os.setpriority(os.PRIO_PROCESS, running.process.pid, LOW_PRIORITY)
    moment = choice.uniform(0, latest)
    time.sleep(moment)  # orders nothing: the moment is what is random
    while not (children := running.children()) and not running.has_ended():
        pass  # with no rest between the looks: some live for less than a millisecond
    if not children:
        return running.finish(), False
    signal_one(children, number, choice)
    by = f"{number.name} to one of {len(children)} children after {moment:.3f} s"
    return interrupted(program, running, by, deadline), True


def ended_with_loss(program: Program, run: Run) -> None:
    """With the verdict, if all was done already or it could do without; or it says why not."""
    if run.status == HOLDS:
        program.succeeded(run)
    else:
        ended(run, FAILED, REFUSED, DEADLINE)
        expect(run.err != "", run, "it says why on standard error", "nothing")
    wrote(run)


def signal_one(pids: list[int], number: signal.Signals, choice: random.Random) -> None:
    with contextlib.suppress(IndexError, ProcessLookupError):  # all have ended already
        os.kill(choice.choice(pids), number)


# --- ranks ----------------------------------------------------------------------------------------


@mpi_only
def test_any_number_of_ranks_works_or_is_refused(program: Program, ranks: int):
    """Without buffers, too."""
    run = program.run(ranks=ranks, extra=UNBUFFERED)
    if run.status == WRONG_COMMAND_LINE:
        program.rejected(run, "ranks")
        said = " ".join(program.complaints(run))
        expect(re.search(r"\d", said) is not None, run, "it says how many ranks it needs", said)
    else:
        program.succeeded(run)
        expect_claims(program, run)


@mpi_only
def test_nothing_depends_on_a_message_being_buffered(program: Program):
    program.succeeded(program.run("--quiet", extra=UNBUFFERED))


@mpi_only
def test_a_lost_rank_ends_all(program: Program):
    """At a random moment: mpirun ends and takes the others with it."""
    choice = random.Random(f"{program.name} rank")
    running = program.start(tolerate=LEFT_BY_KILLED_RANK)
    wait_until(lambda: len(ranks_of(program, running)) == program.usual_ranks or running.has_ended())
    moment = choice.uniform(0, program.seconds)
    time.sleep(moment)  # orders nothing: the moment is what is random
    signal_one(ranks_of(program, running), signal.SIGKILL, choice)
    ended_by_mpirun(program, interrupted(program, running, f"SIGKILL to one rank after {moment:.3f} s"))


def ranks_of(program: Program, running: Running) -> list[int]:
    return running.running(program.executable)


def ended_by_mpirun(program: Program, run: Run) -> None:
    """Not with 0, unless all claims were made before the signal came, and with nothing left."""
    if run.status == HOLDS:
        program.succeeded(run)
    elif mpirun_failed(program, run):
        print(f"{run.command}: all ranks ended, mpirun itself got stuck or crashed")
    else:
        expect(run.status is not None, run, f"mpirun ends within {TIME_TO_END} s", run.survivors)
        expect(not run.left, run, "nothing is left behind", "\n".join(run.left))


def mpirun_failed(program: Program, run: Run) -> bool:
    """Open MPI 4.1 with PMIx 4.2: a few times in a hundred, mpirun deadlocks or crashes in its own
    PMIx_server_finalize when ranks are lost while others are in MPI_Finalize. Only mpirun is left
    then, and it has no rank to end; the program can do nothing about that."""
    return run.survivors == [mpirun_of(program)] or run.status == -signal.SIGSEGV


def only_mpirun_lives(program: Program) -> bool:
    return [executable(process.pid) for process in living()] == [mpirun_of(program)]


def mpirun_of(program: Program) -> str:
    """What runs."""
    return os.path.realpath(shutil.which(program.mpirun))
