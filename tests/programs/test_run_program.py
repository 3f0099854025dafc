# SPDX-License-Identifier: MIT
"""The runner of the programs' tests: what passes, what fails, and what is skipped."""

import subprocess
from pathlib import Path

import pytest

from harness import catalog

RUNNER = Path(__file__).with_name("run_program.sh")
PASSED, FAILED, SKIPPED = 0, 1, 77
ADDRESS_SPACE = 2**31  # bytes: enough for any program, and far from enough for ThreadSanitizer


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([RUNNER, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("script", "status", "status_where_skipped"),
    [
        ("echo all claims hold", PASSED, PASSED),
        ("echo all claims hold; echo and more", FAILED, FAILED),
        ("echo all claims hold; exit 1", FAILED, FAILED),
        ("echo no, says the machine >&2; exit 3", FAILED, SKIPPED),
    ],
)
def test_the_verdict(script: str, status: int, status_where_skipped: int):
    assert run("sh", "-c", script).returncode == status
    assert run("--skip-refused", "sh", "-c", script).returncode == status_where_skipped


def test_where_a_twin_cannot_run_its_page_says_so_and_is_skipped(pytestconfig):
    for entry in catalog.load(pytestconfig.getoption("build")):
        if entry.twin:
            limited = ("prlimit", f"--as={ADDRESS_SPACE}", str(entry.executable))
            ended = run("--skip-refused", *limited)
            assert ended.returncode == SKIPPED, ended
            said, skipped = ended.stderr.splitlines()
            assert said.startswith(f"{entry.name}: the twin said no balance"), ended
            assert skipped.startswith("skipped: "), ended
