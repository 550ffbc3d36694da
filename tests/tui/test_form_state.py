"""What the form holds becomes a study, or says beside which field it can't."""

from __future__ import annotations

import pytest

from regnet.execution import Execution
from regnet.study import Study
from regnet_tui.form_state import FormState, check, form_parameters, is_changed, texts_of


def typed(**texts: str) -> dict[str, str]:
    return {**texts_of(Study()), **texts}


def test_the_texts_of_a_study_give_the_study_back() -> None:
    study = Study(
        conditions=[4, 8], signal_fraction=[0.1, 0.25], perturb=True, penalty=[0.5, "gcv"], name="x"
    )
    execution = Execution(jobs=3, time_limit=2.5)
    checked = check(texts_of(study, execution))
    assert checked.study == study
    assert checked.execution == execution
    assert checked.reason == ""


def test_values_with_commas_come_back_whole() -> None:
    study = Study(motifs=["a,b.tsv", "c.tsv"], signal_model=["block:2,2", "freeform"])
    assert check(texts_of(study)).study == study


def test_every_parameter_has_a_field_and_a_text() -> None:
    assert texts_of(Study()).keys() == form_parameters().keys()


def test_every_wrong_field_is_named_not_just_the_first() -> None:
    checked = check(typed(genes="many", seed="-1", jobs="none"))
    assert checked.problems.keys() == {"genes", "seed", "jobs"}
    assert "whole number" in checked.problems["genes"]
    assert checked.study is None
    assert checked.execution is None
    assert checked.reason.startswith("genes: ")
    assert "2 more" in checked.reason


def test_values_that_do_not_fit_each_other_are_said_beside_the_field_with_what_would_fit() -> None:
    checked = check(typed(covariance="lowrank_8", conditions="4"))
    assert list(checked.problems) == ["covariance"]
    assert "lowrank_4" in checked.problems["covariance"]


def test_the_structure_fixed_asks_for_its_matrix_beside_the_matrixs_field() -> None:
    checked = check(typed(signal_model="freeform, fixed"))
    assert list(checked.problems) == ["signal_matrix"]
    assert "found none" in checked.problems["signal_matrix"]
    texts = typed(signal_model="freeform, fixed", signal_matrix="1 .5; .5 1", covariance="id")
    assert "4 × 4" in check({**texts, "conditions": "2, 4"}).problems["signal_matrix"]
    told = check({**texts, "conditions": "2"})
    assert told.study is not None
    assert not told.problems
    assert not told.warnings
    assert check(texts_of(told.study)).study == told.study


def test_fields_of_execution_that_contradict_each_other_are_said() -> None:
    checked = check(typed(backend="dask"))
    assert list(checked.problems) == ["scheduler"]
    assert checked.study is not None


@pytest.mark.parametrize(
    ("texts", "field", "told"),
    [
        ({"cores": "20"}, "cores", "20 on 2"),
        ({"jobs": "4"}, "jobs", "2 would fit"),
        ({"noise": "random", "noise_fraction": "0.1, 0.9"}, "noise_fraction", "no effect"),
        ({"signal_matrix": "K.tsv"}, "signal_matrix", "no effect without signal model fixed"),
    ],
)
def test_what_is_possible_but_unwise_is_a_warning_and_can_run(
    texts: dict[str, str], field: str, told: str
) -> None:
    checked = check(typed(**texts), processors=2)
    assert told in checked.warnings[field]
    assert checked.reason == ""


def test_a_field_is_changed_when_its_values_differ_not_when_its_spelling_does() -> None:
    state = FormState.from_study(Study(conditions=[4, 8]), "preset")
    assert not is_changed(state.edit("conditions", "4,8"), "conditions")
    assert is_changed(state.edit("conditions", "8"), "conditions")
    assert is_changed(state.edit("conditions", "eight"), "conditions")
    assert state.edit("seed", "9").edit("genes", "5").changed == ("genes", "seed")
    assert state.edit("seed", "9").undo("seed") == state
