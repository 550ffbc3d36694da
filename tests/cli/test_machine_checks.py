"""`regnet doctor` and `regnet info`: findings about machines that are made up, and about this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Command

import regnet as package
from regnet.cli import machine_checks
from regnet.cli.machine_checks import GOOD, SO_SO, WRONG, Check
from regnet.places import Places


@pytest.mark.parametrize(
    ("check", "verdict", "found"),
    [
        (machine_checks.terminal({"TERM": "xterm-256color"}, True), GOOD, "xterm-256color"),
        (machine_checks.terminal({"TERM": "dumb"}, True), WRONG, "dumb"),
        (machine_checks.terminal({}, True), WRONG, "unset"),
        (machine_checks.terminal({"TERM": "dumb"}, False), GOOD, "plain lines"),
        (machine_checks.colours({"COLORTERM": "truecolor"}), GOOD, "16 million"),
        (machine_checks.colours({"TERM": "screen-256color"}), GOOD, "256"),
        (machine_checks.colours({"TERM": "xterm"}), SO_SO, "16"),
        (machine_checks.colours({"TERM": "xterm", "NO_COLOR": "1"}), GOOD, "NO_COLOR"),
        (machine_checks.clipboard({"TMUX": "/tmp/x,1,0", "TERM": "screen"}), GOOD, "tmux"),
        (machine_checks.clipboard({"TERM": "xterm"}), GOOD, "OSC 52"),
        (machine_checks.clipboard({"TERM": "linux"}), SO_SO, "a file"),
        (machine_checks.text_encoding("UTF-8"), GOOD, "UTF-8"),
        (machine_checks.text_encoding("ascii"), WRONG, "ascii"),
        (machine_checks.text_encoding("ISO-8859-1"), SO_SO, "ISO-8859-1"),
        (machine_checks.multiplexer({"SSH_CONNECTION": "1 2 3 4"}), SO_SO, "over SSH"),
        (machine_checks.multiplexer({"STY": "1.x", "SSH_CONNECTION": "1"}), GOOD, "GNU screen"),
        (machine_checks.logout(True, False), WRONG, "ends runs at logout"),
        (machine_checks.logout(True, True), GOOD, "lingers"),
        (machine_checks.logout(False, False), GOOD, "no"),
        (machine_checks.logout(None, False), GOOD, "no systemd-logind"),
    ],
)
def test_a_machine_is_judged_by_what_it_says(check: Check, verdict: str, found: str) -> None:
    assert check.verdict == verdict
    assert found in check.found
    assert check.verdict == GOOD or check.remedy or check.name == "clipboard"


@pytest.mark.parametrize(
    ("text", "kills"),
    [
        ("", False),
        ("#KillUserProcesses=yes", False),
        ("[Login]\nKillUserProcesses=yes\n", True),
        ("KillUserProcesses = no\nKillUserProcesses=true", True),
        ("KillUserProcesses=yes\nKillUserProcesses=no", False),
    ],
)
def test_logind_kills_if_its_configuration_says_so_last(text: str, kills: bool) -> None:
    assert machine_checks.logind_kills(text) is kills


def test_the_file_system_is_that_of_the_longest_mount_point(tmp_path: Path) -> None:
    mounts = f"none / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\nnone {tmp_path}/da tmpfs rw 0 0\n"
    found = machine_checks.file_system(tmp_path / "data", mounts)
    assert (found.verdict, found.found.split(",")[0]) == (GOOD, "nfs4")
    (tmp_path / "da").mkdir()
    assert machine_checks.file_system(tmp_path / "da", mounts).verdict == SO_SO


def test_a_data_directory_that_cannot_be_made_is_wrong() -> None:
    assert machine_checks.data_directory(Places(Path("/proc/regnet"), "a test")).verdict == WRONG


def test_every_check_is_made_on_this_machine_and_none_changes_anything(tmp_path: Path) -> None:
    checks = machine_checks.all_checks(Places(tmp_path / "data", "a test"))
    assert len({check.name for check in checks}) == len(checks) == 16
    assert not any("can't be told" in check.found for check in checks)
    assert list(tmp_path.iterdir()) == []


def test_doctor_prints_remedies_and_exits_1_if_something_is_wrong(
    regnet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [Check("terminal", WRONG, "TERM=dumb", "set TERM"), Check("Python", GOOD, "3.11")]
    monkeypatch.setattr("regnet.cli.doctor.all_checks", lambda places: bad)
    done = regnet("doctor")
    assert done.code == 1
    assert done.out == "wrong  terminal  TERM=dumb\n       → set TERM\ngood   Python    3.11\n"
    assert json.loads(regnet("doctor", "--json").out)[0]["remedy"] == "set TERM"
    monkeypatch.setattr("regnet.cli.doctor.all_checks", lambda places: bad[1:])
    assert regnet("doctor").code == 0


def test_info_prints_every_room_and_version(regnet: Command, tmp_path: Path) -> None:
    found = json.loads(regnet("info", "--json").out)
    assert found["versions"]["regnet"] == package.__version__
    assert found["places"]["data directory"] == str(tmp_path / "data")
    rooms = {"motif", "expression", "simulation", "stats", "runs", "presets", "drafts"}
    assert {found["places"][room] for room in rooms} == {str(tmp_path / "data" / room) for room in rooms}
    assert "yeast" in found["shipped"]["shipped motif"]
    assert f"runs:            {tmp_path / 'data' / 'runs'}" in regnet("info").out
