"""The command line as a whole: help, exit codes, and errors that are one line each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Command

import regnet as package
from regnet.cli import COMMANDS
from regnet.cli.exit_codes import EXIT_CODES


def test_help_lists_every_command_and_exit_code(regnet: Command) -> None:
    done = regnet("--help")
    assert done.code == 0
    for command in COMMANDS:
        assert f"  {command.name:<12}{command.help}" in done.out
    for code, meaning in EXIT_CODES.items():
        assert f"{code}  {meaning}" in done.out
    assert regnet().out == done.out


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help_of_its_own(command: str, regnet: Command) -> None:
    done = regnet(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: regnet {command}")


def test_the_version_is_the_packages(regnet: Command) -> None:
    assert regnet("--version").out == f"regnet {package.__version__}\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("nonesuch", 2, "wanted one of its commands, found 'nonesuch'"),
        ("rum", 2, "did you mean run?"),
        ("--nonesuch", 2, "found '--nonesuch'"),
        ("runs lsit", 2, "runs: wanted one of its commands, found 'lsit'; did you mean list?"),
        ("run", 2, "put it first, as in 'regnet run quickstart'"),
        ("run nonesuch", 2, "study: wanted default, a TOML file's path or a preset (quickstart"),
        ("run nonesuch.toml", 2, "no such file"),
        ("run quickstart --condition 4", 2, "did you mean --conditions?"),
        (
            "run quickstart --conditions four",
            2,
            "--conditions: wanted a whole number, 1 to 1000, found 'four'",
        ),
        ("run quickstart --genes 6000", 2, "genes: wanted at most 5987"),
        ("run quickstart --motifs nonesuch", 2, "there are: "),
        ("run quickstart --jobs", 2, "expected one argument"),
        ("run quickstart extra", 2, "run: wanted no further argument, found 'extra'"),
        ("runs show nonesuch", 3, "found 'nonesuch'"),
        ("runs stop", 2, "RUN"),
        ("runs list condition=4", 2, "did you mean conditions?"),
        ("runs list --sort colour", 2, "--sort: wanted one of"),
        ("runs prune", 2, "--keep N or --older-than DAYS"),
        ("replay nonesuch 1", 3, "found 'nonesuch'"),
        ("presets show nonesuch", 2, "found 'nonesuch'"),
        ("presets delete quickstart", 2, "wanted one of your own"),
        ("completion", 2, "wanted a shell"),
        ("completion tcsh", 2, "invalid choice"),
        ("info --data /dev/null", 2, "data: wanted a directory"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_a_code(
    words: str, code: int, message: str, regnet: Command
) -> None:
    done = regnet(*words.split())
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("regnet: ")
    assert done.err.count("\n") == 1
    assert message in done.err


def test_control_characters_of_a_user_or_file_never_reach_the_terminal(
    regnet: Command, tmp_path: Path
) -> None:
    path = tmp_path / "evil\x1b[2J.toml"
    path.write_text("conditions = '\\u001b]0;title\\u0007'\n")
    for words in (
        ["run", str(path)],
        ["run", "\x1b[31mred"],
        ["runs", "show", "\x07"],
        ["presets", "show", "\x9b"],
    ):
        err = regnet(*words).err
        assert err.rstrip("\n").isprintable()
        assert "\x1b" not in err


def test_a_bug_is_said_in_one_line_with_a_file_for_its_report(
    regnet: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("regnet.cli.info.find_places", lambda asked: 1 / 0)
    done = regnet("info")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "a bug in regNet (ZeroDivisionError: division by zero)" in done.err
    (report,) = tmp_path.glob("regnet-bug-*.txt")
    assert str(report) in done.err
    assert "Traceback" in report.read_text()
    assert "command: regnet info" in report.read_text()


def test_a_directory_that_cannot_be_written_is_mendable(regnet: Command, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    done = regnet("presets", "save", "mine", "default", "--data", str(blocked / "data"))
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_a_reader_that_closes_the_pipe_early_is_no_error() -> None:
    command = f"set -o pipefail; {sys.executable} -m regnet run --help | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("usage: regnet run")
    assert done.stderr == ""


def test_python_dash_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "regnet", "nonesuch"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "regnet: wanted one of its commands, found 'nonesuch'; see 'regnet --help'\n"


def test_help_comes_at_once() -> None:
    def seconds(*words: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        return time.perf_counter() - start

    bare = min(seconds("-c", "pass") for _ in range(3))
    helped = min(seconds("-m", "regnet", "run", "--help") for _ in range(3))
    assert helped - bare < 1.0  # measured: 0.1 s on an idle machine; tests share theirs


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_lacks_a_letter_gets_it_spelled_out(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "regnet", "run", "--help"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert b"--conditions" in done.stdout


def test_the_app_without_a_terminal_says_what_works_without_one() -> None:
    words = [sys.executable, "-m", "regnet", "tui"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "wants a terminal; 'regnet run' works without one" in done.stderr
