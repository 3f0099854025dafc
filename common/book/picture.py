# SPDX-License-Identifier: MIT
"""`./pdc show NAME`: the picture of a run in the browser, large, and of each further run in its place."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import serve
from chapters import ROOT, Problem, Program

HERE = Path(__file__).resolve().parent


class Drawn:
    """The runs that have drawn a picture, counted; whoever shows it waits for the next."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.number = 0
        self.pictures: list[str] = []

    def set(self, pictures: list[str]) -> None:
        with self.changed:
            self.number += 1
            self.pictures = pictures
            self.changed.notify_all()

    def after(self, number: int, seconds: float) -> int:
        """Waits that long for a later run, and returns the number of the last."""
        with self.changed:
            self.changed.wait_for(lambda: self.number > number, seconds)
            return self.number


def handler_of(drawn: Drawn, program: Program) -> type[serve.Handler]:
    class PictureHandler(serve.Handler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/":
                self.answer("text/html; charset=utf-8", frame(program))
            elif path == "/pictures":
                self.answer("text/html; charset=utf-8", "\n".join(drawn.pictures))
            elif path == "/next":
                last = int(query) if re.fullmatch(r"\d{1,9}", query) else 0
                self.answer("text/plain", str(drawn.after(last, 20)))
            else:
                super().do_GET()

        def answer(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return PictureHandler


def frame(program: Program) -> str:
    title = f"{program.name}: {html.escape(program.summary)}"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="book.css"><link rel="stylesheet" href="pictures.css">\n'
        '<script src="book.js"></script><script src="show.js"></script></head>\n'
        f'<body class="show"><main><h1>{title}</h1><div id="pictures" aria-live="polite">The program runs ...</div>'
        '<p><button type="button" id="theme">Light or dark</button> Enter in the terminal runs it again.</p></main></body></html>\n'
    )


def show(program: Program, options: list[str]) -> int:
    """Serves it until it is interrupted; returns the exit status if there is no picture to begin with."""
    import pages

    drawn = Drawn()
    with tempfile.TemporaryDirectory(prefix="pdc-show-") as scratch:
        served = Path(scratch, "served")
        shutil.copytree(HERE / "theme" / "static", served)
        (served / "pictures.css").write_text(pages.picture_styles(), encoding="utf-8")
        status = run_once(program, options, Path(scratch), drawn)
        if drawn.number == 0:
            return status or 1
        with serve.serving(handler_of(drawn, program), served) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            serve.tell(f"the picture of {program.name}", f"http://127.0.0.1:{server.server_port}/")
            if sys.stdin.isatty():
                print("Enter runs it again", flush=True)
            for _ in sys.stdin:
                run_once(program, options, Path(scratch), drawn)
            threading.Event().wait()  # nobody can press Enter: until it is interrupted
    return 0


def run_once(program: Program, options: list[str], scratch: Path, drawn: Drawn) -> int:
    """Runs it; a run that draws nothing leaves the picture as it is."""
    import pages

    for old in scratch.glob("picture*.svg"):
        old.unlink()
    file = scratch / "picture.svg"
    command = [str(ROOT / "pdc"), "run", program.name, *options, "--svg", str(file)]
    status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    pictures = sorted(scratch.glob("picture*.svg"), key=lambda path: (len(path.name), path.name))
    if pictures:
        alt = html.escape(program.summary)
        drawn.set([f"<figure>{pages.inline_svg(path, alt, path != pictures[0])}</figure>" for path in pictures])
    elif status == 0:
        raise Problem(f"{program.name} has drawn no picture", 1)
    return status
