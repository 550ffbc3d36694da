"""A stack's likelihoods, gradients and Hessians are those of each data set by itself, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from regnet.models import stacked_likelihood
from regnet.models.kronecker import CanonicalBasis, SpectralData, canonical_basis, evaluate, hessian_product
from regnet.models.stacked_likelihood import (
    Bases,
    Stack,
    entries,
    evaluate_stack,
    hessian_sums,
    observed_hessian,
)

RANK, GENES, SETS = 30, 50, 5


def stack_of(n_conditions: int) -> tuple[Stack, Bases, list[SpectralData], list[CanonicalBasis]]:
    """Some data sets at some covariances, as a stack and one by one."""
    rng = np.random.default_rng(n_conditions)
    squares = rng.gamma(0.5, size=RANK) * 10
    rotated = rng.standard_normal((SETS, RANK, n_conditions))
    rest = rng.standard_normal((SETS, GENES - RANK, n_conditions))
    grams = rest.transpose(0, 2, 1) @ rest
    none = np.zeros((0, n_conditions))
    data = [
        SpectralData(
            rotated[one],
            squares[:, None],
            grams[one],
            GENES,
            GENES - RANK,
            np.zeros((RANK, 0)),
            none[:, :0],
            none,
        )
        for one in range(SETS)
    ]
    bases = []
    for number in range(SETS):
        left = rng.standard_normal((n_conditions, n_conditions))
        right = rng.standard_normal((n_conditions, n_conditions))
        # V of reduced rank in some of them
        signal = left[:, : max(n_conditions - number % 2, 1)]
        basis = canonical_basis(signal @ signal.T, right @ right.T + 0.1 * np.eye(n_conditions))
        assert basis is not None
        bases.append(basis)
    stacked = Bases(
        np.stack([basis.weights for basis in bases]),
        np.stack([basis.loadings for basis in bases]),
        np.stack([basis.signal for basis in bases]),
        np.stack([basis.noise for basis in bases]),
    )
    stack = Stack(np.ascontiguousarray(rotated.transpose(0, 2, 1)), squares, grams, GENES, GENES - RANK)
    return stack, stacked, data, bases


@pytest.mark.parametrize("n_conditions", [1, 2, 4, 6])
def test_each_data_set_has_its_likelihood_and_gradient(n_conditions: int) -> None:
    stack, bases, data, each = stack_of(n_conditions)
    found = evaluate_stack(stack, bases)
    for number, (one, basis) in enumerate(zip(data, each, strict=True)):
        alone = evaluate(one, basis)
        assert found.deviance[number] == pytest.approx(alone.deviance, rel=1e-12)
        scale = np.abs(alone.noise_gradient).max()
        np.testing.assert_allclose(found.gradient[number, 0], alone.signal_gradient, atol=1e-11 * scale)
        np.testing.assert_allclose(found.gradient[number, 1], alone.noise_gradient, atol=1e-11 * scale)
        for here, there in zip(found.expected[number], alone.expected, strict=True):
            np.testing.assert_allclose(here, there, rtol=1e-11)


@pytest.mark.parametrize("n_conditions", [1, 2, 4, 6])
def test_the_hessian_written_out_gives_the_products_with_it(n_conditions: int) -> None:
    stack, bases, data, each = stack_of(n_conditions)
    found, table = evaluate_stack(stack, bases), entries(n_conditions)
    hessians = observed_hessian(hessian_sums(stack, bases, found), found.expected)
    rng = np.random.default_rng(0)
    for number, (one, basis) in enumerate(zip(data, each, strict=True)):
        change = rng.standard_normal((2, table.rows.size))
        whole = table.symmetric(change).reshape(2 * n_conditions, n_conditions)
        product = hessian_product(one, basis, evaluate(one, basis), whole).reshape(2, n_conditions, -1)
        expected = (table.of(product) * table.times).ravel()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(hessians[number] @ change.ravel(), expected, atol=1e-10 * scale)
        np.testing.assert_array_equal(hessians[number], hessians[number].T)


@pytest.mark.parametrize("cached", [1, 10**9])
def test_numbers_do_not_depend_on_what_else_is_in_the_stack(
    cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacked_likelihood, "CACHED", cached)
    stack, bases, _, _ = stack_of(4)

    def numbers(chosen: list[int]) -> list[NDArray[np.float64]]:
        positions = np.array(chosen)
        part, here = stack.take(positions), bases.take(positions)
        found = evaluate_stack(part, here)
        hessians = observed_hessian(hessian_sums(part, here, found), found.expected)
        return [found.deviance, found.gradient, found.expected, found.precision, found.scaled, hessians]

    for together, alone in zip(numbers([4, 2, 0, 1]), numbers([2]), strict=True):
        assert together[1].tobytes() == alone[0].tobytes()
