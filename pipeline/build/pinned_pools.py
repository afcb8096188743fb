"""Pools of an earlier version, drawn from instead of estimating new ones.

A program names rows of a pool by its digest, and a draw depends on how many rows there are: a pool
that grows by one kernel changes every draw from it. Only with pinned pools do old samples keep
their bytes when images are added.
"""

from __future__ import annotations

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.pools.base import Pools
from pairmill.pipeline.pools.make_pools import must_be_there, needed
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe


def pinned_pools(storage: Storage, recipe: Recipe) -> Pools | None:
    """The pools that `recipe.pools_from` names; none if it names no version.

    Raises:
        UserError: if there is no such version, it is of another scale, or it has no pool that the
            recipe needs.
    """
    return pools_of(find_version(storage, recipe.pools_from), recipe) if recipe.pools_from else None


def pools_of(manifest: CorpusManifest, recipe: Recipe) -> Pools:
    """The pools inside a version, for a recipe.

    Raises:
        UserError: as `pinned_pools`.
    """
    identity = manifest.identity
    reference, kinds = f"{identity.name}@{manifest.version}", {pool.kind for pool in identity.pools}
    required = [kind.name for kind in needed(recipe) if must_be_there(kind, recipe)]
    missing = [kind for kind in required if kind not in kinds]
    if missing:
        raise UserError(
            f"{reference} has no pool of {' and of '.join(missing)}, which the recipe draws from",
            where="recipe key pools_from",
            got=f"pools: {', '.join(sorted(kinds)) or 'none'}",
            todo="name a version of a recipe with the same degraders",
        )
    if identity.recipe["scale"] != recipe.scale:
        raise UserError(
            f"the pools of {reference} are for another scale",
            where="recipe key pools_from",
            got=f"x{identity.recipe['scale']}",
            wanted=f"x{recipe.scale}",
            todo="name a version of the same scale",
        )
    return tuple(
        (ref, layout.corpus_pool(identity.name, manifest.version, ref.kind))
        for ref in identity.pools
    )
