"""How long does one replicate take at the original study's size, and where does the time go?

Run on one core: ``OPENBLAS_NUM_THREADS=1 python benchmarks/replicate.py``. Prints simulation, ridge, the
free-form mixed model and the scores of 978 genes × 623 motifs × 4 conditions, after the shared SVD,
beside the target of 60 ms a replicate.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from regnet.methods import LMM, Ridge  # noqa: E402
from regnet.models.mixed_model import fit_mixed_model  # noqa: E402
from regnet.models.ridge import fit_ridge  # noqa: E402
from regnet.replicate import compute_replicate, prepare  # noqa: E402
from regnet.scenario import Scenario  # noqa: E402
from regnet.scoring import score  # noqa: E402
from regnet.simulation import draw  # noqa: E402
from regnet.synthetic_motifs import motifs_for  # noqa: E402

TARGET = 60.0  # milliseconds a replicate


def milliseconds(run: Callable[[int], object], replicates: int) -> list[float]:
    """Return the time of each replicate; one more, before them, warms up."""
    run(0)
    times = []
    for replicate in range(replicates):
        start = time.perf_counter()
        run(replicate)
        times.append(1e3 * (time.perf_counter() - start))
    return times


def report(what: str, times: list[float], target: str = "") -> None:
    """Print the median and the slowest of some times."""
    print(f"{what:34} {statistics.median(times):8.2f} ms   slowest {max(times):8.2f} ms   {target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=30)
    parser.add_argument("--genes", type=int, default=978)
    parser.add_argument("--tfs", type=int, default=623)
    parser.add_argument("--conditions", type=int, default=4)
    parser.add_argument("--covariance", default="random")
    parser.add_argument("--signal-fraction", type=float, default=0.2)
    options = parser.parse_args()
    scenario = Scenario(
        motifs="synthetic",
        genes=options.genes,
        tfs=options.tfs,
        conditions=options.conditions,
        covariance=options.covariance,
        signal_fraction=options.signal_fraction,
    )
    start = time.perf_counter()
    motifs = motifs_for(scenario, 1, held_out=200)
    made = time.perf_counter()
    prepared = prepare(scenario, motifs, 1, 200)
    done = time.perf_counter()
    print(f"{options.genes} genes × {options.tfs} motifs × {options.conditions} conditions, one core")
    print(f"once: motif table {made - start:.2f} s, subset, scaling and SVD {done - made:.2f} s\n")
    datasets = [draw(prepared.design, replicate) for replicate in range(options.replicates)]
    shape = prepared.decomposition

    def ridge(r: int) -> object:
        return fit_ridge(datasets[r].scores, datasets[r].expression, decomposition=shape)

    def mixed(r: int) -> object:
        return fit_mixed_model(datasets[r].scores, datasets[r].expression, decomposition=shape)

    fits = [fit_mixed_model(d.scores, d.expression, decomposition=shape) for d in datasets]
    report("simulate", milliseconds(lambda r: draw(prepared.design, r), options.replicates))
    report("Ridge (gcv)", milliseconds(ridge, options.replicates), "target 3 ms")
    report("LMM (free-form)", milliseconds(mixed, options.replicates))
    report("score, one fit", milliseconds(lambda r: score(fits[r], datasets[r]), options.replicates))
    whole = milliseconds(
        lambda r: compute_replicate(prepared, [Ridge(), LMM()], ["Ridge", "LMM"], replicate=r),
        options.replicates,
    )
    report("a whole replicate", whole, f"target {TARGET:g} ms")
    print(f"\n{np.mean([fit.n_iterations for fit in fits]):.1f} iterations of the LMM on average")


if __name__ == "__main__":
    main()
