"""What a new recipe should say for the photos of a folder: tiles that fit them, patches that show
their noise, and how far they have to be downscaled to be sharp.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE
from pairmill.models.camera.curves import falls_to, transfer_curve
from pairmill.models.camera.estimate import estimate
from pairmill.models.camera.photograph import measure
from pairmill.pipeline.images.decode import ImageRejected, decode, pixel_digest, read_image
from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.noise.select import choose
from pairmill.pipeline.pools.items import middle
from pairmill.pipeline.pools.thin import FEW_GIVING, FEW_PATCHES
from pairmill.pipeline.preview.survey import Survey, survey
from pairmill.pipeline.stages.ingest import FilePayload
from pairmill.pipeline.subset import evenly
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import Role
from pairmill.schemas.recipe import Recipe

Image = NDArray[np.uint8]

LOOKED_AT = 12
"""Photos that are decoded, at most."""
PATIENCE = 4.0
"""Seconds after which no further photo is decoded, if there is one."""
MEASURED, WINDOW = 4, 1024
"""Photos whose blur is measured, and the side of the part that is looked at, in pixels."""
SIZES = (256, 192, 128, 96, 64, 48, 32)
"""Sides of tiles, in HR pixels."""
WISHES = ((4, 0.75, 64), (1, 0.75, 64), (1, 0.75, 32))
"""Tiles that a photo should give, the share of the photos that should, and the least side: the
first that can be had is taken.
"""
PATCHES = (64, 32, 16)
FACTORS = (2, 3, 4)
SHARP = 0.45
"""Frequency that HR should show, a tenth of its contrast left, in cycles per pixel; 0.5 is all."""
UNSHARP = 0.02
"""What a contrast is known to, as a frequency."""


@dataclass(frozen=True)
class Suggestion:
    """Settings for the photos of a folder."""

    tile: int = 256
    """Side of an HR tile, in pixels."""
    patch: int = 64
    """Side of a noise patch, in pixels."""
    factor: int = 2
    """How far photos are downscaled to make HR."""
    why: tuple[str, ...] = ()
    """What differs from the defaults, and why, a sentence each."""


def suggest(recipe: Recipe, files: Sequence[FilePayload]) -> Suggestion:
    """Look at some of the real images of a recipe.

    Args:
        recipe: With the scale, and all else at its defaults.
        files: Its files; without any the defaults are suggested.
    """
    sizes = survey(files, recipe)[Role.REAL]
    photos = _decoded(files, recipe)
    if not sizes.sizes or not photos:
        return Suggestion()
    why: list[str] = []
    factor = _factor(photos, recipe, sizes, why)
    tile = _tile(sizes, recipe.scale, factor, why)
    patch = _patch(photos, recipe, len(files) / len(photos), why)
    return Suggestion(tile, patch, factor, tuple(why))


def _decoded(files: Sequence[FilePayload], recipe: Recipe) -> list[Image]:
    started, photos = time.perf_counter(), list[Image]()
    for place in evenly(len(files), LOOKED_AT):
        if photos and time.perf_counter() - started > PATIENCE:
            break
        try:
            photos.append(middle(decode(read_image(files[place].url), recipe.ingest)[0]))
        except (ImageRejected, PairmillError):
            continue
    return photos


def _tile(sizes: Survey, scale: int, factor: int, why: list[str]) -> int:
    """The largest tile of which most photos give enough, or any at all."""
    shorts = [(min(size) // factor, max(size) // factor) for size in sizes.sizes]
    wished = ((wish, size) for wish in WISHES for size in SIZES if size >= wish[2])
    for (enough, share, _), wide in wished:
        size = wide // scale * scale
        giving = sum((short // size) * (long // size) >= enough for short, long in shorts)
        if giving >= share * len(shorts):
            if wide < SIZES[0]:
                short, long = sorted(shorts)[len(shorts) // 2]
                why.append(f"tiles of {size} pixels: HR is about {long} x {short}")
            return size
    return SIZES[-1] // scale * scale


def _patch(photos: Sequence[Image], recipe: Recipe, times: float, why: list[str]) -> int:
    """The largest patch of which there are enough, if all photos are as those looked at."""
    for patch in PATCHES:
        config = recipe.noise.with_(patch=patch)
        found = [candidates(photo, pixel_digest(photo), config) for photo in photos]
        picks = choose(found, config).picks
        giving = len({image for image, _ in picks})
        if times * len(picks) >= FEW_PATCHES and times * giving >= FEW_GIVING:
            if patch < PATCHES[0]:
                why.append(f"noise patches of {patch} pixels: larger ones are seldom flat")
            return patch
    why.append(
        "hardly any patch is flat enough to show its noise: it may be made on the sensor instead"
    )
    return PATCHES[0]


def _factor(photos: Sequence[Image], recipe: Recipe, sizes: Survey, why: list[str]) -> int:
    """The least factor after which a photo is sharp, as far as tiles of HR still fit."""
    detail = _detail(photos)
    least = SIZES[-1] // recipe.scale * recipe.scale
    short = float(np.median([min(size) for size in sizes.sizes]))
    for factor in FACTORS:
        sharp = detail * factor >= SHARP - UNSHARP
        if sharp or factor == FACTORS[-1] or short / (factor + 1) < 2 * least:
            break
    if factor > FACTORS[0]:
        why.append(
            f"clean-up by {factor}: the photos show nothing finer than {1 / detail:.1f} pixels"
        )
    return factor


def _detail(photos: Sequence[Image]) -> float:
    """Frequency at which the camera leaves a tenth of the contrast, in cycles per pixel; 0.5 where
    no photo is large enough to tell.
    """
    large = [photo for photo in photos if min(photo.shape[:2]) >= 2 * SIDE]
    chosen = (large[place] for place in evenly(len(large), MEASURED))
    spectra = [measure(_window(photo)) for photo in chosen]
    spectra = [one for one in spectra if math.isfinite(one.noise) and one.power.max() > 0]
    if not spectra:
        return 0.5
    return falls_to(transfer_curve(estimate(spectra).blur), 0.1)


def _window(photo: Image) -> Image:
    top, left = (max(0, (side - WINDOW) // 2) // 8 * 8 for side in photo.shape[:2])
    return photo[top : top + WINDOW, left : left + WINDOW]
