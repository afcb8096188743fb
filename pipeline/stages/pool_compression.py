"""Pool compression: the encoders of the compressed real images, sealed as rows to draw from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pairmill.pipeline.assets import columns_of, pool_digest, write_pool
from pairmill.pipeline.compression.mine import encoder_of
from pairmill.pipeline.compression.tables import FACTORS
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.mine_compression import Compressions
from pairmill.pipeline.workspace import layout
from pairmill.schemas.compression import (
    CompressionConfig,
    CompressionPoolManifest,
    MinedCompression,
)
from pairmill.schemas.work import Payload


class PoolPayload(Payload):
    """All that was mined: whether a pool is made depends on the whole set."""

    images: tuple[MinedCompression, ...]
    """One per real image."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"compression of {len(self.images)} images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [image.content_digest() for image in self.images]


def plan(mined: Compressions, config: CompressionConfig) -> list[PoolPayload]:
    """One unit for the whole set."""
    return [PoolPayload(images=mined.images)]


def work(
    units: Sequence[Unit[PoolPayload]], config: CompressionConfig, context: Context
) -> Iterator[CompressionPoolManifest]:
    """Write `pool.zarr` with one row per compressed image, if enough images are compressed."""
    for unit in units:
        images = unit.payload.images
        found = [image for image in images if image.found]
        share = len(found) / len(images) if images else 0.0
        empty = not found or share < config.min_share
        digest = (
            None
            if empty
            else _write(found, context, f"{layout.unit_folder(context.stage, unit.key)}/pool.zarr")
        )
        yield CompressionPoolManifest(
            digest=digest,
            count=0 if empty else len(found),
            share=round(share, 6),
            min_share=config.min_share,
            images=images,
        )


def _write(found: Sequence[MinedCompression], context: Context, group: str) -> str:
    rows = np.stack([encoder_of(image).row() for image in found])
    columns = columns_of(found) | {
        "phase": np.array([image.phase for image in found]),
        "subsampling": np.array([FACTORS[image.subsampling] for image in found]),
    }
    write_pool(context.storage, group, "compression", rows, columns)
    return pool_digest(rows)


def seal(
    units: Sequence[Unit[PoolPayload]],
    records: Sequence[CompressionPoolManifest],
    config: CompressionConfig,
    context: Context,
    key: str,
) -> CompressionPoolManifest:
    """Give the pool its place."""
    if records[0].count:
        source = f"{layout.unit_folder(context.stage, units[0].key)}/pool.zarr"
        context.storage.link_tree(source, layout.pool_group(context.stage, key))
    return records[0]


STAGE = Stage(
    name="pool_compression",
    version=1,
    title="pool compression",
    noun="pool",
    record=CompressionPoolManifest,
    manifest=CompressionPoolManifest,
    plan=plan,
    work=work,
    seal=seal,
)
