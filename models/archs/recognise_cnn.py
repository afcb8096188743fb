"""What names and shapes of weights say of the convolutional networks between SRCNN and RCAN."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from pairmill.models.archs.fsrcnn import PADDING, SIDE
from pairmill.models.archs.keys import Tensors
from pairmill.models.archs.projections import SIDES
from pairmill.models.archs.shapes import Found, UnknownScaleError, count, root, shuffled
from pairmill.schemas.networks.carn import CarnConfig
from pairmill.schemas.networks.fsrcnn import FsrcnnConfig
from pairmill.schemas.networks.idn import IdnConfig
from pairmill.schemas.networks.mdsr import MdsrConfig
from pairmill.schemas.networks.msrn import MsrnConfig
from pairmill.schemas.networks.rdn import RdnConfig
from pairmill.schemas.networks.srdensenet import SrDenseNetConfig
from pairmill.schemas.networks.srfbn import SrfbnConfig
from pairmill.schemas.networks.vdsr import VdsrConfig


def _fsrcnn(tensors: Tensors) -> Found:
    features, channels, side = tensors["last_part.weight"].shape[:3]
    config = FsrcnnConfig(
        features=features,
        shrunk=tensors["mid_part.0.weight"].shape[0],
        depth=count(tensors, "mid_part.N.") // 2 - 2,
        published=side == SIDE,
        luma=channels == 1,
    )
    if config.published:
        raise UnknownScaleError("an FSRCNN as published", config)
    return config, side - 2 * PADDING


def _vdsr(tensors: Tensors) -> Found:
    features, channels = tensors["conv_first.weight"].shape[:2]
    config = VdsrConfig(
        features=features,
        depth=2 + count(tensors, "body.N.weight"),
        bias="conv_last.bias" in tensors,
        luma=channels == 1,
    )
    raise UnknownScaleError("a VDSR", config)


def _carn(tensors: Tensors) -> Found:
    features, inputs = tensors["body.b1.b1.conv1.weight"].shape[:2]
    found = {int(match[1]) for key in tensors if (match := re.match(r"upsample\.up(\d+)\.", key))}
    heads, mobile = tuple(sorted(found)), "body.b1.b1.conv3.weight" in tensors
    config = CarnConfig(features=features, mobile=mobile, heads=heads if len(heads) > 1 else ())
    if mobile:
        config = config.with_(groups=features // inputs)
    return config, heads[-1]


def _rdn(tensors: Tensors) -> Found:
    growth, layers = tensors["conv_last.weight"].shape[1], count(tensors, "body.0.convs.N.")
    entries = range(0, count(tensors, "upsample.N.weight"), 2)
    config = RdnConfig(
        features=tensors["conv_first.weight"].shape[0],
        blocks=count(tensors, "body.N."),
        layers=layers,
        growth=growth,
    )
    return config, math.prod(
        root(tensors[f"upsample.{entry}.weight"].shape[0] // growth) for entry in entries
    )


def _srfbn(tensors: Tensors) -> Found:
    features, side = tensors["block.ups.0.deconv.weight"].shape[1:3]
    scale = {taken: scale for scale, (taken, _) in SIDES.items()}[side]
    return SrfbnConfig(features=features, groups=count(tensors, "block.ups.N.")), scale


def _msrn(tensors: Tensors) -> Found:
    features = tensors["conv_first.weight"].shape[0]
    config = MsrnConfig(features=features, blocks=count(tensors, "body.N."))
    return config, shuffled(tensors, "upsample")


def _mdsr(tensors: Tensors) -> Found:
    heads = tuple(
        shuffled(tensors, f"upsample.{number}")
        for number in range(count(tensors, "pre_process.N."))
    )
    config = MdsrConfig(
        features=tensors["conv_first.weight"].shape[0],
        blocks=count(tensors, "body.N.conv1."),
        heads=heads if len(heads) > 1 else (),
    )
    return config, heads[-1]


def _idn(tensors: Tensors) -> Found:
    features, both = tensors["body.0.compress.weight"].shape[:2]
    config = IdnConfig(features=features, kept=both - features, blocks=count(tensors, "body.N."))
    return config, root(tensors["conv_last.weight"].shape[0] // 3)


def _srdensenet(tensors: Tensors) -> Found:
    growth, features = tensors["body.0.convs.0.weight"].shape[:2]
    config = SrDenseNetConfig(
        features=features,
        blocks=count(tensors, "body.N."),
        layers=count(tensors, "body.0.convs.N."),
        growth=growth,
        fused=tensors["fuse.weight"].shape[0],
    )
    ups = range(count(tensors, "upsample.N.weight"))
    return config, math.prod(tensors[f"upsample.{up}.weight"].shape[-1] - 2 for up in ups)


CNN_FORMS: tuple[tuple[tuple[str, ...], Callable[[Tensors], Found]], ...] = (
    (("first_part.0.weight", "last_part.weight"), _fsrcnn),
    (("body.b1.b1.conv1.weight",), _carn),
    (("body.0.convs.0.weight", "conv_second.weight"), _rdn),
    (("body.0.convs.0.weight", "fuse.weight"), _srdensenet),
    (("block.ups.0.deconv.weight",), _srfbn),
    (("body.0.small1.weight",), _msrn),
    (("pre_process.0.0.conv1.weight",), _mdsr),
    (("body.0.compress.weight",), _idn),
    (("conv_first.weight", "body.0.weight", "conv_last.weight"), _vdsr),
)
"""As `recognise.FORMS`, of which it is a part."""
