"""Settings of the methods: valid, canonical, and labelled by where they differ."""

from __future__ import annotations

import pytest

from regnet.errors import InputError
from regnet.methods import LMM, Method, Ridge, labels_of, method_fields, method_from_fields
from regnet.parameters import Value


def test_names_of_structures_are_canonical() -> None:
    assert LMM(noise_model="random").noise_model == "freeform"
    assert LMM(noise_model="diag").noise_model == "diagonal"
    assert LMM(signal_model="block:2,2").signal_model == "block:2+2"


@pytest.mark.parametrize(
    ("owner", "field", "value"),
    [
        (Ridge, "penalty", 0),
        (Ridge, "penalty", -1),
        (Ridge, "penalty", "best"),
        (Ridge, "folds", 1),
        (LMM, "signal_model", "proportional"),
        (LMM, "signal_matrix", "1 2; 3"),
        (LMM, "noise_model", "lowrank_0"),
        (LMM, "restarts", 0),
        (LMM, "perturb_size", 0.0),
        (LMM, "likelihood", "map"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(owner: type[Method], field: str, value: Value) -> None:
    with pytest.raises(InputError, match=field):
        owner(**{field: value})  # type: ignore[arg-type]


def test_proportional_noise_is_a_model_of_the_noise_only() -> None:
    assert LMM(noise_model="proportional").noise_model == "proportional"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mean": "intercept", "signal_model": "lowrank_id_2"},
        {"mean": "intercept", "noise_model": "id"},
        {"mean": "intercept", "init": "truth"},
        {"mean": "intercept", "perturb": True},
    ],
)
def test_limix_is_asked_only_for_what_it_can_fit(settings: dict[str, Value]) -> None:
    with pytest.raises(InputError, match="what limix can fit"):
        LMM(engine="limix", **settings)  # type: ignore[arg-type]
    LMM(engine="limix", mean="intercept")
    LMM(engine="limix", mean="intercept", signal_model="lowrank_2")
    LMM(engine="limix", mean="intercept", likelihood="reml")


def test_limix_takes_no_limit_of_iterations() -> None:
    with pytest.raises(InputError, match="max_iterations: wanted 1000 with the engine limix"):
        LMM(engine="limix", mean="intercept", max_iterations=50)


def test_a_method_is_checked_against_the_size_of_the_data() -> None:
    LMM(signal_model="lowrank_4").check(978, 4)
    with pytest.raises(InputError, match="at most 3"):
        LMM(signal_model="lowrank_4").check(978, 3)
    with pytest.raises(InputError, match="folds"):
        Ridge(penalty="kfold", folds=10).check(9, 4)


def test_the_structure_fixed_has_its_matrix_and_no_other_structure_has_one() -> None:
    method = LMM(signal_model="fixed", signal_matrix="2 1; 1 2", noise_matrix="1 0; 0 1")
    assert method.matrix("signal") == ((2.0, 1.0), (1.0, 2.0))
    assert method.matrix("noise") is None
    method.check(60, 2)
    with pytest.raises(InputError, match=r"signal_matrix: wanted a 3 × 3 matrix.*found one of 2 × 2"):
        method.check(60, 3)
    LMM(noise_matrix="2 1; 1 2").check(60, 3)


@pytest.mark.parametrize("role", ["signal", "noise"])
def test_the_structure_fixed_without_a_covariance_is_refused_by_the_matrixs_name(role: str) -> None:
    def fixed(matrix: Value) -> LMM:
        return LMM(**{f"{role}_model": "fixed", f"{role}_matrix": matrix})  # type: ignore[arg-type]

    for matrix, message in (("", "found none"), ("1 2; 2 1", "semidefinite"), ("1 0; 1 1", "symmetric")):
        with pytest.raises(InputError, match=f"{role}_matrix: wanted .*{message}"):
            fixed(matrix)
    with pytest.raises(InputError, match=f"{role}_matrix: wanted a matrix that has been read"):
        fixed("some file.tsv").matrix("signal" if role == "signal" else "noise")


@pytest.mark.parametrize(
    ("methods", "labels"),
    [
        ([Ridge(), LMM()], ("Ridge", "LMM")),
        ([LMM(), LMM(noise_model="id")], ("LMM freeform", "LMM id")),
        (
            [Ridge(), LMM(signal_model="id"), LMM(perturb=True)],
            ("Ridge", "LMM id, perturb=no", "LMM freeform, perturb=yes"),
        ),
        ([Ridge(penalty="gcv"), Ridge(penalty="loo")], ("Ridge gcv", "Ridge loo")),
    ],
)
def test_labels_tell_methods_apart_in_as_few_words_as_they_can(
    methods: list[Method], labels: tuple[str, ...]
) -> None:
    assert labels_of(methods) == labels


def test_a_method_is_its_kind_and_fields() -> None:
    method = LMM(noise_model="id", perturb=True)
    assert method_from_fields(method.kind, method_fields(method)) == method
