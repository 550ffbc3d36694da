"""What is in a generated data set of the original software's form, and how is it read and written?

The original kept all replicates of one scenario in one object with the slots ``Y``, ``beta`` and
``parameter``, pickled by Python 2. :class:`Ybetaparams` is that object with the same names, so that
scripts written for it go on working; :func:`load_ybetaparams` reads the old pickles (nothing in them is
run, see :mod:`regnet.files.legacy_pickle`) and our own form of the same: an ``.npz`` of the arrays and a
``.json`` of the parameters beside it, under the original's file name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from regnet.atomic_files import write_whole
from regnet.errors import InputError, shown
from regnet.files.legacy_classes import LegacyYbetaparam
from regnet.files.legacy_names import LegacyName, parse_name
from regnet.files.legacy_pickle import read_legacy_pickle
from regnet.files.npz import SHARED, Content, cannot_write, read_npz, write_npz
from regnet.files.ybetaparams_fields import Fields

Floats = npt.NDArray[np.float64]

FORMAT = 1
"""Number of the form of our files; readers accept all up to this one."""

_KEYS = ("C", "G", "TF", "V", "Sigma", "delta", "sigma_beta2", "frac", "fracNoise", "motif_TG")
_LARGEST_JSON = 1 << 24


@dataclass(frozen=True, eq=False, kw_only=True)
class YbetaParameters(Mapping[str, Any]):
    """The parameters a data set was generated with; every name is a key and an attribute.

    Attributes
    ----------
    C, G, TF : int
        Numbers of conditions, genes and transcription factors (motifs).
    V, Sigma : ndarray of shape (C, C)
        Covariances between conditions of the effects and of the noise, before their scales.
    delta : ndarray of shape (1,)
        Scale of the noise: its covariance is ``delta * Sigma``.
    sigma_beta2 : DataFrame of shape (1, replicates)
        Scale of the effects in each replicate: their covariance is ``sigma_beta2[i] * V``.
    frac : float or None
        Share of the expression's variance that the motifs explain.
    fracNoise : float or None
        Share of the noise whose covariance is V, where the noise has such a part.
    motif_TG : DataFrame of shape (G, TF)
        Motif scores as used; ``motif`` is the same.
    """

    C: int
    G: int
    TF: int
    V: Floats
    Sigma: Floats
    delta: Floats
    sigma_beta2: pd.DataFrame
    frac: float | None
    fracNoise: float | None
    motif_TG: pd.DataFrame

    @property
    def motif(self) -> pd.DataFrame:
        """The motif scores, under the name that the original's README has for them."""
        return self.motif_TG

    def __getitem__(self, key: str) -> Any:
        if key not in (*_KEYS, "motif"):
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)


@dataclass(frozen=True, eq=False, kw_only=True)
class Ybetaparams:
    """A generated data set: all replicates of one scenario, with the truth that generated them.

    Attributes
    ----------
    Y : DataFrame of shape (G * C, replicates)
        Expression, one column a replicate: column i is ``reshape(G, C, order="F")``.
    beta : DataFrame of shape (TF * C, replicates)
        Effects of the motifs, in the same order.
    parameter : YbetaParameters
        Also called ``params``.
    name : LegacyName or None
        What its file name says, where it is one of the original's.
    origin : mapping
        Further facts from the ``.json`` beside the file: seed, software, scenario.
    """

    Y: pd.DataFrame
    beta: pd.DataFrame
    parameter: YbetaParameters
    name: LegacyName | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def params(self) -> YbetaParameters:
        """The same as ``parameter``, under the name that the original's README also uses."""
        return self.parameter

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return self.Y.shape[1]

    def replicate(self, i: int) -> Floats:
        """Return the expression of replicate i (from 0), of shape (G, C); a view, not a copy."""
        return self._matrix(self.Y, i, self.parameter.G)

    def effects(self, i: int) -> Floats:
        """Return the true effects of replicate i (from 0), of shape (TF, C)."""
        return self._matrix(self.beta, i, self.parameter.TF)

    def signal_covariance(self, i: int) -> Floats:
        """Return the covariance of the effects of replicate i, scale included, of shape (C, C)."""
        self._check_replicate(i)
        return np.asarray(float(self.parameter.sigma_beta2.to_numpy()[0, i]) * self.parameter.V)

    def noise_covariance(self) -> Floats:
        """Return the covariance of the noise, scale included, of shape (C, C)."""
        return np.asarray(float(self.parameter.delta[0]) * self.parameter.Sigma)

    def _matrix(self, table: pd.DataFrame, i: int, n_rows: int) -> Floats:
        self._check_replicate(i)
        column: Floats = table.iloc[:, i].to_numpy()
        return column.reshape(n_rows, self.parameter.C, order="F")

    def _check_replicate(self, i: int) -> None:
        if not 0 <= i < self.n_replicates:
            raise InputError("replicate", f"a number from 0 to {self.n_replicates - 1}", shown(i))


def load_ybetaparams(path: str | os.PathLike[str]) -> Ybetaparams:
    """Read a generated data set: a pickle of the original software, or our own form of it.

    Parameters
    ----------
    path : path
        A ``.pkl`` that the original wrote (Python 2.7), plain or gzipped, or an ``.npz``. What the
        file is, is seen from its content, not its name.

    Returns
    -------
    Ybetaparams
        Numbers are those of the file to the last bit. A large file is in memory once.

    Raises
    ------
    InputError
        Where the file can't be read, holds anything but such a data set (nothing in it is run), or
        contradicts itself.
    """
    path = Path(path)
    try:
        name = parse_name(path)
    except InputError:
        name = None
    if not path.is_file():
        raise InputError(str(path), "a file", "a folder" if path.is_dir() else "none")
    with path.open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    data = _from_npz(path, name) if is_zip else _from_pickle(path, name)
    _check(data, str(path))
    return data


def write_ybetaparams(data: Ybetaparams, stem: Path) -> Path:
    """Write a data set as ``stem.npz`` (arrays) and ``stem.json`` (parameters); each whole or not at all.

    Parameters
    ----------
    data : Ybetaparams
    stem : Path
        Folder and name without ending; the original's name is ``str(data.name)``.

    Returns
    -------
    Path
        The ``.npz``. The ``.json`` is for other programs and for people: it repeats the numbers of
        the ``.npz`` that aren't matrices and adds the origin.

    Raises
    ------
    InputError
        Where the files can't be written.
    """
    parameter = data.parameter
    scalars = {"C": parameter.C, "G": parameter.G, "TF": parameter.TF}
    shares = {"frac": parameter.frac, "fracNoise": parameter.fracNoise}
    arrays: dict[str, Content] = {
        "Y": _columns(data.Y),
        "beta": _columns(data.beta),
        "param_V": parameter.V,
        "param_Sigma": parameter.Sigma,
        "param_delta": parameter.delta,
        "param_sigma_beta2": parameter.sigma_beta2.to_numpy(np.float64),
        "param_motif_TG": parameter.motif_TG.to_numpy(np.float64),
        "motif_names": np.array([str(label) for label in parameter.motif_TG.columns]),
        "gene_ids": np.array([str(label) for label in parameter.motif_TG.index]),
    }
    for key, value in (scalars | shares).items():
        arrays[f"param_{key}"] = np.array(np.nan if value is None else value, dtype=np.float64)
    about = {
        "format": FORMAT,
        "holds": "Ybetaparams",
        "parameters": {
            **scalars,
            **shares,
            "delta": parameter.delta.tolist(),
            "sigma_beta2": parameter.sigma_beta2.iloc[0].astype(float).tolist(),
        },
        "replicates": data.n_replicates,
        "origin": dict(data.origin),
    }
    path = stem.with_name(f"{stem.name}.npz")
    write_npz(path, arrays)
    facts = stem.with_name(f"{stem.name}.json")
    try:
        write_whole(facts, json.dumps(about, indent=2, ensure_ascii=False) + "\n", mode=SHARED)
    except OSError as error:
        raise cannot_write(facts, error) from error
    return path


def read_origin(path: Path) -> dict[str, Any]:
    """Return the origin that the ``.json`` beside an ``.npz`` tells; empty where there is none.

    Raises
    ------
    InputError
        Where the ``.json`` isn't one of ours.
    """
    return dict(_read_json(path.with_suffix(".json")).get("origin", {}))


def _columns(table: pd.DataFrame) -> list[Floats]:
    return [table.iloc[:, i].to_numpy(np.float64) for i in range(table.shape[1])]


def _from_pickle(path: Path, name: LegacyName | None) -> Ybetaparams:
    content = read_legacy_pickle(path)
    if not isinstance(content, LegacyYbetaparam) or content.slots is None:
        raise InputError(str(path), "a data set (Ybetaparam)", f"a {type(content).__name__}")
    parameters = content.slots["parameter"]
    if not isinstance(parameters, dict):
        raise InputError(f"{path}, parameter", "a dictionary", type(parameters).__name__)
    given = {key.decode("latin-1"): parameters[key] for key in parameters if isinstance(key, bytes)}
    if set(given) != set(_KEYS):
        raise InputError(f"{path}, parameter", ", ".join(_KEYS), shown(", ".join(sorted(given))))
    read = Fields(given, str(path))
    origin = {"format": "pickle of the original software"}
    tables = Fields(content.slots, str(path))
    parameter = YbetaParameters(
        C=read.count("C"),
        G=read.count("G"),
        TF=read.count("TF"),
        V=read.array("V"),
        Sigma=read.array("Sigma"),
        delta=read.array("delta"),
        sigma_beta2=read.table("sigma_beta2"),
        frac=read.share("frac"),
        fracNoise=read.share("fracNoise"),
        motif_TG=read.table("motif_TG"),
    )
    return Ybetaparams(
        Y=tables.table("Y"), beta=tables.table("beta"), parameter=parameter, name=name, origin=origin
    )


def _from_npz(path: Path, name: LegacyName | None) -> Ybetaparams:
    arrays = read_npz(path)
    read = Fields(arrays, str(path))
    about = _read_json(path.with_suffix(".json"))
    motifs = pd.DataFrame(
        read.array("param_motif_TG"),
        index=pd.Index(read.names("gene_ids"), dtype=object),
        columns=pd.Index(read.names("motif_names"), dtype=object),
        copy=False,
    )
    parameter = YbetaParameters(
        C=read.count("param_C"),
        G=read.count("param_G"),
        TF=read.count("param_TF"),
        V=read.array("param_V"),
        Sigma=read.array("param_Sigma"),
        delta=read.array("param_delta"),
        sigma_beta2=read.table("param_sigma_beta2"),
        frac=read.share("param_frac"),
        fracNoise=read.share("param_fracNoise"),
        motif_TG=motifs,
    )
    for key, value in about.get("parameters", {}).items():
        if key in ("C", "G", "TF") and value != parameter[key]:
            found = f"{shown(value)} in the .json"
            raise InputError(f"{path}, {key}", f"{parameter[key]}, as in the .npz", found)
    return Ybetaparams(
        Y=read.table("Y"),
        beta=read.table("beta"),
        parameter=parameter,
        name=name,
        origin=about.get("origin", {}),
    )


def _read_json(path: Path) -> dict[str, Any]:
    """Return what stands in the .json beside an .npz; nothing where there is none."""
    if not path.is_file():
        return {}
    if path.stat().st_size > _LARGEST_JSON:
        raise InputError(str(path), f"at most {_LARGEST_JSON} bytes", "more")
    try:
        about: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), "JSON", shown(error)) from None
    except OSError as error:
        raise InputError(str(path), "a file that can be read", shown(error.strerror)) from None
    known = isinstance(about, dict) and about.get("holds") == "Ybetaparams"
    if not known or not isinstance(about.get("format"), int):
        raise InputError(str(path), "the parameters of a data set", "something else")
    if about["format"] > FORMAT:
        raise InputError(str(path), f"format {FORMAT} or less", str(about["format"]), "use a newer regNet")
    if not all(isinstance(about.get(key, {}), dict) for key in ("parameters", "origin")):
        raise InputError(str(path), "tables of parameters and origin", "something else")
    return dict(about)


def _check(data: Ybetaparams, where: str) -> None:
    """Raise InputError where a data set's parts don't fit each other."""
    parameter, replicates = data.parameter, data.n_replicates
    sizes = {
        "Y": (data.Y.shape, (parameter.G * parameter.C, replicates)),
        "beta": (data.beta.shape, (parameter.TF * parameter.C, replicates)),
        "V": (parameter.V.shape, (parameter.C, parameter.C)),
        "Sigma": (parameter.Sigma.shape, (parameter.C, parameter.C)),
        "delta": (parameter.delta.shape, (1,)),
        "sigma_beta2": (parameter.sigma_beta2.shape, (1, replicates)),
        "motif_TG": (parameter.motif_TG.shape, (parameter.G, parameter.TF)),
    }
    for key, (found, wanted) in sizes.items():
        if found != wanted:
            raise InputError(f"{where}, {key}", f"the size {wanted}", f"{found}")
    for key, values in _all_numbers(data):
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise InputError(f"{where}, {key}", "finite numbers", "others")


def _all_numbers(data: Ybetaparams) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield every array of a data set with its name; a large table by columns, which copies nothing."""
    for key, table in (("Y", data.Y), ("beta", data.beta)):
        for i in range(table.shape[1]):
            yield key, table.iloc[:, i].to_numpy()
    for key in ("V", "Sigma", "delta", "sigma_beta2", "motif_TG"):
        yield key, np.asarray(data.parameter[key])
