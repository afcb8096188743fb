"""Degraders: distributions over programs. `DEGRADERS` is the table of all of them."""

from __future__ import annotations

from importlib import import_module

from pairmill.pipeline.degraders.base import Degrader, Pools
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.degraders.base import DegraderBase

__all__ = ["DEGRADERS", "Degrader", "Pools", "build"]


def _class_of(kind: str, config: type[DegraderBase]) -> type[Degrader]:
    """What draws for a config: `pipeline/degraders/mine.py` has the class `Mine` for `MineConfig`
    of kind `mine`.
    """
    found: type[Degrader] = getattr(
        import_module(f"{__name__}.{kind}"), config.__name__.removesuffix("Config")
    )
    return found


DEGRADERS: dict[str, type[Degrader]] = {
    kind: _class_of(kind, config) for kind, config in CONFIGS.items()
}


def build(config: DegraderBase, scale: int, pools: Pools) -> Degrader:
    """The degrader that a recipe asks for.

    Raises:
        UserError: if it cannot work at this scale or without a pool that is missing.
    """
    return DEGRADERS[config.kind](config, scale, pools)
