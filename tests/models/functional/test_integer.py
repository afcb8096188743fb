"""Exact integer products: digits, and the same result as int64 arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairmill.models.functional.integer import LARGEST, available, digits, product


def test_digits_worked_out() -> None:
    weights = np.array([[0, 1, 127, 128, 129, 256, -1, -129, LARGEST, -LARGEST]])
    split = digits(weights).astype(int)
    np.testing.assert_array_equal(split[0, :10], [0, 1, 127, -128, -127, 0, -1, 127, 127, -127])
    np.testing.assert_array_equal(split[0, 10:], [0, 0, 0, 1, 1, 1, 0, -1, 127, -127])


def test_weights_without_two_digits_are_refused() -> None:
    with pytest.raises(ValueError, match="within"):
        digits(np.array([[LARGEST + 1]]))


@pytest.mark.skipif(not available(), reason="needs a processor with VNNI")
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(1, 300), st.integers(1, 40), st.integers(0, 99))
def test_products_are_exact(m: int, k: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.choice([-128, 127, 0, 5], (m, k)).astype(np.int8)
    weights = rng.integers(-LARGEST // 2, LARGEST // 2, (k, n))
    np.testing.assert_array_equal(
        product(pixels, digits(weights)), pixels.astype(np.int64) @ weights
    )
