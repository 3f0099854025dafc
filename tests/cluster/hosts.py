# SPDX-License-Identifier: MIT
"""Several hosts on one machine, for tests; nothing of them can be left behind.

Each has a host name, a network address and a clock of its own: a UTS, a network and a time
namespace. A cable joins it to a switch, a bridge in the namespace where the test itself runs, and
it has a second network that leads nowhere, with the same address on all hosts, as Docker makes
one. They share the files, as hosts with a network file system do.

isolate() starts the test as process 1 of a PID namespace, with /run, /dev/shm and the network for
itself alone: so nothing here has a name that others see, two tests at once cannot meet, and when
process 1 ends, however it does, the kernel ends all others and takes the hosts with them.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

sys.path.append(str(Path(__file__).resolve().parents[1]))
from harness.processes import die_with_parent, executable, lives, wait_until  # noqa: E402, F401
from harness.room import adopt_orphans  # noqa: E402

SKIPPED = 77  # the status that CTest takes for a skipped test
TOOLS = ("unshare", "nsenter", "mount", "ip", "mpirun")
ISOLATED = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
ISOLATED += ["--net", "--ipc", "--uts", "--time"]
AS_ROOT_OF_ITS_OWN = ["--user", "--map-root-user"]
NAMESPACES = {"net": "netns", "uts": "uts", "time": "time"}  # of a host: kind, folder in /run
TEMPORARY = Path("/run/tmp")
LOGIN = Path("/run/login")
LOGIN_SCRIPT = """\
#!/bin/sh
# In the place of `ssh -f HOST COMMAND...`: it has the little that a login sets, runs, and this is
# back at once.
host=$1
shift
exec env -i HOME="$HOME" PATH="$PATH" TMPDIR="$TMPDIR" \\
  nsenter --net="/run/netns/$host" --uts="/run/uts/$host" --time="/run/time/$host" \\
  setsid --fork sh -c "$*"
"""


def isolate(*tools: str, as_root: bool = False) -> None:
    """Returns in process 1 of the new namespaces. Outside it waits for that, ends it and all that
    it started if it is told to end itself, and ends with its status. Without the permission, or
    without the tools that the test needs, the test is skipped; also if it has to be root and would
    be that in the namespaces alone."""
    if os.getpid() == 1 and "PDC_ISOLATED" in os.environ:
        return
    if absent := [tool for tool in (*TOOLS, *tools) if not shutil.which(tool)]:
        _skip(f"not installed: {', '.join(absent)}")
    command = [*_namespaces(as_root), sys.executable, "-B", "-W", "error", *sys.argv]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    adopt_orphans()  # process 1 too is waited for here
    environment = {**os.environ, "PDC_ISOLATED": "1"}
    process = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent)
    status = 130
    try:
        status = process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        process.kill()
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
    sys.exit(status)


class Host:
    def __init__(self, number: int, name: str, uptime: int):
        """Makes the host, connected. Its monotonic clock is ahead by so many seconds."""
        self.name, self.address, self.uptime = name, f"10.0.0.{number}", uptime
        for folder in NAMESPACES.values():
            Path("/run", folder).mkdir(exist_ok=True)
            Path("/run", folder, name).touch()
        call("unshare", *self._namespaces(), f"--monotonic={uptime}", "--fork", "hostname", name)
        call("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        call("ip", "link", "set", name, "master", "switch", "up")
        for words in (
            "link set lo up",
            f"address add {self.address}/24 dev eth0",
            "link set eth0 up",
            "link add docker0 type bridge",
            "address add 172.17.0.1/16 dev docker0",
            "link set docker0 up",
        ):
            call("ip", "-n", name, *words.split())

    def start(self, script: str, **options) -> subprocess.Popen:
        """As typed there. Unless `options` say other things, with pipes for its input and for its
        output, errors among it."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        command = ["nsenter", *self._namespaces(), "sh", "-c", script]
        return subprocess.Popen(command, text=True, **{**pipes, **options})

    def processes(self) -> list[int]:
        done = subprocess.run(["ip", "netns", "pids", self.name], check=True, capture_output=True)
        return [int(pid) for pid in done.stdout.split()]

    def cut(self) -> None:
        """Pulls its cable out of the switch: what is sent is lost, and nobody is told."""
        call("ip", "link", "set", self.name, "down")

    def mend(self) -> None:
        call("ip", "link", "set", self.name, "up")

    def switch_off(self) -> None:
        """All that runs there ends, and the network has no farewell from it."""
        self.cut()
        while pids := [pid for pid in self.processes() if lives(pid)]:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def reaches(self, other: "Host") -> bool:
        """A port where nobody listens refuses the connection, if one gets there."""
        port = f"/dev/tcp/{other.address}/9"
        with self.start(f"LC_ALL=C exec bash -c ': <{port}'") as process:
            return "Connection refused" in process.stdout.read()

    def _namespaces(self) -> list[str]:
        return [f"--{kind}=/run/{folder}/{self.name}" for kind, folder in NAMESPACES.items()]


def make_hosts(names: list[str]) -> list[Host]:
    """Hosts that know each other by name and have been switched on hours apart."""
    for folder in ("/run", "/dev/shm"):
        call("mount", "-t", "tmpfs", "tmpfs", folder)
    TEMPORARY.mkdir()
    os.environ.update(TMPDIR=str(TEMPORARY), HOME=str(TEMPORARY))
    LOGIN.write_text(LOGIN_SCRIPT)
    LOGIN.chmod(0o755)
    call("ip", "link", "add", "switch", "type", "bridge")
    call("ip", "link", "set", "switch", "up")
    hosts = [Host(i, name, 3600 * i) for i, name in enumerate(names, 1)]
    table = Path("/run/hosts")
    table.write_text("127.0.0.1 localhost\n" + "".join(f"{h.address} {h.name}\n" for h in hosts))
    call("mount", "--bind", str(table), "/etc/hosts")
    wait_for_links(hosts)
    return hosts


def wait_for_links(hosts: list[Host]) -> None:
    """A link that has just been made or mended is not used at once: an address that nobody
    answered for is held for dead for a while."""
    first, *others = hosts
    for host in others:
        for one, other in ((first, host), (host, first)):
            if not wait_until(lambda: one.reaches(other), 30):
                raise RuntimeError(f"{one.name} does not reach {other.name}")


def call(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def others() -> dict[int, str]:
    """All living processes but this one, and what they run."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    words = {pid: _words(pid) for pid in pids if lives(pid)}
    return {pid: text for pid, text in words.items() if lives(pid)}


def _namespaces(as_root: bool) -> list[str]:
    """The command that makes them, as root or as a user who is root in there alone."""
    for command in (ISOLATED, ISOLATED + AS_ROOT_OF_ITS_OWN)[: 1 if as_root else 2]:
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    _skip("no permission to make namespaces" + (" as root" if as_root else ""))


def _skip(why: str) -> NoReturn:
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    return ""
