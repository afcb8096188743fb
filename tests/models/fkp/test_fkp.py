"""The flow prior: exact likelihood, exact inverse, kernels where LR and HR are aligned."""

from __future__ import annotations

from functools import partial
from typing import get_args

import numpy as np
import pytest
import torch

from pairmill.models.dip.losses import reduced
from pairmill.models.fkp.checkpoint import checkpoint_bytes, read_checkpoint
from pairmill.models.fkp.fit import fit_prior
from pairmill.models.fkp.flow import Flow
from pairmill.models.fkp.gaussians import Codec, draw_gaussians, gaussians, side
from pairmill.models.functional.kernels import offset, second_moments
from pairmill.pipeline.rng import stream
from pairmill.schemas.fkp import FkpFitConfig, FlowConfig, FlowScale

SCALES = get_args(FlowScale)


def trained(size: int) -> Flow:
    """A small flow in float64 whose layers all do something."""
    rng = np.random.default_rng(3)
    flow = Flow(size, 3, 4, rng).double()
    for parameter in flow.parameters():
        parameter.data = torch.from_numpy(0.3 * rng.standard_normal(tuple(parameter.shape)))
    flow(torch.from_numpy(2 + rng.standard_normal((50, size))))  # running statistics
    return flow.eval().requires_grad_(requires_grad=False)


def test_the_likelihood_is_that_of_the_change_of_variables() -> None:
    """log p(x) = log N(u) + log |du / dx|, the determinant of the whole Jacobian, numerically."""
    flow = trained(5)
    x = torch.from_numpy(np.random.default_rng(4).standard_normal((3, 5)))
    step = 1e-6 * torch.eye(5, dtype=torch.float64)
    for one, found in zip(x, flow.log_likelihood(x), strict=True):
        ahead, behind = (flow(one + sign * step)[0] for sign in (1, -1))
        jacobian = (ahead - behind).T / 2e-6
        normal = torch.distributions.MultivariateNormal(torch.zeros(5).double(), torch.eye(5))
        expected = normal.log_prob(flow(one[None])[0][0]) + torch.linalg.slogdet(jacobian)[1]
        assert float(found) == pytest.approx(float(expected), abs=1e-6)


def test_backwards_undoes_forwards() -> None:
    flow = trained(7)
    x = torch.from_numpy(np.random.default_rng(4).standard_normal((9, 7)))
    u, _ = flow(x)
    assert (u - x).abs().max() > 0.5
    assert (flow.inverse(u) - x).abs().max() < 1e-10
    single = flow.float()
    assert (single.inverse(single(x.float())[0]) - x.float()).abs().max() < 1e-5


def test_sides_are_the_published_ones() -> None:
    assert [side(scale) for scale in SCALES] == [11, 15, 19, 21]


@pytest.mark.parametrize("scale", SCALES)
def test_kernels_lie_where_lr_and_hr_are_aligned(scale: int) -> None:
    """On a ramp, LR[i] reads s i + (s - 1) / 2; published kernels, not turned, would read s i -
    (s - 1) / 2."""
    kernels = draw_gaussians(scale, 20, np.random.default_rng(0))
    back = Codec(scale).decode(Codec(scale).encode(kernels, np.full((20, side(scale) ** 2), 0.5)))
    ramp = torch.arange(40.0 * scale).expand(1, 1, 40 * scale, -1)
    half = len(kernels[0]) // 2
    for kernel, decoded in zip(kernels, back, strict=True):
        # Wide ones are cut at the borders of the array, not evenly.
        assert np.abs(offset(kernel, scale)).max() < 0.05 * scale
        assert np.abs(decoded.numpy() - kernel).max() < 2e-4
        shift = torch.arange(40.0) * scale + (scale - 1) / 2
        found = reduced(ramp, decoded, scale)[0, 0, 20]
        inside = slice(half // scale + 1, -(half // scale + 1))
        assert (found - shift)[inside].abs().max() < 0.12 * scale


def test_gaussians_have_the_variances_that_they_are_told() -> None:
    kernel = gaussians(2, np.array([2.0]), np.array([0.8]), np.array([0.0]))[0]
    np.testing.assert_allclose(second_moments(kernel), [[0.8, 0], [0, 2.0]], atol=0.06)


@pytest.fixture(scope="module")
def fitted() -> tuple[bytes, float, float]:
    """A checkpoint after some steps, and likelihoods after few and some."""
    first, last = (
        fit_prior(
            FlowConfig(scale=2, fit=FkpFitConfig(iterations=steps, batch=40, learning_rate=4e-3)),
            partial(stream, 0, "fkp", 2),
        )
        for steps in (10, 120)
    )
    return checkpoint_bytes(last[0]), first[1], last[1]


def test_a_fit_learns_kernels(fitted: tuple[bytes, float, float]) -> None:
    """Random codes of an untrained flow are noise, about 3.2 px wide; Gaussians are 0.6 to 2.2."""
    data, first, last = fitted
    assert last > first + 0.2
    prior = read_checkpoint(data)
    code = prior.code(stream(1, "codes"), 40)
    assert code.norm(dim=1).numpy() == pytest.approx(10)
    kernels = prior.kernels(code).double().numpy()
    np.testing.assert_allclose(kernels.sum((1, 2)), 1, atol=1e-5)
    spreads = [np.sqrt(np.linalg.eigvalsh(second_moments(one))) for one in kernels]
    low, high = np.mean(spreads, 0)
    assert 1.0 < low < high < 2.2
    assert max(np.abs(offset(one, 2)).max() for one in kernels) < 0.5


def test_a_checkpoint_is_the_same_again(fitted: tuple[bytes, float, float]) -> None:
    prior = read_checkpoint(fitted[0])
    assert checkpoint_bytes(prior) == fitted[0]
    with pytest.raises(ValueError, match="not a checkpoint of FKP"):
        read_checkpoint(fitted[0][:-5])


def test_a_fit_is_a_function_of_its_seed() -> None:
    config = FlowConfig(scale=3, fit=FkpFitConfig(iterations=2, batch=3))
    made = [
        checkpoint_bytes(fit_prior(config, partial(stream, seed, "fkp"))[0]) for seed in (0, 0, 1)
    ]
    assert made[0] == made[1] != made[2]


@pytest.mark.slow
def test_a_whole_fit_knows_gaussians() -> None:
    """Its samples have the spread of the kernels that it was fitted to."""
    prior, _ = fit_prior(FlowConfig(scale=2), partial(stream, 0, "fkp", 2))
    made = prior.kernels(prior.code(stream(1, "codes"), 200)).double().numpy()
    wide = [np.sqrt(np.trace(second_moments(one)) / 2) for one in made]
    true = [
        np.sqrt(np.trace(second_moments(one)) / 2)
        for one in draw_gaussians(2, 200, stream(2, "kernels"))
    ]
    assert np.mean(wide) == pytest.approx(np.mean(true), abs=0.12)
    assert np.std(wide) == pytest.approx(np.std(true), rel=0.35)
