"""A fit that takes too long is ended where it stands, in any thread, and only then."""

from __future__ import annotations

import threading
import time

import pytest

from regnet.runs.time_limit import TimeLimit


def spin(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sum(range(100))


def test_a_block_that_takes_too_long_is_ended_with_its_limit_named() -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"longer than 0\.05 s"), TimeLimit(0.05)():
        spin(10)
    assert time.monotonic() - start < 5


def test_blocks_within_the_limit_and_without_one_are_left_alone() -> None:
    limit = TimeLimit(0.2)
    for _ in range(3):
        with limit():
            spin(0.01)
    with TimeLimit(0)():
        spin(0.01)
    spin(0.25)  # and nothing comes later


def test_other_errors_come_through() -> None:
    with pytest.raises(KeyError), TimeLimit(5)():
        raise KeyError


def test_in_a_thread_that_is_not_the_main_one_it_works_as_well() -> None:
    said: list[str] = []

    def work() -> None:
        try:
            with TimeLimit(0.05)():
                spin(10)
        except TimeoutError as error:
            said.append(str(error))
        with TimeLimit(5)():
            said.append("and on")
        spin(0.1)
        said.append("to the end")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(8)
    assert said == ["the fit took longer than 0.05 s", "and on", "to the end"]
