# SPDX-License-Identifier: MIT
"""Whether a machine is quiet enough to measure on."""

from __future__ import annotations

import os
import subprocess
import sys

BUSY = 0.05  # of the processors' time; beyond that, others had too much of it to judge
CORES = 2  # that the book's pictures need for themselves
LEAST = 0.95  # of these cores' time, else they are not free

SPIN = """
import time
begin, end = time.process_time(), time.monotonic() + 0.5
while time.monotonic() < end: pass
print((time.process_time() - begin) / 0.5)
"""


def read_clocks() -> tuple[list[float], float]:
    """The processors' time by kind, and what this process and its children had of it, in seconds."""
    with open("/proc/stat", encoding="ascii") as stat:
        ticks = [int(field) for field in stat.readline().split()[1:9]]
    return [tick / os.sysconf("SC_CLK_TCK") for tick in ticks], sum(os.times()[:4])


def others_share(before: list[float], after: list[float], ours: float) -> float:
    """The part of the processors' time that others had: busy or stolen, and not by this driver and its children."""
    total = sum(after) - sum(before)
    busy = sum(after[i] - before[i] for i in (0, 1, 2, 7))  # user, nice, system, steal
    return max(0.0, busy - ours) / total if total > 0 else 0.0


def free_cores() -> float:
    """How much of CORES cores this process can have at once, in cores: as many children try it."""
    command = [sys.executable, "-I", "-S", "-c", SPIN]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(CORES)]
    return sum(float(child.communicate()[0]) for child in children)


def fault_of_machine() -> str:
    """Why this machine is no place to measure on now; nothing if it is one."""
    ticks, cpu = read_clocks()
    cores = free_cores()
    ticks_after, cpu_after = read_clocks()
    busy = others_share(ticks, ticks_after, cpu_after - cpu)
    if cores < LEAST * CORES:
        return f"{CORES} free cores are needed, and this process gets the time of {cores:.1f}"
    if busy > BUSY:
        return f"others have {busy:.0%} of the processors' time, more than {BUSY:.0%}"
    return ""
