"""Are names of covariance structures read, checked and refused as promised?"""

import subprocess
import sys

import pytest

from regnet.errors import InputError
from regnet.models.structure_names import (
    STRUCTURES,
    StructureName,
    check,
    check_pair,
    default_true_signals,
    parse_structure,
    parse_true_noise,
    parse_true_signal,
)


@pytest.mark.parametrize(
    ("text", "kind", "rank", "partition", "canonical"),
    [
        ("freeform", "freeform", None, (), "freeform"),
        ("random", "freeform", None, (), "freeform"),
        ("diag", "diagonal", None, (), "diagonal"),
        ("identity", "id", None, (), "id"),
        ("lowrank_2", "lowrank", 2, (), "lowrank_2"),
        ("lowrank_id_12", "lowrank_id", 12, (), "lowrank_id_12"),
        ("lowrank_diag_1", "lowrank_diag", 1, (), "lowrank_diag_1"),
        ("block", "block", None, (), "block"),
        ("block:2,2", "block", None, (2, 2), "block:2+2"),
        (" block:1+3 ", "block", None, (1, 3), "block:1+3"),
        ("block_id", "block_id", None, (), "block_id"),
        ("block_diag", "block_diag", None, (), "block_diag"),
        ("truth", "truth", None, (), "truth"),
        ("proportional", "proportional", None, (), "proportional"),
    ],
)
def test_every_name_is_read_and_written_canonically(text, kind, rank, partition, canonical):
    name = parse_structure(text)
    assert name == StructureName(kind, rank, partition)
    assert str(name) == canonical
    assert parse_structure(canonical) == name


@pytest.mark.parametrize("text", ["", "frefrom", "lowrank", "lowrank_", "block:", "block:2;2"])
def test_an_unknown_name_is_refused_with_the_list_of_those_that_exist(text):
    with pytest.raises(InputError) as caught:
        parse_structure(text, where="signal_model")
    assert "signal_model" in str(caught.value)
    for name in STRUCTURES:
        assert name in str(caught.value)


@pytest.mark.parametrize("text", ["lowrank_0", "block:0+4"])
def test_a_rank_or_block_of_nothing_is_refused(text):
    with pytest.raises(InputError, match="at least"):
        parse_structure(text)


def test_a_rank_above_the_number_of_conditions_is_refused_with_the_largest_that_works():
    with pytest.raises(InputError, match="lowrank_4"):
        check("lowrank_5", 4, "signal")
    assert check("lowrank_4", 4, "signal").rank == 4


def test_a_partition_has_to_sum_to_the_number_of_conditions():
    with pytest.raises(InputError, match="sum 5"):
        check("block:2+3", 4, "signal")
    assert check("block:2+2", 4, "noise").partition == (2, 2)


def test_a_noise_proportional_to_a_signal_that_is_always_singular_is_refused():
    for signal in ("lowrank_2", "block"):
        with pytest.raises(InputError, match=f"noise: .* no multiple of a {signal} signal"):
            check_pair(signal, "proportional", 3)
    for signal in ("lowrank_3", "block:1+2", "block_id", "freeform"):
        assert str(check_pair(signal, "proportional", 3)[1]) == "proportional"


def test_proportional_is_for_the_noise_only():
    with pytest.raises(InputError, match="noise"):
        check("proportional", 4, "signal")
    assert check("proportional", 4, "noise").kind == "proportional"


@pytest.mark.parametrize("structure", ["lowrank_2", "block"])
def test_a_noise_that_is_always_singular_is_refused(structure):
    with pytest.raises(InputError, match="nonsingular"):
        check(structure, 4, "noise")
    assert check(structure, 4, "signal").kind in structure


@pytest.mark.parametrize(
    ("n_conditions", "kinds"),
    [
        (1, ("id", "random")),
        (2, ("id", "random", "lowrank_1", "lowrank_2")),
        (4, ("id", "random", "lowrank_2")),
        (5, ("id", "random", "lowrank_2")),
        (10, ("id", "random", "lowrank_2", "lowrank_5")),
    ],
)
def test_default_truths_are_those_of_the_original_without_duplicates(n_conditions, kinds):
    assert default_true_signals(n_conditions) == kinds


def test_names_of_truths_are_read_and_checked():
    assert str(parse_true_signal("freeform")) == "random"
    assert parse_true_signal("lowrank_3", 3).rank == 3
    assert parse_true_noise("id") == "identity"
    with pytest.raises(InputError, match="at most 4 blocks"):
        parse_true_signal("lowrank_5", 4)
    with pytest.raises(InputError, match="one of id, random, lowrank_k"):
        parse_true_signal("diagonal")
    with pytest.raises(InputError, match="identityV"):
        parse_true_noise("randomW")


def test_reading_names_loads_no_numpy():
    code = "import sys, regnet.models.structure_names; print('numpy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert answer.stdout.strip() == "False", answer.stderr
