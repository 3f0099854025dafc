# SPDX-License-Identifier: MIT
"""Each message of the driver, held against the list, the page or the build that causes it."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import mutants
from mutants import changed, lists

PAGE = r"""
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "own.hpp"

int main(int argc, char**) {
  const bool sum = four() == 4;
  const bool order = true;
  const bool long_order = order && argc > 0;
  std::fflush(stdout);
  std::printf("{\"claims\": [{\"claim\": \"the sum is right\", \"holds\": %s},", sum ? "true" : "false");
  std::printf("{\"claim\": \"in order\", \"holds\": %s},", order ? "true" : "false");
  std::printf("{\"claim\": \"in order, too\", \"holds\": %s}]}\n", long_order ? "true" : "false");
  return sum && order && long_order ? 0 : 1;
}
"""

OWN = "inline int four() { return 4; }\n"

GOOD = """
[[mutant]]
says = "the sum is one less"
claim = "the sum"
text = "return 4;"
by = "return 3;"
file = "own.hpp"

[[mutant]]
says = "nothing is in order"
claim = "in order"
edits = [
  { text = "order = true", by = "order = 1 > 2" },
  { text = "std::fflush(stdout);", by = "" },
]

[[mutant]]
says = "with an option, the rest is not in order"
claim = "in order, too"
options = ["--more"]
text = "argc > 0"
by = "argc < 4"
"""


def one(text: str, by: str, claim: str = "the sum is right") -> str:
    """A list of one mutant, whose other claims have mutants that do their duty."""
    change = f"text = {json.dumps(text)}\nby = {json.dumps(by)}\n"
    proof = f'claim = "{claim}"\n' if claim else 'killer = "tsan"\n'
    return f'{GOOD}\n[[mutant]]\nsays = "the one"\n{proof}{change}'


class Fake:
    """A build folder with one program, and a folder of lists. `files` stand beside the page."""

    def __init__(self, folder: Path, page: str = PAGE, ranks: tuple[int, ...] = (), flags: str = "",
                 files: dict[str, str] = {"own.hpp": OWN}, twin: str = ""):
        self.home, self.build, self.lists = folder / "home", folder / "build", folder / "lists"
        chapter = self.home / "chapter"
        for path in (chapter, self.build / "chapter", self.lists / "chapter", folder / "tmp"):
            path.mkdir(parents=True)
        files = {"fake.cpp": page, **files}
        for name, text in files.items():
            (chapter / name).write_text(text)
        mpirun = folder / "mpirun"
        mpirun.write_text('#!/bin/sh\nexport RANKS="$4"\nshift 4\nexec "$@"\n')
        mpirun.chmod(0o755)
        self.write("CMakeCache.txt", f"CMAKE_HOME_DIRECTORY:INTERNAL={self.home}\n"
                   f"CMAKE_CXX_FLAGS:STRING={flags}\nMPIEXEC_EXECUTABLE:FILEPATH={mpirun}\n")
        entry = {"name": "fake", "chapter": "chapter", "executable": "chapter/fake", "twin": twin}
        self.write("catalog.json", json.dumps([entry | {"mpi": bool(ranks), "ranks": ranks}]))
        sources = {f"chapter/{name}.o": chapter / name for name in files if name.endswith(".cpp")}
        compile_it = "c++ -Wall -Werror -O2 -o {} -c {}"
        commands = [
            {"directory": str(self.build), "command": compile_it.format(made, file), "file": str(file)}
            for made, file in sources.items()
        ]
        self.write("compile_commands.json", json.dumps(commands))
        edges = "".join(f"build {made}: compile {file}\n" for made, file in sources.items())
        if twin:
            del sources[f"chapter/{twin}.cpp.o"]
            edges += f"build chapter/{twin}: link chapter/{twin}.cpp.o\n"
        self.write("build.ninja", "rule link\n command = : && c++ $in -o $out && :\n"
                   f"rule compile\n command = {compile_it.format('$out', '$in')}\n"
                   f"{edges}build chapter/fake: link {' '.join(sources)}\n")

    def write(self, name: str, text: str) -> None:
        (self.build / name).write_text(text)

    def start(self, *words: str) -> tuple[int, str]:
        """Status, and what was printed."""
        printed = io.StringIO()
        with (
            mock.patch.object(lists, "FOLDER", self.lists),
            mock.patch.dict(os.environ),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            status = mutants.start(["--build", str(self.build), *words])
        return status, printed.getvalue()

    def test(self, mutant_list: str, *words: str) -> tuple[int, str]:
        (self.lists / "chapter/fake.toml").write_text(mutant_list)
        return self.start("chapter.fake", *words)


class DriverTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pdc.")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def expect(self, result: tuple[int, str], status: int, *parts: str) -> None:
        for part in parts:
            self.assertIn(part, result[1])
        self.assertEqual(result[0], status, result[1])


# Exercises: a mutant that is one, and one for each thing that may change.
TRIED = GOOD.replace('says = "the sum', 'asks = "take one away"\nsays = "the sum') + """
[[try]]
asks = "with an option"
options = ["--more"]
sees = ["in order, too", "holds"]

[[try]]
asks = "with another sum"
text = "return 4;"
by = "return 5;"
file = "own.hpp"
status = 1
sees = ['the sum is right", "holds": false']
"""


class TryTest(DriverTest):
    def test_what_is_seen(self):
        seen = "chapter.fake: 3 of 3 mutants killed, 2 of 2 answers seen"
        self.expect(Fake(self.folder).test(TRIED), 0, seen)

    def test_another_status(self):
        wrong = TRIED.replace("status = 1", "status = 4")
        self.expect(Fake(self.folder).test(wrong), 1, "NOT SEEN", "status 1, not 4")

    def test_another_output(self):
        wrong = TRIED.replace('"in order, too", "holds"', '"in order, three"')
        self.expect(Fake(self.folder).test(wrong), 1, "NOT SEEN", "it does not print: in order, three")

    def test_a_text_that_does_not_stand_in_the_page(self):
        wrong = TRIED.replace('text = "return 4;"\nby = "return 5;"', 'text = "return 6;"\nby = ""')
        self.expect(Fake(self.folder).test(wrong), 1, "NOT SEEN", "its text stands 0 times")

    def test_ranks_of_its_own(self):
        page = PAGE.replace("argc > 0;", "argc > 0;\n  std::puts(std::getenv(\"RANKS\"));")
        ranks = TRIED.replace('options = ["--more"]\nsees = [', 'ranks = 7\nsees = ["7", ')
        self.expect(Fake(self.folder, page, ranks=(2,)).test(ranks), 0, "2 of 2 answers seen")

    def test_a_list_that_is_wrong(self):
        for old, new, why in (
            ('sees = ["in order, too", "holds"]', "sees = []", "'sees' has to be a list of texts"),
            ('options = ["--more"]\nsees', "sees", "changes neither"),
            ('asks = "with an option"\n', "", "try 1: 'asks' is missing"),
            ("status = 1\n", "state = 1\n", "there is no key 'state'"),
        ):
            with self.subTest(why), tempfile.TemporaryDirectory() as folder:
                self.assertEqual(TRIED.count(old), 1)
                self.expect(Fake(Path(folder)).test(TRIED.replace(old, new)), 2, why)


# What asks for more: a claim that the page does not have.
MORE = GOOD + """
[[exercise]]
name = "fake_product"
asks = "let it be 6"
claim = "the product is right"
difficulty = 3
hints = ["multiply"]
edits = [
  { text = "sum is right", by = "product is right" },
  { text = "four() == 4", by = "four() == 6" },
]
solution = [{ text = "return 4;", by = "return 6;", file = "own.hpp" }]
"""
SPEAKS = PAGE.replace("  return sum", '  if (sum && order && long_order) std::puts("all claims hold");\n  return sum')


class ExerciseTest(DriverTest):
    def test_fails_as_it_is_handed_out_and_holds_when_it_is_solved(self):
        seen = "chapter.fake: 4 of 4 mutants killed, 1 of 1 answers seen"
        self.expect(Fake(self.folder, SPEAKS).test(MORE), 0, seen)

    def test_holds_as_it_is_handed_out(self):
        wrong = MORE.replace('by = "four() == 6"', 'by = "four() == 2 * 2"')
        self.expect(Fake(self.folder, SPEAKS).test(wrong), 1, "NOT KILLED", "fake_product, as it is handed out")

    def test_does_not_hold_when_it_is_solved(self):
        wrong = MORE.replace('by = "return 6;"', 'by = "return 7;"')
        self.expect(Fake(self.folder, SPEAKS).test(wrong), 1, "NOT SEEN", "fake_product, solved")

    def test_is_solved_with_all_rank_counts(self):
        solution = lists.Mutant(1, "solved", sees=("all claims hold",), solves=True)
        self.assertEqual([run.ranks for run in mutants.runs_of(solution, [3, 5])], [3, 5])

    def test_a_list_that_is_wrong(self):
        for old, new, why in (
            ("difficulty = 3", "difficulty = 4", "'difficulty' is 1, 2 or 3, not 4"),
            ('asks = "let it be 6"\n', "", "exercise 1: 'asks' is missing"),
            ('file = "own.hpp" }]', 'into = "own.hpp" }]', "there is no key 'into'"),
            ('claim = "in order', 'difficulty = 1\nclaim = "in order', "stands at more than one mutant"),
        ):
            with self.subTest(why), tempfile.TemporaryDirectory() as folder:
                self.assertIn(old, MORE)
                self.expect(Fake(Path(folder)).test(MORE.replace(old, new)), 2, why)


class GoodListTest(DriverTest):
    def test_passes(self):
        self.expect(Fake(self.folder).test(GOOD), 0, "chapter.fake: 3 of 3 mutants killed")

    def test_passes_where_the_optimiser_is_needed(self):
        self.expect(Fake(self.folder).test("optimise = true\n" + GOOD), 0, "3 of 3 mutants killed")

    def test_names_the_shorter_of_two_claims_by_all_of_it(self):
        result = Fake(self.folder).test(one("order = true", "order = false", "in orde"))
        self.expect(result, 1, "AMBIGUOUS: mutant 4 (the one) may mean: ['in order', 'in order, too']")

    def test_uses_each_rank_count(self):
        result = Fake(self.folder, ranks=(1, 2, 3, 5, 8)).test(
            one("four() == 4", 'four() == 4 && *std::getenv("RANKS") != \'5\'')
        )
        self.expect(result, 1, "it survives", "run 1 of 2 with 3 ranks on one core", "-np 3 FOLDER/fake")


class TogetherTest(DriverTest):
    """What can be compiled in one file is, and what cannot, alone."""

    def check(
        self, alone: bool, page: str = PAGE, same: str = "#ifdef NOTHING\n#endif\n", own: str = OWN
    ) -> None:
        result = Fake(self.folder, page, files={"own.hpp": own, "same.hpp": same}).test(GOOD)
        self.expect(result, 0, "3 of 3 mutants killed in ")
        self.assertEqual("compiled alone" in result[1], alone, result[1])

    def test_most_pages(self):
        self.check(False)

    def test_a_header_that_no_mutant_changes(self):
        self.check(False, f'#include "same.hpp"\n{PAGE}')

    def test_a_header_that_includes_one_that_a_mutant_changes(self):
        page = PAGE.replace('#include "own.hpp"', '#include "same.hpp"')
        self.check(False, page, same='#pragma once\n#include "own.hpp"\n')

    def test_a_header_of_the_same_namespace_as_one_that_a_mutant_changes(self):
        own, same = f"namespace own {{\n{OWN}}}\n", "namespace own {\ninline int two() { return 2; }\n}\n"
        page = PAGE.replace("four() == 4", "own::four() == 2 * own::two()")
        self.check(False, f'#include "same.hpp"\n{page}', same, own)

    def test_a_page_with_macros(self):
        self.check(True, "#define FOUR 4\n" + PAGE.replace("== 4", "== FOUR"))

    def test_a_page_with_what_belongs_to_the_global_namespace(self):
        hash_of_own = "#include <functional>\nstruct Own {};\ntemplate <> struct std::hash<Own> {};\n"
        self.check(True, PAGE.replace("int main", f"{hash_of_own}int main"))

    def test_more_than_one_file_holds(self):
        with mock.patch.object(mutants, "TOGETHER", 2):
            self.check(False)


class SourcesTest(DriverTest):
    """A program with a source file of its own beside its page."""

    FILES = {
        "own.hpp": "constexpr int result = 4;\nint four();\n",
        "more.cpp": '#include "own.hpp"\n\nint four() { return result; }\n',
    }

    def built(self, files: dict[str, str]) -> Fake:
        fake = Fake(self.folder, files=files)
        subprocess.run(["ninja", "-C", fake.build], check=True, capture_output=True)
        return fake

    def hold(self, mutant_list: str) -> tuple[int, str]:
        return self.built(self.FILES).test(mutant_list)

    def test_its_text_stands_in_it(self):
        in_more = GOOD.replace("return 4", "return result").replace("own.hpp", "more.cpp")
        self.expect(self.hold(in_more), 0, "3 of 3 mutants killed")

    def test_it_includes_the_header_in_which_its_text_stands(self):
        in_header = GOOD.replace("return 4", "result = 4").replace("return 3", "result = 3")
        self.expect(self.hold(in_header), 0, "3 of 3 mutants killed")

    def test_another_header_includes_the_one_in_which_its_text_stands(self):
        files = self.FILES | {"between.hpp": '#include "own.hpp"\n'}
        files["more.cpp"] = files["more.cpp"].replace("own.hpp", "between.hpp")
        in_header = GOOD.replace("return 4", "result = 4").replace("return 3", "result = 3")
        self.expect(self.built(files).test(in_header), 0, "3 of 3 mutants killed")

    def test_what_no_mutant_touches_is_not_compiled(self):
        fake = self.built({"own.hpp": OWN, "more.cpp": "int more() { return 1; }\n"})
        (fake.home / "chapter/more.cpp").write_text("no C++\n")
        result = fake.test(GOOD)
        self.expect(result, 0, "3 of 3 mutants killed")
        self.assertNotIn("compiled alone", result[1])


class TwinTest(DriverTest):
    """A program that starts an executable of its own."""

    ASK = """#include <cstdlib>
inline int four() {
  return WEXITSTATUS(std::system("$(dirname $(readlink /proc/$PPID/exe))/fake_twin"));
}
"""
    FILES = {"own.hpp": ASK, "fake_twin.cpp": "int main() { return 4; }\n"}

    def hold(self, mutant_list: str) -> tuple[int, str]:
        fake = Fake(self.folder, files=self.FILES, twin="fake_twin")
        subprocess.run(["ninja", "-C", fake.build], check=True, capture_output=True)
        return fake.test(mutant_list)

    def test_the_text_stands_in_its_twin(self):
        result = self.hold(GOOD.replace("own.hpp", "fake_twin.cpp"))
        self.expect(result, 0, "3 of 3 mutants killed", "compiled alone")

    def test_the_twin_stays_as_it_is(self):
        in_page = GOOD.replace('"return 4;"', '"return WE"').replace('"return 3;"', '"return 1 + WE"')
        result = self.hold(in_page)
        self.expect(result, 0, "3 of 3 mutants killed")
        self.assertNotIn("compiled alone", result[1])

    def test_a_change_to_the_twin_that_changes_nothing(self):
        same = GOOD.replace("return 3", "return 2 + 2").replace("own.hpp", "fake_twin.cpp")
        self.expect(self.hold(same), 1, "it survives: all claims hold")


class FlawTest(DriverTest):
    """Each way not to be killed has its message, with the sentence and the way to see it by hand."""

    def check(self, mutant_list: str, *parts: str, page: str = PAGE) -> None:
        result = Fake(self.folder, page).test(mutant_list)
        self.expect(result, 1, "NOT KILLED: chapter.fake, mutant 4: the one", *parts)
        self.assertRegex(result[1], "by hand   python3 .*/mutants.py --build .* --mutant 4 --keep")
        self.assertNotIn("mutant 3:", result[1])

    def test_survives(self):
        self.check(
            one("order = true", "order = !false"),
            "claim     the sum is right",
            "seen      it survives: all claims hold",
            "in        run 1 of 2 on one core",
            "FOLDER/fake --json --deadline",
        )

    def test_survives_now_and_then(self):
        self.check(
            one("four() == 4", 'access("seen", F_OK) == 0 || !std::fopen("seen", "w")'),
            "it survives",
            "in        run 2 of 2 on all cores",
        )

    def test_only_the_deadline_ends_it(self):
        self.check(
            one("std::fflush(stdout);", 'std::fputs("still running\\n", stderr); std::exit(4);'),
            "nothing but the deadline ends it:",
            "          still running",
        )

    def test_not_even_the_deadline_ends_it(self):
        with mock.patch.object(mutants, "PATIENCE", 0), mock.patch.object(changed, "LAST_RESORT", 0.5):
            self.check(one("std::fflush(stdout);", "pause();"), "not even the deadline ends it")

    def test_another_claim_fails(self):
        self.check(one("order = true", "order = false"), "another claim fails: in order; in order, too")

    def test_no_claim_fails(self):
        self.check(
            one("std::fflush(stdout);", 'std::fputs("no luck\\n", stderr); std::exit(1);'),
            "it ends with status 1, but by no claim:\n          no luck",
        )

    def test_crashes(self):
        self.check(one("std::fflush(stdout);", "std::abort();"), "it ends with status -6")

    def test_does_not_compile(self):
        self.check(one("order = true", "order = truth"), "it does not compile:", "truth")

    def test_does_not_link(self):
        self.check(one("int main", "int other"), "it does not link:", "main")

    def test_its_text_is_not_there(self):
        self.check(one("no such text", ""), "its text stands 0 times in fake.cpp, not 1: no such text")

    def test_its_text_is_there_more_often(self):
        self.check(one("std::printf", ""), "its text stands 3 times in fake.cpp, not 1")

    def test_its_text_is_there_less_often(self):
        self.check(one("argc > 0", "") + "times = 2", "its text stands 1 times in fake.cpp, not 2")

    def test_its_file_is_not_there(self):
        self.check(one("argc > 0", "") + 'file = "none.hpp"', "there is no file none.hpp")

    def test_no_source_file_includes_its_file(self):
        fake = Fake(self.folder, files={"own.hpp": OWN, "other.hpp": OWN})
        result = fake.test(GOOD.replace("own.hpp", "other.hpp"))
        self.expect(result, 1, "NOT KILLED: chapter.fake, mutant 1",
                    "no source file of the program includes other.hpp")

    def test_the_unchanged_page_fails(self):
        result = Fake(self.folder, PAGE.replace("four() == 4", "false")).test(GOOD)
        self.expect(result, 1, "WRONG BEFORE ANY CHANGE: chapter.fake", "it ends with status 1")

    def test_the_unchanged_page_fails_with_the_options_of_a_mutant(self):
        result = Fake(self.folder, PAGE.replace("argc > 0", "argc > 0 && argc < 5")).test(GOOD)
        self.expect(result, 1, "WRONG BEFORE ANY CHANGE: chapter.fake", "FOLDER/fake", "--more")

    def test_a_claim_without_a_mutant(self):
        result = Fake(self.folder).test(GOOD.replace('"in order, too"', '"in order"'))
        self.expect(result, 1, "NO COUNTER-PROOF: no mutant of chapter.fake names: in order, too")


class ThreadSanitizerTest(DriverTest):
    REPORT = 'std::fputs("WARNING: ThreadSanitizer: data race\\n", stderr); std::exit(66);'

    def test_kills_where_it_is_built_in(self):
        fake = Fake(self.folder, flags="-g -fsanitize=thread")
        self.expect(fake.test(one("std::fflush(stdout);", self.REPORT, "")), 0, "1 of 1 mutants killed")

    def test_sees_nothing(self):
        fake = Fake(self.folder, flags="-fsanitize=thread")
        result = fake.test(one("four() == 4", "four() == 5", ""))
        self.expect(result, 1, "ThreadSanitizer reports no data race: status 1")

    def test_is_not_asked_where_it_is_not_built_in(self):
        self.expect(Fake(self.folder).test(one("argc > 0", "true", "")), 0, "3 of 3 mutants killed")

    def test_the_text_is_looked_for_all_the_same(self):
        result = Fake(self.folder).test(one("no such text", "true", ""))
        self.expect(result, 1, "its text stands 0 times")


class MistakeTest(DriverTest):
    """One line that names the list and the mutant; status 2; nothing is compiled."""

    def check(self, mutant_list: str, says: str) -> None:
        result = Fake(self.folder).test(mutant_list)
        self.expect(result, 2, f"mutants: chapter/fake.toml: {says}")
        self.assertEqual(result[1].count("\n"), 1, result[1])

    def test_unknown_key(self):
        self.check(GOOD + 'clame = "x"', "mutant 3 (with an option, the rest is not in order): there is no key 'clame'")

    def test_unknown_key_of_an_edit(self):
        self.check(GOOD.replace("by = \"\" }", 'bye = "" }'), "mutant 2 (nothing is in order): there is no key 'bye'")

    def test_unknown_key_of_the_list(self):
        self.check('rank = [3]\n' + GOOD, "there is no key 'rank', but mutant, try, exercise, ranks, optimise")

    def test_missing_key(self):
        self.check(GOOD.replace('claim = "the sum"\n', ""), "mutant 1 (the sum is one less): 'claim' is missing")

    def test_missing_sentence(self):
        self.check(GOOD.replace('says = "the sum is one less"', ""), "mutant 1: 'says' is missing")

    def test_missing_list(self):
        self.check("", "'mutant' is missing")

    def test_wrong_type(self):
        self.check(GOOD + 'times = "2"', "mutant 3 (with an option, the rest is not in order): 'times' has to be a int")

    def test_both_one_edit_and_more(self):
        self.check(GOOD.replace("edits = [", 'text = "x"\nedits = ['), "mutant 2 (nothing is in order): there is no key 'text'")

    def test_unknown_killer(self):
        self.check(GOOD.replace('claim = "the sum"', 'killer = "asan"'), "mutant 1 (the sum is one less): 'killer' can be tsan only")

    def test_no_toml(self):
        self.check("[[mutant]", "Expected")

    def test_unknown_program(self):
        self.expect(Fake(self.folder).start("chapter.other"), 2, "has no program 'chapter.other'")

    def test_no_list(self):
        self.expect(Fake(self.folder).start("chapter.fake"), 2, "fake.toml")


class KeepTest(DriverTest):
    def test_builds_one_and_says_how_to_run_it(self):
        fake = Fake(self.folder)
        folder = self.folder / "kept"
        result = fake.test(GOOD, "--mutant", "1", "--keep", str(folder))
        self.expect(result, 0, f"{folder}/fake --json --deadline")
        self.assertEqual(subprocess.run([folder / "fake"], stdout=subprocess.DEVNULL).returncode, 1)
        self.expect(fake.test(GOOD, "--mutant", "1", "--keep", str(folder)), 2, "File exists")

    def test_builds_the_unchanged_page(self):
        folder = self.folder / "kept"
        self.expect(Fake(self.folder).test(GOOD, "--mutant", "0", "--keep", str(folder)), 0)
        self.assertEqual(subprocess.run([folder / "fake"], stdout=subprocess.DEVNULL).returncode, 0)

    def test_knows_how_many_there_are(self):
        result = Fake(self.folder).test(GOOD, "--mutant", "4", "--keep", str(self.folder / "kept"))
        self.expect(result, 2, "--mutant goes from 0 to 3, not 4")


class CoverageTest(DriverTest):
    def test_a_program_with_a_list(self):
        fake = Fake(self.folder)
        (fake.lists / "chapter/fake.toml").write_text(GOOD)
        self.expect(fake.start("--coverage"), 0, "1 of 1 programs have mutants")

    def test_a_program_without_one(self):
        self.expect(Fake(self.folder).start("--coverage"), 1, "chapter.fake has no mutants: write ")

    def test_a_list_without_a_program(self):
        fake = Fake(self.folder)
        shutil.copy(__file__, fake.lists / "chapter/fake.toml")
        shutil.copy(__file__, fake.lists / "chapter/gone.toml")
        self.expect(fake.start("--coverage"), 1, "there is no program chapter.gone for ")


class EndTest(DriverTest):
    """Whatever ends the driver, no process stays."""

    def interrupt(self, number: signal.Signals, mutant_does: str) -> int:
        """Signals the driver when a mutant runs, which does that and then waits for ever. Returns
        the driver's status."""
        fake = Fake(self.folder)
        started = self.folder / "started"
        hang = f'{mutant_does} std::fclose(std::fopen("{started}", "w")); for (;;) pause();'
        (fake.lists / "chapter/fake.toml").write_text(one("std::fflush(stdout);", hang))
        start = f"import mutants, pathlib; mutants.lists.FOLDER = pathlib.Path({str(fake.lists)!r}); "
        start += f"raise SystemExit(mutants.start(['--build', {str(fake.build)!r}, 'chapter.fake']))"
        driver = subprocess.Popen(
            [sys.executable, "-B", "-c", start],
            cwd=Path(__file__).parent,
            env=os.environ | {"TMPDIR": str(self.folder / "tmp")},
            stdout=subprocess.DEVNULL,
        )
        while not started.exists():
            self.assertIsNone(driver.poll())
            time.sleep(0.01)  # asks again, orders nothing
        driver.send_signal(number)
        return driver.wait()

    def running(self) -> list[str]:
        """The processes whose program stands in the test's folder."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/{pid}/exe"))
        return [path for path in found if path.startswith(str(self.folder))]

    def test_a_signal_leaves_nothing(self):
        status = self.interrupt(signal.SIGTERM, "if (fork() == 0) setsid();")
        self.assertEqual(status, 130)
        self.assertEqual(self.running(), [])
        self.assertEqual(os.listdir(self.folder / "tmp"), [])

    def test_killed_it_leaves_no_process(self):
        self.assertEqual(self.interrupt(signal.SIGKILL, ""), -signal.SIGKILL)
        end = time.monotonic() + 60
        while self.running() and time.monotonic() < end:
            time.sleep(0.01)  # asks again: a killed process takes a moment to go
        self.assertEqual(self.running(), [])


class PrecompiledHeadersTest(unittest.TestCase):
    PLAIN = ["c++", "-O2", "-c", "page.cpp"]

    def test_of_the_build_are_replaced(self):
        words = changed.without_optimiser([*self.PLAIN, "-include", "of_build.hxx"], "own.hxx")
        self.assertNotIn("of_build.hxx", words)
        self.assertEqual(words[-2:], ["-include", "own.hxx"])

    def test_a_source_file_without_them_gets_none(self):
        self.assertNotIn("-include", changed.without_optimiser(self.PLAIN, "own.hxx"))


class RunsTest(unittest.TestCase):
    def test_rank_counts(self):
        self.assertEqual(changed.usual_ranks([1, 2, 3, 5, 8]), [3, 5])
        self.assertEqual(changed.usual_ranks([4, 8]), [4])
        self.assertEqual(changed.usual_ranks([]), [])

    def test_each_rank_count_has_its_turn(self):
        runs = mutants.runs_of(lists.UNCHANGED, [3, 5])
        self.assertEqual([run.ranks for run in runs], [3, 5])
        self.assertEqual([run.pinned for run in runs], [True, False])
        [alone, beside] = mutants.runs_of(lists.UNCHANGED, [4])
        self.assertEqual((alone.ranks, beside.ranks, alone.pinned, beside.pinned), (4, 4, True, False))

    def test_two_runs_without_ranks(self):
        pinned = [run.pinned for run in mutants.runs_of(lists.UNCHANGED, [])]
        self.assertEqual(pinned, [True, False])


if __name__ == "__main__":
    unittest.main()
