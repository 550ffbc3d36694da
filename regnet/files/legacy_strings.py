"""How is a byte string read that Python 2 wrote as a literal, if it may be gigabytes long?

A pickle of protocol 0 holds the bytes of an array as ``'\\x9e\\x10…'``: one line with escapes. It is
decoded here in blocks, into the one buffer that the array then uses, so that a large file is never in
memory twice. Python 2 writes seven escapes only (``\\\\ \\' \\" \\n \\r \\t \\xhh``); any other means
that the file is damaged, and is refused.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

BLOCK = 1 << 20  # bytes of text decoded at once
_SLASH, _X = ord("\\"), ord("x")

_PLAIN = np.full(256, -1, dtype=np.int16)  # the byte that backslash + character stands for
for _character, _byte in zip(b"\\'\"nrt", b"\\'\"\n\r\t", strict=True):
    _PLAIN[_character] = _byte
_HEX = np.full(256, -1, dtype=np.int16)  # the value of a hexadecimal digit
for _digit in b"0123456789abcdefABCDEF":
    _HEX[_digit] = int(chr(_digit), 16)


class DamagedString(ValueError):
    """A string literal isn't what Python 2 writes; the message says in what."""


def read_string_literal(stream: BinaryIO) -> bytearray:
    """Read one quoted literal, up to its line's end, from a stream that stands before its quote.

    Returns
    -------
    bytearray
        The bytes it stands for. Peak memory is theirs plus a few megabytes.

    Raises
    ------
    DamagedString
        Where the line ends early, isn't quoted, or holds an escape that Python 2 doesn't write.
    """
    quote = stream.read(1)
    if quote not in (b"'", b'"'):
        raise DamagedString("a string without quotes")
    decoded = bytearray()
    rest = b""
    while True:
        block = rest + stream.readline(BLOCK)
        if len(block) == len(rest):
            raise DamagedString("a string without an end")
        if block.endswith(b"\n"):
            break
        # The last byte waits for the next block: it may be the closing quote.
        rest = block[unescape_into(decoded, block[:-1]) :]
    if not block.endswith(quote + b"\n"):
        raise DamagedString("a string whose quotes don't match")
    text = block[:-2]
    if unescape_into(decoded, text) < len(text):
        raise DamagedString("a string that ends inside an escape")
    return decoded


def unescape_into(decoded: bytearray, text: bytes) -> int:
    """Append the bytes that `text` stands for to `decoded`; return how much of `text` that was.

    An escape that `text` breaks off within is left for the next call.

    Raises
    ------
    DamagedString
        Where an escape isn't one that Python 2 writes.
    """
    if b"\\" not in text:
        decoded += text
        return len(text)
    raw = np.frombuffer(text, dtype=np.uint8)
    starts = _escape_starts(raw)
    last, end = int(starts[-1]), len(raw)
    if last + 1 >= end or (raw[last + 1] == _X and last + 3 >= end):
        starts, end = starts[:-1], last
    values = _PLAIN[raw[starts + 1]]
    is_hex = raw[starts + 1] == _X
    hexes = starts[is_hex]
    high = _HEX[raw[hexes + 2]]
    low = _HEX[raw[np.minimum(hexes + 3, len(raw) - 1)]]
    values[is_hex] = np.where((high < 0) | (low < 0), -1, 16 * high + low)
    if (values < 0).any():
        at = int(starts[np.argmax(values < 0)])
        raise DamagedString(f"the unknown escape {text[at : at + 4]!r} in a string")
    keep = np.ones(end, dtype=bool)
    keep[starts + 1] = False
    keep[hexes + 2] = False
    keep[hexes + 3] = False
    replaced = raw[:end].copy()
    replaced[starts] = values.astype(np.uint8)
    decoded += replaced[keep].data
    return end


def _escape_starts(raw: Bytes) -> npt.NDArray[np.intp]:
    """Return where escapes begin: in a run of backslashes, every other one escapes its neighbour."""
    slashes = np.flatnonzero(raw == _SLASH)
    opens_run = np.ones(len(slashes), dtype=bool)
    opens_run[1:] = np.diff(slashes) > 1
    run_start = slashes[opens_run][np.cumsum(opens_run) - 1]
    starts: npt.NDArray[np.intp] = slashes[(slashes - run_start) % 2 == 0]
    return starts
