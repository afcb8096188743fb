"""How noise follows level: gains of the noise patches, row for row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pairmill.pipeline.degraders.base import PoolInfo
from pairmill.pipeline.degraders.realsr import on_sensor
from pairmill.pipeline.pools.base import Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.items import Placing, PoolItems, placeholder
from pairmill.pipeline.pools.noise import NOISE
from pairmill.pipeline.pools.photographs import measured_photographs
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import mine_noise, pool_noise_levels
from pairmill.pipeline.workspace import layout
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.image import Role
from pairmill.schemas.noise_levels import (
    CorrelatedNoise,
    GroupNoise,
    NoiseLevelsConfig,
    NoiseLevelsManifest,
    RawNoise,
)
from pairmill.schemas.recipe import Recipe

CHANNELS = ("red", "green", "blue")
COLUMNS = ("group", "photographs", "differ by", *CHANNELS)
CORRELATION = ("group", "where", "patches", "along rows", "along columns", "R and G", "B and G")
STAND_IN = RawNoise(shot=0.1, read=1.0, red_gain=2.0, blue_gain=1.75, tone=True, spread=0.0)
"""Noise on the sensor before any is known."""


class NoiseLevelGains(PoolKind[NoiseLevelsManifest]):
    """Rows of (3, 257) float32: see `pairmill.pipeline.noise.inject.by_level`."""

    name = "noise_levels"
    stage = pool_noise_levels.STAGE
    required = False

    def make(self, making: Making) -> Sealed[NoiseLevelsManifest]:
        """Fit, from the flat blocks of all photographs and the patches that were chosen."""
        pool, degraders = making.of(NOISE), making.recipe.degraders
        config = making.recipe.noise.for_images(len(making.images.with_role(Role.REAL)))
        compression = making.needed(COMPRESSION)
        compressed = compression.manifest.rows() if compression is not None else ()
        inputs = pool_noise_levels.Inputs(
            groups=[group.photographs for group in making.groups.groups],
            measured=measured_photographs(making.recipe, making.images, making.run),
            mined=making.run(mine_noise.STAGE, making.images, config).manifest,
            pool=pool.manifest,
            patches=layout.pool_group(NOISE.stage.name, pool.key, NOISE.group),
            restored=[row.image for row in compressed],
        )
        raw = any(isinstance(one, RealSrConfig) and one.needs_raw for one in degraders)
        return making.run(pool_noise_levels.STAGE, inputs, NoiseLevelsConfig(raw=raw))

    def ref(self, manifest: NoiseLevelsManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        raw = tuple(group.raw for group in manifest.groups if group.raw is not None)
        return PoolRef(
            kind=self.name,
            digest=manifest.digest,
            count=manifest.count,
            side=3,
            raw=raw or None,
        )

    def check(self, recipe: Recipe, manifest: NoiseLevelsManifest) -> None:
        """Noise on the sensor is known, if a degrader makes all of its noise there.

        Raises:
            UserError: if not.
        """
        degraders = (one for one in recipe.degraders if isinstance(one, RealSrConfig))
        if any(one.noise == "raw" for one in degraders):
            on_sensor(PoolInfo.of(self.ref(manifest)))

    def photographs(self, manifest: NoiseLevelsManifest) -> tuple[str, ...]:
        """See `PoolKind.photographs`."""
        return tuple(patch.image for patch in manifest.patches)

    def tables(self, showing: Showing[NoiseLevelsManifest]) -> list[PoolTable]:
        """Noise against level of every group."""
        if showing.sealed is None:
            return []
        pool = showing.sealed.manifest
        names = [group.name for group in showing.making.groups.groups]
        rows = [_row(name, group) for name, group in zip(names, pool.groups, strict=True)]
        note = "  level: standard deviation, in intensity levels\n"
        tables = [PoolTable(f"noise by level {pool.digest[:12]}", COLUMNS, rows, (note,))]
        both = list(zip(names, pool.groups, strict=True))
        hanging = [_hanging(name, one) for name, group in both for one in group.correlation]
        if hanging:
            said = [_said(name, group) for name, group in both]
            said[-1] += "\n"
            tables.append(PoolTable("how noise hangs together", CORRELATION, hanging, said))
        return tables

    def placeholder(self, placing: Placing) -> PoolItems:
        """Gains of 1: noise as mined."""
        items = pool_noise_levels.unchanged(np.full((placing.recipe.noise.max_patches, 3), 128.0))
        note = "noise as mined; the build makes it follow the level of the LR."
        return replace(placeholder(self.name, items, note), raw=(STAND_IN,))

    def facts(self, columns: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Where it was mined."""
        levels = (f"{float(columns[channel]):.0f}" for channel in CHANNELS)
        yield "mined at R, G, B", ", ".join(levels)


def _hanging(name: str, one: CorrelatedNoise) -> list[object]:
    values = (one.along_rows, one.along_columns, one.red_green, one.blue_green)
    return [name, one.part, one.patches, *(f"{value:.2f}" for value in values)]


def _said(name: str, group: GroupNoise) -> str:
    """Whether the noise of a group is white, and what was fitted on its sensor."""
    coloured = [one.part for one in group.correlation if not one.white]
    white = f"is not white where {' and '.join(coloured)}" if coloured else "is white"
    if coloured and group.red == group.green == group.blue:
        white += " (JPEG alone may do that)"
    said = f"  {name}: the noise {white}" if group.correlation else f"  {name}: no patches"
    if group.raw is None:
        return said
    shot, read = group.raw.shot, group.raw.read
    return f"{said}; on the sensor: shot {shot:.3g}, read {read:.3g} raw intensity levels"


def _row(name: str, group: GroupNoise) -> list[object]:
    channels = (getattr(group, channel) for channel in CHANNELS)
    said = (
        ", ".join(f"{point.level:.0f}: {point.std:.2f}" for point in channel)
        for channel in channels
    )
    return [name, len(group.photographs), f"{100 * group.spread:.0f} %", *said]


NOISE_LEVELS = NoiseLevelGains()
