# SPDX-License-Identifier: MIT
"""Acquires and releases a multiprocessing.Semaphore that nobody else wants; prints seconds for a pair."""

import multiprocessing
import time

PAIRS = 200_000
places = multiprocessing.Semaphore(2)
begin = time.perf_counter()
for _ in range(PAIRS):
    places.acquire()
    places.release()
print((time.perf_counter() - begin) / PAIRS)
