# SPDX-License-Identifier: MIT
"""Counts the primes below a million by trial division, shared out to two processes."""

import multiprocessing
import time

from primes import is_prime

BELOW = 1_000_000
PIECE = 20_000


def count(first):
    """How many of a piece's numbers are prime."""
    return sum(map(is_prime, range(first, min(first + PIECE, BELOW))))


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        begin = time.perf_counter()
        found = sum(pool.imap_unordered(count, range(0, BELOW, PIECE)))
        print(time.perf_counter() - begin)
    assert found == 78_498, found
