#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Proves of each mask that it lets vary what varies, and nothing else."""

from __future__ import annotations

import unittest

import likeness

CHART = """with the barrier
                         ▾                    ▾
  runner 0  ███████████▉██████░░░░░░░▓▓▓▓▓
  runner 1    >░░░░░░░░░░░░░░░░<███
  audit
            0 ms       20       40       60
            █ work  ░ wait  ▓ hold  > send  < receive  ▾ all here"""

OTHER_RUN = """with the barrier
                  ▾
  runner 0  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
  runner 1
  audit                       ▉▉
            0 µs     0.5      1       1.5
            █ work  ▓ hold  > send  < receive  ▾ all here"""

TABLE = """                   median     lowest    highest  speed-up  efficiency
  held long       15.5 ms    15.3 ms    23.9 ms      1.01        25 %
  a yardstick, 2 serial runs at once:
  yardstick       30.6 ms    30.2 ms    34.0 ms      1.02        51 %"""


class Case(unittest.TestCase):
    def difference(self, expected: str, real: str, *comments: str) -> list[str]:
        masks = likeness.masks_of([f"<!-- {comment} -->\n" for comment in comments])
        return likeness.difference(expected.split("\n"), real.split("\n"), masks)

    def assert_alike(self, expected: str, real: str, *comments: str):
        self.assertEqual(self.difference(expected, real, *comments), [])
        self.assertEqual(self.difference(real, expected, *comments), [])

    def assert_other(self, expected: str, real: str, *comments: str):
        self.assertTrue(self.difference(expected, real, *comments))
        self.assertTrue(self.difference(real, expected, *comments))

    def assert_changed(self, text: str, old: str, new: str):
        """The text, spoilt in this way, is another one."""
        self.assertIn(old, text)
        self.assert_other(text, text.replace(old, new, 1))


class Numbers(Case):
    def test_times_whatever_their_unit(self):
        self.assert_alike("took 860 µs, then 2 s", "took 1.02 ms, then 97 ns")
        self.assert_alike("[ok] in time (8 in 80 ms)", "[ok] in time (8 in 81.5 ms)")
        self.assert_alike("  serial    144 ms    9 ns", "  serial  1.5 µs     11 ns")

    def test_a_time_is_no_rate_and_no_count(self):
        self.assert_other("takes 3 ms", "takes 3 GB/s")
        self.assert_other("takes 3 ms", "takes 3")
        self.assert_other("3 ms", "3 messages")
        self.assert_other("3 s", "3 steps")
        self.assert_other("took 3 ms in all", "took 3 ms")

    def test_rates_and_percentages(self):
        self.assert_alike("copy 11.1 GB/s, 80 %", "copy 980 MB/s, 79.5 %")
        self.assert_other("copy 11.1 GB/s", "copied 11.1 GB/s")

    def test_sizes_if_they_are_measured(self):
        self.assert_alike("takes 1.5 MiB", "takes 980.2 KiB")
        self.assert_other("0 of 16384 KiB", "1 of 16384 KiB")
        self.assert_other("4 KiB each", "8 KiB each")

    def test_the_rest_of_a_table_counts(self):
        other = TABLE.replace("15.5 ms    15", "  12 µs     5").replace("1.01", "13.50")
        self.assert_alike(TABLE, other.replace(" 25 %", "110 %").replace("2 serial", "16 serial"))
        self.assert_changed(TABLE, "held long", "held briefly")
        self.assert_changed(TABLE, "speed-up", "speed")
        self.assert_changed(TABLE, "      1.01", "")
        self.assert_changed(TABLE, "1.01", "1")
        self.assert_changed(TABLE, "serial runs", "runs")
        self.assert_changed(TABLE, "yardstick  ", "most       ")
        self.assert_other(TABLE, TABLE.rpartition("\n")[0])

    def test_decimals_outside_of_tables_count(self):
        self.assert_other("pi is 3.141625", "pi is 3.141627")
        self.assert_other("[ok] pi is near  (0.9 errors)", "[ok] pi is near  (0.8 errors)")

    def test_whole_numbers_in_tables_count(self):
        self.assert_other("  cut-off 29        20   16.2 ms", "  cut-off 29        21   16.2 ms")

    def test_spreads(self):
        self.assert_alike("orders  1384, from 1339 to 1394", "orders   990, from 7 to 13940")
        self.assert_alike("copy  (6.9 to 12.1)", "copy  (17 to 18)")
        self.assert_other("from 3 to 5", "from 3 to 6")
        self.assert_other("[ok] all (1 to 4)", "[ok] all (1 to 5)")

    def test_ids_ports_addresses_versions(self):
        self.assert_alike("process 18772 on port 36375", "process 912 on port 4711")
        self.assert_alike("thread 21104: reader", "thread 21110: reader")
        self.assert_alike("at 0x7fff12ab, pdc 1.0.0", "at 0x55d01, pdc 1.12.3")
        self.assert_other("process 0 on port 1", "process 1 on port 1")
        self.assert_other("process 0 on port 1", "process 0 on port 9")
        self.assert_other("127.0.0.1", "127.0.0.2")


class Texts(Case):
    def test_claims_and_their_evidence_count(self):
        claims = "[ok] every update counts (4 of 4)\n[ok] none is lost\nall claims hold"
        self.assert_alike(claims, claims)
        self.assert_changed(claims, "4 of 4", "3 of 4")
        self.assert_changed(claims, "[ok] none", "[failed] none")
        self.assert_changed(claims, "[ok] none is lost\n", "")
        self.assert_changed(claims, "\nall claims hold", "")
        self.assert_changed(claims, "every", "each")

    def test_a_claim_may_be_wrapped_anywhere(self):
        claim = "[ok] the clock does not see it (1.84 ms\n     of 97.9 ms)\nall claims hold"
        self.assert_alike(claim, claim.replace("1.84 ms\n     of", "12 ms of\n    "))
        self.assert_changed(claim, "of 97", "or 97")
        self.assert_changed(claim, "     of 97.9 ms)\n", "")

    def test_all_else_is_literal(self):
        self.assert_other("a.c", "abc")
        self.assert_other("  a", "a")
        self.assert_other("a", "a\n")
        self.assert_other("a  b", "a b")
        self.assert_alike("a", "a   ")

    def test_dots_stand_for_any_lines(self):
        real = "1\n2\n3\n4\n5"
        for expected in ("...", "...\n5", "1\n...", "1\n...\n3\n  ...\n5", "1\n2\n...\n3\n4\n5"):
            self.assertEqual(self.difference(expected, real), [])
        self.assertEqual(self.difference("1\n...\n4", real)[-1], "+ 5")
        self.assertEqual(self.difference("1\n...\n6", real)[:2], ["  1", "- ..."])
        for expected in ("...\n4", "2\n...", "1\n...\n3\n...\n2\n...", "1\n2\n3\n...\n3\n4\n5"):
            self.assertTrue(self.difference(expected, real), expected)

    def test_a_difference_is_shown_as_it_is_written(self):
        expected, real = "a 3 ms\nb 4 ms\nc  ██", "a 5 ms\nx 6 ms\nc  ██"
        lines = ["  a 5 ms", "- b 4 ms", "+ x 6 ms", "  c  ██"]
        self.assertEqual(self.difference(expected, real), lines)


class Charts(Case):
    def test_bars_marks_ticks_and_units_vary(self):
        self.assert_alike(CHART, OTHER_RUN)

    def test_names_count(self):
        for old, new in (("runner 1", "runner 2"), ("audit", "audits"), ("with the", "without the"),
                         ("█ work", "█ works"), ("▾ all here", "▾ all there")):  # fmt: skip
            self.assert_changed(CHART, old, new)

    def test_rows_count(self):
        row = CHART.split("\n")[3] + "\n"
        self.assert_changed(CHART, row, "")
        self.assert_changed(CHART, row, row + row)
        self.assert_changed(CHART, "  audit\n", "")
        self.assert_alike(CHART, CHART.replace(row + "  audit\n", "  audit\n" + row))

    def test_the_legend_counts_but_for_waiting(self):
        for part in ("█ work  ", "▓ hold  ", "> send  ", "  ▾ all here"):
            self.assert_changed(CHART, part, "")
        wrapped = CHART.replace("  ▓ hold", "\n            ▓ hold")
        self.assert_alike(CHART, wrapped)

    def test_a_line_below_it_counts(self):
        hint = "\n            --svg FILE draws it with names"
        self.assert_alike(CHART + hint, OTHER_RUN + hint)
        self.assert_other(CHART + hint, OTHER_RUN)

    def test_marks_may_have_names(self):
        named = CHART.replace("▾                    ▾\n", "▾ early          ▾ early  ▾ lost\n")
        self.assert_alike(named, CHART.replace("▾                    ▾\n", "▾ lost  ▾ early\n"))
        self.assert_changed(named, "▾ lost", "▾ found")

    def test_its_scale_may_be_its_own(self):
        marks = "                    ▾          ▾\n"
        chart = marks + "  runner 0  ███\n  runner 1  ██\n            0 ms   10\n            █ work"
        own = "   ▾\n" + "  runner 0   ██\n  runner 1   █\n  own scale  0 ms   5\n             █ work"
        self.assert_alike(chart, " " * 12 + own)
        self.assert_changed(chart, "runner 1", "runner 2")

    def test_text_above_it_counts(self):
        text = "  runner 0 starts in process 1\n  and 3 others\n"
        chart = CHART.replace("  runner 0", text + "  runner 0", 1)
        self.assert_changed(chart, "and 3", "and 4")
        self.assert_changed(chart, "runner 0 starts", "runner 1 starts")

    def test_an_axis_alone_is_text(self):
        self.assert_other("  0 ms  5  10", "  0 ms  5  11")
        self.assert_other("a\n     0 5 10", "a\n     0 5 11")


class Comments(Case):
    def test_lines_in_any_order(self):
        lines, turned = "a 1\na 2\n\n[ok] x\n[ok] y", "a 2\na 1\n\n[ok] x\n[ok] y"
        self.assert_other(lines, turned)
        self.assert_alike(lines, turned, "lines in any order")
        self.assert_other(lines, "a 2\na 3\n\n[ok] x\n[ok] y", "lines in any order")
        self.assert_other(lines, "a 1\n\na 2\n[ok] x\n[ok] y", "lines in any order")
        self.assert_other(lines, "a 1\na 2\n\n[ok] y\n[ok] x", "lines in any order")

    def test_what_varies_in_one_block(self):
        comment = "varies: `# of 12`, `on *`: chance decides"
        self.assert_alike("[ok] early (6 of 12)", "[ok] early (11 of 12)", comment)
        self.assert_alike("rank 0 on this", "rank 0 on that and more", comment)
        self.assert_other("[ok] early (6 of 12)", "[ok] early (6 of 13)", comment)
        self.assert_other("[ok] early (6 of 12)", "[ok] late (6 of 12)", comment)
        self.assert_other("[ok] early (6 of 12)", "[ok] early (x of 12)", comment)
        self.assert_other("rank 0 on this", "rank 1 on this", comment)

    def test_lines_that_vary_whole_may_be_more_or_fewer(self):
        comment = "varies: `core # *`, `worker #`: there is one for each core"
        self.assert_alike("cores\n  core 0 x", "cores\n  core 0 x\n    core 15 y", comment)
        self.assert_other("cores\n  core 0 x", "cores", comment)
        self.assert_other("cores\n  core 0 x", "cores\n  core 0 x\n  coral 1 x", comment)
        chart = "  worker 0  ██\n{}            0 ms    5\n            █ work"
        self.assert_alike(chart.format(""), chart.format("  worker 1  █\n  worker 2\n"), comment)
        self.assert_other(chart.format(""), chart.format("  works 1   █\n"), comment)

    def test_names_of_marks(self):
        comment = "varies: `worker #`: any may be first"
        marks = "            ▾ worker 0 is gone  ▾ worker {} goes on"
        self.assert_alike(CHART + "\n" + marks.format(2), CHART + "\n" + marks.format(1), comment)

    def test_patterns_may_hold_one_another(self):
        comment = "varies: `worker #`, `worker # did #: *`: any may be first"
        self.assert_alike("worker 1 did 3: 0 1 2", "worker 0 did 1: 3\nworker 2 did 1: 1", comment)

    def test_what_is_not_understood(self):
        for comment in ("lines in order", "varies: 3", "varies: `#`", "varies: `#`:", "varies: `#"):
            with self.assertRaisesRegex(ValueError, "is neither 'lines in any order' nor"):
                likeness.masks_of([f"<!-- {comment} -->"])

    def test_over_several_lines(self):
        masks = likeness.masks_of(["<!-- varies: `a #`,\n     `b #`: since\n     so it is -->\n"])
        self.assertEqual(masks.patterns, ["a #", "b #"])


class Renewed(Case):
    def renewed(self, expected: str, real: str, *comments: str) -> str:
        masks = likeness.masks_of([f"<!-- {comment} -->" for comment in comments])
        return "\n".join(likeness.renewed(expected.split("\n"), real.split("\n"), masks))

    def test_every_line_is_the_real_one(self):
        self.assertEqual(self.renewed(CHART, OTHER_RUN), OTHER_RUN)
        self.assertEqual(self.renewed("old\n3 ms", "new\n4 ms\nmore  "), "new\n4 ms\nmore")

    def test_in_the_order_in_which_they_came(self):
        self.assertEqual(self.renewed("a\nb", "b\na", "lines in any order"), "b\na")

    def test_what_is_left_out_stays_out(self):
        self.assertEqual(self.renewed("a 1 ms\n...\nz", "a 2 ms\nb\nc\nz"), "a 2 ms\n...\nz")
        self.assertEqual(self.renewed("...\nz", "a\nz"), "...\nz")


if __name__ == "__main__":
    unittest.main()
