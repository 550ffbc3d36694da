"""Text is copied by tmux, else by OSC 52 and a file, and it is said which."""

from __future__ import annotations

from pathlib import Path

import pytest

from regnet_tui.clipboard import MOST_OSC52, copy


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return []


def test_without_tmux_the_terminal_is_asked_and_a_file_written(sent: list[str], tmp_path: Path) -> None:
    told = copy("some text", sent.append, tmp_path / "new")
    assert sent == ["some text"]
    assert (tmp_path / "new" / "clipboard.txt").read_text() == "some text"
    assert "OSC 52" in told
    assert str(tmp_path) in told


def test_a_text_too_long_for_osc_52_goes_to_the_file_alone(sent: list[str], tmp_path: Path) -> None:
    told = copy("x" * (MOST_OSC52 + 1), sent.append, tmp_path)
    assert sent == []
    assert told == f"written to {tmp_path / 'clipboard.txt'}"


def test_the_linux_console_gets_no_sequence(
    sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    copy("text", sent.append, tmp_path)
    assert sent == []


def test_in_tmux_its_buffer_is_loaded(
    sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "tmux"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/buffer\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    told = copy("from tmux", sent.append, tmp_path)
    assert "tmux" in told
    assert (tmp_path / "buffer").read_text() == "from tmux"
    assert (tmp_path / "arguments").read_text().split() == ["load-buffer", "-w", "-"]
    assert sent == []


def test_where_tmux_is_named_but_gone_the_next_way_is_taken(
    sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    copy("text", sent.append, tmp_path)
    assert sent == ["text"]
