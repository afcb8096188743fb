"""The discriminators: a table of them, and `build`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from pairmill.models.discriminators.patch import Patch
from pairmill.models.discriminators.unet import Unet
from pairmill.models.discriminators.vgg128 import Vgg128
from pairmill.models.keyed import keyed
from pairmill.schemas.discriminator import AnyDiscriminator

DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "vgg128": Vgg128,
    "patch": Patch,
    "unet": Unet,
}
"""Classes by kind."""


def build(config: AnyDiscriminator, seed: int = 0) -> nn.Module:
    """A discriminator with initial weights, on the CPU, in float32, for training.

    Args:
        config: its settings; `config.problem(side)` says whether it can judge patches of a side.
        seed: of the weights, drawn apart from those of a network of the same seed; no global
            generator moves.

    Returns:
        (B, 3, h, w) in [0, 1] to logits, (B, 1) or (B, 1, h', w').
    """
    arguments: dict[str, Any] = {"config": config, "rng": keyed(seed, "weights", 1)}
    return DISCRIMINATORS[config.kind](**arguments)
