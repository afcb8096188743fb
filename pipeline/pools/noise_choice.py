"""Which way each group of photographs gets its noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pairmill.pipeline.pools.base import Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.items import Placing, PoolItems, placeholder
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.pools.noise import NOISE
from pairmill.pipeline.pools.noise_levels import NOISE_LEVELS
from pairmill.pipeline.realism.patches import PHASE
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import choose_noise
from pairmill.pipeline.stages.trial_tiles import trial_tiles
from pairmill.pipeline.subset import evenly
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.noise_choice import (
    ChoiceConfig,
    ChoiceManifest,
    WayRealism,
)
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.recipe import Recipe

PHOTOGRAPHS = 24
"""Most photographs of a group that LR is compared with."""
TILES = 96
"""Most HR tiles that LR is made of."""
SIDE = 64
"""Side of an LR at most, in pixels."""
LEAST = 16
"""Side of a compared patch at least; smaller LR are not compared."""
COLUMNS = ("group", "noise", "AUC by level", "AUC raw")
NAMES = {"by_level": "by level", "raw": "raw", "none": "none"}


class NoiseChoice(PoolKind[ChoiceManifest]):
    """Rows of (1,) uint8, one per group: numbers of `choose_noise.NUMBERED`."""

    name = "noise_choice"
    stage = choose_noise.STAGE
    required = False
    fitted = True

    def make(self, making: Making) -> Sealed[ChoiceManifest]:
        """Compare both ways with the photographs of each group."""
        pools, images = list(_drawn_from(making)), making.images.by_digest()
        config = _config(making.recipe, tuple(ref for ref, _ in pools))
        inputs = choose_noise.Inputs(
            groups=[
                tuple(
                    images[group.photographs[number]]
                    for number in evenly(len(group.photographs), PHOTOGRAPHS)
                )
                for group in making.groups.groups
            ],
            hr=tuple(
                trial_tiles(making.images, making.hr, making.recipe.tiles.size, config.side, TILES)
            ),
            places=tuple(place for _, place in pools),
        )
        return making.run(choose_noise.STAGE, inputs, config)

    def ref(self, manifest: ChoiceManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        ways = tuple(group.way for group in manifest.groups)
        return PoolRef(kind=self.name, digest=manifest.digest, count=len(ways), side=1, ways=ways)

    def photographs(self, manifest: ChoiceManifest) -> tuple[str, ...]:
        """See `PoolKind.photographs`."""
        return manifest.photographs

    def tables(self, showing: Showing[ChoiceManifest]) -> list[PoolTable]:
        """What was chosen, and why."""
        if showing.sealed is None:
            return []
        named = [group.name for group in showing.making.groups.groups]
        groups = list(zip(named, showing.sealed.manifest.groups, strict=True))
        rows = [
            [name, NAMES[one.way], _figure(one.by_level), _figure(one.raw)] for name, one in groups
        ]
        notes = [f"  {name}: {one.why}" for name, one in groups]
        notes[-1] += "\n"
        return [PoolTable("how noise is made", COLUMNS, rows, notes)]

    def placeholder(self, placing: Placing) -> PoolItems:  # noqa: ARG002
        """By level."""
        items = np.zeros((1, 1), np.uint8)
        return placeholder(self.name, items, "noise by level; the build compares it with raw.")


def _figure(way: WayRealism | None) -> str:
    if way is None:
        return ""
    low, high = way.interval
    return f"{way.auc:.2f} ({low:.2f} to {high:.2f})"


def _drawn_from(making: Making) -> Iterator[tuple[PoolRef, str]]:
    """The pools that LR is drawn from, with the zarr group that holds each."""
    kinds: list[PoolKind[Any]] = [KERNELS, NOISE, NOISE_LEVELS]
    if making.recipe.draws_from(COMPRESSION.name):
        kinds.append(COMPRESSION)
    for kind in kinds:
        yield from kind.pools(making.of(kind), making.groups)


def _config(recipe: Recipe, pools: tuple[PoolRef, ...]) -> ChoiceConfig:
    """LR as large as tiles allow, up to `SIDE`, of whole blocks of 8; smaller tiles give none."""
    lr = max(PHASE, min(SIDE, recipe.tiles.size // recipe.scale) // PHASE * PHASE)
    settings = RealismConfig(network=False, card=False, seed=recipe.seed)
    return ChoiceConfig(
        scale=recipe.scale,
        side=lr * recipe.scale,
        pools=pools,
        realism=settings.with_(patch=min(settings.patch, max(lr, LEAST))),
        seed=recipe.seed,
    )


NOISE_CHOICE = NoiseChoice()
