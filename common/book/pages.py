# SPDX-License-Identifier: MIT
"""The pages of the book as HTML: made of READMEs and sources, for the site and for print."""

from __future__ import annotations

import concurrent.futures
import html
import os.path
import re
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "topics"))

import chapters as book_chapters
import collection
import glossary
import topics
from chapters import ROOT, Chapter, Problem, Program

try:
    import markdown_it  # noqa: F401  asked for here, since page.py ends the program where it is missing
    import pygments
    import pygments.formatters
    import pygments.lexers
    from page import MARKDOWN, Page
    from pygments.token import Token
except ImportError as error:
    raise Problem(f"Python has no {error.name}: `./pdc setup --book` installs it", 3) from None

PLAIN = (Token.Name, Token.Operator, Token.Punctuation, Token.Text.Whitespace)
DIFFICULTY = {1: "easy", 2: "not so easy", 3: "hard"}
LEXERS = {".cpp": "cpp", ".hpp": "cpp", ".py": "python", ".sh": "bash", ".toml": "toml", ".txt": "text"}


@dataclass(frozen=True)
class Doc:
    """A page of the site; `html` begins below the heading of level 1."""

    name: str
    title: str
    html: str
    kind: str  # index, contents, chapter, program, glossary, text or file


@dataclass(frozen=True)
class Place:
    """Where a part of a README has gone: the lines of a program's section are on the program's page."""

    docname: str
    lines: range


class Book:
    """All pages, and where each file and each section of the repository is in them."""

    def __init__(self, for_print: bool = False):
        self.for_print = for_print
        self.chapters: list[Chapter] = book_chapters.load()
        self.programs: list[Program] = [p for chapter in self.chapters for p in chapter.programs]
        self.pool = concurrent.futures.ProcessPoolExecutor()
        self.listings = listings_of(self.programs, self.pool)  # which are made while the rest is read
        self.readmes = {"README.md": Page(ROOT / "README.md"), "CONTRIBUTING.md": Page(ROOT / "CONTRIBUTING.md")}
        self.readmes |= {f"{c.name}/README.md": Page(c.readme) for c in self.chapters}
        self.readmes["topics.md"] = Page(ROOT / "topics.md", f"# Topics\n\n{topics.show('')}\n")  # ./pdc topics
        self.files = {topics.PROBLEMS: "topics.html#by-problem"}  # which have a page: docname and anchor
        for program in self.programs:
            for path in program.sources:
                anchor = "source" if path == program.page else path.name
                self.files.setdefault(path, f"{program.docname}.html#{anchor}")
        self.assets: set[Path] = set()  # pictures that are no SVG
        self.wanted: list[Path] = []  # files that a README links to, and no program has

    # Where things are

    @cached_property
    def sections(self) -> dict[str, Place]:
        """Of each program, by its docname."""
        missing = [program.docname for program in self.programs if not program.section]
        if missing:
            raise Problem(f"no README has a section for {', '.join(missing)}")
        return {p.docname: Place(p.docname, self.readmes[f"{p.chapter}/README.md"].section_at(p.section)) for p in self.programs}

    def docname_at(self, readme: str, line: int) -> str:
        """The page that shows that line of a README."""
        chapter = readme.rpartition("/")[0]
        if not chapter:
            return {"README.md": "index", "CONTRIBUTING.md": "contributing", "topics.md": "topics"}[readme]
        inside = (p for p in self.sections.values() if p.docname.startswith(f"{chapter}/") and line in p.lines)
        return next((place.docname for place in inside), f"{chapter}/index")

    def url_of(self, readme: str, target: str) -> str:
        """From the top of the site. Raises KeyError if nothing of the book is there."""
        path, _, anchor = urllib.parse.unquote(target).partition("#")
        file = (ROOT / readme).parent / path if path else ROOT / readme
        file = Path(os.path.normpath(file))
        if file.is_dir():
            file = file / "README.md"
        name = file.relative_to(ROOT).as_posix()
        if name in self.readmes:
            if not anchor:
                return f"{self.docname_at(name, 1)}.html"
            line = next(h.line for h in self.readmes[name].headings if h.anchor == anchor)
            docname = self.docname_at(name, line)
            is_top = self.sections.get(docname, Place("", range(0))).lines.start == line
            return f"{docname}.html" if is_top else f"{docname}.html#{anchor}"
        if not file.is_file():
            raise KeyError(target)
        if file not in self.files:
            self.files[file] = f"files/{name}.html"
            self.wanted.append(file)
        return self.files[file]

    # The pages

    def docs(self) -> Iterator[Doc]:
        """In the book's order: what `next` and `previous` follow."""
        with self.pool:  # none of its threads is left when something else forks
            yield self.doc_of_readme("README.md", "index")
            yield Doc("contents", "Contents", self.contents(), "contents")
            for chapter in self.chapters:
                yield self.doc_of_readme(f"{chapter.name}/README.md", "chapter")
                for program in chapter.programs:
                    yield self.doc_of_program(program)
            yield Doc("glossary", "Glossary", self.glossary(), "glossary")
            yield self.doc_of_readme("topics.md", "text")
            yield self.doc_of_readme("CONTRIBUTING.md", "text")
            for file in self.wanted:
                name = file.relative_to(ROOT).as_posix()
                yield Doc(f"files/{name}", name, f'<div class="code">{highlighted(file, "")}</div>', "file")

    def doc_of_readme(self, readme: str, kind: str) -> Doc:
        docname = self.docname_at(readme, 1)
        page = self.readmes[readme]
        left_out = [place.lines for place in self.sections.values() if place.docname.startswith(f"{page.path.parent.name}/")]
        text = Text(self, readme, docname)
        tokens = [t for t in page.tokens if not any(t.map and t.map[0] + 1 in lines for lines in left_out)]
        return Doc(docname, page.headings[0].text, text.render(without_heading(balanced(tokens))), kind)

    def doc_of_program(self, program: Program) -> Doc:
        readme = f"{program.chapter}/README.md"
        page = self.readmes[readme]
        lines = self.sections[program.docname].lines
        title = next(h.text for h in page.headings if h.line == lines.start)
        tokens = balanced([t for t in page.tokens if not t.map or t.map[0] + 1 in lines])
        text = Text(self, readme, program.docname).render(without_heading(tokens))
        return Doc(program.docname, title, self.program_page(program, text), "program")

    def program_page(self, program: Program, text: str) -> str:
        if not self.for_print:  # nothing can be unfolded on paper
            text += "".join(map(exercise, collection.of(program)))
        return (
            f'<p class="summary">{html.escape(program.summary)}</p>\n'
            f'<div class="sides">\n<div class="text">\n{text}</div>\n'
            f'<div class="code" id="source">\n<h2>The source</h2>\n{self.head(program)}{self.sources(program)}</div>\n</div>\n'
        )

    def head(self, program: Program) -> str:
        """The header comment of the page, as the head of its source."""
        rows = []
        for label, text in program.head.items():
            said = html.escape(text)
            if label == "Shows":
                said = shows(program, text)
            elif label == "Run":
                said = f"<code>{said}</code>"
            rows.append(f"<dt>{label}</dt><dd>{said}</dd>")
        return f'<dl class="head">{"".join(rows)}</dl>\n'

    def sources(self, program: Program) -> str:
        parts = []
        for path in program.sources:
            name = path.relative_to(ROOT).as_posix()
            parts.append(f'<p class="file" id="{path.name}"><code>{name}</code></p>\n{self.listings[path].result()}')
        return "".join(parts)

    def contents(self) -> str:
        parts = []
        for chapter in self.chapters:
            title = self.readmes[f"{chapter.name}/README.md"].headings[0].text
            parts.append(f'<h2><a href="{chapter.docname}.html">{html.escape(title)}</a></h2>\n<dl class="contents">')
            for program in chapter.programs:
                link = f'<a href="{program.docname}.html">{program.name}</a>'
                parts.append(f"<dt>{link}</dt><dd>{html.escape(program.summary)}</dd>")
            parts.append("</dl>")
        return "\n".join(parts)

    def glossary(self) -> str:
        rows = []
        for term in glossary.terms_of(self.paragraphs()):
            said = Text(self, term.readme, "glossary").inline(term.sentence)
            places = ", ".join(f'<a href="{docname}.html">{html.escape(name)}</a>' for docname, name in term.places)
            anchor = re.sub(r"\W+", "-", term.word.lower())
            rows.append(f'<dt id="{anchor}">{html.escape(term.word)}</dt><dd>{said} <span class="places">{places}</span></dd>')
        return f'<dl class="glossary">\n{chr(10).join(rows)}\n</dl>\n'

    def paragraphs(self) -> Iterator[tuple[str, str, str, str]]:
        for chapter in self.chapters:
            readme = f"{chapter.name}/README.md"
            for token in self.readmes[readme].tokens:
                if token.type == "inline" and "*" in token.content:
                    docname = self.docname_at(readme, token.map[0] + 1)
                    name = docname.rpartition("/")[2]
                    yield readme, docname, chapter.name if name == "index" else name, token.content

    def title_of(self, chapter: Chapter) -> str:
        return self.readmes[f"{chapter.name}/README.md"].headings[0].text


class Text:
    """A part of a README as HTML: links lead to pages of the site, pictures stand in the text."""

    def __init__(self, book: Book, readme: str, docname: str):
        self.book, self.readme, self.docname = book, readme, docname
        self.top = "../" * docname.count("/")
        self.anchors = {h.line: h.anchor for h in book.readmes[readme].headings}
        self.has_definitions = False  # a picture's patterns and arrow heads, which the others of the page use too

    def render(self, tokens: list) -> str:
        parts: list[str] = []
        run: list = []
        for token in tokens:
            special = self.special(token)
            if special is None:
                run.append(token)
            else:
                parts += [self.plain(run), special]
                run = []
        return "".join([*parts, self.plain(run)])

    def special(self, token) -> str | None:
        """What markdown-it would not write as the site needs it."""
        if token.type == "fence":
            return self.block(token)
        if token.type == "heading_open":
            return f'<{token.tag} id="{self.anchors[token.map[0] + 1]}">'
        if token.type == "table_open":
            return '<div class="wide" tabindex="0"><table>\n'
        if token.type == "table_close":
            return "</table></div>\n"
        if token.type == "html_block":
            return self.tag(token.content)
        return None

    def tag(self, content: str) -> str:
        if content.startswith("<!--"):
            return ""
        if self.book.for_print:  # nothing can be unfolded on paper
            content = content.replace("<details><summary>Answer</summary>", '<div class="answer"><p><b>Answer</b></p>')
            content = content.replace("</details>", "</div>")
        return content

    def block(self, token) -> str:
        language = token.info.partition(" ")[0]
        if language in ("cpp", "sh", "toml"):
            return f'<pre class="{language}" tabindex="0">{colour(token.content, language)}</pre>\n'
        lines = []
        for line in html.escape(token.content).splitlines():
            mark = {"$": "typed", "[ok]": "ok", "[failed]": "failed"}.get(line.partition(" ")[0])
            lines.append(f'<span class="{mark}">{line}</span>' if mark else line)
        return f'<pre class="console" tabindex="0">{chr(10).join(lines)}</pre>\n'

    def plain(self, tokens: list) -> str:
        for token in tokens:
            for child in token.children or ():
                self.redirect(child)
        return self.with_pictures(MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}))

    def redirect(self, token) -> None:
        """A link of the README leads to its place in the site; one that leaves the book stays."""
        target = str(token.attrs.get("href", ""))
        if token.type != "link_open" or re.match(r"[a-z]+:", target):
            return
        try:
            token.attrs["href"] = self.top + self.book.url_of(self.readme, target)
        except (KeyError, StopIteration, ValueError):
            raise Problem(f"{self.readme}: nothing is at {target}") from None

    def inline(self, text: str) -> str:
        [token] = MARKDOWN.parseInline(text)
        return self.plain([token])

    def with_pictures(self, text: str) -> str:
        return re.sub(r'(?:<p>)?<img src="([^"]*)" alt="([^"]*)" ?/?>(?:</p>)?', self.picture, text)

    def picture(self, match: re.Match) -> str:
        path = Path(os.path.normpath((ROOT / self.readme).parent / match[1]))
        if not path.is_file():
            raise Problem(f"{self.readme}: there is no picture {match[1]}")
        if path.suffix == ".svg":
            drawn = inline_svg(path, match[2], self.has_definitions)
            self.has_definitions = True
        else:
            self.book.assets.add(path)
            url = f"{self.top}_images/{path.relative_to(ROOT).as_posix()}"
            drawn = f'<img src="{url}" alt="{match[2]}">'
        button = '<button type="button" class="enlarge">Enlarge</button>'
        return f'<figure class="picture">{drawn}{button}</figure>'


def exercise(given: collection.Exercise) -> str:
    """What `./pdc exercise` hands out, to read: what is to be done, its hints and its solution, each folded away."""
    name, mutant, files = given.name, given.mutant, given.handed_out()
    lines = [line for line in given.difference(files, Path()) if not line.startswith(("--- ", "+++ "))]
    solution = [" ..." if line.startswith("@@") else line for line in lines][1:]
    handed_out = [line[1:] for line in solution if line[0] != "+"]
    hints = enumerate(given.hints(), 1)
    return (
        f'<section class="exercise">\n<h2 id="exercise-{name}">Exercise {name}: {DIFFICULTY[mutant.difficulty]}</h2>\n'
        f"<p>{said(given.asks)} This claim has to hold: {said(mutant.claim)}.</p>\n"
        f"<p><code>./pdc exercise {name}</code> hands it out, <code>./pdc check {name}</code> judges what you make of it.</p>\n"
        f"{folded('What is handed out, around the place', code_block(handed_out))}"
        f"{''.join(folded(f'Hint {number}', f'<p>{said(hint)}</p>') for number, hint in hints)}"
        f"{folded('Solution', code_block(solution))}</section>\n"
    )


def said(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(" ".join(text.split())))


def folded(summary: str, inside: str) -> str:
    return f"<details><summary>{summary}</summary>\n{inside}\n</details>\n"


def code_block(lines: list[str]) -> str:
    """Of a difference too: what comes and what goes has its colour."""
    mark = {"+": "ok", "-": "failed"}
    rows = (f'<span class="{mark[line[0]]}">{html.escape(line)}</span>' if line[:1] in mark else html.escape(line) for line in lines)
    return f'<pre tabindex="0">{chr(10).join(rows)}</pre>'


def balanced(tokens: list) -> list:
    """Without closing tokens whose opening ones, which alone have lines, are not among them."""
    kept: list = []
    depth = 0
    for token in tokens:
        if token.nesting == -1 and depth == 0:
            continue
        depth += token.nesting
        kept.append(token)
    return kept


def without_heading(tokens: list) -> list:
    """The first heading is the page's title, which the site writes."""
    first = next((i for i, token in enumerate(tokens) if token.type == "heading_open"), None)
    return tokens if first is None else [*tokens[:first], *tokens[first + 3 :]]


def inline_svg(path: Path, alt: str, has_definitions: bool = False) -> str:
    """The picture without its style, which all pictures share (see picture_styles), with its alternative text, and
    without its definitions where an earlier picture of the page has brought the same."""
    text = re.sub(r"<\?xml.*?\?>|<style>.*?</style>\s*", "", path.read_text(encoding="utf-8"), flags=re.S)
    if has_definitions:
        text = re.sub(r"<defs>.*?</defs>\s*", "", text, flags=re.S)
    return re.sub(r'(<svg [^>]*?)\baria-label="[^"]*"', lambda m: f'{m[1]}aria-label="{alt}"', text, count=1).strip()


def picture_styles() -> str:
    """The style that the pictures bring along, as one style sheet that follows the switch for light and dark too."""
    styles = {re.search(r"<style>(.*?)</style>", path.read_text(encoding="utf-8"), re.S)[1]
              for path in ROOT.glob("chapter*/pictures/*.svg")}  # fmt: skip
    sheet = []
    for style in sorted(styles):
        light, _, dark = style.partition("@media (prefers-color-scheme: dark) {")
        dark = dark.rpartition("}")[0]
        sheet += [prefixed(light, ".picture"), ":root { color-scheme: light dark; }"]
        sheet += ["@media screen and (prefers-color-scheme: dark) {", prefixed(dark, ":root:not([data-theme=light]) .picture"), "}"]
        sheet += ["@media screen {", prefixed(dark, ":root[data-theme=dark] .picture"), "}"]
    return "\n".join(sheet) + "\n"


def prefixed(rules: str, prefix: str) -> str:
    def rule(match: re.Match) -> str:
        selectors = ", ".join(f"{prefix} {each.strip()}" for each in match[1].split(","))
        return f"{selectors} {{{match[2]}}}"

    return re.sub(r"\s*([^{}]+?)\s*\{([^{}]*)\}", lambda m: rule(m) + "\n", rules)


def colour(code: str, language: str) -> str:
    """Names and signs, which have no colour, without an element of their own: they are most, and a browser takes long over them."""
    tokens = pygments.lexers.get_lexer_by_name(language, stripnl=False).get_tokens(code)
    tokens = ((Token.Text if kind in PLAIN else kind, text) for kind, text in tokens)
    return pygments.format(tokens, pygments.formatters.HtmlFormatter(nowrap=True))


def highlighted(path: Path, prefix: str, begins: int = 1) -> str:
    """The file from that line on; each line has its number, and an id of the prefix, L and the number."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = []
    for number, row in enumerate(colour("".join(lines[begins - 1 :]), LEXERS.get(path.suffix, "text")).splitlines(), begins):
        rows.append(f'<span class="line" id="{prefix}L{number}" data-number="{number}">{row}\n</span>')
    return f'<pre class="listing" tabindex="0">{"".join(rows)}</pre>\n'


def listing(path: Path, begins: int) -> str:
    """A page from its first line below the header comment on, or another file, whose name its lines' ids begin with."""
    return highlighted(path, "" if begins > 1 else f"{path.name}-", begins)


def listings_of(programs: list[Program], pool: concurrent.futures.Executor) -> dict[Path, concurrent.futures.Future[str]]:
    """Of all their files. It is most of what the book costs: on all cores."""
    begins = {path: 1 for program in programs for path in program.sources}
    begins |= {program.page: program.code_begins for program in programs}
    return {path: pool.submit(listing, path, first) for path, first in begins.items()}


def shows(program: Program, text: str) -> str:
    """The terms of "Shows": each that stands in the code is a button that knows its lines."""
    parts = []
    for piece in re.split(r"([,;:] )", text):
        term, lines = found_in(program, piece)
        if lines:
            button = f'<button type="button" class="term" data-lines="{" ".join(lines)}">{html.escape(term)}</button>'
            before, _, after = piece.partition(term)
            parts += [html.escape(before), button, html.escape(after)]
        else:
            parts.append(html.escape(piece))
    return "".join(parts)


def found_in(program: Program, piece: str) -> tuple[str, list[str]]:
    """The word of the piece that stands in the code, and the ids of its lines."""
    words = sorted(re.findall(r"[A-Za-z_][\w:]*\w(?:<\w+>::\w+)?", piece), key=lambda w: "::" not in w and "_" not in w)
    for word in words:
        for spelt in (word, re.sub(r"^.*::", "", word)):
            lines = [
                f"{'' if path == program.page else path.name + '-'}L{number}"
                for path in program.sources
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
                if re.search(rf"(?<!\w){re.escape(spelt)}(?!\w)", line.partition("//")[0])
                and not line.startswith("#include")
            ]
            if lines:
                return word, lines
    return "", []
