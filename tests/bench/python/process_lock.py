# SPDX-License-Identifier: MIT
"""Acquires and releases a multiprocessing.Lock that nobody else wants; prints seconds for a pair."""

import multiprocessing
import time

PAIRS = 200_000
lock = multiprocessing.Lock()
begin = time.perf_counter()
for _ in range(PAIRS):
    lock.acquire()
    lock.release()
print((time.perf_counter() - begin) / PAIRS)
