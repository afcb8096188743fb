"""Networks on wavelets, with attention, with any scale: what the papers and their files say."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, pixel_shuffle

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.ipt import Ipt
from pairmill.models.archs.layers import BicubicUp, Network
from pairmill.models.archs.luma import LumaNetwork
from pairmill.models.archs.meta import Meta, scale_of
from pairmill.models.archs.mwcnn import Mwcnn
from pairmill.schemas.network import AnyNetworkConfig
from pairmill.schemas.networks.csnln import CsnlnConfig
from pairmill.schemas.networks.dwsr import DwsrConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.ipt import IptConfig
from pairmill.schemas.networks.meta import MetaConfig
from pairmill.schemas.networks.mwcnn import MwcnnConfig
from pairmill.schemas.networks.rnan import RnanConfig
from pairmill.schemas.networks.san import SanConfig
from tests.support.networks import SMALL, network_of, pictures

V1 = MwcnnConfig(features=(160, 256, 256), dilations=(1,) * 3, lowest=(1,) * 3, bands=True)
UNUSED_IN_SAN = 38_044
"""Weights of the authors' SAN that it never uses; ours does not have them."""
COUNTS: list[tuple[AnyNetworkConfig, int, int]] = [
    (DwsrConfig(luma=True), 4, 378_052),
    (DwsrConfig(), 4, 395_468),
    (MwcnnConfig(luma=True), 4, 24_927_809),
    (MwcnnConfig(), 4, 24_930_115),
    (V1.with_(luma=True), 4, 16_145_892),
    (SanConfig(), 2, 15_712_776 - UNUSED_IN_SAN),
    (SanConfig(), 4, 15_860_488 - UNUSED_IN_SAN),
    (RnanConfig(), 4, 9_254_979),
    (CsnlnConfig(), 2, 3_061_265),
    (CsnlnConfig(), 4, 6_568_603),
    (MetaConfig(), 4, 22_419_072),
    (IptConfig(), 4, 115_608_131),
    (EdsrConfig(separable=True), 4, 1_517_571 - 32 * (36_928 - 4_800)),
]
"""As published or counted in their files; for three colours where they were for luma: by hand."""


@pytest.mark.parametrize(("config", "scale", "count"), COUNTS, ids=lambda value: str(value)[:40])
def test_numbers_of_weights(config: Any, scale: int, count: int) -> None:
    with torch.device("meta"):
        network = build_empty(config, scale)
    assert sum(value.numel() for value in network.parameters()) == count
    if isinstance(network, Meta):
        assert sum(value.numel() for value in network.upscale.parameters()) == 445_120


def seen(network: nn.Module, image: Tensor, row: int, column: int) -> tuple[int, int]:
    """How far to the left and to the right of a column an output pixel depends on the input."""
    image = image.clone().requires_grad_()
    network(image)[0, 0, row, column].backward()
    assert image.grad is not None
    columns = image.grad.abs().sum((0, 1, 2)).nonzero()[:, 0]
    return column - int(columns.min()), int(columns.max()) - column


class Restoring(nn.Module):
    """What a pre-upsampling network does with its bicubic image."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        assert isinstance(network, LumaNetwork)
        self.network = network
        network.bicubic = lambda lr: lr  # type: ignore[method-assign]

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) to the same."""
        return self.network.restore(image)


def test_dwsr_sees_27_bands_which_are_54_pixels() -> None:
    network = Restoring(build(DwsrConfig(features=4), 2).double())
    before, after = seen(network, pictures(1, 70, 70).double(), 34, 34)
    assert before + after + 1 == 54
    assert before % 2 == 0


@pytest.mark.parametrize("name", ["dwsr", "mwcnn", "mwcnn-bands"])
def test_it_is_bicubic_where_nothing_is_learned(name: str) -> None:
    network, lr = network_of(name, 3), pictures(1, 9, 7)
    last = "bands_last" if name == "dwsr" else "levels.conv_last"
    for leaf in ("weight", "bias"):
        nn.init.zeros_(network.get_parameter(f"{last}.{leaf}"))
    with torch.no_grad():
        torch.testing.assert_close(network(lr), BicubicUp(3)(lr), rtol=0, atol=1e-6)


def mirrored(network: Network) -> Network:
    """All filters from left to right, and what else knows left from right."""
    other = copy.deepcopy(network)
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0]).double().repeat_interleave(3)
    with torch.no_grad():
        for key, value in other.named_parameters():
            if value.ndim == 4:
                value.copy_(value.flip(3))
            if key == "bands_first.weight":  # HL and HH of three colours change sign
                value.mul_(signs[:, None, None])
            if key.startswith("bands_last"):
                value.mul_(signs.view(-1, *[1] * (value.ndim - 1)))
            if key.startswith("upsample"):  # channels that become neighbours
                value.copy_(value.unflatten(0, (-1, 2)).flip(1).flatten(0, 1))
            if key == "upscale.hidden.weight":
                value[:, 2].neg_()
            if key.startswith("upscale.filters"):
                value.copy_(value.unflatten(0, (-1, 3)).flip(1).flatten(0, 1))
    return other


@pytest.mark.parametrize("name", ["dwsr", "san", "csnln", "meta"])
def test_a_mirrored_image_under_mirrored_filters(name: str) -> None:
    """By design not so: MWCNN (the bands of its levels), RNAN (a filter of 3 at stride 2 keeps the
    left one of two pixels), IPT (each place has its own numbers)."""
    network, lr = network_of(name, 2).double(), pictures(1, 10, 8).double()
    with torch.no_grad():
        torch.testing.assert_close(
            mirrored(network)(lr.flip(3)), network(lr).flip(3), rtol=0, atol=1e-11
        )


@pytest.mark.parametrize("name", ["dwsr", "mwcnn", "meta"])
def test_a_shifted_image_is_shifted(name: str) -> None:
    """At scale 2, whose pixels fall into the same blocks of 2 x 2; with more levels in steps of
    2**levels HR pixels. By design not so: what has attention or covariances over all, and IPT."""
    network, lr = network_of(name, 2).double(), pictures(1, 60, 60).double()
    with torch.no_grad():
        one, other = network(lr[..., 1:, :]), network(lr)[..., 2:, :]
    inner = slice(48, -48)
    torch.testing.assert_close(one[..., inner, :], other[..., inner, :], rtol=0, atol=1e-11)


def test_three_levels_are_shifted_in_steps_of_eight() -> None:
    network = Restoring(build(MwcnnConfig(features=(4, 4, 4, 4), lowest=(1,)), 2, 3).double())
    assert isinstance(network.network, Mwcnn)
    image = pictures(1, 400, 8).double()
    with torch.no_grad():
        whole = network(image)
        inner = slice(184, -184)
        for shift, equal in ((8, True), (4, False)):
            moved = network(image[..., shift:, :])[..., : 400 - 8, :]
            difference = moved[..., inner, :] - whole[..., shift:, :][..., :392, :][..., inner, :]
            assert (float(difference.abs().max()) < 1e-11) is equal


def test_a_whole_scale_of_meta_is_a_convolution_whose_channels_become_pixels() -> None:
    network = network_of("meta", 2)
    assert isinstance(network, Meta)
    features = torch.randn(1, 12, 5, 4)
    with torch.no_grad():
        filters = network.upscale.made(Fraction(2)).permute(2, 0, 1, 3, 4, 5).flatten(0, 2)
        torch.testing.assert_close(
            network.upscale(features, Fraction(2)),
            pixel_shuffle(conv2d(features, filters, padding=1), 2),
            rtol=0,
            atol=1e-6,
        )


@pytest.mark.parametrize(
    ("value", "size"), [(2.7, (18, 13)), (1.1, (7, 5)), (1.5, (10, 7)), (4, (28, 20))]
)
def test_each_pixel_of_meta_is_filtered_around_the_one_that_it_lies_in(
    value: float, size: tuple[int, int]
) -> None:
    network, scale = network_of("meta", 2).double(), scale_of(value)
    assert isinstance(network, Meta)
    x = torch.randn(1, 12, 7, 5).double()
    around, many = pad(x, (1, 1, 1, 1)), scale.numerator
    with torch.no_grad():
        found, filters = network.upscale(x, scale), network.upscale.made(scale)
        assert found.shape == (1, 3, *size)
        for row, column in ((0, 0), (1, 3), (size[0] - 1, size[1] - 1), (size[0] // 2, 2)):
            top, left = (int((place + Fraction(1, 2)) / scale) for place in (row, column))
            area = around[0, :, top : top + 3, left : left + 3]
            wanted = (filters[row % many, column % many] * area).sum((1, 2, 3))
            torch.testing.assert_close(found[0, :, row, column], wanted, rtol=0, atol=1e-12)


def test_places_of_meta_are_those_of_whole_numbers() -> None:
    """One that lies at the very beginning of an LR pixel does not lie at the end of another."""
    told = []
    network = network_of("meta", 2)
    assert isinstance(network, Meta)
    network.upscale.hidden.register_forward_hook(lambda _, given, __: told.append(given[0]))
    for scale in (Fraction(39, 14), Fraction(57, 14), Fraction(71, 14), Fraction(2)):
        network.upscale.made(scale)
        wanted = [(Fraction(2 * i + 1, 2) / scale) % 1 for i in range(scale.numerator)]
        found = told[-1][0, 1, :, 0] + 0.5
        assert found.tolist() == pytest.approx([float(each) for each in wanted], abs=1e-6)
    assert found.tolist() == [0.25, 0.75]


def test_scales_that_meta_has_not() -> None:
    network = network_of("meta", 2)
    assert isinstance(network, Meta)
    for scale in (Fraction(1, 2), Fraction(9), Fraction(41, 23)):
        with pytest.raises(ValueError, match="is not 1 to 8 in steps of 1 / 20"):
            network.enlarged(pictures(1, 3, 3), scale)


def test_patches_of_ipt_that_overlap_fade() -> None:
    """Where all patches say the same, so does the whole."""
    network = build(SMALL["ipt"], 2).eval()
    last = network.get_parameter("conv_last.weight")
    nn.init.zeros_(last)
    with torch.no_grad():
        found = network(pictures(1, 31, 17))
    torch.testing.assert_close(found, found[..., :1, :1].expand_as(found), rtol=0, atol=1e-6)


def test_patches_of_ipt_go_through_some_at_a_time() -> None:
    network, seen = build(SMALL["ipt"], 2).eval(), []
    assert isinstance(network, Ipt)
    network.body.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    with torch.no_grad():
        wanted = network(pictures(1, 31, 17))
        network.some = 3
        torch.testing.assert_close(network(pictures(1, 31, 17)), wanted, rtol=0, atol=1e-6)
    assert seen == [10, 3, 3, 3, 1]
