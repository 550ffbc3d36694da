"""Parameters: how text and Python values become canonical values, and text again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet.errors import InputError
from regnet.execution import Execution
from regnet.parameters import (
    Flag,
    Kind,
    OneOf,
    Parameter,
    Real,
    Text,
    Whole,
    canonical_fields,
    declare,
    parameters_of,
    split_values,
    write_value,
)
from regnet.study import study_parameters

ALL = [*study_parameters().values(), *parameters_of(Execution)]


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (Whole(1, 10), "4", 4),
        (Whole(1, 10), " +4 ", 4),
        (Whole(1, 10), 4.0, 4),
        (Whole(1, 10), np.int64(4), 4),
        (Whole(1, 10), "4.0", None),
        (Whole(1, 10), 4.5, None),
        (Whole(1, 10), "0", None),
        (Whole(1, 10), "11", None),
        (Whole(1, 10), True, None),
        (Whole(1, 10), "1e1", None),
        (Whole(1, 10), "٤", 4),
        (Whole(0), "9" * 19, None),
        (Whole(0), "9" * 5000, None),
        (Whole(0), -(10**400), None),
        (Whole(1, 10, words=("auto",)), "auto", "auto"),
        (Whole(1, 10), "auto", None),
        (Real(0, 1), "0.2", 0.2),
        (Real(0, 1), "1e-3", 0.001),
        (Real(0, 1), 1, 1.0),
        (Real(0, 1), np.float32(0.5), 0.5),
        (Real(0, 1), "1.1", None),
        (Real(0, 1), "nan", None),
        (Real(0), "inf", None),
        (Real(0), math.inf, None),
        (Real(0, 1), "1_0", None),
        (Real(0, 1), True, None),
        (Real(0, low_open=True), 0.0, None),
        (Real(0, words=("gcv",)), "gcv", "gcv"),
        (OneOf(("ml", "reml")), "reml", "reml"),
        (OneOf(("ml", "reml")), "REML", None),
        (OneOf(("Ridge",), {"ridge": "Ridge"}), "ridge", "Ridge"),
        (OneOf(("ml",)), 1, None),
        (Flag(), "yes", True),
        (Flag(), "FALSE", False),
        (Flag(), "perhaps", None),
        (Flag(), True, True),
        (Text(), " a b ", "a b"),
        (Text(), "a\x1b[31m", None),
        (Text(), "a\nb", None),
        (Text(longest=3), "abcd", None),
        (Text(needed=True), "  ", None),
        (Text(), 3, None),
    ],
)
def test_a_kind_reads_what_it_should_and_nothing_else(kind: Kind, given: object, value: object) -> None:
    read = kind.read(given)
    assert read == value
    assert type(read) is type(value)


def test_minus_zero_is_zero_so_that_equal_studies_have_one_identity() -> None:
    assert str(Real(0, 1).read(-0.0)) == "0.0"


@pytest.mark.parametrize("parameter", ALL, ids=lambda parameter: parameter.name)
def test_every_default_is_canonical_and_survives_being_written(parameter: Parameter) -> None:
    assert parameter.read_all(list(parameter.default)) == parameter.default
    for value in parameter.default:
        assert parameter.read(write_value(value)) == value


@pytest.mark.parametrize("parameter", ALL, ids=lambda parameter: parameter.name)
def test_every_parameter_explains_itself(parameter: Parameter) -> None:
    assert parameter.option == "--" + parameter.name.replace("_", "-")
    assert 5 < len(parameter.help) < 110
    assert "\n" not in parameter.help
    assert parameter.details
    assert parameter.group
    assert parameter.kind.wanted


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_text_is_the_same_number(number: float) -> None:
    assert Real().read(write_value(number)) == number


@given(st.text(), st.sampled_from(ALL))
def test_any_text_is_a_value_or_one_clear_line(text: str, parameter: Parameter) -> None:
    try:
        values = parameter.read_all(text)
    except InputError as error:
        line = str(error)
        assert line.isprintable()
        assert parameter.name in line
    else:
        assert parameter.read_all(list(values)) == values


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("4, 8", ["4", "8"]),
        (" 4 ,,8, ", ["4", "8"]),
        ("", []),
        ("block:2,2", ["block:2+2"]),
        ("block:2,2,freeform,block:4", ["block:2+2", "freeform", "block:4"]),
        ("block:2+2,id", ["block:2+2", "id"]),
    ],
)
def test_values_are_split_at_commas_but_a_partition_stays_whole(text: str, pieces: list[str]) -> None:
    assert split_values(text) == pieces


def test_repeated_values_of_a_grid_are_merged_in_order() -> None:
    conditions = study_parameters()["conditions"]
    assert conditions.read_all("8, 4, 8") == (8, 4)
    assert conditions.read_all([4, "4", 4.0]) == (4,)
    assert conditions.read_all(4) == (4,)


def test_several_values_are_refused_where_there_is_no_grid() -> None:
    with pytest.raises(InputError, match="replicates: wanted a single value"):
        study_parameters()["replicates"].read_all([1, 2])
    with pytest.raises(InputError, match="no value"):
        study_parameters()["conditions"].read_all([])


def test_the_message_says_what_is_wanted_and_what_was_found() -> None:
    with pytest.raises(InputError) as caught:
        study_parameters()["conditions"].read("four")
    assert str(caught.value) == "conditions: wanted a whole number, 1 to 1000, found 'four'"
    assert (caught.value.where, caught.value.found) == ("conditions", "'four'")


def test_a_declared_field_is_checked_and_made_canonical() -> None:
    @dataclass(frozen=True)
    class Oven:
        degrees: float = declare(180.0, Real(0, 300), "heat of the oven", group="Kitchen")

        def __post_init__(self) -> None:
            canonical_fields(self)

    assert Oven("200").degrees == 200.0  # type: ignore[arg-type]
    assert [parameter.name for parameter in parameters_of(Oven)] == ["degrees"]
    with pytest.raises(InputError, match="degrees"):
        Oven(301)
