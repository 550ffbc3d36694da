"""How fast is a fit of the mixed model, and how likely its answer, beside limix's?

Run on one core: ``OPENBLAS_NUM_THREADS=1 taskset -c 0 python benchmarks/mixed_model.py``. For every size,
kinds of true V and Σ and signal fractions, each engine that is installed fits the same datasets; printed
are the median processor time per fit with and without the shared decomposition, that of replicates which
are given at once (and, where there are few conditions, fitted together), the targets, the ratio of the
medians on the datasets that both fitted, and by how much the log-likelihood (evaluated by one function for
all) falls short of the best engine's. limix-core fits without a mean by ML; limix 3 cannot do without an
intercept, so regnet is timed with one beside it. limix 3 takes part twice: as it comes,
``Kron2Sum(…).fit()`` as its user calls it, and mended, as regNet calls it (another start, and the gradient
that scipy 1.16 broke; see ``docs/decisions/0002-limix.md``). Peers take minutes: ``--peer-fits 0`` leaves
them out, ``--limix-core-conditions`` and ``--limix-largest`` say up to which size they take part, as in
``--sizes 978x200x4 --peer-fits 1 --limix-largest 978x200 --limix-rank 4``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import TypeVar

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from regnet.errors import InputError  # noqa: E402
from regnet.models.decomposition import Decomposition, decompose, rotate  # noqa: E402
from regnet.models.kronecker import canonical_basis, evaluate, spectral_data  # noqa: E402
from regnet.models.mixed_model import MixedModelFit, fit_mixed_model, fit_mixed_models  # noqa: E402
from regnet.scenario import Scenario  # noqa: E402
from regnet.simulation import Dataset, design, draw  # noqa: E402
from regnet.synthetic_motifs import synthetic_motifs  # noqa: E402

Result = TypeVar("Result")

SIZES = ((300, 50, 4), (978, 200, 4), (978, 623, 4), (978, 623, 10), (978, 623, 20))
TARGETS = {(978, 623, 4): 5.0, (978, 623, 10): 20.0, (978, 623, 20): 80.0}  # milliseconds
SIGNALS = ("id", "random", "lowrank_2")
NOISES = ("random", "identity", "randomV", "identityV")
FRACTIONS = (0.05, 0.2, 0.6)

Size = tuple[int, int, int]
Fit = Callable[[Dataset, Decomposition], MixedModelFit]


@dataclass(frozen=True)
class Peer:
    """Other software: what it fits, to which sizes, how much faster regnet should be, and its fit.

    `fit` returns the log-likelihood at the V and Σ that it found.
    """

    name: str
    signal: str
    mean: str
    wanted_ratio: float
    takes_part: Callable[[Size], bool]
    fit: Callable[[Dataset, Decomposition], float]


def datasets(n_genes: int, n_motifs: int, n_conditions: int, replicates: int = 1) -> list[Dataset]:
    """Replicates of each kind on the same scores, one after another."""
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
        shared = design(scenario, motifs, seed=1)
        made += [draw(shared, replicate) for replicate in range(replicates)]
    return made


def together(many: list[Dataset], parts: Decomposition, repeats: int) -> float:
    """Least processor time of a fit among many, in milliseconds: all replicates are given at once."""
    expressions = [data.expression for data in many]
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        fit_mixed_models(many[0].scores, expressions, decomposition=parts)
        least = min(least, 1e3 * (time.process_time() - start) / len(many))
    return float(least)


def regnet(mean: str) -> Fit:
    """Our fit with a mean."""
    return lambda data, parts: fit_mixed_model(data.scores, data.expression, mean=mean, decomposition=parts)


def peers(options: argparse.Namespace) -> list[Peer]:
    """Software that is installed; the rest is named."""
    from regnet.models import limix_core_engine, limix_engine

    signal = f"lowrank_{options.limix_rank}"

    def by_limix_core(data: Dataset, parts: Decomposition) -> float:
        fit = limix_core_engine.fit_with_limix_core(data.scores, data.expression, decomposition=parts)
        return fit.log_likelihood

    def as_it_comes(data: Dataset, parts: Decomposition) -> float:
        traits, intercept = np.eye(data.expression.shape[1]), np.ones((len(data.expression), 1))
        model = limix_engine.load()(data.expression, traits, intercept, data.scores, rank=options.limix_rank)
        model.fit(verbose=False)
        basis = canonical_basis(np.array(model.C0), np.array(model.C1))
        assert basis is not None
        return (
            -0.5 * evaluate(spectral_data(parts, rotate(parts, data.expression, intercept)), basis).deviance
        )

    def mended(data: Dataset, parts: Decomposition) -> float:
        fit = limix_engine.fit_with_limix(data.scores, data.expression, signal=signal, decomposition=parts)
        return fit.log_likelihood

    def is_small(size: Size) -> bool:
        return bool(size[0] <= options.limix_largest[0] and size[1] <= options.limix_largest[1])

    def has_few_conditions(size: Size) -> bool:
        return bool(size[2] <= options.limix_core_conditions)

    found: list[Peer] = []
    for load, some in (
        (
            limix_core_engine.load,
            [Peer("limix-core", "freeform", "none", 50.0, has_few_conditions, by_limix_core)],
        ),
        (
            limix_engine.load,
            [
                Peer("limix 3 as it comes", signal, "intercept", 10_000.0, is_small, as_it_comes),
                Peer("limix 3 mended", signal, "intercept", 10_000.0, is_small, mended),
            ],
        ),
    ):
        try:
            load()
            found += some
        except InputError as error:
            print(f"not taking part: {error}")
    return found


def timed(
    fit: Callable[[Dataset, Decomposition], Result], data: Dataset, parts: Decomposition, repeats: int
) -> tuple[float, Result]:
    """Least processor time of some repeats, in milliseconds, and what the fit gave."""
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        result = fit(data, parts)
        least = min(least, 1e3 * (time.process_time() - start))
    return least, result


def report(size: Size, options: argparse.Namespace, others: list[Peer]) -> None:
    """Measure one size."""
    many = datasets(*size, replicates=options.replicates)
    kinds = many[:: options.replicates]
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
    at_once = together(many, parts, options.repeats)
    print(f"  {len(many)} replicates given at once: {at_once:.2f} ms a fit {target}", flush=True)
    # Every fifth dataset has another V, Σ and fraction; more than those, and all take part in turn.
    spread = [kinds[(1 + 5 * number) % len(kinds)] for number in range(len(kinds))]
    chosen = spread[: options.peer_fits]
    for peer in others:
        if chosen and peer.takes_part(size):
            compare(peer, chosen, parts, shared, at_once, options.repeats)


def compare(
    peer: Peer, chosen: list[Dataset], parts: Decomposition, shared: float, at_once: float, repeats: int
) -> None:
    """Measure other software, and regnet with the same mean and structure on the same datasets."""

    def same(data: Dataset, parts: Decomposition) -> MixedModelFit:
        return fit_mixed_model(data.scores, data.expression, peer.signal, mean=peer.mean, decomposition=parts)

    ours = [timed(same, data, parts, repeats) for data in chosen]
    try:
        theirs = [timed(peer.fit, data, parts, 1) for data in chosen]
    except TypeError as error:  # as limix 3 does with scipy 1.18
        print(f"  {peer.name}: can't fit ({error})")
        return
    short = [a.log_likelihood - b for (_, a), (_, b) in zip(ours, theirs, strict=True)]
    mine, other = median(t for t, _ in ours), median(t for t, _ in theirs)
    print(
        f"  {peer.name} ({peer.signal}, mean {peer.mean}, {len(chosen)} datasets): "
        f"{other:.0f} ms, regnet {mine:.2f} ms"
    )
    many = f", replicates at once {other / at_once:.0f}" if peer.mean == "none" else ""
    print(
        f"    ratio {other / mine:.0f}{many} (wanted {peer.wanted_ratio:.0f}), "
        f"with the decomposition {(other + shared) / (mine + shared):.1f}; log-likelihood ours − theirs: "
        f"least {min(short):.5f}, median {median(short):.3f}, most {max(short):.3f}",
        flush=True,
    )


def sizes(text: str) -> tuple[int, ...]:
    """Read ``978x200x4``."""
    return tuple(int(number) for number in text.split("x"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="times that regnet fits each dataset")
    parser.add_argument("--replicates", type=int, default=4, help="replicates of each kind, given at once")
    parser.add_argument("--peer-fits", type=int, default=6, help="datasets that peers fit")
    parser.add_argument(
        "--limix-core-conditions", type=int, default=10, help="most conditions for limix-core"
    )
    parser.add_argument(
        "--limix-largest",
        type=sizes,
        default=(300, 50),
        metavar="GxT",
        help="most genes × motifs for limix 3",
    )
    parser.add_argument("--limix-rank", type=int, default=2, help="rank of V where limix 3 takes part")
    parser.add_argument(
        "--sizes", type=sizes, nargs="+", default=SIZES, metavar="GxTxC", help="genes × motifs × conditions"
    )
    options = parser.parse_args()
    others = peers(options) if options.peer_fits else []
    for size in options.sizes:
        report(size, options, others)


if __name__ == "__main__":
    main()
