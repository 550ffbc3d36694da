"""What does the original software call its files, and what does such a name say?

The original kept every parameter in the file's name. This is the one place that builds those names and
reads them back. Two orders of parts exist among them (`_ORDERS`); a result adds to its data set's parts
how it was fitted.

Where this departs from the original, on purpose: it wrote a fraction f as ``int(100 * f)``, which calls
0.125 ``12`` and 0.29 ``28``, so that different studies overwrote each other. Here a fraction is written
as its exact percentage (``12.5``, ``29``), which the original's own reader turns back into the fraction;
wherever the original was exact, the names are the same.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath

from regnet.errors import InputError, shown

DATA_SET = "Ybetaparams_generated"

_DATA_ORDER = ("C", "G", "TF", "V", "rep", "Sigma", "fracS", "R2method", "frac")
_EFFECTS_ORDER = (
    *("C", "G", "TF", "V", "limixV", "rep", "Sigma", "fracS", "limixE", "R2method", "frac"),
    *("initOriginal", "corr"),
)
_ACCURACY_ORDER = (
    *("C", "G", "TF", "rep", "Sigma", "fracS", "limixE", "V", "limixV", "R2method", "frac"),
    "initOriginal",
)
_ORDERS: dict[str, tuple[str, ...]] = {
    DATA_SET: _DATA_ORDER,
    "beta_posterior": _EFFECTS_ORDER,
    "beta_ridge": _EFFECTS_ORDER,
    "abs_mean_beta": _EFFECTS_ORDER,
    "Correlation_beta_both": _EFFECTS_ORDER,
    "Rsquared": _ACCURACY_ORDER,
    "KLdivV": _ACCURACY_ORDER,
    "KLdivSigma": _ACCURACY_ORDER,
    "VSigmaKiY": _ACCURACY_ORDER,
    "verbose": _ACCURACY_ORDER,
}

KINDS = tuple(_ORDERS)
"""What a file can hold, as its name begins."""

_OPTIONAL = {"TF", "fracS", "limixV", "limixE", "initOriginal", "corr"}
_COUNT, _PERCENT = r"[1-9]\d{0,8}", r"\d{1,3}(?:\.\d{1,17})?"
_STRUCTURE = r"[a-z]+(?:_[a-z]+)?(?:_\d+)*"  # freeform, lowrank_id_2, block_2_2
_VALUES = {
    **{"C": _COUNT, "G": _COUNT, "TF": _COUNT, "rep": _COUNT, "frac": _PERCENT, "fracS": _PERCENT},
    **{"V": r"[a-z]+(?:_\d+)?", "Sigma": r"[A-Za-z]+", "R2method": r"[A-Za-z]+(?:_[A-Za-z]+)*"},
    **{"limixV": _STRUCTURE, "limixE": _STRUCTURE, "corr": "pearson|spearman"},
}
_ENDINGS = (".pkl.gz", ".pkl", ".npz", ".json", ".csv")

_OUR_SIGNALS = {"freeform": "random", "identity": "id"}
_ORIGINAL_NOISE_MODELS = {"freeform": "random", "diagonal": "diag"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyName:
    """A file name of the original software, in parts; ``str`` puts it together, without an ending.

    The words are the original's: ``covariance`` is ``id``, ``freeform`` or ``lowrank_k``, ``noise``
    one of random, identity, randomV, identityV; ``signal_model`` and ``noise_model`` are what limix
    fitted (``limixV``, ``limixE``). :meth:`scenario_fields` gives them in regNet's words.

    Raises
    ------
    InputError
        Where the parts make no name that can be read back.
    """

    kind: str = DATA_SET
    conditions: int
    genes: int
    tfs: int | None = None
    covariance: str
    replicates: int
    noise: str
    noise_fraction: float | None = None
    signal_fraction: float
    scaling: str = "mean_V_mean_M"
    signal_model: str | None = None
    noise_model: str | None = None
    from_truth: bool = False
    correlation: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in _ORDERS:
            raise InputError("kind", "one of " + ", ".join(KINDS), shown(self.kind))
        if self.noise_fraction is not None and not self.noise.endswith("V"):
            found = f"{self.noise} with {self.noise_fraction}"
            raise InputError("noise_fraction", "a number only where the noise ends in V", found)
        said = {part for part, value in self._parts().items() if value is not None}
        if surplus := said - set(_ORDERS[self.kind]):
            raise InputError(str(sorted(surplus)[0]), f"a part that {self.kind} has", "one too many")
        if _match(str(self)) is None:
            raise InputError("file name", "parts of letters, digits and _", shown(str(self)))

    def __str__(self) -> str:
        parts = self._parts()
        words = [self.kind]
        for part in _ORDERS[self.kind]:
            value = parts[part]
            if value is not None:
                words.append(f"{part}_{value}" if value else part)
        return "_".join(words)

    def _parts(self) -> dict[str, str | None]:
        """Return each part's text: None where it is left out, empty where its name says it all."""
        return {
            "C": str(self.conditions),
            "G": str(self.genes),
            "TF": None if self.tfs is None else str(self.tfs),
            "V": self.covariance,
            "rep": str(self.replicates),
            "Sigma": self.noise,
            "fracS": None if self.noise_fraction is None else percentage(self.noise_fraction),
            "R2method": self.scaling,
            "frac": percentage(self.signal_fraction),
            "limixV": _as_file_part(self.signal_model),
            "limixE": _as_file_part(self.noise_model),
            "initOriginal": "" if self.from_truth else None,
            "corr": self.correlation,
        }

    def data_set(self) -> LegacyName:
        """Return the name of the data set that this result was computed from."""
        return dataclasses.replace(
            self, kind=DATA_SET, signal_model=None, noise_model=None, from_truth=False, correlation=None
        )

    def scenario_fields(self) -> dict[str, int | float | str]:
        """Return the parts that a :class:`regnet.Scenario` has fields for, in its words."""
        fields: dict[str, int | float | str] = {
            "conditions": self.conditions,
            "genes": self.genes,
            "covariance": _OUR_SIGNALS.get(self.covariance, self.covariance),
            "noise": self.noise,
            "signal_fraction": self.signal_fraction,
        }
        if self.tfs is not None:
            fields["tfs"] = self.tfs
        if self.noise_fraction is not None:
            fields["noise_fraction"] = self.noise_fraction
        return fields


def name_of(
    kind: str,
    *,
    conditions: int,
    genes: int,
    tfs: int,
    covariance: str,
    replicates: int,
    noise: str,
    noise_fraction: float,
    signal_fraction: float,
    signal_model: str | None = None,
    noise_model: str | None = None,
    from_truth: bool = False,
    correlation: str | None = None,
) -> LegacyName:
    """Return the original's name for something of ours; every word is regNet's."""
    return LegacyName(
        kind=kind,
        conditions=conditions,
        genes=genes,
        tfs=tfs,
        covariance="freeform" if covariance == "random" else covariance,
        replicates=replicates,
        noise=noise,
        noise_fraction=noise_fraction if noise.endswith("V") else None,
        signal_fraction=signal_fraction,
        signal_model=signal_model,
        noise_model=_ORIGINAL_NOISE_MODELS.get(noise_model or "", noise_model),
        from_truth=from_truth,
        correlation=correlation,
    )


def parse_name(path: str | PurePath) -> LegacyName:
    """Read a file name of the original software, whatever folder and ending it has.

    Raises
    ------
    InputError
        Where it isn't one.
    """
    name = PurePath(path).name
    stem = next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), name)
    match = _match(stem)
    if match is None:
        wanted = f"a name of the original software ({', '.join(KINDS)}, then _C_… and the other parts)"
        raise InputError("file name", wanted, shown(name))
    said = match.groupdict()
    noise_fraction = said["fracS"]
    return LegacyName(
        kind=said["kind"],
        conditions=int(said["C"]),
        genes=int(said["G"]),
        tfs=int(said["TF"]) if said["TF"] else None,
        covariance=said["V"],
        replicates=int(said["rep"]),
        noise=said["Sigma"],
        noise_fraction=fraction(noise_fraction) if noise_fraction else None,
        signal_fraction=fraction(said["frac"]),
        scaling=said["R2method"],
        signal_model=_as_structure(said.get("limixV")),
        noise_model=_as_structure(said.get("limixE")),
        from_truth=bool(said.get("initOriginal")),
        correlation=said.get("corr"),
    )


def percentage(share: float) -> str:
    """Return a fraction between 0 and 1 as its exact percentage: 0.4 is ``40``, 0.125 ``12.5``.

    Raises
    ------
    InputError
        Where it isn't between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise InputError("fraction", "a number from 0 to 1", shown(share))
    exact = (Decimal(repr(float(share))) * 100).normalize()
    return f"{exact:f}" if exact else "0"


def fraction(percent: str) -> float:
    """Return the fraction that a percentage stands for; the inverse of :func:`percentage`."""
    return float(Decimal(percent) / 100)


def _match(stem: str) -> re.Match[str] | None:
    for kind, order in _ORDERS.items():
        if match := re.fullmatch(_pattern(kind, order), stem):
            return match
    return None


def _pattern(kind: str, order: Iterable[str]) -> str:
    pattern = f"(?P<kind>{kind})"
    for part in order:
        if part == "initOriginal":
            piece = "_(?P<initOriginal>initOriginal)"
        else:
            piece = f"_{part}_(?P<{part}>{_VALUES[part]})"
        pattern += f"(?:{piece})?" if part in _OPTIONAL else piece
    return pattern


def _as_file_part(structure: str | None) -> str | None:
    """Return a structure as a name may hold it: ``block:2+2`` becomes ``block_2_2``."""
    return re.sub(r"[:+]", "_", structure) if structure is not None else None


def _as_structure(part: str | None) -> str | None:
    if part and re.fullmatch(r"block(_\d+)+", part):
        return "block:" + "+".join(part.split("_")[1:])
    return part
