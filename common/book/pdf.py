# SPDX-License-Identifier: MIT
"""The book as one PDF: all its pages in one, which Chromium prints.

Chromium, and not WeasyPrint: it draws the pictures as the site does, and the tests of the site need it anyway. The bookmarks
are added afterwards: Chromium makes some of a tagged document only, which takes it twice as long.
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
        text = one_page()
        page.write_text(text, encoding="utf-8")
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
        made.write_bytes(with_outline(made.read_bytes(), headings(text)))
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
    rows.append('<p><b><a href="#glossary">Glossary</a></b></p>')
    return f'<section class="contents-page">{"".join(rows)}</section>\n'


def headings(page: str) -> list[tuple[int, str, str]]:
    """Of the sections of the page: the level, 1 or 2, the anchor and the words."""
    found = re.findall(r'<section class="[^"]*">\n<h([12]) id="([^"]*)">(.*?)</h', page)
    return [(int(level), anchor, html.unescape(words)) for level, anchor, words in found]


def with_outline(pdf: bytes, entries: list[tuple[int, str, str]]) -> bytes:
    """With bookmarks to those headings that a link leads to, since these alone have a name in the PDF. They are appended, as the
    format allows: with the catalog, which then knows them, and where all that is new begins."""
    trailer, start = re.search(rb"trailer\n<<(.*?)>>\nstartxref\n(\d+)\n%%EOF\s*$", pdf, re.S).groups()
    size, root = (int(re.search(rb"/%s (\d+)" % key, trailer)[1]) for key in (b"Size", b"Root"))
    catalog = re.search(rb"\n%d 0 obj\n<<(.*?)>>\nendobj\n" % root, pdf, re.S)[1].decode()
    named = [(level, re.sub(r"[^\w-]", lambda m: f"#{ord(m[0]):02X}", anchor), words) for level, anchor, words in entries]
    named = [entry for entry in named if f"/{entry[1]} [".encode() in pdf]
    below: dict[int, list[int]] = {size: []}  # the numbers of the objects below each: at the top the outline itself
    for number, (level, *_) in enumerate(named, size + 1):
        below[number] = []
        below[below[size][-1] if level == 2 and below[size] else size].append(number)
    objects = {root: f"{catalog}\n/Outlines {size} 0 R", size: f"/Type /Outlines {family(below[size], 1)}"}
    for parent, numbers in below.items():
        for before, number, after in zip([0, *numbers], numbers, [*numbers[1:], 0]):
            _, name, words = named[number - size - 1]
            title = words.encode("utf-16-be").hex().upper()
            beside = "".join(f" /{key} {other} 0 R" for key, other in (("Prev", before), ("Next", after)) if other)
            objects[number] = f"/Title <FEFF{title}> /Dest /{name} /Parent {parent} 0 R{beside} {family(below[number], -1)}"
    made, table = pdf, ""
    for number, text in objects.items():
        table += f"{number} 1\n{len(made):010} 00000 n \n"
        made += f"{number} 0 obj\n<<{text}>>\nendobj\n".encode()
    rest = re.sub(r"/Size \d+", f"/Size {size + len(objects) - 1}", trailer.decode())
    return made + f"xref\n{table}trailer\n<<{rest}\n/Prev {int(start)}>>\nstartxref\n{len(made)}\n%%EOF\n".encode()


def family(numbers: list[int], sign: int) -> str:
    """The first and the last of what is below a bookmark, and how many are; less than 0: folded."""
    return f"/First {numbers[0]} 0 R /Last {numbers[-1]} 0 R /Count {sign * len(numbers)}" if numbers else ""


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
