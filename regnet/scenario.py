"""What does one simulated world look like?

A :class:`Scenario` holds everything that decides how expression is generated, and nothing else: not
how it is fitted, not on how many cores. It is frozen and valid: if it exists, it can be simulated.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from regnet.errors import InputError, shown
from regnet.models.structure_names import TRUE_NOISES, parse_true_noise, parse_true_signal
from regnet.parameters import Flag, OneOf, Real, Text, Value, Whole, canonical_fields, declare

ORIGINAL_COVARIANCES = "original"
"""A study's word for the four covariances that the original software always generates."""


@dataclass(frozen=True, slots=True)
class TrueSignal:
    """The covariances between conditions that effects are drawn with: id, random, lowrank_k."""

    choices: tuple[str, ...] = (ORIGINAL_COVARIANCES, "id", "random", "lowrank_2")
    wanted: str = (
        "id, random (= freeform), lowrank_k with a whole number k of at least 1, "
        "or original (the four of the original software)"
    )

    def read(self, given: object) -> Value | None:
        if not isinstance(given, str):
            return None
        if given.strip() == ORIGINAL_COVARIANCES:
            return ORIGINAL_COVARIANCES
        try:
            return str(parse_true_signal(given))
        except InputError:
            return None


@dataclass(frozen=True, slots=True)
class TrueNoise:
    """The shapes of noise that can be simulated: random, identity, randomV, identityV."""

    choices: tuple[str, ...] = tuple(TRUE_NOISES)
    wanted: str = "one of " + ", ".join(TRUE_NOISES)

    def read(self, given: object) -> Value | None:
        if not isinstance(given, str):
            return None
        try:
            return parse_true_noise(given)
        except InputError:
            return None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One simulated world: Y = M·B + E with rows of B ~ N(0, s²V) and rows of E ~ N(0, Σ).

    All fields are scalars; a grid of scenarios is a :class:`regnet.Study`.

    Raises
    ------
    InputError
        Where a field's value can't be used or two fields contradict each other.
    """

    motifs: str = declare(
        "yeast",
        Text(examples=("yeast", "synthetic"), needed=True),
        "motif scores: a shipped table's name, 'synthetic', or a file",
        details="The table of motif scores M. 'yeast' is the shipped table of 5,987 promoters and 179 "
        "JASPAR motifs; 'synthetic' makes a table of any size from a fixed recipe with skewed, "
        "correlated, non-negative scores like the yeast table's; anything else is the path of a table "
        "with one row a gene and one column a motif, as GimmeMotifs writes it (gimme scan -T).",
        group="Motifs",
        common=True,
        grid=True,
    )
    genes: int = declare(
        978,
        Whole(1, 10_000_000),
        "number of genes (rows of the motif table)",
        details="How many genes G take part. They are chosen from the motif table's rows as --subset "
        "says; asking for more than it has is an error.",
        group="Motifs",
        common=True,
        grid=True,
    )
    tfs: int = declare(
        100,
        Whole(1, 100_000),
        "number of transcription factors (motifs, columns of the table)",
        details="How many motifs T take part, chosen from the table's columns as --subset says, without "
        "replacement, after columns that are constant over the genes in use have been dropped.",
        group="Motifs",
        common=True,
        grid=True,
    )
    subset: str = declare(
        "random",
        OneOf(("random", "variable", "first")),
        "which genes and motifs: random, variable (the most variable) or first",
        details="random: a draw without replacement that follows from the seed, the table, the numbers "
        "of genes and motifs; variable: the rows and columns of the highest variance; first: the "
        "table's first.",
        group="Motifs",
        grid=True,
    )
    centre_motifs: bool = declare(
        False,
        Flag(),
        "centre each motif's scores to mean zero",
        details="Motif scores are scaled to [0, 1] for every motif. Uncentred, most of the 'signal' is "
        "the difference between the conditions' means; centred, all of it lies within conditions.",
        group="Motifs",
        grid=True,
    )
    conditions: int = declare(
        4,
        Whole(1, 1000),
        "number of conditions (samples, columns of Y)",
        details="How many conditions C expression is simulated in.",
        group="Simulation",
        common=True,
        grid=True,
    )
    covariance: str = declare(
        "random",
        TrueSignal(),
        "covariance V of motif effects between conditions: id, random, lowrank_k, original",
        details="id: independent conditions. random (= freeform): (I+N)(I+N)ᵀ with N uniform on (0,1). "
        "lowrank_k: the conditions fall into k blocks of random sizes, with ones inside a block and "
        "-0.01 between blocks (for fitting, the same name means LLᵀ of rank k). original: the four that "
        "the original software always generates: id, random, lowrank_2 and lowrank_C/2.",
        group="Simulation",
        common=True,
        grid=True,
        study_default=(ORIGINAL_COVARIANCES,),
    )
    signal_fraction: float = declare(
        0.2,
        Real(0.0, 1.0),
        "share of expression's variance that the motifs explain (R²)",
        details="The realised share 1 - |E|²/|Y - mean(Y)|² in exact mode, its expectation in expected "
        "mode. 0: no effects at all; 1: no noise.",
        group="Simulation",
        common=True,
        grid=True,
    )
    signal_mode: str = declare(
        "exact",
        OneOf(("exact", "expected")),
        "exact: every replicate hits the signal fraction; expected: on average",
        details="exact: the effects' scale is solved for in every replicate, so that the realised signal "
        "fraction is the requested one (as the original did by search). expected: the scale of V is "
        "set once, so that the realised fraction varies between replicates about the requested one.",
        group="Simulation",
        grid=True,
    )
    noise: str = declare(
        "random",
        TrueNoise(),
        "covariance Σ of the noise between conditions",
        details="identity: independent noise. random: RᵀR with R standard normal. identityV and randomV "
        "add a multiple of the signal's covariance V, whose share of the noise is the noise fraction.",
        group="Simulation",
        common=True,
        grid=True,
    )
    noise_fraction: float = declare(
        0.7,
        Real(0.0, 1.0),
        "V's share of the noise, for randomV and identityV",
        details="With noise identityV or randomV: the share (by trace) of the noise covariance that is "
        "proportional to V. At 1, noise has the covariance of the signal and the LMM can gain nothing. "
        "It has no meaning, and no effect, with the noises random and identity.",
        group="Simulation",
        common=True,
        grid=True,
    )

    dataset: str = declare(
        "",
        Text(),
        "fit data sets from files instead of simulating: a file, or a folder of them",
        details="An .npz that 'regnet simulate' wrote, or a .pkl of the original software: its replicates "
        "are fitted as they are. In a folder, each scenario's file is found by the original's name for it. "
        "The other parameters have to say what the file holds; 'regnet fit FILE --as-study' writes them.",
        group="Simulation",
    )

    def __post_init__(self) -> None:
        canonical_fields(self)
        if self.covariance == ORIGINAL_COVARIANCES:
            raise InputError(
                "covariance",
                "a single covariance (id, random, lowrank_k) in a Scenario",
                shown(self.covariance),
                "'original' stands for several: use it in a Study",
            )
        parse_true_signal(self.covariance, self.conditions)

    @property
    def noise_holds_signal(self) -> bool:
        """Whether part of the noise has the covariance V of the signal (identityV, randomV)."""
        return self.noise.endswith("V")

    def replace(self, **changes: Value) -> Scenario:
        """Return a scenario with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def canonical(self) -> dict[str, Value]:
        """Return the fields that decide the data, defaults and those without effect left out."""
        fields = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        if not self.noise_holds_signal:
            fields.pop("noise_fraction", None)
        return fields

    def identity(self, motif_fingerprint: str = "") -> str:
        """Return 16 hex digits that name the data this scenario generates.

        `motif_fingerprint` stands for the motif table's content; with it, the same table under
        another name or path gives the same data.
        """
        fields: dict[str, Any] = self.canonical()
        if motif_fingerprint:
            fields["motifs"] = motif_fingerprint
        text = json.dumps(fields, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
