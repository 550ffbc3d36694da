"""How do results leave the app as files? As the engine's own tables; a name's ending says the format."""

from __future__ import annotations

from pathlib import Path

from regnet.atomic_files import write_whole
from regnet.errors import InputError, shown
from regnet.runs.export import replicate_table, summary_table, table_text
from regnet.runs.replay import Replay
from regnet.summary import Summary

ENDINGS = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".md": "markdown", ".tex": "latex"}
"""File name endings and the formats that they stand for."""


def export(what: str, replay: Replay, summary: Summary, path: str) -> Path:
    """Write the summary or the replicates of a run to a new file; return its path.

    Raises
    ------
    InputError
        For another ending, a file that exists, or a directory that can't be written.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() not in ENDINGS:
        raise InputError("file", f"a name that ends in {', '.join(ENDINGS)}", shown(target.name))
    if target.exists():
        raise InputError("file", "a new file", "one that exists", "give another name")
    table = summary_table(replay.study, summary)
    if what == "replicates":
        table = replicate_table(replay.study, replay.rows)
    try:
        write_whole(target, table_text(table, ENDINGS[target.suffix.lower()]), mode=0o644)
    except OSError as error:
        raise InputError("file", "a file that can be written", (error.strerror or "no").lower()) from None
    return target.absolute()
