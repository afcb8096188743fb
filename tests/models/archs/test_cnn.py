"""The convolutional networks between SRCNN and RCAN: numbers, names and shapes of the published
weights, what they see, and what they are where they add nothing."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pixel_shuffle, relu

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.keys import CONVENTIONS
from pairmill.models.archs.layers import BicubicUp, MultiScale, Network, Pyramid
from pairmill.models.archs.luma import luma_of
from pairmill.models.archs.recognise import recognise
from pairmill.models.archs.unwrap import is_network
from pairmill.models.archs.weights import (
    load_network,
    read_weights,
    read_weights_for,
    write_weights,
)
from pairmill.models.training.objective import Objective
from pairmill.models.training.training import Training
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NETWORK_CONFIG, NetworkSpec
from pairmill.schemas.training import TrainConfig
from tests.models.archs.test_keys import Shapes, conv, merged
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


# Names and shapes of published files.
def means(form: str) -> Iterator[Shapes]:
    for word in ("sub", "add"):
        yield conv(form.format(word), 3, 3, 1)


def carn(*, mobile: bool) -> Iterator[Shapes]:
    groups = 4 if mobile else 1
    yield from means("{}_mean.shifter")
    yield conv("entry", 3, 64)
    for outer in (1, 2, 3):
        for inner in (1,) if mobile else (1, 2, 3):
            for layer in (0, 2):
                yield conv(f"b{outer}.b{inner}.body.{layer}", 64 // groups, 64)
            if mobile:
                yield conv(f"b{outer}.b{inner}.body.4", 64, 64, 1)
        for inner in (1, 2, 3):
            yield conv(f"b{outer}.c{inner}.body.0", 64 * (inner + 1), 64, 1)
        yield conv(f"c{outer}.body.0", 64 * (outer + 1), 64, 1)
    for scale, layer, outputs in ((2, 0, 256), (3, 0, 576), (4, 0, 256), (4, 3, 256)):
        yield conv(f"upsample.up{scale}.body.{layer}", 64 // groups, outputs)
    yield conv("exit", 64, 3)


def mdsr(blocks: int) -> Iterator[Shapes]:
    yield from means("{}_mean")
    yield conv("head.0", 3, 64)
    for head in range(3):
        for block in (0, 1):
            for layer in (0, 2):
                yield conv(f"pre_process.{head}.{block}.body.{layer}", 64, 64, 5)
    for block in range(blocks):
        for layer in (0, 2):
            yield conv(f"body.{block}.body.{layer}", 64, 64)
    yield conv(f"body.{blocks}", 64, 64)
    for head, layer, outputs in ((0, 0, 256), (1, 0, 576), (2, 0, 256), (2, 2, 256)):
        yield conv(f"upsample.{head}.{layer}", 64, outputs)
    yield conv("tail.0", 64, 3)


def rdn(scale: int) -> Iterator[Shapes]:
    yield conv("SFENet1", 3, 64)
    yield conv("SFENet2", 64, 64)
    for block in range(16):
        for layer in range(8):
            yield conv(f"RDBs.{block}.convs.{layer}.conv.0", 64 * (layer + 1), 64)
        yield conv(f"RDBs.{block}.LFF", 576, 64, 1)
    yield conv("GFF.0", 1024, 64, 1)
    yield conv("GFF.1", 64, 64)
    if scale == 4:
        yield conv("UPNet.0", 64, 256)
        yield conv("UPNet.2", 64, 256)
        yield conv("UPNet.4", 64, 3)
    else:
        yield conv("UPNet.0", 64, 64 * scale**2)
        yield conv("UPNet.2", 64, 3)


def rdn_yjn870(scale: int) -> Iterator[Shapes]:
    yield conv("sfe1", 3, 64)
    yield conv("sfe2", 64, 64)
    for block in range(16):
        for layer in range(8):
            yield conv(f"rdbs.{block}.layers.{layer}.conv", 64 * (layer + 1), 64)
        yield conv(f"rdbs.{block}.lff", 576, 64, 1)
    yield conv("gff.0", 1024, 64, 1)
    yield conv("gff.1", 64, 64)
    for layer in (0, 2) if scale == 4 else (0,):
        yield conv(f"upscale.{layer}", 64, 576 if scale == 3 else 256)
    yield conv("output", 64, 3)


def msrn() -> Iterator[Shapes]:
    yield from means("{}_mean")
    yield conv("head.0", 3, 64)
    for block in range(8):
        for side in (3, 5):
            yield conv(f"body.{block}.conv_{side}_1", 64, 64, side)
            yield conv(f"body.{block}.conv_{side}_2", 128, 128, side)
        yield conv(f"body.{block}.confusion", 256, 64, 1)
    yield conv("tail.0", 576, 64, 1)
    yield conv("tail.1", 64, 64)
    yield conv("tail.2.0", 64, 256)
    yield conv("tail.2.2", 64, 256)
    yield conv("tail.3", 64, 3)


def srfbn() -> Iterator[Shapes]:
    def active(name: str, inputs: int, outputs: int, side: int) -> Shapes:
        return conv(f"{name}.0", inputs, outputs, side) | {f"{name}.1.weight": (1,)}

    yield from means("{}_mean")
    yield active("conv_in", 3, 128, 3)
    yield active("feat_in", 128, 32, 1)
    yield active("block.compress_in", 64, 32, 1)
    for group in range(3):
        yield active(f"block.upBlocks.{group}", 32, 32, 8)
        yield active(f"block.downBlocks.{group}", 32, 32, 8)
        if group:
            yield active(f"block.uptranBlocks.{group - 1}", 32 * (group + 1), 32, 1)
            yield active(f"block.downtranBlocks.{group - 1}", 32 * (group + 1), 32, 1)
    yield active("block.compress_out", 96, 32, 1)
    yield active("out", 32, 32, 8)
    yield conv("conv_out.0", 32, 3)


PUBLIC: list[tuple[Iterator[Shapes], dict[str, Any], int]] = [
    (carn(mobile=False), {"arch": "carn", "heads": ALL}, 4),
    (carn(mobile=True), {"arch": "carn", "mobile": True, "heads": ALL}, 4),
    (mdsr(80), {"arch": "mdsr", "heads": ALL}, 4),
    (mdsr(16), {"arch": "mdsr", "heads": ALL, "blocks": 16}, 4),
    (rdn(2), {"arch": "rdn", "range": 255}, 2),
    (rdn(3), {"arch": "rdn", "range": 255}, 3),
    (rdn(4), {"arch": "rdn", "range": 255}, 4),
    (rdn_yjn870(2), {"arch": "rdn"}, 2),
    (rdn_yjn870(3), {"arch": "rdn"}, 3),
    (rdn_yjn870(4), {"arch": "rdn"}, 4),
    (msrn(), {"arch": "msrn"}, 4),
    (srfbn(), {"arch": "srfbn", "features": 32, "groups": 3}, 4),
]


def name_of(value: object) -> str:
    return str(value) if isinstance(value, int | dict) else ""


@pytest.mark.parametrize(("shapes", "settings", "scale"), PUBLIC, ids=name_of)
def test_public_files_are_recognised(
    shapes: Iterator[Shapes], settings: dict[str, Any], scale: int
) -> None:
    """All names and shapes of the file are those of the network, and none is left."""
    names = merged(shapes)
    tensors = {key: torch.empty(shape, device="meta") for key, shape in names.items()}
    for key, span in (("sub_mean.bias", 255), ("sub_mean.shifter.bias", 1)):
        if key in tensors:
            tensors[key] = -span * torch.tensor([0.4488, 0.4371, 0.4040])
    config = NETWORK_CONFIG.validate_python(settings)
    assert recognise(tensors) == (config, scale)
    assert is_network(tensors)
    assert not is_network(dict(list(tensors.items())[:-1]))


def test_fsrcnn_and_vdsr_are_read_where_the_scale_is_given() -> None:
    """FSRCNN by the names of yjn870's port, VDSR by those of twtygqyy's; both are of luma."""
    sides = {"first_part": (1, 56, 5), "mid_part.0": (56, 12, 1), "mid_part.10": (12, 56, 1)}
    names: Shapes = {f"mid_part.{layer}.weight": (12,) for layer in (1, 3, 5, 7, 9)}
    names |= {"first_part.1.weight": (56,), "mid_part.11.weight": (56,)}
    for layer in (2, 4, 6, 8):
        names |= conv(f"mid_part.{layer}", 12, 12)
    for name, (inputs, outputs, side) in sides.items():
        names |= conv(name + ".0" * (name == "first_part"), inputs, outputs, side)
    names |= {"last_part.weight": (56, 1, 9, 9), "last_part.bias": (1,)}
    vdsr: Shapes = {"input.weight": (64, 1, 3, 3), "output.weight": (1, 64, 3, 3)}
    vdsr |= {f"residual_layer.{layer}.conv.weight": (64, 64, 3, 3) for layer in range(18)}
    for shapes, settings in (
        (names, {"arch": "fsrcnn", "published": True, "luma": True}),
        (vdsr, {"arch": "vdsr", "bias": False, "luma": True}),
    ):
        tensors = {f"module.{key}": torch.zeros(shape) for key, shape in shapes.items()}
        data = write_weights(tensors, "pth")
        with pytest.raises(UserError, match=r"do not tell the scale[\s\S]*--scale 4"):
            load_network(data, "x3.pth")
        network = load_network(data, "x3.pth", scale=3)
        assert network.config == NETWORK_CONFIG.validate_python(settings)
        assert network(pictures(1, 5, 4)).shape == (1, 3, 15, 12)


def carn_m(tensors: Mapping[str, Tensor], lr: Tensor, scale: int) -> Tensor:
    """CARN-M by the formula of the paper, with a file's weights by their names."""

    def layer(name: str, x: Tensor) -> Tensor:
        weight = tensors[f"{name}.weight"]
        groups, side = x.shape[1] // weight.shape[1], weight.shape[2]
        return conv2d(x, weight, tensors[f"{name}.bias"], padding=side // 2, groups=groups)

    def block(name: str, x: Tensor) -> Tensor:
        found = relu(layer(f"{name}.body.2", relu(layer(f"{name}.body.0", x))))
        return relu(layer(f"{name}.body.4", found) + x)

    def cascade(name: str, x: Tensor) -> Tensor:
        joint = found = x
        for number in (1, 2, 3):
            joint = torch.cat([joint, block(f"{name}.b1", found)], 1)
            found = relu(layer(f"{name}.c{number}.body.0", joint))
        return found

    joint = found = layer("entry", layer("sub_mean.shifter", lr))
    for number in (1, 2, 3):
        joint = torch.cat([joint, cascade(f"b{number}", found)], 1)
        found = relu(layer(f"c{number}.body.0", joint))
    for entry, step in ((0, 2), (3, 2)) if scale == 4 else ((0, scale),):
        found = pixel_shuffle(relu(layer(f"upsample.up{scale}.body.{entry}", found)), step)
    return layer("add_mean.shifter", layer("exit", found))


def test_one_file_of_carn_m_upscales_by_2_3_and_4() -> None:
    network = build(NETWORK_CONFIG.validate_python(PUBLIC[1][1]), 4, 1)
    spec = NetworkSpec(network=network.config, scale=4)
    data = write_weights(network.state_dict(), "pth", "carn", spec)
    theirs = read_weights(data, "carn_m.pth")
    assert {key: tuple(value.shape) for key, value in theirs.items()} == merged(carn(mobile=True))
    bare = write_weights(theirs, "pth")
    assert load_network(bare, "carn_m.pth").scale == 4
    lr = pictures(1, 7, 6)
    for scale in ALL:
        found = load_network(bare, "carn_m.pth", scale=scale)
        with torch.no_grad():
            wanted = carn_m(theirs, lr, scale)
            torch.testing.assert_close(found(lr), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("convention", ["rdn", "rdn-yjn870", "msrn", "srfbn", "mdsr", "carn"])
def test_files_of_others_make_the_same_images(convention: str) -> None:
    """By their names and with the range that they count in, without a header; as training starts
    from a file, with the range of the network that takes it."""
    theirs = CONVENTIONS[convention]
    config = SMALL[theirs.arch]
    if theirs.range:
        config = config.with_(range=theirs.range)
    network, lr = build(config, 4, 3).eval(), pictures(1, 9, 7)
    spec = NetworkSpec(network=config, scale=4)
    named = write_weights(network.state_dict(), "pth", convention, spec)
    data = write_weights(read_weights(named, "x4.pth"))
    other = config.with_(range=7.0) if theirs.range else config
    again = build(other, 4, 4)
    again.load_state_dict(read_weights_for(other, data, "x4.pth"))
    with torch.no_grad():
        for found in (load_network(data, "x4.pth"), again):
            torch.testing.assert_close(found(lr), network(lr), rtol=0, atol=2e-5)
    if theirs.range:
        with pytest.raises(ValueError, match="cannot say the range"):
            write_weights(
                network.state_dict(),
                convention=convention,
                spec=spec.with_(network=other),
            )


def test_names_of_one_scale_are_not_those_of_another() -> None:
    tensors = network_of("rdn", 2).state_dict()
    spec = NetworkSpec(network=SMALL["rdn"].with_(range=255.0), scale=2)
    with pytest.raises(ValueError, match="convention rdn is not for scale 2"):
        write_weights(tensors, convention="rdn", spec=spec)
    assert "UPNet.2.bias" in read_weights(write_weights(tensors, "pth", "rdn-x2", spec), "x2.pth")


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
