# SPDX-License-Identifier: MIT
"""The plug-in that makes Sphinx write the book, and how it is called.

Why Sphinx: of the generators that Debian has, it is the one whose search works without a server. Its index is a
script, so that a page opened as a file can load it; that of mkdocs-material is fetched, which browsers refuse for
files, and its theme names hosts that the book must not ask. Sphinx brings the search, the keys for the next and the
previous page, and the templates. markdown-it, which the tests of the READMEs have as well, reads the Markdown, since
it reads it as GitHub does; Pygments colours the sources.

A page is handed to Sphinx as two files: NAME.page has its title, its kind and the words by which it is found, each
once, since Sphinx takes long over words; NAME.html is what pages.py has made of it, and goes into the page as it is.
"""

from __future__ import annotations

import html
import io
import re
import shutil
import tempfile
from pathlib import Path

from chapters import ROOT, Problem

try:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.parsers import Parser
except ImportError as error:
    raise Problem(f"Python has no {error.name}: `./pdc setup --book` installs it", 3) from None

import pages

HERE = Path(__file__).resolve().parent
UNUSED = ("jquery.js", "underscore.js", "_sphinx_javascript_frameworks_compat.js", "basic.css", "pygments.css",
          "file.png", "minus.png", "plus.png")  # fmt: skip


class PageParser(Parser):
    supported = ("page",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        title, kind, words = inputstring.splitlines()
        env = document.settings.env
        env.metadata[env.docname] |= {"orphan": True, "kind": kind}  # no toctree: the book knows its order
        document += nodes.meta(name="keywords", content=words)
        section = nodes.section(ids=["top"])
        section += nodes.title(text=title)
        document += section


def setup(app: Sphinx) -> dict:
    app.add_source_suffix(".page", "page")
    app.add_source_parser(PageParser)
    app.add_config_value("book_order", [], "html")
    app.add_config_value("book_chapters", {}, "html")
    app.connect("html-page-context", add_context)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_context(app: Sphinx, docname: str, template: str, context: dict, doctree) -> None:
    """What the templates need to know of a page: its kind, its chapter, and its neighbours."""
    if doctree is not None:
        context["body"] = Path(app.srcdir, f"{docname}.html").read_text(encoding="utf-8")
    context["kind"] = app.env.metadata.get(docname, {}).get("kind", "search")
    context["chapters"] = app.config.book_chapters
    context["chapter"] = docname.partition("/")[0]
    context["prev"] = context["next"] = None
    order = app.config.book_order
    if docname in order:
        at = order.index(docname)
        for key, other in (("prev", at - 1), ("next", at + 1)):
            if 0 <= other < len(order):
                title = app.env.titles[order[other]].astext()
                context[key] = {"link": app.builder.get_relative_uri(docname, order[other]), "title": title}


def words_of(doc: pages.Doc) -> str:
    """Those of its text and its code, with commas between; not those of its pictures."""
    text = re.sub(r"<svg.*?</svg>|</?(?!span|code|em\b)[^>]*>", " ", doc.html, flags=re.S)
    text = re.sub(r"<[^>]*>", "", text)
    return ",".join(sorted(set(re.findall(r"\w+", html.unescape(text)))))


def write_site(out: Path) -> None:
    """Writes the site into that folder, which is new or empty. Raises Problem."""
    book = pages.Book()
    docs = list(book.docs())
    with tempfile.TemporaryDirectory(prefix="pdc-book-") as scratch:
        source = Path(scratch, "source")
        for doc in docs:
            path = source / f"{doc.name}.page"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{doc.title}\n{doc.kind}\n{words_of(doc)}\n", encoding="utf-8")
            heading = f"<h1>{html.escape(doc.title)}</h1>\n"
            path.with_suffix(".html").write_text(heading + doc.html, encoding="utf-8")
        (source / "_static").mkdir()
        (source / "_static" / "pictures.css").write_text(pages.picture_styles(), encoding="utf-8")
        run_sphinx(source, out, Path(scratch, "doctrees"), book, [doc.name for doc in docs if doc.kind != "file"])
    for path in sorted(book.assets):
        copy = out / "_images" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for name in UNUSED:
        (out / "_static" / name).unlink(missing_ok=True)
    for name in (".buildinfo", "objects.inv"):
        (out / name).unlink(missing_ok=True)
    (out / ".nojekyll").touch()  # GitHub Pages would leave out the folders that begin with _


def run_sphinx(source: Path, out: Path, doctrees: Path, book: pages.Book, order: list[str]) -> None:
    chapters = {
        chapter.name: {
            "title": book.title_of(chapter),
            "docname": chapter.docname,
            "programs": [(program.name, program.docname) for program in chapter.programs],
        }
        for chapter in book.chapters
    }
    config = {
        "extensions": ["pdc_book"],
        "project": "pdc",
        "root_doc": "index",
        "html_theme": "theme",
        "html_theme_path": [str(HERE)],
        "html_static_path": [str(source / "_static")],
        "html_copy_source": False,
        "html_show_search_summary": False,  # it would have to fetch the pages, which a file: page may not
        "html_use_index": False,
        "html_domain_indices": False,
        "html_permalinks": False,
        "book_order": order,
        "book_chapters": chapters,
    }
    warnings = io.StringIO()
    try:
        app = Sphinx(str(source), None, str(out), str(doctrees), "html", config, status=None, warning=warnings, parallel=2)
        app.build()
    except SphinxError as error:
        raise Problem(f"Sphinx cannot write the book: {error}") from None
    if warnings.getvalue():
        raise Problem(f"Sphinx warns: {warnings.getvalue().strip()}")
