"""What is a covariance between conditions called, and which names exist?

The one place where names of covariance structures are read: those of models that are
fitted (``freeform``, ``lowrank_id_2``, ``block:2+2`` …) and those of truths that are
simulated (``random``, ``lowrank_2``, ``identityV`` …). Only the standard library is
imported, so a form or a command line can check what the user types without loading numpy.

The list is that of limix's trait covariances (Casale et al., limix-core 1.0) and more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from regnet.errors import InputError, shown

Role = Literal["signal", "noise"]

ALIASES = {"random": "freeform", "diag": "diagonal", "identity": "id"}
"""Other names under which the same structure is known, and its canonical name."""

STRUCTURES = {
    "freeform": "any positive semidefinite matrix",
    "diagonal": "one variance per condition, no covariance",
    "id": "one variance, s I",
    "lowrank_k": "L L' with L of k columns (where data are simulated, lowrank_k means k blocks)",
    "lowrank_id_k": "L L' + s I, with L of k columns",
    "lowrank_diag_k": "L L' + one variance per condition, with L of k columns",
    "block": "one covariance for all pairs, s 11'",
    "block:n+n": "a partition of the conditions (block:2+2), in each block s_b (11' + I)",
    "block_id": "s1 11' + s2 I",
    "block_diag": "s 11' + one variance per condition",
    "fixed": "s K with a given matrix K",
    "truth": "s K with the matrix K that generated the data",
    "proportional": "noise only: a multiple of the signal covariance, k V",
}
"""Every structure that can be fitted, as the user writes it, and what it means."""

TRUE_SIGNALS = {
    "id": "independent conditions of equal variance",
    "random": "(I+N)(I+N)' with N uniform on (0, 1); also called freeform",
    "lowrank_k": "k blocks of conditions (where models are fitted, lowrank_k means L L')",
}
"""Every signal covariance that data can be simulated with."""

TRUE_NOISES = {
    "random": "R'R with R standard normal",
    "identity": "independent conditions of equal variance",
    "randomV": "random, plus a multiple of the signal covariance",
    "identityV": "identity, plus a multiple of the signal covariance",
}
"""Every noise covariance that data can be simulated with."""

_RANKED = re.compile(r"(lowrank(?:_id|_diag)?)_(\d+)")
_PARTITIONED = re.compile(r"block:(\d+(?:[+,]\d+)*)")
_PLAIN = frozenset(name for name in STRUCTURES if not name.endswith("_k") and ":" not in name)


@dataclass(frozen=True, slots=True)
class StructureName:
    """A covariance structure by name: its kind, and the rank or partition that it has.

    Attributes
    ----------
    kind : str
        Canonical kind without rank or partition: ``lowrank_id``, ``block``, ``freeform`` …
    rank : int or None
        Number of columns of L for the three ``lowrank`` kinds.
    partition : tuple of int
        Sizes of consecutive blocks of conditions for ``block``; empty: one constant.
    """

    kind: str
    rank: int | None = None
    partition: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.rank is not None:
            return f"{self.kind}_{self.rank}"
        if self.partition:
            return f"{self.kind}:{'+'.join(map(str, self.partition))}"
        return self.kind


def parse_structure(text: str | StructureName, where: str = "structure") -> StructureName:
    """Read the name of a structure to fit.

    Accepts the aliases of `ALIASES` and both ``block:2,2`` and ``block:2+2``; ``str`` of the
    result is the canonical form (with ``+``, since commas separate the values of a grid).

    Raises
    ------
    InputError
        Where no such structure exists; it lists those that do. `where` names the field.
    """
    if isinstance(text, StructureName):
        return text
    name = text.strip()
    name = ALIASES.get(name, name)
    if name in _PLAIN:
        return StructureName(name)
    if match := _RANKED.fullmatch(name):
        return StructureName(match[1], rank=_rank(match[2], where, text))
    if match := _PARTITIONED.fullmatch(name):
        sizes = tuple(int(size) for size in re.split(r"[+,]", match[1]))
        if min(sizes) < 1:
            raise InputError(
                where,
                "blocks of at least one condition",
                shown(text),
                "write, say, block:2+2",
            )
        return StructureName("block", partition=sizes)
    raise InputError(where, _one_of(STRUCTURES), shown(text), "choose one of them")


def check(
    structure: str | StructureName,
    n_conditions: int,
    role: Role,
    where: str | None = None,
) -> StructureName:
    """Read a structure and check that it exists for so many conditions in that role.

    Parameters
    ----------
    structure : str or StructureName
        As `parse_structure` accepts it.
    n_conditions : int
        Number of conditions C; the rank may not exceed it, a partition has to sum to it.
    role : "signal" or "noise"
        A noise covariance has to be nonsingular for some values of its parameters, and only
        it can be ``proportional``.
    where : str, optional
        Name of the field in the message; by default the role.

    Raises
    ------
    InputError
    """
    place = where or role
    name = parse_structure(structure, place)
    if name.rank is not None and name.rank > n_conditions:
        raise InputError(
            place,
            f"a rank of at most {n_conditions}, the number of conditions",
            str(name),
            f"use {name.kind}_{n_conditions} or more conditions",
        )
    if name.partition and sum(name.partition) != n_conditions:
        raise InputError(
            place,
            f"blocks that sum to the {n_conditions} conditions",
            f"{name} (sum {sum(name.partition)})",
            "change the partition or the number of conditions",
        )
    if role == "signal" and name.kind == "proportional":
        raise InputError(
            place,
            "a structure of its own for the signal",
            str(name),
            "proportional describes the noise: use it there",
        )
    if role == "noise" and _is_always_singular(name, n_conditions):
        raise InputError(
            place,
            "a noise covariance that can be nonsingular",
            f"{name} for {n_conditions} conditions",
            "use freeform, diagonal, id, lowrank_id_k, lowrank_diag_k, block_id or block_diag",
        )
    return name


def check_pair(
    signal: str | StructureName,
    noise: str | StructureName,
    n_conditions: int,
    where: tuple[str, str] = ("signal", "noise"),
) -> tuple[StructureName, StructureName]:
    """Read and check the structures of V and Σ, each by itself and together.

    Parameters
    ----------
    where : pair of str
        Names of the fields in messages.

    Raises
    ------
    InputError
        As `check` does, and where Σ is proportional to a V that is always singular.
    """
    names = check(signal, n_conditions, "signal", where[0]), check(noise, n_conditions, "noise", where[1])
    if names[1].kind == "proportional" and _is_always_singular(names[0], n_conditions):
        raise InputError(
            where[1],
            f"a noise covariance that can be nonsingular, as no multiple of a {names[0]} signal can",
            f"proportional for {n_conditions} conditions",
            "give the signal a structure of full rank, or the noise one of its own",
        )
    return names


def default_true_signals(n_conditions: int) -> tuple[str, ...]:
    """Signal covariances that the original study always generated, duplicates merged.

    These are id, random, lowrank_2 and lowrank_{C/2}; ranks of 0 or above C are left out.
    """
    ranks = sorted({rank for rank in (2, n_conditions // 2) if 1 <= rank <= n_conditions})
    return ("id", "random", *(f"lowrank_{rank}" for rank in ranks))


def parse_true_signal(text: str, n_conditions: int | None = None, where: str = "covariance") -> StructureName:
    """Read the name of a signal covariance to simulate: id, random (= freeform), lowrank_k.

    With `n_conditions`, the number of blocks k of ``lowrank_k`` is checked against it.

    Raises
    ------
    InputError
    """
    name = text.strip()
    if name in ("id", "identity"):
        return StructureName("id")
    if name in ("random", "freeform"):
        return StructureName("random")
    match = _RANKED.fullmatch(name)
    if match is None or match[1] != "lowrank":
        raise InputError(where, _one_of(TRUE_SIGNALS), shown(text), "choose one of them")
    rank = _rank(match[2], where, text)
    if n_conditions is not None and rank > n_conditions:
        raise InputError(
            where,
            f"at most {n_conditions} blocks, one per condition",
            shown(text),
            f"use lowrank_{n_conditions} or more conditions",
        )
    return StructureName("lowrank", rank=rank)


def parse_true_noise(text: str, where: str = "noise") -> str:
    """Read the name of a noise covariance to simulate and return its canonical form.

    Raises
    ------
    InputError
    """
    synonyms = {"id": "identity", "idV": "identityV", "freeform": "random"}
    name = synonyms.get(text.strip(), text.strip())
    if name not in TRUE_NOISES:
        raise InputError(where, _one_of(TRUE_NOISES), shown(text), "choose one of them")
    return name


def _rank(digits: str, where: str, text: str) -> int:
    rank = int(digits)
    if rank < 1:
        raise InputError(where, "a rank of at least 1", shown(text), "write, say, lowrank_2")
    return rank


def _is_always_singular(name: StructureName, n_conditions: int) -> bool:
    if name.kind == "lowrank":
        return name.rank is not None and name.rank < n_conditions
    return name.kind == "block" and not name.partition and n_conditions > 1


def _one_of(names: dict[str, str]) -> str:
    return "one of " + ", ".join(names)
