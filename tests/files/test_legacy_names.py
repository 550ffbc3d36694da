"""File names of the original are built and read back, each the inverse of the other."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet import InputError
from regnet.files.legacy_names import (
    DATA_SET,
    KINDS,
    LegacyName,
    fraction,
    name_of,
    parse_name,
    percentage,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "legacy"
R2 = "R2method_mean_V_mean_M"

# As the original's own code puts them together.
KNOWN = {
    "Ybetaparams_generated_C_4_G_978_TF_623_V_lowrank_2_rep_2_Sigma_random_" + f"{R2}_frac_20": LegacyName(
        conditions=4,
        genes=978,
        tfs=623,
        covariance="lowrank_2",
        replicates=2,
        noise="random",
        signal_fraction=0.2,
    ),
    "beta_posterior_C_4_G_978_TF_623_V_id_limixV_freeform_rep_10_Sigma_randomV_fracS_70_limixE_random_"
    + f"{R2}_frac_5_initOriginal": LegacyName(
        kind="beta_posterior",
        conditions=4,
        genes=978,
        tfs=623,
        covariance="id",
        replicates=10,
        noise="randomV",
        noise_fraction=0.7,
        signal_fraction=0.05,
        signal_model="freeform",
        noise_model="random",
        from_truth=True,
    ),
    "Correlation_beta_both_C_4_G_978_TF_623_V_freeform_limixV_lowrank_2_rep_10_Sigma_identity_limixE_diag_"
    + f"{R2}_frac_20_corr_spearman": LegacyName(
        kind="Correlation_beta_both",
        conditions=4,
        genes=978,
        tfs=623,
        covariance="freeform",
        replicates=10,
        noise="identity",
        signal_fraction=0.2,
        signal_model="lowrank_2",
        noise_model="diag",
        correlation="spearman",
    ),
    "KLdivV_C_4_G_978_TF_623_rep_10_Sigma_identityV_fracS_70_limixE_id_V_lowrank_2_limixV_freeform_"
    + f"{R2}_frac_20_initOriginal": LegacyName(
        kind="KLdivV",
        conditions=4,
        genes=978,
        tfs=623,
        covariance="lowrank_2",
        replicates=10,
        noise="identityV",
        noise_fraction=0.7,
        signal_fraction=0.2,
        signal_model="freeform",
        noise_model="id",
        from_truth=True,
    ),
}


@pytest.mark.parametrize("text", KNOWN)
def test_names_are_those_of_the_original(text: str) -> None:
    assert str(KNOWN[text]) == text
    assert parse_name(text) == KNOWN[text]


def test_the_samples_names_say_what_they_hold() -> None:
    for path in REFERENCE.glob("Ybetaparams*"):
        name = parse_name(path)
        assert path.name.startswith(f"{name}.")
        assert (name.conditions, name.genes, name.tfs, name.replicates) == (4, 978, 12, 3)


def test_every_name_of_the_whole_grid_is_read_back_and_no_two_are_alike() -> None:
    fitted = [(None, None), *itertools.product(_SIGNAL_MODELS, ("random", "id", "diag", "lowrank_id_2"))]
    names = []
    for kind, (conditions, genes, tfs), covariance, noise, share, signal in itertools.product(
        KINDS,
        ((1, 9, None), (4, 978, 623)),
        ("id", "freeform", "lowrank_2", "lowrank_12"),
        ("random", "identity", "randomV", "identityV"),
        (0.0, 0.7, 0.125),
        (0.0, 0.05, 0.28, 0.29, 0.125, 1.0),
    ):
        if share != 0.7 and not noise.endswith("V"):
            continue
        for signal_model, noise_model in fitted[:1] if kind == DATA_SET else fitted:
            is_correlation = kind.startswith("Correlation")
            name = LegacyName(
                kind=kind,
                conditions=conditions,
                genes=genes,
                tfs=tfs,
                covariance=covariance,
                replicates=100,
                noise=noise,
                noise_fraction=share if noise.endswith("V") else None,
                signal_fraction=signal,
                signal_model=signal_model,
                noise_model=noise_model,
                from_truth=signal_model == "freeform",
                correlation="pearson" if is_correlation else None,
            )
            assert parse_name(f"some/folder/{name}.pkl") == name
            names.append(str(name))
    assert len(set(names)) == len(names) > 10_000


_SIGNAL_MODELS = ("freeform", "lowrank_2", "lowrank_diag_3", "block", "block:2+2", "block_diag", "truth")


@given(share=st.floats(0, 1).filter(lambda share: share == 0 or share > 1e-12))
def test_a_fraction_keeps_its_decimals(share: float) -> None:
    assert fraction(percentage(share)) == share


@given(percent=st.integers(0, 100))
def test_whole_percentages_are_written_as_the_original_writes_its_exact_ones(percent: int) -> None:
    share = percent / 100
    assert percentage(share) == str(percent)
    assert float(percentage(share)) / 100 == share  # how the original's own reader takes it
    if int(100 * share) == 100 * share:
        assert percentage(share) == str(int(100 * share))


def test_fractions_that_the_originals_rule_would_make_collide_stay_apart() -> None:
    assert int(100 * 0.29) == int(100 * 0.28) == 28
    assert int(100 * 0.125) == int(100 * 0.12) == 12
    assert [percentage(share) for share in (0.28, 0.29, 0.12, 0.125)] == ["28", "29", "12", "12.5"]


def test_our_words_become_the_originals_and_come_back() -> None:
    name = name_of(
        "beta_ridge",
        conditions=4,
        genes=978,
        tfs=100,
        covariance="random",
        replicates=7,
        noise="identity",
        noise_fraction=0.7,
        signal_fraction=0.2,
        signal_model="freeform",
        noise_model="diagonal",
    )
    assert str(name) == (
        f"beta_ridge_C_4_G_978_TF_100_V_freeform_limixV_freeform_rep_7_Sigma_identity_limixE_diag_{R2}_frac_20"
    )
    assert name.scenario_fields() == {
        "conditions": 4,
        "genes": 978,
        "tfs": 100,
        "covariance": "random",
        "noise": "identity",
        "signal_fraction": 0.2,
    }
    assert str(name.data_set()) == (
        f"Ybetaparams_generated_C_4_G_978_TF_100_V_freeform_rep_7_Sigma_identity_{R2}_frac_20"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "beta_posterior.pkl",
        f"Ybetaparams_generated_C_4_G_978_V_id_rep_2_Sigma_random_{R2}_frac_20_frac_20",
        f"Ybetaparams_generated_C_0_G_978_V_id_rep_2_Sigma_random_{R2}_frac_20",
        f"Ybetaparams_generated_C_4_G_978_V_id_rep_2_Sigma_random_{R2}_frac_200",
        f"Ybetaparams_generated_C_4_G_978_V_id_limixV_id_rep_2_Sigma_random_{R2}_frac_20",
        f"KLdivV_C_4_G_978_V_id_rep_2_Sigma_random_{R2}_frac_20",
        f"Ybetaparams_generated_C_4_G_978_V_id_rep_2_Sigma_random_fracS_70_{R2}_frac_20",
    ],
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_name(text)


def test_parts_that_make_no_name_are_refused() -> None:
    good = next(iter(KNOWN.values()))
    for change in (
        {"covariance": "a/b"},
        {"noise": ""},
        {"kind": "gamma"},
        {"signal_model": "freeform"},
        {"signal_fraction": 1.5},
        {"conditions": 0},
    ):
        with pytest.raises(InputError):
            LegacyName(**{field: getattr(good, field) for field in good.__slots__} | change)
