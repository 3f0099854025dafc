# SPDX-License-Identifier: MIT
"""test_targets.py --build BUILD NAME...: one round of each comparison, in a folder that has nothing but its targets."""

import argparse
import contextlib
import io
import os
import pathlib
import shutil
import sys
import tempfile

import bench


def say_what_fails(build, name):
    """What is wrong with a round of those comparisons there, if anything is."""
    machine = bench.Machine(build)
    with tempfile.TemporaryDirectory(dir=build) as folder, contextlib.redirect_stdout(io.StringIO()) as table:
        shutil.copy(build / "catalog.json", folder)
        for target in bench.targets(bench.select([name], bench.COMPARISONS), machine):
            there = pathlib.Path(folder, target)
            there.parent.mkdir(parents=True, exist_ok=True)
            os.link(build / target, there)  # no symbolic link: a program looks for its siblings where it lies itself
        status = bench.main(["--build", folder, "--rounds", "1", name])
    failed = status != 0 or "not built" in table.getvalue()
    return f"{name}: status {status}\n{table.getvalue()}" if failed else ""


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--build", type=pathlib.Path, required=True)
parser.add_argument("names", nargs="+", metavar="NAME")
options = parser.parse_args()
sys.exit("".join(say_what_fails(options.build, name) for name in options.names) or 0)
