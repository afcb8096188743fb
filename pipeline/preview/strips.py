"""Strips: one program on one HR tile, the image after every op as an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import busiest, heat
from pairmill.pipeline.ops.apply import intermediates
from pairmill.pipeline.ops.base import Image
from pairmill.pipeline.preview.insets import kernel_of
from pairmill.schemas.ops import PooledOp
from pairmill.schemas.preview import StepView, StripView
from pairmill.schemas.program import Program

VIEW = 96
"""Side of the part of a tile that is shown, in HR pixels, at least."""
FEWEST = 24
"""Fewest LR pixels along a side of the part that is shown."""


@dataclass(frozen=True, eq=False)
class Tile:
    """An HR tile and where it lies."""

    source: str
    """File name of the source image."""
    left: int
    """First column in the HR image."""
    top: int
    """First row in the HR image."""
    hr: NDArray[np.uint8]
    """(H, W, 3), sides multiples of the scale."""


@dataclass(frozen=True)
class Window:
    """The part of a tile that is shown, as fractions of its sides: it names the same part at every
    size.
    """

    top: float
    left: float
    height: float
    width: float

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """That part of an image of any size, at least one pixel."""
        rows, columns = image.shape[:2]
        top, left = round(self.top * rows), round(self.left * columns)
        height, width = max(1, round(self.height * rows)), max(1, round(self.width * columns))
        return np.ascontiguousarray(image[top : top + height, left : left + width])


def window(hr: NDArray[np.uint8], scale: int) -> tuple[Window, int]:
    """The busiest part of an HR tile that is worth looking at, and its side in HR pixels, a
    multiple of the scale.
    """
    side = min(*hr.shape[:2], max(VIEW, FEWEST * scale)) // scale * scale
    top, left = busiest(hr, side, scale)
    rows, columns = hr.shape[:2]
    return Window(top / rows, left / columns, side / rows, side / columns), side


def draw_strip(
    program: Program,
    tile: Tile,
    assets: Assets,
    counts: dict[str, int],
    picture_files: PictureFiles,
    stem: str,
    stand_ins: frozenset[str] = frozenset(),
) -> tuple[StripView, NDArray[np.uint8]]:
    """Run a program op by op and write the images.

    Args:
        program: What to do.
        tile: What to do it to.
        assets: Pools that the program names.
        counts: Items of each pool, by digest.
        picture_files: Where images are put.
        stem: Beginning of their names.
        stand_ins: Digests of the pools that are not those of a build.

    Returns:
        The strip, and the LR, (H, W, 3) uint8, as `apply` gives it.
    """
    part, side = window(tile.hr, program.scale)
    steps: list[StepView] = []
    before: Image = tile.hr
    for number, (op, image) in enumerate(intermediates(program, tile.hr, assets), 1):
        kernel = kernel_of(op, assets)
        name = f"{stem}-{number:02d}"
        steps.append(
            StepView(
                op=op.op,
                words=op.words(counts),
                picture=picture_files.png(name, part.cut(shown(image))),
                width=image.shape[1],
                height=image.shape[0],
                change=_change(before, image),
                inset="" if kernel is None else picture_files.png(f"{name}-kernel", heat(kernel)),
                stand_in=isinstance(op, PooledOp) and op.pool in stand_ins,
            )
        )
        before = image
    strip = StripView(
        source=tile.source,
        left=tile.left,
        top=tile.top,
        scale=program.scale,
        side=side,
        hr=picture_files.png(f"{stem}-00", part.cut(tile.hr)),
        hr_width=tile.hr.shape[1],
        hr_height=tile.hr.shape[0],
        steps=tuple(steps),
        program=program.canonical_json(),
    )
    return strip, np.asarray(before, np.uint8)


def shown(image: Image) -> NDArray[np.uint8]:
    """An image at any step as 8 bits: clipped and rounded, since it may overshoot until something
    clips it.
    """
    if image.dtype == np.uint8:
        return np.asarray(image, np.uint8)
    return to_uint8(np.asarray(image, np.float64))


def _change(before: Image, after: Image) -> float | None:
    if before.shape != after.shape:
        return None
    return float(np.sqrt(np.mean(np.square(after.astype(np.float64) - before.astype(np.float64)))))
