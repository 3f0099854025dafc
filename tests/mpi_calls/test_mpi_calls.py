# SPDX-License-Identifier: MIT
"""Every MPI function that a page calls is wrapped by the layer that records (common/src/mpi/calls.cpp) or listed as silent
(silent.toml). Neither has more than the pages call. What is called is read from the pages' object files."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from harness import catalog

SILENT = set(tomllib.loads(Path(__file__).with_name("silent.toml").read_text(encoding="utf-8")))


def symbols(build: Path, kind: str, *files: Path) -> set[str]:
    """The MPI functions that these object files or libraries define (T, or W if others may do so, too) or call without
    defining them (U)."""
    listed = subprocess.run(
        [catalog.cached(build, "CMAKE_NM"), "-P", *files], check=True, capture_output=True, text=True
    )
    return set(re.findall(rf"^(MPI_\w+) {kind}\b", listed.stdout, re.MULTILINE))


def calls(build: Path, folder: str, target: str) -> set[str]:
    """What a target of that folder calls. Raises FileNotFoundError if it has not been built."""
    objects = sorted((build / folder / "CMakeFiles" / f"{target}.dir").rglob("*.o"))
    if not objects:
        raise FileNotFoundError(f"{target} is not built: ninja -C {build} {target}")
    return symbols(build, "U", *objects)


def faults(called: dict[str, set[str]], wrapped: set[str], silent: set[str]) -> list[str]:
    """What is wrong, a sentence for each; `called` by program."""
    by_any = set().union(*called.values())
    return [
        *(
            f"{program} calls {name}, which the layer does not see: wrap it in common/src/mpi/calls.cpp, "
            "or give the reason why not in tests/mpi_calls/silent.toml"
            for program in called
            for name in sorted(called[program] - wrapped - silent)
        ),
        *(f"no page calls {name}: take it out of common/src/mpi/calls.cpp" for name in sorted(wrapped - by_any)),
        *(f"no page calls {name}: take it out of tests/mpi_calls/silent.toml" for name in sorted(silent - by_any)),
        *(f"{name} is wrapped: take it out of tests/mpi_calls/silent.toml" for name in sorted(silent & wrapped)),
    ]


@pytest.fixture(name="build")
def build_folder(request) -> Path:
    return request.config.getoption("build")


@pytest.fixture(name="wrapped")
def wrapped_functions(build) -> set[str]:
    return symbols(build, "[TW]", build / "common" / "libpdc_mpi.a")


def test_what_the_pages_call_is_wrapped_or_silent(build, wrapped):
    pages = [entry for entry in catalog.load(build) if entry.mpi]
    called = {page.name: calls(build, page.chapter, f"{page.chapter}.{page.name}") for page in pages}
    found = faults(called, wrapped, SILENT)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_a_call_that_is_neither_is_found(build, wrapped):
    called = calls(build, "tests/mpi_calls", "mpi_calls_unwrapped")
    assert called == {"MPI_Barrier", "MPI_Comm_rank", "MPI_Pcontrol"}
    (found,) = faults({"a": called}, wrapped & called, SILENT & called)
    assert found.startswith("a calls MPI_Pcontrol, which the layer does not see: ")


@pytest.mark.parametrize(
    ("wrapped", "silent", "says"),
    [
        ({"MPI_Send", "MPI_Put"}, {"MPI_Wtime"}, "no page calls MPI_Put: take it out of common/src/mpi/calls.cpp"),
        ({"MPI_Send"}, {"MPI_Wtime", "MPI_Wtick"}, "no page calls MPI_Wtick: take it out of tests/mpi_calls/silent.toml"),
        ({"MPI_Send", "MPI_Wtime"}, {"MPI_Wtime"}, "MPI_Wtime is wrapped: take it out of tests/mpi_calls/silent.toml"),
    ],
)
def test_what_is_there_in_vain_is_found(wrapped, silent, says):
    assert faults({"a": {"MPI_Send"}, "b": {"MPI_Wtime"}}, wrapped, silent) == [says]


def test_a_page_that_is_not_built_is_said(build):
    with pytest.raises(FileNotFoundError, match="no_page is not built"):
        calls(build, "chapter4_mpi", "no_page")
