# SPDX-License-Identifier: MIT
"""Two processes compute a sum and a vector of 500 numbers and send them by a pipe; prints seconds for both."""

import multiprocessing
import time

NUMBERS = 500
REPEATS = 100


def add_list(end):
    """Sends 1 + 2 + ... + n."""
    end.send(sum(range(1, NUMBERS + 1)))


def add_vectors(end):
    """Sends (1, 2, ..., n) plus (n, ..., 2, 1)."""
    end.send([k + (NUMBERS + 1 - k) for k in range(1, NUMBERS + 1)])


def compute(jobs):
    """Starts all jobs, each with a pipe, and then takes their results."""
    started = []
    for job in jobs:
        mine, its = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=job, args=[its])
        process.start()
        its.close()
        started.append((process, mine))
    results = [mine.recv() for _, mine in started]
    for process, _ in started:
        process.join()
    return results


if __name__ == "__main__":
    begin = time.perf_counter()
    for _ in range(REPEATS):
        total, vector = compute([add_list, add_vectors])
    print((time.perf_counter() - begin) / REPEATS)
    assert total == NUMBERS * (NUMBERS + 1) // 2 and vector == [NUMBERS + 1] * NUMBERS, total
