"""Pools that the programs of a preview draw on: found among the sealed stages, given to draws,
shown as pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import ARRAYS, Assets, read_assets
from pairmill.pipeline.build.build import NotFinishedError, finder
from pairmill.pipeline.build.pinned_pools import pinned_pools
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import heat, stretched
from pairmill.pipeline.pools.make_pools import (
    make_compression,
    make_generated_kernels,
    make_kernels,
    make_noise,
    make_pdm,
    make_redegnet,
    redegnet_pools,
)
from pairmill.pipeline.stages import (
    clean_up,
    generate_kernels,
    pool_compression,
    pool_kernels,
    pool_noise,
    pool_pdm,
)
from pairmill.pipeline.subset import evenly
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.hr import CutConfig
from pairmill.schemas.preview import SupplyView
from pairmill.schemas.recipe import Recipe

SHOWN = 6
"""Items of a pool that are shown."""
UNSEEN = ("pdm", "redegnet", "codes")
"""Kinds of pools whose items are no pictures."""
MADE = {
    "kernels": "Estimated from",
    "pdm": "Fitted to",
    "redegnet": "Fitted to",
    "generated_kernels": "Made in the manner of the kernels of",
}
"""How pools come from real images; all others are mined."""


@dataclass(frozen=True, eq=False)
class Supply:
    """Items of one pool."""

    kind: str
    digest: str
    items: NDArray[Any]
    sealed: bool
    note: str
    per_pixel: float = 0.0
    """Seconds per source pixel that making it took; 0 if it was not measured."""
    share: float = 1.0
    """Share of the real images that the items stand for."""

    @property
    def info(self) -> PoolInfo:
        """What a draw needs to know."""
        return PoolInfo(self.digest, len(self.items), self.items.shape[1], self.share)


def sealed_pools(recipe: Recipe, base: str, storage: Storage) -> dict[str, Supply | None]:
    """The sealed pools of the recipe in the workspace, by kind; none for one that is sealed and
    empty. Computes nothing.

    Raises:
        UserError: if `pools_from` names a version that is not there or has not what the recipe
            needs.
    """
    pinned = pinned_pools(storage, recipe)
    if pinned is not None:
        note = f"Of the version that the recipe draws from: {recipe.pools_from}."
        return {"compression": None} | {
            ref.kind: _read(storage, ref, group, note) for ref, group in pinned
        }
    run, found = finder(storage), dict[str, Supply | None]()
    with suppress(NotFinishedError, PairmillError):  # the recipe's own images need not be here
        images = select_images(
            recipe, base, run, None, earlier_keys(storage, recipe, recipe.name)
        ).images.manifest
        with suppress(NotFinishedError):
            k = make_kernels(recipe, images, run)
            ref = PoolRef(
                kind="kernels",
                digest=k.manifest.digest,
                count=k.manifest.count,
                side=k.manifest.side,
            )
            found["kernels"] = _read(
                storage, ref, layout.pool_group(pool_kernels.STAGE.name, k.key)
            )
            if recipe.needs_generated_kernels:
                g = make_generated_kernels(recipe, k, run)
                ref = PoolRef(
                    kind="generated_kernels",
                    digest=g.manifest.digest,
                    count=g.manifest.count,
                    side=g.manifest.side,
                )
                found["generated_kernels"] = _read(
                    storage, ref, layout.pool_group(generate_kernels.STAGE.name, g.key)
                )
        with suppress(NotFinishedError):
            n = make_noise(recipe, images, run)
            ref = PoolRef(
                kind="noise",
                digest=n.manifest.digest,
                count=n.manifest.count,
                side=n.manifest.patch,
            )
            found["noise"] = _read(storage, ref, layout.pool_group(pool_noise.STAGE.name, n.key))
        with suppress(NotFinishedError):
            c = make_compression(recipe, images, run)
            found["compression"] = None
            if c.manifest.digest is not None:
                m = c.manifest
                ref = PoolRef(
                    kind="compression",
                    digest=c.manifest.digest,
                    count=m.count,
                    side=8,
                    share=m.share,
                )
                found["compression"] = _read(
                    storage, ref, layout.pool_group(pool_compression.STAGE.name, c.key)
                )
        with suppress(NotFinishedError):
            if recipe.needs_pdm:
                hr = run(
                    clean_up.STAGE, images, CutConfig(clean_up=recipe.clean_up, tiles=recipe.tiles)
                ).manifest
                p = make_pdm(recipe, images, hr, run)
                ref = PoolRef(kind="pdm", digest=p.manifest.digest, count=1, side=p.manifest.side)
                found["pdm"] = _read(storage, ref, layout.pool_group(pool_pdm.STAGE.name, p.key))
        with suppress(NotFinishedError):
            if recipe.needs_redegnet:
                hr = run(
                    clean_up.STAGE, images, CutConfig(clean_up=recipe.clean_up, tiles=recipe.tiles)
                ).manifest
                pools = redegnet_pools(make_redegnet(recipe, images, hr, base, run))
                found |= {ref.kind: _read(storage, ref, group) for ref, group in pools}
    return found


def _read(storage: Storage, ref: PoolRef, group: str, note: str = "") -> Supply:
    items = getattr(read_assets(storage, ((ref, group),)), ref.kind)[ref.digest]
    what = MADE.get(ref.kind, "Mined from")
    note = note or f"{what} the real images: the sealed pool of this recipe."
    return Supply(ref.kind, ref.digest, items, sealed=True, note=note, share=ref.share)


def pools_of(found: Sequence[Supply]) -> Pools:
    """What degraders draw from."""
    return Pools(**{supply.kind: supply.info for supply in found})


def assets_of(found: Sequence[Supply]) -> Assets:
    """What programs are applied with."""
    by_kind: dict[str, dict[str, NDArray[Any]]] = {kind: {} for kind in ARRAYS}
    for supply in found:
        by_kind[supply.kind][supply.digest] = supply.items
    return Assets(**by_kind)


def view(supply: Supply, shelf: PictureFiles) -> SupplyView:
    """Pictures of some of the items."""
    rows = evenly(len(supply.items), SHOWN) if supply.kind not in UNSEEN else []
    pictures = tuple(
        shelf.png(f"pool-{supply.kind}-{row:05d}", picture(supply.kind, supply.items[row]))
        for row in rows
    )
    return SupplyView(
        kind=supply.kind,
        count=len(supply.items),
        sealed=supply.sealed,
        note=supply.note,
        pictures=pictures,
    )


def picture(kind: str, item: NDArray[np.generic]) -> NDArray[np.uint8]:
    """A kernel as a heat map, quantisation tables of luma and chroma side by side, a noise patch
    stretched around mid-grey.
    """
    values = np.asarray(item, np.float64)
    if kind in ("kernels", "generated_kernels"):
        return heat(values)
    if kind == "compression":
        return np.concatenate([heat(table.reshape(8, 8), 100.0) for table in values[:2]], axis=1)
    return stretched(values[:128, :128], min(32.0, 36 / max(float(values.std()), 1e-6)))
