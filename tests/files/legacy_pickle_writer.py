"""A data set as the original's Python 2.7 would have pickled it, of any size, for the tests.

Written instruction by instruction after the samples in tests/reference/legacy (protocol 0, pandas 0.24);
nothing here is shared with the reader.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Measure the most bytes that Python and numpy held at once within the block; one number."""
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def literal(content: bytes) -> bytes:
    """Return the STRING instruction of Python 2's repr, which Python 3's repr of bytes equals."""
    return b"S" + repr(content)[1:].encode() + b"\n"


def array(values: np.ndarray) -> bytes:
    """Return the instructions that make a numpy array of numbers, or of names (a list of str)."""
    is_fortran = values.flags.f_contiguous and not values.flags.c_contiguous
    shape = b"(" + b"".join(b"I%d\n" % length for length in values.shape) + b"t"
    if values.dtype == object:
        code, order, end = b"O8", b"|", 63
        content = b"(l" + b"".join(literal(name.encode()) + b"a" for name in values)
    else:
        code, order, end = values.dtype.str[1:].encode(), b"<", 0
        content = literal(values.tobytes(order="F" if is_fortran else "C"))
    dtype = b"cnumpy\ndtype\n(S'%s'\nI0\nI1\ntR(I3\nS'%s'\nNNNI-1\nI-1\nI%d\ntb" % (code, order, end)
    return b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR" + (
        b"(I1\n" + shape + dtype + (b"I01\n" if is_fortran else b"I00\n") + content + b"tb"
    )


def index(values: np.ndarray | range) -> bytes:
    """Return the instructions that make an index of pandas 0.24."""
    new = b"cpandas.core.indexes.base\n_new_Index\n("
    if isinstance(values, range):
        parts = b"S'start'\nI%d\nsS'stop'\nI%d\nsS'step'\nI%d\ns" % (values.start, values.stop, values.step)
        return new + b"cpandas.core.indexes.range\nRangeIndex\n(d" + parts + b"S'name'\nNstR"
    kind = b"base\nIndex" if values.dtype == object else b"numeric\nInt64Index"
    return new + b"cpandas.core.indexes." + kind + b"\n(dS'data'\n" + array(values) + b"sS'name'\nNstR"


def made(module: bytes, name: bytes) -> bytes:
    """Return the instructions that make an empty object."""
    return b"ccopy_reg\n_reconstructor\n(c%s\n%s\nc__builtin__\nobject\nNtR" % (module, name)


def frame(blocks: list[np.ndarray], columns: np.ndarray, rows: np.ndarray | range) -> bytes:
    """Return the instructions that make a DataFrame; each block is columns × rows."""
    content, at = b"(l", 0
    for block in blocks:
        places = b"c__builtin__\nslice\n(I%d\nI%d\nI1\ntR" % (at, at + len(block))
        content += b"(dS'mgr_locs'\n" + places + b"sS'values'\n" + array(block) + b"sa"
        at += len(block)
    axes = b"(l" + index(columns) + b"a" + index(rows) + b"a"
    inner = b"(dS'0.14.1'\n(dS'axes'\n" + axes + b"sS'blocks'\n" + content + b"ss"
    manager = made(b"pandas.core.internals.managers", b"BlockManager") + b"((l(l(l" + inner + b"tb"
    state = b"(dS'_metadata'\n(lsS'_typ'\nS'dataframe'\nsS'_data'\n" + manager + b"s"
    return made(b"pandas.core.frame", b"DataFrame") + state + b"b"


def data_set(
    genes: int = 5, conditions: int = 2, tfs: int = 3, replicates: int = 2, seed: int = 1
) -> tuple[bytes, dict[str, np.ndarray]]:
    """Return a whole file and the arrays that it holds."""
    rng = np.random.default_rng(seed)
    truth = {
        "Y": rng.standard_normal((genes * conditions, replicates)),
        "beta": rng.standard_normal((tfs * conditions, replicates)),
        "V": np.eye(conditions) / conditions,
        "Sigma": np.asfortranarray(rng.random((conditions, conditions))),
        "delta": rng.random(1),
        "sigma_beta2": rng.random((1, replicates)),
        "motif_TG": rng.random((genes, tfs)),
    }
    numbers = np.arange(replicates)
    motifs, ids = (
        np.array([f"{word}{i}" for i in range(n)], dtype=object) for word, n in (("m", tfs), ("g", genes))
    )

    def replicated(table: np.ndarray) -> bytes:
        return frame([column[None] for column in table.T], numbers, range(len(table)))

    scalar = (
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    )
    parameter = {
        b"fracNoise": b"N",
        b"C": b"I%d\n" % conditions,
        b"frac": b"F0.2\n",
        b"G": b"I%d\n" % genes,
        b"sigma_beta2": replicated(truth["sigma_beta2"]),
        b"TF": b"I%d\n" % tfs,
        b"V": array(truth["V"]),
        b"delta": b"(l" + scalar + literal(truth["delta"].tobytes()) + b"tRa",
        b"Sigma": array(truth["Sigma"]),
        b"motif_TG": frame([np.ascontiguousarray(truth["motif_TG"].T)], motifs, ids),
    }
    parts = b"".join(literal(key) + value + b"s" for key, value in parameter.items())
    slots = {b"Y": replicated(truth["Y"]), b"beta": replicated(truth["beta"]), b"parameter": b"(d" + parts}
    state = b"(d" + b"".join(literal(key) + value + b"s" for key, value in slots.items())
    return made(b"Ybetaparam", b"Ybetaparam") + state + b"b.", truth
