"""How LR lies on HR: scale, rotation and shift of the whole image, by keypoints."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.curation.align import agreement, overlay, whole
from pairmill.pipeline.curation.keypoints import grey_of, keypoints

Array = NDArray[np.float64]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Pose:
    """A similarity from pixels (x, y) of LR to those of HR."""

    matrix: Array
    """(2, 3)."""
    scale: float
    """HR pixels per LR pixel."""
    rotation: float
    """In degrees, counter-clockwise."""
    overlap: float
    """Share of LR that HR shows too."""
    correlation: float
    """Correlation of the detail that both show, -1 to 1."""

    def middle(self, lr_shape: tuple[int, int], hr_shape: tuple[int, int]) -> tuple[float, float]:
        """The middle of LR on HR, from the middle of HR, (rows, columns) in HR pixels."""
        place = self.matrix @ np.array([(lr_shape[1] - 1) / 2, (lr_shape[0] - 1) / 2, 1])
        return float(place[1] - (hr_shape[0] - 1) / 2), float(place[0] - (hr_shape[1] - 1) / 2)


def pose_of(lr: Image, hr: Image, scale: int) -> Pose | None:
    """Where LR lies on HR, both (H, W, 3); none if nothing says so.

    HR is downscaled first, so that both show the same detail.
    """
    first, second = grey_of(lr), grey_of(to_uint8(bicubic_down(_divisible(hr, scale), scale)))
    found = overlay(keypoints(first), keypoints(second)) or whole(first.shape, second.shape)
    if found is None:
        return None
    said = agreement(first, second, found)
    turn = complex(found.matrix[0, 0], found.matrix[1, 0])
    # The centre of the downscaled pixel (x, y) is that of its block in HR.
    matrix = scale * found.matrix
    matrix[:, 2] += (scale - 1) / 2
    return Pose(
        matrix,
        scale * abs(turn),
        math.degrees(-np.angle(turn)),
        _overlap(found.matrix, first.shape, second.shape),
        said.correlation,
    )


def _divisible(image: Image, scale: int) -> Image:
    height, width = (length // scale * scale for length in image.shape[:2])
    return image[:height, :width]


def _overlap(matrix: Array, first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """Share of the first image's pixels that fall into the second."""
    rows, columns = np.mgrid[: first[0], : first[1]]
    x, y = np.tensordot(matrix[:, :2], np.stack([columns, rows]), 1) + matrix[:, 2, None, None]
    inside = (x > -0.5) & (y > -0.5) & (x < second[1] - 0.5) & (y < second[0] - 0.5)
    return float(inside.mean())
