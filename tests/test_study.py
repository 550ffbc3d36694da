"""Studies: grids, files that read back equal, and errors that name the place."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet.errors import InputError
from regnet.study import MOST_TEXT, Study, study_parameters


def test_the_default_study_is_the_originals_covariances_fitted_by_both_methods() -> None:
    study = Study()
    assert [scenario.covariance for scenario in study.scenarios] == ["id", "random", "lowrank_2"]
    assert study.labels == ("Ridge", "LMM")
    assert study.baseline == "Ridge"
    assert study.n_fits == 3 * 2 * 20


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (1, ["id", "random"]),
        (4, ["id", "random", "lowrank_2"]),
        (5, ["id", "random", "lowrank_2"]),
        (6, ["id", "random", "lowrank_2", "lowrank_3"]),
        (10, ["id", "random", "lowrank_2", "lowrank_5"]),
    ],
)
def test_original_stands_for_the_four_covariances_with_duplicates_merged(
    conditions: int, expected: list[str]
) -> None:
    assert [scenario.covariance for scenario in Study(conditions=conditions).scenarios] == expected


def test_several_values_make_the_full_grid_in_the_order_of_the_parameters() -> None:
    study = Study(conditions="4,8", covariance="id", signal_fraction=[0.1, 0.2], replicates=3)
    grid = [(scenario.conditions, scenario.signal_fraction) for scenario in study.scenarios]
    assert grid == [(4, 0.1), (4, 0.2), (8, 0.1), (8, 0.2)]
    assert study.varying == ("conditions", "signal_fraction")
    assert study.n_fits == 4 * 2 * 3


def test_scenarios_that_would_give_the_same_data_are_merged() -> None:
    study = Study(covariance="id", noise=["random", "randomV"], noise_fraction=[0.2, 0.7])
    assert len(study.scenarios) == 3  # the fraction means nothing with noise random


def test_methods_are_a_grid_too_and_labels_say_where_they_differ() -> None:
    study = Study(penalty=["gcv", 10], noise_model="id,diag", perturb=[True, False], methods="Ridge,LMM")
    assert study.labels[:2] == ("Ridge gcv", "Ridge penalty=10")
    assert study.labels[2] == "LMM id, perturb=yes"
    assert len(study.methods) == 2 + 4
    assert len(set(study.labels)) == 6
    assert study.baseline == study.labels[0]


def test_the_methods_order_is_ridge_first_whatever_way_they_are_given() -> None:
    assert Study(methods=["LMM", "Ridge"]).labels == ("Ridge", "LMM")
    assert Study(methods="lmm").labels == ("LMM",)


def test_a_baseline_has_to_be_one_of_the_methods() -> None:
    assert Study(baseline="LMM").baseline == "LMM"
    with pytest.raises(InputError, match="baseline: wanted one of Ridge, LMM"):
        Study(baseline="OLS")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conditons": 4}, "conditons: wanted a parameter"),
        ({"conditions": 4, "covariance": "lowrank_8"}, "at most 4 blocks"),
        ({"conditions": [8, 4], "signal_model": "lowrank_8"}, "signal_model: wanted a rank of at most 4"),
        ({"conditions": 4, "noise_model": "block"}, "noise_model"),
        ({"conditions": 4, "signal_model": "block:2,3"}, "sum to the 4 conditions"),
        ({"genes": 3, "tfs": 2, "penalty": "kfold"}, "folds: wanted at most 3"),
        ({"signal_model": "fixed"}, "signal_matrix: wanted the matrix K"),
        (
            {"conditions": [2, 4], "covariance": "id", "noise_model": "fixed", "noise_matrix": "1 0; 0 1"},
            "noise_matrix: wanted a 4 × 4 matrix for 4 conditions, found one of 2 × 2",
        ),
        ({"engine": "limix"}, "engine: wanted what limix can fit"),
        ({"seed": [1, 2]}, "seed: wanted a single value"),
        ({"conditions": range(1, 900), "seed": 1, "tfs": range(1, 900)}, "at most 100000 scenarios"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study(**fields)


def test_a_study_reads_back_equal_from_its_toml_short_or_full() -> None:
    study = Study(
        name="ünïcode",
        note='quotes " and \\',
        conditions=[4, 8],
        signal_fraction=[0.1, 1 / 3],
        penalty=["gcv", 2.5],
        perturb=True,
        seed=2**63 - 1,
    )
    for full in (False, True):
        text = study.to_toml(full=full)
        assert Study.from_toml(text) == study
    assert "genes" not in study.to_toml()
    assert all(f"\n{name} = " in study.to_toml(full=True) for name in study_parameters())


def test_the_names_in_toml_are_the_parameters_own_with_a_format_number() -> None:
    text = Study(conditions=[4, 8], centre_motifs=True).to_toml()
    assert text.splitlines()[0] == "format = 1"
    assert "centre_motifs = true" in text


def test_a_matrix_is_one_value_from_python_from_text_and_from_nested_lists_in_toml() -> None:
    fields = {"conditions": 2, "covariance": "id", "signal_model": "fixed"}
    study = Study(**fields, signal_matrix="1 0.5; 0.5 1")
    assert Study(**fields, signal_matrix=[[1, 0.5], [0.5, 1]]) == study
    assert study.replace(replicates=3).values["signal_matrix"] == ("1 0.5; 0.5 1",)
    for full in (False, True):
        assert Study.from_toml(study.to_toml(full=full)) == study
    nested = 'conditions = 2\ncovariance = "id"\nsignal_model = "fixed"\nsignal_matrix = [[1, 0.5], [0.5, 1]]'
    assert Study.from_toml(nested) == study


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("signal_matrix = [[1, 2]]\n", "my.toml, line 1, signal_matrix: wanted a file's path, or a square"),
        ("conditions = 'four'\n", "my.toml, line 1, conditions: wanted a whole number"),
        ("format = 1\n\ngenes = [978, -1]\n", "my.toml, line 3, genes"),
        ("conditions = 4\ncovariance = 'lowrank_9'\n", "my.toml, line 2, covariance"),
        ("conditions = \n", "my.toml: wanted a TOML file"),
        ("[study]\nconditions = 4\n", "my.toml, 'study': wanted a parameter with a value, found a table"),
        ("cond = 4\n", "my.toml, line 1, cond: wanted a parameter"),
        ("format = 2\n", "written by another version"),
        ("format = 'x'\n", "my.toml, format: wanted 1"),
        ("seed = 1979-05-27\n", "line 1, seed"),
        ("conditions = [[4]]\n", "line 1, conditions"),
        ("a = " + "[" * 5000 + "]" * 5000, "my.toml: wanted a TOML file"),
        ("#" * (MOST_TEXT + 1), "at most 1000000 characters"),
        ('name = "x\\u001b[2J"\n', "line 1, name"),
    ],
)
def test_a_bad_file_is_one_line_with_its_name_and_the_place(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Study.from_toml(text, where="my.toml")
    assert str(caught.value).isprintable()


@given(st.text(max_size=200))
def test_any_text_is_a_study_or_one_clear_error(text: str) -> None:
    try:
        study = Study.from_toml(text)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert Study.from_toml(study.to_toml()) == study


def test_name_and_note_are_no_part_of_the_identity_but_all_else_is() -> None:
    study = Study()
    assert study.replace(name="a", note="b").identity() == study.identity()
    changed = {
        study.replace(seed=2).identity(),
        study.replace(top=5).identity(),
        study.replace(genes=9, tfs=3).identity(),
    }
    assert len({*changed, study.identity()}) == 4


def test_identities_stay_what_they_are() -> None:
    assert Study().identity() == "44136fa355b3678a"  # recorded when the format was fixed
    assert Study(conditions=[4, 8]).identity() == "142cc70aa9eabfd7"


def test_a_study_is_a_value_equal_hashable_and_sent_to_workers_unchanged() -> None:
    study = Study(conditions=[4, 8])
    assert study == Study(conditions="4,8")
    assert study != Study(conditions=[8, 4])
    assert len({study, Study(conditions=(4, 8))}) == 1
    assert pickle.loads(pickle.dumps(study)) == study
    assert repr(study) == "Study(conditions=[4, 8])"
