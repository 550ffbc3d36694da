"""Simulated data hit their signal fraction, keep their streams apart, and follow the model."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from regnet.errors import InputError
from regnet.files.motifs import motif_scores
from regnet.scenario import Scenario
from regnet.simulation import _exact_scale, design, draw, simulate
from regnet.synthetic_motifs import synthetic_motifs

SMALL = Scenario(genes=60, tfs=12, conditions=4)


@pytest.fixture(scope="module")
def motifs():
    return synthetic_motifs(100, 20, seed=3)


def _noise(dataset):
    return dataset.expression - dataset.scores @ dataset.effects


def _realised(dataset):
    deviation = dataset.expression - dataset.expression.mean()
    return 1.0 - (_noise(dataset) ** 2).sum() / (deviation**2).sum()


# ---- the signal fraction -----------------------------------------------------------------------------


@pytest.mark.parametrize("fraction", [1e-6, 0.01, 0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("covariance", ["id", "random", "lowrank_2", "lowrank_4"])
@pytest.mark.parametrize("noise", ["random", "identity", "randomV", "identityV"])
@pytest.mark.parametrize("centred", [False, True])
def test_exact_mode_hits_the_signal_fraction(motifs, fraction, covariance, noise, centred):
    scenario = SMALL.replace(
        signal_fraction=fraction, covariance=covariance, noise=noise, centre_motifs=centred
    )
    for replicate in range(3):
        dataset = simulate(scenario, motifs, replicate=replicate)
        assert abs(_realised(dataset) - fraction) < 1e-10
        assert abs(dataset.signal_fraction - fraction) < 1e-10
        assert dataset.scale > 0.0


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 30),
    st.integers(1, 40),
    st.integers(1, 6),
    st.floats(1e-12, 1.0 - 1e-12),
    st.sampled_from(["random", "identity", "randomV", "identityV"]),
    st.sampled_from(["random", "variable", "first"]),
    st.booleans(),
    st.integers(0, 1000),
)
def test_exact_mode_hits_any_signal_fraction_at_any_size(
    genes, tfs, conditions, fraction, noise, subset, centred, seed
):
    scenario = Scenario(
        motifs="synthetic",
        genes=genes,
        tfs=tfs,
        conditions=conditions,
        signal_fraction=fraction,
        noise=noise,
        subset=subset,
        centre_motifs=centred,
    )
    try:
        dataset = simulate(scenario, seed=seed)
    except InputError as error:
        assume(error.where != "tfs")  # of few genes with rounded scores some motif may be constant
        raise
    assert abs(_realised(dataset) - fraction) < 1e-10


@pytest.mark.parametrize("mode", ["exact", "expected"])
def test_at_fraction_zero_there_are_no_effects(motifs, mode):
    dataset = simulate(SMALL.replace(signal_fraction=0.0, signal_mode=mode), motifs)
    assert not dataset.effects.any()
    assert not dataset.signal_covariance.any()
    assert dataset.scale == 0.0
    assert dataset.expression.std() > 0.0
    assert np.trace(dataset.noise_covariance) == pytest.approx(1.0)
    assert dataset.signal_fraction == pytest.approx(0.0, abs=0.02)  # but for the grand mean


@pytest.mark.parametrize("mode", ["exact", "expected"])
def test_at_fraction_one_there_is_no_noise(motifs, mode):
    dataset = simulate(
        SMALL.replace(signal_fraction=1.0, signal_mode=mode),
        synthetic_motifs(60, 12, 1, n_reserved=9),
        held_out=9,
    )
    np.testing.assert_array_equal(dataset.expression, dataset.scores @ dataset.effects)
    np.testing.assert_array_equal(dataset.held_out_expression, dataset.held_out_scores @ dataset.effects)
    assert not dataset.noise_covariance.any()
    assert dataset.scale == 1.0
    assert np.trace(dataset.signal_covariance) == pytest.approx(1.0)
    assert dataset.signal_fraction == 1.0


@pytest.mark.parametrize("noise", ["random", "identityV"])
@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.9])
def test_the_scale_of_expected_mode_is_right_for_the_dense_covariance(noise, fraction):
    scenario = Scenario(
        genes=5, tfs=3, conditions=2, signal_fraction=fraction, noise=noise, signal_mode="expected"
    )
    shared = design(scenario, synthetic_motifs(5, 3, seed=1))
    scale = draw(shared, 0).scale
    # E‖P vec(Y)‖² = tr(P K) with P taking the grand mean away and K the covariance of vec(Y).
    away = np.eye(10) - np.full((10, 10), 0.1)
    of_noise = np.kron(shared.noise_covariance, np.eye(5))
    of_signal = np.kron(scale * shared.signal_covariance, shared.scores @ shared.scores.T)
    expected = 1.0 - np.trace(of_noise) / np.trace(away @ (of_signal + of_noise))
    assert expected == pytest.approx(fraction, abs=1e-12)


def test_the_exact_scale_keeps_its_digits_where_signal_and_noise_agree():
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((40, 3))
    noise = signal + 0.1 * rng.standard_normal((40, 3))  # the quadratic's root is near zero: it cancels
    noise -= noise.mean()
    for fraction in (1e-4, 1e-9, 1e-14):
        wide_signal, wide_noise = (x.astype(np.longdouble) for x in (signal - signal.mean(), noise))
        square, cross = (wide_signal**2).sum(), (wide_signal * wide_noise).sum()
        wide_fraction = np.longdouble(fraction)
        rest = (wide_noise**2).sum() * wide_fraction / (1 - wide_fraction)
        expected = rest / (np.sqrt(cross**2 + square * rest) + cross)
        assert _exact_scale(signal, noise, fraction) == pytest.approx(float(expected), rel=1e-9, abs=0.0)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("noise", ["random", "identityV"])
def test_expected_mode_hits_the_signal_fraction_in_expected_sums_of_squares(motifs, centred, noise):
    scenario = SMALL.replace(
        signal_mode="expected", signal_fraction=0.3, centre_motifs=centred, noise=noise, covariance="random"
    )
    shared = design(scenario, motifs)
    sums = []
    for replicate in range(1500):
        dataset = draw(shared, replicate)
        deviation = dataset.expression - dataset.expression.mean()
        sums.append([(_noise(dataset) ** 2).sum(), (deviation**2).sum()])
    of_noise, total = np.mean(sums, axis=0)
    # The relative standard error of the mean sum of squares is about 0.02 here.
    assert 1.0 - of_noise / total == pytest.approx(0.3, abs=0.03)
    assert len({draw(shared, replicate).scale for replicate in range(5)}) == 1
    assert np.std([1.0 - row[0] / row[1] for row in sums]) > 0.02


def test_the_signal_lies_within_conditions_where_motifs_are_centred(motifs):
    uncentred = simulate(SMALL.replace(covariance="id"), motifs)
    centred = simulate(SMALL.replace(covariance="id", centre_motifs=True), motifs)
    assert uncentred.within_condition_fraction < 0.5 * uncentred.signal_fraction
    assert centred.within_condition_fraction == pytest.approx(centred.signal_fraction, abs=0.05)
    np.testing.assert_allclose(centred.scores.mean(axis=0), 0.0, atol=1e-12)


def test_the_within_condition_fraction_takes_each_conditions_mean_away(motifs):
    dataset = simulate(SMALL, motifs)
    noise, outcome = (values - values.mean(axis=0) for values in (_noise(dataset), dataset.expression))
    expected = 1.0 - (noise**2).sum() / (outcome**2).sum()
    assert dataset.within_condition_fraction == pytest.approx(expected, abs=1e-12)


def test_motifs_that_contribute_the_same_everywhere_are_an_error():
    # Both rows of the one condition have the scores 0.5 and 0.5: each motif varies, their sum does not.
    table = motif_scores([[0.0, 1.0], [1.0, 0.0]])
    scenario = Scenario(genes=2, tfs=2, conditions=1, subset="first")
    shared = design(scenario, table)
    same = replace(shared, scores=np.full((2, 2), 0.5))
    with pytest.raises(InputError, match="signal_fraction: wanted motif scores whose contribution differs"):
        draw(same, 0)
    with pytest.raises(InputError, match="signal_fraction"):
        draw(replace(same, scenario=scenario.replace(signal_mode="expected")), 0)


# ---- the model ---------------------------------------------------------------------------------------


def test_effects_and_noise_have_the_covariances_of_the_data_set():
    motifs = synthetic_motifs(3000, 800, seed=1)
    scenario = Scenario(genes=3000, tfs=800, conditions=3, covariance="random", noise="random")
    dataset = simulate(scenario, motifs)
    effects, noise = dataset.effects, _noise(dataset)
    # Entries of a covariance of n rows have a relative standard error of about 1/√n: five of them.
    for rows, expected in ((effects, dataset.signal_covariance), (noise, dataset.noise_covariance)):
        error = np.abs(rows.T @ rows / len(rows) - expected).max()
        assert error < 5.0 * np.sqrt(2.0 / len(rows)) * np.abs(expected).max()
    assert np.trace(dataset.noise_covariance) == pytest.approx(1.0)
    assert np.trace(dataset.signal_covariance) == pytest.approx(dataset.scale)


@pytest.mark.parametrize("noise", ["identityV", "randomV"])
def test_all_noise_has_the_signals_covariance_at_noise_fraction_one(motifs, noise):
    shared = design(SMALL.replace(noise=noise, noise_fraction=1.0), motifs)
    np.testing.assert_allclose(shared.noise_covariance, shared.signal_covariance, atol=1e-14)


def test_identity_noise_with_a_share_of_v_has_that_share_of_the_trace(motifs):
    shared = design(SMALL.replace(noise="identityV", noise_fraction=0.7, covariance="random"), motifs)
    np.testing.assert_allclose(
        shared.noise_covariance, 0.7 * shared.signal_covariance + 0.3 * np.eye(4) / 4, atol=1e-14
    )


def test_scores_are_scaled_to_their_range_over_the_genes_in_use(motifs):
    dataset = simulate(SMALL, motifs)
    frame = motifs.to_frame().loc[list(dataset.genes), list(dataset.motifs)].to_numpy()
    low, high = frame.min(axis=0), frame.max(axis=0)
    np.testing.assert_allclose(dataset.scores, (frame - low) / (high - low + 1e-4), atol=1e-15)
    assert dataset.scores.min() == 0.0
    assert 0.999 < dataset.scores.max() < 1.0


# ---- where each draw comes from ----------------------------------------------------------------------


def _same(first, second):
    return (
        np.array_equal(first.expression, second.expression)
        and np.array_equal(first.effects, second.effects)
        and np.array_equal(first.scores, second.scores)
        and np.array_equal(first.signal_covariance, second.signal_covariance)
        and np.array_equal(first.noise_covariance, second.noise_covariance)
    )


def test_the_same_arguments_give_the_same_bits(motifs):
    assert _same(simulate(SMALL, motifs, seed=4, replicate=2), simulate(SMALL, motifs, seed=4, replicate=2))
    shared = design(SMALL, motifs, seed=4)
    draw(shared, 0)
    assert _same(draw(shared, 2), simulate(SMALL, motifs, seed=4, replicate=2))


def test_numbers_written_down_once_still_hold():
    # From the first version. They hold for every platform to rounding error of the linear algebra.
    dataset = simulate(Scenario(genes=6, tfs=3, conditions=2), synthetic_motifs(6, 3, seed=5), seed=5)
    np.testing.assert_allclose(dataset.effects[0], [0.2812015763821491, -2.220963964600859], rtol=1e-10)
    np.testing.assert_allclose(dataset.expression[0], [-1.345035586374527, -1.5016958824680564], rtol=1e-10)


def test_replicates_and_seeds_differ_in_effects_and_noise(motifs):
    first = simulate(SMALL, motifs, seed=4)
    for other in (simulate(SMALL, motifs, seed=4, replicate=1), simulate(SMALL, motifs, seed=5)):
        assert not np.isin(first.effects, other.effects).any()
        assert abs(np.corrcoef(_noise(first).ravel(), _noise(other).ravel())[0, 1]) < 0.4


def test_covariances_and_subset_stay_over_replicates_and_signal_fractions(motifs):
    first = design(SMALL, motifs)
    other = design(SMALL.replace(signal_fraction=0.7, signal_mode="expected"), motifs)
    np.testing.assert_array_equal(first.signal_covariance, other.signal_covariance)
    np.testing.assert_array_equal(first.noise_covariance, other.noise_covariance)
    np.testing.assert_array_equal(first.scores, other.scores)
    assert first.identity != other.identity


def test_noise_that_holds_no_v_does_not_depend_on_v(motifs):
    plain = [design(SMALL.replace(covariance=kind), motifs).noise_covariance for kind in ("id", "random")]
    np.testing.assert_array_equal(*plain)


def test_the_noise_fraction_has_no_effect_where_noise_holds_no_v(motifs):
    assert _same(simulate(SMALL, motifs), simulate(SMALL.replace(noise_fraction=0.1), motifs))


def test_the_name_of_the_motif_table_has_no_effect(motifs):
    renamed = replace(motifs, source="elsewhere")
    assert _same(simulate(SMALL, motifs), simulate(SMALL.replace(motifs="other.tsv"), renamed))


def test_the_scenarios_own_table_is_taken_where_none_is_given():
    made = SMALL.replace(motifs="synthetic")
    assert _same(simulate(made, seed=6), simulate(made, synthetic_motifs(60, 12, seed=6), seed=6))
    assert _same(simulate(made, seed=6), simulate(made, seed=6, held_out=5))
    assert simulate(made, seed=6, held_out=5).held_out_expression.shape == (5, 4)
    assert simulate(SMALL).motifs[0].startswith("MA0")


def test_a_table_as_a_data_frame_gives_the_same_data(motifs):
    assert _same(simulate(SMALL, motifs.to_frame()), simulate(SMALL, motifs))


# ---- held-out genes ----------------------------------------------------------------------------------


def test_held_out_genes_change_nothing_else(motifs):
    without = simulate(SMALL, motifs)
    with_some = simulate(SMALL, motifs, held_out=10)
    with_more = simulate(SMALL, motifs, held_out=1000)
    assert _same(without, with_some)
    assert _same(without, with_more)
    assert without.held_out_expression.shape == (0, 4)
    assert with_more.held_out_scores.shape == (40, 12)
    assert with_some.held_out_genes == with_more.held_out_genes[:10]
    np.testing.assert_array_equal(with_some.held_out_scores, with_more.held_out_scores[:10])
    assert "40 genes are left to be held out, of the 1000 asked for" in with_more.notes


def test_held_out_genes_are_others_and_the_same_in_all_replicates(motifs):
    first, second = (simulate(SMALL, motifs, replicate=r, held_out=30) for r in (0, 1))
    assert not set(first.genes) & set(first.held_out_genes)
    assert first.held_out_genes == second.held_out_genes
    np.testing.assert_array_equal(first.held_out_scores, second.held_out_scores)
    assert not np.isin(first.held_out_expression, second.held_out_expression).any()


@pytest.mark.parametrize("centred", [False, True])
def test_held_out_scores_have_the_scaling_of_the_genes_in_use(motifs, centred):
    dataset = simulate(SMALL.replace(centre_motifs=centred), motifs, held_out=30)
    table = motifs.to_frame()[list(dataset.motifs)]
    used = table.loc[list(dataset.genes)].to_numpy()
    scaled = (table.to_numpy() - used.min(axis=0)) / (np.ptp(used, axis=0) + 1e-4)
    rows = [motifs.genes.index(gene) for gene in dataset.held_out_genes]
    inside = [motifs.genes.index(gene) for gene in dataset.genes]
    if centred:
        scaled = scaled - scaled[inside].mean(axis=0)
    np.testing.assert_allclose(dataset.held_out_scores, scaled[rows], atol=1e-12)


def test_held_out_noise_has_the_noise_covariance(motifs):
    shared = design(SMALL.replace(noise="random"), motifs, held_out=40)
    rows = np.vstack(
        [
            dataset.held_out_expression - dataset.held_out_scores @ dataset.effects
            for dataset in (draw(shared, replicate) for replicate in range(100))
        ]
    )
    of_genes_in_use = _noise(draw(shared, 0))[:40]
    assert np.abs(np.corrcoef(rows[:40].ravel(), of_genes_in_use.ravel())[0, 1]) < 0.4  # a stream of its own
    error = np.abs(rows.T @ rows / len(rows) - shared.noise_covariance).max()
    assert error < 5.0 * np.sqrt(2.0 / len(rows)) * shared.noise_covariance.max()
