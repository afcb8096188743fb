"""HR tiles on which degradations are tried before a corpus is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.subset import evenly
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.hr import HrSet, HrTile
from pairmill.schemas.image import ImageRecord, ImageSet


def trial_tiles(images: ImageSet, hr: HrSet, size: int, side: int, most: int) -> list[HrTile]:
    """Where to cut tiles, evenly chosen among all.

    Args:
        images: Has the source images.
        hr: The HR images, and where tiles of `size` lie in them.
        size: Side of these, in HR pixels.
        side: Side of the tiles that are wanted, in HR pixels; as many of a tile as fit.
        most: Maximum number.
    """
    records = images.by_digest()
    found = [
        HrTile(image=records[ref.hr.image], hr_key=ref.key, cleaned=ref.hr.cleaned, left=x, top=y)
        for ref in hr.images
        for left, top in ref.hr.tiles
        for y in range(top, top + size - side + 1, side)
        for x in range(left, left + size - side + 1, side)
    ]
    return [found[number] for number in evenly(len(found), most)]


def cut_tile(workspace: str, side: int, number: int, tiles: Sequence[HrTile]) -> NDArray[np.uint8]:
    """The pixels of one of the tiles, (side, side, 3)."""
    one = tiles[number]
    places = tuple((o.left, o.top) for o in tiles if o.hr_key == one.hr_key)
    return _cut(workspace, one.image, one.hr_key, one.cleaned, places, side)[one.left, one.top]


@lru_cache(maxsize=256)
def _cut(
    workspace: str,
    image: ImageRecord,
    key: str,
    cleaned: bool,
    places: tuple[tuple[int, int], ...],
    side: int,
) -> dict[tuple[int, int], NDArray[np.uint8]]:
    """Tiles of one HR image, by (left, top); an image is read once per process."""
    hr = clean_up.read_hr(Storage(workspace), image, key, cleaned=cleaned)
    return {(x, y): hr[y : y + side, x : x + side].copy() for x, y in places}
