"""A few of a recipe's images, decoded and cleaned up as a build would do it, with what that
took.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.images.decode import ImageRejected, decode, pixel_digest, read_image
from pairmill.pipeline.images.header import read_header
from pairmill.pipeline.images.tiles import contrast_and_detail, judge_tile, positions
from pairmill.pipeline.preview.strips import Tile
from pairmill.pipeline.stages.clean_up import clean, is_cleaned
from pairmill.pipeline.stages.ingest import FilePayload
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.subset import evenly, in_turn
from pairmill.schemas.errors import PairmillError, UserError
from pairmill.schemas.image import Role
from pairmill.schemas.recipe import Recipe

SCENES = 4
"""Images that are looked at."""
TRIES = 24
"""Files that are tried to find them."""
PIXELS = 40_000_000
"""Pixels of an image beyond which smaller ones are preferred."""
PATIENCE = 4.0
"""Seconds after which no further image is decoded, if there is one."""
LARGEST_TILE = 512
"""Largest side of a tile that programs are tried on, in HR pixels; larger ones only take longer."""


@dataclass(eq=False)
class Scene:
    """One image, its HR, and its most telling tile."""

    name: str
    url: str
    container: str
    """Format of the file."""
    role: Role
    source: NDArray[np.uint8]
    """(H, W, 3), decoded."""
    hr: NDArray[np.uint8]
    """(h, w, 3), what tiles are cut from."""
    tile: Tile
    """The tile that programs are applied to; smaller than the recipe's where the HR image is
    smaller."""
    used: int
    """Tiles of the recipe's size that a build would use."""
    skipped: dict[str, int]
    """Tiles that it would skip, by reason."""
    decoding: float
    """Seconds to read, decode and digest."""
    cleaning: float
    """Seconds to downscale; 0 for images that are HR as they are."""
    hr_bytes: int
    """Size of the HR image as it is stored; 0 for images that are HR as they are."""

    @property
    def pixels(self) -> int:
        """Pixels of the source."""
        return self.source.size // 3


@dataclass
class Found:
    """The scenes, and what was tried in vain."""

    scenes: list[Scene] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """File names and reasons."""
    tried: int = 0
    """Files that were opened."""

    def with_role(self, role: Role) -> list[Scene]:
        """The scenes of one role."""
        return [scene for scene in self.scenes if scene.role == role]


def look(files: Sequence[FilePayload], recipe: Recipe, most: int = SCENES) -> Found:
    """Decode a few files, at most so many, evenly chosen from both roles; those that cannot be used
    are left out with a word.

    Raises:
        UserError: if none of the files that were tried can be used.
    """
    # Loads what it needs, which is not to be timed.
    clean(np.zeros((16, 16, 3), np.uint8), recipe.clean_up.factor)
    found, started, late = Found(), time.perf_counter(), list[FilePayload]()
    for file in _in_order(files, most):
        enough = len(found.scenes) >= most or found.tried >= TRIES
        if enough or (found.scenes and time.perf_counter() - started > PATIENCE):
            break
        if _is_huge(file, recipe):
            late.append(file)
            continue
        _try(file, recipe, found)
    for file in late:  # better one that takes long than none
        if not found.scenes:
            _try(file, recipe, found)
    if not found.scenes:
        raise _nothing(found)
    found.scenes.sort(key=lambda scene: not scene.used)  # those that a build would use come first
    return found


def _in_order(files: Sequence[FilePayload], most: int) -> Iterator[FilePayload]:
    """Files in the order to try them: roles in turn, in each role first a few that are evenly
    spread.
    """
    roles = [[file for file in files if file.role == role] for role in Role]
    ordered: list[FilePayload] = []
    for mine in roles:
        first = evenly(len(mine), most)
        ordered += [mine[place] for place in (*first, *sorted(set(range(len(mine))) - set(first)))]
    yield from in_turn(ordered, lambda file: file.role)


def _is_huge(file: FilePayload, recipe: Recipe) -> bool:
    if file.bytes * 60 < PIXELS:  # no photo is packed better than that
        return False
    try:
        width, height = read_header(read_image(file.url), recipe.ingest).image.size
    except (ImageRejected, PairmillError):
        return False  # trying it will show why
    return bool(width * height > PIXELS)


def _try(file: FilePayload, recipe: Recipe, found: Found) -> None:
    found.tried += 1
    try:
        found.scenes.append(scene_of(file.url, file.role, recipe))
    except ImageRejected as error:
        found.left_out.append((plain(file_name(file.url)), f"{error.reason}: {error.detail}"))
    except ValueError as error:
        found.left_out.append((plain(file_name(file.url)), str(error)))


def scene_of(url: str, role: Role, recipe: Recipe) -> Scene:
    """One image, decoded and cleaned up.

    Raises:
        ImageRejected: if ingest would reject it.
        ValueError: if it is smaller than the clean-up factor or one LR pixel.
    """
    start = time.process_time()
    source, container, _ = decode(read_image(url), recipe.ingest)
    pixel_digest(source)
    decoded = time.process_time()
    cleaned = is_cleaned(role, recipe.clean_up)
    hr = clean(source, recipe.clean_up.factor) if cleaned else source
    stored = len(npy_bytes(hr)) if cleaned else 0
    done = time.process_time()
    tiles, skipped = _judged(hr, recipe)
    tile = _tile(plain(file_name(url)), hr, tiles, recipe)
    return Scene(
        name=plain(file_name(url)),
        url=url,
        container=container,
        role=role,
        source=source,
        hr=hr,
        tile=tile,
        used=len(tiles),
        skipped=skipped,
        decoding=decoded - start,
        cleaning=done - decoded if cleaned else 0.0,
        hr_bytes=stored,
    )


def _judged(hr: NDArray[np.uint8], recipe: Recipe) -> tuple[list[tuple[int, int]], dict[str, int]]:
    """(top, left) of the tiles that a build would use, and how many it would skip, by reason."""
    size, step = recipe.tiles.size, recipe.tiles.step
    used, skipped = list[tuple[int, int]](), dict[str, int]()
    for top in positions(hr.shape[0], size, step):
        for left in positions(hr.shape[1], size, step):
            reason = judge_tile(hr[top : top + size, left : left + size], recipe.tiles)
            if reason is None:
                used.append((top, left))
            else:
                skipped[reason.value] = skipped.get(reason.value, 0) + 1
    return used, skipped


def _tile(
    name: str, hr: NDArray[np.uint8], used: Sequence[tuple[int, int]], recipe: Recipe
) -> Tile:
    """The tile with most detail; the middle of the image where a build would use none."""
    size, scale = recipe.tiles.size, recipe.scale
    height, width = (min(size, LARGEST_TILE, side) // scale * scale for side in hr.shape[:2])
    if min(height, width) < 1:
        raise ValueError(
            f"its HR of {hr.shape[1]} x {hr.shape[0]} pixels is smaller than one LR pixel at "
            f"x{scale}"
        )

    def detail(place: tuple[int, int]) -> float:
        top, left = place
        return contrast_and_detail(hr[top : top + height, left : left + width])[1]

    middle = ((hr.shape[0] - height) // 2, (hr.shape[1] - width) // 2)
    top, left = max(used, key=detail) if used else middle
    return Tile(name, left, top, np.ascontiguousarray(hr[top : top + height, left : left + width]))


def _nothing(found: Found) -> UserError:
    shown = "; ".join(f"{name}: {reason}" for name, reason in found.left_out[:5])
    more = ""
    if len(found.left_out) > 5:
        more = f"; and {len(found.left_out) - 5} more"
    return UserError(
        "none of the images tried is usable",
        where=f"{found.tried} files",
        got=shown + more,
        todo="give readable 8-bit photos of at least 64 pixels a side",
    )
