"""The form comes back after a crash, and a damaged draft harms nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from regnet.study import Study
from regnet_tui.draft import drop_draft, load_draft, save_draft
from regnet_tui.form_state import FormState


def test_a_draft_comes_back_as_it_was_typed_even_where_it_can_not_run(tmp_path: Path) -> None:
    state = FormState.from_study(Study(name="x"), "quickstart").edit("genes", "not yet")
    save_draft(tmp_path / "drafts", state)
    assert load_draft(tmp_path / "drafts") == state


def test_a_draft_is_private(tmp_path: Path) -> None:
    save_draft(tmp_path / "drafts", FormState.from_study(Study(), "x"))
    assert (tmp_path / "drafts" / "study.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 99}', '{"format": 1, "texts": 3}', "[" * 100_000, "\x00\xff"]
)
def test_a_damaged_draft_is_no_draft(tmp_path: Path, content: str) -> None:
    (tmp_path / "study.json").write_text(content, encoding="latin-1")
    assert load_draft(tmp_path) is None


def test_a_draft_of_a_version_with_other_parameters_keeps_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(
        '{"format": 1, "texts": {"genes": "50", "gone": "1"}, "origin": {}, "origin_name": "x"}'
    )
    state = load_draft(tmp_path)
    assert state is not None
    assert state.texts["genes"] == "50"
    assert "gone" not in state.texts
    assert state.changed == ("genes",)


def test_a_dropped_draft_is_gone(tmp_path: Path) -> None:
    save_draft(tmp_path, FormState.from_study(Study(), "x"))
    drop_draft(tmp_path)
    drop_draft(tmp_path)
    assert load_draft(tmp_path) is None
