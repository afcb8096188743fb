"""Attention among places and among channels, by numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pairmill.models.archs import attention
from pairmill.models.archs.attention import NonLocal, SecondOrder, attend, covariation
from pairmill.models.archs.csnln import CrossScale
from pairmill.models.archs.layers import draw_weights


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng([2026, seed]).standard_normal(shape))


def drawn(module: torch.nn.Module) -> torch.nn.Module:
    draw_weights(module, np.random.default_rng(1))
    return module.double()


def test_weights_are_over_the_keys() -> None:
    """Two places ask of two: e : 1 and 1 : 1, whatever the other asks."""
    queries, keys = torch.tensor([[[1.0], [0.0]]]), torch.tensor([[[1.0], [0.0]]])
    found = attend(queries, keys, torch.eye(2)[None])
    share = math.e / (math.e + 1)
    torch.testing.assert_close(found[0], torch.tensor([[share, 1 - share], [0.5, 0.5]]))


def test_some_queries_at_a_time_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, keys, values = noise(2, 37, 4), noise(2, 31, 4, seed=1), noise(2, 31, 5, seed=2)
    x, cross = noise(2, 6, 8, 10), drawn(CrossScale(6, 2))
    whole, larger = attend(queries, keys, values), cross(x)
    torch.testing.assert_close(
        attend(queries, keys, torch.ones(2, 31, 1).double()), torch.ones(2, 37, 1).double()
    )
    monkeypatch.setattr(attention, "SCORES", 200)
    torch.testing.assert_close(attend(queries, keys, values), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(cross(x), larger, rtol=0, atol=1e-12)


def test_nothing_is_added_at_first() -> None:
    x = noise(1, 6, 7, 5)
    assert torch.equal(drawn(NonLocal(6, 3, 2))(x), x)


def test_quadrants_do_not_see_one_another() -> None:
    layer, x = drawn(NonLocal(6, 3, 2)), noise(1, 6, 7, 5)
    torch.nn.init.constant_(layer.get_parameter("output.weight"), 0.1)
    other = x.clone()
    other[..., 0, 0] += 1
    changed = (layer(x) != layer(other)).any(1)[0]
    assert changed[:4, :3].all()
    assert not changed[4:].any()
    assert not changed[:, 3:].any()


def test_the_root_of_one_channel_is_its_deviation() -> None:
    x = noise(2, 1, 7, 5)
    torch.testing.assert_close(
        covariation(x)[:, 0], x.flatten(1).std(1, unbiased=False), rtol=1e-9, atol=0
    )


def test_channels_that_vary_alike_have_equal_weights_and_three_quarters_of_the_root() -> None:
    """Five steps from 1 / 64 of the trace leave 23 %; the covariance of 64 x 400 white values is
    exactly 9 times the identity."""
    basis = torch.linalg.qr(torch.cat([torch.ones(400, 1).double(), noise(400, 64)], 1))[0][:, 1:]
    found = covariation((3 * math.sqrt(400) * basis.T).reshape(1, 64, 20, 20))[0]
    torch.testing.assert_close(found, torch.full_like(found, 0.766 * 3 / 64), rtol=1e-3, atol=0)
    assert float(found.max() - found.min()) < 1e-12


def test_constant_channels_give_no_gradient_that_is_no_number() -> None:
    layer = drawn(SecondOrder(8, 2))
    x = torch.ones(1, 8, 3, 3).double().requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("step", [2, 3])
def test_a_larger_constant_is_the_same_constant(step: int) -> None:
    """Counterparts lie nine over one another inside, four in the corners: their mean is meant."""
    layer = drawn(CrossScale(6, step))
    found = layer(torch.full((1, 6, 2 * step, 3 * step), 0.7).double())
    assert found.shape == (1, 6, 2 * step**2, 3 * step**2)
    torch.testing.assert_close(found, found[..., :1, :1].expand_as(found), rtol=0, atol=1e-12)
