# SPDX-License-Identifier: MIT
"""Starts a threading.Thread and joins it; prints seconds for one."""

import threading
import time

THREADS = 2_000
begin = time.perf_counter()
for _ in range(THREADS):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
print((time.perf_counter() - begin) / THREADS)
