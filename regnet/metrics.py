"""Which measures of accuracy are reported, what does each mean, and which way is better?

The one list that tables, reports, the command line and the app read. The values are computed by
:func:`regnet.scoring.score`; ``seconds`` is measured where a replicate is computed. A metric that is
not defined for a fit (coverage of a ridge fit, a correlation with effects that are all zero, held-out
R² where no rows are left) is missing there, and counted as undefined in summaries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One measure of a fit.

    Attributes
    ----------
    name : str
        Name in mappings, files and columns of tables.
    title : str
        Short heading of a table's column.
    meaning : str
        What it is, in one sentence.
    better : "higher", "lower" or None
        Which values are better; None where neither is.
    short : str
        Heading of a narrow column, where the title is longer than 11 characters; unlike all others.
    """

    name: str
    title: str
    meaning: str
    better: Literal["higher", "lower"] | None
    short: str = ""


METRICS: tuple[Metric, ...] = (
    Metric(
        "pearson",
        "Pearson r",
        "Pearson correlation of true and estimated effects over all motifs and conditions.",
        "higher",
    ),
    Metric(
        "pearson_by_condition",
        "Pearson r, by condition",
        "Pearson correlation of true and estimated effects of the motifs, averaged over the conditions.",
        "higher",
        "r by cond.",
    ),
    Metric(
        "spearman",
        "Spearman ρ",
        "Spearman rank correlation of true and estimated effects over all motifs and conditions.",
        "higher",
    ),
    Metric(
        "spearman_by_condition",
        "Spearman ρ, by condition",
        "Spearman rank correlation of true and estimated effects of the motifs, averaged over the "
        "conditions.",
        "higher",
        "ρ by cond.",
    ),
    Metric(
        "rmse",
        "RMSE",
        "Root mean squared error of the estimated effects over all motifs and conditions.",
        "lower",
    ),
    Metric(
        "r2",
        "R²",
        "Share of the expression's variance about its grand mean that the fit explains, on the genes fitted.",
        "higher",
    ),
    Metric(
        "r2_held_out",
        "R², held out",
        "Share of the expression's variance about its grand mean that the fit predicts, on genes that no "
        "fit saw.",
        "higher",
        "R² held out",
    ),
    Metric(
        "top_motifs",
        "Top motifs",
        "Share of the truly strongest motifs among as many estimated strongest, by the root sum of squares "
        "of their effects over the conditions.",
        "higher",
    ),
    Metric(
        "coverage",
        "Coverage",
        "Share of the true effects inside their 95% intervals, estimate ± 1.96 posterior standard "
        "deviations; 0.95 is right.",
        None,
    ),
    Metric(
        "log_likelihood",
        "Log-likelihood",
        "Maximised log-likelihood of the mixed model (restricted likelihood under REML).",
        None,
        "Log-lik.",
    ),
    Metric(
        "kl_signal",
        "KL, V",
        "Kullback–Leibler divergence KL( N(0, estimated V) ‖ N(0, true V) ) in nats, both scaled to "
        "trace 1 and with 1e-4/C added to their diagonals.",
        "lower",
    ),
    Metric(
        "kl_noise",
        "KL, Σ",
        "Kullback–Leibler divergence KL( N(0, estimated Σ) ‖ N(0, true Σ) ) in nats, both scaled to "
        "trace 1 and with 1e-4/C added to their diagonals.",
        "lower",
    ),
    Metric(
        "frobenius_signal",
        "Frobenius, V",
        "Relative Frobenius error of the estimated V, both scaled to trace 1.",
        "lower",
        "Frob. V",
    ),
    Metric(
        "frobenius_noise",
        "Frobenius, Σ",
        "Relative Frobenius error of the estimated Σ, both scaled to trace 1.",
        "lower",
        "Frob. Σ",
    ),
    Metric(
        "kl_signal_unscaled",
        "KL, V unscaled",
        "The same divergence without scaling, with 1e-4·tr(true V)/C added to both diagonals.",
        "lower",
        "KL, V raw",
    ),
    Metric(
        "kl_noise_unscaled",
        "KL, Σ unscaled",
        "The same divergence without scaling, with 1e-4·tr(true Σ)/C added to both diagonals.",
        "lower",
        "KL, Σ raw",
    ),
    Metric(
        "frobenius_signal_unscaled",
        "Frobenius, V unscaled",
        "Relative Frobenius error of the estimated V, without scaling.",
        "lower",
        "Frob. V raw",
    ),
    Metric(
        "frobenius_noise_unscaled",
        "Frobenius, Σ unscaled",
        "Relative Frobenius error of the estimated Σ, without scaling.",
        "lower",
        "Frob. Σ raw",
    ),
    Metric(
        "seconds",
        "Seconds",
        "Time of the fit, without the decomposition that replicates share; that of replicates which were "
        "fitted together is shared out evenly.",
        "lower",
    ),
    Metric("iterations", "Iterations", "Iterations of the optimiser.", None),
    Metric("converged", "Converged", "1 where the optimiser converged, 0 where it did not.", None),
    Metric(
        "at_boundary",
        "At boundary",
        "1 where the optimum lies on the boundary (a singular covariance, or a penalty at an end of its "
        "range), else 0.",
        None,
    ),
    Metric(
        "penalty",
        "Penalty",
        "Ridge penalty k of (MᵀM + kI)⁻¹MᵀY; the geometric mean where each condition has its own.",
        None,
    ),
)
"""Every metric, in the order of tables."""

METRICS_BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
