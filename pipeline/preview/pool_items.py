"""Pools that the programs of a preview draw on: found among the sealed stages, or stood in for,
given to draws, shown as images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pairmill.pipeline.assets import Assets, read_assets
from pairmill.pipeline.build.build import NotFinishedError, finder
from pairmill.pipeline.build.pinned_pools import pinned_pools
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.items import Placing, PoolItems, SampleImage
from pairmill.pipeline.pools.make_pools import must_be_there, needed
from pairmill.pipeline.subset import evenly
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.preview import SupplyView
from pairmill.schemas.recipe import Recipe

SHOWN = 6
"""Items of a pool that are shown."""
Found = dict[str, PoolItems | None]
"""Sealed pools by kind; none for one that is sealed and empty."""


def sealed_pools(recipe: Recipe, base: str, storage: Storage) -> Found:
    """The sealed pools of the recipe in the workspace. Computes nothing.

    Raises:
        UserError: if `pools_from` names a version that is not there or has not what the recipe
            needs.
    """
    pinned = pinned_pools(storage, recipe)
    if pinned is None:
        return _sealed_here(recipe, base, storage)
    note = f"Of the version that the recipe draws from: {recipe.pools_from}."
    empty: Found = {kind.name: None for kind in POOLS.values() if not must_be_there(kind, recipe)}
    return empty | {ref.kind: _read(storage, ref, group, note) for ref, group in pinned}


def _sealed_here(recipe: Recipe, base: str, storage: Storage) -> Found:
    run, found = finder(storage), Found()
    with suppress(NotFinishedError, PairmillError):  # the recipe's own images need not be here
        earlier = earlier_keys(storage, recipe, recipe.name)
        images = select_images(recipe, base, run, None, earlier).images.manifest
        making = Making(recipe=recipe, images=images, base=base, run=run)
        for kind in needed(recipe):
            with suppress(NotFinishedError):
                pools = kind.pools(making.of(kind), making.groups)
                found[kind.name] = _read(storage, *pools[0]) if pools else None
    return found


def _read(storage: Storage, ref: PoolRef, group: str, note: str = "") -> PoolItems:
    items = read_assets(storage, ((ref, group),)).pools[ref.digest]
    origin = POOLS[ref.kind].origin
    note = note or f"{origin} the real images: the sealed pool of this recipe."
    return PoolItems(
        ref.kind,
        ref.digest,
        items,
        sealed=True,
        note=note,
        share=ref.share,
        groups=ref.groups,
        raw=ref.raw,
        ways=ref.ways,
    )


def with_placeholders(
    recipe: Recipe, sealed: Mapping[str, PoolItems | None], images: Sequence[SampleImage]
) -> list[PoolItems]:
    """All pools that the recipe's degraders draw on: sealed ones where they are there, else what
    stands in for them, if anything can: a fit takes minutes.

    Args:
        recipe: The recipe.
        sealed: What `sealed_pools` found.
        images: Real images to mine placeholders from; clean ones if there are no others.
    """
    found: dict[str, PoolItems] = {}
    for kind in needed(recipe):
        items = (
            sealed[kind.name]
            if kind.name in sealed
            else kind.placeholder(Placing(recipe, images, found))
        )
        if items is not None:
            found[kind.name] = items
    return list(found.values())


def pools_of(found: Sequence[PoolItems]) -> Pools:
    """What degraders draw from."""
    return {pool.kind: pool.info for pool in found}


def assets_of(found: Sequence[PoolItems]) -> Assets:
    """What programs are applied with."""
    return Assets({pool.digest: pool.items for pool in found})


def view(pool: PoolItems, files: PictureFiles) -> SupplyView:
    """Images of some of the items."""
    kind = POOLS[pool.kind]
    images = {row: kind.picture(pool.items[row]) for row in evenly(len(pool.items), SHOWN)}
    names = tuple(
        files.png(f"pool-{pool.kind}-{row:05d}", image)
        for row, image in images.items()
        if image is not None
    )
    return SupplyView(
        kind=pool.kind,
        count=len(pool.items),
        sealed=pool.sealed,
        note=pool.note,
        pictures=names,
    )
