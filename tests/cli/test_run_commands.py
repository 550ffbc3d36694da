"""`regnet run`, `runs` and `replay` on real runs."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import LONG, SMALL, Command, MadeRuns

from regnet.cli import main
from regnet.places import VARIABLE
from regnet.runs.folder import RunFolder
from regnet.runs.replay import Replay


def test_a_run_ends_with_the_table_of_both_methods_and_the_verdict(regnet: Command, runs: MadeRuns) -> None:
    done = regnet("runs", "show", runs.first, "--data", runs.data)
    assert done.code == 0
    assert re.search(r"covariance +method +Pearson r +R², held out +Pearson r − Ridge gcv +won\n", done.out)
    for label in ("Ridge gcv", "Ridge oracle"):
        for covariance in ("id", "random"):
            assert re.search(rf"{covariance} +{label} +0\.\d+ ± 0\.\d+", done.out)
    assert "4 replicates each" in done.out
    assert "By Pearson r, Ridge oracle is better than Ridge gcv in" in done.out


def test_the_printed_mean_is_the_mean_of_the_recorded_replicates(regnet: Command, runs: MadeRuns) -> None:
    replay = Replay(RunFolder(Path(runs.data, "runs", runs.first)))
    replay.update()
    values = replay.rows.scenarios[0].methods["Ridge gcv"].metrics["pearson"]
    shown = json.loads(regnet("runs", "show", runs.first, "--data", runs.data, "--json").out)
    (cell,) = [
        cell
        for cell in shown["summary"]
        if (cell["scenario"], cell["method"], cell["metric"]) == (0, "Ridge gcv", "pearson")
    ]
    assert cell["mean"] == pytest.approx(sum(values) / 4, abs=1e-15)
    assert (cell["n"], cell["failed"], cell["covariance"]) == (4, 0, "id")


def test_runs_are_listed_filtered_and_sorted(regnet: Command, runs: MadeRuns) -> None:
    data = ["--data", runs.data]
    assert [line.split("\t")[0] for line in regnet("runs", "list", "--plain", *data).out.splitlines()] == [
        runs.second,
        runs.first,
    ]
    for words, expected in (
        (["signal_fraction>0.3"], [runs.second]),
        (["signal-fraction<0.3", "state:finished"], [runs.first]),
        (["conditions>3"], []),
        (["name:first look"], [runs.first]),
        (["covariance=random", "second"], [runs.second]),
        (["--sort", "signal_fraction", "--reverse"], [runs.first, runs.second]),
        (["--limit", "1"], [runs.second]),
    ):
        found = json.loads(regnet("runs", "list", *words, "--json", *data).out)
        assert [run["id"] for run in found] == expected, words
    assert "no run passes the filter" in regnet("runs", "list", "conditions>3", *data).out


def test_the_log_and_the_replicates_can_be_looked_at(regnet: Command, runs: MadeRuns) -> None:
    data = ["--data", runs.data]
    log = regnet("runs", "show", runs.first, "--log", *data).out
    assert re.search(r"^\d\d:\d\d:\d\d info: started on ", log)
    assert (
        regnet("runs", "show", runs.first, "--log", "--level", "error", *data).out == "no line in the log\n"
    )
    rows = regnet("runs", "show", runs.first, "--replicates", "--metric", "rmse", *data).out.splitlines()
    assert rows[0].split() == ["scenario", "replicate", "method", "status", "rmse", "notes"]
    assert len(rows) == 1 + 2 * 4 * 2


def test_two_runs_are_compared_by_what_differs(regnet: Command, runs: MadeRuns) -> None:
    done = regnet("runs", "compare", runs.first, runs.second, "--data", runs.data)
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["signal_fraction", "name"]
    assert re.search(r"signal_fraction +0\.2 +0\.4", done.out)
    assert len(re.findall(r"\d ± 0\.", done.out)) == 2 * 4
    compared = json.loads(
        regnet("runs", "compare", runs.first, runs.second, "--data", runs.data, "--json").out
    )
    assert compared["parameters"]["signal_fraction"] == {runs.first: [0.2], runs.second: [0.4]}
    stronger = [line[runs.second]["mean"] > line[runs.first]["mean"] for line in compared["results"]]
    assert all(stronger)  # twice the signal fraction on the same draws
    assert regnet("runs", "compare", runs.first, "--data", runs.data).code == 2
    assert compared["baselines"] == {runs.first: "Ridge gcv", runs.second: "Ridge gcv"}
    differences = [line[runs.second]["difference"] for line in compared["results"]]
    assert [found is None for found in differences] == [True, False] * 2  # none of the baseline itself
    assert differences[1]["n"] == 4
    (line, *_) = [line for line in lines if "Ridge oracle − Ridge gcv" in line]
    assert re.findall(r"[+-]0\.\d+ \[[+-]0\.\d+, [+-]0\.\d+\]", line)[1].startswith(
        f"{differences[1]['mean']:+.3f}"
    )


def test_runs_alone_takes_the_options_of_its_list(regnet: Command, runs: MadeRuns) -> None:
    data = ["--data", runs.data]
    for words in ([], ["--plain"], ["--json"], ["--sort", "name"]):
        assert regnet("runs", *words, *data) == regnet("runs", "list", *words, *data)
    assert "compare" in regnet("runs", "--help").out  # its own help, with every command


def test_plain_tables_are_separated_by_tabs(regnet: Command, runs: MadeRuns) -> None:
    data = ["--plain", "--data", runs.data]
    shown = regnet("runs", "show", runs.first, *data)
    assert shown.code == 0
    assert f"run\t{runs.first}" in shown.out.splitlines()
    assert "conditions\t3" in shown.out.splitlines()
    _, _, results = shown.out.partition("\n\n")
    headings, *lines = (line.split("\t") for line in results.splitlines())
    assert {len(line) for line in lines} == {len(headings)}
    means = [line[headings.index("mean")] for line in lines if "pearson" in line]
    assert len(means) == 4
    assert all(0 < float(mean) < 1 for mean in means)
    replicates = regnet("runs", "show", runs.first, "--replicates", *data).out.splitlines()
    assert [line.count("\t") for line in replicates] == [8] * (1 + 2 * 2 * 4)
    compared = regnet("runs", "compare", runs.first, runs.second, *data).out
    assert "signal_fraction\t0.2\t0.4" in compared.splitlines()
    assert regnet("runs", "queue", *data).out == "nothing goes or waits\n"


def test_tables_are_exported_in_every_format(regnet: Command, runs: MadeRuns, tmp_path: Path) -> None:
    data = ["--data", runs.data]
    text = regnet("runs", "export", runs.first, "--table", "replicates", *data).out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2 * 4 * 2
    assert {row["status"] for row in rows} == {"ok"}
    for ending, beginning in (
        ("md", "| scenario |"),
        ("tsv", "scenario\t"),
        ("json", "["),
        ("tex", "\\begin"),
    ):
        path = tmp_path / f"table.{ending}"
        assert regnet("runs", "export", runs.first, "-o", str(path), *data).code == 0
        assert path.read_text().startswith(beginning)
        assert regnet("runs", "export", runs.first, "-o", str(path), *data).code == 2
        assert regnet("runs", "export", runs.first, "-o", str(path), "--force", *data).code == 0
    assert regnet("runs", "export", runs.first, "--format", "docx", *data).code == 2
    only = regnet("runs", "export", runs.first, "--metric", "rmse", *data).out
    assert {row["metric"] for row in csv.DictReader(io.StringIO(only))} == {"rmse"}


def test_a_replicate_computed_again_is_the_same_to_the_last_bit(runs: MadeRuns, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "regnet", "replay", runs.first, "2", "--scenario", "1"]
    words += ["--data", runs.data, "-o", str(tmp_path / "again.npz")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the same as recorded, to the last bit" in done.stdout
    assert (tmp_path / "again.npz").stat().st_size > 1000


def test_the_command_in_the_log_of_a_failure_works_in_any_directory_and_environment(
    regnet: Command, tmp_path: Path
) -> None:
    data = tmp_path / "data of mine"
    words = ["run", "default", *SMALL[:4], "--signal-fraction", "1", "--covariance", "id,random"]
    assert regnet(*words, "--replicates", "2", "--data", str(data)).code == 0
    log = regnet("runs", "show", "last", "--log", "--data", str(data)).out
    (command,) = re.findall(r"scenario 1, replicate 1: LMM refused.*seed 1: (regnet replay .*)\)", log)
    moved = tmp_path / "moved"
    data.rename(moved)
    log = regnet("runs", "show", "last", "--log", "--data", str(moved)).out
    assert command.replace(str(data), str(moved)).replace("'", "") in log  # also from its compact copy
    moved.rename(data)
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    pasted = f"{sys.executable} -m {command}"
    done = subprocess.run(pasted, shell=True, cwd="/", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "the same as recorded, to the last bit" in done.stdout


def test_a_record_that_was_altered_is_noticed_by_replay(
    regnet: Command, runs: MadeRuns, tmp_path: Path
) -> None:
    import shutil

    from regnet.runs.events import decode, encode

    copy = tmp_path / "copy"
    shutil.copytree(Path(runs.data, "runs", runs.first), copy)
    (copy / "rows.bin").unlink(missing_ok=True)
    lines = (copy / "events.jsonl").read_bytes().splitlines()
    events = [decode(line) for line in lines]
    for event in events:
        event.pop("crc", None)
        if event["event"] == "replicate":
            event["fits"]["Ridge gcv"]["metrics"]["rmse"] += 1e-9
    (copy / "events.jsonl").write_bytes(b"".join(map(encode, events)))
    done = regnet("replay", str(copy), "0")
    assert done.code == 1
    assert "differs: Ridge gcv rmse" in done.out


def test_a_dry_run_says_what_would_be_done_and_does_nothing(regnet: Command, tmp_path: Path) -> None:
    done = regnet("run", "default", *SMALL, "--dry-run", "--jobs", "3", "--cores", "2", "--json")
    found = json.loads(done.out)
    assert (found["fits"], found["replicates"], found["jobs"], found["cores"]) == (80, 40, 3, 2)
    assert found["seconds"] is None
    assert found["disk_bytes"] > 0
    assert not (tmp_path / "data").exists()
    told = regnet("run", "default", *SMALL, "--dry-run").out
    assert "can't be told before a run has been made" in told
    assert re.search(r"fits: +80", told)


def test_after_a_run_the_time_of_the_next_is_told(regnet: Command, runs: MadeRuns) -> None:
    done = regnet("run", "default", *SMALL, "--dry-run", "--json", "--data", runs.data)
    assert 0 < json.loads(done.out)["seconds"] < 300


def test_a_detached_run_returns_at_once_and_can_be_followed_to_its_end(
    regnet: Command, tmp_path: Path
) -> None:
    started = regnet("run", "default", *SMALL, "--replicates", "3", "--detach", "--json")
    assert started.code == 0
    id = json.loads(started.out)["run"]
    followed = regnet("runs", "follow", id, "--plain")
    assert followed.code == 0
    assert f"{id}: finished" in followed.out
    assert "finished: 6 of 6 replicates (100%)" in followed.err


def test_runs_are_renamed_deleted_and_pruned(regnet: Command) -> None:
    ids = []
    for _ in range(3):
        words = ["run", "default", *SMALL, "--replicates", "1", "--covariance", "id", "--json"]
        ids.append(json.loads(regnet(*words).out)["run"])
    renamed = regnet("runs", "rename", ids[1], "by a script", "--json")
    assert json.loads(renamed.out)["run"] == ids[1]
    assert json.loads(renamed.out)["name"] == "by a script"
    assert "by a script" in regnet("runs").out
    assert regnet("runs", "rename", ids[0], "kept for good").code == 0
    assert "kept for good" in regnet("runs").out
    refused = regnet("runs", "delete", ids[0])
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert regnet("runs", "delete", ids[0], "--yes").code == 0
    assert regnet("runs", "show", ids[0]).code == 3
    assert regnet("runs", "prune", "--older-than", "1", "--yes").out == "nothing to delete\n"
    assert regnet("runs", "prune", "--keep", "1", "--json").code == 2  # JSON can't ask
    assert json.loads(regnet("runs", "prune", "--keep", "1", "--yes", "--json").out) == {"deleted": [ids[1]]}
    assert json.loads(regnet("runs", "prune", "--keep", "1", "--yes", "--json").out) == {"deleted": []}
    assert [run["id"] for run in json.loads(regnet("runs", "list", "--json").out)] == [ids[2]]


def started(data: str, *words: str) -> subprocess.Popen[str]:
    """Start a long run by the command line in a process of its own, and wait for its first replicate."""
    command = [sys.executable, "-m", "regnet", "run", "default", *LONG, "--data", data, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for log in Path(data).glob("runs/*/events.jsonl"):
            if b'"event": "replicate"' in log.read_bytes():
                return process
        time.sleep(0.05)
    process.kill()
    pytest.fail("no replicate within a minute: " + str(process.communicate()))


def test_ctrl_c_stops_cleanly_prints_how_to_resume_and_the_resumed_run_goes_on(
    regnet: Command, tmp_path: Path
) -> None:
    data = str(tmp_path / "long")
    process = started(data)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    match = re.search(r"resume it with: regnet (runs resume .*)$", err, re.MULTILINE)
    assert match, err
    assert "stopped" in out
    assert "Ridge" in out  # what is computed is shown
    (run,) = json.loads(regnet("runs", "list", "--json", "--data", data).out)
    assert run["state"]["name"] == "stopped"
    assert 0 < run["state"]["done"] < 5000
    resumed = regnet(*match[1].split(), "--detach", "--json")
    assert resumed.code == 0, resumed.err
    assert json.loads(resumed.out) == {"run": run["id"], "path": run["path"]}
    stopped = regnet("runs", "stop", run["id"], "--data", data, "--json")
    assert stopped.code == 0, stopped.err
    told = json.loads(stopped.out)
    assert (told["state"], told["resume"]) == ("stopped", f"regnet runs resume {run['id']} --data {data}")
    (again,) = json.loads(regnet("runs", "list", "--json", "--data", data).out)
    assert again["state"]["done"] >= run["state"]["done"]


def test_leaving_a_run_that_is_followed_does_it_no_harm(regnet: Command, tmp_path: Path) -> None:
    data = str(tmp_path / "long")
    process = started(data, "--detach")
    process.communicate(timeout=30)
    words = [sys.executable, "-m", "regnet", "runs", "follow", "last", "--data", data, "--plain"]
    follower = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert follower.stderr is not None
    follower.stderr.readline()  # it is at work
    follower.send_signal(signal.SIGINT)
    out, _ = follower.communicate(timeout=30)
    assert (follower.returncode, "the run goes on" in out) == (130, True)
    (run,) = json.loads(regnet("runs", "list", "--json", "--data", data).out)
    assert run["state"]["name"] == "running"
    assert regnet("runs", "delete", run["id"], "--yes", "--data", data).code == 1
    assert regnet("runs", "stop", run["id"], "--data", data).code == 0


def test_a_run_whose_process_was_killed_is_lost_with_a_code_of_its_own(
    regnet: Command, tmp_path: Path
) -> None:
    data = str(tmp_path / "long")
    process = started(data)
    (log,) = Path(data).glob("runs/*/events.jsonl")
    pid = next(
        event["pid"] for event in map(json.loads, log.read_text().splitlines()) if event["event"] == "started"
    )
    os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "resume it with: regnet runs resume" in err


def test_main_leaves_the_interrupt_handler_as_it_was(runs: MadeRuns) -> None:
    before = signal.getsignal(signal.SIGINT)
    main(["runs", "follow", runs.first, "--data", runs.data, "--plain"])
    assert signal.getsignal(signal.SIGINT) is before


def test_runs_wait_for_each_other_visibly_unless_told_not_to(regnet: Command, tmp_path: Path) -> None:
    data = str(tmp_path / "long")
    first = started(data, "--detach")
    first.communicate(timeout=30)
    words = ["run", "default", *SMALL, "--replicates", "2", "--data", data, "--json"]
    waiting = json.loads(regnet(*words, "--detach").out)["run"]
    deadline = time.monotonic() + 20
    queue = {"runs": [None]}
    while len(queue["runs"]) < 2 and time.monotonic() < deadline:  # its runner has just begun
        queue = json.loads(regnet("runs", "queue", "--json", "--data", data).out)
    assert queue["at_once"] == 1
    assert [run["state"] for run in queue["runs"]] == ["running", "queued"]
    assert queue["runs"][1]["run"] == waiting
    assert json.loads(regnet(*words, "--now").out)["state"] == "finished"  # passes it by
    assert regnet("runs", "queue", "--at-once", "2", "--data", data).code == 0
    assert regnet("runs", "follow", waiting, "--data", data, "--plain").code == 0
    assert regnet("runs", "stop", queue["runs"][0]["run"], "--data", data).code == 0
    assert regnet("runs", "queue", "--at-once", "0", "--data", data).code == 2


def test_a_run_folder_is_private_unless_asked_otherwise(regnet: Command) -> None:
    words = ["run", "default", *SMALL, "--replicates", "1", "--json"]
    private, shared = (Path(json.loads(regnet(*words, *more).out)["path"]) for more in ([], ["--shared"]))
    assert private.stat().st_mode & 0o777 == 0o700
    assert (private / "events.jsonl").stat().st_mode & 0o777 == 0o600
    assert shared.stat().st_mode & 0o777 == 0o755
    assert (shared / "summary.csv").stat().st_mode & 0o777 == 0o644


def test_the_quickstart_shows_where_the_lmm_gains_and_where_it_cannot(regnet: Command) -> None:
    shown = json.loads(regnet("run", "quickstart", "--replicates", "10", "--json").out)
    gains = {
        (cell["covariance"], cell["noise"]): cell["difference"]
        for cell in shown["summary"]
        if (cell["method"], cell["metric"]) == ("LMM", "pearson")
    }
    assert shown["failed"] == 0
    assert len(gains) == 6
    for (covariance, noise), difference in gains.items():
        if noise == "identity" and covariance != "id":  # effects go together, the noise doesn't
            assert difference["low"] > 0.05, (covariance, noise)
        else:  # nothing is shared, or the noise has the signal's covariance
            assert difference["high"] < 0, (covariance, noise)
