"""Where tiles lie in an image, whether a tile teaches anything, and which of all teach most."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.complexity import complexity
from pairmill.models.functional.defocus import focus
from pairmill.pipeline.rng import stream_key
from pairmill.schemas.hr import HrImage, TileReason
from pairmill.schemas.recipe import TilesConfig


def positions(length: int, size: int, step: int) -> list[int]:
    """Starts of tiles along one axis: a grid from 0, and a last tile at the edge if half a step or
    more is left there.
    """
    if length < size:
        return []
    starts = list(range(0, length - size + 1, step))
    rest = length - size - starts[-1]
    if 2 * rest >= step:
        return [*starts, length - size]
    return starts


def judge_tile(tile: NDArray[np.uint8], config: TilesConfig) -> TileReason | None:
    """Why a tile (H, W, 3) uint8 RGB is skipped, or none if it is used."""
    contrast, detail = contrast_and_detail(tile)
    if contrast < config.min_contrast:
        return TileReason.FLAT
    if detail < config.min_detail:
        return TileReason.BLURRED
    if config.max_defocus is not None and defocus_of(tile) > config.max_defocus:
        return TileReason.DEFOCUSED
    return None


def complexity_of(tile: NDArray[np.uint8]) -> float:
    """Complexity of a tile (H, W, 3) uint8 RGB, in bits."""
    return complexity(_grey(tile))


def defocus_of(tile: NDArray[np.uint8]) -> float:
    """Share out of focus of what there is to see in a tile (H, W, 3) uint8 RGB."""
    return focus(_grey(tile)).defocus


def choose_tiles(images: Sequence[HrImage], config: TilesConfig) -> list[HrImage]:
    """The share `config.keep` of the tiles of all images; the others are counted as not chosen.

    Of equal tiles, and at random, those with the smallest key of image and place go first: neither
    the order of images nor a seed matters.
    """
    if config.keep == 1:
        return list(images)
    ranked = sorted(
        (-worth, stream_key("tile", image.image, *place), number, place)
        for number, image in enumerate(images)
        for place, worth in zip(image.tiles, _worths(image), strict=True)
    )
    kept = {(number, place) for *_, number, place in ranked[: _count(len(ranked), config.keep)]}
    return [
        _reduced(image, [place for place in image.tiles if (number, place) in kept])
        for number, image in enumerate(images)
    ]


def _worths(image: HrImage) -> Sequence[float]:
    return image.complexity or [0.0] * len(image.tiles)


def _count(tiles: int, keep: float) -> int:
    return max(1, round(keep * tiles))


def _reduced(image: HrImage, kept: Sequence[tuple[int, int]]) -> HrImage:
    skipped = dict(image.skipped)
    if left_out := len(image.tiles) - len(kept):
        skipped[TileReason.NOT_CHOSEN] = left_out
    return image.with_(tiles=kept, skipped=dict(sorted(skipped.items())), complexity=())


def contrast_and_detail(tile: NDArray[np.uint8]) -> tuple[float, float]:
    """Standard deviations of grey and of its Laplacian, in intensity levels."""
    grey = _grey(tile)
    return _deviation(grey), _deviation(cv2.Laplacian(grey, cv2.CV_16S))


def _grey(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY), np.uint8)


def _deviation(values: NDArray[np.generic]) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])
