# SPDX-License-Identifier: MIT
"""Has 10 000 cubes computed by a pool of two threads; prints seconds for one."""

import concurrent.futures
import time

JOBS = 10_000


def cube(n):
    """What a job does: next to nothing."""
    return n * n * n


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    list(pool.map(cube, range(JOBS)))
    begin = time.perf_counter()
    futures = [pool.submit(cube, n) for n in range(1, JOBS + 1)]
    total = sum(future.result() for future in futures)
    print((time.perf_counter() - begin) / JOBS)
assert total == (JOBS * (JOBS + 1) // 2) ** 2, total
