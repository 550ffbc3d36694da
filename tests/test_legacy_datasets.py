"""An old data set takes the place of a simulation, and a simulation the form of an old data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import regnet
from regnet import InputError, Scenario, Study
from regnet.files.legacy_names import parse_name
from regnet.files.motifs import motif_scores
from regnet.files.ybetaparams import load_ybetaparams, write_ybetaparams
from regnet.legacy_datasets import (
    data_set_name,
    dataset_from_ybetaparams,
    design_from_ybetaparams,
    find_dataset,
    load_dataset,
    recorded_replicate,
    scenario_of,
    simulate_ybetaparams,
    study_of,
)
from regnet.methods import Ridge
from regnet.places import Places
from regnet.replicate import fit_dataset, prepare_design
from regnet.runs.repetition import replay_replicate

SAMPLES = sorted((Path(__file__).parent / "reference" / "legacy").glob("*.pkl.gz"))
MOTIFS = motif_scores(np.random.default_rng(1).random((60, 12)))


def test_a_replicate_of_an_old_file_holds_what_the_file_holds() -> None:
    data = load_ybetaparams(SAMPLES[0])
    for number in range(3):
        dataset = dataset_from_ybetaparams(SAMPLES[0], number)
        np.testing.assert_array_equal(dataset.expression, data.replicate(number))
        np.testing.assert_array_equal(dataset.effects, data.effects(number))
        np.testing.assert_array_equal(dataset.scores, data.parameter.motif)
        np.testing.assert_array_equal(dataset.signal_covariance, data.signal_covariance(number))
        np.testing.assert_array_equal(dataset.noise_covariance, data.noise_covariance())
        assert dataset.genes == tuple(data.parameter.motif.index)
        assert dataset.motifs == tuple(data.parameter.motif.columns)
        assert dataset.signal_fraction == pytest.approx(0.4, abs=0.01)  # the original's tolerance
    with pytest.raises(InputError, match="replicate: wanted a number from 0 to 2"):
        dataset_from_ybetaparams(SAMPLES[0], 3)


def test_the_scenario_of_an_old_file_is_what_its_name_says() -> None:
    scenarios = [scenario_of(load_ybetaparams(sample)) for sample in SAMPLES]
    assert [s.covariance for s in scenarios] == ["random", "lowrank_2"]
    assert [s.noise for s in scenarios] == ["identityV", "random"]
    assert [s.signal_fraction for s in scenarios] == [0.4, 0.2]
    assert {(s.conditions, s.genes, s.tfs) for s in scenarios} == {(4, 978, 12)}
    assert scenarios[0].noise_fraction == 0.7


def test_the_scenario_of_a_renamed_file_comes_from_its_content(tmp_path: Path) -> None:
    renamed = tmp_path / "mine.pkl.gz"
    renamed.write_bytes(SAMPLES[0].read_bytes())
    scenario = scenario_of(load_ybetaparams(renamed))
    assert (scenario.covariance, scenario.noise, scenario.noise_fraction) == ("random", "randomV", 0.7)
    independent = Scenario(genes=30, tfs=5, covariance="id", noise="identity")
    data = simulate_ybetaparams(independent, MOTIFS, seed=1, replicates=1)
    path = write_ybetaparams(data, tmp_path / "other")
    path.with_suffix(".json").unlink()
    found = scenario_of(load_ybetaparams(path))
    assert (found.covariance, found.noise) == ("id", "identity")


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(genes=40, tfs=7, conditions=3, noise="randomV", noise_fraction=0.5, motifs="mine"),
        Scenario(genes=40, tfs=7, conditions=5, covariance="lowrank_2", centre_motifs=True),
        Scenario(genes=40, tfs=7, signal_fraction=0.0),
        Scenario(genes=40, tfs=7, signal_fraction=1.0),
        Scenario(genes=40, tfs=7, signal_mode="expected", covariance="id"),
    ],
)
def test_simulated_replicates_are_those_of_simulate_before_and_after_the_file(
    scenario: Scenario, tmp_path: Path
) -> None:
    made = simulate_ybetaparams(scenario, MOTIFS, seed=3, replicates=4)
    read = load_ybetaparams(write_ybetaparams(made, tmp_path / str(made.name)))
    assert read.name == data_set_name(scenario, 4)
    for data in (made, read):
        for number in range(4):
            wanted = regnet.simulate(scenario, MOTIFS, seed=3, replicate=number)
            found = dataset_from_ybetaparams(data, number)
            assert found.scenario == scenario
            for field in ("expression", "effects", "scores", "signal_covariance", "noise_covariance"):
                np.testing.assert_array_equal(getattr(found, field), getattr(wanted, field))
            for field in ("genes", "motifs", "conditions", "replicate", "scale"):
                assert getattr(found, field) == getattr(wanted, field)
            assert found.signal_fraction == pytest.approx(wanted.signal_fraction, abs=1e-12)


def test_an_old_data_set_is_fitted_and_scored_like_a_simulated_one() -> None:
    data = load_ybetaparams(SAMPLES[0])
    shared = design_from_ybetaparams(data)
    outcome = fit_dataset(
        prepare_design(shared, [Ridge()]), recorded_replicate(data, shared, 1), [Ridge()], ["Ridge"]
    )
    dataset = dataset_from_ybetaparams(data, 1)
    fit = regnet.fit_ridge(dataset.scores, dataset.expression)
    assert outcome.replicate == 1
    np.testing.assert_allclose(outcome.arrays["Ridge/effects"], fit.effects, rtol=1e-10)
    assert outcome.fits[0].metrics["pearson"] == pytest.approx(regnet.score(fit, dataset)["pearson"])
    assert regnet.score(fit, dataset)["pearson"] > 0.9


def study_of_sample(number: int = 0, **changes: object) -> Study:
    return study_of(load_ybetaparams(SAMPLES[number]), SAMPLES[number]).replace(methods="Ridge", **changes)


def test_a_study_of_an_old_data_set_runs_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGNET_DATA", str(tmp_path))
    run = regnet.run(study_of_sample())
    rows = run.replicates.set_index("replicate")
    assert list(rows["status"]) == ["ok"] * 3
    for number in range(3):
        dataset = dataset_from_ybetaparams(SAMPLES[0], number)
        wanted = regnet.score(regnet.fit_ridge(dataset.scores, dataset.expression), dataset)
        # The penalty is searched for, which carries rounding into the seventh digit and beyond.
        assert rows["pearson"][number] == pytest.approx(wanted["pearson"], rel=1e-6)
        assert rows["true_signal_fraction"][number] == pytest.approx(dataset.signal_fraction)
    repeated = replay_replicate(run.folder, 0, 2)
    assert repeated.differences == ()


def test_in_a_folder_each_scenario_finds_its_file_by_the_originals_name(tmp_path: Path) -> None:
    nowhere = Places(tmp_path / "nowhere", "a test")
    for number, sample in enumerate(SAMPLES):
        scenario = study_of_sample(number, dataset=str(sample.parent)).scenarios[0]
        found = find_dataset(scenario, 3, nowhere)
        assert found.name.startswith(str(parse_name(sample)))  # the .npz beside it holds the same
        assert load_dataset(scenario, 3, nowhere).parameter.G == 978
    with pytest.raises(InputError, match="_rep_4_"):
        find_dataset(scenario, 4, nowhere)
    with pytest.raises(InputError, match="a data set's file or folder"):
        find_dataset(scenario.replace(dataset=str(tmp_path / "no")), 3, nowhere)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"genes": 977}, "genes: wanted 978, as the data set has, found 977"),
        ({"tfs": 11}, "tfs: wanted 12"),
        ({"conditions": 5}, "conditions: wanted 4"),
        ({"covariance": "id"}, "covariance: wanted random"),
        ({"noise": "identity"}, "noise: wanted identityV"),
        ({"noise_fraction": 0.6}, "noise_fraction: wanted 0.7"),
        ({"signal_fraction": 0.3}, "signal_fraction: wanted 0.4"),
        ({"centre_motifs": True}, "centre_motifs: wanted False"),
    ],
)
def test_a_scenario_that_says_otherwise_than_its_data_set_is_refused(
    changes: dict[str, object], said: str, tmp_path: Path
) -> None:
    scenario = study_of_sample(**changes).scenarios[0]
    with pytest.raises(InputError) as refused:
        load_dataset(scenario, 3, Places(tmp_path, "a test"))
    assert said in str(refused.value)
    assert "--as-study" in str(refused.value)


def test_more_replicates_than_the_data_set_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="replicates: wanted at most the data set's 3, found 4"):
        load_dataset(study_of_sample().scenarios[0], 4, Places(tmp_path, "a test"))


def test_no_replicates_are_refused() -> None:
    with pytest.raises(InputError, match="replicates"):
        simulate_ybetaparams(Scenario(genes=30, tfs=5), MOTIFS, seed=1, replicates=0)
