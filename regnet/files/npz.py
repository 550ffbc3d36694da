"""How are named arrays kept in a file that runs nothing when it is read, and fits in memory once?

An ``.npz`` is a zip of numpy's ``.npy`` files. Written here: plain numbers and text, uncompressed, a
table column by column (so that no second copy is made of it), with fixed times (so that the same data
give the same bytes). Read here: the same, whatever wrote it; pickled arrays are refused, and so is what
claims more than it holds.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from regnet.atomic_files import replacing
from regnet.errors import InputError, shown

Array = npt.NDArray[Any]
Content = Array | Sequence[Array]

SHARED = 0o644
"""File mode of data that others may read."""

MOST_EXPANSION = 50
"""Most that a compressed array may grow."""

_KINDS = "biufUS"
_EXHAUSTED = (MemoryError, RecursionError)  # what a header of many brackets does to its parser
_BLOCK = 1 << 20  # a zip entry reads into a buffer by way of another one of the same size
_TIME = (1980, 1, 1, 0, 0, 0)
_REMEDY = "it is damaged or no .npz of numbers and text"


def write_npz(path: Path, arrays: Mapping[str, Content]) -> None:
    """Write arrays under their names, whole or not at all.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to ndarray, or to a sequence of ndarray
        A sequence holds a table's columns, of equal length and type.

    Raises
    ------
    InputError
        Where the file can't be written.
    """
    try:
        with replacing(path, mode=SHARED) as stream, zipfile.ZipFile(stream, "w") as archive:
            for name, content in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", _TIME)
                member.external_attr = SHARED << 16
                with archive.open(member, "w", force_zip64=True) as entry:
                    if isinstance(content, np.ndarray):
                        np.lib.format.write_array(entry, content, allow_pickle=False)
                    else:
                        _write_columns(entry, content)
    except OSError as error:
        raise cannot_write(path, error) from error


def read_npz(path: Path) -> dict[str, Array]:
    """Return the arrays of an ``.npz`` by name.

    Raises
    ------
    InputError
        Where the file isn't one, is damaged, or holds Python objects or an array that claims more
        than is there.
    """
    if not path.is_file():
        raise InputError(str(path), "a file", "a folder" if path.is_dir() else "none")
    arrays: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name == member.filename or name in arrays:
                    raise InputError(str(path), "arrays, each once", shown(member.filename), _REMEDY)
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise InputError(f"{path}, {shown(name)}", "plain zip compression", "another", _REMEDY)
                if member.file_size > MOST_EXPANSION * member.compress_size + (1 << 20):
                    raise InputError(f"{path}, {shown(name)}", "data", "a compressed void", _REMEDY)
                with archive.open(member) as entry:
                    arrays[name] = _read_array(entry, member.file_size, f"{path}, {shown(name)}")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(str(path), "an .npz file", shown(error), _REMEDY) from None
    return arrays


def cannot_write(path: Path, error: OSError) -> InputError:
    """Return the error that tells a user why a file could not be written."""
    return InputError(str(path), "a file that can be written", shown(error.strerror or error))


def _write_columns(entry: IO[bytes], columns: Sequence[Array]) -> None:
    shape = (len(columns[0]), len(columns))
    header = {
        "descr": np.lib.format.dtype_to_descr(columns[0].dtype),
        "fortran_order": True,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(entry, header)
    for column in columns:
        if column.shape != shape[:1] or column.dtype != columns[0].dtype:
            raise ValueError("columns of one table differ in length or type")
        entry.write(np.ascontiguousarray(column).data)


def _read_array(entry: IO[bytes], size: int, where: str) -> Array:
    """Read one .npy: header, then exactly the bytes that it announces and that are there."""
    try:
        version = np.lib.format.read_magic(entry)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(entry)
    except (ValueError, KeyError, TypeError, SyntaxError, *_EXHAUSTED, tokenize.TokenError) as error:
        raise InputError(where, "an array in numpy's format", shown(error), _REMEDY) from None
    if dtype.kind not in _KINDS or dtype.hasobject:
        found = f"the type {shown(dtype)}"
        raise InputError(where, "numbers or text", found, "Python objects in a file are never read")
    if any(length < 1 for length in shape) or not 0 < math.prod(shape) * dtype.itemsize <= size:
        raise InputError(where, "an array of the file's size", f"the claim of shape {shape}", _REMEDY)
    array = np.empty(math.prod(shape), dtype=dtype)
    view = array.view(np.uint8).data
    at = 0
    while at < len(view):
        count = entry.readinto(view[at : at + _BLOCK])  # type: ignore[attr-defined]
        if not count:
            raise InputError(where, f"{len(view)} bytes", f"{at}", _REMEDY)
        at += count
    if is_fortran:
        return array.reshape(shape[::-1]).transpose()
    return array.reshape(shape)
