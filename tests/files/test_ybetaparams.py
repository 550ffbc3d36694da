"""The original's data sets open, equal to the last bit, and are kept in a form that any software reads."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

import legacy_pickle_writer as writer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legacy_pickle_writer import peak_memory

import regnet
from regnet import InputError, load_ybetaparams
from regnet.files.legacy_names import parse_name
from regnet.files.npz import read_npz, write_npz
from regnet.files.ybetaparams import Ybetaparams, write_ybetaparams

REFERENCE = Path(__file__).parents[1] / "reference" / "legacy"
SAMPLES = sorted(REFERENCE.glob("*.pkl.gz"))
KEYS = ("C", "G", "TF", "V", "Sigma", "delta", "sigma_beta2", "frac", "fracNoise", "motif_TG")


def assert_holds(data: Ybetaparams, truth: Path) -> None:
    """Compare a data set with what the original's own classes found in it, bit for bit."""
    with np.load(truth, allow_pickle=False) as arrays:
        assert data.Y.to_numpy().tobytes() == arrays["Y"].tobytes()
        assert data.beta.to_numpy().tobytes() == arrays["beta"].tobytes()
        for key in KEYS:
            wanted = arrays[f"param_{key}"]
            if np.isnan(wanted).any():
                assert data.parameter[key] is None
            else:
                found = np.asarray(data.parameter[key], dtype=np.float64)
                assert found.shape == wanted.shape
                assert found.tobytes() == wanted.tobytes()
        assert list(data.parameter.motif_TG.columns) == list(arrays["motif_names"].astype(str))
        assert list(data.parameter.motif_TG.index) == list(arrays["gene_ids"].astype(str))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name[40:60])
def test_an_old_pickle_is_read_to_the_last_bit_plain_or_gzipped(sample: Path, tmp_path: Path) -> None:
    truth = sample.with_name(sample.name.removesuffix(".pkl.gz") + ".npz")
    plain = tmp_path / sample.name.removesuffix(".gz")
    plain.write_bytes(gzip.decompress(sample.read_bytes()))
    for path in (sample, plain):
        data = load_ybetaparams(path)
        assert_holds(data, truth)
        assert data.name == parse_name(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name[40:60])
def test_our_form_of_it_holds_the_same_under_the_same_name_without_pickle(
    sample: Path, tmp_path: Path
) -> None:
    stem = sample.name.removesuffix(".pkl.gz")
    written = write_ybetaparams(load_ybetaparams(sample), tmp_path / stem)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{stem}.json", f"{stem}.npz"]
    assert_holds(load_ybetaparams(written), REFERENCE / f"{stem}.npz")
    assert_holds(load_ybetaparams(written), written)
    about = json.loads((tmp_path / f"{stem}.json").read_text())
    assert about["format"] == 1
    assert about["parameters"]["G"] == 978
    assert about["replicates"] == 3


def test_the_object_is_used_as_the_originals_readme_shows() -> None:
    data = regnet.load_ybetaparams(SAMPLES[0])
    params = data.parameter
    genes, conditions = params["G"], params["C"]
    assert (genes, conditions, params.TF) == (978, 4, 12)
    assert params["V"].shape == (4, 4)
    assert params.motif is params["motif_TG"] is params["motif"]
    assert data.params is params
    assert sorted(params.keys()) == sorted(KEYS)
    first = data.Y.iloc[:, 1].to_numpy().reshape(genes, conditions, order="F")
    np.testing.assert_array_equal(data.replicate(1), first)
    with pytest.raises(KeyError):
        params["motifs"]
    for wrong in (-1, 3):
        with pytest.raises(InputError, match="replicate: wanted a number from 0 to 2"):
            data.replicate(wrong)


def test_the_covariances_are_those_that_the_numbers_were_drawn_with() -> None:
    """Y − M·beta has covariance delta·Sigma: 978 rows, so within 4/√978 of it; the R² is frac ± 0.01."""
    for sample in SAMPLES:
        data = load_ybetaparams(sample)
        for i in range(data.n_replicates):
            expression, signal = data.replicate(i), data.parameter.motif.to_numpy() @ data.effects(i)
            noise = expression - signal
            spread = np.sqrt(np.outer(*2 * [np.diag(data.noise_covariance())]))
            found = noise.T @ noise / len(noise)
            assert np.abs((found - data.noise_covariance()) / spread).max() < 4 * np.sqrt(2 / 978)
            explained = 1 - (noise**2).sum() / ((expression - expression.mean()) ** 2).sum()
            assert abs(explained - data.parameter.frac) < 0.01
            scale = data.parameter.sigma_beta2.to_numpy()[0, i]
            np.testing.assert_array_equal(data.signal_covariance(i), scale * data.parameter.V)


@settings(max_examples=25, deadline=None)
@given(
    genes=st.integers(1, 9),
    conditions=st.integers(1, 4),
    tfs=st.integers(1, 5),
    replicates=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_data_sets_of_any_size_come_back_from_both_forms(
    tmp_path_factory: pytest.TempPathFactory,
    genes: int,
    conditions: int,
    tfs: int,
    replicates: int,
    seed: int,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content, truth = writer.data_set(genes, conditions, tfs, replicates, seed)
    (folder / "old.pkl").write_bytes(content)
    old = load_ybetaparams(folder / "old.pkl")
    for data in (old, load_ybetaparams(write_ybetaparams(old, folder / "new"))):
        np.testing.assert_array_equal(data.Y, truth["Y"])
        np.testing.assert_array_equal(data.beta, truth["beta"])
        for key in ("V", "Sigma", "delta", "sigma_beta2", "motif_TG"):
            np.testing.assert_array_equal(data.parameter[key], truth[key])


def test_a_large_file_is_in_memory_once(tmp_path: Path) -> None:
    content, truth = writer.data_set(genes=20_000, conditions=5, tfs=50, replicates=20)
    path = tmp_path / "large.pkl"
    path.write_bytes(content)
    del content
    size = sum(array.nbytes for array in truth.values())
    assert path.stat().st_size > 2 * size > 40_000_000
    with peak_memory() as reading:
        data = load_ybetaparams(path)
    assert reading[0] < 1.25 * size + 8_000_000
    with peak_memory() as writing:
        written = write_ybetaparams(data, tmp_path / "large")
    assert writing[0] < 0.6 * size
    with peak_memory() as reading:
        again = load_ybetaparams(written)
    assert reading[0] < 1.1 * size + 8_000_000
    np.testing.assert_array_equal(again.Y, truth["Y"])


def test_a_file_that_contradicts_itself_is_refused_by_field(tmp_path: Path) -> None:
    good, _ = writer.data_set()
    for old, new, said in (
        (b"S'G'\nI5\n", b"S'G'\nI6\n", "Y: wanted the size (12, 2), found (10, 2)"),
        (b"S'C'\nI2\n", b"S'C'\nI0\n", "C: wanted a whole number of at least 1"),
        (b"F0.2\n", b"F1.5\n", "frac: wanted a number from 0 to 1"),
        (b"F0.2\n", b"S'x'\n", "frac: wanted a number"),
        (b"S'frac'\n", b"S'fraction'\n", "parameter: wanted C, G, TF"),
        (b"S'TF'\nI3\n", b"S'TF'\nN", "TF: wanted a whole number"),
    ):
        assert old in good
        (tmp_path / "odd.pkl").write_bytes(good.replace(old, new))
        with pytest.raises(InputError) as refused:
            load_ybetaparams(tmp_path / "odd.pkl")
        assert said in str(refused.value)


@pytest.mark.parametrize("key", ["Y", "beta", "param_V", "param_Sigma", "param_delta", "param_motif_TG"])
def test_numbers_that_are_not_finite_are_refused_by_field(key: str, tmp_path: Path) -> None:
    path = _copy(tmp_path)
    arrays = dict(read_npz(path))
    arrays[key].flat[0] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=f"{key.removeprefix('param_')}: wanted finite numbers"):
        load_ybetaparams(path)


def _copy(tmp_path: Path) -> Path:
    content, _ = writer.data_set()
    (tmp_path / "old.pkl").write_bytes(content)
    return write_ybetaparams(load_ybetaparams(tmp_path / "old.pkl"), tmp_path / "new")


def test_an_npz_works_without_its_json_and_is_refused_with_another_ones(tmp_path: Path) -> None:
    path = _copy(tmp_path)
    facts = path.with_suffix(".json")
    text = facts.read_text()
    facts.unlink()
    assert load_ybetaparams(path).parameter.G == 5
    for wrong, said in (
        (text.replace('"G": 5', '"G": 7'), "G: wanted 5, as in the .npz, found '7' in the .json"),
        (text.replace('"format": 1', '"format": 2'), "use a newer regNet"),
        ("[" * 100_000, "wanted JSON"),
        ("{}", "something else"),
        ("", "wanted JSON"),
    ):
        facts.write_text(wrong)
        with pytest.raises(InputError) as refused:
            load_ybetaparams(path)
        assert said in str(refused.value)


def test_an_npz_with_pickled_objects_is_refused(tmp_path: Path) -> None:
    path = _copy(tmp_path)
    arrays: dict[str, object] = dict(read_npz(path))
    arrays["motif_names"] = np.array(["a", None, "c"], dtype=object)
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(InputError, match="Python objects in a file are never read"):
        load_ybetaparams(path)


def test_an_npz_that_claims_or_expands_beyond_measure_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, Y=np.zeros(20_000_000))
    assert path.stat().st_size < 300_000
    with pytest.raises(InputError, match="compressed void"):
        read_npz(path)
    header = b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"
    for claim in (b"1250000000,", b"0,9999999999999999999999", b"-1,", b"5,"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("Y.npy", (header % claim).ljust(127) + b"\n12345678")
        with pytest.raises(InputError, match="claim"):
            read_npz(path)


def test_an_npz_comes_out_byte_for_byte_the_same_each_time(tmp_path: Path) -> None:
    first = _copy(tmp_path).read_bytes()
    assert _copy(tmp_path).read_bytes() == first


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=6)), min_size=1, max_size=3
    )
)
def test_a_damaged_npz_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int, bytes]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    source = folder / "whole.npz"
    if not source.exists():
        shutil.copy(_copy(folder), source)
    content = source.read_bytes()
    for share, length, piece in changes:
        at = int(share * len(content))
        content = content[:at] + piece + content[at + length :]
    (folder / "damaged.npz").write_bytes(content)
    with suppress(InputError):
        found = load_ybetaparams(folder / "damaged.npz")
        assert found.Y.shape == (found.parameter.G * found.parameter.C, found.n_replicates)


def test_a_table_is_written_column_by_column_as_numpy_would(tmp_path: Path) -> None:
    columns = [np.arange(5.0) + i for i in range(3)]
    write_npz(tmp_path / "a.npz", {"Y": columns, "names": np.array(["a", "β"])})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["Y"], np.stack(columns, axis=1))
        assert list(arrays["names"]) == ["a", "β"]
    with pytest.raises(InputError, match="a file that can be written"):
        write_npz(tmp_path / "no" / "such" / "folder.npz", {"Y": columns})
