# SPDX-License-Identifier: MIT
"""Each check of a program, held against one that has a fault and against one that has none.

    python3 -m pytest tests/programs/test_checks.py --build build/release
"""

import dataclasses
import re
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import test_program as checks
from harness import catalog, processes
from harness.processes import Run
from program import Number, Program

SOURCE = "// SPDX-License-Identifier: MIT\n// Faulty: it stands for a program.\n//\n// {}\n"
THREADS = Number("threads", True, "2", "8")
PATIENCE = 0.3  # seconds: for what stays anyway

Faulty = Callable[..., Program]


@pytest.fixture
def faulty(tmp_path, pytestconfig, monkeypatch) -> Faulty:
    """Makes a program with these faults."""
    monkeypatch.setattr(processes, "PATIENCE", PATIENCE)
    build = pytestconfig.getoption("build")

    def make(*faults: str, ranks: tuple[int, ...] = (), label: str = "Concept   a stand-in") -> Program:
        name = "faulty_mpi" if ranks else "faulty"
        executable = shutil.copy(build / "tests" / "programs" / name, tmp_path)
        (tmp_path / "faults").write_text("\n".join(faults))
        source = tmp_path / "source.cpp"
        source.write_text(SOURCE.format(label))
        mpirun = catalog.cached(build, "MPIEXEC_EXECUTABLE")
        program = Program(name, Path(executable), source, ranks, mpirun)
        program.read_help()
        return program

    return make


signal_ends = checks.test_a_signal_ends_it_and_all_of_it
child_lost = checks.test_a_lost_child_ends_it
by_kill, by_term = {"number": signal.SIGKILL}, {"number": signal.SIGTERM}


def test_a_good_program_passes(faulty):
    program = faulty("children")
    assert program.own_numbers == [THREADS]
    assert program.has_children and not program.mpi
    checks.test_the_plain_run(program)
    checks.test_the_help(program)
    checks.test_json_and_pictures_by_two_runs_at_once(program)
    checks.test_the_ends_of_a_range_work_and_nothing_beyond(program, THREADS)
    checks.test_a_deadline_that_no_program_can_keep(program)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        signal_ends(program, number)
    for number in (signal.SIGKILL, signal.SIGTERM):
        child_lost(program, number)


def test_a_program_without_children_has_none(faulty):
    assert not faulty().has_children


@pytest.mark.parametrize(
    "check, fault, says",
    [
        (checks.test_the_plain_run, "fails in the end", "expected  status 0\nseen      status 1"),
        (checks.test_the_plain_run, "speaks on standard error", "nothing on standard error"),
        (checks.test_the_plain_run, "in colour", "no colour: this is not a terminal"),
        (checks.test_the_plain_run, "too wide", "no line has more than 120 columns"),
        (checks.test_the_plain_run, "too long", "5 to 60 lines"),
        (checks.test_the_plain_run, "a claim in text only", "the claims of --json"),
        (checks.test_the_plain_run, "needs its environment", "env -i"),
        (checks.test_the_plain_run, "needs its folder", "cd /"),
        (checks.test_the_plain_run, "leaves a process", "process "),
        (checks.test_json_and_pictures_by_two_runs_at_once, "cannot run twice", "seen      status 3"),
        (checks.test_json_and_pictures_by_two_runs_at_once, "draws no lane", "the picture has a lane"),
        (checks.test_json_and_pictures_by_two_runs_at_once, "prints beside JSON", "one JSON object"),
        (checks.test_json_and_pictures_by_two_runs_at_once, "leaves a file", "files: "),
        (partial(signal_ends, **by_term), "ignores SIGTERM", "SIGTERM is not ignored"),
        (partial(signal_ends, **by_term), "ends with 1 by SIGTERM", "SIGTERM after"),
        (partial(signal_ends, **by_kill), "leaves a file", "files: ()"),
        (partial(signal_ends, **by_kill), "leaves a process", ": sleep 20"),
        (partial(signal_ends, **by_kill), "leaves a temporary file", "temporary file /"),
        (partial(signal_ends, **by_kill), "leaves shared memory", "name /dev/shm/faulty."),
        (partial(child_lost, **by_kill), "a lost child's sibling stays", ": sleep 20"),
        (partial(child_lost, **by_kill), "a lost child leaves shared memory", "name /dev/shm/faulty."),
        (partial(child_lost, **by_kill), "a lost child crashes it", "signal 11"),
        (partial(child_lost, **by_kill), "a lost child is not told", "it says why on standard error"),
        (partial(child_lost, **by_term), "hangs when a child is lost", "no end in time"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_a_fault_is_found(faulty, monkeypatch, check, fault, says):
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setattr(checks, "TIME_TO_END", PATIENCE)
    program = faulty(fault, *["children"] * ("child" in fault))
    with pytest.raises(AssertionError, match=re.escape(says)):
        check(program)


@pytest.mark.parametrize("fault, value", [("fails with the least", 2), ("fails with the most", 8)])
def test_an_end_of_a_range_that_does_not_work_is_found(faulty, fault, value):
    with pytest.raises(AssertionError, match=f"--threads {value}\nexpected  status 0"):
        checks.test_the_ends_of_a_range_work_and_nothing_beyond(faulty(fault), THREADS)


def test_a_range_that_is_told_wrongly_is_found(faulty):
    narrower = dataclasses.replace(THREADS, highest="7")
    with pytest.raises(AssertionError, match="from 2 to 7"):
        checks.test_the_ends_of_a_range_work_and_nothing_beyond(faulty(), narrower)


def test_a_label_that_the_help_lacks_is_found(faulty):
    with pytest.raises(AssertionError, match="'Concept   another'"):
        checks.test_the_help(faulty(label="Concept   another"))


def test_a_program_that_hangs_is_found_and_killed(faulty, monkeypatch):
    running = faulty("hangs").start()
    run = running.finish(PATIENCE)
    assert (run.status, processes.living()) == (None, [])
    with pytest.raises(AssertionError, match="no end in time"):
        checks.ended(run, 0)


def test_claims_are_compared_without_their_evidence():
    claims = ["all is well", "all is well (nearly)"]
    for text, claim in (
        ("all is well (7 of 7)", "all is well"),
        ("all is well", "all is well"),
        ("all is well (nearly) (7)", "all is well (nearly)"),
        ("all is well, or so", "all is well, or so"),
    ):
        assert checks.claim_in(text, claims) == claim


def event(phase: str, **more) -> dict:
    return {"ph": phase, "pid": 1, "tid": 1, "name": "n", "ts": 5, **more}


def test_good_trace_events():
    good = [
        {"ph": "M", "pid": 1, "tid": 1, "name": "thread_name"},
        event("X", dur=0),
        event("b", id=1, ts=1),
        event("b", id=1, ts=2),
        event("e", id=1, ts=3),
        event("e", id=1, ts=4),
        event("s", id=1, cat="message"),
        event("f", id=1, cat="message"),
        event("i"),
    ]
    assert checks.wrong_events(good) == []


@pytest.mark.parametrize(
    "bad",
    [
        [event("X")],
        [event("b", id=1)],
        [event("f", id=1)],
        [event("s", id=1, ts=6), event("f", id=1, ts=5)],
        [event("s", id=1), event("f", id=2)],
        [event("s"), event("f")],
        [event("X", dur=-1)],
        [event("?")],
        [{"ph": "X", "pid": 1, "name": "n", "ts": 1, "dur": 1}],
    ],
)
def test_wrong_trace_events_are_found(bad):
    assert checks.wrong_events(bad) != []


# --- MPI ------------------------------------------------------------------------------------------


def test_a_good_mpi_program_passes(faulty):
    program = faulty(ranks=(1, 2, 3))
    assert program.further_ranks == [5, 7]
    checks.test_the_plain_run(program)
    checks.test_any_number_of_ranks_works_or_is_refused(program, 5)
    checks.test_nothing_depends_on_a_message_being_buffered(program)
    for number in (signal.SIGKILL, signal.SIGTERM):
        signal_ends(program, number)
    checks.test_a_lost_rank_ends_all(program)


@pytest.mark.parametrize(
    "fault, ranks, says",
    [
        ("fails with 5 ranks", 5, "expected  status 0\nseen      status 1"),
        ("all ranks speak", 3, "'all claims hold' once"),
        ("needs ranks, does not say how many", 1, "it says how many ranks it needs"),
    ],
)
def test_a_wrong_number_of_ranks_is_found(faulty, fault, ranks, says):
    with pytest.raises(AssertionError, match=re.escape(says)):
        checks.test_any_number_of_ranks_works_or_is_refused(faulty(fault, ranks=(2, 3)), ranks)


def test_too_few_ranks_may_be_refused(faulty):
    checks.test_any_number_of_ranks_works_or_is_refused(faulty("needs 2 ranks", ranks=(2, 3)), 1)


def test_a_need_for_buffers_is_found(faulty):
    with pytest.raises(AssertionError, match="seen      status 4"):
        checks.test_nothing_depends_on_a_message_being_buffered(faulty("needs buffers", ranks=(2,)))


def test_what_a_lost_rank_leaves_is_found(faulty):
    with pytest.raises(AssertionError, match="nothing is left behind\nseen      process .*: sleep 20"):
        checks.test_a_lost_rank_ends_all(faulty("leaves a process", ranks=(2,)))


def test_an_mpirun_that_got_stuck_without_ranks_is_not_the_programs_fault(faulty):
    program = faulty(ranks=(2,))
    run = Run("mpirun", None, "", "", 1.0, {}, [], False, survivors=[checks.mpirun_of(program)])
    assert checks.mpirun_failed(program, run)
    checks.ended_by_mpirun(program, run)
    for other in (str(program.executable), "/usr/bin/sleep"):
        more = dataclasses.replace(run, survivors=[*run.survivors, other])
        with pytest.raises(AssertionError, match="mpirun ends within"):
            checks.ended_by_mpirun(program, more)
