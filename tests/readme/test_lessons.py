#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Proves of each check of "Try" and "To lift" that it passes a good section and fails on a bad one."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import lessons
from page import Page

SOURCE = """// Hello
#include "pdc/program.hpp"

#include "own.hpp"

int twice(int n) {
  const pdc::Lane lane;
  return n
         + n;
}
"""

OWN = "constexpr int one = 1;\n"

MUTANTS = """
[[mutant]]
says = "nothing is doubled"
asks = "add once"
claim = "twice is two times"
text = "+ n"
by = ""

[[mutant]]
says = "a mutant that is no exercise"
claim = "twice is even"
text = "+ n"
by = "+ n + 1"

[[try]]
asks = "give it seven"
options = ["--n", "7"]
sees = ["twice is", "(14)"]
"""

README = """# Chapter

## hello: again

**Try.** Two things.

1. In the source,
   add `once`. What fails?

   <details><summary>Answer</summary>

   `twice is two
   times`, always.

   </details>

2. Then, give it seven. What comes?

   <details><summary>Answer</summary>

   It says that `twice is` so much: `(14)`.

   </details>

**To lift.** The function.

```cpp
#include <cstdio>

constexpr int one = 1;

// Doubles.
int twice(int n) {
  return n + n;
}

int twice(const char* text) {  // the page has numbers only
  return twice(text[0]);       // so here, too
}
```

**Next.** Nothing.
"""


class LessonsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pdc.")
        self.addCleanup(folder.cleanup)
        self.source = Path(folder.name)
        self.build = self.source / "build"
        made = "chapter1/CMakeFiles/chapter1.hello.dir/hello.cpp.o"
        command = f"c++ -I{self.source}/common/include -Wall -std=c++20 -include pre.hpp -o {made} -c hello.cpp"
        self.write("build/compile_commands.json", json.dumps([{"command": command}]))
        self.write("chapter1/hello.cpp", SOURCE)
        self.write("chapter1/own.hpp", OWN)
        self.write("common/include/pdc/program.hpp", "")
        self.write("tests/mutants/chapter1/hello.toml", MUTANTS)

    def write(self, path: str, text: str) -> Path:
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def faults(self, readme: str) -> list[str]:
        page = Page(self.write("chapter1/README.md", readme))
        lines = range(3, len(page.lines) + 1)
        found = lessons.check(page, self.source, self.build, {"chapter1.hello": lines})
        return [f"{line}: {fault}" for line, fault in found]

    def assert_spoilt(self, old: str, new: str, *expected: str) -> None:
        """Replacing `old` by `new` in the README brings forth these faults, and no others."""
        self.assertIn(old, README)
        faults = self.faults(README.replace(old, new, 1))
        self.assertEqual(len(faults), len(expected), faults)
        for fault, part in zip(faults, expected):
            self.assertIn(part, fault)

    def test_a_good_section(self):
        self.assertEqual(self.faults(README), [])

    def test_try_without_a_list(self):
        readme = README[: README.index("1. In")] + README[README.index("**To lift") :]
        faults = self.faults(readme)
        self.assertIn("5: hello: after **Try.** comes no numbered list", faults[0])
        self.assertEqual(len(faults), 3)  # and each entry misses its exercise

    def test_an_exercise_without_an_answer(self):
        self.assert_spoilt("<details><summary>Answer</summary>\n\n   `twice is two\n   times`, always.\n\n   </details>",
                           "", "7: hello: this exercise has no answer", "does not say what is seen")  # fmt: skip

    def test_an_answer_ends_where_it_ends(self):
        self.assert_spoilt("   `twice is two\n   times`, always.\n\n   </details>",
                           "   Well.\n\n   </details>\n\n   Twice is two times.",
                           "does not say what is seen: twice is two times")  # fmt: skip

    def test_an_exercise_that_is_not_tried(self):
        self.assert_spoilt("give it seven", "give it eight", "17: hello: this exercise is not tried",
                           "5: hello: 0 exercises, not one, have the words: give it seven")  # fmt: skip

    def test_words_that_stand_in_two_exercises(self):
        self.assert_spoilt("Then, give", "Then, add once and give", "2 exercises, not one")

    def test_an_answer_that_says_something_else(self):
        self.assert_spoilt("two\n   times", "three\n   times", "is seen: twice is two times")
        self.assert_spoilt("(14)", "(15)", "is seen: (14)")

    def test_a_race_is_seen_as_one(self):
        self.write("tests/mutants/chapter1/hello.toml",
                   MUTANTS.replace('claim = "twice is two times"', 'killer = "tsan"'))  # fmt: skip
        self.assert_spoilt("two\n   times", "a data\n   race")
        self.assert_spoilt("two\n   times", "two", "is seen: data race")

    def test_nothing_to_lift(self):
        self.assert_spoilt("**To lift.**", "**Take.**", "begins with **To lift.**")
        self.assert_spoilt("```cpp", "```c", "has 0 cpp blocks, not one")
        self.assert_spoilt("**Next.**", "```cpp\nint i;\n```\n\n**Next.**", "has 2 cpp blocks")

    def test_a_line_that_is_not_the_page_s(self):
        self.assert_spoilt("return n + n;", "return 2 * n;", "34: hello: no line of the page")
        self.assert_spoilt("return n + n;", "return 2 * n;  // as quick")

    def test_what_does_not_compile_alone(self):
        self.assert_spoilt("  return n + n;", "  const pdc::Lane lane;\n  return n + n;",
                           "27: chapter1.hello: what it offers to lift does not compile")  # fmt: skip
        self.assert_spoilt("#include <cstdio>", '#include "pdc/program.hpp"', "pdc/program.hpp")

    def test_warnings_are_errors(self):
        self.assert_spoilt("// Doubles.", "inline void f() { int i; }  // warns", "unused variable")


if __name__ == "__main__":
    unittest.main()
