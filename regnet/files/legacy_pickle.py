"""What is inside a pickle that the original software wrote, without running any of it?

``pickle.load`` does whatever a file says. This is a reader of its own for the files that Python 2.7
wrote (protocol 0): it knows the eighteen instructions that they consist of, and the closed list of
classes of :mod:`regnet.files.legacy_classes`. Any other instruction and any other name ends the reading
at the byte where it stands, before anything came of it. There is no ``Unpickler`` with doors to lock:
nothing here imports, calls or sets attributes by a name from a file.

A file is read once, in a stream. The content of its arrays is decoded into the buffers that they keep,
and every other claim (sizes, memo numbers, nesting) costs no memory beyond the bytes that make it.
"""

from __future__ import annotations

import gzip
import io
import pickletools
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

from regnet.errors import InputError, shown
from regnet.files import legacy_classes as classes
from regnet.files.legacy_classes import BUILDABLE, NAMES, Refused
from regnet.files.legacy_strings import DamagedString, read_string_literal

LONGEST_LINE = 1 << 16
"""Most bytes of a number, name or piece of text; only byte strings (arrays' content) may be longer."""

LONGEST_NAME = 256
"""Most bytes of a byte string that may be a dictionary's key; a longer one is an array's content."""

MOST_INSTRUCTIONS = 20_000_000
"""A data set has some 60 for each replicate and 10 for each gene and motif."""

DEEPEST_STACK = 100_000

MOST_EXPANSION = 50
"""Most that a compressed file may grow: random numbers as text shrink to some 40%."""

_MARK = object()
_REMEDY = "it isn't a data set of the original software; nothing in it was run"


def read_legacy_pickle(path: Path) -> object:
    """Return the content of a pickle of the original software, plain or gzipped.

    Parameters
    ----------
    path : Path
        A file that Python 2.7 wrote with protocol 0.

    Returns
    -------
    object
        A :class:`~regnet.files.legacy_classes.LegacyYbetaparam`, or whatever else of the closed
        list the file holds; bytes for Python 2's ``str``.

    Raises
    ------
    InputError
        Where the file can't be read, ends early, or holds anything that is not on the list; it
        names that, and its place in the file.
    """
    try:
        if not path.is_file():
            raise InputError(str(path), "a file", "a folder" if path.is_dir() else "none")
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            size = raw.seek(0, io.SEEK_END)
            raw.seek(0)
            if not is_gzip:
                return _Machine(raw, str(path)).run()
            most = max(MOST_EXPANSION * size, 1 << 24)
            with gzip.GzipFile(fileobj=raw) as unzipped:
                stream = io.BufferedReader(_Limited(unzipped, most), 1 << 20)
                return _Machine(stream, str(path)).run()
    except _TooMuch:
        wanted = f"a compressed file that grows at most {MOST_EXPANSION}-fold"
        raise InputError(str(path), wanted, "one that grows more", _REMEDY) from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(str(path), "a file that can be read", shown(reason)) from None


class _TooMuch(Exception):
    """A compressed file grows beyond what is allowed."""


class _Limited(io.RawIOBase):
    """A stream that ends the reading where more than `most` bytes come."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self._stream = stream
        self._most = most
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        block = self._stream.read(len(view))
        self._at += len(block)
        if self._at > self._most:
            raise _TooMuch
        view[: len(block)] = block
        return len(block)

    def tell(self) -> int:
        return self._at


class _Machine:
    """The stack, the memo and the instructions of protocol 0, over the closed list of classes."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream = stream
        self._where = where
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        """Follow the instructions to the last; return the one value that they leave."""
        read, instructions, stack = self._stream.read, self._INSTRUCTIONS, self._stack
        try:
            for _ in range(MOST_INSTRUCTIONS):
                code = read(1)
                if code == b".":
                    return self._result()
                instruction = instructions.get(code)
                if instruction is None:
                    raise Refused(_named(code))
                instruction(self)
                if len(stack) > DEEPEST_STACK:
                    raise Refused(f"more than {DEEPEST_STACK} values at once")
            raise Refused(f"more than {MOST_INSTRUCTIONS} instructions")
        except (Refused, DamagedString) as error:
            wanted = "a data set of the original software (Python 2.7, pickle protocol 0)"
            place = f"{self._where}, byte {self._stream.tell()}"
            raise InputError(place, wanted, str(error), _REMEDY) from None

    def _result(self) -> object:
        if len(self._stack) != 1 or self._stack[0] is _MARK:
            raise Refused("an end with values left over or none")
        if self._stream.read(1):
            raise Refused("more after the end")
        return self._stack.pop()

    # What the instructions take from the stream and from the stack.

    def _line(self) -> bytes:
        line = self._stream.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise Refused("a line without an end" if len(line) == LONGEST_LINE else "an end in mid-line")
        return line[:-1]

    def _memo_number(self) -> int:
        line = self._line()
        if not re.fullmatch(rb"\d{1,18}", line):
            raise Refused("a memo number that isn't one")
        return int(line)

    def _pop(self) -> object:
        if not self._stack or self._stack[-1] is _MARK:
            raise Refused("a value that is missing")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[object]:
        at = len(self._stack)
        while at and self._stack[at - 1] is not _MARK:
            at -= 1
        if not at:
            raise Refused("a mark that is missing")
        values = self._stack[at:]
        del self._stack[at - 1 :]
        return values

    # The instructions, under the names that Python's pickletools gives them.

    def _mark(self) -> None:
        self._stack.append(_MARK)

    def _none(self) -> None:
        self._stack.append(None)

    def _int(self) -> None:
        line = self._line()
        if line in (b"00", b"01"):
            self._stack.append(line == b"01")
        else:
            self._stack.append(_integer(line))

    def _long(self) -> None:
        self._stack.append(_integer(self._line().removesuffix(b"L")))

    def _float(self) -> None:
        line = self._line()
        if len(line) > 64 or not re.fullmatch(rb"[-+]?(\d+\.?\d*(e[-+]?\d+)?|inf|nan)", line):
            raise Refused("a number that isn't one")
        self._stack.append(float(line))

    def _string(self) -> None:
        text = read_string_literal(self._stream)
        self._stack.append(text if len(text) > LONGEST_NAME else bytes(text))

    def _unicode(self) -> None:
        try:
            text = self._line().decode("raw-unicode-escape")
            text.encode()  # half a surrogate pair is no text
            self._stack.append(text)
        except UnicodeError:
            raise Refused("text with a damaged escape") from None

    def _tuple(self) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def _list(self) -> None:
        self._stack.append(self._pop_to_mark())

    def _dict(self) -> None:
        values = self._pop_to_mark()
        if len(values) % 2:
            raise Refused("a dictionary with a key but no value")
        made: dict[object, object] = {}
        for key, value in zip(values[::2], values[1::2], strict=True):
            made[_key(key)] = value
        self._stack.append(made)

    def _append(self) -> None:
        value = self._pop()
        target = self._stack[-1] if self._stack else None
        if type(target) is not list:
            raise Refused("something appended to what isn't a list")
        target.append(value)

    def _setitem(self) -> None:
        value, key = self._pop(), self._pop()
        target = self._stack[-1] if self._stack else None
        if type(target) is not dict:
            raise Refused("an item set in what isn't a dictionary")
        target[_key(key)] = value

    def _get(self) -> None:
        number = self._memo_number()
        if number not in self._memo:
            raise Refused(f"memo number {number}, which nothing has")
        self._stack.append(self._memo[number])

    def _put(self) -> None:
        number = self._memo_number()
        value = self._pop()
        self._memo[number] = value
        self._stack.append(value)

    def _global(self) -> None:
        module, name = (self._line().decode("latin-1") for _ in range(2))
        if (module, name) not in NAMES:
            raise Refused(f"the name {shown(f'{module}.{name}')}")
        self._stack.append(NAMES[module, name])

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        self._stack.append(classes.call(function, arguments))

    def _build(self) -> None:
        state = self._pop()
        target = self._stack[-1] if self._stack else None
        if not isinstance(target, BUILDABLE):
            raise Refused("a state for what takes none")
        target.build(state)

    _INSTRUCTIONS: ClassVar[dict[bytes, Callable[[_Machine], None]]] = {
        b"(": _mark,
        b"N": _none,
        b"I": _int,
        b"L": _long,
        b"F": _float,
        b"S": _string,
        b"V": _unicode,
        b"t": _tuple,
        b"l": _list,
        b"d": _dict,
        b"a": _append,
        b"s": _setitem,
        b"g": _get,
        b"p": _put,
        b"c": _global,
        b"R": _reduce,
        b"b": _build,
    }


def _integer(line: bytes) -> int:
    if not re.fullmatch(rb"-?\d{1,19}", line):
        raise Refused("a whole number that isn't one")
    return int(line)


def _key(key: object) -> object:
    """Return a dictionary's key, which the original only makes of text and numbers."""
    if not isinstance(key, bytes | str | int):
        raise Refused(f"a dictionary with a key of type {type(key).__name__}")
    return key


def _named(code: bytes) -> str:
    """Return what an instruction outside the list is called."""
    if not code:
        return "an end in the middle"
    names = {opcode.code.encode("latin-1"): opcode.name for opcode in pickletools.opcodes}
    if code not in names:
        return f"the byte {code!r}"
    if names[code] == "PROTO":
        return "a pickle of protocol 2 or later"
    return f"the instruction {names[code]}"
