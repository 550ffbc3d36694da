"""Completion: what may stand next, asked as the shells ask."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Command, MadeRuns

from regnet.cli import COMMANDS
from regnet.cli.completion import SCRIPTS, candidates
from regnet.places import Places

NOWHERE = Places(Path("/nonexistent"), "a test")


def after(*words: str, places: Places = NOWHERE) -> list[str]:
    return candidates(words, places)


def test_commands_options_and_presets_are_completed() -> None:
    assert after("") == [*(command.name for command in COMMANDS), "--help", "--version"]
    assert after("ru") == ["run", "runs"]
    assert after("run", "qu") == ["quickstart"]
    assert "default" in after("run", "")
    assert after("run", "quickstart", "--cond") == ["--conditions"]
    assert after("run", "--conditions", "4", "qu") == ["quickstart"]
    assert after("run", "quickstart", "x") == []
    assert after("runs", "s") == ["show", "stop"]
    assert after("presets", "delete", "noise") == ["noise-like-the-signal"]
    assert after("completion", "z") == ["zsh"]


def test_values_are_completed_and_in_a_list_the_last_one() -> None:
    assert after("run", "quickstart", "--keep", "") == ["all", "estimates", "none"]
    assert after("run", "quickstart", "--noise", "identity,ran") == ["identity,random", "identity,randomV"]
    assert after("run", "quickstart", "--seed", "") == []
    assert after("runs", "show", "x", "--level", "w") == ["warning"]


def test_runs_are_completed_by_name(runs: MadeRuns) -> None:
    places = Places(Path(runs.data), "a test")
    assert set(after("runs", "show", "", places=places)) == {runs.first, runs.second, "last"}
    assert after("replay", runs.first[:-1], places=places)[:1] == [runs.first]
    assert after("runs", "compare", runs.first, "last", places=places) == ["last"]


def test_nonsense_completes_to_nothing() -> None:
    assert after("nonesuch", "x") == []
    assert after("runs", "show", "a", "b", "c") == []
    assert after("\x1b", "--") == []


def test_a_shell_gets_words_and_never_an_error(regnet: Command) -> None:
    assert regnet("completion", "--words", "ru").out == "run\nruns\n"
    assert regnet("completion", "--words", "presets", "diff", "--").code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_its_shell_reads(shell: str, regnet: Command, tmp_path: Path) -> None:
    script = regnet("completion", shell).out
    assert "completion --words" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(script)
    subprocess.run([shell, "-n", str(path)], check=True)


def test_bash_completes_by_the_script(tmp_path: Path) -> None:
    tool = tmp_path / "regnet"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m regnet "$@"\n')
    tool.chmod(0o755)
    (tmp_path / "script").write_text(SCRIPTS["bash"])
    asked = f"""
        export PATH={tmp_path}:$PATH; . {tmp_path}/script
        COMP_WORDS=(regnet run quickstart --noise identity,ran); COMP_CWORD=4
        _regnet_complete; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["identity,random", "identity,randomV"]
