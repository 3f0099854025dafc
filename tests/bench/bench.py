# SPDX-License-Identifier: MIT
"""Holds what the book's programs use against references: bare loops, other libraries, Python.

Each round runs our side, then the reference; the ratio is taken round by round, and reported is the
median with its lowest and highest. Nobody's test depends on it: `./pdc bench`, on a quiet machine.
"""

import argparse
import contextlib
import dataclasses
import functools
import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from harness import mpirun  # noqa: E402
from harness.quiet import BUSY, others_share, read_clocks  # noqa: E402

PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable  # the system's has its NumPy
LEAST_ROUNDS = 9  # to judge by
PREFIXES = [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")]


class Skipped(Exception):
    """Something is not here that a comparison needs."""


class Failed(Exception):
    """A side ended badly, or did not tell its number."""


@dataclasses.dataclass(frozen=True)
class Value:
    """A time for one (unit "s"), a count for one (""), or a speed ("B/s", "times serial")."""

    number: float
    unit: str

    @property
    def cost(self):
        """The less the better."""
        return 1 / self.number if self.unit in ("B/s", "times serial") else self.number

    def __str__(self):
        if self.unit == "s":
            size, name = next(p for p in [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (0, "ns")] if self.number >= p[0])
            return f"{self.number / (size or 1e-9):.3g} {name}"
        if self.unit != "B/s":
            return f"{self.number:.3g}"
        size, name = next(p for p in PREFIXES if self.number >= p[0] or p[0] == 1)
        return f"{self.number / size:.3g} {name}{self.unit}"


class Machine:
    """Where things are built. Within a round, a command that two sides share is run once.

    What a side runs is named by its path in the build, which is its target there, too: a side's `targets` are all of them.
    """

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.seen = {}

    @functools.cached_property
    def catalog(self):
        """The entries of the book's programs by their names."""
        return {entry["name"]: entry for entry in json.loads((self.build / "catalog.json").read_text())}

    def next_round(self):
        self.seen.clear()

    def run(self, command, settings=None):
        """What the command prints, with these settings in its environment."""
        key = tuple(map(str, command))
        if key not in self.seen:
            try:
                done = subprocess.run(key, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
                                      env={**os.environ, **(settings or {})})
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Failed(f"{key[0]}: {error}") from None
            if done.returncode != 0:
                raise Failed(f"{' '.join(key)}: status {done.returncode} {done.stderr.strip()[-200:]}")
            self.seen[key] = done.stdout
        return self.seen[key]

    def built(self, path):
        if not (self.build / path).exists():
            raise Skipped(f"needs {path}, which is not built")
        return self.build / path


@dataclasses.dataclass(frozen=True)
class Bench:
    """One benchmark of a Google Benchmark binary, or a counter of it."""

    subject: str
    name: str
    counter: str = ""

    def targets(self, _machine):
        return [f"tests/bench/{self.subject}_bench"]

    def command(self, machine):
        [binary] = map(machine.built, self.targets(machine))
        return [binary, "--benchmark_format=json", "--benchmark_min_time=0.1", f"--benchmark_filter=^{self.name}/"]

    def measure(self, machine):
        rows = json.loads(machine.run(self.command(machine)))["benchmarks"]
        if len(rows) != 1 or rows[0].get("error_occurred"):
            raise Failed(f"{self.subject}_bench does not run {self.name}")
        return self.read(rows[0])

    def read(self, row):
        if self.counter:
            return Value(row[self.counter], "")
        if "bytes_per_second" in row:
            return Value(row["bytes_per_second"], "B/s")
        if "items_per_second" in row:
            return Value(1 / row["items_per_second"], "s")
        return Value(row["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[row["time_unit"]], "s")


@dataclasses.dataclass(frozen=True)
class SystemCalls(Bench):
    """How many system calls of all its threads fall to a task: an upper limit, as it counts the start too."""

    def measure(self, machine):
        if not shutil.which("strace"):
            raise Skipped("needs strace")
        with tempfile.NamedTemporaryFile("r") as table:
            count = ["strace", "-f", "-c", "-U", "calls,name", "-o", table.name]
            rows = json.loads(machine.run(count + self.command(machine)))["benchmarks"]
            total = next(line.split()[0] for line in table if line.split()[1:] == ["total"])
        return Value(int(total) / rows[0]["tasks"], "")


@dataclasses.dataclass(frozen=True)
class Instructions(Bench):
    """How many instructions fall to a switch: those of its function `counted`, by the benchmark's `switches`."""

    def measure(self, machine):
        if not shutil.which("valgrind"):
            raise Skipped("needs valgrind")
        with tempfile.TemporaryDirectory() as folder:
            count = ["valgrind", "--tool=callgrind", "--toggle-collect=*bench::counted*",
                     f"--callgrind-out-file={folder}/out", f"--log-file={folder}/log"]
            rows = json.loads(machine.run(count + self.command(machine)))["benchmarks"]
            collected = re.search(r"Collected : (\d+)", pathlib.Path(folder, "log").read_text(encoding="utf-8"))
        if not collected or collected[1] == "0":
            raise Failed(f"{self.subject}_bench: callgrind counts nothing of {self.name}")
        return Value(int(collected[1]) / rows[0]["switches"], "")


@dataclasses.dataclass(frozen=True)
class MoreThan:
    """How much more of a count one side has than another, which may have none."""

    side: object
    other: object

    def targets(self, machine):
        return self.side.targets(machine) + self.other.targets(machine)

    def measure(self, machine):
        number = self.side.measure(machine).number - self.other.measure(machine).number
        return Value(max(0.0, number), "")


@dataclasses.dataclass(frozen=True)
class Program:
    """A measurement that a program of the book reports with --json; no name: how long all of it takes."""

    name: str
    entry: str
    options: tuple = ()

    def targets(self, machine):
        """The program, and those that it starts."""
        entry = machine.catalog[self.name]
        return [machine.catalog[name]["executable"] for name in (self.name, *entry["siblings"])]

    def measure(self, machine):
        path, *_ = map(machine.built, self.targets(machine))
        command = [path, "--json", *self.options]
        if not self.entry:
            begin = time.perf_counter()
            machine.run(command)
            return Value(time.perf_counter() - begin, "s")
        found = [m for m in json.loads(machine.run(command))["measurements"] if m["name"] == self.entry]
        if not found:
            raise Failed(f"{self.name} reports no '{self.entry}'")
        number, unit = found[0]["value"], found[0]["unit"]
        units = {"s": Value(number, "s"), "GB/s": Value(1e9 * number, "B/s"), "items/s": Value(1 / number, "s")}
        return units.get(unit) or Value(number, unit)


@dataclasses.dataclass(frozen=True)
class Original:
    """A Python script of tests/bench/python, which prints its number."""

    script: str
    argument: str = ""
    unit: str = "s"

    def targets(self, _machine):
        return []

    def measure(self, machine):
        script = HERE / "python" / f"{self.script}.py"
        need_modules(script)
        output = machine.run([PYTHON, "-B", script, *self.argument.split()])
        try:
            return Value(float(output), self.unit)
        except ValueError:
            raise Failed(f"{self.script}.py prints {output!r}") from None


@dataclasses.dataclass(frozen=True)
class Server:
    """A server on this machine: a program of the book, a binary of this folder, or a script of tests/bench/python, by
    its path in the build or its name. It says on what port it listens."""

    name: str
    options: tuple = ()

    def targets(self, _machine):
        return [] if self.name.endswith(".py") else [self.name]

    def command(self, machine):
        if self.name.endswith(".py"):
            return [PYTHON, "-B", HERE / "python" / self.name]
        return [machine.built(self.name), *self.options]

    @contextlib.contextmanager
    def running(self, machine):
        """Its process and its port."""
        command = list(map(str, self.command(machine)))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
            try:
                ports = (re.search(r"^listening on \S+ port (\d+)$", line) for line in process.stdout)
                port = next((int(match[1]) for match in ports if match), None)
                if port is None:
                    raise Failed(f"{self.name} does not listen")
                yield process, port
            finally:
                process.kill()


OUR_SERVER = Server("chapter5_async/socket_server", ("--serve",))
LIMITED_SERVER = Server("chapter5_async/server_limits", ("--serve", "--peer", "12000"))


@dataclasses.dataclass(frozen=True)
class Requests:
    """How long a server takes for a request, a sum of some numbers, under the load of some connections."""

    server: Server
    connections: int
    numbers: int
    count: int
    load = "tests/bench/socket_load"

    def targets(self, machine):
        return [self.load, *self.server.targets(machine)]

    def measure(self, machine):
        load = machine.built(self.load)
        with self.server.running(machine) as (_, port):
            return Value(float(machine.run([load, port, self.connections, self.numbers, self.count])), "s")


@dataclasses.dataclass(frozen=True)
class IdleConnections:
    """How many bytes of its own a server needs for a connection on which nothing happens."""

    server: Server
    count: int

    def targets(self, machine):
        return self.server.targets(machine)

    def measure(self, machine):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most < self.count + 100:
            raise Skipped(f"needs {self.count} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with self.server.running(machine) as (process, port), contextlib.ExitStack() as stack:
            ask(stack, port)
            before = own_memory(process.pid)
            for _ in range(self.count - 1):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            ask(stack, port)  # when this is answered, all are in
            return Value((own_memory(process.pid) - before) / self.count, "")


@dataclasses.dataclass(frozen=True)
class Farm:
    """How long the coordinator and two workers take for a task with nothing to do, a journal kept: their start and end
    are in it, too."""

    tasks: int = 100_000

    def targets(self, _machine):
        return ["chapter5_async/coordinator", "chapter5_async/worker"]

    def measure(self, machine):
        coordinator, _ = map(machine.built, self.targets(machine))
        with tempfile.TemporaryDirectory() as folder:
            command = [coordinator, "--json", "--job", "empty", "--poison", "0", "--workers", "2", "--tasks", self.tasks]
            begin = time.perf_counter()
            machine.run([*command, "--journal", pathlib.Path(folder, "journal")])
            return Value((time.perf_counter() - begin) / self.tasks, "s")


@dataclasses.dataclass(frozen=True)
class FarmEcho:
    """The same messages between bare processes, each with so many tasks in hand."""

    in_hand: int
    tasks: int = 100_000

    def targets(self, _machine):
        return ["tests/bench/farm_echo"]

    def measure(self, machine):
        [echo] = map(machine.built, self.targets(machine))
        return Value(float(machine.run([echo, self.tasks, self.in_hand])), "s")


def ask(stack, port):
    """On a connection that stays."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
    connection.sendall(b'{"sum":[1]}\n')
    connection.recv(100)


def own_memory(pid):
    """The bytes that are its own."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))


@dataclasses.dataclass(frozen=True)
class Ranks:
    """What ranks of MPI measure, started by mpirun: a binary or a Python script of this folder, which prints lines
    "name bytes seconds". Taken are those of the name, or of all names, and of at least and at most so many bytes: a
    value, or several by what they are of. `unit` "B/s" makes speeds of them."""

    count: int
    program: str
    arguments: str = ""
    name: str = ""
    least: int = 0
    most: int = 1 << 40
    unit: str = "s"

    def targets(self, _machine):
        return [] if self.program.endswith(".py") else [f"tests/bench/{self.program}"]

    def command(self, machine):
        if not shutil.which("mpirun"):
            raise Skipped("needs mpirun")
        if self.program.endswith(".py"):
            need_modules(HERE / "python" / self.program)
            program = [PYTHON, "-B", HERE / "python" / self.program]
        else:
            program = list(map(machine.built, self.targets(machine)))
        return ["mpirun", "-np", str(self.count), *program, *self.arguments.split()]

    def measure(self, machine):
        found = {}
        for line in machine.run(self.command(machine), mpi_settings(self.count)).splitlines():
            name, size, seconds = read_measured(line)
            if name and self.name in ("", name) and self.least <= size <= self.most:
                value = Value(size / seconds, "B/s") if self.unit == "B/s" else Value(seconds, self.unit)
                found[size_text(size) if self.name else name] = value
        if not found:
            raise Failed(f"{self.program} tells nothing of {self.name or 'anything'}")
        return found if len(found) > 1 else next(iter(found.values()))


@dataclasses.dataclass(frozen=True)
class RanksSpeedup:
    """How many times faster so many ranks are than one, at the same work; or, `weak`, at work that grows with them."""

    program: str
    name: str
    count: int = 2
    weak: bool = False

    def targets(self, machine):
        return Ranks(1, self.program).targets(machine)

    def measure(self, machine):
        arguments = "weak" if self.weak else ""
        one, all_ = (Ranks(count, self.program, arguments, self.name).measure(machine) for count in (1, self.count))
        return Value(one.number / all_.number, "times serial")


def read_measured(line):
    """The three parts of a line "name bytes seconds"; no name if it is another line, as pages print them."""
    try:
        name, size, seconds = line.split()
        return name, int(size), float(seconds)
    except ValueError:
        return "", 0, 0.0


def size_text(size):
    """As in "64 KiB"."""
    unit, name = next(u for u in [(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")] if size >= u[0] or u[0] == 1)
    return f"{size // unit} {name}"


def mpi_settings(ranks):
    """What mpirun needs here, the same for both sides: ranks that have a processor each stay there and poll; where
    there are more of them, who waits lets others go on."""
    crowded = ranks > (os.cpu_count() or 1)
    return {**mpirun.ENVIRONMENT, "OMPI_MCA_mpi_yield_when_idle": "1" if crowded else "0",
            "OMPI_MCA_hwloc_base_binding_policy": "none" if crowded else "core:overload-allowed"}


@dataclasses.dataclass(frozen=True)
class OnOneProcessor:
    """A side whose threads or processes hand over to each other: they share one processor, since else it is the
    system's choice of processors that is measured."""

    side: object

    def targets(self, machine):
        return self.side.targets(machine)

    def measure(self, machine):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})  # whoever is started inherits it
        try:
            return self.side.measure(machine)
        finally:
            os.sched_setaffinity(0, allowed)


MODULES = {"numpy": "python3-numpy", "mpi4py": "python3-mpi4py", "distributed": "python3-distributed"}


@functools.cache
def has_module(name):
    """Whether the Python that runs the originals has it."""
    return subprocess.run([PYTHON, "-c", f"import {name}"], capture_output=True).returncode == 0


def need_modules(script):
    """What the script imports has to be there."""
    words = script.read_text().split()
    for module, package in MODULES.items():
        if ("import", module) in zip(words, words[1:]) or ("from", module) in zip(words, words[1:]):
            if not has_module(module):
                raise Skipped(f"needs {package}")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """`wanted` is "at least 0.95" (our speed by the reference's), "at most 1.15" (our cost by the reference's; or,
    with no reference, our cost), or nothing: then our speed is reported. Sides of several values are compared value by
    value, and the worst is told. Neighbours of one `group` share their launches."""

    name: str
    what: str
    ours: object
    reference: object = None
    wanted: str = ""
    group: str = ""

    def targets(self, machine):
        return [target for side in (self.ours, self.reference) if side for target in side.targets(machine)]

    def ratio(self, ours, reference):
        if reference is None:
            return ours.cost
        ratio = ours.cost / reference.cost
        return ratio if self.wanted.startswith("at most") else 1 / ratio

    def kept(self, ratio):
        if not self.wanted:
            return None
        kind, _, bound = self.wanted.rpartition(" ")
        return ratio <= float(bound) if kind == "at most" else ratio >= float(bound)


def speedup(program, entry, workers, *options):
    """A program's speed-up beside the yardstick of the same run."""
    what = f"{entry}, {workers} workers, beside {workers} serial runs at once"
    sides = [Program(program, f"{side}, speed-up", options) for side in (entry, "yardstick")]
    return Comparison(program, what, *sides, "at least 0.95" if workers == 2 else "at least 0.9")


def beside_copies(workers):
    """Compute-bound work that grows with the workers, beside as many copies of the serial work at once."""
    below = min(500_000 * workers, 5_000_000)
    rows = [speedup("serial_parallel", "parallel", workers, "--threads", str(workers), "--below", str(below))]
    for name, what, ours, copies in (
            ("fibonacci", "tasks on {} threads", Bench("compute", "shared_out/fibonacci"),
             Bench("compute", "copies/fibonacci")),
            ("parallel_reduce", "primes on {} threads", Bench("compute", "shared_out/primes"),
             Bench("compute", "copies/primes")),
            ("mandelbrot_threads/rows", "images on {} threads", Bench("compute", "shared_out/mandelbrot"),
             Bench("compute", "copies/mandelbrot")),
            ("process_pool", "primes on {} processes", Bench("process_pool", "this_pool"),
             Bench("process_pool", "serial_runs")),
            ("thread_pool_executor", "primes on {} threads", Bench("thread_pool_executor", "this_executor"),
             Bench("thread_pool_executor", "serial_runs"))):
        rows.append(Comparison(name, f"{what.format(workers)}, beside {workers} serial runs at once", ours, copies,
                               rows[0].wanted))
    return rows


CALLS = ("point_to_point", "broadcast", "scatter", "gather", "all_to_all", "reduce")


def beside_bare_calls():
    """MPI's calls with the layer that records beside those without."""
    sizes, rows = "8 1024 65536 1048576 4194304", []
    for call in CALLS:
        for kind, what, wanted, limits in (
                ("latency", "to 1 KiB", "at most 1.10", {"most": 1024}),
                ("bandwidth", "64 KiB to 4 MiB", "at least 0.95", {"least": 65536, "unit": "B/s"})):
            sides = [Ranks(2, program, sizes, call, **limits) for program in ("mpi_bench", "mpi_bare_bench")]
            rows.append(Comparison(f"{call}/{kind}", f"2 ranks, {what}, beside a bare loop", *sides, wanted, "mpi/2"))
    for call in CALLS:
        sides = [Ranks(4, program, "1048576", call, unit="B/s") for program in ("mpi_bench", "mpi_bare_bench")]
        rows.append(Comparison(f"{call}/4", "4 ranks, 1 MiB, beside a bare loop", *sides, "at least 0.85", "mpi/4"))
    return rows


def beside_mpi4py():
    """The collective calls beside those of Python: upper-case ones on NumPy arrays, lower-case ones that pickle."""
    rows = []
    for call, theirs in (("broadcast", "Bcast"), ("scatter", "Scatter"), ("gather", "Gather")):
        for kind, name in (("numpy", theirs), ("pickle", theirs.lower())):
            sides = [Ranks(2, "mpi_bench", "1048576", call), Ranks(2, "mpi_calls.py", "", name)]
            rows.append(Comparison(f"{call}/{kind}", f"2 ranks, 1 MiB, beside mpi4py's {name}", *sides, "at least 1.0",
                                   "mpi/python"))
    return rows


def beside_bare_loops():
    """What the pages of the event loop cost, beside loops that do the same and record nothing."""
    rows = []
    for subject, name, what in (("event_loop", "post", "a turn by post"),
                                ("coroutines", "co_await", "a turn by co_await"),
                                ("channel", "channel", "an item through a channel")):
        page, bare = (subject, f"page/{name}"), (subject, f"bare/{name}")
        count = "allocations_per_switch"
        rows += [Comparison(f"{subject}/instructions", f"instructions of {what}, beside a bare loop",
                            Instructions(*page), Instructions(*bare), "at most 1.10"),
                 Comparison(f"{subject}/allocations", f"allocations of {what}, more than of a bare loop",
                            MoreThan(Bench(*page, count), Bench(*bare, count)), None, "at most 0.001"),
                 Comparison(f"{subject}/time", f"{what}, beside a bare loop", Bench(*page), Bench(*bare))]
    return rows


def beside_servers():
    """The server beside one that only echoes, and beside Python's."""
    echo, python = Server("tests/bench/socket_echo"), Server("socket_server.py")
    rows = []

    def add(name, load, reference, what, wanted=""):
        what = f"{load[1]} numbers, connections: {load[0]}, beside {what}"
        sides = [Requests(server, *load) for server in (OUR_SERVER, reference)]
        rows.append(Comparison(f"socket_server/{name}", what, *sides, wanted))

    for load in ((1, 10, 10_000), (100, 10, 40_000)):
        add(load[0], load, echo, "epoll that echoes", "at least 0.5")
    for load, wanted in (((100, 10, 10_000), "at least 3"), ((10, 1000, 2000), ""), ((1, 1_000_000, 5), "")):
        add(f"python_{load[1]}", load, python, "asyncio and json", wanted)
    idle = Comparison("server_limits/idle", "bytes for an idle connection of 10 000",
                      IdleConnections(LIMITED_SERVER, 10_000), None, "at most 16384")
    return [*rows, idle]


def shared_out(name, ranks, wanted):
    """A work shared out to ranks beside as many copies of it at once, a time for one work each."""
    sides = [Ranks(ranks, f"{name}_bench", "", side) for side in ("shared_out", "copies")]
    return Comparison(name, f"{ranks} ranks, beside {ranks} serial runs at once", *sides, wanted, name)


def beside_one_rank(ranks):
    """The same work by more ranks, and work that grows with them."""
    wanted = "at least 0.95" if ranks == 2 else "at least 0.9"
    rows = [shared_out(name, ranks, wanted) for name in ("monte_carlo_pi", "mandelbrot_mpi")]
    for measured, work in (("heat/step", "a step of 4000 x 4000 cells"), ("conjugate_gradient/solution", "4 Mi unknowns")):
        program, _, name = measured.partition("/")
        for kind, what in (("strong", work), ("weak", f"{work} on 1 rank, as much on each of them")):
            sides = [RanksSpeedup(f"{program}{side}_bench", name, ranks, kind == "weak") for side in ("", "_bare")]
            rows.append(Comparison(f"{program}/{kind}", f"{ranks} ranks beside 1, and the same of bare loops: {what}", *sides,
                                   "at least 0.97" if program == "heat" else "at least 0.9", f"{program}/{ranks}"))
    return rows


def shared_out_to(workers):
    """All whose work can be shared out to so many."""
    return beside_copies(workers) + beside_one_rank(workers)


LARGE = "/67108864"
COMPARISONS = [
    *beside_copies(2),
    speedup("mandelbrot_threads", "stealing", 2, "--threads", "2"),
    speedup("mandelbrot_processes", "on request", 2, "--processes", "2"),
    Comparison("granularity/one", "auto_partitioner, beside a piece for each of a million numbers",
               Program("granularity", "auto"), Program("granularity", "grain 1")),
    Comparison("granularity/fit", "auto_partitioner, beside pieces of 4096 numbers",
               Program("granularity", "auto"), Program("granularity", "grain 4096")),
    Comparison("parallel_sort", "a million items on 2 threads, beside tbb::parallel_sort alone",
               Bench("parallel_sort", "time_page/parallel_sort"), Bench("parallel_sort", "bare_parallel_sort"),
               "at least 0.95"),
    Comparison("parallel_sort/merge", "its merge sort, which is stable, beside tbb::parallel_sort",
               Bench("parallel_sort", "time_page/merge_sort"), Bench("parallel_sort", "bare_parallel_sort")),
    Comparison("parallel_sort/policy", "std::sort with std::execution::par, beside tbb::parallel_sort",
               Bench("parallel_sort", "time_page/std_sort"), Bench("parallel_sort", "bare_parallel_sort")),
    Comparison("data_parallelism", "a*x+y, 64 Mi doubles, beside 2 threads with bare loops",
               Bench("triad", "parallel_triad" + LARGE), Bench("triad", "bare_triad" + LARGE), "at least 0.90"),
    Comparison("data_parallelism/add", "a*x+y beside np.add(out=)", Bench("triad", "parallel_triad" + LARGE),
               Original("data_parallelism", "out", "B/s"), "at least 1.7"),
    Comparison("data_parallelism/sum", "the sum beside np.sum", Bench("triad", "parallel_sum" + LARGE),
               Original("data_parallelism", "sum", "B/s"), "at least 1.7"),
    Comparison("data_parallelism/reading", "the sum beside 2 threads that only read and add",
               Bench("triad", "parallel_sum" + LARGE), Bench("triad", "bare_sum" + LARGE), "at least 0.90"),
    Comparison("data_parallelism/untouched", "a new output in huge pages beside NumPy's a + b",
               Bench("triad", "sum_into_untouched_memory" + LARGE), Original("data_parallelism", "fresh", "B/s"),
               "at least 1.0"),
    Comparison("data_parallelism/fresh", "a new std::vector beside NumPy's a + b",
               Bench("triad", "sum_into_fresh_vector" + LARGE), Original("data_parallelism", "fresh", "B/s")),
    Comparison("loop_order", "a matrix of 6136 x 6136 transposed in tiles, beside row by row",
               Program("loop_order", "in tiles", ("--n", "6136")), Program("loop_order", "by rows", ("--n", "6136"))),
    Comparison("false_sharing", "2 counters in lines of their own, beside 2 in one line",
               Program("false_sharing", "in own lines", ("--threads", "2")),
               Program("false_sharing", "side by side", ("--threads", "2"))),
    Comparison("threads", "start and join, beside bare pthread", Bench("threads", "jthread_start_and_join"),
               Bench("threads", "pthread_start_and_join"), "at most 1.25"),
    Comparison("barrier/2", "a crossing of 2 threads, beside pthread_barrier", Bench("barrier", "std_barrier/2"),
               Bench("barrier", "bare_pthread_barrier/2"), "at most 0.25"),
    Comparison("barrier/4", "a crossing of 4 threads, beside pthread_barrier", Bench("barrier", "std_barrier/4"),
               Bench("barrier", "bare_pthread_barrier/4"), "at most 0.40"),
    Comparison("condition", "a hand-over there and back, beside bare futex, on one processor",
               OnOneProcessor(Bench("condition", "condition_variable")),
               OnOneProcessor(Bench("condition", "bare_futex")), "at most 1.15"),
    Comparison("condition/python", "threading.Condition, there and back, on one processor",
               OnOneProcessor(Bench("condition", "condition_variable")), OnOneProcessor(Original("condition")),
               "at least 1.0"),
    Comparison("queue/all", "an item, all at once, beside oneTBB's queue bare", Bench("queue", "taking_all_at_once"),
               Bench("queue", "bare_bounded_queue"), "at most 0.5"),
    Comparison("queue/python", "an item, all at once, beside queue.SimpleQueue", Bench("queue", "taking_all_at_once"),
               Original("queue_simple"), "at least 1.0"),
    Comparison("ring_buffer", "an item, one at a time, beside boost::lockfree::spsc_queue", Bench("ring_buffer", "this_ring"),
               Bench("ring_buffer", "boost_spsc_queue"), "at least 1.0"),
    Comparison("lock_free_stack", "a push and a pop, 2 threads at once, beside boost::lockfree::stack",
               Bench("lock_free_stack", "this_stack"), Bench("lock_free_stack", "boost_stack")),
    Comparison("once", "what is made already, taken by 2 threads, beside std::call_once", Bench("once", "double_checked"),
               Bench("once", "call_once")),
    Comparison("once/static", "the same by a local static variable, beside std::call_once", Bench("once", "static_local"),
               Bench("once", "call_once")),
    Comparison("ipc/pipe", "there and back, beside bare calls, on one processor",
               OnOneProcessor(Program("ipc", "pipe, round trip")), OnOneProcessor(Bench("ipc", "bare_pipe")),
               "at most 1.1"),
    Comparison("ipc/socket", "there and back, beside bare calls, on one processor",
               OnOneProcessor(Program("ipc", "socket pair, round trip")),
               OnOneProcessor(Bench("ipc", "bare_socket_pair")), "at most 1.1"),
    Comparison("ipc/ring", "messages of 1 MiB, beside two copies by two threads", Bench("ipc", "shared_ring"),
               Bench("ipc", "two_copies"), "at least 0.90"),
    Comparison("ipc/ring_pipe", "messages of 1 MiB, beside the pipe", Program("ipc", "shared ring, 1 MiB"),
               Program("ipc", "pipe, 1 MiB"), "at least 4"),
    Comparison("thread_pool/tbb", "an empty task, beside tbb::task_group", Bench("thread_pool", "this_pool"),
               Bench("fast_pool", "tbb_task_group")),
    Comparison("thread_pool/asio", "an empty task, beside boost::asio::thread_pool", Bench("thread_pool", "this_pool"),
               Bench("fast_pool", "asio_thread_pool")),
    Comparison("fast_pool/tbb", "an empty task, beside tbb::task_group", Bench("fast_pool", "this_pool"),
               Bench("fast_pool", "tbb_task_group"), "at most 1.3"),
    Comparison("fast_pool/asio", "an empty task, beside boost::asio::thread_pool", Bench("fast_pool", "this_pool"),
               Bench("fast_pool", "asio_thread_pool"), "at most 1.0"),
    Comparison("fast_pool/allocations", "allocations for a task",
               Bench("fast_pool", "this_pool", "allocations_per_task"),
               None, "at most 1.05"),
    Comparison("fast_pool/calls", "system calls for a task", SystemCalls("fast_pool", "this_pool"), None,
               "at most 0.02"),
    Comparison("bank/serial", "2 threads, a lock for each of 1000 accounts, beside 1 without locks",
               Bench("bank", "two_clients/ordered_locks"), Bench("bank", "serial_without_locks")),
    Comparison("bank/limit", "2 banks without locks at once, beside 1", Bench("bank", "two_banks_without_locks"),
               Bench("bank", "serial_without_locks")),
    Comparison("bank/one_lock", "a lock for each account, beside one for all",
               Bench("bank", "two_clients/ordered_locks"),
               Bench("bank", "two_clients/one_lock"), "at least 1.0"),
    Comparison("bank/scoped_lock", "std::scoped_lock of two, beside two locks in order",
               Bench("bank", "two_clients/scoped_lock"), Bench("bank", "two_clients/ordered_locks")),
    Comparison("bank/exchange", "compare-exchange, beside two locks in order", Bench("bank", "two_clients/exchange"),
               Bench("bank", "two_clients/ordered_locks")),
    Comparison("semaphore", "acquire and release, alone, beside sem_t", Bench("semaphore", "std_counting_semaphore"),
               Bench("semaphore", "bare_sem_t")),
    Comparison("process_creation/fork", "fork and wait, beside bare system calls", Bench("process", "fork_and_wait"),
               Bench("process", "bare_fork_and_wait"), "at most 1.1"),
    Comparison("subprocess_run/spawn", "posix_spawn and wait, beside bare fork and exec; 256 MiB in use",
               Bench("process", "spawn_and_wait/256"), Bench("process", "bare_fork_and_exec/256"), "at most 0.80"),
    Comparison("subprocess_run/small", "the same of a parent that uses 1 MiB", Bench("process", "spawn_and_wait/1"),
               Bench("process", "bare_fork_and_exec/1")),
    Comparison("process_creation/python", "multiprocessing.Process", Bench("process", "fork_and_wait"),
               Original("process_creation"), "at least 1.0"),
    Comparison("message_queue/python", "a message, beside multiprocessing.Queue", Program("message_queue", "a message"),
               Original("message_queue"), "at most 0.25"),
    Comparison("process_pool/python", "an empty task, beside multiprocessing.Pool or ProcessPoolExecutor",
               Bench("process_pool", "empty_task"), Original("process_pool"), "at least 5"),
    Comparison("manager/python", "multiprocessing.Manager, a request, on one processor",
               OnOneProcessor(Bench("manager", "one_request")), OnOneProcessor(Original("manager")), "at least 1.0"),
    Comparison("shared_memory/sum", "a sum in place, beside multiprocessing.Array",
               Program("shared_memory", "sum, median"), Original("shared_memory", "sum"), "at least 1.0"),
    Comparison("shared_memory/vectors", "a vector addition in place, beside multiprocessing.Array",
               Program("shared_memory", "vector addition, median"), Original("shared_memory", "vectors"),
               "at least 1.0"),
    Comparison("process_lock/python", "alone, beside multiprocessing.Lock", Bench("process", "robust_mutex"),
               Original("process_lock"), "at least 1.0"),
    Comparison("process_semaphore/python", "alone, beside multiprocessing.Semaphore",
               Bench("process", "shared_semaphore"),
               Original("process_semaphore"), "at least 1.0"),
    Comparison("process_barrier/python", "multiprocessing.Barrier, four processes",
               Bench("process", "shared_barrier/4"),
               Original("process_barrier", "4"), "at least 1.0"),
] + [Comparison(f"{ours.name if isinstance(ours, Program) else ours.subject}/python", what, ours, original,
                "at least 1.0")
     for ours, original, what in [
         (Program("serial_parallel", "parallel, median"), Original("serial_parallel"), "multiprocessing.Pool(2)"),
         (Program("do_something", ""), Original("do_something"), "all three ways of ours, beside ten processes"),
         (Program("fibonacci", "cut-off 29"), Original("fibonacci"), "ProcessPoolExecutor(2)"),
         (Bench("threads", "jthread_start_and_join"), Original("threads"), "threading.Thread"),
         (Program("lock", "held briefly, median"), Original("lock"), "threading.Lock, four workers"),
         (Bench("semaphore", "std_counting_semaphore"), Original("semaphore"), "threading.Semaphore, alone"),
         (Bench("barrier", "std_barrier/4"), Original("barrier", "4"), "threading.Barrier, four threads"),
         (Bench("fast_pool", "this_pool"), Original("thread_pool"), "ThreadPoolExecutor, a job"),
         (Bench("thread_pool_executor", "this_executor"), Original("thread_pool_executor"),
          "ThreadPoolExecutor(2), primes"),
         (Bench("bank", "two_clients/ordered_locks"), Original("bank"), "threading.Lock, a transfer"),
         (Program("mandelbrot_threads", "stealing, median", ("--threads", "2")), Original("mandelbrot"),
          "multiprocessing.Pool(2)"),
         (Program("mandelbrot_processes", "on request, median", ("--processes", "2")), Original("mandelbrot"),
          "multiprocessing.Pool(2)"),
         (Bench("separate_memory", "results_sent"), Original("separate_memory"),
          "multiprocessing.Pipe, a vector"),
     ]] + beside_bare_loops() + beside_servers() + beside_bare_calls() + [
    Comparison("coordinator", "an empty task, 2 workers, beside bare messages there and back", Farm(), FarmEcho(1),
               "at least 0.4"),
    Comparison("coordinator/many", "an empty task, 2 workers, beside bare messages, 32 at once", Farm(), FarmEcho(32)),
    Comparison("mpi_recording", "2 ranks, what recording adds to a call, in seconds", Ranks(2, "mpi_bench"), None,
               "at most 1e-6"),
] + beside_mpi4py() + [
    Comparison("object_passing/archive", "a small record, packed and unpacked, beside Boost.MPI's archives",
               Ranks(2, "object_passing_bench", "", "packed"), Ranks(2, "boost_mpi_bench", "", "packed"), "",
               "object_passing"),
    Comparison("object_passing/boost", "a small record, one way, beside Boost.MPI's send and recv",
               Ranks(2, "object_passing_bench", "", "passed"), Ranks(2, "boost_mpi_bench", "", "passed"), "",
               "object_passing"),
    Comparison("object_passing/python", "a small record, one way, beside mpi4py's send and recv",
               Ranks(2, "object_passing_bench", "", "passed"), Ranks(2, "object_passing.py", "", "passed"), "",
               "object_passing"),
    Comparison("heat/1", "1 rank, a step of 4000 x 4000 cells, beside bare loops", Ranks(1, "heat_bench"),
               Ranks(1, "heat_bare_bench"), "at least 0.95", "heat"),
    Comparison("heat/2", "2 ranks, a step of 4000 x 4000 cells, beside bare loops", Ranks(2, "heat_bench"),
               Ranks(2, "heat_bare_bench"), "at least 0.95", "heat"),
    *beside_one_rank(2),
    Comparison("conjugate_gradient", "2 ranks, 4 Mi unknowns, beside bare loops",
               Ranks(2, "conjugate_gradient_bench"), Ranks(2, "conjugate_gradient_bare_bench"), "at least 0.9",
               "conjugate_gradient"),
    shared_out("matrix_multiply", 4, "at least 0.9"),
    Comparison("sample_sort", "2 Mi keys on 2 ranks, beside std::sort on one", Ranks(2, "sample_sort_bench", "", "shared_out"),
               Ranks(2, "sample_sort_bench", "", "serial"), "at least 1.5", "sample_sort"),
    Comparison("ping_pong", "2 ranks, to 1 KiB, beside a bare loop", Ranks(2, "ping_pong_bench", "", "point_to_point"),
               Ranks(2, "mpi_bare_bench", "8 1024", "point_to_point"), "at most 1.10"),
    Comparison("task_graph/python", "a small task, beside dask.distributed, 2 workers",
               Ranks(3, "task_graph_bench", "", "task"), Original("task_graph"), "at least 1.0", "task_graph"),
]


def median_range(numbers):
    """The median, the lowest, the highest."""
    return statistics.median(numbers), min(numbers), max(numbers)


def verdict(comparison, median, busy, rounds):
    """In a word."""
    if busy > BUSY:
        return "too busy to judge"
    if not comparison.wanted:
        return "reported"
    if rounds < LEAST_ROUNDS:
        return "too few rounds"
    return "kept" if comparison.kept(median) else "missed"


def compare(comparison, rounds, machine):
    """A row of the table."""
    return compare_group([comparison], rounds, machine)[0]


def compare_group(comparisons, rounds, machine):
    """Their rows. In each round all our sides run, then all references; what they have in common runs once."""
    (ticks, cpu), begin = read_clocks(), time.monotonic()
    every = [Taken(comparison) for comparison in comparisons]
    for _ in range(rounds):
        machine.next_round()
        for which in ("ours", "reference"):
            for taken in every:
                taken.measure(which, machine)
    ticks_after, cpu_after = read_clocks()
    busy = others_share(ticks, ticks_after, cpu_after - cpu)
    return [taken.row(busy, rounds, time.monotonic() - begin) for taken in every]


class Taken:
    """What a comparison's sides measured, round by round: numbers by what they are of, "" if there is only one."""

    def __init__(self, comparison):
        self.comparison = comparison
        self.values = {"ours": [], "reference": []}
        self.stopped = ""

    def measure(self, which, machine):
        side = getattr(self.comparison, which)
        if self.stopped or side is None:
            return
        try:
            value = side.measure(machine)
            self.values[which].append(value if isinstance(value, dict) else {"": value})
        except Skipped as reason:
            self.stopped = f"skipped: {reason}"
        except Failed as reason:
            self.stopped = f"failed: {reason}"

    def ratios(self, of):
        references = [their[of] for their in self.values["reference"]] or [None] * len(self.values["ours"])
        return [self.comparison.ratio(our[of], their) for our, their in zip(self.values["ours"], references)]

    def worst(self):
        """What does worst, by the median, and its ratios."""
        every = {of: self.ratios(of) for of in self.values["ours"][0]}
        choose = max if self.comparison.wanted.startswith("at most") else min
        return choose(every.items(), key=lambda item: statistics.median(item[1]))

    def middle(self, which, of):
        values = [value[of] for value in self.values[which]]
        return str(Value(statistics.median(v.number for v in values), values[0].unit)) if values else "-"

    def row(self, busy, rounds, seconds):
        """For the table."""
        row = {"name": self.comparison.name, "what": self.comparison.what, "wanted": self.comparison.wanted}
        if self.stopped:
            return {**row, "verdict": self.stopped}
        of, ratios = self.worst()
        median, lowest, highest = median_range(ratios)
        row["what"] += f" (worst: {of})" if len(self.values["ours"][0]) > 1 else ""
        return {**row, "ours": self.middle("ours", of), "reference": self.middle("reference", of), "ratio": median,
                "lowest": lowest, "highest": highest, "ratios": ratios, "others": busy, "seconds": seconds,
                "verdict": verdict(self.comparison, median, busy, rounds)}


def cells(row):
    """The columns of a row, as text."""
    ratio = f"{row['ratio']:.3g} [{row['lowest']:.3g}..{row['highest']:.3g}]" if "ratio" in row else ""
    sides = [row.get("ours", ""), row.get("reference", "")]
    return [row["name"], row["what"], *sides, ratio, row["wanted"], row["verdict"]]


HEADER = ["name", "what", "ours", "reference", "ratio", "wanted", "verdict"]


def table(rows):
    """Lines with aligned columns."""
    lines = [HEADER] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


def markdown(rows):
    """The same, for a README."""
    lines = [HEADER, ["---"] * len(HEADER)] + [cells(row) for row in rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def select(names, comparisons):
    """The comparisons of those names: "queue" means all whose name is that or begins with "queue/"."""
    for name in names:
        if not any(name in (c.name, c.name.split("/")[0]) for c in comparisons):
            raise SystemExit(f"pdc: no comparison {name!r}; ./pdc bench --list shows them all")
    return [c for c in comparisons if not names or c.name in names or c.name.split("/")[0] in names]


def targets(comparisons, machine):
    """What has to be built for them, of what this build can: Boost.MPI may be missing."""
    ninja = subprocess.run(["ninja", "-C", machine.build, "-t", "targets", "all"], capture_output=True, text=True, check=True)
    known = {line.split(":")[0] for line in ninja.stdout.splitlines()}
    return sorted(known & {target for comparison in comparisons for target in comparison.targets(machine)})


def whole_number(what, least, most):
    """Reads a whole number of that range."""
    def read(text):
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{what} from {least} to {most}, not {text!r}")
        return int(text)
    return read


class Parser(argparse.ArgumentParser):
    """One line is enough."""

    def error(self, message):
        self.exit(2, f"pdc: bench: {message}\n")


def parse(arguments):
    parser = Parser(prog="./pdc bench", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these comparisons")
    parser.add_argument("--workers", type=whole_number("workers", 2, 64),
                        help="only what is shared out to workers: to so many, beside as many serial runs")
    parser.add_argument("--rounds", type=whole_number("rounds", 1, 1000), default=LEAST_ROUNDS,
                        help="how often each side runs (9; fewer are no judgement)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all of it to this file")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown")
    parser.add_argument("--list", action="store_true", help="what there is to compare")
    parser.add_argument("--targets", action="store_true", help=argparse.SUPPRESS)  # for ./pdc, which builds them
    parser.add_argument("--build", default=HERE.parents[1] / "build/release", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments):
    """Returns the exit status: 1 if a side failed to run. A missed bound is a result, not a failure."""
    options = parse(arguments)
    try:
        chosen = select(options.names, shared_out_to(options.workers) if options.workers else COMPARISONS)
    except SystemExit as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        for comparison in chosen:
            print(f"{comparison.name:28}  {comparison.what}{comparison.wanted and ': ' + comparison.wanted}")
        return 0
    os.environ["PDC_WORKERS"] = str(options.workers or 2)
    machine, rows = Machine(options.build), []
    if options.targets:
        print("\n".join(targets(chosen, machine)))
        return 0
    for _, group in itertools.groupby(chosen, lambda c: c.group or c.name):
        together = list(group)
        if sys.stderr.isatty():
            print(f"\r\033[K[{len(rows) + 1}/{len(chosen)}] {together[0].name}", end="", file=sys.stderr, flush=True)
        rows += compare_group(together, options.rounds, machine)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print("\n".join(markdown(rows) if options.markdown else table(rows)))
    say_what_is_missing(rows, options.rounds)
    if options.json:
        options.json.write_text(json.dumps({"rounds": options.rounds, "comparisons": rows}, indent=1) + "\n")
    return int(any(row["verdict"].startswith("failed") for row in rows))


def say_what_is_missing(rows, rounds):
    """What stands between this table and a judgement."""
    verdicts = " ".join(row["verdict"] for row in rows)
    if "needs python3-" in verdicts or "needs strace" in verdicts or "valgrind" in verdicts:
        print("what is skipped for want of a package: ./pdc setup --bench installs it")
    if "too busy" in verdicts:
        print(f"others had more than {BUSY:.0%} of the processors' time: come back when the machine is quiet")
    if rounds < LEAST_ROUNDS:
        print(f"rounds: {rounds}, too few to judge by: {LEAST_ROUNDS} at least")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `--list | head` is no mistake
    sys.exit(main(sys.argv[1:]))
