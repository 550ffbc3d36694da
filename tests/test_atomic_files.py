"""Whole files: all of the content or none of it, private, with no litter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from regnet.atomic_files import replacing, write_whole


def test_the_file_holds_the_text_and_is_private(tmp_path: Path) -> None:
    write_whole(tmp_path / "study.toml", "naïve = 1\n")
    assert (tmp_path / "study.toml").read_bytes() == "naïve = 1\n".encode()
    assert (tmp_path / "study.toml").stat().st_mode & 0o777 == 0o600


def test_a_mode_that_is_asked_for_is_set_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "shared", b"1", mode=0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o644


def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_whole(path, "old")

    def write_until_full() -> None:
        with replacing(path) as stream:
            stream.write(b"new, but only ha")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_until_full()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_the_old_content_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_whole(path, "old")
    with replacing(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
