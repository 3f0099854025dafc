# SPDX-License-Identifier: MIT
"""As many threads as the argument says cross a threading.Barrier; prints seconds for one."""

import sys
import threading
import time

CROSSINGS = 2_000
runners = int(sys.argv[1])
line = threading.Barrier(runners)


def run():
    """Crosses the line again and again."""
    for _ in range(CROSSINGS):
        line.wait()


threads = [threading.Thread(target=run) for _ in range(runners)]
begin = time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print((time.perf_counter() - begin) / CROSSINGS)
