"""Try chains: draw programs of a chain, all of it or one sub-range of every setting at a time, and
measure what they do to HR tiles.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets, load_assets
from pairmill.pipeline.chains.narrow import draw_cell
from pairmill.pipeline.chains.settings import settings
from pairmill.pipeline.chains.transfer import describe
from pairmill.pipeline.chains.twin import Twin
from pairmill.pipeline.degraders.base import Degrader, PoolInfo, Pools
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import pick, stream
from pairmill.pipeline.runner.stage import Context, Profile, Stage, Unit
from pairmill.pipeline.stages.payload import npz_bytes
from pairmill.pipeline.stages.trial_tiles import cut_tile
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import (
    Tried,
    TriedChain,
    TryConfig,
    TryPayload,
    TryRecord,
    TwinConfig,
)
from pairmill.schemas.hr import HrTile

FILE = "tried.npz"
UNIT = 50
"""Trials of a unit: some seconds."""
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Inputs:
    """What a chain is tried on, and how often."""

    hr: tuple[HrTile, ...]
    places: tuple[str, ...]
    """Zarr groups of the config's pools."""
    trials: int


def plan(inputs: Inputs, config: TryConfig) -> list[TryPayload]:
    """One unit per some trials."""
    return [
        TryPayload(
            first=first,
            count=min(UNIT, inputs.trials - first),
            hr=inputs.hr,
            places=inputs.places,
        )
        for first in range(0, inputs.trials, UNIT)
    ]


def work(
    units: Sequence[Unit[TryPayload]], config: TryConfig, context: Context
) -> Iterator[TryRecord]:
    """Draw, apply and measure; `tried.npz` has what was measured, (n, F), the number of the option
    of every setting, (n, settings), and the first LR of each trial where all of the chain is drawn
    from, (n, side, side, 3).
    """
    pools = Pools(**{pool.kind: PoolInfo.of(pool) for pool in config.pools})
    for unit in units:
        one = unit.payload
        assets = load_assets(
            context.profile.workspace, tuple(zip(config.pools, one.places, strict=True))
        )
        found = [
            _trial(number, config, one.hr, context.profile.workspace, pools, assets)
            for number in range(one.first, one.first + one.count)
        ]
        values, options, lr = (np.stack(part) for part in zip(*found, strict=True))
        kept = lr[:0] if config.bins else lr
        context.write(unit, FILE, npz_bytes(values=values, options=options, lr=kept))
        yield TryRecord(count=one.count)


def _trial(
    number: int,
    config: TryConfig,
    tiles: Sequence[HrTile],
    workspace: str,
    pools: Pools,
    assets: Assets,
) -> tuple[NDArray[np.float64], NDArray[np.intp], Image]:
    rng = stream(config.seed, "try", number)
    numbers = [pick(rng, len(tiles)) for _ in range(config.tiles)]
    chosen = [cut_tile(workspace, config.side, number, tiles) for number in numbers]
    chain, options = _drawn(rng, config)
    degrader = build(chain, config.scale, pools)
    programs = [degrader.draw(rng, (tile.shape[0], tile.shape[1])) for tile in chosen]
    pairs = [
        (tile, apply(program, tile, assets)) for tile, program in zip(chosen, programs, strict=True)
    ]
    return describe(pairs), np.array(options, np.intp), pairs[0][1]


def _drawn(rng: np.random.Generator, config: TryConfig) -> tuple[TriedChain, list[int]]:
    if not config.bins:
        return config.chain, []
    return draw_cell(rng, config.chain, settings(config.chain, config.scale), config.bins)


def build(chain: TriedChain, scale: int, pools: Pools) -> Degrader:
    """The degrader of a chain, or of the camera."""
    if isinstance(chain, TwinConfig):
        return Twin(chain, scale, pools)
    return degraders.build(chain, scale, pools)


def read_tried(storage: Storage, tried: Tried) -> dict[str, NDArray[Any]]:
    """What all trials gave: `values`, `options` and `lr`, see `work`."""
    parts = [
        np.load(io.BytesIO(storage.read(f"{layout.unit_folder(STAGE.name, key)}/{FILE}")))
        for key in tried.units
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files}


def seal(
    units: Sequence[Unit[TryPayload]],
    records: Sequence[TryRecord],
    config: TryConfig,
    context: Context,
    key: str,
) -> Tried:
    """List the units."""
    return Tried(units=tuple(unit.key for unit in units))


def batch(config: TryConfig, profile: Profile) -> int:
    """As many units as there are, which share the HR images that they read."""
    return 64


STAGE = Stage(
    name="try_chains",
    version=1,
    title="try chains",
    noun="batches",
    record=TryRecord,
    manifest=Tried,
    plan=plan,
    work=work,
    seal=seal,
    batch=batch,
)
