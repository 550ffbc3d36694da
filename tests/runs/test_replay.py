"""Replaying a log in any steps, or its compact copy, gives the same rows; long ones open at once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_runs import small_study

from regnet import Execution
from regnet.metrics import METRICS
from regnet.places import VARIABLE, Places
from regnet.runs.events import EventLog, encode
from regnet.runs.folder import RunFolder, create_run, name_in_commands
from regnet.runs.replay import Replay
from regnet.runs.rows_file import read_rows_file, write_rows_file

NAMES = [metric.name for metric in METRICS]


def replicate_event(scenario: int, replicate: int, rng: random.Random) -> dict[str, object]:
    def fit(label: str) -> dict[str, object]:
        status = "failed" if rng.random() < 0.05 else "ok"
        metrics = {name: rng.random() for name in NAMES if rng.random() < 0.9} if status == "ok" else {}
        reason = "" if status == "ok" else f"{label} broke down"
        return {"status": status, "metrics": metrics, "reason": reason, "seconds": 0.01, "warnings": []}

    return {
        "scenario": scenario,
        "replicate": replicate,
        "seconds": 0.05,
        "truth": {"signal_fraction": 0.2, "scale": rng.random()},
        "fits": {label: fit(label) for label in ("Ridge", "LMM")},
        "arrays": None,
    }


def fill(folder: RunFolder, replicates: int) -> None:
    rng = random.Random(5)
    log = EventLog(folder.events)
    log.append(("started", {"host": "here", "jobs": 2, "cores": 1, "to_do": 2 * replicates}))
    keys = [(scenario, replicate) for scenario in range(2) for replicate in range(replicates)]
    rng.shuffle(keys)
    for start in range(0, len(keys), 1000):
        log.append(*(("replicate", replicate_event(*key, rng)) for key in keys[start : start + 1000]))
    log.append(("finished", {"done": len(keys), "failed": 0}))
    log.close()


def table(replay: Replay) -> str:
    return repr(list(replay.rows))


def replayed(folder: RunFolder, *, use_rows_file: bool = False) -> Replay:
    replay = Replay(folder, use_rows_file=use_rows_file)
    replay.update()
    return replay


def test_a_log_read_in_steps_gives_the_rows_of_one_read_at_once(folder: RunFolder) -> None:
    fill(folder, 6)
    whole, stepwise = replayed(folder), Replay(folder, use_rows_file=False)
    changed: set[int] = set()
    while stepwise.update(most=500) or stepwise.done < 12:
        changed |= stepwise.changed
    assert table(stepwise) == table(whole)
    assert changed == {0, 1}
    assert whole.done == whole.total == 12
    assert len(whole.rows) == 24
    assert whole.missing() == []


def test_nothing_new_is_nothing_changed(folder: RunFolder) -> None:
    fill(folder, 6)
    replay = replayed(folder)
    assert not replay.update()
    assert replay.changed == set()


def test_rows_come_by_scenario_replicate_and_method_whatever_the_order_of_the_log(folder: RunFolder) -> None:
    fill(folder, 6)
    keys = [(row.scenario, row.replicate, row.label) for row in replayed(folder).rows]
    assert keys == sorted(keys, key=lambda key: (key[0], key[1], ["Ridge", "LMM"].index(key[2])))
    assert keys == replayed(folder).rows.keys()


def test_the_compact_copy_gives_the_very_same_rows_notes_and_counts(folder: RunFolder) -> None:
    fill(folder, 6)
    whole = replayed(folder)
    write_rows_file(folder, whole.rows, whole.facts())
    copy = replayed(folder, use_rows_file=True)
    assert table(copy) == table(whole)
    assert copy.failures == whole.failures
    assert copy.progress().failed == whole.progress().failed
    assert [line.text for line in copy.log] == [line.text for line in whole.log]
    assert copy.starts == whole.starts
    assert copy.missing() == whole.missing()


def test_a_run_is_named_in_commands_by_its_id_where_any_shell_finds_it_and_else_by_its_path(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir("/")
    assert name_in_commands(folder) == str(folder.path)
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_: str(folder.path.parents[1]))
    assert name_in_commands(folder) == folder.id
    monkeypatch.setenv(VARIABLE, str(folder.path.parents[1]))  # of this shell, maybe not of the next one
    assert name_in_commands(folder) == str(folder.path)


def test_the_compact_copy_names_the_run_where_it_lies_now(folder: RunFolder, tmp_path: Path) -> None:
    fill(folder, 20)
    whole = replayed(folder)
    write_rows_file(folder, whole.rows, whole.facts())
    there = RunFolder(folder.path.rename(tmp_path / "elsewhere"))
    lines = [line.text for line in replayed(there, use_rows_file=True).log]
    assert lines == [line.text for line in replayed(there).log]
    failures = [line for line in lines if "broke down" in line]
    assert failures
    assert all(f"regnet replay {there.path} " in line for line in failures)


def test_a_copy_older_than_the_log_or_damaged_is_not_believed(folder: RunFolder) -> None:
    fill(folder, 6)
    whole = replayed(folder)
    write_rows_file(folder, whole.rows, whole.facts())
    good = folder.rows_file.read_bytes()
    assert read_rows_file(folder, whole.study) is not None
    for bad in (good[:-1], good[:100], b"", b"{}\n", good[:-9] + b"\xff" + good[-8:], b"[" * 9999 + b"\n"):
        folder.rows_file.write_bytes(bad)
        assert read_rows_file(folder, whole.study) is None
        assert table(replayed(folder, use_rows_file=True)) == table(whole)
    folder.rows_file.write_bytes(good)
    with folder.events.open("ab") as log:
        log.write(encode({"n": 99, "event": "log", "text": "one more"}))
    assert read_rows_file(folder, whole.study) is None
    assert replayed(folder, use_rows_file=True).log[-1].text == "one more"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIT = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("status", "metrics", "reason", "seconds", "warnings"), ANYTHING)
)
BODY = st.fixed_dictionaries(
    {"scenario": st.integers(0, 1) | ANYTHING, "replicate": st.integers(0, 5) | ANYTHING},
    optional={
        "fits": st.dictionaries(st.sampled_from(["Ridge", "LMM", "other"]), FIT | ANYTHING) | ANYTHING,
        **dict.fromkeys(
            ("truth", "seconds", "elapsed", "time", "text", "level", "notes", "jobs", "done", "failed"),
            ANYTHING,
        ),
    },
)


@given(
    st.lists(BODY, max_size=6),
    st.sampled_from(["replicate", "started", "scenario", "log", "finished", "stopped", "unknown"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_event_with_a_right_checksum_is_taken_or_left_but_never_an_error(
    folder: RunFolder, bodies: list[dict[str, object]], name: str
) -> None:
    folder.events.write_bytes(b"".join(encode({**body, "event": name}) for body in bodies))
    replay = replayed(folder)
    assert replay.done <= replay.total
    list(replay.rows)
    replay.progress()
    replay.state()


def test_replaying_needs_the_standard_library_only(folder: RunFolder) -> None:
    fill(folder, 6)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from regnet.runs.folder import RunFolder\n"
        "from regnet.runs.replay import Replay\n"
        "from regnet.runs.listing import list_runs\n"
        "from regnet.runs.launch import start_run\n"
        "from regnet.runs.export import summary_table\n"
        "from regnet.summary import summarise\n"
        f"replay = Replay(RunFolder(Path({str(folder.path)!r})))\n"
        "replay.update()\n"
        "summarise(replay.rows)\n"
        "heavy = {'numpy', 'scipy', 'pandas', 'sklearn', 'joblib', 'textual', 'rich', 'distributed'}\n"
        "print(sorted(heavy & set(sys.modules)), replay.done)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["[]", "12"]


def test_a_finished_run_of_ten_thousand_rows_opens_within_a_tenth_of_a_second(places: Places) -> None:
    folder = create_run(small_study(replicates=2_500), Execution(), places)
    fill(folder, 2_500)
    whole = replayed(folder)
    assert len(whole.rows) == 10_000
    write_rows_file(folder, whole.rows, whole.facts())
    start = time.process_time()
    copy = replayed(folder, use_rows_file=True)
    assert time.process_time() - start < 0.1
    assert len(copy.rows) == 10_000
    assert copy.progress().done == 5_000


def test_a_file_that_is_no_log_is_a_run_without_events(folder: RunFolder) -> None:
    folder.events.write_bytes(os.urandom(100_000))
    replay = replayed(folder)
    assert replay.done == 0
    assert replay.damages


@pytest.mark.parametrize("change", [{"starts": 3}, {"log": [[1]]}, {"failures": {}}, {"offset": "x"}])
def test_a_copy_whose_facts_are_none_is_not_believed(folder: RunFolder, change: dict[str, object]) -> None:
    fill(folder, 6)
    whole = replayed(folder)
    write_rows_file(folder, whole.rows, {**whole.facts(), **change})
    assert table(replayed(folder, use_rows_file=True)) == table(whole)


def test_markup_and_control_characters_come_through_as_they_are(folder: RunFolder) -> None:
    text = "[red]\x1b[31m\x07evil[/red]"
    folder.events.write_bytes(encode({"n": 0, "event": "log", "text": text, "level": "error"}))
    (line,) = replayed(folder).log
    assert (line.text, line.level) == (text, "error")
    assert json.dumps(line.text)
