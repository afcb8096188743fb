"""Tables of the pools of a recipe."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rich.markup import escape

from pairmill.flows import terminal
from pairmill.pipeline.build.build import NotFinishedError, finder, limited
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.base import Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.pools.groups import group_table
from pairmill.pipeline.pools.make_pools import needed, with_companions
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe

ALONE = ("kernels", "noise", "compression")
"""Kinds that `pairmill pool` makes of the real images alone, for a recipe with any degraders."""


def show_pools(
    recipe_path: str, workspace: str, kind: str | None = None, limit: int | None = None
) -> None:
    """Tables of the pools of a recipe, and of the verdicts on kernels even where none was good
    enough for a pool.

    Args:
        recipe_path: YAML file.
        workspace: Folder or URL.
        kind: Kind of pool to show; without it all that are there.
        limit: Maximum number of images per role; none means all.

    Raises:
        UserError: if there is nothing yet.
    """
    recipe, base = load_recipe(recipe_path)
    recipe, storage = limited(recipe, limit), Storage(workspace)
    tables: list[PoolTable] = []
    refs: list[PoolRef] = []
    making: Making | None = None
    with suppress(NotFinishedError):
        run = finder(storage)
        earlier = earlier_keys(storage, recipe, recipe.name)
        images = select_images(recipe, base, run, limit, earlier).images.manifest
        making = Making(recipe=recipe, images=images, base=base, run=run, limit=limit)
        for shown in _shown(recipe, kind):
            with suppress(NotFinishedError):
                tables += _tables(shown, making, storage)
                refs += [ref for ref, _ in shown.pools(making.of(shown), making.groups)]
    if not tables:
        raise UserError(
            "this recipe has no sealed pool yet",
            where=storage.path("stages"),
            todo=f"`pairmill pool kernels {recipe_path}` or `pairmill build {recipe_path}` makes "
            "it",
        )
    # A fit that needs no camera may be shown before photographs are told apart.
    with suppress(NotFinishedError):
        if making is not None and making.groups.groups:
            tables.insert(0, group_table(making.groups, refs))
    for table in tables:
        print_table(table)


def print_table(table: PoolTable) -> None:
    """Print a table and the lines below it."""
    terminal.table(table.title, list(table.columns), table.rows)
    for line in table.notes:
        terminal.line(escape(line))


def _shown(recipe: Recipe, kind: str | None) -> list[PoolKind[Any]]:
    if kind is not None:
        return with_companions(POOLS[kind], recipe)
    return list(dict.fromkeys([*(POOLS[name] for name in ALONE), *needed(recipe)]))


def _tables(kind: PoolKind[Any], making: Making, storage: Storage) -> list[PoolTable]:
    names = {image.pixel_sha256: image.url.rsplit("/", 1)[-1] for image in making.images.accepted}
    sealed = None
    with suppress(NotFinishedError):
        sealed = making.of(kind)
    return kind.tables(Showing(making, storage, sealed, names))
