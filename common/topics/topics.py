#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An index to teach by, in Markdown: tables and routes from topics.toml and the pages' own headers.

    ./pdc topics            by problem, by topic, by hazard, by API, and ready routes
    ./pdc topics hazards    one of them: problems, topics, hazards, api, python, routes, programs

Status 0 if all is well; 2 the command line is wrong.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "programs"))

import chapters
from chapters import Problem, Program

DATA = Path(__file__).with_name("topics.toml")
PROBLEMS = Path(__file__).with_name("problems.md")


def load_pages() -> dict[str, Program]:
    """In the order of the book."""
    return {program.name: program for program in chapters.load_programs()}


def load_data() -> dict:
    return tomllib.loads(DATA.read_text())


# --- the tables -------------------------------------------------------------------------------------


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def in_order(data: dict, pages: dict[str, Program]) -> list[tuple[str, dict]]:
    """What is known of each program, in the order of the book."""
    return [(name, data["programs"][name]) for name in pages if name in data["programs"]]


def by_topic(data: dict, pages: dict[str, Program]) -> str:
    def programs(topic: str) -> str:
        found = [name for name, entry in in_order(data, pages) if topic in entry["topics"]]
        return ", ".join(pages[name].link for name in found)

    rows = [
        [topic, unit["tcpp"], f"PDC-{unit['cs2023']}", programs(topic)]
        for topic, unit in data["topics"].items()
    ]
    return "## By topic\n\n" + table(["topic", "TCPP 2020", "CS2023", "programs"], rows)


def by_hazard(data: dict, pages: dict[str, Program]) -> str:
    columns = ["hazard", "symptom", "tool", "cure"]
    rows = [[*(each[c] for c in columns), pages[each["page"]].link] for each in data["hazard"]]
    head = ["hazard", "symptom", "what finds it", "cure", "page"]
    return "## By hazard\n\n" + table(head, rows)


NAME = re.compile(r"(?:[A-Za-z_]\w*(?:<[\w:<>]*>)?(?:::|\.))*[A-Za-z_]\w*")
NO_CALLS = {"communicator", "connections", "messages", "none", "tag"}  # words that Shows has beside the calls
BUILT_IN = {"await", "print", "sorted", "sum"}  # what Python needs no module for


def names_of(text: str) -> list[str]:
    """Of a list such as "std::jthread, numpy: x.sum(), mpi4py comm.send; or a few words"."""
    found = []
    for part in re.split(r"[,;]|: ", re.sub(r"\([^)]*\)", "", text)):
        words = part.split()
        if words[:1] == ["mpi4py"]:
            words = words[1:]
        if len(words) == 1 and NAME.fullmatch(words[0]):
            found.append(words[0].removeprefix("boost::"))
    return found


def cpp_of(page: Program) -> list[str]:
    names = names_of(page.head.get("Shows", ""))
    return [name for name in names if name not in NO_CALLS and not name.endswith(".hpp")]


def python_of(page: Program) -> list[str]:
    return [name for name in names_of(page.head.get("Python", "")) if "." in name or name in BUILT_IN]


def sorted_by_name(pairs: Iterable[tuple[str, Program]]) -> dict[str, list[Program]]:
    found: dict[str, list[Program]] = {}
    for name, page in pairs:
        found.setdefault(name, []).append(page)
    return dict(sorted(found.items(), key=lambda item: (item[0].lower(), item[0])))


def show_api(pages: dict[str, Program]) -> str:
    """Pages that use asio:: and pages that write it out mean the same calls."""
    every = {name for page in pages.values() for name in cpp_of(page)}
    pairs = [
        (f"asio::{name}" if f"asio::{name}" in every else name, page)
        for page in pages.values()
        for name in cpp_of(page)
    ]
    rows = [
        [f"`{name}`", ", ".join(page.link for page in found)]
        for name, found in sorted_by_name(pairs).items()
    ]
    return "## By C++ call\n\n" + table(["call", "pages"], rows)


def show_python(pages: dict[str, Program]) -> str:
    calls = sorted_by_name((name, page) for page in pages.values() for name in python_of(page))
    rows = [
        [f"`{name}`", page.link, ", ".join(f"`{call}`" for call in cpp_of(page))]
        for name, found in calls.items()
        for page in found
    ]
    return "## By Python call\n\n" + table(["in Python", "page", "in C++"], rows)


def show_problems() -> str:
    """The page itself, with links from the top of the book."""
    text = PROBLEMS.read_text().partition("\n\n")[2]
    return "## By problem\n\n" + re.sub("^## ", "### ", text, flags=re.M).replace("](../../", "](").rstrip()


def minutes_of(data: dict, programs: Iterable[str]) -> int:
    return sum(data["programs"][name]["minutes"] for name in programs)


def show_routes(data: dict, pages: dict[str, Program]) -> str:
    texts = []
    for route in data["route"]:
        rows = [
            [part["title"], str(minutes_of(data, part["programs"])), ", ".join(pages[n].link for n in part["programs"])]
            for part in route["parts"]
        ]
        total = sum(minutes_of(data, part["programs"]) for part in route["parts"])
        head = f"### {route['name']}\n\n{route['for']}: {total} minutes.\n\n"
        texts.append(head + table(["part", "minutes", "programs"], rows))
    return "## Routes\n\n" + "\n\n".join(texts)


def show_programs(data: dict, pages: dict[str, Program]) -> str:
    rows = []
    for name, entry in in_order(data, pages):
        page = pages[name]
        needs = ", ".join(pages[each].link for each in entry["needs"])
        rows.append([page.link, str(entry["minutes"]), ", ".join(entry["topics"]), needs])
    return "## By program\n\n" + table(["program", "minutes", "topics", "has to be known before"], rows)


def show(which: str) -> str:
    data, pages = load_data(), load_pages()
    tables = {
        "problems": show_problems,
        "topics": lambda: by_topic(data, pages),
        "hazards": lambda: by_hazard(data, pages),
        "api": lambda: show_api(pages),
        "python": lambda: show_python(pages),
        "routes": lambda: show_routes(data, pages),
        "programs": lambda: show_programs(data, pages),
    }
    if which and which not in tables:
        raise chapters.unknown("table", which, tables, f"there are {', '.join(tables)}")
    return "\n\n".join(tables[name]() for name in ([which] if which else tables))


def main(words: list[str]) -> int:
    if len(words) > 1:
        raise Problem(f"topics takes one table at most, not {' '.join(words)}", 2)
    print(show(words[0] if words else ""))
    return 0


if __name__ == "__main__":
    sys.exit(chapters.call(main, sys.argv[1:]))
