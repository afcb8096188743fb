"""Pool noise levels: by how much each noise patch is made stronger or weaker at any level, as the
noise of its camera follows level.

The noise of a group of photographs against level comes from flat blocks of all of them, those that
gave no patch too. Patches are shared out among all photographs of the group, those that gave none
too: each is made as strong as the noise of the one that it is given to. Beside the curve stands how
noise hangs together, from the patches, and on request the noise on the sensor that would make the
curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.correlation import correlation, moments
from pairmill.models.camera.flat_blocks import WHITE, fine_noise
from pairmill.models.camera.levels import LevelNoise, NoiseLevels, noise_by_level
from pairmill.models.camera.raw_noise import raw_noise
from pairmill.models.functional.chroma import LUMA
from pairmill.pipeline.assets import columns_of, pool_digest, read_pool, write_pool
from pairmill.pipeline.degraders.sampling import short
from pairmill.pipeline.noise.inject import LEVELS
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.measure_photographs import read_blocks
from pairmill.pipeline.stages.mine_noise import MinedNoise, MinedRef, read_candidates
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.noise import NoisePoolManifest
from pairmill.schemas.noise_levels import (
    CorrelatedNoise,
    GroupNoise,
    NoiseLevelsConfig,
    NoiseLevelsManifest,
    NoisePoint,
    PatchLevel,
    RawNoise,
)
from pairmill.schemas.pool import MeasuredPhotographs, MeasureRef
from pairmill.schemas.work import Payload

UNIT = 2.0**-10
"""Gains are multiples of this."""
LEAST = 0.05
"""Weakest noise that a gain is reckoned from, in intensity levels."""
CHANGE = (0.25, 4.0)
"""How much weaker and stronger a patch is made at its own level, at most."""
PARTS: tuple[Literal["dark", "middle", "bright"], ...] = ("dark", "middle", "bright")
"""Thirds of the levels."""
SIDE = 64
"""Side of the part of a patch that correlation is measured on, in pixels."""


@dataclass(frozen=True)
class Inputs:
    """What gains come from."""

    groups: Sequence[Sequence[str]]
    """Pixel digests of the photographs of each camera."""
    measured: MeasuredPhotographs
    mined: MinedNoise
    pool: NoisePoolManifest
    """What is known of the patches."""
    patches: str
    """The zarr group that holds them."""
    restored: Sequence[str] = ()
    """Pixel digests of the photographs whose noise is as it was before compression."""


class LevelsPayload(Payload):
    """All of it: a group needs its photographs, a patch its group."""

    groups: tuple[tuple[MeasureRef, ...], ...]
    """Photographs of each camera."""
    images: tuple[MinedRef, ...]
    """Where patches were mined, one per photograph that gave any."""
    pool: NoisePoolManifest
    """What is known of the patches."""
    patches: str
    """The zarr group that holds them."""
    restored: tuple[str, ...] = ()
    """Photographs whose noise is as it was before compression."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"noise levels of {len(self.groups)} cameras"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        groups = [[ref.key for ref in group] for group in self.groups]
        return [groups, [ref.key for ref in self.images], self.pool.digest, sorted(self.restored)]


def plan(inputs: Inputs, config: NoiseLevelsConfig) -> list[LevelsPayload]:
    """One unit."""
    refs = {ref.measure.image: ref for ref in inputs.measured.photographs}
    having = {patch.image for patch in inputs.pool.patches}
    return [
        LevelsPayload(
            groups=tuple(tuple(refs[image] for image in group) for group in inputs.groups),
            images=tuple(ref for ref in inputs.mined.images if ref.survey.image in having),
            pool=inputs.pool,
            patches=inputs.patches,
            restored=tuple(inputs.restored),
        )
    ]


def work(
    units: Sequence[Unit[LevelsPayload]], config: NoiseLevelsConfig, context: Context
) -> Iterator[NoiseLevelsManifest]:
    """Fit each group, then write the gains of all patches."""
    for unit in units:
        payload = unit.payload
        levels, products = _patches(context.storage, payload)
        noise = read_pool(context.storage, payload.patches, "noise")
        items = np.zeros((len(levels), 3, LEVELS + 1), np.float32)
        whole = frozenset(payload.restored)
        found, groups = list[NoiseLevels](), list[GroupNoise]()
        for group in payload.groups:
            blocks = [read_blocks(context.storage, ref) for ref in group]
            found.append(noise_by_level(blocks, config.min_blocks))
            images = [ref.measure.image for ref in group]
            mine = np.flatnonzero([patch.image in images for patch in payload.pool.patches])
            correlated = _correlated(levels[mine], products[mine])
            groups.append(_record(found[-1], images, correlated))
            if not len(mine) or not any(found[-1].channels):
                items[mine] = unchanged(levels[mine])
                continue
            for row, strength in zip(mine, _shared_out(found[-1], len(mine)), strict=True):
                restored = payload.pool.patches[row].image in whole
                own = own_noise(noise[row], levels[row], found[-1], restored=restored)
                items[row] = gains(strength * found[-1].curves(), levels[row], own)
        if config.raw:
            groups = _with_raw(groups, found)
        name = f"{layout.unit_folder(context.stage, unit.key)}/pool.zarr"
        patches = tuple(
            PatchLevel(image=patch.image, red=level[0], green=level[1], blue=level[2])
            for patch, level in zip(payload.pool.patches, levels.tolist(), strict=True)
        )
        write_pool(context.storage, name, "noise_levels", items, columns_of(patches))
        yield NoiseLevelsManifest(
            digest=pool_digest(items), count=len(items), groups=tuple(groups), patches=patches
        )


def own_noise(
    patch: NDArray[np.floating],
    level: NDArray[np.float64],
    found: NoiseLevels,
    *,
    restored: bool,
) -> NDArray[np.float64]:
    """Standard deviation of the noise of a patch, (3,): of each channel by itself, or by luma where
    the curves are.

    Channels of noise behind a mosaic go together, so that their luma is stronger than that of
    channels that are as strong and go apart, which curves by luma take for granted. Restored noise
    is as much stronger in all channels as its luma is, than the curves say at its levels.

    Args:
        patch: (p, p, 3), its noise.
        level: (3,), its means, in intensity levels.
        found: of its camera.
        restored: Whether the noise is as it was before compression.
    """
    own = np.sqrt(fine_noise(patch, by_luma=found.by_luma, rounded=not restored))
    if not (found.by_luma and restored):
        return np.asarray(own)
    place = np.rint(np.clip(level, 0, LEVELS - 1)).astype(int)
    there = found.curves()[np.arange(3), place]
    return np.asarray(own * there / np.sqrt(np.square(LUMA * there).sum() / WHITE))


def _shared_out(found: NoiseLevels, patches: int) -> NDArray[np.float64]:
    """(patches,): strengths of the photographs in turn, of evenly spaced ones where patches are
    fewer.
    """
    strengths = found.usual_strengths()
    turns = np.arange(patches) * max(len(strengths) / patches, 1)
    return np.asarray(strengths[turns.astype(int) % len(strengths)])


def gains(
    curves: NDArray[np.float64], level: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Gains of a patch, (3, 257): see `pairmill.pipeline.noise.inject.by_level`.

    Args:
        curves: (3, 256), standard deviation that the noise of R, G and B is to have at every level.
        level: (3,), means of the patch, in intensity levels.
        own: (3,), standard deviation of its noise.
    """
    place = np.rint(np.clip(level, 0, LEVELS - 1))
    strong = np.maximum(curves, LEAST)
    there = strong[np.arange(3), place.astype(int)]
    change = np.clip(there / np.maximum(own, LEAST), *CHANGE)
    factors = strong * (change / there)[:, None]
    rounded = np.rint(factors / UNIT) * UNIT
    return np.concatenate([rounded, place[:, None]], axis=1).astype(np.float32)


def unchanged(levels: NDArray[np.float64]) -> NDArray[np.float32]:
    """Gains of patches, (n, 3, 257), of which nothing is known but their levels, (n, 3)."""
    items = np.ones((len(levels), 3, LEVELS + 1), np.float32)
    items[:, :, LEVELS] = np.rint(levels)
    return items


def _patches(
    storage: Storage, payload: LevelsPayload
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of each patch, (patches, 3), rounded so that records are short; and the products that
    correlation is reckoned from, (patches, 7).
    """
    refs = {ref.survey.image: ref for ref in payload.images}
    means, products = list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    for image, group in groupby(payload.pool.patches, key=lambda patch: patch.image):
        table, mined = read_candidates(storage, refs[image], "table", "patches")
        places = {(row["top"], row["left"]): number for number, row in enumerate(table)}
        for patch in group:
            pixels = mined[places[patch.top, patch.left]]
            means.append(_mean(pixels))
            products.append(moments(residual(pixels[:SIDE, :SIDE])))
    if not means:
        return np.zeros((0, 3)), np.zeros((0, 7))
    return np.asarray(np.round(np.stack(means), 2)), np.stack(products)


def _mean(patch: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(patch.mean((0, 1), dtype=np.float64))


def _correlated(
    levels: NDArray[np.float64], products: NDArray[np.float64]
) -> tuple[CorrelatedNoise, ...]:
    """How the noise of the patches of a group hangs together, of the thirds that have any."""
    third = np.minimum(levels @ LUMA * len(PARTS) / LEVELS, len(PARTS) - 1).astype(int)
    records = []
    for number, part in enumerate(PARTS):
        inside = third == number
        if inside.any():
            found = correlation(list(products[inside]))
            values = {name: round(value, 3) for name, value in asdict(found).items()}
            records.append(
                CorrelatedNoise(part=part, patches=int(inside.sum()), white=found.white, **values)
            )
    return tuple(records)


def _with_raw(groups: Sequence[GroupNoise], found: Sequence[NoiseLevels]) -> list[GroupNoise]:
    """Noise on the sensor of each group; of one without a level, as of all groups together."""
    together = [[one for group in found for one in group.channels[number]] for number in range(3)]
    return [
        record.with_(raw=_raw(levels.channels, levels.spread) or _raw(together, levels.spread))
        for record, levels in zip(groups, found, strict=True)
    ]


def _raw(channels: Sequence[Sequence[LevelNoise]], spread: float) -> RawNoise | None:
    found = raw_noise(channels)
    if found is None:
        return None
    return RawNoise(
        shot=short(found.shot),
        read=short(found.read),
        red_gain=found.red_gain,
        blue_gain=found.blue_gain,
        tone=found.tone,
        spread=round(spread, 4),
    )


def _record(
    found: NoiseLevels, images: Sequence[str], correlated: tuple[CorrelatedNoise, ...]
) -> GroupNoise:
    red, green, blue = (_points(channel) for channel in found.channels)
    return GroupNoise(
        photographs=tuple(images),
        red=red,
        green=green,
        blue=blue,
        spread=round(found.spread, 4),
        correlation=correlated,
    )


def _points(channel: Sequence[LevelNoise]) -> tuple[NoisePoint, ...]:
    return tuple(
        NoisePoint(level=round(one.level, 2), std=round(one.std, 4), blocks=one.blocks)
        for one in channel
    )


def seal(
    units: Sequence[Unit[LevelsPayload]],
    records: Sequence[NoiseLevelsManifest],
    config: NoiseLevelsConfig,
    context: Context,
    key: str,
) -> NoiseLevelsManifest:
    """Give the pool its place."""
    source = f"{layout.unit_folder(context.stage, units[0].key)}/pool.zarr"
    context.storage.link_tree(source, layout.pool_group(context.stage, key))
    return records[0]


STAGE = Stage(
    name="pool_noise_levels",
    version=4,
    title="fit noise levels",
    noun="pool",
    record=NoiseLevelsManifest,
    manifest=NoiseLevelsManifest,
    plan=plan,
    work=work,
    seal=seal,
)
