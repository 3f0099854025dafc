#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Proves of each check of the READMEs that it passes a good README and fails on a bad one.

Every test makes a tiny repository in a temporary folder: two chapters of two and one programs,
which are bash scripts, a catalog, READMEs that are right. It then spoils one thing.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import check_readmes
import console
from page import Page

setUpModule = console.room.enter

HEADER = """// Hello: who is there?
//
// Concept   A program that greets.
// Shows     std::puts
// Python    print
// Run       hello --name you
// You see   a greeting
// Next      count has numbers; ring
//           goes round

int main() {}
"""

# Greets; `fail N` ends with N; --help tells its options.
HELLO = """#!/usr/bin/env bash
case ${1-} in
  --help) echo "  --name VALUE   whom to greet" ;;
  fail) echo "it failed" >&2; exit "$2" ;;
  --svg) echo drawn >"$2" ;;
  *) echo "hello world"; echo "took $RANDOM$RANDOM ms"; echo "all claims hold" ;;
esac
"""

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0"/></svg>\n'

SECTION = """### {name}: {title}

[{name}.cpp]({name}.cpp)

Words. In Python it is `print`. See [its source]({name}.cpp#L2)
and [below](#if-you-remember-one-thing).

```console
$ {start}build/release/{chapter}/{name}
hello world
took 17 ms
all claims hold
```

![lanes of {name}](pictures/{name}.svg)

**What to look at.** The greeting.

**Try.** `--name you`

**Next.** [hello]({hello}) has
numbers, like `std::iota`; [ring]({ring}) goes round.
"""

NEXT = {"hello": "#hello-a-greeting", "ring": "../chapter2_ranks/README.md#ring-round"}

CHAPTER1 = (
    """# Chapter 1

| program | concept | run | you see |
| --- | --- | --- | --- |
| [hello](hello.cpp) | who is there? | `hello --name you` | a greeting |
| [`count`](#count-one-two) | `a \\| b` in order | `count` | numbers |

"""
    + SECTION.format(name="hello", title="a greeting", chapter="chapter1_demo", start="", **NEXT)
    + "\n"
    + SECTION.format(name="count", title="one, two", chapter="chapter1_demo", start="", **NEXT)
    + "\n## If you remember one thing\n\nGreet.\n"
)

CHAPTER2 = """# Chapter 2

| program | concept | run | you see |
| --- | --- | --- | --- |
| [ring](ring.cpp) | round it goes | `mpirun -np 4 ring` | a token |

""" + SECTION.format(
    name="ring", title="round", chapter="chapter2_ranks", start="",
    hello="../chapter1_demo/README.md#hello-a-greeting", ring="#ring-round",
).replace("[below](#if-you-remember-one-thing)", "[all](../README.md#the-book)")  # fmt: skip

ROOT = """# The book

| program | why |
| --- | --- |
| hello, [`ring`](chapter2_ranks/ring.cpp) | to begin |
| [count](chapter1_demo/README.md#count-one-two) | to go on |

See [one](chapter1_demo/README.md), [two](chapter2_ranks/) and
[the field](https://en.wikipedia.org/wiki/A_(b)).

```sh
sudo true
```

```console
$ name=you && cd chapter1_demo && ls *.cpp
count.cpp
hello.cpp
$ echo "$name" \\
    twice
you twice
$ ../build/release/chapter1_demo/hello fail 3
it failed
$ echo $?
3
```
"""


class Case(unittest.TestCase):
    """A test with a repository of its own, in which all is right to begin with."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pdc-test-readmes-")
        self.addCleanup(folder.cleanup)
        self.source = Path(folder.name).resolve() / "book"
        self.build = self.source / "build" / "release"
        self.catalog = [
            self.program("chapter1_demo", "hello", "who is there?"),
            self.program("chapter1_demo", "count", "`a | b` in order"),
            self.program("chapter2_ranks", "ring", "round it goes", ranks=(1, 2, 4)),
        ]
        self.write("build/release/catalog.json", json.dumps(self.catalog))
        no_lessons = mock.patch.object(check_readmes.lessons, "check", return_value=())
        no_lessons.start()  # test_lessons.py tries those
        self.addCleanup(no_lessons.stop)
        self.root = self.write("README.md", ROOT)
        self.chapter1 = self.write("chapter1_demo/README.md", CHAPTER1)
        self.chapter2 = self.write("chapter2_ranks/README.md", CHAPTER2)

    def write(self, path: str, text: str) -> Path:
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def program(self, chapter: str, name: str, summary: str, ranks: tuple[int, ...] = ()) -> dict:
        executable = f"{chapter}/{name}"
        self.write(f"{executable}.cpp", HEADER)
        self.write(f"{chapter}/pictures/{name}.svg", SVG)
        self.write(f"build/release/{executable}", HELLO).chmod(0o755)
        return {"name": name, "chapter": chapter, "summary": summary, "executable": executable,
                "mpi": bool(ranks), "ranks": ranks}  # fmt: skip

    def faults(self, readme: Path, update: bool = False, force: bool = False) -> list[str]:
        book = check_readmes.Book(self.source, self.build)
        with contextlib.redirect_stdout(io.StringIO()):
            return check_readmes.check(readme, book, update=update, force=force)

    def assert_faults(self, readme: Path, *expected: str):
        """The README has these faults, each given by a part of it, and no others."""
        faults = self.faults(readme)
        self.assertEqual(len(faults), len(expected), faults)
        for fault, part in zip(faults, expected):
            self.assertIn(part, fault)

    def assert_spoilt(self, readme: Path, old: str, new: str, *expected: str):
        """Replacing `old` by `new` brings forth these faults."""
        text = readme.read_text(encoding="utf-8")
        self.assertIn(old, text)
        readme.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.assert_faults(readme, *expected)

    def assert_page(self, text: str, *expected: str):
        """A page that is no chapter's has these faults."""
        self.assert_faults(self.write("notes/README.md", text), *expected)

    def assert_console(self, block: str, *expected: str):
        """A page of this one console block has these faults."""
        self.assert_page(f"```console\n{block}\n```\n", *expected)


class GoodReadmes(Case):
    def test_have_no_faults(self):
        for readme in (self.root, self.chapter1, self.chapter2):
            self.assert_faults(readme)

    def test_that_are_missing_are_one_clear_line(self):
        self.chapter1.unlink()
        fault = "chapter1_demo/README.md: there is no such file"
        self.assertEqual(self.faults(self.chapter1), [fault])

    def test_that_are_not_utf8(self):
        self.root.write_bytes(b"\xff")
        self.assert_faults(self.root, "not UTF-8")


class CommandLine(Case):
    def run_tool(self, *arguments: object) -> subprocess.CompletedProcess:
        tool = Path(check_readmes.__file__)
        command = [sys.executable, "-B", "-W", "error", tool, "--source", self.source, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_status_tells_whether_there_are_faults(self):
        good = self.run_tool("--build", self.build, self.root)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.assertIn("README.md: no faults, 4 commands run\n", good.stdout)
        self.chapter1.unlink()
        bad = self.run_tool("--build", self.build, self.root, self.chapter1)
        self.assertEqual((bad.returncode, bad.stderr), (1, ""))
        self.assertIn("\nchapter1_demo/README.md: there is no such file\n", bad.stdout)

    def test_no_catalog_is_a_wrong_command_line(self):
        run = self.run_tool("--build", self.source, self.root)
        self.assertEqual(run.returncode, 2)
        self.assertIn("cannot read the catalog", run.stderr)

    def test_another_preset(self):
        readme = self.write("notes/README.md", "```console\n$ ls build\nquick\n```\n")
        run = self.run_tool("--build", self.build, "--preset", "quick", readme)
        self.assertEqual(run.returncode, 0, run.stdout)


class Consoles(Case):
    def test_different_output_is_shown_as_a_difference(self):
        self.assert_console(
            "$ printf 'a\\nb\\nc\\n'\na\nx\nc",
            "notes/README.md:2: $ printf 'a\\nb\\nc\\n'\n"
            "--- expected\n+++ real\n  a\n- x\n+ b\n  c",
        )

    def test_missing_and_surplus_lines(self):
        self.assert_console("$ echo a\na\nb", "  a\n- b")
        self.assert_console("$ printf 'a\\nb\\n'\na", "  a\n+ b")
        self.assert_console("$ echo a", "+ a")
        self.assert_console("$ true\na", "- a")
        self.assert_console("$ printf 'a\\n\\n'\na", "  a\n+")

    def test_what_varies_does_not_count(self):
        self.assert_console("$ echo 'took 3.5 ms'\ntook 17 s")
        self.assert_console("$ echo 'took 3.5 ms'\ntakes 3.5 ms", "- takes 3.5 ms\n+ took 3.5 ms")
        self.assert_console("$ true\n$ seq 5\n1\n...\n6", "'...' in the first", "- 6\n+ 2")

    def test_what_varies_in_one_block(self):
        block = "<!-- varies: `at #`: so it is -->\n```console\n$ echo at 3\nat {}\n```\n"
        self.assert_page(block.format(4))
        self.assert_page(block.format("x"), "- at x\n+ at 3")
        self.assert_page("<!-- lines in any order -->\n```console\n$ seq 2\n2\n1\n```\n")
        self.assert_page("<!-- any order -->\n```console\n$ seq 2\n2\n1\n```\n", "neither")

    def test_what_varies_by_its_comment_has_to_be_there(self):
        block = "<!-- varies: `by #`: so it is -->\n```console\n$ echo at 3\nat 3\n```\n"
        self.assert_page(block, "nothing here is like `by #`")

    def test_the_first_block_of_a_section_is_whole(self):
        page = "# A\n\n```console\n$ seq 3\n{}3\n```\n\n```console\n$ seq 3\n1\n...\n```\n"
        self.assert_page(page.format("1\n2\n"))
        self.assert_page(page.format("...\n"), "README.md:3: '...' in the first console block")
        self.assert_page(page.format("1\n2\n") + "\n## B\n\n" + page[5:].format("...\n"),
                         "README.md:18: '...' in the first console block")  # fmt: skip

    def test_patterns_instead_of_output(self):
        self.assert_page("Words [..] here.\n", "README.md:1: '[..]' is no output")
        self.assert_console("$ echo 'took 3 ms'\ntook [..]", "- took [..]", "'[..]' is no output")

    def test_a_block_fits_on_a_slide(self):
        lines = "\n".join(map(str, range(1, 60)))
        self.assert_console(f"$ seq 59\n{lines}")
        self.assert_console(f"$ seq 60\n{lines}\n60", "61 lines in a console block")

    def test_stderr_is_part_of_the_output_in_its_order(self):
        self.assert_console("$ echo a; echo b >&2; echo c\na\nb\nc")

    def test_output_without_a_newline_at_its_end(self):
        self.assert_console("$ printf a\na\n$ printf ''\n$ echo b\nb")

    def test_the_commands_share_one_shell(self):
        self.assert_console("$ x=5 && cd chapter1_demo\n$ echo $x ${PWD##*/}\n5 chapter1_demo")

    def test_the_environment_does_not_change_the_output(self):
        with mock.patch.dict(os.environ, {"COLUMNS": "60", "CLICOLOR_FORCE": "1"}):
            self.assert_console("$ echo ${COLUMNS-}${CLICOLOR_FORCE-}none\nnone")

    def test_blocks_do_not_share_one(self):
        self.assert_console("$ x=5; touch new\n```\n\n```console\n$ echo $x new*\nnew*")

    def test_a_status_has_to_be_shown(self):
        self.assert_console("$ (exit 3)\n$ echo $?\n3")
        self.assert_console("$ (exit 3)", "ends with status 3")
        self.assert_console("$ (exit 3)\n$ echo on\non", "ends with status 3")
        self.assert_console("$ (exit 3)\n$ echo $?\n0", "- 0\n+ 3")

    def test_a_command_that_is_not_there(self):
        self.assert_console("$ build/release/none", "No such file", "ends with status 127")

    def test_a_command_that_ends_the_shell(self):
        self.assert_console("$ echo a; exit 0\na\n$ echo b\nb", "ends the shell\na")

    def test_a_command_that_cannot_be_parsed(self):
        self.assert_console("$ echo 'a\n$ echo b\nb", "unexpected EOF", "ends with status")

    def test_a_command_reads_nothing(self):
        self.assert_console("$ cat\n$ echo a\na")

    def test_too_much_output(self):
        with mock.patch.object(console, "OUTPUT_LIMIT", 10_000):
            self.assert_console("$ yes\ny", "prints more than 10000 bytes")

    def test_what_stands_before_the_first_command(self):
        self.assert_console("a\n$ true", "begins with a command")
        self.assert_console("", "begins with a command")

    def test_what_sets_up_or_tests_all_is_not_run(self):
        for command in ("./pdc setup", "cd .. && ./pdc test", "pdc tour", "git clone x", "ctest",
                        "sudo true", "apt-get install x", "cmake --workflow release"):  # fmt: skip
            self.assert_console(f"$ touch ran\n$ {command}", "use a ```sh block")
        self.assert_console("$ echo ./pdc list pdc/test a/cmake\n./pdc list pdc/test a/cmake")
        self.assertFalse((self.source / "ran").exists())

    def test_an_indented_block(self):
        self.assert_page("1. Do:\n\n   ```console\n   $ echo a\n   b\n   ```\n", "- b\n+ a")

    def test_nothing_is_left_in_the_repository(self):
        before = sorted(self.source.rglob("*"))
        self.assert_console("$ build/release/chapter1_demo/hello --svg a.svg; cat a.svg\ndrawn")
        (self.source / "notes" / "README.md").unlink()
        (self.source / "notes").rmdir()
        self.assertEqual(sorted(self.source.rglob("*")), before)


class Processes(Case):
    """What a block starts ends with it. The processes write their ids here."""

    def setUp(self):
        super().setUp()
        self.ids = self.source / "ids"

    def assert_ended(self, count: int):
        ids = self.ids.read_text(encoding="utf-8").split()
        self.assertEqual(len(ids), count)
        deadline = time.monotonic() + 5
        while any(alive(int(pid)) for pid in ids) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse([pid for pid in ids if alive(int(pid))])

    def test_a_command_over_its_time_is_killed_with_all_it_started(self):
        deaf = "#!/bin/bash\ntrap : TERM\necho $$ >>ids\nwhile :; do sleep 0.1; done\n"
        self.write("deaf", deaf).chmod(0o755)
        self.write("ids", "")
        fault = "has not ended within 1 s\nbefore"
        with mock.patch.object(console, "TIME_LIMIT", 1.0):
            began = time.monotonic()
            self.assert_console("$ echo before; setsid ./deaf & ./deaf", fault)
        self.assertLess(time.monotonic() - began, 20)
        self.assert_ended(2)

    def test_processes_that_outlive_the_block_are_a_fault(self):
        self.write("ids", "")
        with mock.patch("harness.processes.PATIENCE", 0.3):
            self.assert_console(
                "$ setsid sleep 300 & echo $! >>ids",
                "the block leaves behind: process ",
            )
        self.assert_ended(1)

    def test_processes_that_the_block_ends_are_none(self):
        self.assert_console("$ sleep 300 & server=$!\n$ kill $server\n$ sleep 0.1 &")

    def test_the_shell_does_not_outlive_the_check(self):
        loop = "```console\n$ echo $$ >>ids; while :; do :; done\n```\n"
        readme = self.write("notes/README.md", loop)
        tool = [sys.executable, "-B", check_readmes.__file__]
        where = ["--source", self.source, "--build", self.build]
        environment = {**os.environ, "TMPDIR": str(self.source.parent)}
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.write("ids", "")
            with subprocess.Popen([*tool, *where, readme], env=environment) as running:
                while not self.ids.read_text(encoding="utf-8"):
                    time.sleep(0.01)
                running.send_signal(number)
            self.assert_ended(1)


def alive(pid: int) -> bool:
    """A zombie, which nobody may have reaped yet, is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


class Update(Case):
    PAGE = "Words.\n\n  ```console\n  $ {}\n{}  $ echo \\\n  b\n{}  ```\n\nMore.\n"
    COMMAND = "printf 'a 1 ms\\nnew \\nb\\n'"

    def setUp(self):
        super().setUp()
        self.others = self.enterContext(mock.patch.object(check_readmes, "others_share"))
        self.others.return_value = 0.01

    def assert_updated(self, old: tuple[str, str], *faults: str, force: bool = False):
        readme = self.write("notes/README.md", self.PAGE.format(self.COMMAND, *old))
        found = self.faults(readme, update=True, force=force)
        self.assertEqual(len(found), len(faults), found)
        for fault, part in zip(found, faults):
            self.assertIn(part, fault)
        return readme.read_text(encoding="utf-8")

    def test_the_real_lines_are_written(self):
        real = self.PAGE.format(self.COMMAND, "  a 1 ms\n  new\n  b\n", "  b\n")
        self.assertEqual(self.assert_updated(("  a 9 ms\n  old\n  gone\n", "")), real)
        self.assertEqual(self.assert_updated(("", "  b\n  c\n")), real)

    def test_a_busy_machine_writes_nothing(self):
        self.others.return_value = 0.4
        old = "  a 9 ms\n  new\n  b\n", "  b\n"
        page = self.assert_updated(old, "others had 40% of the processors")
        self.assertEqual(page, self.PAGE.format(self.COMMAND, *old))
        page = self.assert_updated(old, force=True)
        self.assertEqual(page, self.PAGE.format(self.COMMAND, old[0].replace("9", "1"), old[1]))

    def test_programs_measure_in_full_only_then(self):
        page = "```console\n$ echo ${{PDC_ONE_ROUND-all}} rounds\n{} rounds\n```\n"
        readme = self.write("notes/README.md", page.format(1))
        self.assertEqual(self.faults(readme), [])
        self.assertEqual(self.faults(readme, update=True), [])
        self.assertEqual(readme.read_text(encoding="utf-8"), page.format("all"))

    def test_what_is_the_same_is_not_written(self):
        os.utime(self.root, (1, 1))
        self.assertEqual(self.faults(self.root, update=True), [])
        self.assertEqual(self.root.stat().st_mtime, 1)

    def test_what_fails_stays_a_fault(self):
        readme = self.write("notes/README.md", "```console\n$ (exit 3)\n$ exit\nb\n```\n")
        fails, ends = self.faults(readme, update=True)
        self.assertIn("ends with status 3", fails)
        self.assertIn("ends the shell", ends)

    def test_one_section_only(self):
        for old, new in (("took 17 ms", "took 99 min"), ("numbers, like", "numbers like")):
            self.chapter1.write_text(self.chapter1.read_text().replace(old, new))
        book = check_readmes.Book(self.source, self.build)
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(check_readmes.check(self.chapter1, book, {"count"}, update=True), [])
        hello, count = self.chapter1.read_text(encoding="utf-8").split("### count")
        self.assertIn("took 99 min", hello)
        self.assertNotIn("took 99 min", count)


class Text(Case):
    def test_tabs_and_blanks(self):
        self.assert_spoilt(self.root, "to begin", "to\tbegin", "README.md:5: a tab")
        self.assert_page("a\n\nb \n", "README.md:3: blanks at the end of the line")
        self.assert_page("```text\na\tb\nc \n```\n", ":2: a tab", ":3: blanks")
        self.assert_page("a\r\nb\n", ":1: blanks")

    def test_a_fence_that_is_not_closed(self):
        self.assert_page("```sh\ntrue\n", "notes/README.md:1: this code fence is never closed")

    def test_a_longer_fence_holds_a_shorter_one(self):
        self.assert_page("````text\n```console\n$ false\n```\n````\n")

    def test_a_fence_in_a_quotation(self):
        self.assert_page("> ```text\n> a\n> ```\n", "stands alone on its line")

    def test_long_lines_in_code(self):
        self.assert_page("x" * 200 + "\n\n```sh\n" + "x" * 120 + "\n```\n")
        self.assert_page("```sh\n" + "x" * 121 + "\n```\n", ":2: 121 columns in a code block")

    def test_cells_too_many_or_too_few(self):
        self.assert_spoilt(self.root, "| to begin |", "| to | begin |", "3 cells in a table of 2")
        self.assert_page("| a | b |\n| --- |\n| c | d |\n", "a table whose second line")


class Links(Case):
    def assert_link(self, text: str, *expected: str):
        self.assert_page(f"# A heading\n\n# A heading\n\n{text}\n", *expected)

    def test_files(self):
        self.assert_link("[a](../README.md) [b](../chapter1_demo) [`c`](../chapter1_demo/ring.cpp)",
                         "'../chapter1_demo/ring.cpp': there is no such file")  # fmt: skip
        self.assert_link("[a](../none.md)", "README.md:5: link to '../none.md': there is no such")
        self.assert_link("[![a](../none.svg)](../none.md)", "'../none.md'", "'../none.svg'")
        self.assert_link("a\n[link over\nlines](none)", "README.md:6: link to 'none'")
        self.assert_link("[a][b]\n\n[b]: none.md", "link to 'none.md'")
        self.assert_link('<a href="none.md">a</a>', "link to 'none.md'")
        self.assert_link('[a](none.md "title")', "link to 'none.md': there")
        self.assert_link("[a](/README.md)", "write it relative")
        self.assert_link("[a](two words.md)", "README.md:5: a link whose address has blanks")
        self.assert_link("`[a](int two, int words)`")
        self.assert_link("[a]()", "not an address")

    def test_files_that_a_clone_does_not_have(self):
        self.assert_link("[a](../build/release/catalog.json)", "leads out of the repository")
        self.assert_link("[a](../../elsewhere)", "leads out of the repository")

    def test_code_has_no_links(self):
        self.assert_link("`[a](none)` and ``b` [c](none)``\n\n```text\n[a](none)\n```")

    def test_anchors(self):
        self.assert_link("[a](#a-heading) [b](#a-heading-1) [c](../README.md#the-book)")
        self.assert_link("[a](#a-heading-2)", "there is no heading '#a-heading-2'")
        self.assert_link("[a](../README.md#a-book)", "there is no heading '#a-book'")
        self.assert_link('<a id="here"></a> [a](#here)')

    def test_anchors_are_made_as_github_does(self):
        text = "## lost_update: `x = x + 1`, [not](b.md) *safe*!\n\n### Übung -- 1/2\n"
        page = Page(self.write("notes/README.md", text))
        self.assertEqual(page.anchors, {"lost_update-x--x--1-not-safe", "übung----12"})

    def test_a_program_s_name_leads_to_its_section(self):
        chapter = "../chapter1_demo/README.md"
        self.assert_link(f"[hello]({chapter}#hello-a-greeting) [a]({chapter}) [the count]({chapter})")
        self.assert_link("[hello](../chapter1_demo/hello.cpp) [hello](https://a.org/README.md)")
        fault = "the section of hello is #hello-a-greeting"
        self.assert_link(f"[hello]({chapter})", fault)
        self.assert_link("[`hello`](../chapter1_demo/)", fault)
        self.assert_link(f"[hello]({chapter}#count-one-two)", fault)

    def test_lines_of_sources(self):
        source = "../chapter1_demo/hello.cpp"
        self.assert_link(f"[a]({source}#L11) [b]({source}#L1-L3)")
        self.assert_link(f"[a]({source}#L12)", "there is no '#L12'")
        self.assert_link(f"[a]({source}#main)", "there is no '#main'")

    def test_external_addresses_by_their_syntax(self):
        self.assert_link("[a](https://a.org/b?c#d) <https://a.org> [b](http://localhost:8080)")
        self.assert_link("[a](mailto:a@b.org)")
        self.assert_link("[a](https:/a.org)", "not an address")
        self.assert_link("<https://>", "not an address")
        self.assert_link("[a](htp://a.org)", "'htp:' is not")
        self.assert_link("[a](mailto:me)", "not a mail address")

    def test_pictures(self):
        picture = "../chapter1_demo/pictures/hello.svg"
        self.assert_link(f'![a]({picture}) <img src="{picture}" alt="a">')
        self.assert_link(f"![]({picture})", "has no text")
        self.assert_link('<img src="../README.md">', "has no text")
        self.assert_link("![a](none.svg)", "there is no such file")

    def test_svg(self):
        picture = "![a](a.svg)"
        for svg, fault in ((SVG.replace("viewBox", "box"), "no viewBox"), (SVG[:-8], "well-formed"),
                           ("<html/>", "not an SVG"), ("", "well-formed")):  # fmt: skip
            self.write("notes/a.svg", svg)
            self.assert_link(picture, fault)


class Root(Case):
    def test_links_every_chapter(self):
        fault = "no link to chapter2_ranks/README.md"
        self.assert_spoilt(self.root, "[two](chapter2_ranks/)", "two", fault)

    def test_another_page_beside_it_need_not(self):
        self.assert_faults(self.write("NOTES.md", "Words.\n"))

    def test_programs_that_are_none(self):
        self.assert_spoilt(self.root, "| hello,", "| hallo,", "'hallo' is no program of")


class Problems(Case):
    PAGE = "| program | why |\n| --- | --- |\n| hello, `ring` | to begin |\n| count | to go on |\n"

    def test_names_every_program(self):
        page = self.write(str(check_readmes.PROBLEMS), self.PAGE)
        self.assert_faults(page)
        self.assert_spoilt(page, "| count | to go on |\n", "", "no table headed 'program' has count")
        page.write_text(self.PAGE.replace("| hello,", "|"), encoding="utf-8")
        self.assert_faults(page, "no table headed 'program' has hello")


class Groups(Case):
    """The way into a chapter."""

    GROUPS = ("| I want | the program |\n| --- | --- |\n| to greet | [hello](hello.cpp) |\n\n"
              "Words.\n\n| I want | the program |\n| --- | --- |\n| to count | [count](count.cpp) |\n\n")  # fmt: skip

    def assert_groups(self, old: str, new: str, *expected: str):
        self.assertIn(old, self.GROUPS)
        groups = self.GROUPS.replace(old, new)
        text = CHAPTER1.replace("| program | concept |", groups + "| program | concept |")
        self.chapter1.write_text(text, encoding="utf-8")
        self.assert_faults(self.chapter1, *expected)

    def test_have_each_program_once(self):
        self.assert_groups("", "")

    def test_a_program_is_missing(self):
        fault = "README.md:3: no table headed 'I want' has hello"
        self.assert_groups("| to greet | [hello](hello.cpp) |\n", "", fault)

    def test_a_program_in_two_groups(self):
        row = "| to greet again | [hello](hello.cpp) |\n| to count |"
        self.assert_groups("| to count |", row, "hello stands in a table headed 'I want' already")

    def test_a_program_of_another_chapter(self):
        row = "| to go round | [ring](../chapter2_ranks/ring.cpp) |\n| to count |"
        self.assert_groups("| to count |", row, "'ring' is no program of this chapter")


class ChapterTable(Case):
    def assert_row(self, old: str, new: str, *expected: str):
        self.assert_spoilt(self.chapter1, old, new, *expected)

    def test_header(self):
        self.assert_row("| program | concept |", "| program | idea |", "one table has")

    def test_none(self):
        text = CHAPTER1.replace("| program | concept | run | you see |", "")
        self.chapter1.write_text(text, encoding="utf-8")
        fault = "README.md:1: one table has to be headed"
        self.assert_faults(self.chapter1, fault, "a table whose second line")

    def test_a_program_is_missing(self):
        line = next(line for line in CHAPTER1.splitlines(True) if line.startswith("| [hello]"))
        self.assert_row(line, "", "the table lacks hello")

    def test_a_program_too_many(self):
        row = "| [ring](../chapter2_ranks/ring.cpp) | round it goes | `ring` | it |\n| [hello]"
        self.assert_row("| [hello]", row, "the table has ring, not in this chapter's")

    def test_order(self):
        header, hello, count = CHAPTER1.splitlines(True)[3:6]
        fault = "not in the order of CMakeLists.txt"
        self.assert_row(header + hello + count, header + count + hello, fault)

    def test_link(self):
        self.assert_row("[hello](hello.cpp)", "hello", "the first cell has to be [hello]")

    def test_link_to_another(self):
        self.assert_row("[hello](hello.cpp)", "[hello](count.cpp)", "the first cell has")

    def test_concept(self):
        self.assert_row("| who is there? |", "| who? |", "- who?\n+ who is there?")

    def test_run(self):
        self.assert_row("`hello --name you`", "hello --name you", "'run' of hello has to be")

    def test_run_of_another(self):
        self.assert_row("`hello --name you`", "`hello2`", "has to be `hello ...`")

    def test_run_with_an_unknown_option(self):
        self.assert_row("--name you`", "--name you --nam x`", "hello has no option --nam")

    def test_run_of_a_program_that_is_not_built(self):
        check_readmes.help_of.cache_clear()
        (self.build / "chapter1_demo/hello").unlink()
        faults = self.faults(self.chapter1)
        self.assertIn("chapter1_demo/README.md:5: hello has no option --name", faults)

    def test_run_under_mpirun(self):
        form = "`mpirun -np N ring ...`"
        self.assert_spoilt(self.chapter2, "`mpirun -np 4 ring`", "`ring`", form)
        self.assert_spoilt(self.chapter2, "`ring`", "`mpirun -np 0 ring`", form)
        self.assert_row("| `count` |", "| `mpirun -np 2 count` |", "`count ...`")


class Sections(Case):
    def assert_section(self, old: str, new: str, *expected: str):
        self.assert_spoilt(self.chapter1, old, new, *expected)

    def test_missing(self):
        fault = "link to '#hello-a-greeting': there is no heading"
        self.assert_section("### hello: a", "### A", "'## name: ...' lacks hello", fault, fault)

    def test_order(self):
        first, rest = CHAPTER1.index("### hello"), CHAPTER1.index("### count")
        end = CHAPTER1.index("## If")
        hello, count = CHAPTER1[first:rest], CHAPTER1[rest:end]
        self.assert_section(hello + count, count + hello, "'## name: ...' is not in the order")

    def test_twice(self):
        section = CHAPTER1[CHAPTER1.index("### count") : CHAPTER1.index("## If")]
        self.assert_section("## If", section + "## If", "'## name: ...' is not in the order")

    def test_runs_the_program(self):
        self.write("pdc", HELLO).chmod(0o755)
        direct = "build/release/chapter1_demo/hello"
        for command in ("./pdc run hello", f"cd {direct[:-6]} && ./hello", f"{direct} | cat"):
            self.chapter1.write_text(CHAPTER1, encoding="utf-8")
            self.assert_section(direct, command)

    def test_runs_another(self):
        self.assert_section("demo/hello\n", "demo/count\n", "hello: no console block")

    def test_is_not_run_in_a_console(self):
        self.assert_section("```console", "```sh", "hello: no console block of its section runs it")

    def test_source(self):
        fault = "hello: below its heading, its source does not stand: [hello.cpp](hello.cpp)"
        self.assert_section("[hello.cpp](hello.cpp)\n\n", "", fault)
        self.chapter1.write_text(CHAPTER1, encoding="utf-8")
        self.assert_section("[hello.cpp](hello.cpp)\n", "[the source](hello.cpp)\n", fault)
        self.chapter1.write_text(CHAPTER1, encoding="utf-8")
        self.assert_section("[hello.cpp](hello.cpp)\n", "[hello.cpp](count.cpp)\n", fault)
        self.chapter1.write_text(CHAPTER1, encoding="utf-8")
        self.assert_section("[hello.cpp](hello.cpp)\n", "[hello.cpp](hello.cpp), and [more](..)\n")

    def test_source_in_a_folder_of_its_own(self):
        self.write("chapter1_demo/greet/hello.cpp", HEADER)
        (self.source / "chapter1_demo/hello.cpp").unlink()
        text = CHAPTER1.replace("(hello.cpp", "(greet/hello.cpp")
        text = text.replace("[hello](greet/hello.cpp)", "[hello](#hello-a-greeting)")
        self.chapter1.write_text(text, encoding="utf-8")
        self.assert_faults(self.chapter1)

    def test_next_leads_on(self):
        begin, ring = "**Next.** [hello](#hello-a-greeting) has", f"[ring]({NEXT['ring']})"
        for old, new, *faults in (
            (begin, "**Next.** `hello` has", "'hello' after Next is no link"),
            (begin, "**Next.** hello has", "'hello' after Next is no link"),
            (begin, "**Next.** Something has", "'Something' after Next is no program"),
            (begin, begin + " `big_count` and", "'big_count' after Next is no program"),
            (ring, "ring", "'ring' after Next is no link"),
            (ring, "[circle](hello.cpp)", "'circle' after Next is no program"),
            (ring, f"{ring} and `count`", "'count' after Next is no link"),
            (ring, f"[ring]({NEXT['ring'][:-5]})", "link to", "there is no heading '#ring-'"),
            ("`std::iota`", "`std::transform_reduce`"),
        ):
            self.chapter1.write_text(CHAPTER1, encoding="utf-8")
            self.assert_section(old, new, *faults[-1:])

    def test_next_in_the_header(self):
        for old, new, word in (("count has", "counts has", "counts"), ("ring\n", "rang\n", "rang"),
                               ("numbers;", "numbers, a big_count;", "big_count")):  # fmt: skip
            self.write("chapter1_demo/hello.cpp", HEADER.replace(old, new))
            fault = f"the header of chapter1_demo/hello.cpp has '{word}' after Next"
            self.assert_faults(self.chapter1, fault)

    def test_picture(self):
        fault = "does not show ![...](pictures/hello.svg)"
        self.assert_section("(pictures/hello.svg)", "(pictures/count.svg)", fault)

    def test_picture_that_is_only_a_link(self):
        fault = "does not show ![...](pictures/hello.svg)"
        self.assert_section("![lanes of hello]", "[lanes of hello]", fault)

    def test_picture_in_another_section(self):
        picture = "![lanes of hello](pictures/hello.svg)\n"
        moved = CHAPTER1.replace(picture, "") + picture
        fault = "does not show ![...](pictures/hello.svg)"
        self.assert_section(CHAPTER1, moved, fault)

    def test_labels(self):
        for label in ("**What to look at.**", "**Try.**", "**Next.** [hello](#hello-a-greeting)"):
            self.chapter1.write_text(CHAPTER1, encoding="utf-8")
            fault = f"hello: no paragraph of its section begins with {label.partition(' [')[0]}"
            self.assert_section(label, "Words", fault)

    def test_python(self):
        self.assert_section("In Python it", "It", "hello: its source names what Python calls it")
        self.write("chapter1_demo/hello.cpp", HEADER.replace("// Python    print\n", "//\n"))
        self.assert_faults(self.chapter1)

    def test_header_of_the_source(self):
        for label in ("You see", "Run", "Next"):
            self.write("chapter1_demo/hello.cpp", HEADER.replace(f"// {label}", "// Nothing"))
            fault = f"the header of chapter1_demo/hello.cpp has no '{label}'"
            self.assert_faults(self.chapter1, fault)


if __name__ == "__main__":
    unittest.main()
