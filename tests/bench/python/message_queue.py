# SPDX-License-Identifier: MIT
"""Hands 8000 messages from process to process through a multiprocessing.Queue; prints seconds for one."""

import multiprocessing
import time

MESSAGES = 8000


def produce(queue):
    """Puts in all numbers, as text."""
    for number in range(MESSAGES):
        queue.put(str(number))


if __name__ == "__main__":
    through = multiprocessing.Queue()
    producer = multiprocessing.Process(target=produce, args=[through])
    begin = time.perf_counter()
    producer.start()
    total = sum(int(through.get()) for _ in range(MESSAGES))
    producer.join()
    print((time.perf_counter() - begin) / MESSAGES)
    assert total == MESSAGES * (MESSAGES - 1) // 2, total
