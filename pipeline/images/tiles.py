"""Where tiles lie in an image, and whether a tile teaches anything."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.schemas.hr import TileReason
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
    return None


def contrast_and_detail(tile: NDArray[np.uint8]) -> tuple[float, float]:
    """Standard deviations of grey and of its Laplacian, in intensity levels."""
    grey = cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY)
    return _deviation(grey), _deviation(cv2.Laplacian(grey, cv2.CV_16S))


def _deviation(values: NDArray[np.generic]) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])
