# SPDX-License-Identifier: MIT
"""Two clients make 50 000 transfers each between 1000 accounts, with a lock for each; prints seconds for one."""

import random
import threading
import time

CLIENTS = 2
ACCOUNTS = 1000
TRANSFERS = 50_000

balances = [100] * ACCOUNTS
locks = [threading.Lock() for _ in balances]


def make_orders():
    """From whom, to whom, and how much."""
    return [(*random.sample(range(ACCOUNTS), 2), random.randint(1, 100)) for _ in range(TRANSFERS)]


def serve(orders):
    """Takes the two locks in one order; refuses what is not there."""
    for source, target, amount in orders:
        with locks[min(source, target)], locks[max(source, target)]:
            if balances[source] >= amount:
                balances[source] -= amount
                balances[target] += amount


random.seed(1)
clients = [threading.Thread(target=serve, args=[make_orders()]) for _ in range(CLIENTS)]
begin = time.perf_counter()
for client in clients:
    client.start()
for client in clients:
    client.join()
print((time.perf_counter() - begin) / (CLIENTS * TRANSFERS))
assert sum(balances) == 100 * ACCOUNTS, balances
