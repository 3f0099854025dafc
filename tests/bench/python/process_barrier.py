# SPDX-License-Identifier: MIT
"""As many processes as the argument says cross a multiprocessing.Barrier; prints seconds for one."""

import multiprocessing
import sys
import time

CROSSINGS = 500


def run(line):
    """Crosses the line again and again."""
    for _ in range(CROSSINGS):
        line.wait()


if __name__ == "__main__":
    runners = int(sys.argv[1])
    barrier = multiprocessing.Barrier(runners)
    processes = [multiprocessing.Process(target=run, args=[barrier]) for _ in range(runners)]
    begin = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print((time.perf_counter() - begin) / CROSSINGS)
