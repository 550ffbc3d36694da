"""Processors are counted as this process may use them: affinity, quota of the control group, Slurm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from regnet import Execution
from regnet.runs.processors import (
    Processors,
    cgroup_quota,
    jobs_for,
    oversubscription,
    thread_environment,
    usable_processors,
)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "150000 100000\n"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                "sys/fs/cgroup/a/cpu.max": "50000 100000\n",
            },
            0.5,
        ),
        ({"proc/self/cgroup": "0::/not/mounted\n", "sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3.0),
        ({"proc/self/cgroup": "0::/../..\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/job\n3:memory:/job\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/job\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "rubbish\n"}, None),
    ],
)
def test_quotas_of_control_groups(files: dict[str, str], expected: float | None, tmp_path: Path) -> None:
    assert cgroup_quota(write(tmp_path, files)) == expected


def test_the_smallest_limit_counts_and_is_named(tmp_path: Path) -> None:
    root = write(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "170000 100000\n"})
    found = usable_processors({}, root)
    assert found.count == 1
    assert "cgroup quota" in found.sentence
    slurm = usable_processors({"SLURM_CPUS_PER_TASK": "1"}, Path("/nowhere"))
    assert (slurm.count, slurm.limits["SLURM_CPUS_PER_TASK"]) == (1, 1)
    for rubbish in ("", "-3", "x", "9" * 50):
        assert "SLURM_CPUS_PER_TASK" not in usable_processors({"SLURM_CPUS_PER_TASK": rubbish}).limits


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity is Linux's")
def test_affinity_is_honoured() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_processors({}).count == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("jobs", "cores", "count", "replicates", "expected"),
    [
        ("auto", 1, 8, 100, 8),
        ("auto", 3, 8, 100, 2),
        ("auto", 16, 8, 100, 1),
        ("auto", 1, 8, 3, 3),
        (5, 1, 2, 9, 5),
    ],
)
def test_jobs(jobs: int | str, cores: int, count: int, replicates: int, expected: int) -> None:
    assert jobs_for(Execution(jobs=jobs, cores=cores), Processors(count, {}), replicates) == expected


def test_more_threads_than_processors_are_warned_of() -> None:
    two = Processors(2, {"affinity": 2})
    assert oversubscription(Execution(jobs=2), two) is None
    assert oversubscription(Execution(jobs="auto", cores=2), two) is None
    warning = oversubscription(Execution(jobs=2, cores=4), two)
    assert warning is not None
    assert "2 jobs × 4 cores = 8 threads on 2 processors (affinity)" in warning
    assert oversubscription(Execution(jobs=99, backend="dask", scheduler="tcp://x:1"), two) is None


def test_a_workers_threads_are_its_cores() -> None:
    assert thread_environment(3)["OPENBLAS_NUM_THREADS"] == "3"
