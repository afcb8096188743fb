"""Pool noise: choose among the candidates of all images, take compression and shading off, and seal
the residuals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import columns_of, pool_digest, write_pool
from pairmill.pipeline.compression.mine import encoder_of
from pairmill.pipeline.compression.restore import restore
from pairmill.pipeline.noise.candidates import TABLE, Candidates
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.noise.select import Selection, choose, shortage
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.mine_noise import MinedNoise, MinedRef, read_candidates, read_coded
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.compression import MinedCompression
from pairmill.schemas.noise import NoiseConfig, NoisePatch, NoisePoolManifest
from pairmill.schemas.work import Payload


class PoolPayload(Payload):
    """All that was mined: choosing needs the whole set."""

    images: tuple[MinedRef, ...]
    """One per real image."""
    compressed: tuple[MinedCompression, ...]
    """The images whose noise is to be given back what compression took; LR will be compressed
    again."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"candidates of {len(self.images)} images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        keys = [ref.key for ref in self.images]
        return (
            [keys, [image.content_digest() for image in self.compressed]]
            if self.compressed
            else keys
        )


def plan(
    inputs: tuple[MinedNoise, tuple[MinedCompression, ...]], config: NoiseConfig
) -> list[PoolPayload]:
    """One unit for the whole set."""
    mined, compressed = inputs
    return [PoolPayload(images=mined.images, compressed=compressed)]


def work(
    units: Sequence[Unit[PoolPayload]], config: NoiseConfig, context: Context
) -> Iterator[NoisePoolManifest]:
    """Choose, restore and detrend.

    Raises:
        UserError: if fewer patches than the recipe asks for are left.
    """
    for unit in units:
        found = [_read(context.storage, ref) for ref in unit.payload.images]
        selection = choose(found, config)
        error = shortage(selection, config)
        if error is not None:
            raise error
        patches = _residuals(context.storage, unit.payload, selection, config.patch)
        group = f"{layout.unit_folder(context.stage, unit.key)}/pool.zarr"
        write_pool(context.storage, group, "noise", patches, columns_of(selection.patches))
        yield _manifest(patches, selection, config)


def _read(storage: Storage, ref: MinedRef) -> Candidates:
    table, signatures = np.zeros(0, TABLE), np.zeros((0, 0), np.int8)
    if ref.survey.candidates:
        table, signatures = read_candidates(storage, ref, "table", "signatures")
    return Candidates(ref.survey, table, signatures, np.zeros((0, 0, 0, 3), np.uint8))


def _residuals(
    storage: Storage, payload: PoolPayload, selection: Selection, patch: int
) -> NDArray[np.float32]:
    """(n, patch, patch, 3), in intensity levels."""
    compressed = {image.image: image for image in payload.compressed}
    rows: list[NDArray[np.float32]] = []
    picks = zip(selection.picks, selection.patches, strict=True)
    for image, group in groupby(picks, key=lambda pick: pick[0][0]):
        chosen = list(group)
        records = [record for _, record in chosen]
        [mined] = read_candidates(storage, payload.images[image], "patches")
        taken = [row for (_, row), _ in chosen]
        patches, slopes = mined[taken], None
        compression = compressed.get(records[0].image)
        coded = read_coded(storage, payload.images[image])
        if compression is not None and coded is not None:
            patches, slopes = coded[0][taken], coded[1][taken]
        if compression is None:
            rows += [residual(patch) for patch in patches]
            continue
        rows += [residual(patch) for patch in _restored(patches, slopes, records, compression)]
    return np.stack(rows) if rows else np.zeros((0, patch, patch, 3), np.float32)


def _restored(
    patches: NDArray[np.uint8],
    slopes: NDArray[np.float64] | None,
    records: Sequence[NoisePatch],
    compression: MinedCompression,
) -> NDArray[np.float64]:
    """Patches (n, p, p, 3) as coded, restored; with slopes (n, 3, 3), their noise as in sRGB."""
    corners = [(record.top, record.left) for record in records]
    rng = stream("restore noise", compression.image)
    found = restore(patches, corners, encoder_of(compression), compression.phase, rng)
    return found if slopes is None else np.asarray(found @ slopes[:, None])


def _manifest(
    patches: NDArray[np.float32], selection: Selection, config: NoiseConfig
) -> NoisePoolManifest:
    squares = np.square(patches.astype(np.float64))
    std = np.sqrt(squares.mean(axis=(0, 1, 2))) if len(patches) else np.zeros(3)
    return NoisePoolManifest(
        digest=pool_digest(patches),
        count=len(patches),
        patch=config.patch,
        max_variance=selection.max_variance,
        threshold_source=selection.threshold_source,
        std=(round(float(std[0]), 4), round(float(std[1]), 4), round(float(std[2]), 4)),
        patches=selection.patches,
        coverage=selection.coverage,
    )


def seal(
    units: Sequence[Unit[PoolPayload]],
    records: Sequence[NoisePoolManifest],
    config: NoiseConfig,
    context: Context,
    key: str,
) -> NoisePoolManifest:
    """Give the pool its place."""
    source = f"{layout.unit_folder(context.stage, units[0].key)}/pool.zarr"
    context.storage.link_tree(source, layout.pool_group(context.stage, key))
    return records[0]


STAGE = Stage(
    name="pool_noise",
    version=3,
    title="choose noise",
    noun="pool",
    record=NoisePoolManifest,
    manifest=NoisePoolManifest,
    plan=plan,
    work=work,
    seal=seal,
)
