"""The methods: one module each; `METHODS` is the table of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairmill.models.translation.method import AnyMethod
from pairmill.models.translation.methods.bulat import Bulat
from pairmill.models.translation.methods.cincgan import Cincgan
from pairmill.models.translation.methods.cyclesr import Cyclesr
from pairmill.models.translation.methods.dsgan import Dsgan
from pairmill.models.translation.methods.maeda import Maeda

METHODS: dict[str, Callable[..., AnyMethod]] = {
    "dsgan": Dsgan,
    "bulat": Bulat,
    "cincgan": Cincgan,
    "cyclesr": Cyclesr,
    "maeda": Maeda,
}
"""Classes by `TranslationBase.method`."""


def build(config: Any, scale: int, rng: Any, **more: Any) -> AnyMethod:
    """The networks and players of a method, on the CPU."""
    return METHODS[config.method](config, scale, rng, **more)
