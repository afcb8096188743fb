"""Plug-and-play restoration with known kernels."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.archs import build
from pairmill.models.archs.aware import Degradation
from pairmill.models.archs.ircnn import Ircnn
from pairmill.models.archs.layers import BicubicUp
from pairmill.models.archs.observed import gaussian_kernels, observed
from pairmill.models.archs.weights import write_weights
from pairmill.models.functional.resize import bicubic_up, to_uint8
from pairmill.models.inference.denoiser_files import read_denoisers, write_denoisers
from pairmill.models.inference.dpir import ROWS, Denoisers, fit_denoiser, restored
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.networks.ircnn import IrcnnConfig
from tests.support.make import photograph
from tests.support.networks import network_of

pytestmark = pytest.mark.usefixtures("one_torch_thread")
TINY = IrcnnConfig(features=8)


def smooth(seed: int) -> NDArray[np.uint8]:
    """(96, 80, 3), nothing finer than 8 pixels."""
    coarse = np.random.default_rng([2026, seed]).integers(40, 216, (12, 10, 3)).astype(np.uint8)
    return to_uint8(bicubic_up(coarse, 8))


def tiny(seed: int, *, grey: bool = False) -> Ircnn:
    network = build(TINY.with_(grey=grey), 1, seed).eval()
    assert isinstance(network, Ircnn)
    return network


class Add(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value


def test_between_levels_the_louder_denoiser_is_taken() -> None:
    found = Denoisers({2: Add(0.2), 10: Add(1.0), 4: Add(0.4)})
    levels = [0.5, 2, 2.1, 4, 7, 10, 49]
    seen = [round(float(found(torch.zeros(1, 1, 1, 1), level / 255)), 1) for level in levels]
    assert seen == [0.2, 0.2, 0.4, 0.4, 1.0, 1.0, 1.0]


def test_a_fitted_denoiser_begins_to_remove_noise_and_restores_an_lr_of_a_known_kernel() -> None:
    images = [smooth(seed) for seed in range(3)]
    network, spec = fit_denoiser(images, 25, 100, 2, TINY, batch=4, side=32, rate=3e-3)
    again = fit_denoiser(images, 25, 2, 1, TINY, batch=4, side=32)[0].state_dict()
    same = fit_denoiser(images, 25, 2, 1, TINY, batch=4, side=32)[0].state_dict()
    assert all(torch.equal(again[name], same[name]) for name in again)
    hr = torch.from_numpy(photograph(7, 74, 62, noise=0)).permute(2, 0, 1)[None].float() / 255
    plain = torch.from_numpy(smooth(5)).permute(2, 0, 1)[None].float() / 255
    drawn = torch.from_numpy(np.random.default_rng(3).standard_normal(plain.shape)).float()
    with torch.no_grad():
        left = network(plain + 25 / 255 * drawn) - plain
    assert left.square().mean() < 0.97 * (25 / 255) ** 2
    data = write_weights(network.state_dict(), spec=spec)
    denoise = Denoisers(read_denoisers(data, "ircnn-25.safetensors", 25))
    kernel = gaussian_kernels(11, 2, [1.2]).float()
    lr = observed(hr, kernel, 2)
    told = Degradation(kernel, torch.zeros(1, 1, 37, 31))
    found = restored(lr, told, 2, denoise, steps=6)
    assert found.shape == hr.shape
    assert torch.equal(found, restored(lr, told, 2, denoise, steps=6))
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    left, bicubic = ((each - hr)[inner].square().mean() for each in (found, BicubicUp(2)(lr)))
    assert left < 0.6 * bicubic


def test_bands_are_the_whole() -> None:
    network, image = tiny(1), torch.rand(1, 3, 2 * ROWS + 9, 40)
    with torch.no_grad():
        found, whole = Denoisers({25: network})(image, 25 / 255), network(image)
    assert torch.allclose(found, whole, atol=1e-6)


def test_a_grey_denoiser_sees_each_channel_as_an_image() -> None:
    network, image = tiny(1, grey=True), torch.rand(2, 3, 20, 24)
    with torch.no_grad():
        found, alone = network(image), network.model(image[1:, 2:])
    assert torch.allclose(found[1:, 2:], image[1:, 2:] - alone, atol=1e-6)
    published = build(IrcnnConfig(grey=True), 1)
    assert sum(value.numel() for value in published.parameters()) == 185_857


@pytest.mark.parametrize("grey", [False, True])
def test_files_of_several_levels_are_read(grey: bool) -> None:
    """KAIR's names: network n is for noise up to 2 (n + 1) levels."""
    networks = [tiny(seed, grey=grey) for seed in range(3)]
    buffer = io.BytesIO()
    torch.save({str(number): one.state_dict() for number, one in enumerate(networks)}, buffer)
    found = read_denoisers(buffer.getvalue(), "ircnn_color.pth")
    again = read_denoisers(write_denoisers(Denoisers(found)), "ours.safetensors")
    for read in (found, again):
        assert sorted(read) == [2, 4, 6]
        for one, (_, other) in zip(networks, sorted(read.items()), strict=True):
            assert other.config == one.config
            weights = one.state_dict(), other.state_dict()
            assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    with pytest.raises(UserError, match=r"several levels(.|\n)*x\.pth:5, and levels 2, 4, 6"):
        read_denoisers(buffer.getvalue(), "x.pth", 5)


def test_what_is_no_denoiser_is_an_error() -> None:
    spec = NetworkSpec(network=network_of("compact").config, scale=2)
    other = write_weights(network_of("compact").state_dict(), spec=spec)
    with pytest.raises(UserError, match=r"x\.safetensors(.|\n)*compact.*scale 2(.|\n)*ircnn"):
        read_denoisers(other, "x.safetensors", 5)
    alone = write_weights(tiny(1).state_dict(), spec=NetworkSpec(network=TINY, scale=1))
    with pytest.raises(UserError, match=r"does not tell what level(.|\n)*x\.safetensors:15"):
        read_denoisers(alone, "x.safetensors")
    with pytest.raises(UserError, match="neither safetensors nor a pickle"):
        read_denoisers(b"no", "x.safetensors")
