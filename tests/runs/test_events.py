"""The log keeps what was written, and nothing else: torn, damaged and hostile lines are told apart."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet.runs.events import EventLog, EventReader, decode, encode, last_event, read_events


def written(path: Path, count: int) -> list[bytes]:
    log = EventLog(path)
    for number in range(count):
        log.append(("replicate", {"scenario": 0, "replicate": number}))
    log.close()
    return path.read_bytes().splitlines(keepends=True)


def test_a_log_gives_back_the_events_in_order_with_their_numbers(tmp_path: Path) -> None:
    written(tmp_path / "log", 5)
    events, damages = read_events(tmp_path / "log")
    assert [event["n"] for event in events] == [0, 1, 2, 3, 4]
    assert [event["replicate"] for event in events] == [0, 1, 2, 3, 4]
    assert damages == []


def test_numbers_come_back_to_the_last_bit_and_undefined_ones_as_null() -> None:
    values = {"x": 0.1 + 0.2, "tiny": 5e-324, "nan": math.nan, "inf": math.inf}
    event = decode(encode({"event": "log", **values}).rstrip(b"\n"))
    assert (event["x"], event["tiny"], event["nan"], event["inf"]) == (0.1 + 0.2, 5e-324, None, "inf")


def test_a_reader_takes_only_whole_lines_and_only_new_ones(tmp_path: Path) -> None:
    lines = written(tmp_path / "whole", 3)
    path = tmp_path / "log"
    reader = EventReader(path)
    assert reader.read() == []
    path.write_bytes(lines[0] + lines[1][:10])
    assert [event["n"] for event in reader.read()] == [0]
    assert reader.read() == []
    path.write_bytes(b"".join(lines))
    assert [event["n"] for event in reader.read()] == [1, 2]


def test_a_reader_in_small_steps_sees_what_one_big_step_sees(tmp_path: Path) -> None:
    written(tmp_path / "log", 50)
    reader, stepwise = EventReader(tmp_path / "log"), []
    while events := reader.read(most=97) or (reader.offset < (tmp_path / "log").stat().st_size and [None]):
        stepwise += [event for event in events if event]
    assert stepwise == read_events(tmp_path / "log")[0]


@pytest.mark.parametrize("kept", [0, 1, 20, -1])
def test_opening_a_log_cuts_a_torn_last_line_off_and_goes_on_with_the_next_number(
    tmp_path: Path, kept: int
) -> None:
    lines = written(tmp_path / "log", 3)
    torn = lines[2][:kept]
    (tmp_path / "log").write_bytes(lines[0] + lines[1] + torn)
    log = EventLog(tmp_path / "log")
    log.append(("log", {"text": "after"}))
    events, damages = read_events(tmp_path / "log")
    assert log.torn == len(torn)
    assert [event["n"] for event in events] == [0, 1, 2]
    assert events[2]["text"] == "after"
    assert damages == []


@given(st.data())
def test_a_changed_byte_anywhere_in_a_line_is_noticed(data: st.DataObject) -> None:
    line = encode({"n": 7, "event": "replicate", "fits": {"Ridge": {"metrics": {"pearson": 0.51234}}}})[:-1]
    place = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != line[place]))
    with pytest.raises(ValueError, match=r"checksum|JSON|event"):
        decode(line[:place] + bytes([byte]) + line[place + 1 :])


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_a_damaged_line_never_an_error(noise: bytes) -> None:
    try:
        decoded = decode(noise)
    except ValueError:
        return
    assert isinstance(decoded["event"], str)


def test_deep_nesting_with_a_right_checksum_is_refused() -> None:
    import zlib

    body = b'{"event": "log", "text": ' + b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(ValueError, match="not JSON"):
        decode(body + b', "crc": "%08x"}' % zlib.crc32(body))


def test_a_line_damaged_in_the_middle_is_reported_by_its_number_and_the_others_are_kept(
    tmp_path: Path,
) -> None:
    lines = written(tmp_path / "log", 5)
    lines[2] = lines[2].replace(b'"replicate": 2', b'"replicate": 9')
    (tmp_path / "log").write_bytes(b"".join(lines))
    events, damages = read_events(tmp_path / "log")
    assert [event["n"] for event in events] == [0, 1, 3, 4]
    assert [(damage.line, damage.why) for damage in damages] == [(2, "its checksum doesn't hold")]


def test_the_last_event_is_found_behind_damaged_and_torn_lines(tmp_path: Path) -> None:
    lines = written(tmp_path / "log", 200)
    (tmp_path / "log").write_bytes(b"".join(lines[:-1]) + b"{}\n" * 3000 + lines[-1][:-5])
    event = last_event(tmp_path / "log")
    assert event is not None
    assert event["n"] == 198
    assert last_event(tmp_path / "none") is None


def test_a_full_disk_in_the_middle_of_a_line_leaves_whole_lines_only(tmp_path: Path) -> None:
    room = [300]

    def write(descriptor: int, text: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        taken = os.write(descriptor, text[: room[0]])
        room[0] -= taken
        return taken

    log = EventLog(tmp_path / "log", write=write)
    log.append(("log", {"text": "x" * 40}))
    with pytest.raises(OSError, match="No space"):
        log.append(("log", {"text": "y" * 40}), ("log", {"text": "z" * 40}))
    events, damages = read_events(tmp_path / "log")
    assert [event["text"] for event in events] == ["x" * 40]
    assert damages == []
    room[0] = 10_000
    log.append(("log", {"text": "again"}))
    assert [event["n"] for event in read_events(tmp_path / "log")[0]] == [0, 1]


def test_a_wall_clock_that_jumps_back_leaves_numbers_and_elapsed_seconds_in_order(tmp_path: Path) -> None:
    walls, ticks = iter([100.0, 50.0, 10.0]), iter([0.0, 1.0, 2.0, 3.0])
    log = EventLog(tmp_path / "log", clock=lambda: next(walls), elapsed=lambda: next(ticks))
    for _ in range(3):
        log.append(("log", {}))
    events, _ = read_events(tmp_path / "log")
    assert [event["time"] for event in events] == [100.0, 50.0, 10.0]
    assert [event["elapsed"] for event in events] == [1.0, 2.0, 3.0]
    assert [event["n"] for event in events] == [0, 1, 2]


def test_ten_thousand_replicates_are_read_within_two_seconds(tmp_path: Path) -> None:
    fit = {"status": "ok", "metrics": {f"metric_{n}": n / 7 for n in range(22)}, "seconds": 0.1}
    line = {"event": "replicate", "scenario": 0, "replicate": 1, "fits": {"Ridge": fit, "LMM": fit}}
    (tmp_path / "log").write_bytes(encode(line) * 10_000)
    start = time.perf_counter()
    assert len(read_events(tmp_path / "log")[0]) == 10_000
    assert time.perf_counter() - start < 2


def test_the_log_is_private_to_the_user_and_no_symbolic_link_is_followed(tmp_path: Path) -> None:
    EventLog(tmp_path / "log").close()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        EventLog(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_line_is_plain_json_for_other_tools(tmp_path: Path) -> None:
    (line,) = written(tmp_path / "log", 1)
    assert json.loads(line)["event"] == "replicate"
