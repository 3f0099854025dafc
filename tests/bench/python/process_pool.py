# SPDX-License-Identifier: MIT
"""Has 2000 empty tasks done by two kinds of pools of two processes; prints seconds for one task by the faster."""

import concurrent.futures
import multiprocessing
import time

WORKERS = 2
TASKS = 2000
ROUNDS = 3


def do_nothing(number):
    """What a task does."""
    return number


def time_tasks(run_all):
    """The best of some rounds; one before them does not count."""
    times = []
    for _ in range(ROUNDS + 1):
        begin = time.perf_counter()
        assert list(run_all(do_nothing, range(TASKS), chunksize=1)) == list(range(TASKS))
        times.append(time.perf_counter() - begin)
    return min(times[1:]) / TASKS


if __name__ == "__main__":
    with multiprocessing.Pool(WORKERS) as pool:
        by_pool = time_tasks(pool.map)
    with concurrent.futures.ProcessPoolExecutor(WORKERS) as executor:
        by_executor = time_tasks(executor.map)
    print(min(by_pool, by_executor))
