# SPDX-License-Identifier: MIT
"""Computes the 34th Fibonacci number the slow way, its two halves in two processes."""

import concurrent.futures
import time


def fibonacci(n):
    """Takes about as many steps as the result says."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        begin = time.perf_counter()
        found = sum(pool.map(fibonacci, [33, 32]))
        print(time.perf_counter() - begin)
    assert found == 5_702_887, found
