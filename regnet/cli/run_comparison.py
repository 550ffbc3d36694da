"""``regnet runs compare``: in what do runs differ, and what do their results say side by side?"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE
from regnet.cli.output import harmless, table, write, write_json
from regnet.cli.study_options import shown_values
from regnet.cli.summary_table import check_metrics, difference_record, finite, interval_text, mean_text
from regnet.cli.which_run import named_run
from regnet.comparison import Comparison, differing_parameters
from regnet.comparison import compare as side_by_side
from regnet.errors import InputError
from regnet.metrics import METRICS_BY_NAME
from regnet.parameters import Value, write_value
from regnet.places import find_places
from regnet.runs.replay import Replay
from regnet.study import study_parameters


def add_parser(commands: Any) -> None:
    """Add the command ``runs compare``."""
    parser = commands.add_parser(
        "compare",
        help="compare runs: the parameters in which they differ, and their results",
        description="Compare two or more runs: the parameters in which they differ, then their means with "
        "Monte Carlo standard errors and their differences from the baseline side by side, a line for each "
        "scenario and method.",
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", help="two or more runs")
    parser.add_argument("--metric", default="pearson", metavar="NAME", help="which metric (default: pearson)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="tab-separated: no columns aligned by spaces")
    add_data_option(parser)
    parser.set_defaults(func=compare)


def compare(options: argparse.Namespace) -> int:
    """Print the differing parameters of runs and their results side by side."""
    if len(options.runs) < 2:
        raise InputError("compare", "two or more runs", f"{len(options.runs)}")
    (metric,) = check_metrics([options.metric])
    places = find_places(options.data)
    replays = [Replay(named_run(places, name)) for name in options.runs]
    for replay in replays:
        replay.update()
    studies = [replay.study for replay in replays]
    differing = differing_parameters(studies)
    found = side_by_side(studies, [replay.rows for replay in replays], metric)
    ids = [replay.folder.id for replay in replays]
    if options.json:
        write_json(_as_json(ids, differing, found, metric))
        return DONE
    parameters = study_parameters()
    lay_out = _separated if options.plain else table
    if differing:
        rows = [
            [name, *(shown_values(parameters[name], v) for v in each)] for name, each in differing.items()
        ]
        write([*lay_out(["parameter", *ids], rows, ""), ""])
    else:
        write(["the runs have the same parameters", ""])
    lines = _result_lines(found)
    aligned = "l" * (len(found.varying) + 1) + "r" * len(ids)
    write(
        [
            f"{METRICS_BY_NAME[metric].title}, mean ± Monte Carlo standard error, and paired difference "
            "with its 95% interval:",
            "",
        ]
    )
    write(lay_out([*found.varying, "method", *ids], lines, aligned))
    return DONE


def _separated(headings: Sequence[str], rows: Sequence[Sequence[object]], _: str) -> list[str]:
    """Return the lines of a table as screen readers and scripts read it: separated by tabs."""
    return ["\t".join(harmless(cell) for cell in row) for row in (headings, *rows)]


def _result_lines(found: Comparison) -> list[list[str]]:
    """Return the cells of every line: each scenario's methods, then their differences."""
    lines = []
    for scenario, group in itertools.groupby(found.lines, key=lambda line: line.scenario):
        values, members = [write_value(value) for value in scenario.values], list(group)
        for line in members:
            lines.append([*values, line.label, *(mean_text(c) if c else "–" for c in line.cells)])
        for line in members:
            texts = [interval_text(c.difference) if c else "" for c in line.cells]
            if any(texts):
                lines.append([*values, found.difference_label(line.label), *(text or "–" for text in texts)])
    return lines


def _as_json(
    ids: Sequence[str],
    differing: Mapping[str, Sequence[tuple[Value, ...]]],
    found: Comparison,
    metric: str,
) -> dict[str, object]:
    lines = []
    for compared in found.lines:
        line: dict[str, object] = dict(zip(found.varying, compared.scenario.values))
        line["method"] = compared.label
        for id, cell in zip(ids, compared.cells):
            line[id] = cell and {
                "mean": finite(cell.mean),
                "mcse": finite(cell.mcse),
                "n": cell.n,
                "difference": difference_record(cell.difference),
            }
        lines.append(line)
    return {
        "runs": list(ids),
        "parameters": {
            name: {id: list(values) for id, values in zip(ids, each)} for name, each in differing.items()
        },
        "metric": metric,
        "baselines": dict(zip(ids, found.baselines)),
        "results": lines,
    }
