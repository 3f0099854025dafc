# SPDX-License-Identifier: MIT
"""Runs the ```console blocks of a page.

A line that begins with `$ ` is a command, a backslash at its end continues it. The lines up to the
next command are what it prints, stdout and stderr together.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from page import Block  # which needs packages that who only runs commands does not

sys.path.append(str(Path(__file__).resolve().parents[1]))
from harness import room  # noqa: E402, F401
from harness.mpirun import ENVIRONMENT as MPI_ENVIRONMENT  # noqa: E402
from harness.processes import Watch, die_with_parent, end_all  # noqa: E402

TIME_LIMIT = 120.0  # seconds for one command
GRACE = 2.0  # seconds for what a block has started to end when it is asked to
OUTPUT_LIMIT = 256 * 1024  # bytes that one block may print

# Every command runs in the one shell, finds in $? what the one before has left, and is followed by
# a line that no program prints: the mark and the status.
SESSION = r"""
for readme_command in "$@"; do
  (exit "${readme_status:-0}")
  eval "$readme_command"
  readme_status=$?
  printf '\n%s %d\n' "$PDC_README_MARK" "$readme_status"
done
"""

# What sets up or tests the whole book: it takes long, needs the network, or would start itself.
NOT_HERE = re.compile(
    r"(?:^|[\s;&|(])(sudo|apt|apt-get|git\s+clone|ctest|cmake|\S*\bpdc\s+(?:setup|tour|test))"
    r"(?=$|[\s;&|)])"
)


@dataclass
class Command:
    """A command, its line in the page (from 1), and the output that the page claims."""

    line: int
    text: str
    expected: list[str] = field(default_factory=list)

    @property
    def output_line(self) -> int:
        return self.line + self.text.count("\n") + 1


@dataclass
class Outcome:
    """What a command did: its lines and status, or why there are none."""

    lines: list[str]
    status: int = 0
    problem: str = ""


def commands_of(block: Block) -> list[Command]:
    """The commands of a block with the lines that follow each; what stands before them is left."""
    commands: list[Command] = []
    continued = False
    for number, line in enumerate(block.lines, block.line + 1):
        if continued:
            commands[-1].text += "\n" + line
        elif line.startswith("$ "):
            commands.append(Command(number, line[2:]))
        elif commands:
            commands[-1].expected.append(line)
            continue
        else:
            continue
        continued = line.endswith("\\")
    return commands


@contextlib.contextmanager
def workspace(source: Path, build: Path, preset: str) -> Iterator[Path]:
    """A folder that looks like the repository with its build, to be littered and thrown away."""
    with tempfile.TemporaryDirectory(prefix="pdc-readme-") as name:
        folder = Path(name)
        for entry in source.iterdir():
            if entry.name not in ("build", ".git"):
                (folder / entry.name).symlink_to(entry)
        (folder / "build").mkdir()
        (folder / "build" / preset).symlink_to(build)
        yield folder


def run(commands: list[Command], folder: Path, **more: str) -> list[Outcome]:
    """Runs the commands in one bash, with some more variables in their environment. The list is
    shorter than theirs if one of them stops it."""
    mark = f"readme-{secrets.token_hex(8)}"
    own = {"LC_ALL": "C.UTF-8", "PDC_README_MARK": mark}
    environment = {**MPI_ENVIRONMENT, **os.environ, **more, **own}
    for name in ("BASH_ENV", "CLICOLOR_FORCE", "COLUMNS"):  # each would change what is printed
        environment.pop(name, None)
    outcomes: list[Outcome] = []
    watch = Watch()
    with subprocess.Popen(
        ["bash", "-c", SESSION, "bash", *(command.text for command in commands)],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent,
    ) as shell:  # fmt: skip
        try:
            output = b""
            for _ in commands:
                outcome, output = next_outcome(shell.stdout.fileno(), mark, output)
                outcomes.append(outcome)
                if outcome.problem:
                    break
            else:
                if left := watch.left():
                    outcomes[-1].problem = f"the block leaves behind: {', '.join(left)}"
        finally:
            end_all(GRACE)
    return outcomes


def next_outcome(stream: int, mark: str, output: bytes) -> tuple[Outcome, bytes]:
    """Reads up to the next command's end; gives what it did, and what was read beyond it."""
    end = re.compile(rb"\n%s (\d+)\n" % mark.encode())
    deadline = time.monotonic() + TIME_LIMIT
    problem = ""
    while not (found := end.search(output)) and not problem:
        remaining = max(0.0, deadline - time.monotonic())
        if len(output) > OUTPUT_LIMIT:
            problem = f"prints more than {OUTPUT_LIMIT} bytes"
        elif not remaining or not select.select([stream], [], [], remaining)[0]:
            problem = f"has not ended within {TIME_LIMIT:g} s"
        elif data := os.read(stream, 65536):
            output += data
        else:
            problem = "ends the shell"
    printed = output[: found.start()] if found else output
    lines = printed.decode("utf-8", "replace").removesuffix("\n").split("\n") if printed else []
    if not found:
        return Outcome(lines, problem=problem), b""
    return Outcome(lines, int(found[1])), output[found.end() :]
