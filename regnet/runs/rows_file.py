"""How does a finished run of 100,000 rows open at once? From ``rows.bin``, a compact copy of its log.

One line of JSON (what the columns are, everything else the log says, a checksum), then the columns as
raw numbers. It holds nothing that the log doesn't: where it is missing, older than the log or damaged,
the log is read instead.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Mapping
from typing import Any

from regnet.atomic_files import replacing
from regnet.runs.folder import RunFolder
from regnet.runs.rows import MethodColumns, Rows, ScenarioRows
from regnet.study import Study

FORMAT = 1
_MOST_HEADER = 64 * 1024 * 1024


def write_rows_file(folder: RunFolder, rows: Rows, facts: Mapping[str, Any]) -> None:
    """Write the compact copy of a log that has been read to its end (`facts`: ``Replay.facts()``)."""
    status = folder.events.stat()
    scenarios, blocks = [], []
    for scenario in rows.scenarios:
        methods = {}
        blocks += [scenario.replicates.tobytes(), scenario.seconds.tobytes()]
        blocks += [column.tobytes() for column in scenario.truth.values()]
        for label in scenario.methods:
            columns = scenario.methods[label]
            methods[label] = {
                "metrics": list(columns.metrics),
                "reasons": columns.reasons,
                "warnings": columns.warnings,
            }
            blocks.append(bytes(columns.statuses))
            blocks += [column.tobytes() for column in columns.metrics.values()]
        scenarios.append({"length": len(scenario), "truth": list(scenario.truth), "methods": methods})
    body = b"".join(blocks)
    header = {
        "format": FORMAT,
        "log": [status.st_size, status.st_mtime_ns],
        "order": sys.byteorder,
        "crc": zlib.crc32(body),
        "scenarios": scenarios,
        "facts": facts,
    }
    with replacing(folder.rows_file, mode=folder.file_mode) as file:
        file.write(json.dumps(header).encode() + b"\n")
        file.write(body)


def read_rows_file(folder: RunFolder, study: Study) -> tuple[Rows, dict[str, Any]] | None:
    """Return rows and facts of a run, or None where the copy doesn't match the log to the byte."""
    try:
        status = folder.events.stat()
        with folder.rows_file.open("rb") as file:
            header = json.loads(file.readline(_MOST_HEADER))
            if header["format"] != FORMAT or header["order"] != sys.byteorder:
                return None
            if header["log"] != [status.st_size, status.st_mtime_ns]:
                return None
            body = memoryview(file.read())
        if header["crc"] != zlib.crc32(body) or len(header["scenarios"]) != len(study.scenarios):
            return None
        rows = Rows(study.labels, _Columns(body).scenarios(header["scenarios"]))
        return rows, dict(header["facts"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


class _Columns:
    """Takes columns one after another from the bytes behind the header."""

    def __init__(self, body: memoryview) -> None:
        self._body, self._at = body, 0

    def scenarios(self, described: list[dict[str, Any]]) -> list[ScenarioRows]:
        found = []
        for scenario in described:
            length = int(scenario["length"])
            rows = ScenarioRows(self._take("q", length), self._take("d", length))
            rows.truth = {name: self._take("d", length) for name in scenario["truth"]}
            for label, method in scenario["methods"].items():
                statuses = bytearray(self._raw(length))
                rows.methods[label] = MethodColumns(
                    statuses,
                    {name: self._take("d", length) for name in method["metrics"]},
                    {int(place): str(reason) for place, reason in method["reasons"].items()},
                    {int(place): tuple(map(str, some)) for place, some in method["warnings"].items()},
                )
            found.append(rows)
        return found

    def _take(self, kind: str, length: int) -> array[Any]:
        column = array(kind)
        column.frombytes(self._raw(length * column.itemsize))
        return column

    def _raw(self, size: int) -> memoryview:
        piece = self._body[self._at : self._at + size]
        if len(piece) != size:
            raise ValueError("the columns end early")
        self._at += size
        return piece
