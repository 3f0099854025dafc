# SPDX-License-Identifier: MIT
"""The options of these tests, and the programs that they are about."""

import os
import signal
from pathlib import Path

import pytest

from harness import catalog, mpirun, room
from program import Program


def pytest_addoption(parser):
    parser.addoption("--build", type=lambda text: Path(text).resolve(), help="the build folder")
    parser.addoption("--program", default="", help="the name of one, as the catalog has it")


def pytest_configure(config):
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits it ignored,
        signal.signal(number, signal.SIG_DFL)  # and so would the programs
    for name, value in {**mpirun.ENVIRONMENT, "PDC_ONE_ROUND": "1"}.items():
        os.environ.setdefault(name, value)
    room.enter(config.getoption("build"))


def pytest_report_header():
    if not room.is_private():
        return "no name spaces of its own: of a name, only those that a process was seen to hold"
    return None


def pytest_collection_modifyitems(config, items):
    """Leaves out what the program has not: options, ranks, child processes."""
    program = getattr(config, "program", None)
    lacks = {"mpi": lambda: not program.mpi, "children": lambda: not program.has_children}
    out = [item for item in items if any(item.get_closest_marker(m) and lacks[m]() for m in lacks)]
    out += [item for item in items if "NOTSET" in item.name]  # pytest's word for nothing to choose from
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)


def pytest_generate_tests(metafunc):
    """What there is to test of a program is known from its --help."""
    config = metafunc.config
    if "program" not in metafunc.fixturenames:
        return
    build, name = config.getoption("build"), config.getoption("program")
    if not hasattr(config, "program"):
        entries = [entry for entry in catalog.load(build) if entry.name == name]
        if not entries:
            raise pytest.UsageError(f"{build}/catalog.json has no program '{name}'")
        config.program = Program.of_build(build, entries[0])
    program = config.program
    metafunc.parametrize("program", [program], ids=[program.name], scope="session")
    if "option" in metafunc.fixturenames:
        metafunc.parametrize("option", program.own_numbers, ids=lambda option: option.name)
    if "ranks" in metafunc.fixturenames:
        metafunc.parametrize("ranks", program.further_ranks)
