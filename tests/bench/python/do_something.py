# SPDX-License-Identifier: MIT
"""Fills ten lists with 1000 random numbers each, every list in a process of its own."""

import multiprocessing
import time

JOBS = 10
NUMBERS = 1000
STEPS = 1000
MODULUS = 2**31 - 1


def fill(job):
    """Keeps every thousandth number of a linear congruential generator."""
    number = job + 1
    kept = []
    for _ in range(NUMBERS):
        for _ in range(STEPS):
            number = number * 48271 % MODULUS
        kept.append(number)
    return kept


if __name__ == "__main__":
    begin = time.perf_counter()
    with multiprocessing.Pool(JOBS) as pool:
        lists = pool.map(fill, range(JOBS))
    print(time.perf_counter() - begin)
    factor = pow(48271, STEPS, MODULUS)
    assert all(kept[0] == (job + 1) * factor % MODULUS for job, kept in enumerate(lists))
