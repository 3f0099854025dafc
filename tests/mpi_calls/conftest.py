# SPDX-License-Identifier: MIT
from pathlib import Path


def pytest_addoption(parser):
    parser.addoption("--build", type=lambda text: Path(text).resolve(), help="the build folder")
