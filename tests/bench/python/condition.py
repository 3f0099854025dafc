# SPDX-License-Identifier: MIT
"""Hands a turn to another thread and back by a threading.Condition; prints seconds for both."""

import threading
import time

HAND_OVERS = 2_000
changed = threading.Condition()
turn = 0


def hand_over(me):
    """Waits for its turn, then passes it on."""
    global turn
    for _ in range(HAND_OVERS):
        with changed:
            changed.wait_for(lambda: turn == me)
            turn = 1 - me
            changed.notify()


threads = [threading.Thread(target=hand_over, args=[me]) for me in (0, 1)]
begin = time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print((time.perf_counter() - begin) / HAND_OVERS)
