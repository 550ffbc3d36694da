"""``regnet runs compare``: in what do runs differ, and what do their results say side by side?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE
from regnet.cli.output import harmless, table, write, write_json
from regnet.cli.study_options import write_values
from regnet.cli.summary_table import check_metrics, finite, mean_text
from regnet.cli.which_run import named_run
from regnet.errors import InputError
from regnet.metrics import METRICS_BY_NAME
from regnet.parameters import Value, write_value
from regnet.places import find_places
from regnet.runs.replay import Replay
from regnet.study import Study, study_parameters
from regnet.summary import Cell, summarise

Key = tuple[tuple[Value, ...], str]
"""What a line of the comparison is: the scenario's values of the varying parameters, and the method."""


def add_parser(commands: Any) -> None:
    """Add the command ``runs compare``."""
    parser = commands.add_parser(
        "compare",
        help="compare runs: the parameters in which they differ, and their results",
        description="Compare two or more runs: the parameters in which they differ, then their means with "
        "Monte Carlo standard errors side by side, a line for each scenario and method.",
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
    varying = [name for name in study_parameters() if any(name in study.varying for study in studies)]
    columns = [_means(replay, varying, metric) for replay in replays]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    ids = [replay.folder.id for replay in replays]
    if options.json:
        write_json(_as_json(ids, differing, varying, keys, columns, metric))
        return DONE
    parameters = study_parameters()
    lay_out = _separated if options.plain else table
    if differing:
        rows = [
            [name, *(write_values(parameters[name], v) for v in each)] for name, each in differing.items()
        ]
        write([*lay_out(["parameter", *ids], rows, ""), ""])
    else:
        write(["the runs have the same parameters", ""])
    lines = []
    for values, label in keys:
        cells = (column.get((values, label)) for column in columns)
        lines.append(
            [*map(write_value, values), label, *(mean_text(cell) if cell else "–" for cell in cells)]
        )
    aligned = "l" * (len(varying) + 1) + "r" * len(ids)
    write([f"{METRICS_BY_NAME[metric].title}, mean ± Monte Carlo standard error:", ""])
    write(lay_out([*varying, "method", *ids], lines, aligned))
    return DONE


def _separated(headings: Sequence[str], rows: Sequence[Sequence[object]], _: str) -> list[str]:
    """Return the lines of a table as screen readers and scripts read it: separated by tabs."""
    return ["\t".join(harmless(cell) for cell in row) for row in (headings, *rows)]


def differing_parameters(studies: Sequence[Study]) -> dict[str, list[tuple[Value, ...]]]:
    """Return the parameters in which studies differ, each with its values in every study."""
    return {
        name: [study.values[name] for study in studies]
        for name in study_parameters()
        if len({study.values[name] for study in studies}) > 1
    }


def _means(replay: Replay, varying: Sequence[str], metric: str) -> dict[Key, Cell]:
    summary = summarise(replay.rows, replay.study.baseline, metrics=[metric])
    return {
        (
            tuple(getattr(replay.study.scenarios[cell.scenario], name) for name in varying),
            cell.label,
        ): cell
        for cell in summary.cells
    }


def _as_json(
    ids: Sequence[str],
    differing: dict[str, list[tuple[Value, ...]]],
    varying: Sequence[str],
    keys: Sequence[Key],
    columns: Sequence[dict[Key, Cell]],
    metric: str,
) -> dict[str, object]:
    lines = []
    for values, label in keys:
        line: dict[str, object] = dict(zip(varying, values))
        line["method"] = label
        for id, column in zip(ids, columns):
            cell = column.get((values, label))
            line[id] = cell and {"mean": finite(cell.mean), "mcse": finite(cell.mcse), "n": cell.n}
        lines.append(line)
    parameters = {
        name: {id: list(values) for id, values in zip(ids, each)} for name, each in differing.items()
    }
    return {"runs": list(ids), "parameters": parameters, "metric": metric, "results": lines}
