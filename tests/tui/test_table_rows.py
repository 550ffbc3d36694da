"""Tables are filtered and sorted by the engine's language, whatever their cells hold."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from fake_runs import make_run, places_in

from regnet.row_filter import read_filter
from regnet.runs.replay import Replay
from regnet.study import Study
from regnet_tui.replicate_rows import ReplicateRows
from regnet_tui.row_order import filtered, ordered

ROWS = [
    {"name": "Alpha", "x": 3.0, "grid": (4, 8)},
    {"name": "beta", "x": math.nan, "grid": (2,)},
    {"name": "gamma", "x": 1.0, "grid": None},
    {"name": "alphabet", "x": 2.0, "grid": (8, 16)},
]


def names(query: str) -> list[object]:
    chosen = read_filter(query, ["name", "x", "grid"])
    found = filtered(ROWS, chosen, lambda row: str(row["name"]).lower(), lambda row, key: row[key])
    return [row["name"] for row in found]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ["Alpha", "beta", "gamma", "alphabet"]),
        ("ALPHA", ["Alpha", "alphabet"]),
        ("alpha x>2", ["Alpha"]),
        ("x<=2", ["gamma", "alphabet"]),
        ("x!=3", ["beta", "gamma", "alphabet"]),
        ("grid>4", ["Alpha", "alphabet"]),
        ("grid=2", ["beta"]),
        ("name:bet", ["beta", "alphabet"]),
        ("name=alpha", ["Alpha"]),
    ],
)
def test_a_filter_leaves_what_its_terms_say(query: str, left: list[str]) -> None:
    assert names(query) == left


def test_the_quick_filter_agrees_with_the_engines_own() -> None:
    for query in ("x>1", "x=3", "x:3", "grid>=8", "grid!=4", "name!=beta", "x>1 grid>4"):
        chosen = read_filter(query, ["name", "x", "grid"])
        assert names(query) == [row["name"] for row in ROWS if chosen.passes(row)], query


def test_rows_without_a_value_come_last_either_way() -> None:
    get = lambda row, key: row[key]  # noqa: E731
    assert [row["name"] for row in ordered(ROWS, get, "x", False)] == ["gamma", "alphabet", "Alpha", "beta"]
    assert [row["name"] for row in ordered(ROWS, get, "x", True)] == ["Alpha", "alphabet", "gamma", "beta"]


def test_replicate_rows_say_what_the_engines_rows_say(tmp_path: Path) -> None:
    study = Study(conditions=[4, 8], covariance="id", replicates=5)
    replay = Replay(make_run(places_in(tmp_path), study, failed=2))
    replay.update()
    rows = ReplicateRows(replay)
    told = {
        (rows.value(key, "scenario"), rows.value(key, "replicate"), rows.value(key, "method")): key
        for key in rows.keys
    }
    assert len(told) == len(rows.keys) == len(replay.rows) == 20
    for row in replay.rows:
        key = told[f"{study.scenarios[row.scenario].conditions}", float(row.replicate), row.label]
        assert rows.value(key, "status") == row.status
        assert rows.value(key, "reason") == row.reason
        assert rows.value(key, "conditions") == study.scenarios[row.scenario].conditions
        value = rows.value(key, "pearson")
        assert value == row.metrics["pearson"] or math.isnan(value)


def test_replicate_rows_grow_with_the_log_and_keep_their_keys(tmp_path: Path) -> None:
    study = Study(conditions=[4, 8], covariance="id", replicates=4)
    replay = Replay(make_run(places_in(tmp_path), study), use_rows_file=False)
    replay.update(3000)
    rows = ReplicateRows(replay)
    first = list(rows.keys)
    assert 0 < len(first) < 16
    replay.update()
    rows.grow()
    assert list(rows.keys[: len(first)]) == first
    assert len(set(rows.keys)) == len(rows.keys) == 16
