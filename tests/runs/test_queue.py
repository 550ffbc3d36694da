"""Runs wait for one another in the order in which they came, and never for the dead."""

from __future__ import annotations

import json

import pytest

from regnet import InputError
from regnet.places import Places
from regnet.runs.processes import process_id
from regnet.runs.queue import (
    ahead_of,
    draw_ticket,
    leave,
    runs_at_once,
    set_runs_at_once,
    waiting_and_going,
)


@pytest.fixture
def queue_places(places: Places) -> Places:
    places.runs.mkdir(parents=True)
    return places


def test_first_come_first_served(queue_places: Places) -> None:
    tickets = [draw_ticket(queue_places, name) for name in ("a", "b", "c")]
    assert [[other.run for other in ahead_of(ticket)] for ticket in tickets] == [[], ["a"], ["a", "b"]]
    leave(tickets[0])
    assert [other.run for other in ahead_of(tickets[2])] == ["b"]
    assert waiting_and_going(queue_places) == ["b", "c"]
    leave(tickets[1])
    leave(tickets[2])
    leave(tickets[2])
    assert waiting_and_going(queue_places) == []


def change(path_fields: dict[str, object], **changes: object) -> str:
    return json.dumps({**path_fields, **changes})


def test_the_ticket_of_a_process_that_is_gone_counts_for_nothing_and_is_thrown_away(
    queue_places: Places,
) -> None:
    first, second = draw_ticket(queue_places, "a"), draw_ticket(queue_places, "b")
    fields = json.loads(first.path.read_text())
    first.path.write_text(change(fields, process={**process_id().as_fields(), "started": "1"}))
    assert ahead_of(second) == []
    assert not first.path.exists()


def test_another_machine_and_another_batch_job_do_not_wait(
    queue_places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = draw_ticket(queue_places, "a"), draw_ticket(queue_places, "b")
    fields = json.loads(first.path.read_text())
    first.path.write_text(change(fields, process={**process_id().as_fields(), "host": "node7"}))
    assert ahead_of(second) == []
    assert first.path.exists()
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    assert ahead_of(draw_ticket(queue_places, "c")) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": 3}', "[" * 999])
def test_a_damaged_ticket_stands_in_nobodys_way(queue_places: Places, text: str) -> None:
    first, second = draw_ticket(queue_places, "a"), draw_ticket(queue_places, "b")
    first.path.write_text(text)
    assert ahead_of(second) == []


def test_how_many_go_at_once_is_a_setting_of_the_data_directory(queue_places: Places) -> None:
    assert runs_at_once(queue_places) == 1
    set_runs_at_once(queue_places, 3)
    assert runs_at_once(queue_places) == 3
    for wrong in (0, -1, 10**6):
        with pytest.raises(InputError, match="runs_at_once"):
            set_runs_at_once(queue_places, wrong)
    for text in ("", "[]", '{"runs_at_once": "many"}', '{"runs_at_once": -4}'):
        (queue_places.root / "settings.json").write_text(text)
        assert runs_at_once(queue_places) == 1
