# SPDX-License-Identifier: MIT
"""The Cholesky graph of task_graph, 10 rows of tiles of 16 x 16, by dask.distributed with two worker processes of one
thread each; prints seconds for a task."""

import statistics
import time

import numpy
from distributed import Client, LocalCluster

ROWS, SIZE, ROUNDS = 10, 16, 3


def potrf(tile):
    """The names are those of LAPACK and BLAS."""
    return numpy.linalg.cholesky(tile)


def trsm(diagonal, tile):
    return numpy.linalg.solve(diagonal, tile.T).T


def gemm(left, above, tile):
    return tile - left @ above.T


def element_tile(row, column):
    rows, columns = numpy.ogrid[row * SIZE:(row + 1) * SIZE, column * SIZE:(column + 1) * SIZE]
    return 1.0 / (1 + abs(rows - columns)) + (rows == columns) * (1 + rows % 3)


def submit(client):
    """Returns the last future of each tile, and how many tasks there are."""
    tiles = {(i, j): element_tile(i, j) for i in range(ROWS) for j in range(i + 1)}
    count = 0

    def run(kernel, *names):
        nonlocal count
        count += 1
        tiles[names[-1]] = client.submit(kernel, *(tiles[name] for name in names), pure=False)

    for k in range(ROWS):
        run(potrf, (k, k))
        for i in range(k + 1, ROWS):
            run(trsm, (k, k), (i, k))
        for i in range(k + 1, ROWS):
            for j in range(k + 1, i + 1):
                run(gemm, (i, k), (j, k), (i, j))
    return tiles, count


if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        times = []
        for _ in range(ROUNDS + 1):
            begin = time.perf_counter()
            futures, tasks = submit(client)
            tiles = client.gather(futures)
            times.append((time.perf_counter() - begin) / tasks)
    print(statistics.median(times[1:]))
    for i in range(ROWS):
        for j in range(i + 1):
            product = sum(tiles[i, k] @ tiles[j, k].T for k in range(j + 1))
            assert abs(product - element_tile(i, j)).max() < 1e-9
