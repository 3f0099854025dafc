# SPDX-License-Identifier: MIT
"""Reads an entry of what a multiprocessing.Manager keeps; prints seconds for one request."""

import multiprocessing
import time

REQUESTS = 2_000

if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        kept = manager.dict(counter=0)
        found = kept["counter"]  # the first request also connects
        begin = time.perf_counter()
        for _ in range(REQUESTS):
            found += kept["counter"]
        print((time.perf_counter() - begin) / REQUESTS)
    assert found == 0, found
