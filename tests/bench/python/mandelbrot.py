# SPDX-License-Identifier: MIT
"""Computes the rows of the Mandelbrot set, 640 by 480 points, in two processes."""

import multiprocessing
import time

WIDTH, HEIGHT, DEPTH = 640, 480, 1000
STEP = 2.5 / HEIGHT


def compute(row):
    """The iterations of each point until it escapes."""
    counts = []
    imaginary = (HEIGHT / 2 - row - 0.5) * STEP
    for column in range(WIDTH):
        c = complex(-0.65 + (column + 0.5 - WIDTH / 2) * STEP, imaginary)
        z = 0j
        n = 0
        while n < DEPTH and z.real * z.real + z.imag * z.imag <= 65536:
            z = z * z + c
            n += 1
        counts.append(n)
    return counts


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        begin = time.perf_counter()
        rows = pool.map(compute, range(HEIGHT), chunksize=8)
        print(time.perf_counter() - begin)
    assert rows[0][0] < DEPTH == rows[HEIGHT // 2][WIDTH // 2]
