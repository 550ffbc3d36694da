"""Does regnet validate print what engines found, as a table and as JSON, and say when regNet is beaten?"""

from __future__ import annotations

import dataclasses
import json

import pytest
from command_line import Command

import regnet.peers
from regnet.peers import Engine

SMALL = ["--motifs", "synthetic", "--genes", "40", "--tfs", "6", "--conditions", "3", "--replicates", "1"]
SMALL += ["--signal-model", "lowrank_1"]


def test_the_table_names_every_engine_and_says_that_regnet_found_the_best(regnet: Command) -> None:
    done = regnet("validate", *SMALL)
    assert done.code == 0
    assert "1 replicate of 40 genes × 6 transcription factors × 3 conditions" in done.out
    assert "lowrank_1 / freeform, mean intercept, ML\n  regnet  " in done.out
    assert "lowrank_1 / freeform, mean intercept, REML\n  regnet  " in done.out
    assert "\n  limix  " in done.out
    assert "regnet found the best log-likelihood (within 0.0001) in" in done.out


def test_json_holds_engines_fits_and_agreement(regnet: Command) -> None:
    done = regnet("validate", *SMALL, "--engines", "limix", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert [engine["name"] for engine in told["engines"]] == ["regnet", "limix"]
    (scenario,) = told["scenarios"]
    assert scenario["scenario"]["genes"] == 40
    assert [(fit["engine"], fit["mean"], fit["likelihood"]) for fit in scenario["fits"]] == [
        ("regnet", "intercept", "ml"),
        ("limix", "intercept", "ml"),
        ("regnet", "intercept", "reml"),
        ("limix", "intercept", "reml"),
    ]
    assert all(fit["shortfall"] < 1e-4 and fit["seconds"] > 0 for fit in scenario["fits"])
    assert [one["ratio"] for one in scenario["agreement"] if one["engine"] == "regnet"] == [1.0, 1.0]


def own_engine() -> Engine:
    return regnet.peers.engines()[0]


def test_engines_that_are_not_installed_are_named_with_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch, regnet: Command
) -> None:
    missing = dataclasses.replace(own_engine(), name="elsewhere", version="", how_to_install="pip it")
    engines = (own_engine(), missing)
    monkeypatch.setattr("regnet.peers.engines", lambda: engines)
    done = regnet("validate", *SMALL)
    assert "elsewhere is not installed: pip it" in done.out
    assert "nothing was compared" in done.out


def test_where_another_engine_finds_a_better_fit_the_code_is_1(
    monkeypatch: pytest.MonkeyPatch, regnet: Command
) -> None:
    from regnet.models.mixed_model import MixedModelFit

    good = own_engine()

    def worse(*given: object) -> MixedModelFit:
        fit = good.fit(*given)  # type: ignore[arg-type]
        return dataclasses.replace(fit, noise_covariance=2 * fit.noise_covariance)

    engines = (dataclasses.replace(good, fit=worse), dataclasses.replace(good, name="other"))
    monkeypatch.setattr("regnet.peers.engines", lambda: engines)
    done = regnet("validate", *SMALL)
    assert done.code == 1
    assert "in 0 of 3 fits" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engines", "limix,spss"], "--engines: wanted some of limix, limix-core, regnet, found 'spss'"),
        (["--time-limit", "soon"], "--time-limit: wanted a number of seconds above 0, found 'soon'"),
        (["--time-limit", "0"], "--time-limit: wanted a number of seconds above 0, found '0'"),
        (["--signal-model", "lowrank_9"], "at most 3"),
        (["--genes", "many"], "--genes: wanted a whole number"),
    ],
)
def test_what_cannot_be_used_is_one_line(words: list[str], message: str, regnet: Command) -> None:
    done = regnet("validate", *SMALL, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
