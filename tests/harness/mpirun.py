# SPDX-License-Identifier: MIT
"""What mpirun needs here."""

import os
from pathlib import Path

# As root, with more ranks than cores, where CTest or the launcher has not set it.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",  # or jobs at the same time share one core
    "OMPI_MCA_pml": "ob1",  # what one machine gets anyway: not to look for a faster network is quicker
    # Each start takes half the time without a look at every device of this machine, without shared
    # memory for what ranks know of each other, and without the parts that one machine never chooses.
    "HWLOC_PLUGINS_PATH": "/nonexistent",
    "HWLOC_SYNTHETIC": f"numa:1 core:{os.cpu_count()} pu:1",
    "PMIX_MCA_gds": "hash",
    "OMPI_MCA_btl": "self,vader,tcp",
    "OMPI_MCA_coll": "basic,libnbc,self,tuned,inter",
    "OMPI_MCA_mpool": "^hugepage",
    "OMPI_MCA_op": "^avx",
    "OMPI_MCA_osc": "sm,pt2pt",
    "OMPI_MCA_pmix": "^flux",
    "OMPI_MCA_rcache": "^grdma",
    "OMPI_MCA_reachable": "weighted",
    "OMPI_MCA_schizo": "^flux,jsm,slurm",
    "OMPI_MCA_shmem": "mmap",
}


def command(ranks: int, *program: str | Path) -> list[str]:
    return ["mpirun", "-np", str(ranks), *map(str, program)]
