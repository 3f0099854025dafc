# SPDX-License-Identifier: MIT
"""What mpirun needs here."""

from pathlib import Path

# As root, with more ranks than cores, where CTest or the launcher has not set it.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",  # or jobs at the same time share one core
    "OMPI_MCA_pml": "ob1",  # what one machine gets anyway: not to look for a faster network is quicker
    "HWLOC_PLUGINS_PATH": "/nonexistent",  # nor for graphics cards
    # Each start is a seventh quicker without shared memory for what ranks know of each other, and
    # without the parts that one machine never chooses.
    "PMIX_MCA_gds": "hash",
    "OMPI_MCA_coll": "basic,libnbc,self,tuned,inter",
    "OMPI_MCA_mpool": "^hugepage",
}


def command(ranks: int, *program: str | Path) -> list[str]:
    return ["mpirun", "-np", str(ranks), *map(str, program)]
