"""Options, the equivalent command, and the command read back."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regnet.cli.study_options import (
    add_execution_options,
    add_study_options,
    command_for,
    execution_from_options,
    execution_parameters,
    read_command,
    read_values,
    shown_values,
    study_from_options,
    write_values,
)
from regnet.errors import InputError
from regnet.execution import Execution
from regnet.matrix_text import write_matrix
from regnet.places import Places
from regnet.presets.preset_files import load_study
from regnet.study import Study, study_parameters

NOWHERE = Places(Path("/nonexistent"), "a test")
PARAMETERS = study_parameters()

printable = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=20)
awkward = st.sampled_from(["a,b.tsv", "[x]", "block:2", "3", "-n", "it's", 'say "no"', "$HOME", "a  b", "…"])
motifs = st.one_of(awkward, printable.map(str.strip).filter(bool))
fractions = st.floats(0, 1)


def several(values: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(values, min_size=1, max_size=3)


given_studies = st.fixed_dictionaries(
    {},
    optional={
        "name": printable,
        "note": st.one_of(awkward, printable),
        "motifs": several(motifs),
        "genes": several(st.integers(1, 10_000_000)),
        "conditions": several(st.integers(4, 50)),
        "covariance": several(st.sampled_from(["id", "random", "lowrank_3", "original"])),
        "signal_fraction": several(fractions),
        "centre_motifs": several(st.booleans()),
        "noise": several(st.sampled_from(["random", "identity", "randomV", "identityV"])),
        "noise_fraction": several(fractions),
        "penalty": several(st.one_of(st.just("oracle"), st.floats(1e-6, 1e300))),
        "signal_model": several(st.sampled_from(["freeform", "lowrank_id_2", "block_id", "truth"])),
        "noise_model": several(st.sampled_from(["id", "diag", "proportional"])),
        "perturb": several(st.booleans()),
        "perturb_size": several(st.floats(1e-12, 1e3)),
        "replicates": st.integers(1, 10_000_000),
        "seed": st.integers(0, 2**63 - 1),
        "methods": st.sampled_from([["Ridge"], ["LMM"], ["LMM", "Ridge"]]),
    },
)
executions = st.builds(
    Execution,
    jobs=st.one_of(st.just("auto"), st.integers(1, 100)),
    cores=st.integers(1, 64),
    keep=st.sampled_from(["all", "estimates", "none"]),
    time_limit=st.floats(0, 1e6),
)


@settings(max_examples=150)
@given(fields=given_studies, execution=executions, base=st.sampled_from(["default", "quickstart"]))
def test_a_command_read_back_is_the_study_it_was_written_for(
    fields: dict[str, object], execution: Execution, base: str
) -> None:
    study = Study(**fields)
    command = command_for(study, base, execution, places=NOWHERE)
    read = read_command(command, places=NOWHERE)
    assert (read.base, read.study, read.execution) == (base, study, execution)


@given(values=st.lists(motifs, min_size=1, max_size=4, unique=True))
def test_values_as_text_read_back_equal_whatever_they_hold(values: list[str]) -> None:
    parameter = PARAMETERS["motifs"]
    assert read_values(parameter, write_values(parameter, values)) == tuple(values)


def test_a_matrix_reads_back_from_a_command_and_a_terminal_shows_a_large_one_by_its_beginning() -> None:
    parameter = study_parameters()["signal_matrix"]
    rows = [[float(3 * (i == j)) + 1 / 3 for i in range(12)] for j in range(12)]
    study = Study(conditions=12, covariance="id", signal_model="fixed", signal_matrix=rows)
    assert read_command(command_for(study)).study == study
    told = shown_values(parameter, study.values["signal_matrix"])
    assert told.startswith("3.3333333333333335 0.333")
    assert re.search(r" … \(12 × 12, [0-9a-f]{8}\)$", told)
    assert len(told) < 90
    rows[11][11] += 1.0
    assert shown_values(parameter, (write_matrix(rows),)) != told
    for short in ("1 0.5; 0.5 1", "a path/of any length " * 20):
        assert shown_values(parameter, (short,)) == short


def test_the_command_names_only_what_differs_from_its_base() -> None:
    quickstart = load_study("quickstart", NOWHERE)
    study = quickstart.replace(conditions="4,8", signal_fraction=[0.1, 0.25])
    expected = "regnet run quickstart --signal-fraction 0.1,0.25"
    if quickstart.values["conditions"] != (4, 8):
        expected = "regnet run quickstart --conditions 4,8 --signal-fraction 0.1,0.25"
    assert command_for(study, "quickstart", places=NOWHERE) == expected
    assert command_for(quickstart, "quickstart", places=NOWHERE) == "regnet run quickstart"


def test_a_pasted_command_may_have_a_prompt_line_ends_and_a_path() -> None:
    text = "$ .venv/bin/regnet run default \\\n   --conditions 4 \\\n   --perturb --detach --jobs 2"
    read = read_command(text, places=NOWHERE)
    assert read.study == Study(conditions=4, perturb=True)
    assert read.execution == Execution(jobs=2)
    assert read_command("python3.12 -m regnet run default", places=NOWHERE).study == Study()


def test_a_study_file_is_a_base_like_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "my study.toml"
    path.write_text(Study(conditions=6, replicates=3).to_toml())
    study = Study(name="my study", conditions=6, replicates=7)
    command = command_for(study, str(path), places=NOWHERE)
    assert shlex.split(command) == ["regnet", "run", str(path), "--replicates", "7"]
    assert read_command(command, places=NOWHERE).study == study


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with 'regnet run'"),
        ("rm -rf /", "begins with 'regnet run'"),
        ("regnet run 'default", "no closing quotation"),
        ("regnet run", "put it first, as in 'regnet run quickstart'"),
        ("regnet run default --help", "--help"),
        ("regnet run default --conditions four", "--conditions: wanted a whole number"),
        ("regnet run default --condition 4", "did you mean --conditions"),
        ("regnet run default --conditions 4 --covariance lowrank_8", "lowrank_8"),
        ("regnet run default --scheduler tcp://x:1", "--scheduler"),
        ("regnet run default --seed 1,2", "--seed: wanted a whole number"),
        ("regnet run default --data /elsewhere", "--data: wanted the data directory in use"),
        ("regnet run --perturb default", "put it first"),
        ("regnet run default other", "no further argument, found 'other'"),
        ("regnet run default --jobs", "expected one argument"),
        ("regnet run nonesuch", "quickstart"),
        ("regnet run default --motifs '[\"a\"'", "JSON list"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_command(text, places=NOWHERE)
    assert "\n" not in str(caught.value)


def test_every_parameter_has_its_option_with_its_help_and_default() -> None:
    parser = argparse.ArgumentParser(prog="x")
    add_study_options(parser)
    add_execution_options(parser)
    text = " ".join(parser.format_help().split())
    for parameter in [*PARAMETERS.values(), *execution_parameters().values()]:
        assert f" {parameter.option} " in text
        default = ",".join(map(str, parameter.default))
        if default and not isinstance(parameter.default[0], bool | float):
            assert f"(default: {default})" in text


def test_an_option_that_is_repeated_adds_to_the_grid() -> None:
    parser = argparse.ArgumentParser()
    add_study_options(parser)
    options = parser.parse_args(["--conditions", "4", "--conditions", "8,4", "--centre-motifs", "yes,no"])
    study = study_from_options(Study(), options)
    assert study.values["conditions"] == (4, 8)
    assert study.values["centre_motifs"] == (True, False)


def test_no_options_change_nothing() -> None:
    parser = argparse.ArgumentParser()
    add_study_options(parser)
    add_execution_options(parser)
    options = parser.parse_args([])
    base = Study(conditions=7, covariance="id")
    assert study_from_options(base, options) == base
    assert execution_from_options(options) == Execution()
