"""Watching a run: on a terminal a bar, and nothing in a log can reach the terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pexpect
import pytest
from command_line import LONG, SMALL, Command, MadeRuns

from regnet.cli.follow import log_text, progress_text
from regnet.runs.events import decode, encode
from regnet.runs.replay import LogLine, Progress
from regnet.runs.state import RunState

EVIL = "\x1b]0;owned\x07\x1b[2J[bold red]x[/] \u202e\r\n" + "y" * 10_000


def test_progress_in_words_says_state_share_rate_and_time_left() -> None:
    running = RunState("running", 12, 40, 1)
    told = progress_text(Progress(12, 40, 1, 2.5, 11.2), running)
    assert told == "running: 12 of 40 replicates (30%), 1 failed fits, 2.5 per second, about 11 s left"
    finished = RunState("finished", 40, 40, 0)
    assert progress_text(Progress(40, 40, 0, 2.5, 0.0), finished) == "finished: 40 of 40 replicates (100%)"


def test_a_log_line_is_one_harmless_line_whatever_it_holds() -> None:
    for moment in (0.0, 1e9, float("nan")):
        assert log_text(LogLine(moment, EVIL, EVIL)).isprintable()


def test_an_evil_log_and_name_do_nothing_to_the_terminal(
    regnet: Command, runs: MadeRuns, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(Path(runs.data, "runs", runs.first), copy)
    (copy / "rows.bin").unlink(missing_ok=True)
    events = [decode(line) for line in (copy / "events.jsonl").read_bytes().splitlines()]
    for event in events:
        event.pop("crc", None)
        for fit in event.get("fits", {}).values():
            fit["reason"], fit["warnings"] = EVIL, [EVIL]
    events.append(
        {"n": len(events), "time": 1e9, "elapsed": 1.0, "event": "log", "level": EVIL, "text": EVIL}
    )
    (copy / "events.jsonl").write_bytes(b"".join(map(encode, events)))
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, "name": EVIL, "host": EVIL, "command": EVIL}))
    for words in (["runs", "show", str(copy)], ["runs", "show", str(copy), "--log"]):
        out = regnet(*words).out
        assert all(line.isprintable() for line in out.splitlines())
        assert "\x1b" not in out
    for words in (["--plain"], ["--plain", "--replicates"]):
        out = regnet("runs", "show", str(copy), *words).out
        assert all(line.replace("\t", "").isprintable() for line in out.splitlines())
    rows = regnet("runs", "show", str(copy), "--replicates").out
    assert all(line.isprintable() for line in rows.splitlines())


def test_an_error_is_shown_even_behind_more_warnings_than_a_screen_takes(
    regnet: Command, runs: MadeRuns, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(Path(runs.data, "runs", runs.first), copy)
    (copy / "rows.bin").unlink(missing_ok=True)
    events = [decode(line) for line in (copy / "events.jsonl").read_bytes().splitlines()]
    lines = [("warning", f"warning {number}") for number in range(50)] + [("error", "all is lost")]
    notes = [
        {"n": len(events) + n, "time": 1e9, "elapsed": 1.0, "event": "log", "level": level, "text": text}
        for n, (level, text) in enumerate(lines)
    ]
    (copy / "events.jsonl").write_bytes(
        (copy / "events.jsonl").read_bytes() + b"".join(map(encode, notes)) + encode({**events[-1], "n": 999})
    )
    told = regnet("runs", "follow", str(copy), "--plain", "--level", "warning").err
    assert "error: all is lost" in told
    assert "warning: warning 5" in told
    assert "warning: warning 49" not in told
    assert "further lines are in the log" in told


def test_on_a_terminal_a_bar_is_drawn_and_the_table_fits(tmp_path: Path) -> None:
    words = ["-m", "regnet", "run", "default", *SMALL, "--replicates", "3", "--data", str(tmp_path)]
    child = pexpect.spawn(sys.executable, words, dimensions=(24, 80), encoding="utf-8", timeout=60)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    text = str(child.before)
    assert "━" in text
    assert "By Pearson r" in text
    table = text[text.rindex(": finished") :]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", table)
    assert all(len(line) <= 80 for line in plain.splitlines() if str(tmp_path) not in line)


@pytest.mark.parametrize(
    ("words", "environment"), [(["--plain"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})]
)
def test_where_nothing_may_be_drawn_nothing_is(
    words: list[str], environment: dict[str, str], runs: MadeRuns
) -> None:
    words = ["-m", "regnet", "runs", "follow", runs.first, "--data", runs.data, *words]
    surroundings: dict[str, str] = {**os.environ, "TERM": "xterm", **environment}
    child = pexpect.spawn(sys.executable, words, encoding="utf-8", timeout=60, env=surroundings)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "finished" in str(child.before)
    assert "\x1b" not in str(child.before)


def test_ctrl_c_on_a_terminal_stops_the_run_and_a_second_one_only_leaves(
    regnet: Command, tmp_path: Path
) -> None:
    words = ["-m", "regnet", "run", "default", *LONG, "--data", str(tmp_path)]
    child = pexpect.spawn(sys.executable, words, dimensions=(24, 80), encoding="utf-8", timeout=60)
    child.expect(r"running: [1-9]\d* of 5000")
    child.sendintr()
    child.expect("stopping; what is computed is kept")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        (run,) = json.loads(regnet("runs", "list", "--json", "--data", str(tmp_path)).out)
        if run["state"]["name"] == "stopped":
            break
        time.sleep(0.1)
    assert run["state"]["name"] == "stopped"
    assert run["state"]["done"] > 0
