# SPDX-License-Identifier: MIT
"""Builds the MPI programs with MPICH instead of Open MPI, and runs each.

    test_mpich.py --build build/release

Prints a line for each program, and what went wrong. Status 0 when all is well, 1 otherwise, 77
(to CTest: skipped) where MPICH is not installed.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from harness import catalog  # noqa: E402

SKIPPED = 77
TIME_LIMIT = 150  # seconds for one run, on however busy a machine
MOST_RANKS = 2  # MPICH's ranks never yield: more of them than processors takes seconds
VERDICT = "all claims hold"
REFUSED = {"spawn": "internal_Comm_spawn"}  # what Debian's MPICH 4.0.2 cannot do, as its error names it


def build(source: Path, folder: Path) -> None:
    """The programs of chapter 4 alone. Raises CalledProcessError when they do not build."""
    mpich = ["-DMPI_EXECUTABLE_SUFFIX=.mpich", "-DBUILD_TESTING=OFF", "-DCMAKE_BUILD_TYPE=Release",
             "-DCMAKE_CXX_FLAGS_RELEASE=-O0"]  # what is tested are messages
    configure = ["cmake", "-S", source, "-B", folder, "-G", "Ninja", *mpich]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    library = (folder / "CMakeCache.txt").read_text()
    if "libmpich" not in library:
        sys.exit("this build does not use MPICH's library")
    subprocess.run(["ninja", "-C", folder, "--quiet", "chapter4_mpi/all"], check=True)


def fault(executable: Path, ranks: int) -> str:
    """What is wrong with that run, in words; empty when nothing is."""
    command = ["mpiexec.mpich", "-n", str(ranks), str(executable), "--quiet"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)}: no end within {TIME_LIMIT} s"
    if run.returncode == 0 and run.stdout.splitlines()[-1:] == [VERDICT]:
        return ""
    refused = REFUSED.get(executable.name)
    if refused and run.returncode == 3 and refused in run.stderr:
        return ""
    return f"{' '.join(command)}: status {run.returncode}\n{run.stdout}{run.stderr}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="the build folder of Open MPI")
    arguments = parser.parse_args()
    if not (shutil.which("mpicxx.mpich") and shutil.which("mpiexec.mpich")):
        print("skipped: MPICH is not installed (Debian: mpich and libmpich-dev)")
        return SKIPPED
    folder = arguments.build / "mpich"
    for name in list(os.environ):  # what is meant for Open MPI
        if name.startswith(("OMPI_", "PMIX_")):
            del os.environ[name]
    build(Path(__file__).resolve().parents[2], folder)
    faults = []
    for program in catalog.load(arguments.build):
        if not program.mpi:
            continue
        ranks = max((count for count in program.ranks if count <= MOST_RANKS), default=min(program.ranks))
        found = fault(folder / program.chapter / program.name, ranks)
        faults += [found] if found else []
        print(f"{program.name}: {'FAILED' if found else 'ok'}, {ranks} ranks")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
