# SPDX-License-Identifier: MIT
"""Each check, held against a program that misbehaves in one way and against one that does not."""

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import psutil

import check_program
from check_program import Found, Number, Program, Running
from harness import room

SOURCE = """\
// Fake: it stands for a program of the book.
//
// Concept   a stand-in
// Shows     nothing
// Run       fake --threads 4
// You see   what the check wants to see
// Next      nothing

int main() {}
"""

# A program as the checks want it, but for the faults in its list. With FAKE_SIZE it is a rank.
FAKE = r'''#!PYTHON -SE
import os, signal, sys, time  # few, it has to start quickly
faults = FAULTS
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # tells the test that Python's own start is over
rank = int(os.environ.get("FAKE_RANK", 0))
size = int(os.environ.get("FAKE_SIZE", 1))
is_terminal = os.isatty(1) if "FAKE_SIZE" not in os.environ else "CLICOLOR_FORCE" in os.environ

def bad(fault): return fault in faults

def say(text):
    if rank and not bad("all ranks speak"): return
    try:
        os.write(1, text.encode())
    except OSError as error:
        if bad("output lost is ignored"): return
        leave(3, f"write to standard output: {os.strerror(error.errno)}")

def complain(text):
    try: os.write(2, text.encode())
    except OSError:
        if bad("needs standard error"): os._exit(1)

def leave(status, text):
    name = "" if bad("complaint without name") else "fake: "
    if rank == 0 or bad("all ranks complain"):
        complain(name + text + "\n")
        if bad("complaint of two lines"): complain("Usage: fake\n")
    os._exit(1 if bad("complaint with status 1") else status)

def reject(text):
    if bad("starts before it rejects"): say("fake: begins\n")
    leave(2, text)

options = {"threads": 4, "quiet": False, "json": False, "svg": "", "trace": "", "deadline": 30.0}
ranges = {"threads": (2, 8, "a whole number from 2 to 8"),
          "deadline": (0.001, 86400, "a number from 0.001 to 86400")}
words = sys.argv[1:]
while words:
    word = words.pop(0)
    name, equals, value = word[2:].partition("=")
    if not word.startswith("--"):
        if bad("takes stray arguments"): continue
        reject(f"stray argument '{word}'")
    if name == "help":
        for line in open(SOURCE_FILE).read().split("\n\nint")[0].splitlines():
            if not (bad("help without label") and "Concept" in line): say(line[3:] + "\n")
        say("\nOptions\n")
        say("  --threads VALUE   threads, a whole number from 2 to 8 (default 4)\n")
        say("  --quiet   claims only\n  --json   one object\n  --svg VALUE   a file\n")
        if not bad("help without option"): say("  --trace VALUE   a file\n")
        say("  --deadline VALUE   seconds, a number from 0.001 to 86400 (default 30)\n")
        say("  --help   this\n  --version   this too\n")
        os._exit(0)
    if name == "version":
        say("fake 1\n" * (2 if bad("version of two lines") else 1))
        os._exit(0)
    if name not in options:
        if bad("takes unknown options"): continue
        hint = "" if bad("no suggestion") else "; did you mean --threads?"
        reject(f"no option {word}" + (hint if "threads".startswith(name) else ""))
    if options[name] is False:
        options[name] = True
        continue
    if not equals:
        if not words and bad("takes a missing value"): continue
        if not words: reject(f"--{name} needs a value: {ranges.get(name, ('', '', ''))[2]}")
        value = words.pop(0)
    elif bad("takes no equals sign"): reject(f"no option {word}")
    if name in ranges:
        lowest, highest, allowed = ranges[name]
        told = f"--{name} '{value}' is wrong"
        if not bad("says nothing allowed"): told += ": " + allowed
        try:
            number = (int if name == "threads" else float)(value)
        except ValueError:
            if value == "four" and bad("takes a word"): continue
            if value == "" and bad("takes an empty value"): continue
            reject(told)
        if number < lowest and bad("takes less"): continue
        if number > highest and bad("takes more"): continue
        if not lowest <= number <= highest: reject(told)
        options[name] = number
    else:
        if not value and not bad("takes an empty file"): reject(f"--{name} needs a value")
        options[name] = value

try: os.fstat(1)
except OSError:
    if not bad("output lost is ignored"): leave(3, "write to standard output: closed")
for name in (options["svg"], options["trace"]):
    if name.startswith("/nonexistent"):
        leave(3, f"open {name}" + ("" if bad("no reason") else ": No such file or directory"))
if bad("needs standard input"): os.fstat(0)
if bad("needs its environment"): os.environ["LANG"]
if bad("needs its folder"): open("note", "w").close(); os.unlink("note"); assert os.getcwd() != "/"
if bad("fails with the least") and options["threads"] == 2: os._exit(1)
if bad("fails with the most") and options["threads"] == 8: os._exit(1)
if bad("fails with 5 ranks") and size == 5: os._exit(1)
if bad("needs buffers") and "PDC_MPI_SYNCHRONOUS" in os.environ: os._exit(4)
if bad("needs small buffers") and "OMPI_MCA_btl_tcp_eager_limit" in os.environ: os._exit(4)
if bad("needs 2 ranks") and size < 2: leave(2, "needs at least 2 ranks")
if bad("needs ranks, does not say how many") and size < 2: leave(2, "needs more ranks")
if options["deadline"] < 1 and not bad("no deadline"):
    complain("fake: stopped\n" if bad("deadline is not explained") else "fake: still running\n")
    os._exit(1 if bad("deadline with status 1") else 4)

if bad("ignores SIGTERM"): signal.signal(signal.SIGTERM, signal.SIG_IGN)
if bad("SIGTERM ends with 1"): signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
if bad("leaves a process") and os.fork() == 0: os.execvp("sleep", ["sleep", "20"])
if bad("leaves a file"): open("core", "w").close()
if bad("leaves a temporary file"): open(os.environ["TMPDIR"] + "/fake", "w").close()
if bad("leaves shared memory"): open(f"/dev/shm/fake.{os.getpid()}", "w").close()
if bad("leaves a System V segment"): import ctypes; ctypes.CDLL(None).shmget(0, 9, 0o1600)
if bad("leaves a socket file"): import socket; socket.socket(1).bind(f"/tmp/fake.{os.getpid()}")
if bad("cannot run twice"):
    try: os.close(os.open("/dev/shm/fake.one", os.O_CREAT | os.O_EXCL))
    except OSError: leave(3, "open /dev/shm/fake.one: File exists")
complete = options["json"] or options["quiet"]
if not complete:
    title = "another" if bad("wrong title") else "a program of the book"
    say(f"fake: it stands for {title}\n")
    colour = is_terminal and ("NO_COLOR" not in os.environ or bad("ignores NO_COLOR"))
    colour = (colour or bad("always in colour")) and not bad("never in colour")
    chart = "\x1b[34m██\x1b[0m" if colour else "██"
    if not bad("too short"): say(f"\nscene\n  lane  {chart}\n\n")
    if bad("too wide"): say("x" * 130 + "\n")
if bad("speaks on standard error"): complain("debug\n")
if bad("hangs") or bad("hangs when a rank is lost") and rank: time.sleep(60)
time.sleep(0.1)  # plays the work
if any("child" in fault for fault in faults):
    import ctypes, socket
    def start(body, dies_with_parent):
        pid = os.fork()
        if pid: return pid
        if dies_with_parent: ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        body()
        os._exit(0)
    def start_work(number):
        name = f"/dev/shm/fake.{os.getpid()}.{number}"
        if bad("a lost child leaves shared memory"): open(name, "w").close()
        def work():
            time.sleep(20 if bad("a lost child's sibling stays") else 0.1)
            if bad("a lost child leaves shared memory"): os.unlink(name)
        return start(work, dies_with_parent=not bad("a lost child's sibling stays"))
    def stay():  # without the mark, with a name that only /proc/net/unix shows
        held = socket.socket(socket.AF_UNIX)
        held.bind(f"\0fake.{os.getpid()}")
        held.set_inheritable(True)
        os.execve("/bin/sleep", ["sleep", "2"], {})
    for _ in [start_work(number) for number in range(2)]:  # both, before one is waited for
        if os.wait()[1] == 0: continue
        if bad("a lost child leaves a socket"): start(stay, False)
        if bad("a lost child crashes it"): os.kill(os.getpid(), signal.SIGSEGV)
        if bad("hangs when a child is lost"): time.sleep(60)
        if bad("a lost child is not told"): os._exit(1)
        leave(1, "a child was lost")
if bad("cannot run twice"): os.unlink("/dev/shm/fake.one")

if options["svg"] == "/dev/full" or options["trace"] == "/dev/full":
    if not bad("full disk is ignored"): leave(3, "write /dev/full: No space left on device")
elif rank == 0:
    svg = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>fake</text>'
           '<rect class="lane"/></svg>')
    if bad("SVG is cut"): svg = svg[:-3]
    if bad("SVG without viewBox"): svg = svg.replace("viewBox", "box")
    if bad("SVG without lane"): svg = svg.replace("lane", "row")
    if bad("SVG without title"): svg = svg.replace("fake", "picture")
    if options["svg"]: open(options["svg"], "w").write(svg)
    if options["trace"]: open(options["trace"], "w").write('{"traceEvents": ['
        '{"ph": "X", "pid": 1, "tid": 1, "name": "work", "ts": 1, "dur": 2}]}')

claims = ["the first holds", "the second holds"]
if options["json"]:
    import json
    if bad("JSON loses a claim"): claims.pop()
    report = {"name": "fake", "chapter": "chapter9_fakes", "options": options, "measurements": [],
              "claims": [{"claim": c, "evidence": "2 of 2", "holds": True} for c in claims],
              "all_claims_hold": True}
    if bad("JSON without measurements"): del report["measurements"]
    if bad("text besides JSON"): say("fake\n")
    say(json.dumps(report) + "\n")
else:
    if not bad("no claims"): say("".join(f"[ok] {claim} (2 of 2)\n" for claim in claims))
    if options["quiet"] and bad("quiet narrates"): say("done\n")
    if not bad("no verdict"): say("all claims hold\n")
os._exit(1 if bad("fails in the end") else 0)
'''

# Starts ranks and ends with the first status that is not 0; the others have a moment to end too.
MPIRUN = r'''#!PYTHON -SE
import os, signal, subprocess, sys, time
size = int(sys.argv[2])
ranks = []
def start(rank):
    variables = {"FAKE_RANK": str(rank), "FAKE_SIZE": str(size)}
    return subprocess.Popen(sys.argv[3:], env={**os.environ, **variables})
def end(status, seconds=0.0):
    late = time.monotonic() + seconds
    for rank in ranks:
        while rank.poll() is None and time.monotonic() < late: time.sleep(0.01)
        rank.kill()
        rank.wait()
    if status and "mpirun hangs" in FAULTS: time.sleep(60)
    os._exit(status)
signal.signal(signal.SIGINT, lambda *_: end(1))
signal.signal(signal.SIGTERM, lambda *_: end(1))
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
for rank in range(size): ranks.append(start(rank))
while ranks:
    for rank in list(ranks):
        status = rank.poll()
        if status is None: continue
        ranks.remove(rank)
        moment = 10 if status > 0 else 0.2  # whoever ends by itself, so do the others
        if status and "hangs when a rank is lost" not in FAULTS: end(abs(status), moment)
    time.sleep(0.01)
os._exit(0)
'''

THREADS = Number("threads", True, "2", "8", "4")
CLAIMS = ["the first holds", "the second holds"]


def setUpModule() -> None:
    room.enter()


def script_of(pid: int) -> Path:
    with contextlib.suppress(psutil.Error):
        return Path("".join(psutil.Process(pid).cmdline()[2:3]))
    return Path()


class CheckProgramTest(unittest.TestCase):
    def setUp(self):
        # The fakes are scripts: what runs is Python, and the script stands after its options.
        script = mock.patch("harness.processes._executable", script_of)
        script.start()
        self.addCleanup(script.stop)
        # While Python starts, it has a handler of its own for SIGINT.
        ignores = Running.ignores

        def ignores_when_started(running: Running, number: signal.Signals) -> bool:
            while running.process.poll() is None and not ignores(running, signal.SIGUSR1):
                time.sleep(0.001)
            return ignores(running, number)

        started = mock.patch("harness.processes.Running.ignores", ignores_when_started)
        started.start()
        self.addCleanup(started.stop)
        folder = tempfile.TemporaryDirectory(prefix="pdc.")
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.source = self.home / "chapter9_fakes" / "fake.cpp"
        self.source.parent.mkdir()
        self.source.write_text(SOURCE)

    def fake(self, *faults: str, ranks: tuple[int, ...] = (), flags: str = "-O2") -> Program:
        """A fake program with these faults, as survey() leaves a good one."""
        for name, text in (("fake", FAKE), ("mpirun", MPIRUN)):
            text = text.replace("PYTHON", sys.executable).replace("FAULTS", repr(faults))
            executable = self.home / name
            executable.write_text(text.replace("SOURCE_FILE", repr(str(self.source))))
            executable.chmod(0o755)
        entry = {
            "name": "fake",
            "chapter": "chapter9_fakes",
            "summary": "it stands for a program of the book",
            "executable": "fake",
            "mpi": bool(ranks),
            "ranks": ranks,
        }
        (self.home / "catalog.json").write_text(json.dumps([entry]))
        (self.home / "CMakeCache.txt").write_text(
            f"CMAKE_HOME_DIRECTORY:INTERNAL={self.home}\n"
            f"MPIEXEC_EXECUTABLE:FILEPATH={self.home}/mpirun\n"
            f"CMAKE_CXX_FLAGS:STRING={flags}\n"
        )
        program = check_program.load(self.home, "chapter9_fakes.fake")
        program.options = [*sorted(check_program.COMMON_OPTIONS), "threads", "help", "version"]
        program.numbers = [THREADS]
        program.words = ["svg", "trace"]
        program.claims = CLAIMS
        program.normal_seconds = 0.15
        return program

    def found(self, check, fault: str, *more, **how) -> Found:
        program = self.fake(fault, **how)
        if check is check_program.survey:
            program.options, program.numbers, program.words = [], [], []
        found = Found(program)
        check(program, found, *more)
        return found

    def fails(self, text: str, check, fault: str, *more, **how) -> None:
        """The check fails on the fault, and says this."""
        with self.subTest(fault):
            found = self.found(check, fault, *more, **how)
            self.assertIn(text, "\n".join(found.failures))

    def run_main(self, *faults: str, **how) -> tuple[int, str]:
        self.fake(*faults, **how)
        out = io.StringIO()
        arguments = ["check_program.py", "--build", str(self.home), "fake"]
        with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(out):
            status = check_program.main()
        return status, out.getvalue()

    # --- all of it ---

    def test_a_good_program_passes(self):
        status, out = self.run_main()
        self.assertEqual(status, 0, out)
        self.assertRegex(out.splitlines()[-1], r"^\d{3} checks, 0 failed, \d skipped$")

    def test_a_good_mpi_program_passes(self):
        status, out = self.run_main(ranks=(1, 2, 3))
        self.assertEqual(status, 0, out)
        for title in ("SIGKILL to one rank", "ranks: 7", "wrong command line under mpirun"):
            self.assertIn(f"ok      {title} (", out)

    def test_a_good_program_with_children_passes_and_says_how_many_it_lost(self):
        with mock.patch("check_program.LOSSES", 3):
            status, out = self.run_main("children")
        self.assertEqual(status, 0, out)
        lost = r"ok +SIGKILL to one child process \(.*\): 3 processes killed, after 0\.\d+ "
        self.assertRegex(out, lost)
        self.assertIn("1 process killed, after", out)

    def test_an_mpi_program_that_does_not_run_alone_passes_and_says_what_was_skipped(self):
        status, out = self.run_main("needs 2 ranks", ranks=(2, 3))
        self.assertEqual(status, 0, out)
        self.assertIn("skipped standard output lost: needs mpirun", out)

    def test_a_failure_is_told_with_its_command_and_the_other_checks_go_on(self):
        status, out = self.run_main("version of two lines", "quiet narrates")
        self.assertEqual(status, 1)
        self.assertIn(f"command   {self.home}/fake --version\n    expected  one line\n", out)
        self.assertRegex(out, r"seen +standard output: fake 1\n +fake 1")
        self.assertIn("FAILED  quiet", out)
        self.assertRegex(out.splitlines()[-1], r"^\d{3} checks, 2 failed, \d skipped$")

    def test_a_sanitizers_build_gets_few_moments(self):
        self.assertEqual((self.fake().moments, self.fake().losses), (5, 20))
        sanitized = self.fake(flags="-O1 -fsanitize=thread")
        self.assertEqual((sanitized.moments, sanitized.losses), (1, 2))
        quick = {title for title, *_ in check_program.all_checks(sanitized)}
        sanitized.normal_seconds = 2
        slow = {title for title, *_ in check_program.all_checks(sanitized)}
        self.assertEqual(quick - slow, {"pictures that cannot be written", "standard output lost",
                                        "surroundings", "terminal", "quiet", "deadline",
                                        "pictures, two runs at once"})

    def test_a_program_that_is_not_in_the_catalog(self):
        self.fake()
        self.assertRaises(LookupError, check_program.load, self.home, "other")

    # --- what it says ---

    def test_help_plain_run_and_json(self):
        for fault, text in {
            "help without label": "--help has the source's line 'Concept   a stand-in'",
            "help without option": "--help lists",
            "wrong title": "first line 'fake: it stands for a program of the book'",
            "too short": "5 to 60 lines",
            "too wide": "no line has more than 120 columns",
            "always in colour": "no colour: this is not a terminal",
            "speaks on standard error": "nothing on standard error",
            "no verdict": "'all claims hold' once, in the last line",
            "fails in the end": "expected  status 0\nseen      status 1",
            "no claims": "the claims of --json",
            "JSON loses a claim": "the claims of --json",
            "JSON without measurements": "one JSON object",
            "text besides JSON": "one JSON object",
        }.items():
            self.fails(text, check_program.survey, fault)

    def test_version_and_quiet(self):
        self.fails("one line", check_program.check_version, "version of two lines")
        quiet = check_program.check_quiet
        self.fails("only lines that begin with '[ok] '", quiet, "quiet narrates")
        self.fails("only lines that begin with '[ok] '", quiet, "no claims")
        self.fails("status 0", quiet, "takes no equals sign")

    def test_claims_are_compared_without_their_evidence(self):
        claim = check_program.claim_in
        claims = ["all is well", "all is well (nearly)"]
        self.assertEqual(claim("all is well (7 of 7)", claims), "all is well")
        self.assertEqual(claim("all is well", claims), "all is well")
        self.assertEqual(claim("all is well (nearly) (7)", claims), "all is well (nearly)")
        self.assertEqual(claim("all is well, or so", claims), "all is well, or so")

    def test_terminal(self):
        terminal = check_program.check_terminal
        self.fails("colour, on a terminal", terminal, "never in colour")
        self.fails("no colour with NO_COLOR", terminal, "ignores NO_COLOR")
        self.fails("no colour with NO_COLOR", terminal, "ignores NO_COLOR", ranks=(2,))

    # --- the command line ---

    def test_values(self):
        rejected = "expected  status 2\nseen      status 0"
        for fault, text in {
            "takes less": rejected,
            "takes more": rejected,
            "takes a word": rejected,
            "takes an empty value": rejected,
            "takes a missing value": rejected,
            "complaint with status 1": "expected  status 2\nseen      status 1",
            "complaint without name": "one line 'fake: ...'",
            "complaint of two lines": "one line 'fake: ...'",
            "says nothing allowed": "with '--threads' and 'from 2 to 8'",
            "starts before it rejects": "nothing on standard output",
            "fails with the least": "--threads 2\nexpected  status 0",
            "fails with the most": "--threads 8\nexpected  status 0",
        }.items():
            self.fails(text, check_program.check_number, fault, THREADS)

    def test_arguments(self):
        arguments = check_program.check_arguments
        self.fails("--nosuch\nexpected  status 2", arguments, "takes unknown options")
        self.fails("stray\nexpected  status 2", arguments, "takes stray arguments")
        self.fails("'did you mean --threads?'", arguments, "no suggestion")
        self.fails("--svg ''\nexpected  status 2", arguments, "takes an empty file")

    # --- pictures ---

    def test_pictures(self):
        for fault, text in {
            "SVG is cut": "an SVG file",
            "SVG without viewBox": "an SVG with a viewBox",
            "SVG without lane": "the picture has a lane",
            "SVG without title": "the picture's title is 'fake'",
            "leaves a file": "files: ('picture.svg', 'trace.json')",
            "cannot run twice": "status 0\nseen      status 3",
        }.items():
            self.fails(text, check_program.check_pictures, fault)

    def test_pictures_that_cannot_be_written(self):
        refused = check_program.check_picture_refused
        self.fails("'No such file or directory'", refused, "no reason")
        self.fails("--trace /dev/full\nexpected  status 3", refused, "full disk is ignored")

    def test_trace_events(self):
        def event(phase: str, **more) -> dict:
            return {"ph": phase, "pid": 1, "tid": 1, "name": "n", "ts": 5, **more}

        good = [
            {"ph": "M", "pid": 1, "tid": 1, "name": "thread_name"},
            event("X", dur=0),
            event("b", id=1, ts=1),
            event("b", id=1, ts=2),
            event("e", id=1, ts=3),
            event("e", id=1, ts=4),
            event("s", id=1, cat="message"),
            event("f", id=1, cat="message"),
            event("i"),
        ]
        self.assertEqual(check_program.wrong_events(good), [])
        for bad in (
            [event("X")],
            [event("b", id=1)],
            [event("f", id=1)],
            [event("s", id=1, ts=6), event("f", id=1, ts=5)],
            [event("s", id=1), event("f", id=2)],
            [event("s"), event("f")],
            [event("X", dur=-1)],
            [event("?")],
            [{"ph": "X", "pid": 1, "name": "n", "ts": 1, "dur": 1}],
        ):
            with self.subTest(bad):
                self.assertNotEqual(check_program.wrong_events(bad), [])

    # --- surroundings and faults ---

    def test_output_lost(self):
        for redirect in (">/dev/full", ">&-", "(nobody reads)"):
            text = f"{redirect}\nexpected  status 3"
            self.fails(text, check_program.check_output_lost, "output lost is ignored")

    def test_surroundings(self):
        surroundings = check_program.check_surroundings
        self.fails("<&-\nexpected  status 0", surroundings, "needs standard input")
        self.fails("env -i", surroundings, "needs its environment")
        self.fails("cd /", surroundings, "needs its folder")
        with mock.patch.dict(os.environ, LANG="C"):
            self.fails("env -i", surroundings, "needs its environment")
        found = self.found(surroundings, "needs standard error")
        self.assertEqual(found.failures, [])  # it says nothing there
        self.fails("nothing on standard error", surroundings, "speaks on standard error")

    def test_deadline(self):
        deadline = check_program.check_deadline
        self.fails("'fake: still running ...'", deadline, "deadline is not explained")
        self.fails("status 0 or status 4\nseen      status 1", deadline, "deadline with status 1")
        self.assertEqual(self.found(deadline, "no deadline").failures, [])  # it was quicker

    def test_signals(self):
        check = check_program.check_signal
        self.fails("SIGTERM is not ignored", check, "ignores SIGTERM", signal.SIGTERM)
        self.fails("SIGTERM\nseen      status 1", check, "SIGTERM ends with 1", signal.SIGTERM)
        self.fails("files: ()", check, "leaves a file", signal.SIGKILL)
        with mock.patch("check_program.TIME_TO_END", 0.3):
            self.fails("seen      no end in time", self.undisturbed, "hangs")

    @staticmethod
    def undisturbed(program: Program, found: Found) -> None:
        found.ended(check_program.interrupted(program.start(), "nothing"), 0)

    def test_what_is_left(self):
        with mock.patch("harness.processes.PATIENCE", 0.3):
            for fault, text in {
                "leaves a process": ": sleep 20",
                "leaves a temporary file": "temporary file /",
                "leaves shared memory": "name /dev/shm/fake.",
            }.items():
                self.fails(text, check_program.check_signal, fault, signal.SIGKILL)
            for fault, text in {
                "leaves a System V segment": "name System V shm ",
                "leaves a socket file": "name /tmp/fake.",
            }.items():
                self.fails(text, self.undisturbed, fault)

    def test_a_lost_child(self):
        lost = check_program.check_child_lost
        with (
            mock.patch("check_program.LOSSES", 2),
            mock.patch("check_program.TIME_TO_END", 0.3),
            mock.patch("harness.processes.PATIENCE", 0.3),
        ):
            for fault, text in {
                "a lost child's sibling stays": "nothing is left behind\nseen      process ",
                "a lost child leaves shared memory": "name /dev/shm/fake.",
                "a lost child leaves a socket": "with socket @fake.",
                "a lost child crashes it": "seen      SIGSEGV",
                "hangs when a child is lost": "seen      no end in time",
                "a lost child is not told": "it says why on standard error",
            }.items():
                self.fails(text, lost, fault, signal.SIGKILL)
            good = self.found(lost, "children", signal.SIGTERM)
            self.assertEqual(good.failures, [])
            self.assertRegex(good.note, r"^1 process killed, after 0\.\d+ s; status 1 \(1x\)$")

    def test_a_program_without_children_loses_none(self):
        found = self.found(check_program.check_child_lost, "", signal.SIGKILL)
        self.assertEqual((found.failures, found.note), ([], "no child processes"))
        self.assertTrue(self.fake("children").run().had_children)

    # --- MPI ---

    def test_ranks(self):
        ranks = check_program.check_ranks
        self.fails("status 0\nseen      status 1", ranks, "fails with 5 ranks", 5, ranks=(2, 3))
        self.fails("'all claims hold' once", ranks, "all ranks speak", 3, ranks=(2, 3))
        self.fails("status 0\nseen      status 2", ranks, "needs 2 ranks", 1, ranks=(1, 2))
        self.assertEqual(self.found(ranks, "needs 2 ranks", 1, ranks=(2,)).failures, [])
        silent = "needs ranks, does not say how many"
        self.fails("it says how many ranks it needs", ranks, silent, 1, ranks=(2,))
        together = check_program.check_rejected_together
        self.fails("one line 'fake: ...'", together, "all ranks complain", ranks=(2,))

    def test_unbuffered(self):
        unbuffered = check_program.check_unbuffered
        for fault, extra in (
            ("needs buffers", check_program.SYNCHRONOUS),
            ("needs small buffers", check_program.NOT_EAGER),
        ):
            self.fails("seen      status 4", unbuffered, fault, extra, ranks=(2, 3))
            self.assertEqual(self.found(unbuffered, "", extra, ranks=(2, 3)).failures, [])

    def test_a_lost_rank(self):
        lost = check_program.check_rank_lost
        with mock.patch("check_program.TIME_TO_END", 0.5):
            hangs = "hangs when a rank is lost"
            self.fails("mpirun ends within 0.5 s", lost, hangs, signal.SIGKILL, ranks=(2,))
            found = self.found(lost, "mpirun hangs", signal.SIGTERM, ranks=(2,))
            self.assertEqual(found.failures, [])
            self.assertIn("mpirun itself got stuck", found.skips[0])
        self.assertEqual(self.found(lost, "", signal.SIGKILL, ranks=(3,)).failures, [])


if __name__ == "__main__":
    unittest.main()
