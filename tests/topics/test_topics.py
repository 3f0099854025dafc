# SPDX-License-Identifier: MIT
"""The data of `./pdc topics`, held against the catalog, and the tables made of it."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "common" / folder) for folder in ("topics", "programs")]

import chapters  # noqa: E402
import topics  # noqa: E402
from page import Page  # noqa: E402

BUILD = Path(os.environ.get("PDC_BUILD", ROOT / "build" / "release"))
DATA = topics.load_data()
PAGES = topics.load_pages()
PROGRAMS = DATA["programs"]
ANCHORS = {f"{chapter.name}/README.md": Page(chapter.readme).anchors for chapter in chapters.load()}
TABLES = ["problems", "topics", "hazards", "api", "python", "routes", "programs"]


def test_the_programs_are_those_of_the_catalog():
    catalog = json.loads((BUILD / "catalog.json").read_text())
    assert list(PAGES) == [entry["name"] for entry in catalog]
    assert set(PROGRAMS) == set(PAGES)


def test_each_program_has_known_topics_and_minutes():
    for name, entry in PROGRAMS.items():
        assert entry.keys() == {"minutes", "topics", "needs"}, name
        assert entry["minutes"] in range(5, 31, 5), name
        assert entry["topics"] and set(entry["topics"]) <= set(DATA["topics"]), name


def test_each_topic_is_taught_and_has_its_place_in_the_curricula():
    taught = {topic for entry in PROGRAMS.values() for topic in entry["topics"]}
    assert set(DATA["topics"]) == taught
    for place in DATA["topics"].values():
        assert place["tcpp"] in ("Architecture", "Programming", "Algorithms", "Cross-cutting")
        assert place["cs2023"] in ("Programs", "Communication", "Coordination", "Evaluation", "Algorithms")


def test_what_has_to_be_known_comes_earlier_in_the_book():
    """So there is no cycle."""
    order = {name: place for place, name in enumerate(PAGES)}
    for name, entry in PROGRAMS.items():
        for need in entry["needs"]:
            assert order[need] < order[name], f"{name} needs {need}"


def test_a_route_tells_nothing_twice_and_has_its_minutes():
    by_name = {route["name"]: [n for part in route["parts"] for n in part["programs"]] for route in DATA["route"]}
    assert list(by_name) == ["Two hours", "A week", "A course of 14 lectures", "I know Python's threading"]
    for name, programs in by_name.items():
        assert len(programs) == len(set(programs)), name
        assert set(programs) <= set(PAGES), name
    assert topics.minutes_of(DATA, by_name["Two hours"]) <= 120
    lectures = next(route["parts"] for route in DATA["route"] if "14" in route["name"])
    assert len(lectures) == 14
    assert all(topics.minutes_of(DATA, part["programs"]) <= 90 for part in lectures)
    assert f"{topics.minutes_of(DATA, by_name['A week'])} minutes" in topics.show("routes")


def test_the_course_tells_first_what_has_to_be_known():
    """What is not told in the course at all is left to its readers."""
    course = next(route for route in DATA["route"] if "14" in route["name"])
    order = {n: place for place, n in enumerate(n for part in course["parts"] for n in part["programs"])}
    for name, place in order.items():
        for need in PROGRAMS[name]["needs"]:
            assert order.get(need, -1) < place, f"{name} needs {need}"


def test_a_hazard_is_told_whole_and_has_a_page():
    for hazard in DATA["hazard"]:
        assert hazard.keys() == {"hazard", "symptom", "tool", "cure", "page"}
        assert hazard["page"] in PAGES and all(hazard.values())


def test_names_are_found_and_words_are_not():
    assert topics.python_of(PAGES["data_parallelism"]) == ["x.sum"]  # numpy: x.sum(), y += a * x
    assert topics.names_of("mpi4py comm.send, comm.recv") == ["comm.send", "comm.recv"]
    assert topics.names_of("boost::asio::post, std::atomic<bool>::wait, prctl with PR_SET_NAME") == [
        "asio::post",
        "std::atomic<bool>::wait",
    ]


def test_both_tables_of_calls_lead_to_their_pages():
    api, python = topics.show("api"), topics.show("python")
    assert re.search(r"^\| `std::barrier` \| .*\[strand\]", api, re.M)
    assert re.search(r"^\| `asio::co_spawn` \| .*\[coroutines\].*\[tasks\]", api, re.M)
    assert re.search(r"^\| `queue.Queue` \| \[queue\].* \| `tbb::concurrent_bounded_queue`", python, re.M)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_whole(name, capsys):
    """Each row has as many cells as its head, and each link leads to a section."""
    assert chapters.call(topics.main, [name]) == 0
    printed = capsys.readouterr().out
    widths = {len(re.split(r"(?<!\\)\|", line)) for line in printed.splitlines() if line.startswith("|")}
    assert len(widths) == 1
    for readme, anchor in set(re.findall(r"\]\(([^)#]*)#([^)]*)\)", printed)):
        assert anchor in ANCHORS[readme]


def test_all_tables_without_a_name(capsys):
    assert chapters.call(topics.main, []) == 0
    printed = capsys.readouterr().out
    assert len(re.findall("^## ", printed, re.M)) == len(TABLES)
    assert all(f"[{name}](" in printed for name in PAGES)


@pytest.mark.parametrize("words", [["xyzzy"], ["api", "python"]])
def test_one_line_for_a_command_line_that_is_wrong(words, capsys):
    assert chapters.call(topics.main, words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("pdc: ") and err.count("\n") == 1
