"""Tables hold every digit for programs, four for people, and nothing in them can run or break a page."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from regnet import InputError, Study
from regnet.runs.export import (
    FORMATS,
    Table,
    number_text,
    replicate_table,
    summary_table,
    table_text,
    write_tables,
)
from regnet.runs.folder import RunFolder
from regnet.runs.replay import Replay
from regnet.runs.rows import Rows
from regnet.summary import summarise

VALUE = 0.1 + 0.2


def rows_of(study: Study) -> Rows:
    rows = Rows.empty(study.labels, len(study.scenarios))
    for replicate, (ridge, lmm) in enumerate([(VALUE, 0.5), (0.4, None)]):
        fits = {
            label: {
                "status": "ok",
                "metrics": {"pearson": value},
                "seconds": 0.01,
                "warnings": ["at boundary"],
            }
            for label, value in (("Ridge", ridge), ("LMM", lmm))
        }
        event = {"replicate": replicate, "seconds": 1.0, "truth": {"scale": 2.0}, "fits": fits}
        rows.scenarios[1].append(event, rows.labels)
    return rows


def test_the_replicate_table_has_parameters_method_and_metrics_as_columns(study: Study) -> None:
    table = replicate_table(study, rows_of(study))
    lines = [dict(zip(table.columns, row)) for row in table.rows]
    assert len(lines) == 4
    assert lines[0]["pearson"] == VALUE
    assert lines[3]["pearson"] is None
    assert (lines[1]["method"], lines[1]["label"], lines[1]["scenario"]) == ("LMM", "LMM", 1)
    assert (lines[0]["conditions"], lines[0]["covariance"], lines[0]["motifs"]) == (3, "random", "synthetic")
    assert lines[0]["true_scale"] == 2.0
    assert lines[0]["warnings"] == "at boundary"


def test_the_summary_table_is_long_and_has_the_difference_to_the_baseline(study: Study) -> None:
    table = summary_table(study, summarise(rows_of(study)), metrics=["pearson"])
    ridge, lmm = (dict(zip(table.columns, row)) for row in table.rows)
    assert (ridge["n"], lmm["n"], lmm["undefined"]) == (2, 1, 1)
    assert ridge["difference"] is None
    assert lmm["difference"] == 0.5 - VALUE
    assert (lmm["difference_n"], lmm["won"]) == (1, 1.0)


@pytest.mark.parametrize(("format", "separator"), [("csv", ","), ("tsv", "\t")])
def test_separated_values_hold_every_digit_and_leave_undefined_cells_empty(
    study: Study, format: str, separator: str
) -> None:
    text = table_text(replicate_table(study, rows_of(study)), format)
    lines = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    assert float(lines[0]["pearson"]) == VALUE
    assert lines[3]["pearson"] == ""
    assert lines[0]["centre_motifs"] == "no"


def test_json_holds_every_digit_and_null_where_undefined(study: Study) -> None:
    lines = json.loads(table_text(replicate_table(study, rows_of(study)), "json"))
    assert lines[0]["pearson"] == VALUE
    assert lines[3]["pearson"] is None


def test_tables_for_people_show_four_digits_and_escape_what_means_something() -> None:
    table = Table(("name", "value"), [("a|b_c%&\\", 0.123456), ("<b>", None)])
    assert table_text(table, "markdown").splitlines() == [
        "| name | value |",
        "|---|---:|",
        "| a\\|b\\_c%&\\\\ | 0.1235 |",
        "| \\<b\\> | n/a |",
    ]
    latex = table_text(table, "latex")
    assert "a|b\\_c\\%\\&\\textbackslash{} & 0.1235 \\\\" in latex
    assert "\\begin{tabular}{lr}" in latex


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="csv, tsv, json, markdown, latex"):
        table_text(Table(("x",), []), "xlsx")
    assert list(FORMATS) == ["csv", "tsv", "json", "markdown", "latex"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (12.3456, "12.35"),
        (123456.7, "123457"),
        (-0.00123456, "-0.001235"),
        (1.23456e-7, "1.235e-07"),
        (1234567.0, "1.235e+06"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (1.0, "1.000"),
        (math.nan, "n/a"),
        (None, "n/a"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_numbers_as_people_see_them(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_the_tables_of_a_folder_are_written_whole_and_private(folder: RunFolder) -> None:
    replay = Replay(folder)
    replay.rows = rows_of(replay.study)
    write_tables(folder, replay)
    assert folder.replicates_csv.read_text().count("\n") == 5
    assert folder.summary_csv.read_text().startswith("scenario,motifs,")
    assert {path.stat().st_mode & 0o777 for path in folder.path.glob("*.csv")} == {0o600}
