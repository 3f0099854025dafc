# SPDX-License-Identifier: MIT
"""A process computes a vector of 500 numbers and sends it by a pipe; prints seconds for both."""

import multiprocessing
import time

NUMBERS = 500
REPEATS = 100


def add_vectors(end):
    """Sends (1, 2, ..., n) plus (n, ..., 2, 1)."""
    end.send([k + (NUMBERS + 1 - k) for k in range(1, NUMBERS + 1)])


def compute():
    """Starts the process, and takes its result from the pipe."""
    mine, its = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=add_vectors, args=[its])
    process.start()
    its.close()
    result = mine.recv()
    process.join()
    return result


if __name__ == "__main__":
    begin = time.perf_counter()
    for _ in range(REPEATS):
        vector = compute()
    print((time.perf_counter() - begin) / REPEATS)
    assert vector == [NUMBERS + 1] * NUMBERS, vector
