"""Does a replicate give the same numbers when it is computed again? For ``regnet replay RUN 17``.

Everything follows from the study, so any replicate of any run can be computed by itself: to look into
a failure, or to see that a record can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regnet.errors import InputError
from regnet.runs.environment import differences, environment
from regnet.runs.events import Event, plain, read_events
from regnet.runs.folder import RunFolder
from regnet.runs.worker import Assignment, Result, Task, compute_on, motif_table, prepare_scenario

TIMES = ("seconds",)
"""What is measured rather than computed, and so differs each time."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """One replicate computed again, beside what the run recorded.

    Attributes
    ----------
    result : Result
        What came out now.
    recorded : dict or None
        The ``replicate`` event of the run; None where it hasn't recorded this replicate.
    differences : tuple of str
        Where the two don't agree to the last bit, as ``LMM pearson: 0.51, now 0.52``; empty where they do.
    mixed : tuple of str
        What differs between this environment and the run's (versions, processor).
    """

    result: Result
    recorded: Event | None
    differences: tuple[str, ...]
    mixed: tuple[str, ...]


def replay_replicate(folder: RunFolder, scenario: int, replicate: int) -> Repetition:
    """Compute one replicate of a run again, in this process, and compare it with the record.

    Parameters
    ----------
    folder : RunFolder
    scenario, replicate : int
        Both counted from 0.

    Raises
    ------
    InputError
        Where the study has no such scenario or replicate, or its motif table can't be read.
    """
    study = folder.study()
    for name, number, size in (
        ("scenario", scenario, len(study.scenarios)),
        ("replicate", replicate, study.replicates),
    ):
        if not 0 <= number < size:
            raise InputError(name, f"a whole number, 0 to {size - 1}", str(number))
    execution = folder.execution()
    assignment = Assignment(study, folder.places(), execution.cores, "all", execution.time_limit)
    prepared = prepare_scenario(assignment, scenario, motif_table)
    result = compute_on(assignment, prepared, Task(scenario, replicate))
    events, _ = read_events(folder.events)
    recorded = next(
        (
            event
            for event in events
            if event["event"] == "replicate"
            and (event.get("scenario"), event.get("replicate")) == (scenario, replicate)
        ),
        None,
    )
    starts = [event for event in events if event["event"] == "started"]
    mixed = [text for texts in differences(starts, environment(), execution.cores) for text in texts]
    return Repetition(result, recorded, tuple(_differences(result, recorded)), tuple(mixed))


def _differences(result: Result, recorded: Event | None) -> list[str]:
    if recorded is None:
        return []
    found = []
    now_fits: Any = plain(result.fits)
    for label, now in now_fits.items():
        then = dict(recorded.get("fits", {}).get(label, {}))
        if then.get("status") != now["status"]:
            found.append(f"{label} status: {then.get('status')}, now {now['status']}")
        values = dict(then.get("metrics") or {})
        for name in dict.fromkeys([*values, *now["metrics"]]):
            was, is_now = values.get(name), now["metrics"].get(name)
            if was != is_now and name not in TIMES:
                found.append(f"{label} {name}: {was}, now {is_now}")
    now_truth: Any = plain(result.truth)
    for name, value in now_truth.items():
        if recorded.get("truth", {}).get(name) != value:
            found.append(f"true {name}: {recorded.get('truth', {}).get(name)}, now {value}")
    return found
