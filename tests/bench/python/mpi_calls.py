# SPDX-License-Identifier: MIT
"""mpi4py's collective calls, 1 MiB for each rank, under mpirun: the upper-case ones, which send NumPy arrays as they
lie, and the lower-case ones, which pickle. Rank 0 prints lines "name bytes seconds"."""

import statistics

import numpy
from mpi4py import MPI

BYTES = 1 << 20
BLOCKS = 41
RUNS = 2

world = MPI.COMM_WORLD
root = world.rank == 0
mine = numpy.ones(BYTES, dtype=numpy.int8)
every = numpy.ones((world.size, BYTES), dtype=numpy.int8) if root else None

CALLS = {
    "Bcast": lambda: world.Bcast(mine, root=0),
    "Scatter": lambda: world.Scatter(every, mine, root=0),
    "Gather": lambda: world.Gather(mine, every, root=0),
    "bcast": lambda: world.bcast(mine, root=0),
    "scatter": lambda: world.scatter(every, root=0),
    "gather": lambda: world.gather(mine, root=0),
}


def time_block(call, runs):
    """Of one run, on the slowest rank; a barrier that is not timed follows each."""
    world.Barrier()
    within = 0.0
    for _ in range(runs):
        begin = MPI.Wtime()
        call()
        within += MPI.Wtime() - begin
        world.Barrier()
    return world.allreduce(within / runs, op=MPI.MAX)


times = {name: [] for name in CALLS}
for _ in range(BLOCKS):
    for name, call in CALLS.items():
        time_block(call, 1)
        times[name].append(time_block(call, RUNS))
if root:
    for name, all_times in times.items():
        print(name, BYTES, f"{statistics.median(all_times):.5g}")
