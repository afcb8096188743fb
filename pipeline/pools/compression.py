"""How the real images were compressed: their JPEG encoders."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.compression.mine import JPEG, encoder_of, of_file, of_pixels
from pairmill.pipeline.degraders.base import PoolInfo
from pairmill.pipeline.degraders.realsr import compressed
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.html.pictures import heat
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.pools.base import Image, Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.pools.items import Placing, PoolItems, SampleImage, middle, placeholder
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import mine_compression, pool_compression
from pairmill.schemas.compression import (
    CompressionConfig,
    CompressionPoolManifest,
    MinedCompression,
)
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.recipe import Recipe

SIDE = 8
"""Side of a quantisation table."""
MINED = 2
"""Images that are no JPEG files, and that a placeholder is mined from: pixels take a second an
image, files nothing."""
COLUMNS = ("image", "known from", "quality", "table", "chroma", "grid", "confidence")


class Compression(PoolKind[CompressionPoolManifest]):
    """Rows of (3, 64) uint16: see `pairmill.pipeline.compression.tables.Encoder.row`."""

    name = "compression"
    stage = pool_compression.STAGE
    required = False
    by_share = True

    def make(self, making: Making) -> Sealed[CompressionPoolManifest]:
        """Find out, and pool if enough images are compressed."""
        config = making.recipe.compression
        mined = making.run(mine_compression.STAGE, making.images, config)
        return making.run(pool_compression.STAGE, mined.manifest, config)

    def ref(self, manifest: CompressionPoolManifest) -> PoolRef | None:
        """See `PoolKind.ref`."""
        if manifest.digest is None:
            return None
        return PoolRef(
            kind=self.name,
            digest=manifest.digest,
            count=manifest.count,
            side=SIDE,
            share=manifest.share,
        )

    def check(self, recipe: Recipe, manifest: CompressionPoolManifest) -> None:
        """There is something to draw, if a degrader compresses always.

        Raises:
            UserError: if not.
        """
        degraders = (one for one in recipe.degraders if isinstance(one, RealSrConfig))
        if any(one.compression == "always" for one in degraders):
            ref = self.ref(manifest)
            compressed(None if ref is None else PoolInfo.of(ref))

    def photographs(self, manifest: CompressionPoolManifest) -> tuple[str, ...]:
        """See `PoolKind.photographs`."""
        return tuple(image.image for image in manifest.rows())

    def counts(self, manifest: CompressionPoolManifest) -> dict[str, int]:
        """See `PoolKind.counts`."""
        return {"jpeg_encoders": manifest.count} if manifest.count else {}

    def tables(self, showing: Showing[CompressionPoolManifest]) -> list[PoolTable]:
        """How every image was compressed."""
        if showing.sealed is None:
            return []
        pool = showing.sealed.manifest
        found = sum(image.found for image in pool.images)
        title = f"compression pool {pool.digest[:12]}" if pool.digest else "no compression pool"
        note = (
            f"  pool     {self.place(showing.storage, showing.sealed)}\n"
            if pool.digest
            else f"  LR is not compressed: less than {pool.min_share:.0%} of the images are "
            "(compression.min_share)\n"
        )
        return [
            PoolTable(
                f"{title}: {found} of {len(pool.images)} images are compressed",
                COLUMNS,
                [[showing.name(image.image), *_row(image)] for image in pool.images],
                (note,),
            )
        ]

    def placeholder(self, placing: Placing) -> PoolItems | None:
        """How the images at hand were compressed, by the real rules; none if too few of them
        are.
        """
        config, start = placing.recipe.compression, time.process_time()
        images = _worth_a_look(placing.images)
        found = [_mined(image, config) for image in images]
        seconds = (time.process_time() - start) / sum(image.pixels for image in images)
        rows = [encoder_of(one).row() for one in found if one.found]
        share = len(rows) / len(found)
        if not rows or share < config.min_share:
            return None
        note = (
            f"found in {len(rows)} of {counted(len(found), 'image')} that were looked at; the "
            "build looks at all."
        )
        return placeholder(self.name, np.stack(rows), note, seconds, share)

    def picture(self, item: NDArray[Any]) -> Image:
        """Quantisation tables of luma and chroma side by side."""
        tables = [table.reshape(SIDE, SIDE) for table in np.asarray(item, np.float64)[:2]]
        return np.concatenate([heat(table, 100.0) for table in tables], axis=1)

    def facts(self, columns: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Its quality."""
        yield "JPEG quality", str(int(columns["quality"]))
        yield "tables", "luma and chroma, 8 × 8 each"


def _row(image: MinedCompression) -> list[str]:
    if not image.found:
        return ["none", "", "", "", "", ""]
    table = "standard" if image.standard else "its own"
    measured = "" if image.source == "file" else f", {image.known[0]} of 64 measured"
    phase = f"{image.phase[0]}, {image.phase[1]}"
    return [
        str(image.source),
        str(image.quality),
        table + measured,
        image.subsampling,
        phase,
        f"{image.confidence:.2f}",
    ]


def _worth_a_look(images: Sequence[SampleImage]) -> list[SampleImage]:
    """All JPEG files, and of the others those among the first `MINED` images."""
    seen: list[SampleImage] = []
    for image in images:
        if image.container in JPEG or len(seen) < MINED:
            seen.append(image)
    return seen


def _mined(image: SampleImage, config: CompressionConfig) -> MinedCompression:
    digest = pixel_digest(image.source)
    if image.container in JPEG:
        return of_file(read_image(image.url), digest)
    return of_pixels(middle(image.source), digest, config)


COMPRESSION = Compression()
