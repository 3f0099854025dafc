# SPDX-License-Identifier: MIT
"""Starts a multiprocessing.Process and joins it; prints seconds for one."""

import multiprocessing
import time

PROCESSES = 200


def do_nothing():
    """What the child is for."""


if __name__ == "__main__":
    begin = time.perf_counter()
    for _ in range(PROCESSES):
        process = multiprocessing.Process(target=do_nothing)
        process.start()
        process.join()
        assert process.exitcode == 0, process
    print((time.perf_counter() - begin) / PROCESSES)
