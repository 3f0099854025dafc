# SPDX-License-Identifier: MIT
"""Counts the primes below a million by trial division, by a ThreadPoolExecutor of two threads; prints seconds."""

import time
from concurrent.futures import ThreadPoolExecutor

from primes import is_prime

BELOW = 1_000_000
PIECE = 20_000


def count(first):
    """How many of a piece's numbers are prime."""
    return sum(map(is_prime, range(first, first + PIECE)))


if __name__ == "__main__":
    begin = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        found = sum(pool.map(count, range(0, BELOW, PIECE)))
    print(time.perf_counter() - begin)
    assert found == 78_498, found
