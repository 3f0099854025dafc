# SPDX-License-Identifier: MIT
"""The commands that show the book: what they print, what they refuse, and what they leave alone."""

import contextlib
import html
import http.client
import os
import re
import shutil
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from conftest import COMMANDS, ROOT

import chapters
import commands


def call(*words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMANDS, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          cwd=ROOT, env=os.environ | environment)  # fmt: skip


@pytest.fixture
def here(capsys):
    """Calls a command in this process, which need not load it all anew."""

    def call_here(*words: str) -> subprocess.CompletedProcess:
        status = chapters.call(commands.answer, list(words))
        return subprocess.CompletedProcess(words, status, *capsys.readouterr())

    return call_here


def refused(run: subprocess.CompletedProcess, status: int, *texts: str) -> None:
    assert (run.returncode, run.stdout) == (status, ""), run.stderr
    assert run.stderr.startswith("pdc: ") and run.stderr.count("\n") == 1, run.stderr
    for text in texts:
        assert text in run.stderr


def test_source_prints_the_path_of_a_page(here, monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in ("barrier", "BARRIER", "chapter2_threads/barrier"):
        assert here("source", name).stdout == "chapter2_threads/barrier.cpp\n"
    assert here("source", "coordinator").stdout == "chapter5_async/job_farm/coordinator.cpp\n"


@pytest.mark.parametrize("command", ["source", "show", "try"])
def test_an_unknown_program_is_refused_with_those_that_are_meant(command, here):
    refused(here(command, "barier"), 2, "no program 'barier'", "barrier")
    refused(here(command, "qqqq"), 2, "./pdc list")
    refused(here(command), 2, "wants the name of a program")


def test_what_no_command_takes_is_refused(here):
    refused(here("source", "lock", "more"), 2, "'more'")
    refused(here("try", "lock", "one"), 2, "'one' is not the number of an exercise")
    refused(here("try", "lock", "0"), 2, "no exercise 0")
    refused(here("try", "lock", "1", "2"), 2, "'2'")
    refused(here("book", "--what"), 2, "--what")
    refused(here("book", "--out"), 2, "--out")
    refused(here("book", "--pdf", "/nowhere/book.pdf"), 2, "/nowhere/book.pdf")
    refused(here("book", "--run", "--out", "site"), 2, "--run")


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path, here):
    (tmp_path / "thesis.txt").write_text("mine")
    refused(here("book", "--out", str(tmp_path)), 2, "no book")
    refused(here("book", "--out", str(tmp_path / "thesis.txt")), 2, "is no folder")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("package", ["sphinx", "pygments", "markdown_it"])
def test_without_its_packages_the_book_says_what_installs_them(package, tmp_path):
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('none', name='{package}')\n")
    refused(call("book", "--out", str(tmp_path / "site"), PYTHONPATH=str(tmp_path)), 3, "./pdc setup --book")
    assert not (tmp_path / "site").exists()


def test_without_chromium_there_is_no_pdf(tmp_path):
    refused(call("book", "--pdf", str(tmp_path / "book.pdf"), PATH=str(tmp_path)), 3, "./pdc setup --book")


def test_try_lists_the_exercises_of_the_section(here):
    lines = here("try", "lock").stdout.splitlines()
    assert lines[1].startswith(" 2  In the source, take the lock out of hold_mutex_briefly.")
    assert lines[-1].startswith("./pdc try lock 1 ")


def test_try_does_an_exercise_in_a_copy_and_shows_what_changes():
    page = ROOT / "chapter2_threads" / "lock.cpp"
    before = page.read_bytes(), page.stat().st_mtime_ns
    run = call("try", "lock", "2")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert "-  const std::scoped_lock lock(hall.mutex);  // from here to the closing brace: the update alone" in lines
    assert "- [ok] with the mutex, every update counts" in lines
    assert "+ [failed] with the mutex, every update counts" in lines
    assert "  [ok] without the mutex, all are in the critical section at once" in lines
    assert any(line.startswith("status 1, and 0 before") for line in lines)
    assert (page.read_bytes(), page.stat().st_mtime_ns) == before
    assert not list((ROOT / "build").glob("try-*"))


def test_the_server_answers_whoever_asks_for_this_machine_and_nobody_else(tmp_path):
    import serve

    (tmp_path / "index.html").write_text("the book")
    (tmp_path / "folder").mkdir()
    with serve.serving(serve.Handler, tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(path: str, host: str = "127.0.0.1") -> tuple[int, bytes, str]:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.server_port)) as connection:
                connection.request("GET", path, headers={"Host": f"{host}:{server.server_port}"})
                answer = connection.getresponse()
                return answer.status, answer.read(), answer.headers["Content-Security-Policy"]

        assert server.server_address[0] == "127.0.0.1"
        status, text, policy = ask("/")
        assert (status, text) == (200, b"the book") and policy.startswith("default-src 'self'")
        assert ask("/", "evil.example")[0] == 403
        assert ask("/folder/")[0] == 404
        assert ask("/../../etc/passwd")[0] == 404
        server.shutdown()


def test_the_page_for_print_holds_all_programs_with_their_pictures(names, monkeypatch):
    import pages
    import pdf

    def plain(programs, pool):  # colours take long, and matter nothing here
        made = {path: Future() for program in programs for path in program.sources}
        for path, text in made.items():
            text.set_result(f"<pre>{html.escape(path.read_text())}</pre>")
        return made

    monkeypatch.setattr(pages, "listings_of", plain)
    page = pdf.one_page()
    ids = {*re.findall(r'\bid="([^"]*)"', page)}
    assert {*names} <= ids
    targets = {*re.findall(r'href="#([^"]*)"', page)}
    assert targets and targets <= ids, targets - ids
    assert page.count("<figure") > len(names)
    assert "<details" not in page and "counter(page)" in page
    sources = re.findall(r'src="file://([^"]*)"', page)
    assert sources and all(Path(source).is_file() for source in sources)


def test_a_pdf_is_printed_with_page_numbers_and_bookmarks(tmp_path, monkeypatch):
    import pdf

    if not any(map(shutil.which, pdf.BROWSERS)):
        pytest.skip("no Chromium here: ./pdc setup --book installs it")
    sheet = (ROOT / "common/book/theme/print.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{name}">{name}</a>' for name in ("a/index", "a/lock", "a/queue", "b/index"))
    sections = [(1, "a/index", "One &amp; all"), (2, "a/lock", "lock: née"), (2, "a/queue", "queue"), (1, "b/index", "Two"), (1, "c", "No link")]
    page = f"<!DOCTYPE html><title>two</title><style>{sheet}</style>{links}" + "".join(
        f'<section class="x">\n<h{level} id="{name}">{words}</h{level}></section>' for level, name, words in sections)  # fmt: skip
    monkeypatch.setattr(pdf, "one_page", lambda: page)
    pdf.write_pdf(tmp_path / "book.pdf")
    printed = (tmp_path / "book.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 6  # a section begins on a page of its own
    assert [path.name for path in tmp_path.iterdir()] == ["book.pdf"]

    objects = objects_of(printed)
    outline = objects[number_in(objects[number_in(trailer_of(printed), "Root")], "Outlines")]
    first, last = (objects[number_in(outline, key)] for key in ("First", "Last"))
    assert (title_of(first), title_of(last)) == ("One & all", "Two") and number_in(outline, "Count") == 2
    below = [objects[number_in(first, key)] for key in ("First", "Last")]
    assert [title_of(each) for each in below] == ["lock: née", "queue"]
    assert objects[number_in(below[0], "Next")] == below[1] and objects[number_in(below[1], "Parent")] == first
    for each in (first, last, *below):
        name = re.search(r"/Dest (/\S+)", each)[1]
        assert f"{name} [" in objects[number_in(objects[number_in(trailer_of(printed), "Root")], "Dests")]


def trailer_of(pdf: bytes) -> str:
    return pdf.rpartition(b"trailer")[2].decode("latin-1")


def number_in(text: str, key: str) -> int:
    return int(re.search(rf"/{key} (\d+)", text)[1])


def title_of(bookmark: str) -> str:
    return bytes.fromhex(re.search("/Title <FEFF([0-9A-F]*)>", bookmark)[1]).decode("utf-16-be")


def objects_of(pdf: bytes) -> dict[int, str]:
    """By their numbers, where the tables at the end of the PDF say that they are; the last one counts."""
    found: dict[int, str] = {}
    start = int(pdf.rpartition(b"startxref")[2].split()[0])
    while start:
        table, _, rest = pdf[start:].partition(b"trailer")
        for first, count, rows in re.findall(rb"(\d+) (\d+)\s*\n((?:\d{10} \d{5} [nf] ?\r?\n)+)", table):
            entries = rows.splitlines()
            assert len(entries) == int(count)
            for number, entry in enumerate(entries, int(first)):
                at = int(entry[:10])
                if entry[17:18] == b"n" and number not in found:
                    assert pdf[at:].startswith(b"%d 0 obj" % number)
                    found[number] = pdf[at : pdf.index(b"endobj", at)].decode("latin-1")
        before = re.search(rb"/Prev (\d+)", rest.partition(b"startxref")[0])
        start = int(before[1]) if before else 0
    return found
