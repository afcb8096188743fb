"""What other tools read of our networks, and weights that agree with what they take for granted.

A checkpoint does not say what a network counts white as (its range): spandrel, which chaiNNer and
others use, assumes 255 for RCAN and for a SwinIR with windows of 7, and 1 for any other SwinIR. The
range is a factor before the first convolution and its inverse after the last, so that weights of
one range become those of another without a change of the result.
"""

from __future__ import annotations

import re

from pairmill.models.archs.keys import CONVENTIONS, Tensors, convention_of
from pairmill.models.archs.recognise import INNER, range_of_window
from pairmill.schemas.network import AnyNetworkConfig, CleanedConfig
from pairmill.schemas.networks.base import NetworkBase
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.ipt import IptConfig
from pairmill.schemas.networks.rcan import RcanConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from pairmill.schemas.networks.swinir import SwinIrConfig

SPANDREL = "version 0.4.2"
GROWTH = 32
"""Of an RRDBNet, as others assume."""
HEADS = 12
"""Of an IPT, as others assume."""
FIRST = (r"conv_first", r"conv_first\.conv", r"first\.x\d+")
"""First convolutions of the networks that have a range: all layers of the first of these forms that
a network has."""
LAST = (r"conv_last", r"upscale\.filters", r"last\.x\d+", r"upsample\.0")
"""Their last ones, likewise."""
RANGE = 255.0
"""Of RCAN, EDSR and IPT, as others assume."""


def unread_by_others(config: NetworkBase) -> str | None:
    """Why spandrel does not read a network, whatever names its weights have; none if it does."""
    if isinstance(config, CompactConfig | SwinIrConfig):
        return None
    if isinstance(config, RrdbNetConfig):
        return None if config.growth == GROWTH else f"it assumes growth {GROWTH}"
    if isinstance(config, RcanConfig):
        return None if config.residual_scale == 1 else "it assumes residual_scale 1"
    if isinstance(config, IptConfig):
        wanted = {
            f"{HEADS} heads": config.heads == HEADS,
            f"range {RANGE:g}": config.range == RANGE,
        }
        other = " and ".join(words for words, same in wanted.items() if not same)
        return f"it assumes {other}" if other else None
    return f"{SPANDREL} has no {config.arch} of this kind"


def names_for_others(config: AnyNetworkConfig) -> str:
    """The convention by which most programs know a network: spandrel's where it reads the network,
    else ours, which are BasicSR's.
    """
    if isinstance(config, RcanConfig | IptConfig) and unread_by_others(config) is None:
        return config.arch
    return "ours"


def as_others_assume(config: AnyNetworkConfig) -> AnyNetworkConfig:
    """The settings, with the range that other tools take for granted."""
    if isinstance(config, SwinIrConfig):
        return config.with_(range=range_of_window(config.window))
    if isinstance(config, RcanConfig | EdsrConfig | IptConfig):
        return config.with_(range=RANGE)
    return config


def assumed_of(tensors: Tensors, config: AnyNetworkConfig) -> AnyNetworkConfig:
    """The settings, with the range of a file that has no header and these weights: what its names
    say, or else what other tools take for granted.
    """
    convention = CONVENTIONS.get(convention_of(tensors) or "")
    if convention and convention.range and convention.arch == config.arch:
        return config.with_(range=convention.range)
    return as_others_assume(config)


def in_range(tensors: Tensors, config: NetworkBase, other: NetworkBase) -> Tensors:
    """Weights of a network, by our names, as the same network with the range of `other` has them.

    The result differs by roundings of float32; where the ranges are equal, nothing does.
    """
    if isinstance(config, CleanedConfig) and isinstance(other, CleanedConfig):
        return _inner_in_range(tensors, config, other)
    own, wanted = (getattr(each, "range", 1.0) for each in (config, other))
    if own == wanted:
        return tensors
    first, last = (_layers(tensors, forms) for forms in (FIRST, LAST))
    factors = {f"{name}.weight": own / wanted for name in first}
    factors |= {f"{name}.{leaf}": wanted / own for name in last for leaf in ("weight", "bias")}
    return {
        key: value * factors[key] if key in factors else value for key, value in tensors.items()
    }


def _inner_in_range(tensors: Tensors, config: CleanedConfig, other: CleanedConfig) -> Tensors:
    inner = {
        key.removeprefix(INNER): value for key, value in tensors.items() if key.startswith(INNER)
    }
    found = in_range(inner, config.network, other.network)
    return tensors | {f"{INNER}{key}": value for key, value in found.items()}


def _layers(tensors: Tensors, forms: tuple[str, ...]) -> list[str]:
    """The layers of the first form that there is."""
    names = [key.removesuffix(".weight") for key in tensors if key.endswith(".weight")]
    found = ([name for name in names if re.fullmatch(form, name)] for form in forms)
    return next(filter(None, found), [])
