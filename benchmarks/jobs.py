"""How much faster is a study with two jobs than with one?

Runs the same study (978 genes × 623 motifs × 4 conditions by default) with one and with more jobs, in
turns, each as a user would: a runner of its own, workers started, the motif table decomposed by each
worker, arrays and log written. Prints the time from the start to the last replicate on disk, its ratio
beside the target, and the ratio without the workers' start. Needs as many idle processors as jobs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from regnet import Execution, Study
from regnet.places import Places
from regnet.runs.events import read_events
from regnet.runs.launch import start_run
from regnet.runs.processors import usable_processors
from regnet.runs.state import state_of

TARGET = 1.7


def timed(study: Study, jobs: int, places: Places) -> tuple[float, float]:
    """Return the seconds from start to end of a run, and those from its first replicate to its last."""
    start = time.perf_counter()
    folder = start_run(study, Execution(jobs=jobs), places, queued=False)
    while state_of(folder).is_alive:
        time.sleep(0.01)
    whole = time.perf_counter() - start
    state = state_of(folder)
    if not state.name.startswith("finished"):
        raise SystemExit(f"the run ended early: {state.sentence}")
    at = [event["elapsed"] for event in read_events(folder.events)[0] if event["event"] == "replicate"]
    return whole, at[-1] - at[0]


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
    best: dict[int, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        places = Places(Path(directory), "a benchmark's")
        for number in range(options.rounds):
            for jobs in (1, options.jobs):
                whole, middle = timed(study, jobs, places)
                earlier = best.get(jobs, (whole, middle))
                best[jobs] = (min(whole, earlier[0]), min(middle, earlier[1]))
                each = 1e3 * whole / n_replicates
                print(f"round {number + 1}, {jobs} jobs: {whole:7.2f} s, {each:6.1f} ms a replicate")
    one, more = best[1], best[options.jobs]
    ratio = one[0] / more[0]
    print(f"{options.jobs} jobs are {ratio:.2f} × one (best of {options.rounds}; target {TARGET} for two)")
    print(f"without the workers' start: {one[1] / more[1]:.2f} ×")


if __name__ == "__main__":
    main()
