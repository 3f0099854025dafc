# SPDX-License-Identifier: MIT
"""The site, written once for all tests."""

import html.parser
import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "common" / folder) for folder in ("book", "programs")]

COMMANDS = [sys.executable, "-B", str(ROOT / "common" / "book" / "commands.py")]


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    if importlib.util.find_spec("sphinx") is None:
        pytest.skip("no Sphinx here: ./pdc setup --contributor installs it")
    out = tmp_path_factory.mktemp("book") / "site"
    subprocess.run([*COMMANDS, "book", "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    return out


@dataclass
class Html:
    """What the tests ask of a page: its elements with their attributes, and the words of the whole."""

    text: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def attributes(self, name: str) -> list[str]:
        return [given[name] for _, given in self.tags if name in given]


def read_html(path: Path) -> Html:
    page = Html(path.read_text(encoding="utf-8"))

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            page.tags.append((tag, {name: value or "" for name, value in attrs}))

    Tags().feed(page.text)
    return page


@pytest.fixture(scope="session")
def html_pages(site: Path) -> dict[str, Html]:
    """By their paths in the site."""
    return {path.relative_to(site).as_posix(): read_html(path) for path in sorted(site.rglob("*.html"))}


@pytest.fixture(scope="session")
def names() -> list[str]:
    """chapter2_threads/lock, as the chapters' CMakeLists.txt have them."""
    return [
        f"{lists.parent.name}/{name}"
        for lists in sorted(ROOT.glob("chapter*/CMakeLists.txt"))
        for name in re.findall(r"^pdc_program\((\w+)", lists.read_text(), re.M)
    ]
