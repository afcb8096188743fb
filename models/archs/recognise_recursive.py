"""What names and shapes of weights say of networks that apply a block again and again, and of
ProSR; how often is as published where only that would say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pairmill.models.archs.keys import Tensors
from pairmill.models.archs.shapes import Found, UnknownScaleError, count
from pairmill.schemas.networks.cnf import CnfConfig
from pairmill.schemas.networks.drcn import DrcnConfig
from pairmill.schemas.networks.drrn import DrrnConfig
from pairmill.schemas.networks.dsrn import DsrnConfig
from pairmill.schemas.networks.lapsrn import LapSrnConfig
from pairmill.schemas.networks.memnet import MemNetConfig
from pairmill.schemas.networks.prosr import ProSrConfig

PUBLISHED = 8
"""How often MS-LapSRN applies a block."""


def _drcn(tensors: Tensors) -> Found:
    features, channels = tensors["conv_first.weight"].shape[:2]
    recursions = len(tensors["shares"])
    config = DrcnConfig(features=features, recursions=recursions, luma=channels == 1)
    raise UnknownScaleError("a DRCN", config)


def _drrn(tensors: Tensors) -> Found:
    features, channels = tensors["begin.0.weight"].shape[:2]
    blocks = count(tensors, "begin.N.weight")
    raise UnknownScaleError(
        "a DRRN", DrrnConfig(features=features, blocks=blocks, luma=channels == 1)
    )


def _memnet(tensors: Tensors) -> Found:
    features, channels = tensors["conv_first.weight"].shape[:2]
    fused = tensors["memories.0.gate.weight"].shape[1] // features
    config = MemNetConfig(
        features=features,
        blocks=count(tensors, "memories.N."),
        recursions=fused - 1,
        luma=channels == 1,
    )
    raise UnknownScaleError("a MemNet", config)


def _cnf(tensors: Tensors) -> Found:
    features, channels = tensors["networks.0.0.weight"].shape[:2]
    depths = tuple(
        (count(tensors, f"networks.{number}.N.") + 1) // 2
        for number in range(count(tensors, "networks.N."))
    )
    raise UnknownScaleError(
        "a CNF", CnfConfig(features=features, depths=depths, luma=channels == 1)
    )


def _dsrn(tensors: Tensors) -> Found:
    embedded, features = (tensors[f"conv_{one}.weight"].shape[0] for one in ("first", "second"))
    return DsrnConfig(features=features, embedded=embedded), tensors["up.weight"].shape[-1]


def _prosr(tensors: Tensors) -> Found:
    found = {int(match[1]) for key in tensors if (match := re.match(r"first\.x(\d+)\.", key))}
    heads, first = tuple(sorted(found)), "doublings.0.blocks.0.layers"
    known = [
        count(tensors, f"doublings.{number}.blocks.N.")
        for number in range(count(tensors, "doublings.N."))
    ]
    config = ProSrConfig(
        features=tensors[f"first.x{heads[0]}.weight"].shape[0],
        growth=tensors[f"{first}.0.2.weight"].shape[0],
        layers=count(tensors, f"{first}.N."),
        heads=heads if len(heads) > 1 else (),
    )
    blocks = (*known, *config.blocks[len(known) :])
    return config.with_(blocks=blocks), heads[-1]


def _lapsrn(tensors: Tensors) -> Found:
    levels, again = count(tensors, "levels.N."), "levels.0.body.block.convs.0.weight" in tensors
    convs = "levels.0.body.block.convs.N." if again else "levels.0.convs.N."
    config = LapSrnConfig.model_validate(
        {
            "features": tensors["first.weight"].shape[0],
            "depth": count(tensors, convs),
            "recursions": PUBLISHED if again else 0,
            "side": tensors["levels.0.up.weight"].shape[-1],
        }
    )
    if levels == 1 and again:
        raise UnknownScaleError("an MS-LapSRN", config.with_(shared=True))
    # Levels that share their weights are published with recursions alone: one is for scale 2.
    return config, 2**levels


RECURSIVE_FORMS: tuple[tuple[tuple[str, ...], Callable[[Tensors], Found]], ...] = (
    (("shares", "recursion.block.0.weight"), _drcn),
    (("begin.0.weight", "blocks.0.block.convs.0.weight"), _drrn),
    (("shares", "memories.0.gate.weight"), _memnet),
    (("shares", "networks.0.0.weight"), _cnf),
    (("conv_second.weight", "low.0.weight", "high.0.weight"), _dsrn),
    (("doublings.0.blocks.0.layers.0.0.weight",), _prosr),
    (("levels.0.up.weight",), _lapsrn),
)
"""As `recognise.FORMS`, of which it is a part."""
