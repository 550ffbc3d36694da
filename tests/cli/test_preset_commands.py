"""`regnet presets`: studies saved, shown, exchanged and compared."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import Command, MadeRuns

from regnet.study import Study


def test_a_study_is_saved_listed_shown_and_runs_by_its_name(regnet: Command) -> None:
    saved = regnet("presets", "save", "mine", "default", "--conditions", "4,8", "--note", "for Monday")
    assert saved.code == 0
    assert "run it with: regnet run mine" in saved.out
    (listed,) = [one for one in json.loads(regnet("presets", "list", "--json").out) if one["name"] == "mine"]
    assert (listed["shipped"], listed["note"], listed["problem"]) == (False, "for Monday", "")
    text = regnet("presets", "show", "mine").out
    assert Study.from_toml(text) == Study(name="mine", conditions=[4, 8], note="for Monday")
    assert json.loads(regnet("presets", "show", "mine", "--json").out)["conditions"] == [4, 8]
    assert json.loads(regnet("run", "mine", "--dry-run", "--json").out)["fits"] == listed["fits"]


def test_a_preset_is_replaced_by_force_only(regnet: Command) -> None:
    regnet("presets", "save", "mine", "default")
    assert regnet("presets", "save", "mine", "default", "--seed", "2").code == 2
    assert regnet("presets", "save", "mine", "default", "--seed", "2", "--force").code == 0
    assert "seed = 2" in regnet("presets", "show", "mine").out


def test_presets_go_out_come_in_and_are_renamed_and_deleted(regnet: Command, tmp_path: Path) -> None:
    path = tmp_path / "colleague.toml"
    assert regnet("presets", "export", "quickstart", str(path)).code == 0
    assert regnet("presets", "export", "quickstart", str(path)).code == 2
    assert regnet("presets", "import", str(path)).code == 0
    assert regnet("presets", "rename", "colleague", "hers").code == 0
    assert regnet("presets", "duplicate", "hers", "ours").code == 0
    assert regnet("presets", "delete", "hers").code == 0
    own = [one["name"] for one in json.loads(regnet("presets", "list", "--json").out) if not one["shipped"]]
    assert own == ["ours"]


def test_presets_files_and_runs_are_told_apart_by_their_parameters(
    regnet: Command, runs: MadeRuns, tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    path.write_text("seed = 9\n")
    found = json.loads(regnet("presets", "diff", "default", str(path), "--json").out)
    assert found == {
        "name": {"first": [""], "second": ["x"]},  # a file without a name of its own bears the file's
        "seed": {"first": [1], "second": [9]},
    }
    found = json.loads(regnet("presets", "diff", runs.first, runs.second, "--data", runs.data, "--json").out)
    assert found["signal_fraction"] == {"first": [0.2], "second": [0.4]}
    assert set(found) == {"signal_fraction", "name"}
    assert regnet("presets", "diff", "default", "default").out == "no difference\n"
    assert "or a run's name" in regnet("presets", "diff", "default", "nonesuch").err


def test_a_broken_preset_is_listed_with_its_problem(regnet: Command, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "presets"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text("conditions = 0\n")
    assert "line 1, conditions" in regnet("presets").out
    assert regnet("run", "bad").code == 2
