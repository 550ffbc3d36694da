"""The README is what it says: its table current, its lines runnable, its files there."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from regnet.cli import main
from regnet.cli.exit_codes import EXIT_CODES
from regnet.cli.parameter_table import with_table
from regnet.places import Places
from regnet.presets.preset_files import list_presets

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = re.findall(
    r"^(?:regnet .*)$", "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)), re.MULTILINE
)


def test_the_parameter_table_is_current() -> None:
    assert with_table(README, "README.md") == README  # else: python -m regnet.cli.parameter_table README.md


def test_every_exit_code_stands_in_the_readme() -> None:
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in README


def test_each_of_the_two_lines_does_all_the_set_up_by_itself() -> None:
    lines = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert lines[0] == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/regnet-tui"
    assert [("pytest" in line) for line in lines] == [False, True]


def test_continuous_integration_takes_its_test_line_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    found = re.search(r"^line=\$\((.*)\)$", script, re.MULTILINE)
    assert found
    taken = subprocess.run(
        ["sh", "-c", found[1]], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert taken.strip() == re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)[1]
    assert script.index('check sh -c "$line"') < script.index("ruff check")


def test_every_link_to_a_file_has_its_file() -> None:
    for target in re.findall(r"\]\(([^)h][^)]*)\)", README):
        assert (ROOT / target).is_file(), target


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("regnet run ")])
def test_every_run_in_the_readme_is_a_study_that_could_be_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(line, comments=True)[1:]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text("conditions = 16\n")
    words = [word if word != "motifs.tsv" else "synthetic" for word in words]
    assert main([*words, "--dry-run", "--data", str(tmp_path / "data")]) == 0
    assert "fits:" in capsys.readouterr().out


def test_every_preset_that_the_readme_names_is_shipped() -> None:
    shipped = {preset.name for preset in list_presets(Places(Path("/nonexistent"), "a test"))}
    named = {match[1] for match in re.finditer(r"regnet run ([a-z][a-z-]+)(?![.\w])", README)} - {"mine"}
    assert named <= shipped


def test_every_benchmark_stands_in_their_readme_with_its_question() -> None:
    described = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for script in (ROOT / "benchmarks").glob("*.py"):
        question = (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").splitlines()[0]
        assert f"| `{script.name}` | {question}" in described
