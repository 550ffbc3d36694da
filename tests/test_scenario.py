"""Scenarios: if one exists it is valid; equal data have equal identities, different data different ones."""

from __future__ import annotations

import dataclasses

import pytest

from regnet.errors import InputError
from regnet.parameters import Value
from regnet.scenario import Scenario


def test_fields_are_canonical_whatever_way_they_are_given() -> None:
    assert Scenario(conditions="4", covariance="freeform", noise="id") == Scenario(  # type: ignore[arg-type]
        conditions=4, covariance="random", noise="identity"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("genes", 0),
        ("genes", 2.5),
        ("conditions", "four"),
        ("signal_fraction", 1.1),
        ("signal_fraction", float("nan")),
        ("covariance", "lowrank_0"),
        ("covariance", "lowrank_5"),
        ("covariance", "original"),
        ("covariance", "block"),
        ("noise", "pink"),
        ("signal_mode", "roughly"),
        ("motifs", ""),
        ("motifs", "a\x1bb"),
        ("subset", "best"),
    ],
)
def test_an_invalid_scenario_cannot_exist_and_the_field_is_named(field: str, value: Value) -> None:
    with pytest.raises(InputError, match=field):
        Scenario(**{field: value})  # type: ignore[arg-type]


def test_a_scenario_cannot_be_changed_but_replaced() -> None:
    scenario = Scenario(conditions=8)
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenario.conditions = 4  # type: ignore[misc]
    assert scenario.replace(conditions=4) == Scenario()
    with pytest.raises(InputError, match="lowrank_8"):
        scenario.replace(covariance="lowrank_8").replace(conditions=4)


CHANGES: dict[str, Value] = {
    "motifs": "synthetic",
    "genes": 100,
    "tfs": 50,
    "subset": "first",
    "centre_motifs": True,
    "conditions": 5,
    "covariance": "id",
    "signal_fraction": 0.3,
    "signal_mode": "expected",
    "noise": "identityV",
    "dataset": "old.pkl",
}


def test_every_field_that_decides_the_data_changes_the_identity() -> None:
    assert set(CHANGES) | {"noise_fraction"} == {field.name for field in dataclasses.fields(Scenario)}
    identities = {
        Scenario().identity(),
        *(Scenario().replace(**{k: v}).identity() for k, v in CHANGES.items()),
    }
    assert len(identities) == len(CHANGES) + 1


def test_the_noise_fraction_counts_only_where_the_noise_holds_signal() -> None:
    plain, holding = Scenario(noise="random"), Scenario(noise="randomV")
    assert plain.identity() == plain.replace(noise_fraction=0.1).identity()
    assert holding.identity() != holding.replace(noise_fraction=0.1).identity()
    assert (plain.noise_holds_signal, holding.noise_holds_signal) == (False, True)


def test_the_same_table_under_another_path_gives_the_same_data() -> None:
    first, second = Scenario(motifs="a.tsv"), Scenario(motifs="/elsewhere/a.tsv")
    assert first.identity() != second.identity()
    assert first.identity("fingerprint") == second.identity("fingerprint")


def test_identities_stay_what_they_are_since_random_streams_follow_from_them() -> None:
    # Recorded when the format was fixed: a change here changes every number of every old study.
    assert Scenario().identity() == "44136fa355b3678a"
    changed = Scenario(conditions=8, noise="randomV", signal_fraction=0.4)
    assert changed.identity() == "bfaeebf3c546268f"
