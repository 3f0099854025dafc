# SPDX-License-Identifier: MIT
"""The driver's arithmetic: ratios, medians, the rule for a busy machine, the table."""

import contextlib
import copy
import io
import os
import types
import unittest
from unittest import mock

import bench
from bench import Comparison, Value


class Given:
    """A side that says its values one after the other."""

    def __init__(self, *values):
        self.values = list(values)

    def measure(self, _machine):
        value = self.values.pop(0)
        if isinstance(value, Exception):
            raise value
        return value


class AnyCatalog(dict):
    """Every name is that of a program."""

    def __missing__(self, name):
        return {"executable": f"chapter/{name}", "siblings": []}


class Watched(bench.Machine):
    """Runs nothing, and knows what was asked for."""

    catalog = AnyCatalog()

    def __init__(self):
        super().__init__(".")
        self.asked = set()

    def built(self, path):
        self.asked.add(path)
        return f"/nowhere/{path}"

    def run(self, command, settings=None):
        raise bench.Failed("nothing runs here")


def seconds(*numbers):
    return Given(*(Value(number, "s") for number in numbers))


class Ratios(unittest.TestCase):
    def test_a_cost_is_ours_by_the_reference(self):
        self.assertEqual(Comparison("", "", 0, 0, "at most 1").ratio(Value(3, "s"), Value(2, "s")), 1.5)
        self.assertEqual(Comparison("", "", 0, 0, "at most 1").ratio(Value(2, "B/s"), Value(4, "B/s")), 2)

    def test_a_speed_is_the_other_way_round(self):
        for wanted in ("at least 1", ""):
            comparison = Comparison("", "", 0, 0, wanted)
            self.assertEqual(comparison.ratio(Value(1, "s"), Value(4, "s")), 4)
            self.assertEqual(comparison.ratio(Value(6, "B/s"), Value(2, "B/s")), 3)

    def test_without_a_reference_it_is_the_count(self):
        self.assertEqual(Comparison("", "", 0, None, "at most 1").ratio(Value(1.01, ""), None), 1.01)

    def test_bounds(self):
        self.assertTrue(Comparison("", "", 0, 0, "at least 0.95").kept(0.95))
        self.assertFalse(Comparison("", "", 0, 0, "at least 0.95").kept(0.94))
        self.assertTrue(Comparison("", "", 0, 0, "at most 1.15").kept(1.15))
        self.assertFalse(Comparison("", "", 0, 0, "at most 1.15").kept(1.16))

    def test_the_median_is_that_of_the_ratios_of_each_round(self):
        comparison = Comparison("x", "", seconds(1, 1, 10), seconds(2, 3, 10), "at least 1")
        row = bench.compare(comparison, 3, bench.Machine("."))
        self.assertEqual(row["ratios"], [2, 3, 1])  # the ratio of the medians would be 3
        self.assertEqual((row["ratio"], row["lowest"], row["highest"]), (2, 1, 3))

    def test_of_several_values_the_worst_is_told(self):
        sides = [Given(*({"8 B": Value(a, "s"), "1 KiB": Value(b, "s")} for a, b in numbers))
                 for numbers in ([(2, 9), (2, 9), (9, 9)], [(1, 9), (1, 9), (9, 1)])]
        for wanted, ratio in (("at most 1", 2), ("at least 1", 0.5)):
            row = bench.compare(Comparison("x", "all", *copy.deepcopy(sides), wanted), 3, bench.Machine("."))
            self.assertEqual((row["what"], row["ratio"]), ("all (worst: 8 B)", ratio))

    def test_neighbours_of_a_group_take_turns(self):
        called = []
        side = lambda name: types.SimpleNamespace(measure=lambda _: called.append(name) or Value(1, "s"))
        group = [Comparison(name, "", side(f"our {name}"), side(f"their {name}"), "", "both") for name in "xy"]
        self.assertEqual([row["name"] for row in bench.compare_group(group, 2, bench.Machine("."))], ["x", "y"])
        self.assertEqual(called, ["our x", "our y", "their x", "their y"] * 2)

    def test_a_line_of_a_rank_is_told_from_that_of_a_page(self):
        self.assertEqual(bench.read_measured("gather 1024 1.5e-06"), ("gather", 1024, 1.5e-06))
        for line in ("", "rank 0: 7 of 9 points hit", "all claims hold"):
            self.assertEqual(bench.read_measured(line)[0], "")
        self.assertEqual([bench.size_text(n) for n in (8, 1024, 65536, 4 << 20)], ["8 B", "1 KiB", "64 KiB", "4 MiB"])

    def test_every_bound_in_the_list_can_be_read(self):
        for comparison in bench.COMPARISONS:
            self.assertIn(comparison.kept(1), (True, False) if comparison.wanted else (None,))
        self.assertEqual(len({c.name for c in bench.COMPARISONS}), len(bench.COMPARISONS))


    def test_a_comparison_asks_for_no_more_than_its_targets(self):
        for comparison in bench.COMPARISONS:
            for side in filter(None, (comparison.ours, comparison.reference)):
                machine = Watched()
                with contextlib.suppress(bench.Failed, bench.Skipped, FileNotFoundError):
                    side.measure(machine)
                self.assertLessEqual(machine.asked, set(comparison.targets(machine)), comparison.name)


class Verdicts(unittest.TestCase):
    def test_others_are_what_is_busy_or_stolen_and_not_ours(self):
        idle, busy = [0] * 8, [30, 0, 10, 150, 0, 0, 0, 10]
        self.assertAlmostEqual(bench.others_share(idle, busy, 40), 0.05)
        self.assertEqual(bench.others_share(idle, busy, 60), 0)
        self.assertEqual(bench.others_share(idle, idle, 0), 0)

    def test_a_busy_machine_judges_nothing(self):
        comparison = Comparison("", "", 0, 0, "at least 1")
        self.assertEqual(bench.verdict(comparison, 2, 0.0, 9), "kept")
        self.assertEqual(bench.verdict(comparison, 0.5, 0.0, 9), "missed")
        self.assertEqual(bench.verdict(comparison, 2, 0.06, 9), "too busy to judge")
        self.assertEqual(bench.verdict(comparison, 2, 0.0, 8), "too few rounds")
        self.assertEqual(bench.verdict(Comparison("", "", 0), 2, 0.0, 9), "reported")

    def test_what_is_missing_is_skipped_and_what_breaks_has_failed(self):
        for error, word in ((bench.Skipped("needs x"), "skipped: needs x"), (bench.Failed("why"), "failed: why")):
            row = bench.compare(Comparison("x", "", seconds(1), Given(error)), 1, bench.Machine("."))
            self.assertEqual(row["verdict"], word)


class Tables(unittest.TestCase):
    def test_values_are_for_people(self):
        texts = {Value(2.5e-9, "s"): "2.5 ns", Value(0.0412, "s"): "41.2 ms", Value(2.2e10, "B/s"): "22 GB/s",
                 Value(1.0, ""): "1"}
        for value, text in texts.items():
            self.assertEqual(str(value), text)

    def test_columns_are_aligned_and_markdown_has_as_many(self):
        row = bench.compare(Comparison("a name", "what", seconds(1), seconds(2), "at least 1"), 1, bench.Machine("."))
        header, line = bench.table([row])
        self.assertEqual(header.index("what"), line.index("what"))
        self.assertIn("2 [2..2]", line)
        self.assertEqual({text.count("|") for text in bench.markdown([row])}, {8})

    def test_an_unknown_name_is_one_line_and_status_2(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(bench.main(["xyzzy"]), 2)
        self.assertEqual(said.getvalue().count("\n"), 1)

    def test_a_name_selects_its_rows(self):
        for name, rows in (("barrier", ["barrier/2", "barrier/4", "barrier/python"]), ("barrier/4", ["barrier/4"])):
            self.assertEqual([c.name for c in bench.select([name], bench.COMPARISONS)], rows)

    def test_workers_choose_what_is_shared_out_to_so_many(self):
        with contextlib.redirect_stdout(io.StringIO()) as said, mock.patch.dict(os.environ):
            self.assertEqual(bench.main(["--workers", "8", "--list"]), 0)
            self.assertEqual(bench.main(["--workers", "8", "--list", "fibonacci"]), 0)
        lines = said.getvalue().splitlines()
        self.assertGreater(len(lines), 5)
        for line in lines:
            self.assertRegex(line, "beside 8 serial runs at once: at least 0.9|8 ranks beside 1, and the same of bare loops: ")
        self.assertEqual(sum(line.startswith("fibonacci ") for line in lines), 2)

    def test_too_few_workers_are_one_line_and_status_2(self):
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as ended:
            bench.main(["--workers", "1"])
        self.assertEqual((ended.exception.code, said.getvalue().count("\n")), (2, 1))


if __name__ == "__main__":
    unittest.main()
