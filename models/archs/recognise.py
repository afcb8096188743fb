"""Which network a checkpoint is for, from the names and shapes of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor

from pairmill.models.archs.ircnn import DILATIONS
from pairmill.models.archs.keys import CONVENTIONS, Tensors, convention_of, to_ours
from pairmill.models.archs.projections import SIDES
from pairmill.models.archs.recognise_cnn import CNN_FORMS
from pairmill.models.archs.recognise_global import GLOBAL_FORMS
from pairmill.models.archs.recognise_recursive import RECURSIVE_FORMS
from pairmill.models.archs.rrdbnet import TALL
from pairmill.models.archs.shapes import (
    Found,
    UnknownNamesError,
    UnknownScaleError,
    count,
    root,
    shuffled,
)
from pairmill.schemas.network import AnyNetworkConfig, CleanedConfig
from pairmill.schemas.networks.base import DIV2K_MEAN
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.dbpn import DbpnConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.espcn import EspcnConfig
from pairmill.schemas.networks.ircnn import IrcnnConfig
from pairmill.schemas.networks.rcan import RcanConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from pairmill.schemas.networks.srcnn import SrcnnConfig
from pairmill.schemas.networks.srmd import SrmdConfig
from pairmill.schemas.networks.srresnet import SrResNetConfig
from pairmill.schemas.networks.swinir import SwinIrConfig

PLAIN = 128
"""Features of an EDSR above which the published ones have residuals x 0.1; checkpoints do not
say."""
INNER = "network."
"""What the names of a cleaned network's own network begin with."""
CODE = "code."
"""What the names of the kernel's code begin with, in checkpoints of ours."""
PUBLISHED_CODE = 15
"""Numbers of a published SRMD's code, whose components no published file holds."""
JPEG_WINDOW = 7
"""Window of the SwinIRs that count white as 255; checkpoints do not say."""


def range_of_window(window: int) -> float:
    """What a SwinIR counts white as, by its window, as in the published checkpoints."""
    return 255.0 if window == JPEG_WINDOW else 1.0


def recognise(tensors: Tensors, scale: int | None = None) -> Found:
    """Settings and scale of the network that these weights are for, by any of the names in
    `pairmill.models.archs.keys`.

    What shapes do not show is taken from the published networks, see `NetworkBase.assumed`: EDSR's
    residual scale, means and ranges, how often a block is applied; IRCNN's scale is 1.

    Args:
        tensors: the weights.
        scale: what to take where the shapes do not tell it (SRCNN, VDSR, MS-LapSRN,
            FSRCNN as published), or where the network has several.

    Raises:
        ValueError: if it is none of ours; `UnknownNamesError`, if all names are foreign;
            `UnknownScaleError`, if nothing tells the scale.
    """
    ours = to_ours(tensors)
    found = _form(ours)
    if found is None:
        raise UnknownNamesError(f"no network of ours has these weights: {some(tensors)}")
    try:
        config, own = found(ours)
    except UnknownScaleError as error:
        if scale is None:
            raise
        config, own = error.config, scale
    except (KeyError, IndexError, ZeroDivisionError) as error:
        raise ValueError(
            f"weights of a damaged or foreign network: {type(error).__name__} {error} in "
            f"{some(ours)}"
        ) from error
    config = _as_they_count(config, tensors)
    if scale in config.heads_at(own):
        own = scale
    problem = config.problem(own)
    if problem is not None:
        raise ValueError(problem)
    return config, own


def is_named(names: Mapping[str, object]) -> bool:
    """Whether these are names of some network's weights, by any convention."""
    return convention_of(names) is not None or _form(names) is not None


def _form(ours: Mapping[str, object]) -> Callable[[Tensors], Found] | None:
    return next((form for signs, form in FORMS if all(sign in ours for sign in signs)), None)


def some(keys: Tensors, most: int = 3) -> str:
    """The first keys with their shapes, and how many there are besides."""
    shown = ", ".join(f"{key} {tuple(keys[key].shape)}" for key in list(keys)[:most])
    if len(keys) > most:
        shown += f" and {len(keys) - most} more"
    return shown


def _as_they_count(config: AnyNetworkConfig, tensors: Tensors) -> AnyNetworkConfig:
    """The settings with the range and the means of files by these names."""
    convention = CONVENTIONS.get(convention_of(tensors) or "")
    if convention is None:
        return config
    if convention.range is not None:
        config = config.with_(range=convention.range)
    if convention.means:
        bias = tensors.get(f"{convention.means.format('sub')}.bias")
        config = config.with_(mean=_mean(bias, getattr(config, "range", 1.0)))
    return config


def _mean(bias: Tensor | None, span: float) -> tuple[float, ...]:
    if bias is None:
        return (0.0, 0.0, 0.0)
    mean = tuple(round(-value / span, 4) for value in bias.tolist())
    if max(abs(a - b) for a, b in zip(mean, DIV2K_MEAN, strict=True)) < 2e-4:
        return DIV2K_MEAN
    return mean


def _srresnet(tensors: Tensors) -> Found:
    scale = math.prod(
        root(tensors[f"upconv{n}.weight"].shape[0] // tensors[f"upconv{n}.weight"].shape[1])
        for n in range(1, count(tensors, "upconvN.weight"))
    )
    return SrResNetConfig(
        features=tensors["conv_first.weight"].shape[0], blocks=count(tensors, "body.N.conv1")
    ), scale


def _edsr(tensors: Tensors) -> Found:
    features = tensors["conv_first.weight"].shape[0]
    added = 0.1 if features > PLAIN else 1.0
    config = EdsrConfig(
        features=features,
        blocks=count(tensors, "body.N.conv1"),
        residual_scale=added,
        separable="body.0.conv1.0.weight" in tensors,
    )
    return config, shuffled(tensors, "upsample")


def _rcan(tensors: Tensors) -> Found:
    few, features = tensors["body.0.residual_group.0.rcab.3.attention.1.weight"].shape[:2]
    groups, blocks = count(tensors, "body.N.conv."), count(tensors, "body.0.residual_group.N.")
    return RcanConfig(
        features=features, groups=groups, blocks=blocks, squeeze=features // few
    ), shuffled(tensors, "upsample")


def _rrdbnet(tensors: Tensors) -> Found:
    if "conv_up2.weight" not in tensors:
        raise ValueError(
            "an RRDBNet that only upscales by 2; ours has two doublings and packs pixels below "
            "scale 4"
        )
    growth = tensors["body.0.rdb1.conv1.weight"].shape[0]
    features, inputs = tensors["conv_first.weight"].shape[:2]
    config = RrdbNetConfig(features=features, blocks=count(tensors, "body.N."), growth=growth)
    return config, TALL // root(inputs // 3)


def _swinir(tensors: Tensors) -> Found:
    first = "layers.0.residual_group.blocks.0"
    features, groups = tensors["conv_first.weight"].shape[0], count(tensors, "layers.N.")
    depths = tuple(count(tensors, f"layers.{n}.residual_group.blocks.N.") for n in range(groups))
    tables = [
        f"layers.{n}.residual_group.blocks.0.attn.relative_position_bias_table"
        for n in range(groups)
    ]
    window = root(tensors[f"{first}.attn.relative_position_index"].shape[0])
    masks = [tensors[key] for key in tensors if key.endswith("attn_mask")]
    upsampler, scale = _swinir_tail(tensors)
    config = SwinIrConfig(
        features=features,
        depths=depths,
        heads=tuple(tensors[table].shape[1] for table in tables),
        window=window,
        mlp_ratio=tensors[f"{first}.mlp.fc1.bias"].shape[0] / features,
        upsampler=upsampler,
        residual="1conv" if "conv_after_body.weight" in tensors else "3conv",
        patch=window * root(masks[0].shape[0]) if masks else 8 * window,
        range=range_of_window(window),
    )
    return config, scale


def _swinir_tail(
    tensors: Tensors,
) -> tuple[Literal["pixelshuffle", "pixelshuffledirect", "nearest+conv"], int]:
    if "conv_up1.weight" in tensors:
        return "nearest+conv", 4 if "conv_up2.weight" in tensors else 2
    if "conv_before_upsample.0.weight" in tensors:
        return "pixelshuffle", shuffled(tensors, "upsample")
    if "upsample.0.weight" in tensors:
        return "pixelshuffledirect", root(tensors["upsample.0.weight"].shape[0] // 3)
    raise ValueError("a SwinIR that does not upscale: it is for restoration at the same size")


def _compact(tensors: Tensors) -> Found:
    last = count(tensors, "body.N.") - 1
    config = CompactConfig(features=tensors["body.0.weight"].shape[0], blocks=(last - 2) // 2)
    return config, root(tensors[f"body.{last}.weight"].shape[0] // 3)


def _srcnn(tensors: Tensors) -> SrcnnConfig:
    first, second, third = (tensors[f"conv{number}.weight"].shape for number in (1, 2, 3))
    return SrcnnConfig(features=(first[0], second[0]), sides=(first[-1], second[-1], third[-1]))


def _three(tensors: Tensors) -> Found:
    scale = root(tensors["conv3.weight"].shape[0] // 3)
    if scale == 1:
        raise UnknownScaleError("an SRCNN", _srcnn(tensors))
    return EspcnConfig(
        features=(tensors["conv1.weight"].shape[0], tensors["conv2.weight"].shape[0])
    ), scale


def _dbpn(tensors: Tensors) -> Found:
    side = tensors["up1.up_conv1.deconv.weight"].shape[-1]
    scale = {taken: scale for scale, (taken, _) in SIDES.items()}[side]
    start, features = tensors["feat0.conv.weight"].shape[0], tensors["feat1.conv.weight"].shape[0]
    return DbpnConfig(
        start_features=start, features=features, stages=count(tensors, "upN.") - 1
    ), scale


def _plain(tensors: Tensors) -> Found:
    """An SRMD, or an IRCNN: whose convolutions see nothing but the picture."""
    inputs = tensors["model.0.weight"].shape[1]
    if inputs > 3:
        return _srmd(tensors)
    if inputs == 2:
        raise ValueError("plain convolutions of 2 channels; ours are grey or of colour")
    features, depth = tensors["model.0.weight"].shape[0], count(tensors, "model.N.weight") // 2 + 1
    if depth != len(DILATIONS):
        raise ValueError(f"an IRCNN of {depth} convolutions; ours has {len(DILATIONS)}")
    return IrcnnConfig(features=features, grey=inputs == 1), 1


def _srmd(tensors: Tensors) -> Found:
    inputs = tensors["model.0.weight"].shape[1]
    if f"{CODE}mean" in tensors:
        code, side = (int(tensors[f"{CODE}{name}"].shape[0]) for name in ("basis", "mean"))
    else:
        code, side = PUBLISHED_CODE, None
    if inputs - 3 - code not in {0, 1}:
        raise ValueError(
            f"plain convolutions of {inputs} channels: an SRMD of {code} numbers for a kernel has "
            f"{3 + code} or {4 + code}"
        )
    depth = (count(tensors, "model.N.weight") + 1) // 2
    scale = root(tensors[f"model.{2 * depth - 2}.weight"].shape[0] // 3)
    if side == SrmdConfig().side(scale):
        side = None
    return SrmdConfig(
        features=tensors["model.0.weight"].shape[0],
        depth=depth,
        code=code,
        noise=inputs > 3 + code,
        kernel_size=side,
    ), scale


def _cleaned(tensors: Tensors) -> Found:
    inner = {
        key.removeprefix(INNER): value for key, value in tensors.items() if key.startswith(INNER)
    }
    network, scale = recognise(inner)
    features = int(tensors["cleaner.conv_first.weight"].shape[0])
    blocks = count(tensors, "cleaner.body.N.")
    config = CleanedConfig.model_validate(
        {"features": features, "blocks": blocks, "network": network.model_dump()}
    )
    return config, scale


FORMS: tuple[tuple[tuple[str, ...], Callable[[Tensors], Found]], ...] = (
    (("cleaner.conv_first.weight",), _cleaned),
    *GLOBAL_FORMS,
    *CNN_FORMS,
    *RECURSIVE_FORMS,
    (("layers.0.residual_group.blocks.0.norm1.weight",), _swinir),
    (("body.0.residual_group.0.rcab.0.weight",), _rcan),
    (("body.0.rdb1.conv1.weight",), _rrdbnet),
    (("body.0.conv1.weight", "conv_after_body.weight"), _edsr),
    (("body.0.conv1.0.weight", "conv_after_body.weight"), _edsr),
    (("body.0.conv1.weight", "upconv1.weight"), _srresnet),
    (("body.0.weight", "body.1.weight"), _compact),
    (("feat0.conv.weight", "up1.up_conv1.deconv.weight"), _dbpn),
    (("model.0.weight", "model.2.weight"), _plain),
    (("conv1.weight", "conv2.weight", "conv3.weight"), _three),
)
"""Keys that a network has and those above it in the list have not, and what reads the rest."""
