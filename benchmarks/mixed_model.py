"""How fast is a fit of the mixed model, and how likely its answer, beside limix's?

Run on one core: ``OPENBLAS_NUM_THREADS=1 taskset -c 0 python benchmarks/mixed_model.py``. For every size,
kinds of true V and Σ and signal fractions, each engine that is installed fits the same datasets; printed
are the median processor time per fit with and without the shared decomposition, the targets, the ratio of the
medians on the datasets that both fitted, and by how much the log-likelihood (evaluated by one function
for all) falls short of the best engine's. limix-core fits without a mean by ML; limix 3 cannot do without
an intercept, so regnet is timed with one beside it. Peers take minutes: ``--peer-fits 0`` leaves them out,
``--limix-core-conditions`` and ``--limix-genes`` say up to which size they take part.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from itertools import islice, product
from statistics import median

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from regnet.errors import InputError  # noqa: E402
from regnet.models.decomposition import Decomposition, decompose  # noqa: E402
from regnet.models.mixed_model import MixedModelFit, fit_mixed_model  # noqa: E402
from regnet.scenario import Scenario  # noqa: E402
from regnet.simulation import Dataset, design, draw  # noqa: E402
from regnet.synthetic_motifs import synthetic_motifs  # noqa: E402

SIZES = ((300, 50, 4), (978, 200, 4), (978, 623, 4), (978, 623, 10), (978, 623, 20))
TARGETS = {(978, 623, 4): 5.0, (978, 623, 10): 20.0, (978, 623, 20): 80.0}  # milliseconds
SIGNALS = ("id", "random", "lowrank_2")
NOISES = ("random", "identity", "randomV", "identityV")
FRACTIONS = (0.05, 0.2, 0.6)
WANTED_RATIO = {"limix-core": 50.0, "limix": 10_000.0}

Fit = Callable[[Dataset, Decomposition], MixedModelFit]


def datasets(n_genes: int, n_motifs: int, n_conditions: int) -> list[Dataset]:
    """One dataset of each kind on the same scores."""
    motifs = synthetic_motifs(n_genes, n_motifs, seed=1)
    made = []
    for signal, noise, fraction in product(SIGNALS, NOISES, FRACTIONS):
        scenario = Scenario(
            motifs="synthetic",
            genes=n_genes,
            tfs=n_motifs,
            conditions=n_conditions,
            covariance=signal,
            noise=noise,
            signal_fraction=fraction,
        )
        made.append(draw(design(scenario, motifs, seed=1), 0))
    return made


def regnet(mean: str) -> Fit:
    """Our fit with a mean."""
    return lambda data, parts: fit_mixed_model(data.scores, data.expression, mean=mean, decomposition=parts)


def peers() -> dict[str, tuple[str, Fit]]:
    """Engines that are installed, with the mean that they fit; the rest are named."""
    from regnet.models import limix_core_engine, limix_engine

    found: dict[str, tuple[str, Fit]] = {}
    try:
        limix_core_engine.load()
        found["limix-core"] = (
            "none",
            lambda data, parts: limix_core_engine.fit_with_limix_core(
                data.scores, data.expression, decomposition=parts
            ),
        )
    except InputError as error:
        print(f"not taking part: {error}")
    try:
        limix_engine.load()
        found["limix"] = (
            "intercept",
            lambda data, parts: limix_engine.fit_with_limix(
                data.scores, data.expression, signal="lowrank_2", decomposition=parts
            ),
        )
    except InputError as error:
        print(f"not taking part: {error}")
    return found


def timed(fit: Fit, data: Dataset, parts: Decomposition, repeats: int) -> tuple[float, MixedModelFit]:
    """Least processor time of some repeats, in milliseconds, and the fit."""
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        result = fit(data, parts)
        least = min(least, 1e3 * (time.process_time() - start))
    return least, result


def report(
    size: tuple[int, int, int], options: argparse.Namespace, others: dict[str, tuple[str, Fit]]
) -> None:
    """Measure one size."""
    kinds = datasets(*size)
    start = time.process_time()
    parts = decompose(kinds[0].scores)
    shared = 1e3 * (time.process_time() - start)
    regnet("none")(kinds[0], parts)
    own = [timed(regnet("none"), data, parts, options.repeats) for data in kinds]
    times = [milliseconds for milliseconds, _ in own]
    target = f"target {TARGETS[size]:g}" if size in TARGETS else ""
    print(f"\n{' × '.join(map(str, size))}: {len(own)} datasets, decomposition {shared:.0f} ms", flush=True)
    print(
        f"  regnet: median {median(times):.2f} ms {target}, 90 % {np.percentile(times, 90):.2f}, "
        f"slowest {max(times):.2f}; with the decomposition {median(times) + shared:.0f}"
    )
    print(
        f"  median {median(fit.n_iterations for _, fit in own):.0f} iterations, "
        f"{sum(fit.converged for _, fit in own)} converged, "
        f"{sum(fit.at_boundary for _, fit in own)} at the boundary",
        flush=True,
    )
    # Every fifth dataset: different V, Σ and fractions.
    chosen = list(islice(kinds[1::5], options.peer_fits))
    for name, (mean, fit) in others.items():
        too_large = (
            size[2] > options.limix_core_conditions if name == "limix-core" else size[0] > options.limix_genes
        )
        if too_large or not chosen:
            continue
        signal = "lowrank_2" if name == "limix" else "freeform"

        def same(
            data: Dataset, parts: Decomposition, signal: str = signal, mean: str = mean
        ) -> MixedModelFit:
            return fit_mixed_model(data.scores, data.expression, signal, mean=mean, decomposition=parts)

        ours = [timed(same, data, parts, options.repeats) for data in chosen]
        theirs = [timed(fit, data, parts, 1) for data in chosen]
        short = [a.log_likelihood - b.log_likelihood for (_, a), (_, b) in zip(ours, theirs, strict=True)]
        mine, other = median(t for t, _ in ours), median(t for t, _ in theirs)
        print(
            f"  {name} ({signal}, mean {mean}, {len(chosen)} datasets): {other:.0f} ms, regnet {mine:.2f} ms"
        )
        print(
            f"    ratio {other / mine:.0f} (wanted {WANTED_RATIO[name]:.0f}), "
            f"with the decomposition {(other + shared) / (mine + shared):.1f}; log-likelihood ours − theirs: "
            f"least {min(short):.5f}, median {median(short):.3f}, most {max(short):.3f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="times that regnet fits each dataset")
    parser.add_argument("--peer-fits", type=int, default=6, help="datasets that peers fit")
    parser.add_argument(
        "--limix-core-conditions", type=int, default=10, help="most conditions for limix-core"
    )
    parser.add_argument("--limix-genes", type=int, default=300, help="most genes for limix 3")
    options = parser.parse_args()
    others = peers() if options.peer_fits else {}
    for size in SIZES:
        report(size, options, others)


if __name__ == "__main__":
    main()
