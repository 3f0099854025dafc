"""Counts the primes below a million by trial division, shared out to two processes."""

import multiprocessing
import time

BELOW = 1_000_000
PIECE = 20_000


def is_prime(n):
    """Whether no odd number up to the square root of n divides it."""
    if n < 3 or n % 2 == 0:
        return n == 2
    divisor = 3
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 2
    return True


def count(first):
    """How many of a piece's numbers are prime."""
    return sum(map(is_prime, range(first, min(first + PIECE, BELOW))))


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        begin = time.perf_counter()
        found = sum(pool.imap_unordered(count, range(0, BELOW, PIECE)))
        print(time.perf_counter() - begin)
    assert found == 78_498, found
