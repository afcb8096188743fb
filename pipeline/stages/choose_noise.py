"""Choose how a group of photographs gets its noise: LR is made of the same HR by the same kernels
with patches by level and with noise on the sensor, and what classifiers tell less easily from the
photographs is taken.

Patches are taken where the other is not clearly nearer, for they leave the scene alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets, load_assets, pool_digest, write_pool
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.degraders.realsr import RealSr
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.realism.compare import auc
from pairmill.pipeline.rng import pick, stream
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.trial_tiles import cut_tile
from pairmill.pipeline.workspace import layout
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.hr import HrTile
from pairmill.schemas.image import ImageRecord
from pairmill.schemas.noise_choice import (
    ChoiceConfig,
    ChoiceManifest,
    ChoicePayload,
    GroupChoice,
    WayRealism,
)
from pairmill.schemas.noise_levels import NoiseWay
from pairmill.schemas.realism import RealismResult

Image = NDArray[np.uint8]
WAYS: tuple[NoiseWay, ...] = ("by_level", "raw")
"""The ways that are compared."""
NUMBERED: tuple[NoiseWay, ...] = (*WAYS, "none")
"""Rows of the pool are numbers of these."""
CLEARLY = 0.03
"""How much nearer noise on the sensor must be to be taken, as a difference of AUC."""
PARTS = 16
"""Most parts of a photograph that LR is compared with."""


@dataclass(frozen=True)
class Inputs:
    """What is compared."""

    groups: Sequence[tuple[ImageRecord, ...]]
    """Photographs of each group."""
    hr: tuple[HrTile, ...]
    """What LR is made of."""
    places: tuple[str, ...]
    """Zarr groups of the config's pools."""


def plan(inputs: Inputs, config: ChoiceConfig) -> list[ChoicePayload]:
    """One unit per group."""
    return [
        ChoicePayload(group=number, photographs=group, hr=inputs.hr, places=inputs.places)
        for number, group in enumerate(inputs.groups)
    ]


def work(
    units: Sequence[Unit[ChoicePayload]], config: ChoiceConfig, context: Context
) -> Iterator[GroupChoice]:
    """Make LR both ways, and compare it with the photographs."""
    workspace = context.profile.workspace
    pools = Pools(**{pool.kind: PoolInfo.of(pool) for pool in config.pools})
    if "noise" not in pools:
        yield from [without_patches(pools["noise_levels"]) for _ in units]
        return
    if not pools["noise_levels"].raw:
        yield from [
            GroupChoice(way="by_level", why="no noise on a sensor was found") for _ in units
        ]
        return
    for unit in units:
        one = unit.payload
        assets = load_assets(workspace, tuple(zip(config.pools, one.places, strict=True)))
        tiles = [cut_tile(workspace, config.side, n, one.hr) for n in range(len(one.hr))]
        sources = [tile.image.pixel_sha256 for tile in one.hr]
        real, whose = _photographs(one.photographs, config)
        lr = partial(_lr, tiles, config, pools, assets, one.group)
        found = [auc(real, lr(way), config.realism, (whose, sources)) for way in WAYS]
        yield choice(*found)


def without_patches(levels: PoolInfo) -> GroupChoice:
    """What is left where no photograph of any group gave a patch."""
    missing = "no patch of any photograph is flat enough to show its noise"
    if levels.raw:
        return GroupChoice(way="raw", why=f"{missing}, so noise is made on the sensor")
    return GroupChoice(way="none", why=f"{missing}, nor is any block, so LR gets no noise")


def choice(by_level: RealismResult, raw: RealismResult) -> GroupChoice:
    """What to take, and why."""
    sides = _figure(by_level), _figure(raw)
    if sides[0] is None or sides[1] is None:
        return GroupChoice(
            way="by_level", why=f"the ways cannot be compared: {by_level.problem or raw.problem}"
        )
    nearer = sides[0].auc - sides[1].auc
    way, said = WAYS[0], "noise by level is nearer to the photographs"
    if nearer > CLEARLY:
        way, said = WAYS[1], "noise on the sensor is nearer to the photographs"
    elif nearer > -CLEARLY:
        said = "both ways of noise are as near to the photographs, and by level leaves scenes alone"
    why = f"{said}: AUC {sides[0].auc:.2f} by level, {sides[1].auc:.2f} on the sensor"
    return GroupChoice(way=way, why=why, by_level=sides[0], raw=sides[1])


def _figure(result: RealismResult) -> WayRealism | None:
    if result.auc is None or result.interval is None:
        return None
    return WayRealism(auc=result.auc, interval=result.interval)


def _lr(
    tiles: Sequence[Image],
    config: ChoiceConfig,
    pools: Pools,
    assets: Assets,
    group: int,
    way: NoiseWay,
) -> list[Image]:
    """LR of every tile; the kernel of each is the same in both ways."""
    degrader = degraders.build(RealSrConfig(noise=way), config.scale, pools)
    assert isinstance(degrader, RealSr)
    # Where rows of pools are of no group, there is nothing to restrict a draw to.
    own = group if pools["kernels"].groups or pools["noise"].groups else None
    return [
        apply(degrader.draw_of(stream(config.seed, "choose", n), tile.shape[:2], own), tile, assets)
        for n, tile in enumerate(tiles)
    ]


def _photographs(
    photographs: Sequence[ImageRecord], config: ChoiceConfig
) -> tuple[list[Image], list[str]]:
    """Parts as large as LR, and the photograph of each. They begin anywhere, as samples do: not on
    the grid of JPEG's blocks.
    """
    side, parts, whose = config.side // config.scale, list[Image](), list[str]()
    for record in photographs:
        image, rng = load(record), stream(config.seed, "parts", record.pixel_sha256)
        rows, columns = (length - side + 1 for length in image.shape[:2])
        if min(rows, columns) < 1:
            continue
        for _ in range(min(PARTS, (rows + side - 1) * (columns + side - 1) // side**2)):
            top, left = pick(rng, rows), pick(rng, columns)
            parts.append(image[top : top + side, left : left + side])
            whose.append(record.pixel_sha256)
    return parts, whose


def seal(
    units: Sequence[Unit[ChoicePayload]],
    records: Sequence[GroupChoice],
    config: ChoiceConfig,
    context: Context,
    key: str,
) -> ChoiceManifest:
    """Write the numbers of the ways."""
    items = np.array([[NUMBERED.index(one.way)] for one in records], np.uint8)
    group = layout.pool_group(context.stage, key)
    write_pool(context.storage, group, "noise_choice", items, {})
    return ChoiceManifest(
        digest=pool_digest(items),
        groups=tuple(records),
        photographs=tuple(unit.payload.photographs[0].pixel_sha256 for unit in units),
    )


STAGE = Stage(
    name="choose_noise",
    version=2,
    title="decide noise",
    noun="groups",
    record=GroupChoice,
    manifest=ChoiceManifest,
    plan=plan,
    work=work,
    seal=seal,
)
