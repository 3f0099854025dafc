# SPDX-License-Identifier: MIT
"""The commands of ./pdc that show the book: book, show, source, try. `./pdc help` says how they are called.

Exit status: 0 all is well; 1 something does not build; 2 the command line is wrong; 3 something is missing here; 130
interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "programs"))

import chapters
import serve
from chapters import BUILD, Problem, Program


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise Problem(f"{self.prog.split()[-1]}: {message}; ./pdc help says how", 2)


def book(words: list[str]) -> int:
    parser = Parser(prog="./pdc book", add_help=False, allow_abbrev=False)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pdf", type=Path)
    parser.add_argument("--run", action="store_true")
    given = parser.parse_args(words)
    if given.run and (given.out or given.pdf):
        raise Problem("book: --run is for a browser; without it --out and --pdf write files", 2)
    if given.pdf:
        import pdf

        refuse_folder_that_is_missing(given.pdf)
        pdf.write_pdf(given.pdf)
        print(f"written: {given.pdf}")
    if given.out:
        write_book(given.out)
        print(f"written: {given.out / 'index.html'}")
    if not given.pdf and not given.out:
        return serve_book(given.run)
    return 0


def refuse_folder_that_is_missing(file: Path) -> None:
    if not file.absolute().parent.is_dir() or file.is_dir():
        raise Problem(f"cannot write {file}: it is a folder, or its folder is missing", 2)


def write_book(out: Path) -> None:
    """Beside it first: whatever ends it, the folder is the old book or the new one."""
    if out.exists() and not out.is_dir():
        raise Problem(f"{out} is no folder: give another one", 2)
    if out.is_dir() and any(out.iterdir()) and not (out / "_static" / "book.js").is_file():
        raise Problem(f"{out} is not empty, and no book: give another folder", 2)
    import pdc_book

    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pdc-book-", dir=out.absolute().parent) as scratch:
            made = Path(scratch, "site")
            pdc_book.write_site(made)
            if out.exists():
                out.rename(Path(scratch, "old"))
            made.rename(out)
    except OSError as error:
        raise Problem(f"cannot write {out}: {error.strerror}", 3) from None


def serve_book(runs: bool) -> int:
    """With `runs`, by a program of the book, which the launcher has built: its pages run the programs."""
    import pdc_book

    with tempfile.TemporaryDirectory(prefix="pdc-book-") as scratch:
        out = Path(scratch, "site")
        pdc_book.write_site(out)
        if runs:
            return serve.run_server("the book, whose programs run here", [BUILD / "chapter5_async" / "book_server", "--serve", "--site", out])
        with serve.serving(serve.Handler, out) as server:
            serve.tell("the book", f"http://127.0.0.1:{server.server_port}/")
            server.serve_forever()
    return 0


def show(words: list[str]) -> int:
    import picture

    return picture.show(program_of("show", words), words[1:])


def source(words: list[str]) -> int:
    program = program_of("source", words)
    nothing_more("source", words[1:])
    print(os.path.relpath(program.page))
    return 0


def try_(words: list[str]) -> int:
    import experiments

    program = program_of("try", words)
    nothing_more("try", words[2:])
    if len(words) == 1:
        experiments.list_exercises(program)
        return 0
    if not words[1].isdecimal():
        raise Problem(f"try: {words[1]!r} is not the number of an exercise; ./pdc try {program.name} lists them", 2)
    return experiments.try_one(program, int(words[1]))


def program_of(command: str, words: list[str]) -> Program:
    if not words:
        raise Problem(f"{command} wants the name of a program: ./pdc list shows them all", 2)
    return chapters.find(words[0])


def nothing_more(command: str, words: list[str]) -> None:
    if words:
        raise Problem(f"{command} does not take {words[0]!r}", 2)


def answer(words: list[str]) -> int:
    return {"book": book, "show": show, "source": source, "try": try_}[words[0]](words[1:])


if __name__ == "__main__":
    serve.raise_on_signals()
    sys.exit(chapters.call(answer, sys.argv[1:]))
