"""What expression would we see if these motifs had such effects? Simulated data with known truth.

    Y = M B + E        rows of B ~ N(0, s²V)        rows of E ~ N(0, Σ)

with M the motif scores in use, V and Σ the covariances between conditions, and s the scale of the
effects that gives the signal fraction asked for. What all replicates of a scenario share (M, V, Σ, the
held-out genes) is a :class:`Design`; a replicate is drawn from it. After Lederer, Heskes, van
Heeringen & Albers, PLoS ONE 15(5):e0231824 (2020), who searched for the scale that here is solved for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.files.motifs import MotifScores, motif_scores
from regnet.models.true_covariance import draw_noise_covariance, draw_signal_covariance
from regnet.motif_subset import choose_subset
from regnet.randomness import stream
from regnet.scenario import Scenario
from regnet.synthetic_motifs import motifs_for

if TYPE_CHECKING:
    import pandas as pd

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Design:
    """What all replicates of a scenario share.

    Attributes
    ----------
    scenario : Scenario
        The world that is simulated.
    seed : int
        Seed of the study.
    identity : str
        Name of the data, from the scenario and the motif table's content.
    scores : ndarray of shape (n_genes, n_motifs)
        Motif scores M as used: a subset of the table, each motif scaled to [0, 1), centred if asked.
    held_out_scores : ndarray of shape (n_held_out, n_motifs)
        Scores of further genes, with the same scaling.
    genes, motifs, held_out_genes, conditions : tuple of str
        Names.
    signal_covariance, noise_covariance : ndarray of shape (n_conditions, n_conditions)
        V and Σ, both of trace 1.
    signal_root, noise_root : ndarray of shape (n_conditions, n_conditions)
        Their symmetric square roots.
    notes : tuple of str
        What the user should know: constant motifs that were dropped, and the like.
    """

    scenario: Scenario
    seed: int
    identity: str
    scores: Matrix
    held_out_scores: Matrix
    genes: tuple[str, ...]
    motifs: tuple[str, ...]
    held_out_genes: tuple[str, ...]
    conditions: tuple[str, ...]
    signal_covariance: Matrix
    noise_covariance: Matrix
    signal_root: Matrix
    noise_root: Matrix
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """One replicate of simulated expression, and the truth behind it.

    Attributes
    ----------
    expression : ndarray of shape (n_genes, n_conditions)
        Y = M·B + E.
    effects : ndarray of shape (n_motifs, n_conditions)
        True effects B.
    scores : ndarray of shape (n_genes, n_motifs)
        Motif scores M as used: scaled, and centred if the scenario says so.
    signal_covariance : ndarray of shape (n_conditions, n_conditions)
        s²V, the covariance of the effects' rows, scale included; zero at signal fraction 0.
    noise_covariance : ndarray of shape (n_conditions, n_conditions)
        Σ, of trace 1; zero at signal fraction 1.
    scenario : Scenario
        The world that was simulated.
    genes, motifs, conditions : tuple of str
        Names of the genes, motifs and conditions.
    replicate : int
        The replicate's number, from 0.
    scale : float
        s², the factor on V of trace 1.
    signal_fraction : float
        Realised share of the variance, 1 − ‖E‖²/‖Y − mean(Y)‖² with one grand mean.
    within_condition_fraction : float
        The same within conditions: each condition's mean taken from E and Y. It is what the motifs
        explain of the differences between genes; the rest of the signal fraction lies in the
        conditions' means. NaN where expression does not vary within conditions.
    held_out_scores : ndarray of shape (n_held_out, n_motifs)
        Scores of genes that no fit sees; no rows where none were asked for or left.
    held_out_expression : ndarray of shape (n_held_out, n_conditions)
        Their expression.
    held_out_genes : tuple of str
        Their names.
    notes : tuple of str
        What the user should know about the motif table's use.
    """

    expression: Matrix
    effects: Matrix
    scores: Matrix
    signal_covariance: Matrix
    noise_covariance: Matrix
    scenario: Scenario
    genes: tuple[str, ...]
    motifs: tuple[str, ...]
    conditions: tuple[str, ...]
    replicate: int
    scale: float
    signal_fraction: float
    within_condition_fraction: float
    held_out_scores: Matrix
    held_out_expression: Matrix
    held_out_genes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def simulate(
    scenario: Scenario,
    motifs: MotifScores | pd.DataFrame | None = None,
    *,
    seed: int = 1,
    replicate: int = 0,
    held_out: int = 0,
) -> Dataset:
    """Simulate one replicate of a scenario.

    Parameters
    ----------
    scenario : Scenario
        What is simulated.
    motifs : MotifScores or DataFrame, optional
        The motif table, raw, as :func:`regnet.read_motifs` gives it. By default the one that
        `scenario.motifs` names, read anew or made to the scenario's size.
    seed : int
        Seed of the study. The same seed, scenario, table and replicate give the same data.
    replicate : int
        Number of the replicate, from 0.
    held_out : int
        Most further genes of the table that get expression too, for held-out R². Their number
        changes nothing else.

    Raises
    ------
    InputError
        Where the table has fewer genes or motifs than asked for, or can't be read.
    """
    if motifs is None:
        motifs = motifs_for(scenario, seed, held_out=held_out)
    table = motifs if isinstance(motifs, MotifScores) else motif_scores(motifs)
    return draw(design(scenario, table, seed=seed, held_out=held_out), replicate)


def design(scenario: Scenario, motifs: MotifScores, *, seed: int = 1, held_out: int = 0) -> Design:
    """Choose genes and motifs, scale the scores and draw V and Σ, once for all replicates.

    Parameters and errors are those of :func:`simulate`, with `motifs` read.

    Notes
    -----
    V follows from the seed, the number of conditions and its kind; Σ from those of the noise, and
    from V's kind where part of it is V. Both are therefore the same over the other parameters.
    """
    subset = choose_subset(scenario, motifs, seed=seed, held_out=held_out)
    n_conditions = scenario.conditions
    kind = (n_conditions, scenario.covariance)
    signal = draw_signal_covariance(
        scenario.covariance, n_conditions, stream(seed, "signal covariance", *kind)
    )
    of_signal = (scenario.covariance,) if scenario.noise_holds_signal else ()
    noise = draw_noise_covariance(
        scenario.noise,
        n_conditions,
        scenario.noise_fraction,
        signal,
        stream(seed, "noise covariance", n_conditions, scenario.noise, *of_signal),
    )
    return Design(
        scenario=scenario,
        seed=seed,
        identity=scenario.identity(motifs.fingerprint),
        scores=subset.scores,
        held_out_scores=subset.held_out_scores,
        genes=subset.genes,
        motifs=subset.motifs,
        held_out_genes=subset.held_out_genes,
        conditions=tuple(f"condition_{number}" for number in range(1, n_conditions + 1)),
        signal_covariance=signal,
        noise_covariance=noise,
        signal_root=symmetric_root(signal),
        noise_root=symmetric_root(noise),
        notes=motifs.notes + subset.notes,
    )


def draw(design: Design, replicate: int) -> Dataset:
    """Draw effects and noise of one replicate, and add them up to its expression.

    Raises
    ------
    InputError
        Where the motifs' contribution is the same for all genes and conditions, so that no scale
        gives the signal fraction asked for.
    """
    scenario = design.scenario
    n_genes, n_motifs = design.scores.shape
    n_conditions = scenario.conditions
    fraction = scenario.signal_fraction

    def normal(what: str, n_rows: int) -> Matrix:
        rng = stream(design.seed, what, design.identity, replicate)
        return rng.standard_normal((n_rows, n_conditions))

    effects = normal("effects", n_motifs) @ design.signal_root
    noise = normal("noise", n_genes) @ design.noise_root
    held_out_noise = normal("held-out noise", len(design.held_out_genes)) @ design.noise_root
    noise_covariance = design.noise_covariance
    if fraction == 1.0:
        noise, held_out_noise = np.zeros_like(noise), np.zeros_like(held_out_noise)
        noise_covariance = np.zeros_like(noise_covariance)
        scale = 1.0
    elif fraction == 0.0:
        scale = 0.0
    elif scenario.signal_mode == "exact":
        scale = _exact_scale(design.scores @ effects, noise, fraction) ** 2
    else:
        scale = _expected_scale(design, fraction)
    effects = math.sqrt(scale) * effects
    expression = design.scores @ effects + noise
    return Dataset(
        expression=expression,
        effects=effects,
        scores=design.scores,
        signal_covariance=scale * design.signal_covariance,
        noise_covariance=noise_covariance,
        scenario=scenario,
        genes=design.genes,
        motifs=design.motifs,
        conditions=design.conditions,
        replicate=replicate,
        scale=scale,
        signal_fraction=explained_fraction(noise, expression, expression.mean()),
        within_condition_fraction=explained_fraction(
            noise - noise.mean(axis=0), expression, expression.mean(axis=0)
        ),
        held_out_scores=design.held_out_scores,
        held_out_expression=design.held_out_scores @ effects + held_out_noise,
        held_out_genes=design.held_out_genes,
        notes=design.notes,
    )


def _exact_scale(signal: Matrix, noise: Matrix, fraction: float) -> float:
    """Return s > 0 such that Y = s·A + E has 1 − ‖E‖²/‖Y − mean(Y)‖² equal to the fraction.

    With a tilde for "grand mean taken away" this is the positive root of

        s²‖Ã‖² + 2 s ⟨Ã, Ẽ⟩ − [ ‖E‖² f/(1−f) + n·mean(E)² ] = 0

    whose constant term is negative for 0 < f < 1, so that there is exactly one.
    """
    centred = signal - signal.mean()
    square = float(np.vdot(centred, centred))
    if square <= (1e-12 * float(np.abs(signal).max(initial=0.0))) ** 2 * signal.size:
        raise _constant_signal()
    cross = float(np.vdot(centred, noise))
    rest = float(np.vdot(noise, noise)) * fraction / (1.0 - fraction) + noise.size * float(noise.mean()) ** 2
    root = math.sqrt(cross**2 + square * rest)
    # The form without cancellation, for either sign of the cross term.
    return rest / (root + cross) if cross > 0.0 else (root - cross) / square


def _expected_scale(design: Design, fraction: float) -> float:
    """Return σ² such that the signal fraction is right for the expected sums of squares:

    σ² = [ G trΣ f/(1−f) + 1ᵀΣ1/C ] / [ ‖M‖² trV − ‖1ᵀM‖² (1ᵀV1)/(GC) ]
    """
    scores, signal, noise = design.scores, design.signal_covariance, design.noise_covariance
    n_genes, n_conditions = scores.shape[0], signal.shape[0]
    sums = scores.sum(axis=0)
    total = float(np.vdot(scores, scores)) * float(np.trace(signal))
    of_mean = float(sums @ sums) * float(signal.sum()) / (n_genes * n_conditions)
    if total - of_mean <= 1e-12 * total:
        raise _constant_signal()
    of_noise = n_genes * float(np.trace(noise)) * fraction / (1.0 - fraction)
    return float((of_noise + noise.sum() / n_conditions) / (total - of_mean))


def _constant_signal() -> InputError:
    return InputError(
        "signal_fraction",
        "motif scores whose contribution differs between genes or conditions",
        "the same contribution everywhere",
        "use more genes, motifs or conditions",
    )


def explained_fraction(noise: Matrix, expression: Matrix, mean: Matrix | np.float64) -> float:
    """Return 1 − ‖E‖²/‖Y − mean‖², NaN where the expression does not vary about the mean."""
    deviation = expression - mean
    total = float(np.vdot(deviation, deviation))
    return 1.0 - float(np.vdot(noise, noise)) / total if total > 0.0 else math.nan


def symmetric_root(covariance: Matrix) -> Matrix:
    """Return the symmetric root, which unlike a factor of eigenvectors is unique."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T, dtype=np.float64)
