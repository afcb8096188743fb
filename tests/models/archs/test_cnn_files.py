"""Public files of the convolutional networks between SRCNN and RCAN: names, shapes, and the images
that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pixel_shuffle, relu

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.keys import CONVENTIONS
from pairmill.models.archs.layers import Network
from pairmill.models.archs.recognise import recognise
from pairmill.models.archs.unwrap import is_network
from pairmill.models.archs.weights import (
    load_network,
    read_weights,
    read_weights_for,
    write_weights,
)
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NETWORK_CONFIG, NetworkSpec
from tests.models.archs.test_keys import Shapes, conv, merged
from tests.support.networks import SMALL, network_of, pictures

ALL = (2, 3, 4)


def made(arch: str, scale: int, **settings: Any) -> Network:
    return build_empty(NETWORK_CONFIG.validate_python({"arch": arch, **settings}), scale)


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
