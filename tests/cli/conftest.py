"""A data directory with two small runs, made once, by the command line itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import SMALL, Command, MadeRuns, carry_out

from regnet.places import VARIABLE


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def regnet() -> Command:
    return carry_out


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> MadeRuns:
    data = str(tmp_path_factory.mktemp("data"))
    ids = []
    for name, fraction in (("first look", "0.2"), ("second look", "0.4")):
        words = ["run", "default", *SMALL, "--name", name, "--replicates", "4"]
        done = carry_out(*words, "--signal-fraction", fraction, "--data", data, "--json")
        assert done.code == 0, done.err
        ids.append(str(json.loads(done.out)["run"]))
    return MadeRuns(data, *ids)
