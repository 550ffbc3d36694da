"""How is a study carried out on this machine? Settings that never change its numbers.

None of these enters a study's identity: the same study with other jobs, cores or backend gives the
same results (to the last bit at equal cores per fit, processor type and package versions).
"""

from __future__ import annotations

from dataclasses import dataclass

from regnet.errors import InputError
from regnet.parameters import OneOf, Real, Text, Whole, canonical_fields, declare


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The settings of execution."""

    jobs: int | str = declare(
        "auto",
        Whole(1, 100_000, words=("auto",)),
        "replicates computed at the same time (auto: as many as the processors allow)",
        details="Number of worker processes. auto divides the processors that this process may really "
        "use (affinity, cgroup quota, SLURM_CPUS_PER_TASK) by the cores per fit.",
        group="Execution",
        common=True,
    )
    cores: int = declare(
        1,
        Whole(1, 1024),
        "cores (BLAS threads) per fit",
        details="Threads that the linear algebra of one fit may use. More than one pays for large "
        "problems only. Jobs × cores above the processors at hand is possible, and warned of.",
        group="Execution",
        common=True,
    )
    keep: str = declare(
        "estimates",
        OneOf(("all", "estimates", "none")),
        "arrays kept on disk: all (with expression), estimates (effects and covariances), none",
        group="Execution",
    )
    time_limit: float = declare(
        0.0,
        Real(0.0),
        "seconds that one fit may take; 0: no limit",
        details="A fit that takes longer is stopped, recorded and counted as timed out; the study goes on.",
        group="Execution",
    )
    backend: str = declare(
        "local",
        OneOf(("local", "dask")),
        "where replicates are computed: local processes, or a dask.distributed cluster",
        group="Execution",
    )
    scheduler: str = declare(
        "",
        Text(),
        "address of the Dask scheduler (tcp://host:8786), for backend dask",
        group="Execution",
    )

    def __post_init__(self) -> None:
        canonical_fields(self)
        if self.backend == "dask" and not self.scheduler:
            raise InputError("scheduler", "the address of a Dask scheduler with backend dask", "none")
        if self.scheduler and self.backend != "dask":
            raise InputError("scheduler", "no address with backend local", self.scheduler, "use backend dask")
