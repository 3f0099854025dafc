# SPDX-License-Identifier: MIT
"""Adds 64 Mi doubles with NumPy; the argument says how: out, fresh, sum. Prints bytes a second."""

import sys
import time

import numpy as np

x = np.ones(1 << 26)
y = np.ones(1 << 26)
z = np.ones(1 << 26)
WAYS = {
    "out": (lambda: np.add(x, y, out=z), 3),
    "fresh": (lambda: x + y, 3),
    "sum": (lambda: np.sum(x), 1),
}
work, vectors_moved = WAYS[sys.argv[1]]
REPEATS = 5
work()
begin = time.perf_counter()
for _ in range(REPEATS):
    work()
print(REPEATS * vectors_moved * x.nbytes / (time.perf_counter() - begin))
