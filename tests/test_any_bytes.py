"""Whatever bytes lie in a file that regNet reads: they are data or one clear line, never another error.

The readers of old pickles, of data sets and of the log have tests of their own that go deeper.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regnet import Execution, InputError, Study
from regnet.files.expression import read_expression
from regnet.files.motifs import read_motifs
from regnet.places import Places
from regnet.presets.preset_files import read_study_file
from regnet.runs.arrays import read_arrays, write_arrays
from regnet.runs.folder import RunFolder, create_run
from regnet.runs.listing import list_runs
from regnet.runs.lock import read_holder, take
from regnet.runs.queue import draw_ticket, runs_at_once, set_runs_at_once, waiting_and_going
from regnet.runs.replay import Replay
from regnet.runs.rows_file import write_rows_file
from regnet.runs.state import state_of

TABLE = "# a remark\n\tMSN2\tABF1\nYAL001C\t0.5\t1e-3\nYAL002W\t2\t3\nYAL003W\t4\t-7\n"


def replayed(folder: RunFolder) -> object:
    """Read everything of a run that a screen or ``runs show`` reads."""
    replay = Replay(folder)
    replay.update()
    return replay.progress(), replay.state(), folder.execution(), folder.places()


READERS: dict[str, Callable[[Path, Places, RunFolder], object]] = {
    "table.tsv": lambda path, places, run: (read_motifs(path), read_expression(path)),
    "table.csv": lambda path, places, run: read_expression(path),
    "table.tsv.gz": lambda path, places, run: read_motifs(path),
    "study.toml": lambda path, places, run: read_study_file(path),
    "runs/*/study.toml": lambda path, places, run: replayed(run),
    "runs/*/run.json": lambda path, places, run: replayed(run),
    "runs/*/events.jsonl": lambda path, places, run: replayed(run),
    "runs/*/rows.bin": lambda path, places, run: replayed(run),
    "runs/*/runner.lock": lambda path, places, run: (read_holder(path, run.heartbeat), state_of(run)),
    "runs/*/arrays/*/*.npz": lambda path, places, run: read_arrays(run, 0, 0),
    "runs/.index.json": lambda path, places, run: list(list_runs(places)),
    "runs/.queue/*.json": lambda path, places, run: waiting_and_going(places),
    "settings.json": lambda path, places, run: runs_at_once(places),
}
"""Every kind of file, by what it's called below a data directory, and what reads it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Places, RunFolder]:
    """A data directory with a file of every kind, all of them good."""
    import gzip

    places = Places(tmp_path_factory.mktemp("data"), "a test's")
    run = create_run(Study(replicates=2), Execution(), places)
    take(run.lock, run.heartbeat).release()
    path = run.arrays_of(0, 0)
    path.parent.mkdir(parents=True)
    write_arrays(path, {"effects": np.arange(6.0).reshape(2, 3)})
    replay = Replay(run)
    replay.update()
    run.events.touch()
    write_rows_file(run, replay.rows, replay.facts())
    (places.runs / ".index.json").write_text('{"format": 1, "runs": {}}\n')
    draw_ticket(places, run.id)
    set_runs_at_once(places, 2)
    (places.root / "table.tsv").write_text(TABLE)
    (places.root / "table.csv").write_text(TABLE.replace("\t", ","))
    (places.root / "table.tsv.gz").write_bytes(gzip.compress(TABLE.encode()))
    (places.root / "study.toml").write_text(Study().to_toml())
    return places, run


def the_file(name: str, places: Places) -> Path:
    """Return the one file of a kind."""
    (path,) = places.root.glob(name)
    return path


@pytest.mark.parametrize("name", READERS)
def test_a_good_file_of_every_kind_is_read(name: str, data: tuple[Places, RunFolder]) -> None:
    assert READERS[name](the_file(name, data[0]), *data) is not None


CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=4
)
TEXTS = st.sampled_from(
    [
        *(b"", b"\0", b"0", b"[]", b"null", b"\x1f\x8b", b"\xff\xfe\x00\x00", b"\tA\tA\ng\t1\t2\n"),
        *(b"[" * 9999, b"{" * 9999, b"a = " + b"[" * 9999, b"9" * 5000),  # deep, and long
        *(b'{"format": 1e999}', b'{"runs_at_once": ' + b"9" * 5000 + b"}"),
        *(b'{"format": 1, "runs": {"x": [[0]]}}', b'{"format": 1, "runs": [["x", 1]]}'),
    ]
)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(CHANGES, st.binary(max_size=200), TEXTS))
def test_any_bytes_in_its_place_are_data_or_one_clear_line(
    name: str, data: tuple[Places, RunFolder], content: Any
) -> None:
    path = the_file(name, data[0])
    good = path.read_bytes()
    bad = good if isinstance(content, list) else content
    if isinstance(content, list):
        for share, length, piece in content:
            at = int(share * len(bad))
            bad = bad[:at] + piece + bad[at + length :]
    try:
        path.write_bytes(bad)
        with contextlib.suppress(InputError):
            READERS[name](path, *data)
    finally:
        path.write_bytes(good)
