"""A file is data: whatever a pickle says, nothing runs, and what isn't on the list is named."""

from __future__ import annotations

import gzip
import pickle
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import legacy_pickle_writer as writer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legacy_pickle_writer import peak_memory

from regnet import InputError, load_ybetaparams
from regnet.files import legacy_pickle
from regnet.files.legacy_classes import LegacyYbetaparam
from regnet.files.legacy_pickle import read_legacy_pickle

REFERENCE = Path(__file__).parents[1] / "reference" / "legacy"
SAMPLES = sorted(REFERENCE.glob("*.pkl.gz"))
GOOD, _ = writer.data_set()

_forbidden: list[str] | None = None


def _listen(event: str, arguments: object) -> None:
    if _forbidden is not None and event.split(".")[0] in _RUNNING:
        _forbidden.append(event)


_RUNNING = {
    "import",
    "exec",
    "compile",
    "pickle",
    "os",
    "subprocess",
    "socket",
    "ctypes",
    "marshal",
    "shutil",
}
sys.addaudithook(_listen)


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """Let Python and pandas load what they load at their first use, such as a codec."""
    load_ybetaparams(SAMPLES[0])


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Fail where Python imports, compiles, executes or starts anything meanwhile."""
    global _forbidden
    _forbidden = []
    try:
        yield
    finally:
        heard, _forbidden = _forbidden, None
    assert not heard


def refusal(tmp_path: Path, content: bytes) -> str:
    """Return the one line with which a file is refused; nothing in it was run."""
    path = tmp_path / "file.pkl"
    path.write_bytes(content)
    with nothing_runs(), pytest.raises(InputError) as refused:
        load_ybetaparams(path)
    message = str(refused.value)
    assert "\n" not in message
    assert len(message) < 400 + len(str(path))
    return message


def test_the_guard_of_these_tests_hears_what_pickle_does() -> None:
    with pytest.raises(AssertionError), nothing_runs():
        pickle.loads(b"cos\ngetcwd\n(tR.")


RUN = b"(S'touch /tmp/regnet-was-here'\ntR."

REFUSED_BY_NAME = {
    "reduce": (b"cos\nsystem\n" + RUN, "os.system"),
    "reduce of a submodule": (b"cposix\nsystem\n" + RUN, "posix.system"),
    "eval": (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
    "getattr": (b"c__builtin__\ngetattr\n(cnumpy\nndarray\nS'dump'\ntR.", "__builtin__.getattr"),
    "numpy's loader": (b"cnumpy\nload\n(S'x'\ntR.", "numpy.load"),
    "numpy's test runner": (b"cnumpy.testing.utils\nrunstring\n" + RUN, "runstring"),
    "a dotted name": (b"cnumpy\ncore.multiarray.scalar\n" + RUN, "core.multiarray.scalar"),
    "the right name elsewhere": (b"cmy.numpy\nndarray\n.", "my.numpy.ndarray"),
    "another case": (b"cNumpy\nNdarray\n.", "Numpy.Ndarray"),
    "pandas' loader": (b"cpandas\nread_pickle\n(S'x'\ntR.", "pandas.read_pickle"),
    "a name of control characters": (b"cos\x1b[2J\nsystem\r\n" + RUN, r"os\x1b[2J.system\r"),
    "inst": (b"(S'touch /tmp/regnet-was-here'\nios\nsystem\n.", "INST"),
    "obj": (b"(cos\nsystem\n" + RUN, "os.system"),
    "obj of a known class": (b"(cnumpy\nndarray\no.", "OBJ"),
    "newobj": (b"cnumpy\nndarray\n)\x81.", "EMPTY_TUPLE"),
    "newobj with a marked tuple": (b"cnumpy\nndarray\n(t\x81.", "NEWOBJ"),
    "newobj_ex": (b"cnumpy\nndarray\n(t(d\x92.", "NEWOBJ_EX"),
    "ext1": (b"\x82\x01.", "EXT1"),
    "ext2": (b"\x83\x01\x02.", "EXT2"),
    "ext4": (b"\x84\x01\x02\x03\x04.", "EXT4"),
    "persistent id": (b"Psecret\n.", "PERSID"),
    "binary persistent id": (b"S'x'\nQ.", "BINPERSID"),
    "stack_global": (b"S'os'\nS'system'\n\x93.", "STACK_GLOBAL"),
    "dup": (b"S'x'\n2t.", "DUP"),
    "pop": (b"S'x'\n0.", "POP"),
    "buffers": (b"\x97.", "NEXT_BUFFER"),
    "protocol 2": (b"\x80\x02}q\x00.", "protocol 2 or later"),
    "a claim of 2 GB": (b"T\xff\xff\xff\x7fabc", "BINSTRING"),
    "a claim of 4 GB": (b"X\xff\xff\xff\xffabc", "BINUNICODE"),
    "a claim of exabytes": (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x0fabc", "BINBYTES8"),
    "a long of 2 GB": (b"\x8b\xff\xff\xff\x7fabc", "LONG4"),
    "a binary memo number of 4 G": (b"Nr\xff\xff\xff\xff.", "LONG_BINPUT"),
    "no instruction": (b"\xfe", "the byte"),
}


@pytest.mark.parametrize("trick", REFUSED_BY_NAME)
def test_what_is_not_on_the_list_is_refused_by_name_before_it_runs(tmp_path: Path, trick: str) -> None:
    content, named = REFUSED_BY_NAME[trick]
    assert named in refusal(tmp_path, content)
    assert not Path("/tmp/regnet-was-here").exists()


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/regnet-was-here",)


@pytest.mark.parametrize("protocol", range(6))
def test_pythons_own_pickles_of_every_protocol_are_refused(tmp_path: Path, protocol: int) -> None:
    for thing in (_Runs(), [_Runs()], {"Y": _Runs()}, np.arange(3), {1, 2}, b"bytes"):
        refusal(tmp_path, pickle.dumps(thing, protocol=protocol))
    assert not Path("/tmp/regnet-was-here").exists()


@pytest.mark.parametrize("place", range(len(re.findall(rb"c[\w.]+\n\w+\n", GOOD))))
def test_a_hostile_name_anywhere_inside_a_good_file_is_refused(tmp_path: Path, place: int) -> None:
    at = [match.span() for match in re.finditer(rb"c[\w.]+\n\w+\n", GOOD)][place]
    assert "os.system" in refusal(tmp_path, GOOD[: at[0]] + b"cos\nsystem\n" + GOOD[at[1] :])


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
FLOATS = b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
OBJECTS = FLOATS.replace(b"f8", b"O8").replace(b"<", b"|")
INDEX = b"cpandas.core.indexes.base\n_new_Index\n"

REFUSED_BY_KIND = {
    "a state for a class": (b"cnumpy\nndarray\n(dS'__setstate__'\ncos\nsystem\nsb.", "os.system"),
    "a state for a name": (b"cnumpy\nndarray\n(dS'__class__'\nNsb.", "a state for what takes none"),
    "a state for a list": (b"(l(dS'__class__'\nNsb.", "a state for what takes none"),
    "attributes for a Ybetaparam": (
        writer.made(b"Ybetaparam", b"Ybetaparam") + b"(dS'__class__'\nNsb.",
        "other parts than Y, beta and parameter",
    ),
    "a call of a class": (b"cnumpy\nndarray\n(tR.", "a call of numpy.ndarray"),
    "a call of text": (b"S'os.system'\n(tR.", "a call of a value of type bytes"),
    "a call with no tuple": (b"cnumpy\ndtype\n(lR.", "without arguments"),
    "an object of an array class": (
        b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR.",
        "an object made from",
    ),
    "an object with a base that isn't object": (
        b"ccopy_reg\n_reconstructor\n(cYbetaparam\nYbetaparam\ncnumpy\nndarray\nNtR.",
        "an object made from",
    ),
    "an array subclass": (ARRAY.replace(b"numpy\nndarray", b"numpy\nmemmap") + b".", "numpy.memmap"),
    "10 GB claimed by a shape": (ARRAY + b"(I1\n(I1250000000\nt" + FLOATS + b"I00\nS'x'\ntb.", "claim"),
    "a shape beyond all memory": (
        ARRAY + b"(I1\n(I%d\nI%d\nt" % (2**59, 2**59) + FLOATS + b"I00\nS'x'\ntb.",
        "claim",
    ),
    "a negative shape": (ARRAY + b"(I1\n(I-1\nt" + FLOATS + b"I00\nS''\ntb.", "unknown shape"),
    "an empty array of many rows": (
        ARRAY + b"(I1\n(I1000000000\nI0\nt" + FLOATS + b"I00\nS''\ntb.",
        "an empty numpy array",
    ),
    "too little content": (ARRAY + b"(I1\n(I2\nt" + FLOATS + b"I00\nS'12345678'\ntb.", "have 8"),
    "pointers as content of an object array": (
        ARRAY + b"(I1\n(I1\nt" + OBJECTS + b"I00\nS'12345678'\ntb.",
        "objects given as a value of type bytes",
    ),
    "objects in an object array": (
        ARRAY + b"(I1\n(I1\nt" + OBJECTS + b"I00\n(l" + ARRAY + b"atb.",
        "a name that is a value of type Array",
    ),
    "an object array in an object array": (
        ARRAY + b"(I1\n(I1\nt" + OBJECTS + b"I00\n(l(l" + ARRAY + b"aatb.",
        "a name that is a value of type list",
    ),
    "a table of objects": (
        ARRAY + b"(I1\n(I1\nI1\nt" + OBJECTS + b"I00\n(lS'a'\natb.",
        "a table of Python objects",
    ),
    "a scalar of objects": (b"cnumpy.core.multiarray\nscalar\n(" + OBJECTS + b"S'12345678'\ntR.", "scalar"),
    "an array filled twice": (
        ARRAY + (b"(I1\n(I1\nt" + FLOATS + b"I00\nS'12345678'\ntb") * 2 + b".",
        "filled twice",
    ),
    "a structured type": (FLOATS.replace(b"NNN", b"N(S'a'\nt(d") + b".", "plain little-endian"),
    "a subarray type": (FLOATS.replace(b"NNN", b"(I2\ntNN") + b".", "plain little-endian"),
    "a big-endian type": (FLOATS.replace(b"<", b">") + b".", "plain little-endian"),
    "a void type": (FLOATS.replace(b"f8", b"V8") + b".", "V8"),
    "a date type": (FLOATS.replace(b"f8", b"M8") + b".", "M8"),
    "a type that numpy would parse": (FLOATS.replace(b"f8", b"f8,O") + b".", "f8,O"),
    "an index of an unfilled array": (
        INDEX + b"(cpandas.core.indexes.base\nIndex\n(dS'data'\n" + ARRAY + b"sS'name'\nNstR.",
        "an index in an unknown form",
    ),
    "an index of numbers as names": (
        INDEX
        + b"(cpandas.core.indexes.base\nIndex\n(dS'data'\n"
        + writer.array(np.arange(2))
        + b"sS'name'\nNstR.",
        "an index in an unknown form",
    ),
    "a name of 2,000 characters": (
        ARRAY + b"(I1\n(I1\nt" + OBJECTS + b"I00\n(lV" + b"a" * 2000 + b"\natb.",
        "a name of 2000 characters",
    ),
    "a multi-index": (INDEX + b"(cpandas.core.indexes.multi\nMultiIndex\n(dtR.", "MultiIndex"),
    "a memo number that nothing has": (b"g7\n.", "memo number 7"),
    "a memo number below zero": (b"Np-1\n.", "a memo number that isn't one"),
    "a memo number of 60,000 digits": (b"Np" + b"9" * 60_000 + b"\n.", "a memo number that isn't one"),
    "an item in a tuple": (b"(tS'a'\nNs.", "isn't a dictionary"),
    "an item appended to a name": (b"cnumpy\nndarray\nNa.", "isn't a list"),
    "a key that is a list": (b"(d(lNs.", "a key of type list"),
    "a key without a value": (b"(S'a'\nd.", "no value"),
    "no mark": (b"t.", "a mark that is missing"),
    "a mark as a value": (b"((N(R.", "missing"),
    "nothing": (b"", "an end in the middle"),
    "nothing left": (b".", "values left over or none"),
    "only a mark": (b"(.", "values left over or none"),
    "two values left": (b"NN.", "values left over or none"),
    "more after the end": (GOOD + b"cos\nsystem\n" + RUN, "more after the end"),
    "a float of 60,000 digits": (b"F" + b"1" * 60_000 + b"x\n.", "a number that isn't one"),
    "a float in words": (b"F__import__\n.", "a number that isn't one"),
    "an int of 60,000 digits": (b"I" + b"1" * 60_000 + b"\n.", "a whole number that isn't one"),
    "a long of 60,000 digits": (b"L" + b"1" * 60_000 + b"L\n.", "a whole number that isn't one"),
    "a line of a megabyte": (b"V" + b"a" * 1_000_000 + b"\n.", "a line without an end"),
    "half a character": (b"V\\ud800\n.", "damaged escape"),
    "a text escape that is damaged": (b"V\\u12\n.", "damaged escape"),
    "a string escape that is damaged": (b"S'\\q'\n.", "unknown escape"),
}


@pytest.mark.parametrize("trick", REFUSED_BY_KIND)
def test_known_names_used_in_other_ways_are_refused(tmp_path: Path, trick: str) -> None:
    content, said = REFUSED_BY_KIND[trick]
    assert said in refusal(tmp_path, content)


CHEAP = {
    "a memo number of 10 G": b"Np10000000000\n.",
    "a list in itself": b"(lp0\ng0\na.",
    "a dictionary in itself": b"(dp0\nS'a'\ng0\ns.",
    "lists that double 100 times": b"(lp0\n"
    + b"".join(b"(lp%d\ng%d\nag%d\na" % (i + 1, i, i) for i in range(100))
    + b".",
    "100,000 lists deep": b"(l" * 90_000 + b"a" * 89_999 + b".",
    "an index of exabytes": INDEX
    + b"(cpandas.core.indexes.range\nRangeIndex\n(dS'start'\nI0\nsS'stop'\nI%d\nsS'step'\nI1\nsS'name'\nNstR."
    % 2**59,
    "a slice of exabytes": b"c__builtin__\nslice\n(I0\nI%d\nI1\ntR." % 2**59,
}


@pytest.mark.parametrize("claim", CHEAP)
def test_a_claim_costs_no_more_than_the_bytes_that_make_it(tmp_path: Path, claim: str) -> None:
    started = time.monotonic()
    with peak_memory() as peak:
        refusal(tmp_path, CHEAP[claim])
    assert peak[0] < 40_000_000
    assert time.monotonic() - started < 10


def test_a_flood_of_values_ends_at_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "values at once" in refusal(tmp_path, b"(" * 200_000)
    monkeypatch.setattr(legacy_pickle, "MOST_INSTRUCTIONS", 1000)
    assert "more than 1000 instructions" in refusal(tmp_path, b"(l" + b"Na" * 600 + b".")


def test_a_compressed_void_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b"S'" + b"\0" * 100_000_000)
    assert len(bomb) < 200_000
    with peak_memory() as peak:
        assert "grows" in refusal(tmp_path, bomb)
    assert peak[0] < 60_000_000


def test_a_frame_whose_blocks_overlap_or_lack_columns_is_refused(tmp_path: Path) -> None:
    good = b"(I0\nI1\nI1\ntR"
    assert good in GOOD
    assert "overlap" in refusal(tmp_path, GOOD.replace(b"(I1\nI2\nI1\ntR", good, 1))
    assert "size" in refusal(tmp_path, GOOD.replace(good, b"(I0\nI2\nI1\ntR", 1))
    assert "overlap" in refusal(tmp_path, GOOD.replace(good, b"(I7\nI8\nI1\ntR", 1))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, compressed: bool) -> None:
    whole = gzip.compress(GOOD) if compressed else GOOD
    for length in range(0, len(whole), 3 if compressed else 7):
        refusal(tmp_path, whole[:length])


def test_a_gzip_file_with_a_flipped_bit_is_refused_or_read(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(GOOD, mtime=0))
    for at in (3, len(whole) // 2, len(whole) - 6):
        damaged = whole.copy()
        damaged[at] ^= 4
        refusal(tmp_path, bytes(damaged))


def test_a_missing_file_and_a_folder_are_one_clear_line(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "no.pkl", "none"), (tmp_path, "a folder")):
        with pytest.raises(InputError, match=said):
            load_ybetaparams(path)


def _read_or_refuse(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with nothing_runs():
        try:
            found = read_legacy_pickle(path)
        except InputError:
            return
    if isinstance(found, LegacyYbetaparam):
        with nothing_runs():
            try:
                load_ybetaparams(path)
            except InputError:
                return


_PIECES = st.one_of(
    st.sampled_from([match.group() for match in re.finditer(rb"c[\w.]+\n\w+\n", GOOD)]),
    st.sampled_from(
        [b"(", b"t", b"d", b"l", b"a", b"s", b"R", b"b", b"N", b".", b"o", b"2", b"0", b"\x80\x02"]
    ),
    st.integers(-3, 2**61).map(lambda number: b"I%d\n" % number),
    st.integers(0, 12).map(lambda number: b"g%d\n" % number),
    st.integers(0, 12).map(lambda number: b"p%d\n" % number),
    st.binary(max_size=20).map(writer.literal),
    st.sampled_from(
        [b"S'f8'\n", b"S'O8'\n", b"S'b'\n", b"S'name'\n", b"S'data'\n", b"S'Y'\n", b"S'0.14.1'\n"]
    ),
    st.sampled_from([ARRAY, FLOATS, OBJECTS, writer.array(np.arange(3.0)), writer.index(range(3))]),
    st.binary(max_size=8),
)


@settings(max_examples=400, deadline=None)
@given(pieces=st.lists(_PIECES, max_size=40))
def test_any_sequence_of_instructions_is_read_or_refused_and_never_runs(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    _read_or_refuse(tmp_path_factory.getbasetemp() / "fuzz.pkl", b"".join(pieces) + b".")


@settings(max_examples=400, deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 40), _PIECES), min_size=1, max_size=4
    )
)
def test_a_good_file_with_any_part_replaced_is_read_or_refused_and_never_runs(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, bytes]]
) -> None:
    content = GOOD
    for at, length, piece in changes:
        content = content[:at] + piece + content[at + length :]
    _read_or_refuse(tmp_path_factory.getbasetemp() / "fuzz.pkl", content)
