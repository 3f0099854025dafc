# SPDX-License-Identifier: MIT
"""Hands 20 000 items from thread to thread through a queue.SimpleQueue; prints seconds for one."""

import queue
import threading
import time

ITEMS = 20_000


def produce(items):
    """Puts all items in, then an end mark."""
    for item in range(ITEMS):
        items.put(item)
    items.put(None)


through = queue.SimpleQueue()
producer = threading.Thread(target=produce, args=[through])
begin = time.perf_counter()
producer.start()
total = sum(iter(through.get, None))
producer.join()
print((time.perf_counter() - begin) / ITEMS)
assert total == ITEMS * (ITEMS - 1) // 2, total
