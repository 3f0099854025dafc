# SPDX-License-Identifier: MIT
"""test_siblings.py --build BUILD: each program that starts another one of its chapter declares it in pdc_program(), since
the launcher builds what is declared. The sources tell: the page, and the headers of its chapter that it includes."""

import argparse
import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sources(page):
    """The text of the page, and of the headers of its chapter that it includes."""
    found, unread = {}, [page]
    while unread:
        source = unread.pop()
        found[source] = source.read_text()
        headers = (source.parent / name for name in re.findall(r'^#include "(.+)"', found[source], re.M))
        unread += [header for header in headers if header.exists() and header not in found]
    return "\n".join(found.values())


def started(text):
    """What variables of the type Sibling, or lists of them, are made with, and the executables `here / "name"`."""
    beside = re.findall(r'\bhere / "(\w+)"', text)
    if "pdc/sibling.hpp" not in text:
        return sorted(set(beside))
    variables = re.findall(r"\bSibling>?&? (\w+)", text)
    made = rf'\b(?:{"|".join(variables)}|Sibling>?)(?:\.emplace(?:_back)?)?\(\s*"(\w+)"'
    return sorted({*beside, *re.findall(made, text)})


class Siblings(unittest.TestCase):
    def test_who_starts_a_sibling_declares_it(self):
        for entry in catalog:
            [page] = (ROOT / entry["chapter"]).glob(f"**/{entry['name']}.cpp")
            text = sources(page)
            names = started(text)
            twin = [entry["twin"]] if entry["twin"] else []
            self.assertEqual(sorted([*entry["siblings"], *twin]), names, f"SIBLINGS of pdc_program({entry['name']} ...)")
            self.assertTrue(names or "pdc/sibling.hpp" not in text, f"{page}: what does it start?")


parser = argparse.ArgumentParser()
parser.add_argument("--build", type=pathlib.Path, required=True)
catalog = json.loads((parser.parse_args().build / "catalog.json").read_text())
unittest.main(argv=[""])
