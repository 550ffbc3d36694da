"""Runs on disk as a runner would have left them, with invented numbers: for tests and benchmarks."""

from __future__ import annotations

import math
import random
from pathlib import Path

from regnet.execution import Execution
from regnet.places import Places
from regnet.runs.events import EventLog
from regnet.runs.folder import RunFolder, create_run, update_record
from regnet.study import Study

CREATED = 1_760_000_000.0


def places_in(folder: Path) -> Places:
    """Return a data directory for a test."""
    return Places(folder, "for a test")


def make_run(
    places: Places,
    study: Study | None = None,
    *,
    name: str | None = None,
    done: int | None = None,
    end: str = "finished",
    failed: int = 0,
    created: float = CREATED,
    log: tuple[tuple[str, str], ...] = (),
) -> RunFolder:
    """Make a run of which `done` replicates (all by default) are recorded, ended by an event or not."""
    study = study or Study(name="quickstart", replicates=10)
    folder = create_run(study, Execution(), places, name=name, command=["regnet", "run", "quickstart"])
    update_record(folder, created=created, host="node7")
    write_log(folder, study, done=done, end=end, failed=failed, log=log)
    return folder


def write_log(
    folder: RunFolder,
    study: Study,
    *,
    done: int | None = None,
    end: str = "finished",
    failed: int = 0,
    log: tuple[tuple[str, str], ...] = (),
) -> None:
    """Write a run's log: its start, each scenario, `done` replicates, lines of log, and its end."""
    ticks = iter(range(10**9))
    writer = EventLog(folder.events, clock=lambda: CREATED, elapsed=lambda: next(ticks) * 0.05)
    total = len(study.scenarios) * study.replicates
    done = total if done is None else done
    start = {"format": 1, "host": "node7", "pid": 1, "jobs": 2, "cores": 1, "versions": {}, "to_do": total}
    writer.append(("started", {**start, "done": 0, "failed": 0, "command": "regnet run quickstart"}))
    for level, text in log:
        writer.append(("log", {"level": level, "text": text, "done": 0, "failed": 0}))
    generator = random.Random(7)
    events = []
    for place in range(done):
        scenario, replicate = divmod(place, study.replicates)
        if replicate == 0:
            notes = ["2 constant motifs dropped"] if scenario == 0 else []
            events.append(("scenario", {"scenario": scenario, "seconds": 0.3, "notes": notes, "sizes": {}}))
        events.append(("replicate", replicate_event(study, generator, scenario, replicate, place < failed)))
        events[-1][1].update(done=place + 1, failed=min(place + 1, failed))
    if end:
        events.append((end, {"done": done, "failed": min(failed, done)}))
    writer.append(*events)
    writer.close()


def replicate_event(
    study: Study, generator: random.Random, scenario: int, replicate: int, is_failed: bool
) -> dict[str, object]:
    """Return a replicate's event with invented, plausible numbers."""
    base = 0.75 + 0.02 * scenario + generator.gauss(0, 0.03)
    fits = {}
    for place, label in enumerate(study.labels):
        pearson = min(base + place * (0.03 + 0.005 * scenario) + generator.gauss(0, 0.01), 0.999)
        metrics = {
            "pearson": pearson,
            "spearman": pearson - 0.03,
            "rmse": 1 - pearson,
            "r2": 0.2 + generator.gauss(0, 0.01),
            "seconds": 0.01 * (1 + 4 * place),
            "kl_signal": 0.2 if place else math.nan,
        }
        warnings = ["at boundary"] if place and replicate % 7 == 3 else []
        fits[label] = {
            "status": "ok",
            "metrics": metrics,
            "reason": "",
            "seconds": metrics["seconds"],
            "warnings": warnings,
        }
    if is_failed:
        last = study.labels[-1]
        fits[last] = {"status": "failed", "metrics": {}, "reason": "LinAlgError: singular", "seconds": 0.1}
    return {
        "scenario": scenario,
        "replicate": replicate,
        "seconds": 0.1 + 0.02 * generator.random(),
        "truth": {"signal_fraction": 0.2, "within_condition_fraction": 0.1, "scale": 1.0},
        "fits": fits,
        "arrays": None,
    }
