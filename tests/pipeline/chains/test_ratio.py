"""Density ratios, tempering and the Fréchet distance."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.pipeline.chains.ratio import density_ratio, effective, frechet, tempered


def test_equal_clouds_have_a_ratio_of_one() -> None:
    rng = np.random.default_rng(0)
    ratio = density_ratio(rng.standard_normal((800, 5)), rng.standard_normal((400, 5)))
    assert 0.7 < np.percentile(ratio, 10) < 1 < np.percentile(ratio, 90) < 1.5
    weights, power = tempered(ratio)
    assert (power, weights.mean()) == (1.0, pytest.approx(1))


def test_a_narrow_target_inside_a_wide_chain_is_found() -> None:
    rng = np.random.default_rng(0)
    chain = rng.uniform(-10, 10, (2000, 1))
    ratio = density_ratio(chain, 2 + 0.5 * rng.standard_normal((400, 1)))
    inside = np.abs(chain[:, 0] - 2) < 1
    assert ratio[inside].mean() > 5 * ratio[~inside].mean()


def test_tempering_leaves_enough_trials() -> None:
    ratio = np.exp(-np.arange(100.0))
    weights, power = tempered(ratio)
    assert 0 < power < 1
    assert effective(weights) >= 8


def test_frechet_of_shifted_and_of_wider_clouds() -> None:
    """Per column: sqrt of the squared shift plus (1 - 3)^2 of standard deviations."""
    rng = np.random.default_rng(0)
    cloud = rng.standard_normal((20_000, 2))
    unit = np.ones(2)
    assert frechet(cloud, cloud + 3, unit) == pytest.approx(3, abs=0.01)
    assert frechet(cloud, 3 * cloud, unit) == pytest.approx(2, abs=0.05)
    assert frechet(cloud, cloud, unit) == pytest.approx(0, abs=1e-3)
    assert frechet(cloud, cloud + 3, 2 * unit) == pytest.approx(1.5, abs=0.01)
