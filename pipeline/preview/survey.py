"""How many images and HR tiles a recipe has, from a listing and the headers of some of the
files.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pairmill.pipeline.images.decode import ImageRejected, read_image
from pairmill.pipeline.images.header import read_header
from pairmill.pipeline.images.tiles import positions
from pairmill.pipeline.stages.ingest import FilePayload
from pairmill.pipeline.subset import evenly
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import Role
from pairmill.schemas.recipe import Recipe

HEADERS = 400
"""Most files whose headers are read."""
PATIENCE = 2.0
"""Seconds after which no further header is read."""


@dataclass(frozen=True)
class Survey:
    """What the files of one role are expected to hold."""

    files: int
    """Files that the recipe names."""
    read: int
    """Files whose headers were read."""
    sizes: tuple[tuple[int, int], ...]
    """(width, height) of those that a build would accept, as far as a header tells."""

    @property
    def images(self) -> float:
        """Images that a build is expected to accept."""
        if self.read:
            return self.files * len(self.sizes) / self.read
        return 0.0

    @property
    def pixels(self) -> float:
        """Their pixels in all."""
        mean = sum(width * height for width, height in self.sizes) / max(1, len(self.sizes))
        return self.images * mean

    def tiles(self, recipe: Recipe, role: Role) -> list[int]:
        """Tiles of the grid in each image that was read, flat and blurred ones included."""
        factor = 1
        if role == Role.REAL:
            factor = recipe.clean_up.factor
        size, step = recipe.tiles.size, recipe.tiles.step
        return [
            len(positions(width // factor, size, step))
            * len(positions(height // factor, size, step))
            for width, height in self.sizes
        ]


def survey(files: Sequence[FilePayload], recipe: Recipe) -> dict[Role, Survey]:
    """Read the headers of evenly chosen files of each role, for as long as there is patience."""
    return {role: _of([file for file in files if file.role == role], recipe) for role in Role}


def _of(files: Sequence[FilePayload], recipe: Recipe) -> Survey:
    started, read, sizes = time.perf_counter(), 0, list[tuple[int, int]]()
    # From far apart to near together, so that stopping early leaves an even choice.
    places = evenly(len(files), HEADERS)
    for place in [p for start in range(16) for p in places[start::16]]:
        if read and time.perf_counter() - started > PATIENCE:
            break
        read += 1
        size = _size(files[place], recipe)
        if size is not None:
            sizes.append(size)
    return Survey(len(files), read, tuple(sizes))


def _size(file: FilePayload, recipe: Recipe) -> tuple[int, int] | None:
    try:
        header = read_header(read_image(file.url), recipe.ingest)
    except (ImageRejected, PairmillError):
        return None
    width, height = header.image.size
    if header.orientation >= 5:
        return height, width
    return width, height
