"""How long do 10,000 runs take to be listed, and 100,000 replicate rows to be opened and summarised?

Makes both in a temporary directory, with logs as the runner writes them. Pure Python, one core.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from regnet import Execution, Study
from regnet.metrics import METRICS
from regnet.places import Places
from regnet.runs.events import EventLog
from regnet.runs.folder import RunFolder, create_run
from regnet.runs.listing import list_runs
from regnet.runs.lock import take
from regnet.runs.replay import Replay
from regnet.runs.rows_file import write_rows_file
from regnet.summary import summarise


def timed(what: str, target: str, work: Callable[[], object]) -> None:
    """Print how long something takes."""
    start = time.perf_counter()
    work()
    print(f"{what:58} {time.perf_counter() - start:6.2f} s   {target}")


def many_runs(places: Places, count: int) -> None:
    """Make finished runs by copying one."""
    template = create_run(Study(), Execution(), places, name="template")
    take(template.lock, template.heartbeat).release()
    log = EventLog(template.events)
    log.append(("finished", {"done": 80, "failed": 0}))
    log.close()
    contents = {
        name: (template.path / name).read_bytes() for name in ("run.json", "events.jsonl", "runner.lock")
    }
    for number in range(count):
        path = places.runs / f"2026-01-01-many-{number:05d}"
        path.mkdir()
        for name, content in contents.items():
            (path / name).write_bytes(content)


def long_run(places: Places, rows: int) -> RunFolder:
    """Make a finished run whose replicate table has so many rows."""
    replicates = rows // 8
    folder = create_run(Study(replicates=replicates), Execution(), places, name="long")
    rng = random.Random(1)
    log = EventLog(folder.events)
    for scenario in range(4):
        events = []
        for replicate in range(replicates):
            fits = {
                label: {
                    "status": "ok",
                    "metrics": {metric.name: rng.random() for metric in METRICS},
                    "reason": "",
                    "seconds": rng.random(),
                    "warnings": [],
                }
                for label in ("Ridge", "LMM")
            }
            keys = {"scenario": scenario, "replicate": replicate, "seconds": 0.1, "fits": fits}
            events.append(("replicate", keys))
        log.append(*events)
    log.append(("finished", {"done": 4 * replicates, "failed": 0}))
    log.close()
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        places = Places(Path(directory), "a benchmark's")
        many_runs(places, options.runs)
        timed(f"{options.runs:,} runs listed for the first time", "", lambda: list_runs(places))
        timed(f"{options.runs:,} runs listed again", "target 1 s", lambda: list_runs(places))
        folder = long_run(places, options.rows)
        whole = Replay(folder, use_rows_file=False)
        timed(f"{options.rows:,} rows replayed from the log", "", whole.update)
        write_rows_file(folder, whole.rows, whole.facts())
        copy = Replay(folder)
        timed(f"{options.rows:,} rows opened from the compact copy", "target 1 s", copy.update)
        timed(f"{options.rows:,} rows summarised", "target 1 s", lambda: summarise(copy.rows))


if __name__ == "__main__":
    main()
