"""The form comes back after a crash, and a damaged draft harms nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regnet.study import Study
from regnet_tui.draft import save_draft, take_draft
from regnet_tui.form_state import FormState


def test_a_draft_comes_back_as_it_was_typed_even_where_it_can_not_run(tmp_path: Path) -> None:
    state = FormState.from_study(Study(name="x"), "quickstart").edit("genes", "not yet")
    save_draft(tmp_path / "drafts", state)
    assert take_draft(tmp_path / "drafts") == state


def test_a_draft_is_private(tmp_path: Path) -> None:
    save_draft(tmp_path / "drafts", FormState.from_study(Study(), "x"))
    assert next((tmp_path / "drafts").iterdir()).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 99}', '{"format": 1, "texts": 3}', "[" * 100_000, "\x00\xff"]
)
def test_a_damaged_draft_is_no_draft(tmp_path: Path, content: str) -> None:
    (tmp_path / "study-1-1.json").write_text(content, encoding="latin-1")
    assert take_draft(tmp_path) is None


def test_a_draft_of_a_version_with_other_parameters_keeps_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "study-1-1.json").write_text(
        '{"format": 1, "texts": {"genes": "50", "gone": "1"}, "origin": {}, "origin_name": "x"}'
    )
    state = take_draft(tmp_path)
    assert state is not None
    assert state.texts["genes"] == "50"
    assert "gone" not in state.texts
    assert state.changed == ("genes",)


def test_two_apps_keep_a_draft_each_and_one_left_behind_is_taken_over_once(tmp_path: Path) -> None:
    mine = FormState.from_study(Study(), "").edit("genes", "51")
    save_draft(tmp_path, mine)
    script = (
        "import sys, pathlib\n"
        "from regnet.study import Study\n"
        "from regnet_tui.draft import save_draft, take_draft\n"
        "from regnet_tui.form_state import FormState\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "assert take_draft(folder) is None, 'the draft of an app that is alive was taken'\n"
        "save_draft(folder, FormState.from_study(Study(), '').edit('genes', '52'))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert len(list(tmp_path.iterdir())) == 2
    assert take_draft(tmp_path) == mine
    (own,) = [path for path in tmp_path.iterdir() if f"-{os.getpid()}-" in path.name]
    own.unlink()
    taken = take_draft(tmp_path)
    assert taken is not None
    assert taken.texts["genes"] == "52"
    assert [path.name for path in tmp_path.iterdir()] == [own.name]
