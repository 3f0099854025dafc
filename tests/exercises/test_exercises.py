# SPDX-License-Identifier: MIT
"""What `./pdc exercise`, `check`, `hint` and `solution` promise their readers."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "common" / "exercises" / "exercises.py"
sys.path[:0] = [str(SCRIPT.parent), str(ROOT / "common" / "programs")]

import chapters  # noqa: E402
import collection  # noqa: E402
import exercises  # noqa: E402
import judgement  # noqa: E402
from changed import Ended, Run  # noqa: E402
from lists import change  # noqa: E402

BUILD = Path(os.environ.get("PDC_BUILD", ROOT / "build" / "release"))
ALL = collection.load()
BY_NAME = [pytest.param(exercise, id=name) for name, exercise in ALL.items()]


# --- the collection ---------------------------------------------------------------------------------


def test_each_program_has_an_exercise():
    programs = {program.name for program in chapters.load_programs()}
    without = programs - {e.program.name for e in ALL.values() if not e.solution}
    assert not without, "give one of their mutants a `difficulty`"


def test_ten_ask_for_more_and_come_from_all_chapters():
    more = [exercise for exercise in ALL.values() if exercise.solution]
    assert len(more) >= 10
    assert {e.program.chapter for e in more} == {e.program.chapter for e in ALL.values()}


def test_no_exercise_has_the_name_of_another():
    every = [e.name for program in chapters.load_programs() for e in collection.of(program)]
    assert len(every) == len(set(every))


def code_of(text: str) -> str:
    return re.sub(r"\s", "", "\n".join(collection.split_comment(line)[0] for line in text.splitlines()))


@pytest.mark.parametrize("exercise", BY_NAME)
def test_what_is_handed_out(exercise):
    """The page with its change, and nothing less than that but comments."""
    handed_out, solved = exercise.handed_out(), exercise.solved()
    changed = change(exercise.program.page, exercise.mutant.edits)
    assert handed_out.keys() == solved.keys()
    for path, text in handed_out.items():
        assert code_of(text) == code_of(changed.get(path, path.read_text()))
        head = path.read_text().partition("\n\n")[0]
        assert text.startswith(head), "its header comment is not the page's"
    assert handed_out != solved
    hints = exercise.hints()
    assert len(hints) >= 2 and all(hints)
    assert exercise.solution or hints[0].startswith("Look ")


def test_the_comment_on_what_is_changed_is_taken_out():
    page = "// Page\n\nint f() {\n  // why\n  a();  // gives it away\n  b();  // stays\n}\n"
    assert collection.without_answer(page, page.replace("a();", "c();")) == (
        "// Page\n\nint f() {\n  c();\n  b();  // stays\n}\n"
    )
    assert collection.without_answer(page, page.replace("a();", "")) == (
        "// Page\n\nint f() {\n  b();  // stays\n}\n"
    )


@pytest.mark.parametrize(
    ("line", "name"), [(2, "f"), (5, "~Box"), (6, "lock"), (8, ""), (10, "long_one"), (11, "long_one")]
)
def test_the_name_of_the_function_around_a_line(line, name):
    page = """\
int f(int n) {
  std::jthread t([&] {
    g(n);
struct Box {
  ~Box() {
    wait(all);
  void lock() {}
};
constexpr int n = 3;
std::vector<int> long_one(int a,
                          int b) {
  call(a);
"""
    assert collection.function_at(page.splitlines(), line) == name


# --- the commands -----------------------------------------------------------------------------------


@pytest.fixture
def pdc(tmp_path, capsys):
    """Calls it with a folder of its own: its status, and what it prints."""

    def call(*words: str) -> tuple[int, str, str]:
        status = chapters.call(exercises.start, [*words, "--folder", str(tmp_path), "--build", str(BUILD)])
        return status, *capsys.readouterr()

    return call


def test_lists_them_with_the_next_one_to_do(pdc, tmp_path):
    status, out, _ = pdc("exercise")
    assert status == 0
    assert all(re.search(rf"^  {name} +\*", out, re.M) for name in ALL)
    first, second, *_ = ALL
    assert out.endswith(f"next: ./pdc exercise {first}\n")
    pdc("exercise", first)
    (tmp_path / first / ".solved").touch()
    out = pdc("exercise")[1]
    assert f"1 of {len(ALL)} solved" in out and out.endswith(f"next: ./pdc exercise {second}\n")


def test_hands_out_and_leaves_what_the_reader_has_made_of_it(pdc, tmp_path):
    status, out, _ = pdc("exercise", "lock")
    file = tmp_path / "lock" / "lock.cpp"
    assert status == 0 and str(file) in out and ALL["lock"].mutant.claim in out
    assert "scoped_lock lock(hall.mutex);  // from here to the closing brace: work" in file.read_text()
    file.write_text("mine")
    assert "as you left it" in pdc("exercise", "lock")[1]
    assert file.read_text() == "mine"


def test_hands_out_all_or_nothing(pdc, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    status, _, err = pdc("exercise", "lock")
    assert (status, err) == (3, "pdc: no room\n")
    assert not list(tmp_path.iterdir())


def test_hints_come_one_after_the_other(pdc):
    pdc("exercise", "barrier_by_hand")
    seen = [pdc("hint", "barrier_by_hand")[1] for _ in range(4)]
    assert [text[:11] for text in seen] == ["hint 1 of 3", "hint 2 of 3", "hint 3 of 3", "hint 3 of 3"]
    assert "the last one" in seen[2] and "the last one" not in seen[1]


def test_the_solution_is_the_difference_to_what_is_right(pdc, tmp_path):
    status, out, _ = pdc("solution", "lock")
    assert status == 0
    changes = [line for line in out.splitlines()[2:] if line[0] in "+-"]
    assert len(changes) == 1 and changes[0].startswith("+  const std::scoped_lock lock(hall.mutex);")
    pdc("exercise", "lock")
    (tmp_path / "lock" / "lock.cpp").write_text(ALL["lock"].program.page.read_text())
    assert pdc("solution", "lock")[1] == "no difference: it is the solution\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["exercise", "lokc"], "no exercise 'lokc'; did you mean lock?"),
        (["hint", "xyzzy"], "no exercise 'xyzzy'; ./pdc exercise shows them all"),
        (["check"], "check wants the name of an exercise"),
        (["hint", "lock", "--watch"], "--watch belongs to check, not to hint"),
        (["check", "lock"], "lock.cpp: ./pdc exercise lock hands it out"),
        (["check", "lock", "--wach"], "unrecognized arguments: --wach"),
    ],
)
def test_one_line_for_a_command_line_that_is_wrong(pdc, words, why):
    status, out, err = pdc(*words)
    assert (status, out) == (2, "")
    assert err.startswith("pdc: ") and why in err and err.count("\n") == 1


# --- checking ---------------------------------------------------------------------------------------

NAME = "lost_update"  # quick to compile and to run


def check(folder: Path, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-B", SCRIPT, "check", NAME, "--folder", folder, "--build", BUILD, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def checked(folder: Path, page: str) -> tuple[int, str]:
    (folder / NAME / f"{NAME}.cpp").write_text(page)
    process = check(folder)
    out = process.communicate()[0]
    return process.returncode, out


def test_is_not_solved_as_it_is_handed_out_nor_when_it_does_not_compile(pdc, tmp_path):
    exercise = ALL[NAME]
    pdc("exercise", NAME)
    (handed_out,), (page,) = exercise.handed_out().values(), exercise.solved().values()

    status, out = checked(tmp_path, handed_out)
    assert status == 1 and f"[failed] {exercise.mutant.claim}" in out and "on one core" in out
    assert not (tmp_path / NAME / ".solved").exists()

    broken = page.replace("const std::scoped_lock lock(mutex);", "const std::scoped_lock lock(mutx);")
    number = next(n for n, line in enumerate(broken.splitlines(), 1) if "mutx" in line)
    status, out = checked(tmp_path, broken)
    assert status == 1 and f"{tmp_path}/{NAME}/{NAME}.cpp:{number}:" in out and "mutx" in out
    assert len(out.splitlines()) <= 5


def test_watches_until_it_is_solved(pdc, tmp_path):
    pdc("exercise", NAME)
    (tmp_path / NAME / f"{NAME}.cpp").write_text("not C++")
    with check(tmp_path, "--watch") as process:
        while "waiting for you to save" not in process.stdout.readline():
            assert process.poll() is None
        saved = tmp_path / "saved"
        saved.write_text(ALL[NAME].program.page.read_text())
        saved.rename(tmp_path / NAME / f"{NAME}.cpp")  # as editors do
        out = process.stdout.read()
    assert process.returncode == 0 and "is solved" in out and "[failed]" not in out
    assert (tmp_path / NAME / ".solved").exists()


def test_an_interrupt_ends_the_watching(pdc, tmp_path):
    pdc("exercise", NAME)
    (tmp_path / NAME / f"{NAME}.cpp").write_text("not C++")
    with check(tmp_path, "--watch") as process:
        while "waiting for you to save" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


def test_the_first_error_alone_is_shown():
    said = """it does not compile:
In file included from /usr/include/c++/12/mutex:43,
                 from /tmp/x/source/a.cpp:7:
/usr/include/c++/12/bits/std_mutex.h:77: note: something
/tmp/x/source/a.cpp: In function 'int main()':
/tmp/x/source/a.cpp:12:3: error: 'lok' was not declared
   12 |   lok();
      |   ^~~
/tmp/x/source/a.cpp:13:3: error: another
"""
    shown = judgement.first_error(said, ["a.cpp"], Path("work"))
    assert shown == "it does not compile:\nwork/a.cpp:12:3: error: 'lok' was not declared\n   12 |   lok();\n      |   ^~~"


def test_an_error_in_a_header_tells_the_line_that_leads_to_it():
    said = """it does not compile:
/usr/include/c++/12/thread: In instantiation of 'x':
/tmp/x/source/a.cpp:9:5:   required from here
/usr/include/c++/12/thread:129:72: error: static assertion failed
"""
    assert judgement.first_error(said, ["a.cpp"], Path("work")).splitlines()[1:] == [
        "work/a.cpp:9:5:   required from here",
        "/usr/include/c++/12/thread:129:72: error: static assertion failed",
    ]


def test_what_does_not_link():
    said = "it does not link:\n/usr/bin/ld: a.o: in function `main':\na.cpp:(.text+0x1): undefined reference to `f()'\ncollect2: error"
    assert judgement.first_error(said, ["a.cpp"], Path("work")).endswith("undefined reference to `f()'")


def test_how_a_run_ended():
    exercise = ALL[NAME]
    run = Run(1, 2, 0, ())
    for status, why in ((4, "it was stuck in run 1 of 2 on one core\nlast words"), (-11, "signal 11 killed it"), (None, "not even")):
        seen = judgement.judge_run(exercise, run, Ended(status, "", "last words", 0))
        assert seen.status == judgement.UNSOLVED and seen.why.startswith(why)
    without = Ended(0, '{"claims": [{"claim": "another", "holds": true}]}', "", 0)
    assert judgement.judge_run(exercise, run, without).why == f"the claim that this is about is gone: {exercise.mutant.claim}"
    refused = judgement.judge_run(exercise, run, Ended(3, "", "no memory", 0))
    assert refused.status == judgement.REFUSED
