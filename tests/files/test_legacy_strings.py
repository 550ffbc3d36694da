"""Byte strings that Python 2 wrote come back to the last byte, however they are cut into blocks."""

from __future__ import annotations

import ast
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regnet.files import legacy_strings
from regnet.files.legacy_strings import DamagedString, read_string_literal


@given(content=st.binary(max_size=300), block=st.integers(1, 20))
@example(content=b"\\" * 40 + b"'\"\n\r\t\x00\xff" * 5, block=1)
@example(content=b"\\x41", block=3)
def test_a_literal_is_read_as_pythons_own_parser_reads_it(content: bytes, block: int) -> None:
    text = repr(content)[1:].encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(legacy_strings, "BLOCK", block)
        stream = io.BytesIO(text + b"\nrest")
        assert read_string_literal(stream) == ast.literal_eval("b" + text.decode()) == content
    assert stream.read() == b"rest"


@given(text=st.text("\\x0aF'\"nq", max_size=12).map(str.encode), block=st.integers(1, 5))
def test_any_other_text_is_refused_or_read_the_same_whatever_the_blocks(text: bytes, block: int) -> None:
    def read(size: int) -> bytes | None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(legacy_strings, "BLOCK", size)
            try:
                return bytes(read_string_literal(io.BytesIO(b"'" + text + b"'\n")))
            except DamagedString:
                return None

    assert read(block) == read(1000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"abc\n", "without quotes"),
        (b"", "without quotes"),
        (b"'abc", "without an end"),
        (b"'abc\n", "quotes don't match"),
        (b"'abc\"\n", "quotes don't match"),
        (b"'abc\\'\n", "inside an escape"),
        (b"'\\x4'\n", "inside an escape"),
        (b"'\\q'\n", "unknown escape"),
        (b"'\\x4g'\n", "unknown escape"),
        (b"'\\x\\x41'\n", "unknown escape"),
        (b"'\\u0041'\n", "unknown escape"),
        (b"'\\N{BULLET}'\n", "unknown escape"),
        (b"'\\101'\n", "unknown escape"),
    ],
)
def test_what_python_2_does_not_write_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(DamagedString, match=said):
        read_string_literal(io.BytesIO(text))
