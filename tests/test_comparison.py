"""Studies differ in what they differ, and their results stand side by side where they say the same world."""

from __future__ import annotations

import pytest

from regnet.comparison import align, compare, differing_parameters
from regnet.methods import LMM, Ridge
from regnet.runs.rows import Rows
from regnet.study import Study


def numbers(*studies: Study) -> dict[tuple[object, ...], tuple[int | None, ...]]:
    return {scenario.values: scenario.numbers for scenario in align(studies)[1]}


def test_the_differing_parameters_are_those_in_which_not_all_agree_in_the_order_of_forms() -> None:
    found = differing_parameters([Study(), Study(conditions=[4, 8], seed=2), Study(seed=2)])
    assert list(found.items()) == [("conditions", ((4,), (4, 8), (4,))), ("seed", ((1,), (2,), (2,)))]
    assert differing_parameters([Study(), Study()]) == {}


def test_studies_with_equal_grids_are_compared_across_what_is_fixed_in_each() -> None:
    grid = Study(conditions=[4, 8], covariance=["id", "random"])
    varying, _ = align([grid, grid.replace(noise="identity")])
    assert set(varying) == {"conditions", "covariance"}
    assert list(numbers(grid, grid.replace(noise="identity")).values()) == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_single_scenarios_are_always_side_by_side() -> None:
    one, other = Study(covariance="id", conditions=4), Study(covariance="random", conditions=8)
    assert numbers(one, other) == {(): (0, 0)}


def test_a_grid_matches_a_single_value_where_it_has_it() -> None:
    grid, single = Study(conditions=[4, 8], covariance="id"), Study(conditions=8, covariance="id")
    assert numbers(grid, single) == {(4,): (0, None), (8,): (1, 0)}
    assert numbers(single, grid) == {(8,): (0, 1), (4,): (None, 0)}


def test_what_is_fixed_in_each_does_not_keep_a_grid_from_matching_a_part_of_it() -> None:
    grid = Study(covariance=["id", "random"], signal_fraction=0.2)
    part = Study(covariance="random", signal_fraction=0.4)
    assert numbers(grid, part) == {("id",): (0, None), ("random",): (1, 0)}


def test_grids_along_different_parameters_meet_where_both_have_the_scenario() -> None:
    along_conditions = Study(covariance="id", conditions=[4, 8])
    along_covariance = Study(covariance=["id", "random"], conditions=4)
    assert numbers(along_conditions, along_covariance) == {
        (4, "id"): (0, 0),
        (8, "id"): (1, None),
        (4, "random"): (None, 1),
    }


def test_no_scenario_of_any_study_is_lost_or_doubled() -> None:
    studies = [
        Study(covariance=["id", "random"], conditions=[4, 6, 8]),
        Study(covariance=["id", "lowrank_2"], conditions=[6, 8], noise=["random", "identity"]),
        Study(covariance="original", conditions=4),
    ]
    _, scenarios = align(studies)
    for place, study in enumerate(studies):
        found = [s.numbers[place] for s in scenarios if s.numbers[place] is not None]
        assert sorted(found) == list(range(len(study.scenarios)))


# ---- results -----------------------------------------------------------------------------------------


def rows_of(study: Study, values: dict[str, list[float]]) -> Rows:
    """Return recorded rows in which every scenario has the same Pearson correlations, by method."""
    rows = Rows.empty(study.labels, len(study.scenarios))
    for scenario in rows.scenarios:
        for replicate in range(study.replicates):
            fits = {
                label: {"status": "ok", "metrics": {"pearson": found[replicate]}, "seconds": 0.0}
                for label, found in values.items()
            }
            scenario.append({"replicate": replicate, "seconds": 0.0, "truth": {}, "fits": fits}, study.labels)
    return rows


def test_means_and_differences_of_runs_stand_side_by_side() -> None:
    two = Study(methods=["Ridge", "LMM"], covariance="id", replicates=2)
    one = Study(methods="Ridge", covariance="id", replicates=2)
    assert two.methods == (Ridge(), LMM())
    found = compare(
        [two, one],
        [rows_of(two, {"Ridge": [0.1, 0.2], "LMM": [0.4, 0.4]}), rows_of(one, {"Ridge": [0.5, 0.7]})],
        "pearson",
    )
    assert [line.label for line in found.lines] == ["Ridge", "LMM"]
    (ours, theirs), (lmm, nothing) = (line.cells for line in found.lines)
    assert ours is not None
    assert theirs is not None
    assert lmm is not None
    assert (ours.mean, theirs.mean, lmm.mean) == pytest.approx((0.15, 0.6, 0.4))
    assert nothing is None
    assert lmm.difference is not None
    assert lmm.difference.mean == pytest.approx(0.25)
    assert found.difference_label("LMM") == "LMM − Ridge"


def test_a_difference_against_other_baselines_names_none() -> None:
    first = Study(methods=["Ridge", "LMM"], covariance="id", replicates=1)
    second = first.replace(methods="LMM")
    found = compare([first, second], [rows_of(first, {}), rows_of(second, {})], "pearson")
    assert found.baselines == ("Ridge", "LMM")
    assert found.difference_label("LMM") == "LMM − baseline"


def test_lines_of_which_no_run_has_anything_are_left_out() -> None:
    study = Study(covariance=["id", "random"], replicates=1)
    empty = Rows.empty(study.labels, 2)
    assert compare([study, study], [empty, empty], "pearson").lines == ()
