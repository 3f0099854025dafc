# SPDX-License-Identifier: MIT
"""The book as one PDF: all its pages in one, which Chromium prints.

Chromium, and not WeasyPrint: it draws the pictures as the site does, in seconds, and the tests of the site need it anyway.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pages
from chapters import ROOT, Problem

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIMIT = 1800  # seconds: a last resort, also on a busy machine


def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise Problem("there is no Chromium to print with: `./pdc setup --book` installs it", 3)
    return found


def write_pdf(out: Path) -> None:
    """Raises Problem."""
    chromium = browser()
    with tempfile.TemporaryDirectory(prefix="pdc-pdf-") as scratch:
        page, made = Path(scratch, "book.html"), Path(scratch, "book.pdf")
        page.write_text(one_page(), encoding="utf-8")
        command = [chromium, "--headless=new", "--disable-gpu", f"--user-data-dir={scratch}/profile",
                   *(["--no-sandbox"] if os.geteuid() == 0 else []),  # root has no sandbox
                   "--no-pdf-header-footer", "--disable-pdf-tagging", f"--print-to-pdf={made}", page.as_uri()]  # fmt: skip
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise Problem(f"{chromium} has not printed the book within {LIMIT} s", 4) from None
        if ended.returncode != 0 or not made.is_file():
            last = ended.stderr.strip().splitlines()[-1:] or [f"status {ended.returncode}"]
            raise Problem(f"{chromium} cannot print the book: {last[0]}", 3)
        shutil.copyfile(made, out)


def one_page() -> str:
    book = pages.Book(for_print=True)
    docs = [doc for doc in book.docs() if doc.kind not in ("contents", "text", "file")]
    known = {doc.name for doc in docs}
    names = {chapter.name: book.title_of(chapter) for chapter in book.chapters}
    sheets = [pages.picture_styles(), (HERE / "theme" / "static" / "book.css").read_text(encoding="utf-8"),
              (HERE / "theme" / "print.css").read_text(encoding="utf-8")]  # fmt: skip
    for name, title in names.items():
        sheets.append(f'@page {name} {{ @top-left {{ content: "{title}" }} }}\n.{name} {{ page: {name} }}')
    parts = [contents(book)]
    for doc in docs:
        level = "h2" if doc.kind == "program" else "h1"
        body = one_level_down(doc.html) if doc.kind == "program" else doc.html
        body = inside_one_page(f'<{level} id="">{html.escape(doc.title)}</{level}>\n{body}', doc.name, known)
        parts.append(f'<section class="{doc.kind} {doc.name.partition("/")[0]}">\n{body}</section>\n')
    title = html.escape(book.readmes["README.md"].headings[0].text)
    return (
        f'<!DOCTYPE html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>\n{chr(10).join(sheets)}</style></head>\n<body>\n{''.join(parts)}</body></html>\n"
    )


def contents(book: pages.Book) -> str:
    rows = ["<h1>Contents</h1>"]
    for chapter in book.chapters:
        rows.append(f'<p><b><a href="#{chapter.docname}">{html.escape(book.title_of(chapter))}</a></b></p><p>')
        rows.append(", ".join(f'<a href="#{p.docname}">{p.name}</a>' for p in chapter.programs) + "</p>")
    return f'<section class="contents-page">{"".join(rows)}</section>\n'


def one_level_down(text: str) -> str:
    """In the PDF's outline a program stands below its chapter, and its own headings below that."""
    return re.sub(r"<(/?)h([2-5])\b", lambda m: f"<{m[1]}h{int(m[2]) + 1}", text)


def inside_one_page(text: str, docname: str, known: set[str]) -> str:
    """Its anchors and links, so that they are one page's: chapter2_threads/lock--source."""

    def link(match: re.Match) -> str:
        page, _, anchor = re.sub(r"^(\.\./)+", "", match[1]).partition("#")
        name = page.removesuffix(".html") or docname
        if name in known:
            return f'href="#{name}{"--" + anchor if anchor else ""}"'
        return match[0] if re.match("[a-z]+:", match[1]) else ""

    def outside_pictures(part: str) -> str:
        part = re.sub(r'\bid="([^"]*)"', lambda m: f'id="{docname}{"--" + m[1] if m[1] else ""}"', part)
        part = re.sub(r'\bsrc="(?:\.\./)*_images/([^"]*)"', lambda m: f'src="{(ROOT / m[1]).as_uri()}"', part)
        return re.sub(r'\bhref="([^"]*)"', link, part)

    parts = re.split(r"(<svg.*?</svg>)", text, flags=re.S)
    return "".join(part if part.startswith("<svg") else outside_pictures(part) for part in parts)
