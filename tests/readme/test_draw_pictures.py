# SPDX-License-Identifier: MIT
"""What draws the pictures, and what holds them against the READMEs: with programs and pictures made here."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import draw_pictures
import expectations

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 300">
<text class="scene">without</text>
<rect class="work"><title>runner 0: work leg 1, 0.0 to 500.0 µs</title></rect>
<rect class="work"><title>runner 1: work leg: a, b, 0.5 to {end} ms</title></rect>
<text class="scene">with</text>
<rect class="wait"><title>runner 0: wait barrier, 1.0 to 2.0 s</title></rect>
<circle><title>measured: 2, {speed_up}</title></circle>
</svg>
"""
FASTER = {"words": "twice as fast", "holds": "at('measured', 2) > 1.7"}


def picture(end="3.0", speed_up="1.9"):
    return SVG.format(end=end, speed_up=speed_up)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


class Expectations(Folder):
    def fault(self, holds, **numbers):
        return expectations.Drawing(self.write("a.svg", picture(**numbers))).fault_of(holds)

    def test_numbers_are_read_from_the_titles_in_milliseconds(self):
        for holds in (
            "end('without') == 3", "begin('without', 'runner 1') == 0.5", "end('without', 'runner 0') == 0.5",
            "time('*', '*', 'wait') == 1000", "rows('without') == 2", "bars('*', 'runner 0') == 2",
            "bars('without', '*', 'work', 'leg: a, b') == 1", "at('measured', 2) == 1.9",
            "max(end('with'), end('without')) == 2000",
        ):  # fmt: skip
            self.assertEqual(self.fault(holds), "", holds)

    def test_what_does_not_hold_comes_with_its_numbers(self):
        self.assertEqual(self.fault("at('measured', 2) > 1.7", speed_up="0.98"),
                         "at('measured', 2) > 1.7 does not hold: at('measured', 2) is 0.98")  # fmt: skip

    def test_what_is_not_in_the_picture_is_a_fault(self):
        self.assertIn("no bar", self.fault("end('elsewhere') > 0"))
        self.assertIn("no point", self.fault("at('measured', 3) > 0"))

    def test_what_cannot_be_read_is_a_fault(self):
        for holds in ("end(", "unknown() > 1", "__import__('os') is None", "end('without') > 'a'"):
            self.assertIn("is no expectation", self.fault(holds), holds)

    def test_files_of_one_picture_are_read_together(self):
        self.write("a.svg", picture())
        self.write("a-2.svg", picture().replace("without", "third"))
        self.write("a-b.svg", "of another program")
        entry = {"words": "", "holds": "end('third') == end('without')"}
        self.assertEqual(expectations.faults_of_picture(self.folder, "a", [entry]), [])

    def test_a_picture_that_is_not_there_or_broken_is_a_fault(self):
        self.write("a.svg", "<svg>")
        self.assertIn("well-formed", expectations.faults_of_picture(self.folder, "a", [])[0])
        self.assertIn("there is no b.svg", expectations.faults_of_picture(self.folder, "b", [])[0])

    def test_words_have_to_stand_in_the_readme(self):
        self.write("chapter1/README.md", "It is twice\nas fast.")
        self.write("chapter1/pictures/a.svg", picture())
        toml = '[[a]]\nwords = "{}"\nholds = "at(\'measured\', 2) > {}"\n'
        for words, least, faults in (("twice as fast", 1.7, 0), ("thrice as fast", 1.7, 1), ("twice as fast", 2, 1)):
            self.write("chapter1/pictures/expectations.toml", toml.format(words, least))
            self.assertEqual(len(expectations.faults_of_chapter(self.folder / "chapter1")), faults, words)


class Drawing(Folder):
    def setUp(self):
        super().setUp()
        self.write("chapter1/README.md", "It is twice as fast.")
        self.old = self.write("chapter1/pictures/a.svg", "old")
        self.write("chapter1/pictures/expectations.toml",
                   '[[a]]\nwords = "twice as fast"\nholds = "at(\'measured\', 2) > 1.7"\n')  # fmt: skip
        entry = {"name": "a", "chapter": "chapter1", "executable": "a", "mpi": False, "ranks": []}
        self.write("build/catalog.json", json.dumps([entry]))

    def program(self, text):
        """A program that draws what stands in the file `drawn`, or runs this shell text."""
        self.write("build/a", f"#!/bin/sh\n{text}\n").chmod(0o755)

    def draw(self, *options, machine="", others=()):
        """Status and output; `others` had so much of the machine during each run."""
        arguments = ["draw_pictures.py", "--build", str(self.folder / "build"), "--source", str(self.folder)]
        shares = iter(others or [0.0] * 100)
        with (
            mock.patch.object(sys, "argv", [*arguments, *options]),
            mock.patch.object(draw_pictures.quiet, "fault_of_machine", lambda: machine),
            mock.patch.object(draw_pictures.quiet, "others_share", lambda *_: next(shares)),
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(out),
        ):
            try:
                status = draw_pictures.main()
            except SystemExit as end:
                status = end.code
        return status, out.getvalue()

    def counting_program(self, *speed_ups):
        """Draws another speed-up in each run."""
        for number, speed_up in enumerate(speed_ups):
            self.write(f"drawn{number}", picture(speed_up=speed_up))
        self.program(f'n=$(cat {self.folder}/runs 2>/dev/null || echo 0); echo $((n + 1)) >{self.folder}/runs\n'
                     f'cp "{self.folder}/drawn$n" "$3"')  # fmt: skip

    def drawn(self):
        return self.old.read_text(encoding="utf-8")

    def test_a_busy_machine_draws_nothing(self):
        self.counting_program("1.9")
        status, said = self.draw(machine="others are at work")
        self.assertEqual((status, said), (3, "no pictures are drawn here now: others are at work\n"))
        self.assertEqual(self.drawn(), "old")
        self.assertFalse((self.folder / "runs").exists())

    def test_the_calmest_run_that_meets_the_expectations_is_taken(self):
        self.counting_program("1.8", "0.9", "1.9", "1.85")
        status, _ = self.draw("--runs", "4", others=[0.03, 0.0, 0.01, 0.02])
        self.assertEqual(status, 0)
        self.assertEqual(self.drawn(), picture(speed_up="1.9"))

    def test_a_picture_stays_if_no_run_is_calm_enough_or_as_expected(self):
        self.counting_program("1.9", "1.2")
        status, said = self.draw("--runs", "2", others=[0.2, 0.0])
        self.assertEqual(status, 1)
        self.assertIn("at('measured', 2) is 1.2", said)
        self.assertEqual(self.drawn(), "old")

    def test_a_picture_stays_if_its_program_fails(self):
        self.program("echo it broke; exit 1")
        status, said = self.draw("--runs", "1")
        self.assertEqual(status, 1)
        self.assertIn("status 1\nit broke", said)
        self.assertEqual(self.drawn(), "old")

    def test_all_files_of_a_picture_are_replaced(self):
        self.write("chapter1/pictures/a-2.svg", "old")
        self.write("chapter1/pictures/a-3.svg", "old")
        other = self.write("chapter1/pictures/a-b.svg", "of another program")
        self.write("drawn", picture())
        self.program(f'cp {self.folder}/drawn "$3"; cp {self.folder}/drawn "${{3%.svg}}-2.svg"')
        self.assertEqual(self.draw("--runs", "1")[0], 0)
        self.assertEqual((self.folder / "chapter1/pictures/a-2.svg").read_text(encoding="utf-8"), picture())
        self.assertFalse((self.folder / "chapter1/pictures/a-3.svg").exists())
        self.assertTrue(other.exists())

    def test_pictures_made_elsewhere_are_held_against_the_expectations_too(self):
        self.write("made/host 1/a.svg", picture(speed_up="1.1"))
        self.write("made/host 2/3/a.svg", picture(speed_up="1.95"))
        status, _ = self.draw("--from", str(self.folder / "made"), machine="busy, which does not matter")
        self.assertEqual(status, 0)
        self.assertEqual(self.drawn(), picture(speed_up="1.95"))

    def test_nothing_made_elsewhere_is_said(self):
        self.write("made/b.svg", picture())
        status, said = self.draw("--from", str(self.folder / "made"))
        self.assertEqual(status, 1)
        self.assertIn("there is no a.svg below", said)
        self.assertEqual(self.draw("--from", str(self.folder / "nowhere"))[0], 2)

    def test_unknown_programs_are_a_wrong_command_line(self):
        self.assertEqual(self.draw("b")[0], 2)


class Machine(unittest.TestCase):
    def fault(self, cores, others):
        with (
            mock.patch.object(draw_pictures.quiet, "free_cores", lambda: cores),
            mock.patch.object(draw_pictures.quiet, "others_share", lambda *_: others),
        ):
            return draw_pictures.quiet.fault_of_machine()

    def test_two_free_cores_and_nobody_else_are_needed(self):
        self.assertEqual(self.fault(2.0, 0.01), "")
        self.assertIn("gets the time of 1.0", self.fault(1.0, 0.01))
        self.assertIn("others have 20%", self.fault(2.0, 0.2))

    def test_what_is_free_is_measured(self):
        self.assertTrue(0 < draw_pictures.quiet.free_cores() <= 2.1)


if __name__ == "__main__":
    unittest.main()
