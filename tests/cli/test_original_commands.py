"""The original's commands and scripts do here what they did there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from regnet import Study, load_ybetaparams
from regnet.cli import main
from regnet.files.legacy_names import parse_name
from regnet.files.npz import read_npz

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "tests" / "reference" / "legacy").glob("*.pkl.gz"))
LETTERS = ["-r", "3", "-c", "4", "-G", "60", "-T", "8", "-S", "identityV", "-f", "0.2", "-N", "0.7"]
SMALL = ["--genes", "60", "--tfs", "8", "--replicates", "3", "--motifs", "synthetic"]


def test_simulate_writes_all_four_covariances_under_the_originals_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *LETTERS, "-c", "8", "--motifs", "synthetic", "--data", str(tmp_path)]) == 0
    files = sorted(path.name for path in (tmp_path / "simulation").glob("*.npz"))
    rest = "rep_3_Sigma_identityV_fracS_70_R2method_mean_V_mean_M_frac_20.npz"
    four, eight = (
        [f"Ybetaparams_generated_C_{c}_G_60_TF_8_V_{kind}_{rest}" for kind in kinds]
        for c, kinds in (
            (4, ("freeform", "id", "lowrank_2")),
            (8, ("freeform", "id", "lowrank_2", "lowrank_4")),
        )
    )
    assert files == four + eight
    data = load_ybetaparams(tmp_path / "simulation" / four[0])
    assert (data.parameter.C, data.parameter.G, data.parameter.TF, data.n_replicates) == (4, 60, 8, 3)
    assert (data.parameter.frac, data.parameter.fracNoise) == (0.2, 0.7)
    printed = capsys.readouterr().out
    logs = sorted((tmp_path / "stats").iterdir())
    assert [log.name for log in logs] == [
        f"output_dataGeneration_C_{c}_G_60_TF_8_rep_3_Sigma_identityV_FracNoise_0.7"
        "_Rsquared_mean_V_mean_M_FRAC_0.2.txt"
        for c in (4, 8)
    ]
    assert "".join(log.read_text() for log in logs) == printed


def test_simulate_replaces_the_same_data_but_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["simulate", *SMALL, "--covariance", "id", "--data", str(tmp_path)]
    assert main(command) == 0
    (path,) = (tmp_path / "simulation").glob("*.npz")
    first = path.read_bytes()
    assert main(command) == 0
    assert path.read_bytes() == first
    assert main([*command, "--seed", "2"]) == 2
    assert "found one with seed 1; give --force" in capsys.readouterr().err
    assert path.read_bytes() == first
    assert main([*command, "--seed", "2", "--force"]) == 0
    assert path.read_bytes() != first


def test_letters_are_other_names_of_the_long_options(tmp_path: Path) -> None:
    long = [
        "--replicates",
        "3",
        "--conditions",
        "4",
        "--genes",
        "60",
        "--tfs",
        "8",
        "--noise",
        "identityV",
        "--signal-fraction",
        "0.2",
    ]
    long += ["--noise-fraction", "0.7"]
    for words, name in ((LETTERS, "letters"), (long, "long")):
        out = ["--out", str(tmp_path / name), "--data", str(tmp_path)]
        assert main(["simulate", *words, "--motifs", "synthetic", *out]) == 0
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("letters", "long")
    ]
    assert contents[0] == contents[1]


def test_fit_finds_what_simulate_wrote_and_writes_the_originals_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *LETTERS, "--motifs", "synthetic", "--data", str(tmp_path)]) == 0
    fitted = ["-g", "random", "-e", "freeform", "-E", "id", "-i", "True", "-p", "False", "-n", "1"]
    assert main(["fit", *LETTERS, *fitted, "--data", str(tmp_path)]) == 0
    assert "Ridge" in capsys.readouterr().out
    results = [p for p in (tmp_path / "simulation").glob("*.npz") if not p.name.startswith("Ybeta")]
    names = {parse_name(path).kind: parse_name(path) for path in results}
    assert set(names) == {
        *("beta_posterior", "beta_ridge", "Rsquared", "KLdivV", "KLdivSigma", "Correlation_beta_both")
    }
    assert len(results) == 7
    for name in names.values():
        assert (name.covariance, name.signal_model, name.noise_model) == ("freeform", "freeform", "id")
        assert name.from_truth
    data = load_ybetaparams(tmp_path / "simulation" / f"{names['beta_ridge'].data_set()}.npz")
    for kind in ("beta_posterior", "beta_ridge"):
        arrays = read_npz(tmp_path / "simulation" / f"{names[kind]}.npz")
        assert arrays["values"].shape == data.beta.shape
        assert list(arrays["motif"][:8]) == list(data.parameter.motif.columns)
        assert np.corrcoef(arrays["values"].ravel(), data.beta.to_numpy().ravel())[0, 1] > 0.3


def test_an_old_pickle_is_fitted_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["fit", *map(str, SAMPLES), "--out", str(tmp_path), "--results", "csv", "--json"]
    assert main(words) == 0
    records = json.loads(capsys.readouterr().out)
    assert [Path(record["file"]) for record in records] == SAMPLES
    for record in records:
        means = {cell["method"]: cell["mean"] for cell in record["summary"] if cell["metric"] == "pearson"}
        assert set(means) == {"Ridge", "LMM"}
        assert min(means.values()) > 0.85
        assert len(record["results"]) == 7
        assert all(Path(path).is_file() for path in record["results"])


def test_the_study_of_an_old_pickle_is_one_that_run_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(SAMPLES[0]), "--as-study", "--methods", "Ridge"]) == 0
    text = capsys.readouterr().out
    study = Study.from_toml(text)
    assert study.scenarios[0].dataset == str(SAMPLES[0])
    assert (study.replicates, study.labels) == (3, ("Ridge",))
    (tmp_path / "old.toml").write_text(text)
    path = tmp_path / "K.tsv"
    size = study.scenarios[0].conditions
    path.write_text(
        "".join("\t".join(["1"] * i + ["2"] + ["1"] * (size - i - 1)) + "\n" for i in range(size))
    )
    fixed = ["--signal-model", "fixed", "--signal-matrix", str(path)]
    assert main(["fit", str(SAMPLES[0]), "--as-study", "--methods", "LMM", *fixed]) == 0
    assert Study.from_toml(capsys.readouterr().out).values["signal_matrix"][0].startswith("2 1 1")
    data = ["--data", str(tmp_path / "data")]
    assert main(["run", str(tmp_path / "old.toml"), "--plain", *data]) == 0
    assert "Ridge" in capsys.readouterr().out
    assert main(["run", str(tmp_path / "old.toml"), "--genes", "900", *data]) == 2
    assert "genes: wanted 978, as the data set has" in capsys.readouterr().err


def test_several_jobs_give_the_numbers_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for jobs in ("1", "2"):
        words = ["fit", str(SAMPLES[0]), "--methods", "Ridge", "--jobs", jobs, "--out", str(tmp_path / jobs)]
        assert main(words) == 0
        found.append({path.name: path.read_bytes() for path in (tmp_path / jobs).iterdir()})
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_a_bug_in_one_method_leaves_the_others_results_and_one_line_with_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("regnet.models.mixed_model.fit_mixed_model", broken)
    assert main(["fit", str(SAMPLES[0]), "--out", str(tmp_path / "out"), "--json"]) == 1
    printed = capsys.readouterr()
    (record,) = json.loads(printed.out)
    counts = {cell["method"]: cell["n"] for cell in record["summary"] if cell["metric"] == "pearson"}
    assert counts == {"Ridge": 3, "LMM": 0}
    assert printed.err.count("\n") == 1
    assert "LMM in 3 of 3 replicates: KeyError: 'no such thing'" in printed.err
    (report,) = tmp_path.glob("regnet-bug-*.txt")
    assert "in broken" in report.read_text()


def test_convert_writes_the_same_numbers_without_pickle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", *map(str, SAMPLES), "--out", str(tmp_path)]) == 0
    assert "3 replicates, 978 genes × 4 conditions, 12 transcription factors" in capsys.readouterr().out
    for sample in SAMPLES:
        old = load_ybetaparams(sample)
        new = load_ybetaparams(tmp_path / f"{old.name}.npz")
        np.testing.assert_array_equal(new.Y, old.Y)
        np.testing.assert_array_equal(new.beta, old.beta)
    assert main(["convert", str(SAMPLES[0]), "--out", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["convert", str(SAMPLES[0]), "--out", str(tmp_path), "--force"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "-c", "5"], "generate it with 'regnet simulate'"),
        (["fit", str(SAMPLES[0]), "-c", "5"], "leave out --conditions"),
        (["fit", str(SAMPLES[0]), "-e", "lowrank_9"], "a rank of at most 4"),
        (["fit", str(SAMPLES[0]), "-e", "what"], "--signal-model: wanted one of"),
        (["fit", str(SAMPLES[0]), "-i", "perhaps"], "--init: wanted one of"),
        (["fit", str(SAMPLES[0]), "-n", "0"], "cores: wanted a whole number"),
        (["fit", "nowhere.pkl"], "nowhere.pkl: wanted a file, found none"),
        (["fit", __file__], "found the byte"),
        (["convert", __file__], "found the byte"),
        (["convert", "nowhere.pkl"], "nowhere.pkl: wanted a file, found none"),
        (["convert"], "arguments"),
        (["simulate", "-S", "what"], "--noise: wanted one of random, identity"),
        (["simulate", "-G", "99999999"], "wanted"),
        (["simulate", "-f", "2"], "--signal-fraction: wanted a number from 0 to 1"),
    ],
)
def test_each_mistake_is_one_clear_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)] if words[0] != "convert" else []
    assert main([*words, *data]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_the_scripts_pass_the_originals_flags_on(tmp_path: Path) -> None:
    regnet = tmp_path / "regnet"
    regnet.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m regnet "$@"\n')
    regnet.chmod(0o755)
    environment = {**os.environ, "REGNET": str(regnet), "PYTHONPATH": str(ROOT)}
    environment.pop("REGNET_DATA", None)

    def script(name: str, words: str) -> str:
        command = [str(ROOT / "scripts" / name), *words.split()]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    script("dataGeneration.sh", "-r 2 -c 4 -G 60 -T 8 -S random -f 0.2 -N 0.7 --motifs synthetic")
    assert len(list((tmp_path / "data" / "simulation").glob("Ybeta*.npz"))) == 3
    assert len(list((tmp_path / "data" / "stats").iterdir())) == 1
    printed = script(
        "compLimix_withParam.sh",
        "-c 4 -G 60 -T 8 -r 2 -S random -N 0.7 -E random -g lowrank_2 -e lowrank_2 -f 0.2 "
        "-i False -p False -n 1 --methods Ridge",
    )
    assert "Ridge" in printed
    assert list((tmp_path / "data" / "simulation").glob("beta_ridge*.npz"))
