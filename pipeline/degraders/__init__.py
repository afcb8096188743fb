"""Degraders: distributions over programs. `DEGRADERS` is the table of all of them."""

from __future__ import annotations

from pipeline.degraders.base import Degrader, Pools
from pipeline.degraders.bicubic import Bicubic
from pipeline.degraders.realsr import RealSr
from schemas.degraders import DegraderConfig

__all__ = ["DEGRADERS", "Degrader", "Pools", "build"]

DEGRADERS: dict[str, type[Bicubic] | type[RealSr]] = {"bicubic": Bicubic, "realsr": RealSr}


def build(config: DegraderConfig, scale: int, pools: Pools) -> Degrader:
    """The degrader that a recipe asks for.

    Raises:
        UserError: if it cannot work at this scale or without a pool that is missing.
    """
    kind: type[Degrader] = DEGRADERS[config.kind]
    return kind(config, scale, pools)
