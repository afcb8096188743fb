"""A preview from beginning to end: look at a few images, draw programs, estimate the cost, write
page and image.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pairmill.pipeline.build.build import NotFinishedError, finder, make
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import png, thumbnail
from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.items import PoolItems
from pairmill.pipeline.pools.make_pools import needed
from pairmill.pipeline.preview import draws as drawing
from pairmill.pipeline.preview import pool_items
from pairmill.pipeline.preview.cost import Measured, estimate
from pairmill.pipeline.preview.grid import grid
from pairmill.pipeline.preview.kernel_cost import kernel_cost
from pairmill.pipeline.preview.page import page
from pairmill.pipeline.preview.sample_images import Found, Scene, look
from pairmill.pipeline.preview.survey import Survey, survey
from pairmill.pipeline.runner.execution import default_workers
from pairmill.pipeline.runner.stage import C, I, M, P, R, Run, Sealed, Stage
from pairmill.pipeline.stages import ingest
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import Role
from pairmill.schemas.preview import ImageView, PreviewData
from pairmill.schemas.recipe import ImagesConfig, Recipe

HURRY = 10.0
"""Seconds after which kernel estimation is no longer timed, so that the whole preview stays below
twenty."""


@dataclass(frozen=True)
class Request:
    """What to preview."""

    recipe: Recipe
    base: str
    """Folder that the recipe's relative image patterns start at."""
    name: str
    """File name of the recipe."""
    images: tuple[str, ...] = ()
    """Images to take instead of the recipe's; relative ones start at `here`."""
    here: str = "."
    """Folder that `images` start at."""
    draws: int = 3
    """Programs per degrader."""
    workers: int | None = None
    """Workers that the time is estimated for; all processors without it."""


def preview(request: Request, storage: Storage, target: Storage, folder: str) -> PreviewData:
    """Write `index.html`, `preview.png` and `preview.json` with their images; nothing is built.

    Args:
        request: What to preview.
        storage: The workspace, which is only looked at.
        target: Where the page is put.
        folder: Folder of it, in `target`.

    Raises:
        UserError: if no image can be used.
    """
    started = time.perf_counter()
    recipe, base = overridden(request)
    files = ingest.find(recipe.images, base).files
    sizes, found = survey(files, recipe), look(files, recipe)
    picture_files = PictureFiles(target, folder)
    sealed_pools = pool_items.sealed_pools(request.recipe, request.base, storage)
    real = found.with_role(Role.REAL) or found.scenes
    pools = pool_items.with_placeholders(recipe, sealed_pools, real)
    drawn = drawing.draw_all(recipe, found.scenes, pools, request.draws, picture_files)
    sealed = sealed_stages(recipe, base, storage)
    timed = time.perf_counter() - started < HURRY and not {
        "estimate_kernels",
        "estimate_fkp",
        "estimate_cameras",
    } & set(sealed)
    kernels = None
    if recipe.draws_from("kernels") and not recipe.pools_from:
        kernels = kernel_cost(recipe, found.with_role(Role.REAL), measure=timed)
    workers = request.workers or default_workers()
    cost = estimate(Measured(recipe, sizes, found, drawn, pools, kernels, sealed, workers))
    data = PreviewData(
        name=recipe.name,
        recipe=request.name,
        scale=recipe.scale,
        degraders=tuple(drawing.view(one, recipe) for one in drawn),
        supplies=tuple(pool_items.view(pool, picture_files) for pool in pools),
        images=tuple(
            _view(scene, number, picture_files) for number, scene in enumerate(found.scenes)
        ),
        left_out=tuple(found.left_out),
        cost=cost,
        warnings=(
            *_warnings(recipe, sizes, found, pools),
            *_whole_tiles(recipe, drawn),
            *drawing.fewer(drawn, request.draws),
        ),
        seconds=time.perf_counter() - started,
    )
    target.write(f"{folder}/preview.png", png(grid(data, picture_files)))
    target.write(f"{folder}/preview.json", data.model_dump_json(indent=1).encode())
    target.write(f"{folder}/index.html", page(data).encode())
    return data


def overridden(request: Request) -> tuple[Recipe, str]:
    """The recipe with the images that were asked for, in the role that its own have, and where they
    start.
    """
    if not request.images:
        return request.recipe, request.base
    real = bool(request.recipe.images.real)
    if real:
        images = ImagesConfig(real=request.images)
    else:
        images = ImagesConfig(clean=request.images)
    return request.recipe.model_copy(update={"images": images}), request.here


def sealed_stages(recipe: Recipe, base: str, storage: Storage) -> frozenset[str]:
    """Names of the stages of this recipe that are sealed, up to the first that is not, and of those
    of its pools.
    """
    find, names = finder(storage), set[str]()

    def run(stage: Stage[I, C, P, R, M], inputs: I, config: C, /) -> Sealed[M]:
        sealed = find(stage, inputs, config)
        names.add(stage.name)
        return sealed

    earlier = earlier_keys(storage, recipe, recipe.name)
    for attempt in (_whole, _pools_alone):
        try:
            attempt(recipe, base, run, earlier)
        except (NotFinishedError, PairmillError):
            continue
    return frozenset(names)


def _whole(recipe: Recipe, base: str, run: Run, earlier: Mapping[str, str]) -> None:
    make(recipe, base, run, earlier=earlier)


def _pools_alone(recipe: Recipe, base: str, run: Run, earlier: Mapping[str, str]) -> None:
    images = select_images(recipe, base, run, None, earlier).images.manifest
    making = Making(recipe=recipe, images=images, base=base, run=run)
    for kind in needed(recipe):
        with suppress(NotFinishedError):
            making.of(kind)


def _view(scene: Scene, number: int, picture_files: PictureFiles) -> ImageView:
    rows, columns = scene.hr.shape[:2]
    tile = scene.tile
    box = (
        tile.left / columns,
        tile.top / rows,
        tile.hr.shape[1] / columns,
        tile.hr.shape[0] / rows,
    )
    return ImageView(
        name=scene.name,
        role=scene.role,
        width=scene.source.shape[1],
        height=scene.source.shape[0],
        picture=picture_files.jpeg(f"image-{number}", thumbnail(scene.hr, 420)),
        tile=box,
        used=scene.used,
        skipped=scene.skipped,
    )


def _whole_tiles(recipe: Recipe, drawn: Sequence[drawing.Drawn]) -> list[str]:
    """Degraders whose LR costs training a whole tile per crop, where training makes LR."""
    if recipe.shards.lr == "stored":
        return []
    return [
        f"LR is replayed: a crop of {one.label} costs training a whole tile, because of "
        f"{', '.join(one.whole)}. The pixels are the same."
        for one in drawn
        if one.whole
    ]


def _warnings(
    recipe: Recipe, sizes: dict[Role, Survey], found: Found, pools: list[PoolItems]
) -> list[str]:
    """What will prevent a build."""
    warnings = []
    grid = [count for role, mine in sizes.items() for count in mine.tiles(recipe, role)]
    if not any(grid):
        largest = max(min(scene.hr.shape[:2]) for scene in found.scenes)
        warnings.append(
            f"No HR image is as large as a tile of {recipe.tiles.size} pixels; the largest has a "
            f"short side of {largest}. "
            "The build will stop: set tiles.size to "
            f"{max(16, largest // recipe.scale * recipe.scale)} or less."
        )
    kinds = [pool.kind for pool in pools if not pool.sealed]
    if kinds:
        names = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
        warnings.append(
            f"Not there yet: {names.replace('_', ' ')} of the real images. Placeholders stand in "
            "for them and are marked as such."
        )
    return warnings + [pool.warning for pool in pools if pool.warning]
