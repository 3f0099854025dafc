#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds what the READMEs say of their pictures in numbers against the numbers in the pictures.

    expectations.py --source DIR

Beside a chapter's pictures stands expectations.toml. Each entry of it is of one picture, NAME.svg:

    [[machine]]
    words = "computing gains nearly twice"         # stand in the chapter's README
    holds = "at('N counts of primes', 2) > 1.7"    # in the picture

`holds` is a Python expression with the functions of Drawing below: they read the titles that every
bar and dot of the SVG has. Times are milliseconds. Status 0 if all hold; 1 if not, with a line each.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import sys
import tomllib
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
MILLISECONDS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}
BAR = re.compile(r"(.+?): (work|wait|hold|send|receive) (.*), ([\d.]+) to ([\d.]+) (ns|µs|ms|s)")
DOT = re.compile(r"(.+): (\S+), (\S+)")


@dataclass(frozen=True)
class Bar:
    scene: str
    row: str
    kind: str
    label: str
    begin: float
    end: float


class Drawing:
    """What the titles of a picture say; of one that has several files (NAME-2.svg), of all."""

    def __init__(self, *files: Path):
        self.bars: list[Bar] = []
        self.dots: dict[tuple[str, float], float] = {}
        self.used: list[str] = []  # what holds() has asked for, with the answers
        for file in files:
            self.read(file)

    def read(self, file: Path) -> None:
        scene = ""
        for element in xml.parse(file).iter():
            if element.get("class") == "scene":
                scene = element.text or ""
            elif element.tag == f"{SVG}title" and (bar := BAR.fullmatch(element.text or "")):
                row, kind, label, begin, end, unit = bar.groups()
                times = [float(time) * MILLISECONDS[unit] for time in (begin, end)]
                self.bars.append(Bar(scene, row, kind, label, *times))
            elif element.tag == f"{SVG}title" and (dot := DOT.fullmatch(element.text or "")):
                self.dots[dot[1], float(dot[2])] = float(dot[3])

    def chosen(self, scene: str, row: str, kind: str, label: str) -> list[Bar]:
        """Those that match; each may have `*`. There has to be one: else the expectation is wrong."""
        wanted = (scene, row, kind, label)
        bars = [bar for bar in self.bars if all(
            map(fnmatch.fnmatchcase, (bar.scene, bar.row, bar.kind, bar.label), wanted))]  # fmt: skip
        if not bars:
            raise LookupError(f"has no bar {wanted}")
        return bars

    def functions(self) -> dict:
        """For expectations."""

        def at(curve: str, x: float) -> float:
            if (curve, x) not in self.dots:
                raise LookupError(f"has no point '{curve}' at {x:g}")
            return self.dots[curve, x]

        def rows(scene: str, row: str = "*") -> int:
            return len({bar.row for bar in self.chosen(scene, row, "*", "*")})

        def bars(scene: str, row: str = "*", kind: str = "*", label: str = "*") -> int:
            return len(self.chosen(scene, row, kind, label))

        def begin(scene: str, row: str = "*", kind: str = "*", label: str = "*") -> float:
            return min(bar.begin for bar in self.chosen(scene, row, kind, label))

        def end(scene: str, row: str = "*", kind: str = "*", label: str = "*") -> float:
            return max(bar.end for bar in self.chosen(scene, row, kind, label))

        def time(scene: str, row: str = "*", kind: str = "*", label: str = "*") -> float:
            return sum(bar.end - bar.begin for bar in self.chosen(scene, row, kind, label))

        def noted(function):
            def call(*arguments):
                result = function(*arguments)
                self.used.append(f"{function.__name__}{arguments} is {result:.4g}".replace(",)", ")"))
                return result
            return call  # fmt: skip

        return {f.__name__: noted(f) for f in (at, rows, bars, begin, end, time)} | {
            "abs": abs, "max": max, "min": min}  # fmt: skip

    def fault_of(self, holds: str) -> str:
        """Why the expectation does not hold; nothing if it does."""
        self.used = []
        try:
            held = eval(holds, {"__builtins__": {}}, self.functions())  # our own file says it
        except LookupError as error:
            return str(error)
        except Exception as error:
            return f"'{holds}' is no expectation: {error}"
        return "" if held else f"{holds} does not hold: {', '.join(self.used)}"


def expected(folder: Path) -> dict[str, list[dict]]:
    """What is expected of the pictures in this folder, by their names."""
    file = folder / "expectations.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def files_of(folder: Path, name: str) -> list[Path]:
    """NAME.svg, NAME-2.svg and so on; empty if there is none."""
    more = sorted(folder.glob(f"{name}-[0-9]*.svg"))
    return [folder / f"{name}.svg", *more] if (folder / f"{name}.svg").exists() else []


def faults_of_picture(folder: Path, name: str, entries: list[dict]) -> list[str]:
    """Which of the expectations the picture in this folder does not meet, and why."""
    files = files_of(folder, name)
    if not files:
        return [f"there is no {name}.svg"]
    try:
        drawing = Drawing(*files)
    except xml.ParseError as error:
        return [f"not well-formed XML: {error}"]
    faults = [(entry["words"], drawing.fault_of(entry["holds"])) for entry in entries]
    return [f"'{words}': {fault}" for words, fault in faults if fault]


def faults_of_chapter(chapter: Path) -> list[str]:
    readme = " ".join((chapter / "README.md").read_text(encoding="utf-8").split())
    pictures = chapter / "pictures"
    faults = []
    for name, entries in expected(pictures).items():
        found = [f"the README does not say '{entry['words']}'" for entry in entries if entry["words"] not in readme]
        found += faults_of_picture(pictures, name, entries)
        faults += [f"{chapter.name}/pictures/{name}.svg: {fault}" for fault in found]
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", type=Path, required=True, help="the repository")
    chapters = sorted(parser.parse_args().source.glob("chapter*/"))
    faults = [fault for chapter in chapters for fault in faults_of_chapter(chapter)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
