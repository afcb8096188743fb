"""What names and shapes of weights say: how many layers there are, and how much they upscale."""

from __future__ import annotations

import math
import re

from pairmill.models.archs.keys import Tensors
from pairmill.schemas.network import AnyNetworkConfig

Found = tuple[AnyNetworkConfig, int]
"""Settings of a network, and the scale that it is for."""


class UnknownNamesError(ValueError):
    """Weights by names of no network of ours."""


class UnknownScaleError(ValueError):
    """Weights that are the same at every scale; `config` is of their network."""

    def __init__(self, what: str, config: AnyNetworkConfig) -> None:
        super().__init__(f"{what}, whose weights do not tell the scale: it must be given")
        self.config = config


def count(tensors: Tensors, form: str) -> int:
    """One more than the largest number in place of `N` in a name that begins so.

    Raises:
        ValueError: if most numbers below the largest are missing: of layers that have weights and
            layers that have none, which take turns, half of them are there.
    """
    pattern = re.compile(re.escape(form).replace("N", r"(\d+)"))
    found = {int(match[1]) for key in tensors if (match := pattern.match(key))}
    largest = max(found, default=-1)
    if largest > 2 * len(found):
        raise ValueError(f"{form.replace('N', str(largest))} without most of those before it")
    return 1 + largest


def root(number: int) -> int:
    """Side of a square block of pixels that this many channels become."""
    side = math.isqrt(number)
    if side * side != number:
        raise ValueError(f"{number} channels cannot become square blocks of pixels")
    return side


def shuffled(tensors: Tensors, name: str) -> int:
    """Scale of an `Upsample`: entries 0, 2, ... with step**2 times as many channels out as in."""
    scale, entries = 1, count(tensors, f"{name}.N.weight")
    if not entries:
        raise ValueError(
            f"weights without {name}.0, the upsampling layer: a body alone, or no network for "
            "super-resolution"
        )
    for number in range(0, entries, 2):
        outputs, inputs = tensors[f"{name}.{number}.weight"].shape[:2]
        scale *= root(outputs // inputs)
    return scale
