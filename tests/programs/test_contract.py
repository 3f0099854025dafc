# SPDX-License-Identifier: MIT
"""What every program promises and one function of the library keeps, held against scenarios of
tests/common: one of a program, one of an MPI program. What it prints in detail, and most wrong
command lines, are tested there.

    python3 -m pytest tests/programs/test_contract.py --build build/release
"""

import json
import re
from functools import partial

import pytest

from harness import catalog
from harness.processes import Run
from program import DEADLINE, HOLDS, REFUSED, VERDICT, Program, ended, expect, wrote

SCENE = re.compile("[█░▓>]")
# A single process without mpirun has nobody who removes its session directory when it ends in
# another way than by MPI_Finalize or MPI_Abort, neither of which a signal handler may call.
LEFT_WITHOUT_MPIRUN = re.compile(r"/ompi\.[^/]*$")


class Scenario(Program):
    """A program whose first argument says what it is to do."""

    story = "holds"

    def start(self, *arguments: str, **how):
        return super().start(self.story, *arguments, **how)

    def alone(self, *arguments: str, **how) -> Run:
        return super().alone(self.story, *arguments, **how)


@pytest.fixture(params=["scenario", "scenario_mpi"])
def scenario(request, pytestconfig) -> Scenario:
    build = pytestconfig.getoption("build")
    executable = build / "tests" / "common" / f"common_{request.param}"
    mpirun = catalog.cached(build, "MPIEXEC_EXECUTABLE")
    ranks = (1, 3) if request.param == "scenario_mpi" else ()
    return Scenario(request.param, executable, executable, ranks, mpirun)


# --- the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["four", "", "nan", "9" * 400, "640", "65", "0", "-1", "1e9", "0x10", "3.5"])
def test_a_wrong_value_is_rejected(scenario, value):
    flag, allowed = ("--items", "from 1 to 64") if scenario.mpi else ("--threads", "from 2 to 64")
    scenario.rejected(scenario.alone(flag, value), flag, allowed)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--deadline", "0"], "--deadline"),
        (["--deadline"], "--deadline"),
        (["--svg"], "--svg"),
        (["--svg", ""], "--svg"),
        (["--trace", ""], "--trace"),
        (["--nosuch"], "--nosuch"),
        (["stray"], "stray"),
        (["--deadlin", "3"], "did you mean --deadline?"),
    ],
)
def test_a_wrong_command_line_is_rejected(scenario, arguments, says):
    scenario.rejected(scenario.alone(*arguments), says)


def test_ranks_reject_it_together(scenario):
    """All end, one of them speaks."""
    scenario.rejected(scenario.run("--nosuch"), "--nosuch")


def test_version_is_one_line(scenario):
    run = scenario.alone("--version")
    ended(run, HOLDS)
    expect(len(run.lines) == 1 and run.lines[0] != "" and run.err == "", run, "one line")


def test_quiet_leaves_the_claims(scenario):
    run = scenario.run("--quiet", "--deadline=30")
    scenario.succeeded(run)
    claims = run.lines[:-1]
    good = len(claims) > 0 and all(line.startswith("[ok] ") for line in claims)
    expect(good, run, "only lines that begin with '[ok] ', and the verdict")


def test_json_is_one_object(scenario):
    run = scenario.run("--json")
    ended(run, HOLDS)
    report = json.loads(run.out)
    assert set(report) == {
        "name", "chapter", "options", "measurements", "claims", "all_claims_hold",
    }  # fmt: skip
    assert all(set(claim) == {"claim", "evidence", "holds"} for claim in report["claims"])
    assert all(set(value) == {"name", "value", "unit"} for value in report["measurements"])
    assert run.err == ""


def test_it_begins_with_its_title_and_ends_with_the_verdict(scenario):
    run = scenario.run()
    scenario.succeeded(run)
    expect(run.lines[0].startswith(f"{scenario.name}: how "), run, "first the title")
    expect(run.err == "", run, "nothing on standard error", run.err)


# --- where its output goes ------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--svg", "--trace"])
@pytest.mark.parametrize(
    "file, reason",
    [("/nonexistent/x", "No such file or directory"), ("/dev/full", "No space left on device")],
)
def test_a_picture_that_cannot_be_written_is_refused(scenario, option, file, reason):
    scenario.story = "draws"
    scenario.complained(scenario.run(option, file), REFUSED, file, reason)


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--help"], ["--version"]])
def test_output_on_a_full_device_is_refused(scenario, arguments):
    run = scenario.alone(*arguments, redirect=">/dev/full")
    scenario.complained(run, REFUSED, "standard output", "No space left on device")


def test_output_that_is_closed_or_unread_is_refused(scenario):
    scenario.complained(scenario.alone(redirect=">&-"), REFUSED, "standard output", "closed")
    scenario.complained(scenario.alone(stdout="unread"), REFUSED, "standard output", "Broken pipe")


def test_colour_on_a_terminal_and_only_there(scenario):
    """mpirun gives every rank a terminal whatever its own output goes to, so ranks are told by
    CLICOLOR_FORCE."""
    scenario.story = "draws"
    wanted = {"CLICOLOR_FORCE": "1"} if scenario.mpi else {}
    on_terminal = partial(scenario.run, stdout="terminal")
    for run, is_coloured in (
        (on_terminal(extra=wanted), True),
        (on_terminal(extra=wanted | {"NO_COLOR": "1"}), False),
        (on_terminal(extra=wanted | {"TERM": "dumb"}), False),
        (scenario.run(), False),
    ):
        scenario.succeeded(run)
        expect(SCENE.search(run.out) is not None, run, "a picture")
        expect(("\x1b[" in run.out) == is_coloured, run, f"colour: {is_coloured}")


# --- its surroundings -----------------------------------------------------------------------------


@pytest.mark.parametrize("redirect", ["", "<&-", "<&- 2>&-"])
def test_nothing_is_needed_of_its_surroundings(scenario, redirect):
    run = scenario.alone(cwd="/", bare=True, redirect=redirect)
    scenario.succeeded(run)
    expect(run.err == "", run, "nothing on standard error", run.err)


def test_an_mpi_program_runs_without_mpirun(scenario):
    run = scenario.alone()
    scenario.succeeded(run)
    assert run.lines[-1] == VERDICT


def test_a_deadline_ends_it_and_is_explained(scenario):
    scenario.story = "stuck"
    run = scenario.run("--deadline", "0.2", ranks=2)
    ended(run, DEADLINE)
    wrote(run)
    first = "".join(scenario.complaints(run)[:1])
    expect(first.startswith(f"{scenario.name}: still running"), run, "first: still running")


def test_a_deadline_without_mpirun_leaves_a_session_directory_at_most(scenario):
    run = scenario.alone("--deadline", "0.001", tolerate=LEFT_WITHOUT_MPIRUN)
    ended(run, HOLDS, DEADLINE)
