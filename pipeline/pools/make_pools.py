"""Make what degraders draw from: all kinds of pools that a recipe needs, or one alone."""

from __future__ import annotations

from typing import Any

from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.base import Making, PoolKind, PoolResults, Pools
from pairmill.pipeline.runner.stage import Run, Sealed
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.recipe import Recipe


def gather(
    recipe: Recipe, images: ImageSet, hr: HrSet, base: str, run: Run, limit: int | None = None
) -> PoolResults:
    """Make what a recipe's degraders draw from.

    Raises:
        UserError: if a fit failed its gates and its degrader does not accept that; and what the
            stages raise.
    """
    making = Making(recipe=recipe, images=images, cut=hr, base=base, run=run, limit=limit)
    # What is measured in seconds may stop a build, so it comes before fits, which take minutes.
    for kind in sorted(needed(recipe), key=lambda kind: kind.fitted):
        for made in with_companions(kind, recipe):
            made.check(recipe, making.of(made).manifest)
    order = {kind.name: making.of(kind) for kind in needed(recipe)}
    by_group = any(kind.photographs(order[kind.name].manifest) for kind in needed(recipe))
    groups = making.groups if by_group else None
    return PoolResults(sealed=order, pairs=making.pairs, groups=groups)


def needed(recipe: Recipe) -> list[PoolKind[Any]]:
    """The kinds that a recipe draws from, in the order of `POOLS`."""
    return [kind for kind in POOLS.values() if recipe.draws_from(kind.name)]


def must_be_there(kind: PoolKind[Any], recipe: Recipe) -> bool:
    """Whether a recipe cannot do without a pool of this kind, if it draws from it at all."""
    return kind.required and recipe.needs(kind.name)


def with_companions(kind: PoolKind[Any], recipe: Recipe) -> list[PoolKind[Any]]:
    """A kind, and those that are made next because they come from it, if the recipe needs them."""
    companions = [POOLS[name] for name in kind.companions if recipe.draws_from(name)]
    return [kind, *companions]


def make_pool(kind: str, making: Making) -> Sealed[Any]:
    """One kind of pool and its companions, whether the recipe draws from it or not; nothing is
    said of a fit that failed its gates.
    """
    for made in with_companions(POOLS[kind], making.recipe):
        making.of(made)
    return making.of(POOLS[kind])


def pools_of(results: PoolResults) -> Pools:
    """All pools, each with its zarr group, in the order that versions list them in."""
    return tuple(
        pool
        for name, sealed in results.sealed.items()
        for pool in POOLS[name].pools(sealed, results.groups)
    )
