"""Losses: one line of `LOSSES` each.

Three kinds of calls, by what a loss looks at; `Gan` and `Cycle` are distinguished with isinstance:

- `loss(sr, hr)`: `l1`, `l2`, `charbonnier`, `content`, `style`, `tv`;
- `loss(sr, lr)`: `cycle`;
- `loss.generator(D(hr), D(sr))` and `loss.discriminator(D(hr), D(sr.detach()))`: `gan`.

Images are (B, 3, h, w) in [0, 1]; a loss is a number without its weight, which the trainer
multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from pairmill.models.losses.adversarial import Gan
from pairmill.models.losses.cycle import Cycle
from pairmill.models.losses.perceptual import Content, Style
from pairmill.models.losses.pixel import L1, L2, Charbonnier
from pairmill.models.losses.total_variation import TotalVariation
from pairmill.models.losses.vgg import Vgg
from pairmill.schemas.losses import ContentConfig, LossConfig, StyleConfig

Loss = nn.Module | Gan

LOSSES: dict[str, Callable[..., Loss]] = {
    "l1": L1,
    "l2": L2,
    "charbonnier": Charbonnier,
    "content": Content,
    "style": Style,
    "gan": Gan,
    "tv": TotalVariation,
    "cycle": Cycle,
}
"""Classes by the name of the loss; `content` and `style` take a `Vgg` too."""


def build(config: LossConfig, vgg: Vgg | None = None) -> Loss:
    """One loss, on the CPU in float32; all but `Gan`, which holds no tensors, are moved by
    `.to(device)`.

    Args:
        config: which, and its settings.
        vgg: features for `content` and `style`, from `pairmill.models.losses.vgg.read_vgg`; may be
            shared between losses.

    Raises:
        ValueError: if `content` or `style` gets no features.
    """
    more: dict[str, Any] = {}
    if isinstance(config, ContentConfig | StyleConfig):
        if vgg is None:
            raise ValueError(f"loss {config.loss} needs VGG-19's features")
        more["vgg"] = vgg
    return LOSSES[config.loss](config, **more)
