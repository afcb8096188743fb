"""Names, shapes and numbers of weights of the published networks, written out from their structure
and checkpoints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from pairmill.models.archs import build_empty
from pairmill.schemas.network import AnyNetworkConfig
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.dbpn import DbpnConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.espcn import EspcnConfig
from pairmill.schemas.networks.lapsrn import LapSrnConfig
from pairmill.schemas.networks.rcan import RcanConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from pairmill.schemas.networks.srcnn import SrcnnConfig
from pairmill.schemas.networks.srmd import SrmdConfig
from pairmill.schemas.networks.srresnet import SrResNetConfig
from pairmill.schemas.networks.swinir import SwinIrConfig

Shapes = dict[str, tuple[int, ...]]

COUNTS: list[tuple[AnyNetworkConfig, int, int]] = [
    (SrResNetConfig(), 4, 1_517_571),
    (EdsrConfig(), 4, 1_517_571),
    (EdsrConfig(features=256, blocks=32, residual_scale=0.1), 4, 43_089_923),
    (RcanConfig(blocks=16), 4, 12_614_915),
    (RcanConfig(), 4, 15_592_355),
    (RrdbNetConfig(), 4, 16_697_987),
    (SwinIrConfig(), 4, 11_900_199),
    (
        SwinIrConfig(features=60, depths=(6,) * 4, heads=(6,) * 4, upsampler="pixelshuffledirect"),
        2,
        910_152,
    ),
    (CompactConfig(), 4, 621_424),
    (CompactConfig(features=16, blocks=4), 4, 16_768),
    (DbpnConfig(), 2, 5_953_526),
    (DbpnConfig(), 4, 10_426_358),
    (DbpnConfig(), 8, 23_205_878),
    (SrmdConfig(), 2, 1_511_692),
    (SrmdConfig(), 3, 1_528_987),
    (SrmdConfig(), 4, 1_553_200),
    (SrmdConfig(noise=False), 2, 1_510_540),
    (SrmdConfig(noise=False), 3, 1_527_835),
    (SrmdConfig(noise=False), 4, 1_552_048),
    (SrcnnConfig(), 4, 3 * 64 * 81 + 64 + 64 * 32 + 32 + 32 * 3 * 25 + 3),
    (EspcnConfig(), 3, 3 * 64 * 25 + 64 + 64 * 32 * 9 + 32 + 32 * 27 * 9 + 27),
]
"""Published numbers, or by hand for the smallest."""


def conv(name: str, inputs: int, outputs: int, side: int = 3) -> Shapes:
    return {f"{name}.weight": (outputs, inputs, side, side), f"{name}.bias": (outputs,)}


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, features: int) -> Shapes:
    return {f"{name}.weight": (features,), f"{name}.bias": (features,)}


def merged(parts: Iterator[Shapes]) -> Shapes:
    found: Shapes = {}
    for part in parts:
        assert not found.keys() & part.keys()
        found |= part
    return found


def edsr(features: int, blocks: int) -> Iterator[Shapes]:
    yield conv("conv_first", 3, features)
    for block in range(blocks):
        for number in (1, 2):
            yield conv(f"body.{block}.conv{number}", features, features)
    yield conv("conv_after_body", features, features)
    yield conv("upsample.0", features, 4 * features)
    yield conv("upsample.2", features, 4 * features)
    yield conv("conv_last", features, 3)


def srresnet() -> Iterator[Shapes]:
    yield conv("conv_first", 3, 64)
    for block in range(16):
        for number in (1, 2):
            yield conv(f"body.{block}.conv{number}", 64, 64)
    for name in ("upconv1", "upconv2"):
        yield conv(name, 64, 256)
    yield conv("conv_hr", 64, 64)
    yield conv("conv_last", 64, 3)


def rcan() -> Iterator[Shapes]:
    yield conv("conv_first", 3, 64)
    for group in range(10):
        for block in range(20):
            name = f"body.{group}.residual_group.{block}.rcab"
            yield conv(f"{name}.0", 64, 64)
            yield conv(f"{name}.2", 64, 64)
            yield conv(f"{name}.3.attention.1", 64, 4, 1)
            yield conv(f"{name}.3.attention.3", 4, 64, 1)
        yield conv(f"body.{group}.conv", 64, 64)
    yield conv("conv_after_body", 64, 64)
    yield conv("upsample.0", 64, 256)
    yield conv("upsample.2", 64, 256)
    yield conv("conv_last", 64, 3)


def rrdbnet(packed: int) -> Iterator[Shapes]:
    yield conv("conv_first", 3 * packed**2, 64)
    for block in range(23):
        for dense in (1, 2, 3):
            for number, outputs in enumerate((32, 32, 32, 32, 64)):
                yield conv(f"body.{block}.rdb{dense}.conv{number + 1}", 64 + 32 * number, outputs)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        yield conv(name, 64, 64)
    yield conv("conv_last", 64, 3)


def ending(name: str, features: int, tail: str) -> Iterator[Shapes]:
    if tail != "nearest+conv":
        yield conv(name, features, features)
        return
    yield conv(f"{name}.0", features, features // 4)
    yield conv(f"{name}.2", features // 4, features // 4, 1)
    yield conv(f"{name}.4", features // 4, features)


def swinir(features: int, groups: int, heads: int, tail: str, patch: int = 64) -> Iterator[Shapes]:
    yield conv("conv_first", 3, features)
    yield norm("patch_embed.norm", features)
    for group in range(groups):
        for block in range(6):
            name = f"layers.{group}.residual_group.blocks.{block}"
            yield norm(f"{name}.norm1", features)
            yield norm(f"{name}.norm2", features)
            yield {
                f"{name}.attn.relative_position_bias_table": (225, heads),
                f"{name}.attn.relative_position_index": (64, 64),
            }
            yield linear(f"{name}.attn.qkv", features, 3 * features)
            yield linear(f"{name}.attn.proj", features, features)
            yield linear(f"{name}.mlp.fc1", features, 2 * features)
            yield linear(f"{name}.mlp.fc2", 2 * features, features)
            if block % 2:
                yield {f"{name}.attn_mask": ((patch // 8) ** 2, 64, 64)}
        yield from ending(f"layers.{group}.conv", features, tail)
    yield norm("norm", features)
    yield from ending("conv_after_body", features, tail)
    if tail == "pixelshuffledirect":
        yield conv("upsample.0", features, 48)
        return
    yield conv("conv_before_upsample.0", features, 64)
    names = (
        ("upsample.0", "upsample.2")
        if tail == "pixelshuffle"
        else ("conv_up1", "conv_up2", "conv_hr")
    )
    for name in names:
        yield conv(name, 64, 256 if tail == "pixelshuffle" else 64)
    yield conv("conv_last", 64, 3)


def compact(blocks: int) -> Iterator[Shapes]:
    for number in range(blocks + 1):
        yield conv(f"body.{2 * number}", 64 if number else 3, 64)
        yield {f"body.{2 * number + 1}.weight": (64,)}
    yield conv(f"body.{2 * blocks + 2}", 64, 48)


def dbpn() -> Iterator[Shapes]:
    def active(name: str, kind: str, inputs: int, outputs: int, side: int) -> Shapes:
        weight = (inputs, outputs) if kind == "deconv" else (outputs, inputs)
        return {
            f"{name}.{kind}.weight": (*weight, side, side),
            f"{name}.{kind}.bias": (outputs,),
            f"{name}.act.weight": (1,),
        }

    yield active("feat0", "conv", 3, 256, 3)
    yield active("feat1", "conv", 256, 64, 1)
    for stage in range(1, 8):
        if stage > 2:
            yield active(f"up{stage}.conv", "conv", 64 * (stage - 1), 64, 1)
        for number, kind in enumerate(("deconv", "conv", "deconv"), 1):
            yield active(f"up{stage}.up_conv{number}", kind, 64, 64, 8)
        if stage < 7:
            if stage > 1:
                yield active(f"down{stage}.conv", "conv", 64 * stage, 64, 1)
            for number, kind in enumerate(("conv", "deconv", "conv"), 1):
                yield active(f"down{stage}.down_conv{number}", kind, 64, 64, 8)
    yield conv("output_conv.conv", 448, 3)


def srmd() -> Iterator[Shapes]:
    yield conv("model.0", 19, 128)
    for number in range(2, 22, 2):
        yield conv(f"model.{number}", 128, 128)
    yield conv("model.22", 128, 27)
    # What the published files lack: the components of the kernels.
    yield {"code.basis": (15, 961), "code.spread": (15,), "code.mean": (31, 31)}
    yield {"code.usual": (31, 31)}


REAL = SwinIrConfig(
    features=240, depths=(6,) * 9, heads=(8,) * 9, upsampler="nearest+conv", residual="3conv"
)
LIGHT = SwinIrConfig(features=60, depths=(6,) * 4, heads=(6,) * 4, upsampler="pixelshuffledirect")
KEYS: list[tuple[AnyNetworkConfig, int, Iterator[Shapes]]] = [
    (SrResNetConfig(), 4, srresnet()),
    (EdsrConfig(), 4, edsr(64, 16)),
    (EdsrConfig(features=256, blocks=32, residual_scale=0.1), 4, edsr(256, 32)),
    (RcanConfig(), 4, rcan()),
    (RrdbNetConfig(), 4, rrdbnet(1)),
    (RrdbNetConfig(), 2, rrdbnet(2)),
    (RrdbNetConfig(), 1, rrdbnet(4)),
    (SwinIrConfig(), 4, swinir(180, 6, 6, "pixelshuffle")),
    (SwinIrConfig(patch=48), 4, swinir(180, 6, 6, "pixelshuffle", 48)),
    (LIGHT, 4, swinir(60, 4, 6, "pixelshuffledirect")),
    (REAL, 4, swinir(240, 9, 8, "nearest+conv")),
    (CompactConfig(), 4, compact(16)),
    (CompactConfig(blocks=32), 4, compact(32)),
    (DbpnConfig(), 4, dbpn()),
    (SrmdConfig(), 3, srmd()),
]


def name_of(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    return value.words() if hasattr(value, "words") else ""


@pytest.mark.parametrize(("config", "scale", "count"), COUNTS, ids=name_of)
def test_numbers_of_weights_are_the_published_ones(
    config: AnyNetworkConfig, scale: int, count: int
) -> None:
    with torch.device("meta"):
        assert sum(weight.numel() for weight in build_empty(config, scale).parameters()) == count


@pytest.mark.parametrize(("config", "scale", "shapes"), KEYS, ids=name_of)
def test_names_and_shapes_are_the_published_ones(
    config: AnyNetworkConfig, scale: int, shapes: Iterator[Shapes]
) -> None:
    with torch.device("meta"):
        found = {
            key: tuple(value.shape)
            for key, value in build_empty(config, scale).state_dict().items()
        }
    assert found == merged(shapes)


def test_upsampling_by_3_is_one_step_and_by_8_three() -> None:
    with torch.device("meta"):
        for config in (
            EdsrConfig(),
            RcanConfig(groups=1, blocks=1),
            SwinIrConfig(depths=(1,), heads=(6,)),
        ):
            three, eight = (build_empty(config, scale).state_dict() for scale in (3, 8))
            steps = [
                [key for key in keys if key.startswith("upsample.") and key.endswith("weight")]
                for keys in (three, eight)
            ]
            assert steps == [
                ["upsample.0.weight"],
                ["upsample.0.weight", "upsample.2.weight", "upsample.4.weight"],
            ]
            assert three["upsample.0.weight"].shape == (576, 64, 3, 3)


def test_levels_share_weights_or_not() -> None:
    with torch.device("meta"):
        counts = [
            len(build_empty(LapSrnConfig(shared=shared), 8).state_dict())
            for shared in (False, True)
        ]
    per_level = 10 * 2 + 2 + 1 + 2
    assert counts == [2 + 3 * per_level, 2 + per_level]


def test_indices_of_a_window_of_two() -> None:
    """By hand: rows and columns of the difference, each from -1 to 1, in a table of 3 x 3."""
    from pairmill.models.archs.swinir import distances

    assert distances(2).tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


def test_masks_of_shifted_windows() -> None:
    """Windows of 2 on 4 x 4, shifted by 1: the first window is whole, the last one is four corners
    of the image."""
    from pairmill.models.archs.swinir import apart

    mask = apart(4, 4, 2, torch.device("cpu"))
    assert mask.shape == (4, 4, 4)
    assert not mask[0].any()
    assert torch.equal(
        mask[1] == 0, torch.tensor([[1, 0, 1, 0], [0, 1, 0, 1]] * 2, dtype=torch.bool)
    )
    assert torch.equal(mask[3] == 0, torch.eye(4, dtype=torch.bool))
    assert set(mask.unique().tolist()) == {-100.0, 0.0}
