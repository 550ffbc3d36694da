"""A screen learns what a data set holds without loading numpy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from regnet import InputError
from regnet.dataset_study import study_of_file

SAMPLE = next((Path(__file__).parent / "reference" / "legacy").glob("*frac_20.pkl.gz"))


def test_the_study_of_a_file_has_its_parameters_and_replicates() -> None:
    study = study_of_file(SAMPLE)
    (scenario,) = study.scenarios
    assert study.replicates == 3
    assert study.labels == ("Ridge", "LMM")
    assert (scenario.genes, scenario.tfs, scenario.conditions) == (978, 12, 4)
    assert (scenario.covariance, scenario.noise, scenario.signal_fraction) == ("lowrank_2", "random", 0.2)
    assert scenario.dataset == str(SAMPLE)


@pytest.mark.parametrize("name", ["nowhere.pkl", "-c", "--help", "a\0b"])
def test_a_file_that_cannot_be_read_is_one_clear_line(name: str) -> None:
    with pytest.raises(InputError) as refused:
        study_of_file(name)
    assert "dataset" in str(refused.value)


def test_asking_loads_nothing_heavy() -> None:
    code = (
        "import sys; from regnet.dataset_study import study_of_file; "
        f"study_of_file({str(SAMPLE)!r}); "
        "print([m for m in ('numpy', 'pandas', 'scipy', 'joblib', 'sklearn') if m in sys.modules])"
    )
    root = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
