"""Noise that was mined in the flat areas of the real images."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.html.pictures import stretched
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.noise.select import choose
from pairmill.pipeline.pools.base import Image, Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.items import Placing, PoolItems, middle, placeholder
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import mine_noise, pool_noise
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.image import Role
from pairmill.schemas.noise import NoiseCoverage, NoisePoolManifest
from pairmill.schemas.recipe import Recipe

MINED = 4
"""Images that placeholders are mined from."""
WHITE = 3.0
"""Strength of the noise that stands in where none can be mined, in intensity levels."""
COLUMNS = ("image", "patches", "accepted", "rejected most", "max_variance")


class Noise(PoolKind[NoisePoolManifest]):
    """Rows of (p, p, 3) float32, in intensity levels."""

    name = "noise"
    stage = pool_noise.STAGE
    companions = ("noise_levels",)

    def make(self, making: Making) -> Sealed[NoisePoolManifest]:
        """Mine and choose; compression, if LR will be compressed again, is taken out of it."""
        compression = making.needed(COMPRESSION)
        config = making.recipe.noise.for_images(len(making.images.with_role(Role.REAL)))
        mined = making.run(mine_noise.STAGE, making.images, config)
        compressed = compression.manifest.rows() if compression is not None else ()
        nothing = not any(image.survey.candidates for image in mined.manifest.images)
        optional = making.recipe.draws_from(self.name) and not making.recipe.needs(self.name)
        if nothing and optional and config.min_patches == 1:
            config = config.with_(min_patches=0)
        return making.run(pool_noise.STAGE, (mined.manifest, compressed), config)

    def ref(self, manifest: NoisePoolManifest) -> PoolRef | None:
        """See `PoolKind.ref`."""
        if not manifest.count:
            return None
        return PoolRef(
            kind=self.name, digest=manifest.digest, count=manifest.count, side=manifest.patch
        )

    def photographs(self, manifest: NoisePoolManifest) -> tuple[str, ...]:
        """See `PoolKind.photographs`."""
        return tuple(patch.image for patch in manifest.patches)

    def counts(self, manifest: NoisePoolManifest) -> dict[str, int]:
        """See `PoolKind.counts`."""
        giving = sum(image.accepted > 0 for image in manifest.coverage)
        return {"noise_patches": manifest.count, "noise_photographs": giving}

    def tables(self, showing: Showing[NoisePoolManifest]) -> list[PoolTable]:
        """What every image gave."""
        if showing.sealed is None:
            return []
        pool = showing.sealed.manifest
        std = ", ".join(f"{value:.2f}" for value in pool.std)
        title = (
            f"noise pool {pool.digest[:12]}: {pool.count} patches of {pool.patch} x "
            f"{pool.patch}, std R, G, B {std} grey levels"
        )
        rows = [_row(showing.name(record.image), record) for record in pool.coverage]
        place = self.place(showing.storage, showing.sealed)
        notes = (f"  threshold: {pool.threshold_source}", f"  pool     {place}\n")
        return [PoolTable(title, COLUMNS, rows, notes)]

    def placeholder(self, placing: Placing) -> PoolItems:
        """Noise of a few of the images by the real rules; white noise where they have no flat
        area.
        """
        config, start = placing.recipe.noise, time.process_time()
        images = placing.images[:MINED]
        parts = [middle(image.source) for image in images]
        found = [candidates(part, pixel_digest(part), config) for part in parts]
        seconds = (time.process_time() - start) / sum(part.size // 3 for part in parts)
        picks = choose(found, config).picks
        patches = [residual(found[image].patches[row]) for image, row in picks]
        names = " and ".join(image.name for image in images)
        if not patches:
            return _white(placing.recipe, len(images), names, seconds)
        note = f"{len(patches)} patches mined from {names} alone; the build mines all real images."
        return placeholder(self.name, np.stack(patches), note, seconds)

    def picture(self, item: NDArray[Any]) -> Image:
        """A patch stretched around mid-grey."""
        values = np.asarray(item, np.float64)
        return stretched(values[:128, :128], min(32.0, 36 / max(float(values.std()), 1e-6)))

    def facts(self, columns: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Where it was, and how bright and strong."""
        yield "place", f"({int(columns['left'])}, {int(columns['top'])})"
        yield "grey mean", f"{float(columns['mean']):.0f}"
        yield "std", f"{float(columns['noise']) ** 0.5:.2f} grey levels"


def _row(name: str, record: NoiseCoverage) -> list[object]:
    most = ", ".join(
        f"{count} {reason}" for reason, count in Counter(record.rejected).most_common(3)
    )
    threshold = record.threshold_needed
    needed = "" if record.accepted or threshold is None else f"{threshold:.1f}"
    return [name, record.patches, record.accepted, most, needed]


def _white(recipe: Recipe, count: int, names: str, seconds: float) -> PoolItems:
    patch = recipe.noise.patch
    noise = stream("preview", "white").standard_normal((4, patch, patch, 3)) * WHITE
    centred = noise - noise.mean(axis=(1, 2), keepdims=True)
    without = "no patches are laid on, and noise is made on the sensor"
    if recipe.needs(Noise.name):
        without = "the build stops and says what to change"
    area = f"area of {patch} x {patch} pixels flat enough to show its noise"
    note = (
        f"white noise of {WHITE:g} grey levels. {names} has no {area}; if no other image has one, "
        f"{without}."
    )
    items = np.asarray(np.rint(centred * 256) / 256, np.float32)
    smaller = f" Or set noise.patch to {max(16, patch // 2)}." if patch > 16 else ""
    warning = (
        f"None of {counted(count, 'image')} that were looked at has an {area}. If no other has, "
        f"{without}.{smaller}"
    )
    return replace(placeholder(Noise.name, items, note, seconds), warning=warning)


NOISE = Noise()
