"""What a chain is compared with: HR tiles, the estimated camera, and patches of the photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.chains.twin import curve_of
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.base import Making, Pools
from pairmill.pipeline.pools.photographs import measured_photographs
from pairmill.pipeline.runner.stage import Run
from pairmill.pipeline.stages.measure_photographs import read_blocks
from pairmill.pipeline.stages.trial_tiles import trial_tiles
from pairmill.pipeline.subset import evenly
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import ChainFitConfig, TwinConfig
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.hr import HrTile
from pairmill.schemas.image import ImageRecord, Role
from pairmill.schemas.kernel import CameraKernelsConfig, SpectralKernelsConfig
from pairmill.schemas.recipe import Recipe

FEWEST = 4
"""Photographs that a fit needs."""
LOOKED_AT = 24
"""Photographs that patches are cut from."""
LEAST_SIDE = 24
"""Side of the LR of a tile below which blur is not told from noise, in pixels."""
MOST_SIDE = 160
"""Side of an HR tile beyond which trying takes long and shows little more, in pixels."""
MOST_TILES = 256
"""Tiles that chains are tried on, evenly chosen."""
BLOCK = 8


@dataclass(frozen=True, eq=False)
class Camera:
    """All that a fit asks of the images."""

    hr: tuple[HrTile, ...]
    """Tiles that chains are tried on."""
    side: int
    """Their side, in HR pixels."""
    twin: TwinConfig
    """The camera."""
    pools: Pools
    """What it draws from."""
    photographs: tuple[ImageRecord, ...]
    """All of them."""

    def looked_at(self) -> list[NDArray[np.uint8]]:
        """Some of the photographs, (H, W, 3), evenly chosen."""
        return [load(self.photographs[n]) for n in evenly(len(self.photographs), LOOKED_AT)]


def find_camera(
    recipe: Recipe, base: str, run: Run, storage: Storage, config: ChainFitConfig
) -> Camera:
    """Clean up, estimate kernels and compression, and measure noise.

    Raises:
        UserError: if there are too few photographs or too small tiles; and what the stages raise.
    """
    if not recipe.images.real:
        raise _too_few(0)
    side, own = _side(recipe, config), _own(recipe)
    images = select_images(own, base, run).images.manifest
    photographs = images.with_role(Role.REAL)
    if len(photographs) < FEWEST:
        raise _too_few(len(photographs))
    making = Making(recipe=own, images=images, base=base, run=run)
    hr = trial_tiles(images, making.hr, recipe.tiles.size, side, MOST_TILES)
    kernels, compression = making.of(POOLS["kernels"]), making.of(POOLS["compression"])
    groups = making.groups
    measured = measured_photographs(own, images, making.run).photographs
    blocks = {ref.measure.image: read_blocks(storage, ref) for ref in measured}
    curves = tuple(
        curve_of([blocks[digest] for digest in group.photographs]) for group in groups.groups
    )
    pools = tuple(
        pool
        for name, sealed in (("kernels", kernels), ("compression", compression))
        for pool in POOLS[name].pools(sealed, groups)
    )
    return Camera(tuple(hr), side, TwinConfig(curves=curves), pools, tuple(photographs))


def _own(recipe: Recipe) -> Recipe:
    """The recipe of a corpus of the camera's own degradations, with kernels that take seconds."""
    changes: dict[str, object] = {"degraders": [RealSrConfig().model_dump()]}
    if not isinstance(recipe.kernels, SpectralKernelsConfig):
        changes["kernels"] = CameraKernelsConfig().model_dump()
    return recipe.with_(**changes)


def _side(recipe: Recipe, config: ChainFitConfig) -> int:
    """Side of the HR tiles that are tried, in HR pixels: that of the recipe's or less, whole
    blocks of 8 LR pixels.
    """
    step = BLOCK * recipe.scale
    most = max(MOST_SIDE, LEAST_SIDE * recipe.scale)
    side = min(config.side * recipe.scale, recipe.tiles.size, most) // step * step
    if side < LEAST_SIDE * recipe.scale:
        raise UserError(
            "tiles are too small to see blur and noise in their LR",
            where="recipe key tiles.size",
            got=f"{recipe.tiles.size} HR pixels, {recipe.tiles.size // recipe.scale} of LR",
            wanted=f"{LEAST_SIDE * recipe.scale} or more",
            todo="raise tiles.size",
        )
    return side


def _too_few(count: int) -> UserError:
    return UserError(
        "too few photographs to fit a chain to",
        where="recipe key images.real",
        got=f"{count} usable",
        wanted=f"{FEWEST} or more, of one camera; a dozen tell much more",
        todo="add photographs, or keep the chain's published ranges",
    )
