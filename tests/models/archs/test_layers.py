"""Layers of the networks, by numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, interpolate, pad

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.lapsrn import Doubling, LapSrn
from pairmill.models.archs.layers import (
    BicubicUp,
    Conv,
    Deconv,
    Fuse,
    Linear,
    convolved,
    draw_weights,
    reflected,
)
from pairmill.models.functional.resize import bicubic_up
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.lapsrn import LapSrnConfig
from pairmill.schemas.networks.srcnn import SrcnnConfig
from tests.support.networks import SMALL, SWIN, network_of, pictures


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_bicubic_is_that_of_the_corpora(scale: int) -> None:
    image = np.random.default_rng([2026, 1]).integers(0, 256, (37, 31, 3)).astype(np.uint8)
    for part in (image, image[:1, :1], image[:2, :3]):
        found = BicubicUp(scale)(torch.from_numpy(part).permute(2, 0, 1)[None].float())[0].permute(
            1, 2, 0
        )
        np.testing.assert_allclose(found.numpy(), bicubic_up(part, scale), atol=1e-3)


def test_mirroring_is_that_of_torch_and_goes_on_where_torch_stops() -> None:
    picture = pictures(1)
    assert torch.equal(reflected(picture, 8), pad(picture, (0, 1, 0, 3), mode="reflect"))
    assert reflected(picture[:, :, :8, :16], 8).shape == (1, 3, 8, 16)
    row = torch.arange(3.0)[None, None, None]
    assert reflected(row, 8)[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert reflected(row, 8)[0, 0, 7].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]


def test_first_weights_have_the_spread_they_should() -> None:
    rng = np.random.default_rng(3)
    plain, he = Conv(32, 48), Conv(32, 48, start="he", gain=0.1)
    deconv, linear = Deconv(16, 64, 4, 2, 1, start="he"), Linear(100, 90)
    for layer in (plain, he, deconv, linear):
        draw_weights(layer.requires_grad_(requires_grad=False), rng)
    bound = (32 * 9) ** -0.5
    assert float(plain.weight.abs().max()) <= bound
    assert float(plain.weight.std()) == pytest.approx(bound / 3**0.5, rel=0.02)
    assert plain.bias is not None
    assert 0.5 * bound < float(plain.bias.abs().max()) <= bound
    assert float(he.weight.std()) == pytest.approx(0.1 * (2 / (32 * 9)) ** 0.5, rel=0.02)
    assert float(deconv.weight.std()) == pytest.approx(
        (2 / (16 * 4)) ** 0.5, rel=0.02
    )  # 4 of 16 taps meet in an output
    assert float(linear.weight.std()) == pytest.approx(0.02, rel=0.02)
    assert he.bias is not None
    assert not he.bias.any()
    assert not linear.bias.any()


def test_groups_see_their_own_channels_and_dilated_filters_reach_further() -> None:
    """8 channels in 4 groups: 2 x 9 inputs meet in an output; dilation 3 reaches 3 pixels."""
    layer = Conv(8, 400, groups=4, dilation=3, bias=False, start="he")
    draw_weights(layer.requires_grad_(requires_grad=False), np.random.default_rng(3))
    assert layer.weight.shape == (400, 2, 3, 3)
    assert layer.bias is None
    assert float(layer.weight.std()) == pytest.approx((2 / 18) ** 0.5, rel=0.03)
    assert convolved(layer) == 3
    point = torch.zeros(1, 8, 9, 9)
    point[:, 2, 4, 4] = 1  # in the second group: outputs 100 to 199
    found = layer(point)[0]
    assert found.shape == (400, 9, 9)
    assert sorted({int(channel) // 100 for channel in found.abs().sum((1, 2)).nonzero()}) == [1]
    assert found.abs().sum((0, 2)).nonzero().flatten().tolist() == [1, 4, 7]


def test_fused_features_are_concatenated() -> None:
    layer, (one, other) = Fuse(5, 2), pictures(2).split(1)
    draw_weights(layer.requires_grad_(requires_grad=False), np.random.default_rng(3))
    assert layer.bias is not None
    both = torch.cat([one, other[:, :2]], 1)
    wanted = torch.einsum("oi,bihw->bohw", layer.weight[:, :, 0, 0], both)
    wanted = wanted + layer.bias[:, None, None]
    torch.testing.assert_close(layer([one, other[:, :2]]), wanted, rtol=0, atol=1e-6)


def test_a_pyramid_holds_all_levels_smallest_first() -> None:
    network = network_of("lapsrn", 8)
    assert isinstance(network, LapSrn)
    with torch.no_grad():
        levels = network.pyramid(pictures(2, 5, 3))
        assert [level.shape for level in levels] == [
            (2, 3, 5 * size, 3 * size) for size in (2, 4, 8)
        ]
        assert torch.equal(levels[-1], network(pictures(2, 5, 3)))


def test_shared_levels_are_those_of_the_smaller_network() -> None:
    """The first level of a shared network for 8 is the whole network for 2."""
    config, picture = LapSrnConfig(features=8, depth=2, shared=True), pictures(1, 6, 5)
    large, small = build(config, 8, 4), build(config, 2, 9)
    small.load_state_dict(large.state_dict())
    assert isinstance(large, LapSrn)
    with torch.no_grad():
        assert torch.equal(large.pyramid(picture)[0], small(picture))


def test_a_pyramid_begins_as_bilinear_enlargement() -> None:
    layer, picture = Doubling(), pictures(1, 7, 5)
    layer.draw(np.random.default_rng(0))
    found = layer(picture)
    torch.testing.assert_close(
        found, interpolate(picture, scale_factor=2, mode="bilinear"), rtol=0, atol=1e-6
    )


def test_range_and_mean_are_of_no_account_outside() -> None:
    """An EDSR that counts white as 1 instead of 255 is the same function once its biases are 255
    times smaller."""
    one, other = (
        build(EdsrConfig(features=8, blocks=2), 2, 1),
        build(EdsrConfig(features=8, blocks=2, range=1.0), 2, 1),
    )
    with torch.no_grad():
        for key, value in other.named_parameters():
            if key.endswith("bias"):
                value.copy_(value / 255)
        torch.testing.assert_close(one(pictures(1)), other(pictures(1)), rtol=0, atol=1e-4)
    assert not any("mean" in key for key in one.state_dict())


def test_srcnn_sees_the_bicubic_enlargement() -> None:
    network, picture = build(SrcnnConfig(features=(8, 4)), 3, 2), pictures(1, 9, 7)
    large = BicubicUp(3)(picture)
    state = network.state_dict()
    with torch.no_grad():
        for number, side in enumerate((9, 1, 5), 1):
            large = conv2d(
                large, state[f"conv{number}.weight"], state[f"conv{number}.bias"], padding=side // 2
            )
            large = large.relu() if number < 3 else large
        torch.testing.assert_close(network(picture), large, rtol=0, atol=1e-6)


def test_an_empty_network_is_quick_and_draws_nothing() -> None:
    state = torch.get_rng_state()
    build_empty(EdsrConfig(), 4)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch.export itself
@pytest.mark.parametrize("size", [(24, 32), (21, 30)])
@pytest.mark.parametrize("config", [SMALL["rrdbnet"], SWIN], ids=["rrdbnet", "swinir"])
def test_an_exported_network_takes_any_size(config: Any, size: tuple[int, int]) -> None:
    """Masks of shifted windows, and what is mirrored to fill the last window or block, depend on
    the input, and not on the size that it was exported with."""
    from torch.export import Dim, export

    network, free = build(config, 2).eval(), {2: Dim.AUTO, 3: Dim.AUTO}
    exported = export(network, (pictures(1, *size),), dynamic_shapes=(free,)).module()
    with torch.inference_mode():
        for other in ((37, 31), (24, 32), (48, 20)):
            picture = pictures(1, *other)
            assert torch.equal(exported(picture), network(picture))
