# SPDX-License-Identifier: MIT
"""The site holds the whole book, and asks nothing of anybody else."""

import itertools
import json
import posixpath
import re
import urllib.parse
from pathlib import Path

from conftest import ROOT

XML_NAMES = {"http://www.w3.org/2000/svg"}  # the name of a language; nothing is fetched


def test_every_program_has_its_page_with_all_its_parts(html_pages, names):
    assert len(names) > 100
    for name in names:
        page = html_pages[f"{name}.html"]
        for part in ("Try.", "To lift.", "When not.", "Next."):
            assert f"<strong>{part}</strong>" in page.text, f"{name} has no {part}"
        kinds = page.attributes("class")
        for kind in ("head", "listing", "summary"):
            assert kind in kinds, f"{name} has no {kind}"
        summary = (ROOT / page_of(name)).read_text().partition("\n")[0].partition(": ")[2].rstrip(".")
        assert f">{escaped(summary)}</p>" in page.text
        assert any(tag == "svg" or tag == "img" for tag, _ in page.tags), f"{name} has no picture"


def test_every_page_has_its_exercises_with_all_but_the_text_folded_away(html_pages):
    import collection

    for name, exercise in collection.load().items():
        text = html_pages[f"{exercise.program.docname}.html"].text
        part = text.partition(f'id="exercise-{name}"')[2].partition("</section>")[0]
        shown, *folded = re.split("<details><summary>([^<]*)</summary>", part)
        assert escaped(exercise.mutant.claim) in shown.replace("<code>", "`").replace("</code>", "`"), name
        hints = [f"Hint {number}" for number in range(1, len(exercise.hints()) + 1)]
        assert folded[::2] == ["What is handed out, around the place", *hints, "Solution"], name
        assert "<details" not in shown and part.count("</details>") == len(hints) + 2
        for mark, path in (("ok", exercise.solved()), ("failed", exercise.handed_out())):
            lines = {escaped(line) for text in path.values() for line in text.splitlines()}
            assert {*re.findall(f'<span class="{mark}">[+-](.*)</span>', folded[-1])} <= lines, name
        assert 'class="ok"' in folded[-1] or 'class="failed"' in folded[-1], name


def page_of(name: str) -> Path:
    chapter, program = name.split("/")
    return next((ROOT / chapter).rglob(f"{program}.cpp")).relative_to(ROOT)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("'", "&#x27;")


def test_the_source_begins_below_its_header_comment_and_is_whole(html_pages, names):
    for name in names:
        lines = (ROOT / page_of(name)).read_text().splitlines()
        shown = [int(number) for number in re.findall(r'id="L(\d+)"', html_pages[f"{name}.html"].text)]
        assert shown == list(range(shown[0], len(lines) + 1)), name
        left_out = lines[: shown[0] - 1]
        assert all(not line or line.startswith("//") for line in left_out), name
        assert not lines[shown[0] - 1].startswith("// SPDX")


def test_one_page_leads_to_the_next_in_the_order_of_the_book(html_pages, names):
    order = ["index.html"]
    while following := re.search(r'<link rel="next" href="([^"]+)"', html_pages[order[-1]].text):
        order.append(posixpath.normpath(posixpath.join(posixpath.dirname(order[-1]), following[1])))
        assert f'<link rel="prev" href="{posixpath.relpath(order[-2], posixpath.dirname(order[-1]) or ".")}"' in html_pages[order[-1]].text
    programs = [page.removesuffix(".html") for page in order if page.removesuffix(".html") in names]
    assert programs == names
    chapters = [page for page in order if page.endswith("/index.html")]
    assert order.index(chapters[1]) == order.index(f"{names[names.index('chapter2_threads/threads')]}.html") - 1


def test_no_link_is_dead(site, html_pages):
    anchors = {name: {*page.attributes("id")} for name, page in html_pages.items()}
    dead = []
    for name, page in html_pages.items():
        for target in itertools.chain(*(page.attributes(kind) for kind in ("href", "src", "action"))):
            parts = urllib.parse.urlsplit(target)
            if parts.scheme:
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), urllib.parse.unquote(parts.path))) if parts.path else name
            if not (site / path).is_file() or parts.fragment and parts.fragment not in anchors.get(path, ()):
                dead.append(f"{name}: {target}")
    assert not dead


def test_links_of_the_readmes_lead_to_the_sections_and_sources_that_they_mean(html_pages):
    lock = html_pages["chapter2_threads/lock.html"]
    assert '<a href="../chapter2_threads/atomics.html">atomics</a>' in lock.text
    assert '<a href="../chapter2_threads/lock.html#source">lock.cpp</a>' in lock.text
    assert 'href="../chapter4_mpi/heat.html#heat.hpp"' in html_pages["chapter4_mpi/heat.html"].text
    assert '<a href="chapter1_intro/mandelbrot.html">Mandelbrot' in html_pages["index.html"].text
    assert 'href="files/common/programs/lists.py.html"' in html_pages["contributing.html"].text


def test_no_file_names_another_host_but_as_a_link_to_follow(site, html_pages):
    for name, page in html_pages.items():
        for tag, given in page.tags:
            for kind, value in given.items():
                is_host = re.match(r"(\w+:)?//", value) is not None
                assert not is_host or tag == "a" and kind == "href" or value in XML_NAMES, f"{name}: <{tag} {kind}={value}>"
    for path in (path for path in site.rglob("*") if path.suffix in (".js", ".css", ".svg")):
        if path.name == "searchindex.js":
            continue  # words alone
        code = re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
        hosts = {*re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}[^\s\"']*", code)}
        assert hosts <= XML_NAMES, path.name


def test_a_strict_policy_allows_every_page(html_pages):
    for name, page in html_pages.items():
        for tag, given in page.tags:
            assert tag != "style" and "style" not in given, f"{name}: an inline style in <{tag}>"
            assert tag != "script" or "src" in given, f"{name}: an inline script"
            assert not any(kind.startswith("on") for kind in given), f"{name}: a handler in <{tag}>"
            assert not given.get("href", "").startswith("javascript:"), name


def test_every_picture_has_its_alternative_text_and_no_id_stands_twice(html_pages):
    for name, page in html_pages.items():
        for tag, given in page.tags:
            if tag == "img":
                assert given.get("alt"), f"{name}: a picture without alternative text"
            if tag == "svg":
                assert given.get("role") == "img" and given.get("aria-label"), f"{name}: a drawing without a name"
        ids = page.attributes("id")
        assert len(ids) == len({*ids}), f"{name}: {[each for each in ids if ids.count(each) > 1]}"


def test_pictures_keep_their_tooltips(html_pages):
    assert "<title>worker 0: hold update" in html_pages["chapter2_threads/lock.html"].text


def test_terms_of_shows_know_their_lines(html_pages, names):
    for name in names:
        page = html_pages[f"{name}.html"]
        ids = {*page.attributes("id")}
        marked = [line for lines in page.attributes("data-lines") for line in lines.split()]
        assert {*marked} <= ids, name
    without = [name for name in names if not html_pages[f"{name}.html"].attributes("data-lines")]
    assert without == [], "no term of Shows stands in the code"


def test_the_search_index_holds_text_and_code(site):
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))

    def found(word: str) -> set[str]:
        numbers = index["terms"][word]
        return {index["docnames"][number] for number in (numbers if isinstance(numbers, list) else [numbers])}

    assert "chapter2_threads/read_write_lock" in found("shared_mutex")
    assert "chapter2_threads/dining_philosophers" in found("philosoph")  # by its stem
    assert {"chapter4_mpi/heat", "glossary"} <= found("halo")


def test_the_glossary_says_what_a_term_is_and_where(html_pages):
    page = html_pages["glossary.html"].text
    entry = re.search(r'<dt id="critical-section">Critical section</dt><dd>(.*?)</dd>', page)[1]
    assert "<em>critical section</em>" in entry
    assert '<a href="chapter2_threads/lock.html">lock</a>' in entry
    assert page.count("<dt id=") > 150


def test_the_tables_to_teach_by_lead_to_the_pages(html_pages):
    page = html_pages["topics.html"].text
    assert '<h2 id="by-hazard">By hazard</h2>' in page
    assert '<a href="chapter2_threads/lock.html">lock</a>' in page


def test_words_that_are_kept_out_of_the_glossary_stand_in_italics():
    import glossary

    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("chapter*/README.md")]
    parts = (part for text in texts for part in re.sub(r"```.*?```", "", text, flags=re.S).split("\n\n"))
    italics = {word.lower() for part in parts for word, _ in glossary.italics(part)}
    assert glossary.STRESSED <= italics, glossary.STRESSED - italics


def test_colours_reach_a_contrast_of_4_5_in_both_themes():
    sheet = (ROOT / "common/book/theme/static/book.css").read_text(encoding="utf-8")
    themes = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r"\{([^{}]*--back:[^{}]*)\}", sheet)]
    assert len(themes) == 3 and themes[1] == themes[2]  # light; dark by the system and by the switch
    for theme in themes:
        for name, colour in theme.items():
            for back in ("back", "panel", "mark"):
                if name not in ("back", "panel", "mark", "line") and not (back == "mark" and name in ("ok", "failed", "soft", "link")):
                    assert contrast(colour, theme[back]) >= 4.5, f"{name} {colour} on {back} {theme[back]}"


def contrast(one: str, other: str) -> float:
    """As WCAG defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
