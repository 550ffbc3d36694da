"""How much faster is a study with two jobs than with one?

Runs the same study (978 genes × 623 motifs × 4 conditions by default) with one and with more jobs, in
turns, each as a user would: a runner of its own, workers started, the motif table decomposed by each
worker, arrays and log written. Prints the time from the start to the end of the run, its ratio beside the
target, the ratio without the workers' start, and the processor time that a replicate takes of all
processes together: where that doesn't grow with the jobs, nothing is wasted. Needs as many idle
processors as jobs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from regnet import Execution, Study
from regnet.places import Places
from regnet.runs.events import read_events
from regnet.runs.folder import create_run
from regnet.runs.processors import usable_processors
from regnet.runs.state import state_of

TARGET = 1.7


def timed(study: Study, jobs: int, places: Places) -> tuple[float, float, float]:
    """Return three times of a run, in seconds.

    From its start to its end, from its first replicate to its last, and of processors, all together.
    """
    start = time.perf_counter()
    folder = create_run(study, Execution(jobs=jobs), places)
    command = [sys.executable, "-m", "regnet.runs.runner", str(folder.path), "--now"]
    process = subprocess.Popen(command, start_new_session=True)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    whole = time.perf_counter() - start
    state = state_of(folder)
    if not state.name.startswith("finished"):
        raise SystemExit(f"the run ended early: {state.sentence}")
    at = [event["elapsed"] for event in read_events(folder.events)[0] if event["event"] == "replicate"]
    return whole, at[-1] - at[0], usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--genes", type=int, default=978)
    parser.add_argument("--tfs", type=int, default=623)
    parser.add_argument("--conditions", type=int, default=4)
    options = parser.parse_args()
    study = Study(
        motifs="synthetic",
        genes=options.genes,
        tfs=options.tfs,
        conditions=options.conditions,
        replicates=options.replicates,
    )
    processors = usable_processors()
    n_replicates = len(study.scenarios) * study.replicates
    size = f"{options.genes} × {options.tfs} × {options.conditions}"
    print(f"{n_replicates} replicates of {size}, {processors.sentence}")
    if processors.count < options.jobs:
        print(f"warning: {options.jobs} jobs need {options.jobs} processors")
    best: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        places = Places(Path(directory), "a benchmark's")
        for number in range(options.rounds):
            for jobs in (1, options.jobs):
                times = timed(study, jobs, places)
                best[jobs] = [min(pair) for pair in zip(times, best.get(jobs, times))]
                each, used = (1e3 * seconds / n_replicates for seconds in (times[0], times[2]))
                print(
                    f"round {number + 1}, {jobs} jobs: {times[0]:7.2f} s, {each:6.1f} ms a replicate, "
                    f"{used:6.1f} ms of processors"
                )
    one, more = best[1], best[options.jobs]
    ratio = one[0] / more[0]
    print(f"{options.jobs} jobs are {ratio:.2f} × one (best of {options.rounds}; target {TARGET} for two)")
    print(f"without the workers' start: {one[1] / more[1]:.2f} ×")
    print(f"processor time a replicate: {more[2] / one[2]:.2f} × that with one job")


if __name__ == "__main__":
    main()
