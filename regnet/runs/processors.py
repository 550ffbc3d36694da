"""How many processors may this process really use, and how many jobs does that make?

Never the machine's count: affinity (taskset, numactl), the control group's quota (containers, systemd)
and Slurm's allocation each may leave fewer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from regnet.execution import Execution

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Environment variables by which the linear algebra libraries learn how many threads they may start."""


@dataclass(frozen=True, slots=True)
class Processors:
    """The processors at hand: how many, and each limit by its name."""

    count: int
    limits: Mapping[str, float]

    @property
    def sentence(self) -> str:
        """In words: the count, and what limits it."""
        names = [name for name, limit in self.limits.items() if max(1, math.floor(limit)) == self.count]
        return f"{self.count} processor{'s' if self.count != 1 else ''} ({', '.join(names)})"


def usable_processors(environment: Mapping[str, str] | None = None, root: Path = Path("/")) -> Processors:
    """Return how many processors this process may use, and why.

    Parameters
    ----------
    environment : mapping, optional
        Environment variables (default: the process's own).
    root : Path
        Where /proc and /sys are mounted; a test gives another.
    """
    environment = os.environ if environment is None else environment
    limits: dict[str, float] = {"machine": os.cpu_count() or 1}
    if hasattr(os, "sched_getaffinity"):
        limits["affinity"] = len(os.sched_getaffinity(0))
    quota = cgroup_quota(root)
    if quota is not None:
        limits["cgroup quota"] = quota
    for variable in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        text = environment.get(variable, "")
        if text.isdecimal() and len(text) < 7 and int(text) > 0:
            limits[variable] = int(text)
            break
    return Processors(max(1, math.floor(min(limits.values()))), limits)


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return the processors that the control group's quota leaves (version 2 or 1); None without quota.

    The quota of a group holds for all groups below it, so the whole path up to the root is looked at.
    """
    quotas = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            base, read = root / "sys/fs/cgroup", _quota_2
        elif "cpu" in controllers.split(","):
            base, read = root / "sys/fs/cgroup/cpu", _quota_1
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        # In a container the path may name groups of the host that aren't mounted: the root remains.
        for depth in range(len(parts), -1, -1):
            quota = read(base.joinpath(*parts[:depth]))
            if quota is not None:
                quotas.append(quota)
    return min(quotas, default=None)


def jobs_for(execution: Execution, processors: Processors, n_replicates: int) -> int:
    """Return the number of workers: as asked for, or what the processors allow, and no more than needed."""
    allowed = max(1, processors.count // execution.cores)
    jobs = allowed if execution.jobs == "auto" else int(execution.jobs)
    return max(1, min(jobs, n_replicates))


def oversubscription(execution: Execution, processors: Processors) -> str | None:
    """Return a warning where jobs × cores exceed the processors at hand; None where they don't."""
    if execution.backend != "local":
        return None
    jobs = 1 if execution.jobs == "auto" else int(execution.jobs)
    wanted = jobs * execution.cores
    if wanted <= processors.count:
        return None
    return (
        f"{jobs} jobs × {execution.cores} cores = {wanted} threads on {processors.sentence}: "
        "this will be slower, not faster"
    )


def thread_environment(cores: int) -> dict[str, str]:
    """Return the environment variables that hold the linear algebra of a worker to its cores."""
    return dict.fromkeys(THREAD_VARIABLES, str(cores))


def processor_model() -> str:
    """Return the processor's name, or the empty string; numbers agree to the last bit on equal ones only."""
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return ""


def _quota_2(group: Path) -> float | None:
    words = _text(group / "cpu.max").split()
    return _ratio(*words) if len(words) == 2 else None


def _quota_1(group: Path) -> float | None:
    return _ratio(_text(group / "cpu.cfs_quota_us").strip(), _text(group / "cpu.cfs_period_us").strip())


def _ratio(quota: str, period: str) -> float | None:
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
