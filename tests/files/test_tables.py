"""Tables read as they stand, and whatever is wrong with one is said with its line and column."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.files import tables
from regnet.files.tables import read_table

GOOD = "\tm1\tm2\ng1\t1.5\t-2\ng2\t3\t4e-1\n"


def _read(tmp_path: Path, content: str | bytes, *, missing: bool = False, name: str = "table.tsv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, missing=missing, column="motif")


def _message(tmp_path: Path, content: str | bytes, *, missing: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, content, missing=missing)
    message = str(caught.value)
    assert "\n" not in message
    assert "table.tsv" in message
    return message


# ---- what is right -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace("\t", ","),
        GOOD.replace("\n", "\r\n"),
        GOOD.removesuffix("\n"),
        "\ufeff" + GOOD,  # the mark that Excel puts before UTF-8
        "# GimmeMotifs version 0.18.4\n# Input: x\n" + GOOD,
        "\n" + GOOD.replace("g2", "\ng2"),  # blank lines
        "gene" + GOOD,
        GOOD.removeprefix("\t"),  # as R writes it
        GOOD.replace("m1", '"m1"').replace("g1", '"g1"').replace("1.5", '"1.5"'),
        GOOD.replace("m1", " m1 ").replace("g1", " g1").replace("1.5", " 1.5 "),
        GOOD.encode(),
        gzip.compress(GOOD.encode(), mtime=0),  # told by its content: the name has no .gz
    ],
)
def test_layouts_that_mean_the_same_read_the_same(tmp_path, content):
    table = _read(tmp_path, content)
    assert table.rows == ("g1", "g2")
    assert table.columns == ("m1", "m2")
    np.testing.assert_array_equal(table.values, [[1.5, -2.0], [3.0, 0.4]])


def test_names_may_hold_spaces_signs_and_words_for_missing_values(tmp_path):
    table = _read(tmp_path, "\tMA0266.1_ABF2 #1\tnull\nNA\t1\t2\nchrI:1-5 YAL068C\t3\t4\nµ\t5\t6\n")
    assert table.rows == ("NA", "chrI:1-5 YAL068C", "µ")
    assert table.columns == ("MA0266.1_ABF2 #1", "null")


def test_numbers_are_read_to_the_last_bit(tmp_path):
    numbers = [
        repr(float(x)) for x in np.random.default_rng(0).standard_normal(500) * 10.0 ** np.arange(-250, 250)
    ]
    table = _read(tmp_path, "\tm1\n" + "".join(f"g{i}\t{number}\n" for i, number in enumerate(numbers)))
    assert table.values[:, 0].tolist() == [float(number) for number in numbers]


def test_missing_values_are_nan_where_they_may_be(tmp_path):
    table = _read(tmp_path, "\ta\tb\ng1\t\t1\ng2\tNA\tnan\ng3\t2\t\n", missing=True)
    np.testing.assert_array_equal(table.values, [[np.nan, 1.0], [np.nan, np.nan], [2.0, np.nan]])


@pytest.mark.parametrize("cell", [" ", " NA ", "  NaN"])
def test_what_only_the_careful_reader_understands_is_read_too(tmp_path, cell):
    table = _read(tmp_path, f"\ta\tb\ng1\t{cell}\t1\ng2\t2\t3\n", missing=True)
    np.testing.assert_array_equal(table.values, [[np.nan, 1.0], [2.0, 3.0]])


def test_the_careful_reader_reads_what_the_quick_one_reads(tmp_path):
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((40, 6)) * 10.0 ** rng.integers(-12, 12, size=(40, 6))
    path = tmp_path / "table.tsv"
    rows = ["\t".join([f"g{n}", *map(repr, row)]) for n, row in enumerate(numbers.tolist())]
    path.write_text("\n".join(["\t" + "\t".join("abcdef"), *rows]))
    layout = tables._read_layout(path, "motif")
    quick = tables._read_quickly(path, layout)
    careful = tables._read_carefully(path, layout, missing=False, column="motif")
    np.testing.assert_array_equal(quick.values, numbers)
    np.testing.assert_array_equal(careful.values, numbers)
    assert (careful.rows, careful.columns) == (quick.rows, quick.columns)


# ---- what is wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "found an empty file"),
        ("  \n\n", "found an empty file"),
        ("# only\n# comments\n", "found comment lines only"),
        (
            "some words\nand more\n",
            "line 1: wanted a header of tab- or comma-separated names, found 'some words'",
        ),
        ("\tm1\tm2\n", "wanted at least one row below the header, found none"),
        ("\tm1\tm2\n\n\n", "wanted at least one row below the header, found none"),
        ("g1\t1\t2\ng2\t3\t4\n", "line 1: wanted a header with the motifs' names, found numbers ('1, 2')"),
        (
            "\tm1\tm2\tm1\ng\t1\t2\t3\n",
            "line 1: wanted motifs with distinct names, found 'm1' in columns 2 and 4",
        ),
        ("\tm1\t\ng\t1\t2\n", "line 1, column 3: wanted a motif's name, found an empty cell"),
        ("\tm1\tm2\ng1\t1\tabc\n", "line 2, motif 'm2': wanted a finite number, found 'abc'"),
        (
            "# x\n\n\tm1\tm2\ng1\t1\t2\n\ng2\t1_0\t2\n",
            "line 6, motif 'm1': wanted a finite number, found '1_0'",
        ),
        ("\tm1\tm2\ng1\t1,5\t2\n", "line 2, motif 'm1': wanted a finite number, found '1,5'"),
        ("\tm1\tm2\ng1\t٣\t2\n", "line 2, motif 'm1': wanted a finite number, found '٣'"),
        ("\tm1\tm2\ng1\t\x1c3\t2\n", r"line 2, motif 'm1': wanted a finite number, found '\x1c3'"),
        ("\tm\u20281\tm2\ng1\t1\tx\n", "line 2, motif 'm2': wanted a finite number, found 'x'"),
        (
            "# x\n\tm1\ng1\t1\n\ng2\t2\ng1\t3\n",
            "wanted genes with distinct names, found 'g1' on lines 3 and 6",
        ),
        ("\tm1\tm2\ng1\tTrue\t2\n", "line 2, motif 'm1': wanted a finite number, found 'True'"),
        ("\tm1\tm2\ng1\t2020-01-01\t2\n", "line 2, motif 'm1': wanted a finite number, found '2020-01-01'"),
        ("\tm1\tm2\ng1\t1\t\n", "line 2, motif 'm2': wanted a finite number, found a missing value ('')"),
        (
            "\tm1\tm2\ng1\tnan\t1\n",
            "line 2, motif 'm1': wanted a finite number, found a missing value ('nan')",
        ),
        ("\tm1\tm2\ng1\t1\tinf\n", "line 2, motif 'm2': wanted a finite number, found 'inf'"),
        ("\tm1\tm2\ng1\t1\t-1e999\n", "line 2, motif 'm2': wanted a finite number, found '-1e999'"),
        ("\tm1\tm2\ng1\t1\t2\ng2\t1\n", "line 3: wanted 3 cells, as the header, found 2"),
        ("\tm1\tm2\ng1\t1\t2\ng2\t1\t2\t3\n", "line 3: wanted 3 cells, as the header, found 4"),
        (
            "\tm1\tm2\ng1\t1\t2\n\t1\t2\n",
            "line 3: wanted a gene's name in the first column, found an empty cell",
        ),
        ("\tm1\tm2\ng1\t1\t2\nand some words\n", "line 3: wanted 3 cells, as the header, found 1"),
        ('\tm1\tm2\n"g1\t1\t2\ng2\t3\t4\n', "line 3: wanted 3 cells, as the header, found 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, content, expected):
    assert expected in _message(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\ta\tb\ng1\t1\ng2\t1\t2\n", "line 2: wanted 3 cells, as the header, found 2"),
        ("\ta\tb\ng1\t1\tx\n", "line 2, motif 'b': wanted a finite number, found 'x'"),
        ("\ta\tb\ng1\tinf\t1\n", "line 2, motif 'a': wanted a finite number, found 'inf'"),
    ],
)
def test_a_table_that_may_miss_values_is_checked_as_strictly(tmp_path, content, expected):
    assert expected in _message(tmp_path, content, missing=True)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PK\x03\x04\x14\0\x06\0\x08\0xl/workbook.xml",
        "\tm1\ng1\t1\n".encode("utf-16"),
        b"\tm1\ng\xe9ne\t1\n",  # Latin-1
        gzip.compress(b"\0" * 1000, mtime=0),
    ],
)
def test_what_is_no_text_is_said_to_be_none(tmp_path, content):
    assert "export it as tab-separated text" in _message(tmp_path, content)


def test_bytes_that_are_no_text_far_down_are_found(tmp_path):
    rows = b"".join(b"g%d\t1\n" % number for number in range(300_000))
    assert "not UTF-8" in _message(tmp_path, b"\tm1\n" + rows + b"g\xe9ne\t1\n")


@pytest.mark.parametrize("damage", [slice(None, -12), slice(None, 20)])
def test_a_damaged_gzip_file_is_said_to_be_damaged(tmp_path, damage):
    packed = gzip.compress((GOOD + "".join(f"h{i}\t{i}\t0\n" for i in range(2000))).encode())
    assert "wanted a whole gzip file, found a damaged one" in _message(tmp_path, packed[damage])


def test_a_table_longer_than_the_limit_is_refused_while_it_unpacks(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_BYTES", 2**21)
    packed = gzip.compress(GOOD.encode() + b"g\t1\t2\n" * 2**20)
    assert len(packed) < 2**16
    assert "wanted a table of at most 0.00195312 GiB" in _message(tmp_path, packed)


def test_a_cell_of_a_million_letters_is_one_line_of_message(tmp_path):
    message = _message(tmp_path, "\tm1\ng1\t" + "x" * 100_000 + "\n")
    assert len(message) < 300
    assert "line 2" in message
    assert len(_message(tmp_path, "\tm1\ng1\t" + "x" * 1_000_000 + "\n")) < 300


def test_a_header_of_two_megabytes_is_read(tmp_path):
    names = [f"{'motif' * 10}_{number}" for number in range(40_000)]
    table = _read(tmp_path, "\t".join(["", *names]) + "\n" + "\t".join(["g", *["1"] * 40_000]) + "\n")
    assert table.columns == tuple(names)


def test_a_header_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_LONGEST_LINE", 1000)
    assert "line 1: wanted a line of less than 1000 characters" in _message(tmp_path, "x" * 5000)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said_so(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text(GOOD)
    path.chmod(0)
    with pytest.raises(InputError, match="wanted a file that can be read, found Permission denied"):
        read_table(path, missing=False, column="motif")


def test_damaged_tables_give_one_line_and_nothing_worse(tmp_path):
    rng = np.random.default_rng(0)
    pieces = [b"\t", b"\n", b"\r", b'"', b",", b"#", b"\0", b"\xff", b"nan", b"inf", b"1e400", b"True", b"g1"]
    path = tmp_path / "table.tsv"
    messages = []
    for _ in range(600):
        content = bytearray(b"# c\n" + GOOD.encode())
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(len(content)))
            content[place : place + int(rng.integers(0, 3))] = pieces[rng.integers(len(pieces))]
        path.write_bytes(bytes(content))
        for missing in (False, True):
            try:
                table = read_table(path, missing=missing, column="motif")
                assert table.values.shape == (len(table.rows), len(table.columns))
                assert not np.isinf(table.values).any()
            except InputError as error:
                messages.append(str(error))
    assert len(messages) > 300
    assert all(message.isprintable() for message in messages)
