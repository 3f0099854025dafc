# SPDX-License-Identifier: MIT
"""Four threads count the primes below 300 000, and hold a lock only to add up."""

import threading
import time

from primes import is_prime

BELOW = 300_000
WORKERS = 4


def count(worker):
    """Counts its share, then adds it to the common sum."""
    global primes
    found = sum(map(is_prime, range(BELOW * worker // WORKERS, BELOW * (worker + 1) // WORKERS)))
    with lock:
        primes += found


primes = 0
lock = threading.Lock()
workers = [threading.Thread(target=count, args=[i]) for i in range(WORKERS)]
begin = time.perf_counter()
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(time.perf_counter() - begin)
assert primes == 25_997, primes
