"""The convolutional networks between SRCNN and RCAN: numbers of weights, what they see, and what
they are where they add nothing."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.layers import BicubicUp, MultiScale, Network, Pyramid
from pairmill.models.archs.luma import luma_of
from pairmill.models.archs.recognise import recognise
from pairmill.models.training.objective import Objective
from pairmill.models.training.training import Training
from pairmill.schemas.network import NETWORK_CONFIG
from pairmill.schemas.training import TrainConfig
from tests.support.networks import SMALL, network_of, pictures

ALL = (2, 3, 4)
LARGE = {"blocks": 20, "layers": 6, "growth": 32}
COUNTS: list[tuple[str, dict[str, Any], int, int]] = [
    ("carn", {"mobile": True, "heads": ALL}, 4, 414_787),
    ("carn", {"mobile": True}, 4, 294_147),
    ("carn", {"heads": ALL}, 2, 1_591_939),
    ("carn", {}, 4, 1_111_875),
    ("mdsr", {"heads": ALL}, 3, 7_953_987),
    ("mdsr", {"heads": ALL, "blocks": 16}, 4, 3_227_203),
    ("srfbn", {"features": 32, "groups": 3}, 4, 483_122),
    ("srfbn", {"features": 32, "groups": 3, "steps": 1}, 4, 483_122),
    ("srfbn", {}, 4, 3_631_454),
    ("rdn", {}, 4, 22_271_107),
    ("rdn", {}, 2, 22_123_395),
    ("rdn", LARGE, 4, 5_578_787),
    ("msrn", {}, 4, 6_078_019),
    ("fsrcnn", {"published": True}, 4, 24_683),
    ("fsrcnn", {"published": True, "luma": True}, 3, 12_809),
    ("fsrcnn", {}, 4, 24_683 + 56 * 3 * (12**2 - 9**2)),
    ("vdsr", {}, 4, 668_227),
    ("vdsr", {"luma": True}, 2, 665_921),
    ("vdsr", {"luma": True, "bias": False}, 1, 664_704),
    ("idn", {}, 4, 600_048),
    # By hand; ports differ, and none has the published number.
    (
        "srdensenet",
        {},
        4,
        (27 + 1) * 128
        + 8 * sum((9 * (128 + 16 * layer) + 1) * 16 for layer in range(8))
        + (9 * 128 + 1) * 256
        + 2 * (16 * 256 + 1) * 256
        + (9 * 256 + 1) * 3,
    ),
]
"""Name, settings, scale and number of weights, as published unless a sum stands there."""


def made(arch: str, scale: int, **settings: Any) -> Network:
    return build_empty(NETWORK_CONFIG.validate_python({"arch": arch, **settings}), scale)


@pytest.mark.parametrize(("arch", "settings", "scale", "count"), COUNTS, ids=str)
def test_numbers_of_weights(arch: str, settings: dict[str, Any], scale: int, count: int) -> None:
    with torch.device("meta"):
        found = made(arch, scale, **settings)
    assert sum(weight.numel() for weight in found.parameters()) == count


# What a feature just before the upsampling layers sees; of VDSR, what an HR pixel sees.
SEEN: list[tuple[str, dict[str, Any], str, int]] = [
    ("fsrcnn", {}, "last_part", 13),
    ("carn", {"mobile": True}, "upsample.up4", 39),
    ("carn", {}, "upsample.up4", 39),
    ("idn", {}, "conv_after_body", 53),
    ("msrn", {}, "upsample", 69),
    ("rdn", {"features": 4, "growth": 2}, "upsample", 263),
    ("vdsr", {}, "", 41),
]


@pytest.mark.parametrize(("arch", "settings", "layer", "side"), SEEN, ids=str)
def test_receptive_fields(arch: str, settings: dict[str, Any], layer: str, side: int) -> None:
    """The gradient of one value, of a network that only adds: a column of pixels is enough."""
    network = made(arch, 1 if arch == "vdsr" else 4, **settings).double()
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(1 / weight[0].numel() if weight.ndim == 4 else 0.1)
    taken: list[Tensor] = []
    network.get_submodule(layer).register_forward_pre_hook(
        lambda _module, values: taken.append(values[0])
    )
    if not layer:
        network.get_submodule("conv_last").register_forward_hook(
            lambda _module, _values, found: taken.append(found)
        )
    lr = torch.ones(1, 3, side + 10, 1, dtype=torch.float64, requires_grad=True)
    network(lr)
    taken[-1][0, :, (side + 10) // 2].sum().backward()
    assert lr.grad is not None
    rows = lr.grad[0, :, :, 0].abs().sum(0).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == side


def mirrored(network: Network) -> Network:
    """The same with all filters mirrored."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        for weight in other.parameters():
            if weight.ndim == 4:
                weight.copy_(weight.flip(3))
    return other


@pytest.mark.parametrize("name", ["fsrcnn", "vdsr", "srfbn", "srdensenet"])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_mirrored_network_makes_the_mirrored_image(name: str, scale: int) -> None:
    network, lr = network_of(name, scale).double(), pictures(1, 7, 6).double()
    with torch.no_grad():
        found = mirrored(network)(lr.flip(3)).flip(3)
        torch.testing.assert_close(found, network(lr), rtol=0, atol=1e-12)


def test_the_published_filter_of_fsrcnn_moves_the_image() -> None:
    """Side 9 at every scale: the mirrored image stands scale - 1 HR pixels off."""
    config, lr = SMALL["fsrcnn"].with_(published=True), pictures(1, 7, 16).double()
    network = build(config, 3, 1).double()
    with torch.no_grad():
        wanted, found = network(lr), mirrored(network)(lr.flip(3)).flip(3)
    assert not torch.allclose(found, wanted, rtol=0, atol=1e-4)
    torch.testing.assert_close(found[..., 17:33], wanted[..., 15:31], rtol=0, atol=1e-12)


CNNS = ("fsrcnn", "carn", "carn-m", "rdn", "srfbn", "vdsr", "msrn", "mdsr", "idn", "srdensenet")


@pytest.mark.parametrize("name", CNNS)
def test_a_shifted_image_is_shifted(name: str) -> None:
    """By one LR pixel to scale HR pixels, away from the border."""
    network, lr = network_of(name, 3), pictures(1, 1, 90)
    with torch.no_grad():
        one, other = (network(part)[..., 120:150] for part in (lr[..., :-1], lr[..., 1:]))
        torch.testing.assert_close(one[..., 3:], other[..., :-3], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["vdsr", "vdsr-luma", "idn", "srfbn"])
def test_networks_whose_last_layer_adds_nothing_interpolate(name: str) -> None:
    arch, _, luma = name.partition("-")
    config: Any = SMALL[arch]
    network, lr = build(config.with_(luma=True) if luma else config, 3, 1), pictures(1, 9, 7)
    nn.init.zeros_(network.get_submodule("conv_last").weight)  # type: ignore[arg-type]
    nn.init.zeros_(network.get_submodule("conv_last").bias)  # type: ignore[arg-type]
    wanted = BicubicUp(3)(lr)
    if name == "srfbn":
        wanted = interpolate(lr, scale_factor=3, mode="bilinear")
    with torch.no_grad():
        torch.testing.assert_close(network(lr), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("arch", ["fsrcnn", "vdsr"])
def test_luma_is_the_networks_and_colours_are_bicubic(arch: str) -> None:
    """Y of white is 235 / 255; red less Y, which is a colour, is that of bicubic."""
    assert float(luma_of(torch.ones(1, 3, 1, 1))) == pytest.approx(235 / 255)
    assert float(luma_of(torch.zeros(1, 3, 1, 1))) == pytest.approx(16 / 255)
    config: Any = SMALL[arch]
    network, lr = build(config.with_(luma=True), 2, 1), pictures(1, 9, 7)
    restored: Any = network
    with torch.no_grad():
        found, large = network(lr), BicubicUp(2)(lr)
        torch.testing.assert_close(luma_of(found), restored.restore(luma_of(lr)), rtol=0, atol=1e-6)
        found, large = (image[:, :1] - image[:, 1:] for image in (found, large))
        torch.testing.assert_close(found, large, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["carn", "carn-m", "mdsr", "vdsr"])
def test_a_network_of_several_scales_uses_the_head_of_each(name: str) -> None:
    """As the network of that scale alone with the same weights; the other heads do not matter."""
    config = NETWORK_CONFIG.validate_python(SMALL[name].model_dump() | {"heads": ALL})
    whole, lr = build(config, 2, 1), pictures(1, 9, 7)
    assert isinstance(whole, MultiScale)
    for number, scale in enumerate(ALL):
        found, alone = whole.at(scale), build(SMALL[name], scale, 3)
        own = {
            re.sub(rf"^(pre_process|upsample)\.{number}\.", r"\1.0.", key): value
            for key, value in whole.state_dict().items()
            if name != "mdsr" or not re.match(rf"(pre_process|upsample)\.(?!{number})", key)
        }
        alone.load_state_dict({key: own[key] for key in alone.state_dict()})
        with torch.no_grad():
            assert torch.equal(found(lr), alone(lr))
        assert found.reach() == alone.reach()
    assert recognise(whole.state_dict(), 3) == (config if name != "vdsr" else SMALL[name], 3)
    with pytest.raises(ValueError, match="cannot be built for scale 8: it works for 2, 3 and 4"):
        build(config, 8)


def test_every_step_of_srfbn_is_learned() -> None:
    """The loss is the sum over images of the same size, each against HR itself."""
    value = {"name": "a", "corpus": "b", "network": SMALL["srfbn"].model_dump(), "steps": 2}
    config = TrainConfig.model_validate(value | {"crop": 16, "losses": [{"loss": "l1"}]})
    training = Training(
        config, build(config.network, 2, 1), Objective(config.losses, lambda _: b"")
    )
    assert isinstance(training.network, Pyramid)
    hr, lr = ((255 * pictures(2, side, side)).to(torch.uint8) for side in (16, 8))
    with torch.no_grad():
        images = training.network.pyramid(lr / 255)
    assert [image.shape for image in images] == [hr.shape] * 4
    wanted = sum(float((image - hr / 255).abs().mean()) for image in images)
    assert float(training.advance(hr, lr)["loss"]) == pytest.approx(wanted, rel=1e-5)


def test_more_steps_of_srfbn_are_the_same_steps_and_more() -> None:
    """Steps change no weights; the state begins anew in every call."""
    config: Any = SMALL["srfbn"]
    two, four = (build(config.with_(steps=steps), 2, 1) for steps in (2, 4))
    lr = pictures(1, 9, 7)
    assert isinstance(two, Pyramid)
    assert isinstance(four, Pyramid)
    with torch.no_grad():
        four(pictures(1, 5, 8, seed=1))
        for one, other in zip(two.pyramid(lr), four.pyramid(lr)[:2], strict=True):
            assert torch.equal(one, other)
