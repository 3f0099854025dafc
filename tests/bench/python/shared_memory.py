# SPDX-License-Identifier: MIT
"""Two processes work in place on a million numbers of a multiprocessing.Array; the argument says what: sum, vectors."""

import multiprocessing
import sys
import time

NUMBERS = 1_000_000
WORKERS = 2
REPEATS = 3
total = multiprocessing.Value("q", 0)
numbers = multiprocessing.Array("q", range(1, NUMBERS + 1), lock=False)
vector = multiprocessing.Array("q", NUMBERS, lock=False)


def add_list(first, last):
    """Adds up its part, then locks only to add it to what all share."""
    part = sum(numbers[first:last])
    with total.get_lock():
        total.value += part


def add_vectors(first, last):
    """The numbers plus the same in reverse order."""
    back = numbers[NUMBERS - last : NUMBERS - first][::-1]
    vector[first:last] = [a + b for a, b in zip(numbers[first:last], back)]


def run(job):
    """Each process does its part."""
    workers = []
    for worker in range(WORKERS):
        part = [NUMBERS * worker // WORKERS, NUMBERS * (worker + 1) // WORKERS]
        workers.append(multiprocessing.Process(target=job, args=part))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    job = {"sum": add_list, "vectors": add_vectors}[sys.argv[1]]
    begin = time.perf_counter()
    for _ in range(REPEATS):
        run(job)
    print((time.perf_counter() - begin) / REPEATS)
    assert job is not add_list or total.value == REPEATS * NUMBERS * (NUMBERS + 1) // 2, total.value
    assert job is not add_vectors or set(vector) == {NUMBERS + 1}
