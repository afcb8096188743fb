"""What a fit of PDM starts from: kernels, noise and compression of the real images, read from the
pools that were made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.flat_blocks import fine_noise
from pairmill.models.camera.levels import LevelNoise, NoiseLevels
from pairmill.pipeline.assets import read_assets
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.tables import Encoder
from pairmill.pipeline.rng import stream
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Frozen
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.noise_levels import GroupNoise, NoisePoint

if TYPE_CHECKING:
    from pairmill.models.pdm.start import Codec, Start

MOST = 256
"""Most kernels, and most patches, that are read; of more, evenly spread ones."""
FIELD = 128
"""Side of the noise by which filters are made as strong as curves mean."""
PHASES = 16
"""Places at which an image may start inside its first block of 4:2:0."""


class StartRef(Frozen):
    """Where what was measured lies."""

    pools: tuple[PoolRef, ...]
    """Kernels, noise, and what else there is."""
    places: tuple[str, ...]
    """Their zarr groups."""
    cameras: tuple[int, ...]
    """The camera of each kernel, as its number among `noise`."""
    patches: tuple[int, ...]
    """The camera of each noise patch."""
    noise: tuple[GroupNoise, ...]
    """Noise against level of each camera."""

    def identity(self) -> Any:
        """What a fit that starts here depends on."""
        pools = [[pool.kind, pool.digest, pool.share] for pool in self.pools]
        return [pools, self.cameras, self.patches, [one.content_digest() for one in self.noise]]


def read_start(storage: Storage, ref: StartRef) -> Start:
    """Read the pools.

    Raises:
        IntegrityError: if one is missing or is not what it was.
    """
    from pairmill.models.pdm.start import Start

    assets = read_assets(storage, tuple(zip(ref.pools, ref.places, strict=True)))
    pools = {pool.kind: pool for pool in ref.pools}
    kernels, patches = (assets.items(pools[kind].digest) for kind in ("kernels", "noise"))
    rows = _evenly(len(kernels))
    chosen = np.asarray(kernels[rows], np.float64)
    levels = [_levels(one) for one in ref.noise]
    return Start(
        kernels=chosen if chosen.ndim == 4 else chosen[:, None],
        groups=np.asarray(ref.cameras, np.int64)[rows],
        curves=np.stack([one.curves() for one in levels]),
        filters=np.stack([_filter(n, patches, ref, one) for n, one in enumerate(levels)]),
        spreads=np.array([one.spread for one in ref.noise]),
        codec=codec_of(assets.items(pools["compression"].digest), pools["compression"].share)
        if "compression" in pools
        else None,
    )


def _evenly(count: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, min(count, MOST)).astype(np.int64)


def _levels(group: GroupNoise) -> NoiseLevels:
    return NoiseLevels(
        (_points(group.red), _points(group.green), _points(group.blue)),
        np.zeros(0),
    )


def _points(points: Sequence[NoisePoint]) -> tuple[LevelNoise, ...]:
    return tuple(LevelNoise(one.level, one.std, one.blocks) for one in points)


def _filter(
    camera: int, patches: NDArray[np.float32], ref: StartRef, levels: NoiseLevels
) -> NDArray[np.float64]:
    """The filter of one camera, of all patches where it has none. Curves tell noise by its fine
    cosines; what a filter has of them is made 1.
    """
    from pairmill.models.pdm.noise_filter import noise_filter

    own = np.flatnonzero(np.asarray(ref.patches) == camera)
    rows = own if len(own) else np.arange(len(patches))
    taps = noise_filter([patches[row] for row in rows[_evenly(len(rows))]])
    white = stream("pdm", "filter", camera).standard_normal((FIELD, FIELD, 3))
    waves = np.fft.fft2(taps, (FIELD, FIELD)).conj()
    field = np.einsum("abij,bij->aij", waves, np.fft.fft2(white.transpose(2, 0, 1)))
    # Rounding is taken off what is measured, so the field is made strong first.
    strong = 100 * np.fft.ifft2(field).real.transpose(1, 2, 0)
    found = np.sqrt(fine_noise(strong, by_luma=levels.by_luma)) / 100
    return np.asarray(taps / found[:, None, None, None])


def codec_of(rows: NDArray[np.uint16], share: float) -> Codec:
    """What compresses patches as the photographs of a pool were.

    Args:
        rows: items of a pool of kind `compression`.
        share: of the photographs that were compressed, 0 to 1.
    """
    encoders = [Encoder.of_row(row) for row in rows]

    def codec(patches: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """That share of the patches, each by one of the encoders, begun anywhere in a block."""
        return np.stack([_one(patch, encoders, share, rng) for patch in patches])

    return codec


def _one(
    patch: NDArray[np.uint8], encoders: Sequence[Encoder], share: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    number, row, column = (int(value) for value in rng.integers([len(encoders), PHASES, PHASES]))
    if float(rng.random()) >= share:
        return patch
    return compress(np.ascontiguousarray(patch), encoders[number], (row, column))
