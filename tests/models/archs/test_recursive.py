"""Networks that apply a block again and again, that make several images, and that grow: numbers of
weights and receptive fields as published, and what they begin as."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.drcn import Drcn
from pairmill.models.archs.layers import BicubicUp, MultiScale, Network, Pyramid
from pairmill.models.archs.memnet import MemNet
from pairmill.models.archs.preupsampling import PreUpsampling
from pairmill.models.archs.prosr import ProSr
from pairmill.models.archs.recursion import Recursion, Skip
from pairmill.schemas.network import AnyNetworkConfig
from pairmill.schemas.networks.cnf import CnfConfig
from pairmill.schemas.networks.drcn import DrcnConfig
from pairmill.schemas.networks.drrn import DrrnConfig
from pairmill.schemas.networks.dsrn import DsrnConfig
from pairmill.schemas.networks.lapsrn import LapSrnConfig
from pairmill.schemas.networks.memnet import MemNetConfig
from pairmill.schemas.networks.prosr import ProSrConfig
from tests.support.networks import pictures

MS_LAPSRN = LapSrnConfig(depth=5, shared=True, recursions=8, side=3)


@pytest.mark.parametrize(
    ("config", "scale", "kernels", "rest"),
    [
        # Weights of convolutions as the papers count them; biases, and one per image of a sum.
        (DrcnConfig(luma=True), 3, 1_774_080, 1_025 + 16),
        (DrcnConfig(), 4, 1_783_296, 1_027 + 16),
        (DrrnConfig(luma=True), 2, 297_216, 385),
        (DrrnConfig(), 4, 301_824, 387),
        (MemNetConfig(luma=True), 4, 676_992, 1_217 + 6),
        (MemNetConfig(luma=True, blocks=10, recursions=10), 4, 1_373_312, 1_985 + 10),
        (MemNetConfig(), 4, 679_296, 1_219 + 6),
        (CnfConfig(luma=True), 4, 335_232, 771 + 3),
        (MS_LAPSRN, 8, 225_139 - 451, 451),
        (ProSrConfig(heads=(2, 4)), 4, 13_427_206 - 21_126, 21_126),
        (ProSrConfig(heads=(2, 4, 8)), 8, 15_537_609 - 23_689, 23_689),
        (DsrnConfig(), 2, 732_035 - 835, 835),
    ],
    ids=lambda value: value.words()[:40] if isinstance(value, AnyNetworkConfig) else "",
)
def test_they_have_as_many_weights_as_published(
    config: AnyNetworkConfig, scale: int, kernels: int, rest: int
) -> None:
    found = build_empty(config, scale).state_dict().values()
    assert sum(value.numel() for value in found if value.ndim == 4) == kernels
    assert sum(value.numel() for value in found if value.ndim != 4) == rest


@pytest.mark.parametrize(
    ("few", "many"),
    [
        (DrrnConfig(units=1), DrrnConfig(units=9)),
        (MS_LAPSRN.with_(recursions=1), MS_LAPSRN),
        (DsrnConfig(steps=1), DsrnConfig(steps=9)),
    ],
    ids=["drrn", "lapsrn", "dsrn"],
)
def test_recursion_costs_no_weight(few: AnyNetworkConfig, many: AnyNetworkConfig) -> None:
    one, other = (build_empty(each, 2).state_dict() for each in (few, many))
    assert {key: value.shape for key, value in one.items()} == {
        key: value.shape for key, value in other.items()
    }


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (DrcnConfig(features=2), 41),
        (DrrnConfig(features=2), 105),
        (MemNetConfig(features=2), 149),
    ],
    ids=["drcn", "drrn", "memnet"],
)
def test_an_output_sees_the_published_field(
    config: DrcnConfig | DrrnConfig | MemNetConfig, field: int
) -> None:
    """By the gradient of one output, all weights positive; the upscaled image is what is seen."""
    network = build(config, 2).double()
    assert isinstance(network, PreUpsampling)
    with torch.no_grad():
        for value in network.parameters():
            value.fill_(0.05)
    large = torch.full((1, 3, field + 4, field + 4), 0.5, dtype=torch.float64, requires_grad=True)
    middle = (field + 4) // 2
    network.corrected(large)[-1][0, 0, middle, middle].backward()
    assert large.grad is not None
    for axis in (1, 2):
        seen = large.grad[0, 0].sum(axis - 1).nonzero()
        assert (int(seen.min()), int(seen.max())) == (2, field + 1)
    assert 2 * network.radius() + 1 == field


def test_the_images_of_a_new_drcn_are_equal() -> None:
    network = build(DrcnConfig(features=8, recursions=4), 2, 1)
    assert isinstance(network, Drcn)
    with torch.no_grad():
        *images, mean = network.pyramid(pictures(1, 7, 5))
    assert len(images) == 4
    for image in images:
        assert torch.equal(image, images[0])
    torch.testing.assert_close(mean, images[0], rtol=0, atol=1e-6)


def test_losses_of_single_images_fade() -> None:
    drcn = build_empty(DrcnConfig(features=4, recursions=4, supervised=0.5), 2)
    memnet = build_empty(MemNetConfig(features=4), 2)
    cnf = build_empty(CnfConfig(features=4, depths=(3, 4), apart=0.25), 2)
    assert isinstance(drcn, Pyramid)
    assert isinstance(memnet, Pyramid)
    assert isinstance(cnf, Pyramid)
    assert drcn.weights(0) == [0.25, 0.25, 0.25, 0.25, 0]
    assert drcn.weights(0.25) == [0.125, 0.125, 0.125, 0.125, 0.5]
    assert drcn.weights(0.75) == [0, 0, 0, 0, 1]
    assert memnet.weights(0) is None
    assert (cnf.weights(0), cnf.weights(0.25)) == ([1, 1, 0], [0, 0, 1])


def still(network: Network, last: str) -> Network:
    """The network, whose last convolutions make 0."""
    with torch.no_grad():
        for key, value in network.named_parameters():
            if last in key:
                value.zero_()
    return network


@pytest.mark.parametrize("luma", [False, True])
def test_without_a_residual_they_are_bicubic(luma: bool) -> None:
    lr = pictures(2, 6, 5)
    for config in (
        DrcnConfig(features=4, recursions=2, luma=luma),
        DrrnConfig(features=4, units=2, luma=luma),
        MemNetConfig(features=4, blocks=3, recursions=2, luma=luma),
        ProSrConfig(features=4, growth=2, layers=1, blocks=(1, 1, 1)),
    ):
        for scale in (2, 4):
            network = still(build(config, scale, 1), "last")
            with torch.no_grad():
                torch.testing.assert_close(network(lr), BicubicUp(scale)(lr), rtol=0, atol=2e-6)


def test_the_sum_of_a_new_memnet_is_as_bright_as_its_images() -> None:
    network = build(MemNetConfig(features=8, blocks=5, recursions=1), 2)
    assert isinstance(network, MemNet)
    assert network.shares.tolist() == pytest.approx([0.2] * 5)


@pytest.mark.parametrize(("skip", "wanted"), [("none", 8), ("start", 15), ("previous", 27)])
def test_what_a_recursion_adds(skip: Skip, wanted: float) -> None:
    """Doubled three times: 2 * 2 * 2; 1 + 2 (1 + 2 (1 + 2)); (1 + 2) ** 3."""
    block = nn.Conv2d(1, 1, 1, bias=False)
    with torch.no_grad():
        block.weight.fill_(2)
        recursion = Recursion(block, 3, skip)
        assert float(recursion(torch.ones(1, 1, 1, 1))) == wanted
        assert len(recursion.states(torch.ones(1, 1, 1, 1))) == 3


def test_a_scale_of_prosr_is_faded_in() -> None:
    """Before it begins its result is that of the scale below, upscaled; then a blend, then its own.
    The smallest scale is there from the start."""
    config = ProSrConfig(features=4, growth=2, layers=1, blocks=(1, 1, 1), heads=(2, 4, 8))
    network, lr = build(config, 8, 2), pictures(1, 6, 5)
    assert isinstance(network, ProSr)
    with torch.no_grad():
        plain = BicubicUp(4)(lr)
        own = network.at(4)(lr) - plain
        none = network.at(4, 0.12)(lr) - plain
        half = network.at(4, 0.185)(lr) - plain
        assert torch.equal(network.at(2, 0.0)(lr), network.at(2)(lr))
        assert torch.equal(network.at(4, 0.25)(lr), network.at(4)(lr))
    assert not torch.allclose(none, own, rtol=0, atol=1e-4)
    torch.testing.assert_close(half, (own + none) / 2, rtol=0, atol=1e-6)


def test_scales_of_prosr_begin_in_turn() -> None:
    config = ProSrConfig(heads=(2, 4, 8))
    active = [config.active(8, share) for share in (0.0, 0.11, 0.12, 0.3, 0.45, 0.9)]
    assert active == [(2,), (2,), (2, 4), (2, 4), (2, 4, 8), (2, 4, 8)]
    assert ProSrConfig().active(4, 0.0) == (4,)
    assert [config.faded(8, share) for share in (0.45, 0.525, 0.6, 1.0)] == pytest.approx(
        [0, 0.5, 1, 1]
    )


def test_a_network_at_a_scale_is_the_one_built_for_it() -> None:
    """Of networks whose weights serve every scale."""
    for config in (
        DrcnConfig(features=4, recursions=2, heads=(2, 8)),
        MS_LAPSRN.with_(features=4),
        ProSrConfig(features=4, growth=2, layers=1, blocks=(1, 1, 1), heads=(2, 8)),
    ):
        large, small = build(config, 8, 1), build(config, 2, 2)
        small.load_state_dict(large.state_dict())
        assert isinstance(large, MultiScale)
        with torch.no_grad():
            assert torch.equal(large.at(2)(pictures(1, 5, 4)), small(pictures(1, 5, 4)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"heads": (4, 2)}, "several scales that rise"),
        ({"heads": (4,)}, "several scales that rise"),
        ({"heads": (2, 3)}, "prosr works for 2, 4 and 8, got 3"),
        ({"fading": (0.2, 0.1, 0.3, 0.4)}, "shares that rise"),
    ],
)
def test_settings_that_make_no_sense_are_told(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ProSrConfig.model_validate(changes)
    assert said in str(caught.value)
