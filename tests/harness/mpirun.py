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
}


def command(ranks: int, *program: str | Path) -> list[str]:
    return ["mpirun", "-np", str(ranks), *map(str, program)]
