"""Properties of every network that is told the kernel; those of all networks hold besides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.weights import load_network, write_weights
from pairmill.models.functional.kernels import gaussian_kernel
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NetworkSpec
from tests.support.networks import SMALL, network_of, pictures

AWARE = [name for name in SMALL if isinstance(network_of(name), KernelAware)]
pytestmark = [pytest.mark.parametrize("name", AWARE), pytest.mark.usefixtures("one_torch_thread")]


def aware(name: str, seed: int = 1) -> KernelAware:
    network = network_of(name, seed=seed)
    assert isinstance(network, KernelAware)
    return network


def gaussians(*widths: float, side: int = 21) -> Tensor:
    """(N, side, side): round kernels, where scale 2 wants their centre."""
    centre = side // 2 + 0.5
    return torch.from_numpy(
        np.stack([gaussian_kernel(side, width, width, 0.0, centre) for width in widths])
    ).float()


def used(network: KernelAware, lr: Tensor, kernel: Tensor, noise: float = 0.0) -> Tensor:
    told = Degradation(kernel, torch.full((len(lr), 1, *lr.shape[2:]), noise))
    with torch.no_grad():
        return network(lr, told)


def test_told_nothing_it_assumes_the_usual(name: str) -> None:
    network, batch = aware(name), pictures(2, 13, 11)
    with torch.no_grad():
        assert torch.equal(network(batch), network(batch, network.usual(batch)))
    assert network.code.usual.sum() == pytest.approx(1)


def test_each_image_has_its_own_kernel(name: str) -> None:
    network, batch = aware(name), pictures(2, 13, 11)
    together = used(network, batch, gaussians(0.6, 1.8))
    alone = [
        used(network, batch[n : n + 1], gaussians(width)) for n, width in enumerate((0.6, 1.8))
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-5)
    other = used(network, batch, gaussians(1.8, 1.8))
    assert (other[0] - together[0]).abs().max() > 1e-4
    torch.testing.assert_close(other[1], together[1], rtol=0, atol=1e-5)


def test_kernels_on_other_grids_mean_the_same(name: str) -> None:
    network, batch = aware(name), pictures(1, 13, 11)
    expected = used(network, batch, gaussians(1.2))
    for side in (17, 31):
        found = used(network, batch, gaussians(1.2, side=side))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_a_kernel_that_is_too_wide_is_an_error_that_says_what_to_do(name: str) -> None:
    with pytest.raises(UserError, match=r"outside 21 x 21(.|\n)*kernel_size: 31"):
        used(aware(name), pictures(1, 5, 4), gaussians(4.5, side=31))


def test_what_it_learned_of_kernels_is_sealed_with_its_weights(name: str) -> None:
    one, other, batch = aware(name), aware(name, seed=2), pictures(1, 13, 11)
    before = used(one, batch, gaussians(1.0))
    for network in (one, other):
        network.learn(gaussians(0.5, 0.9, 1.7, 2.0).numpy())
    assert torch.equal(one.code.usual, other.code.usual)
    assert torch.equal(one.code.basis, other.code.basis)
    torch.testing.assert_close(one.code.usual, gaussians(0.9)[0])
    after = used(one, batch, gaussians(1.0))
    if one.code.count:
        assert not torch.allclose(before, after, rtol=0, atol=1e-5)
    spec = NetworkSpec(network=SMALL[name], scale=2)
    again = load_network(write_weights(one.state_dict(), spec=spec), "net.safetensors")
    assert isinstance(again, KernelAware)
    assert torch.equal(used(again.eval(), batch, gaussians(1.0)), after)
