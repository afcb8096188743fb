"""Pictures for measuring ZSSR, and LR made of them with known kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernel_cases import draw_camera, padded
from benchmarks.kernel_pictures import Picture, pictures
from pairmill.models.functional.kernels import to_fixed_point
from pairmill.models.zssr.pairs import downscale

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

TRIED = (("BSD100_first50", "img_040.png"), ("Urban100_first24", "img_020.png"))
"""Pictures that settings of ZSSR were chosen on, besides img_045.png."""
SIDE = 29
"""Side of the arrays that kernels are kept in."""
FORMS = ("gaussian", "disc")


@dataclass(frozen=True, eq=False)
class Case:
    """A picture, and LR of it at x2."""

    name: str
    photograph: Image
    """LR of the whole picture."""
    lr: Image
    """Its middle, which is upscaled."""
    hr: Image
    """What it is the LR of."""
    kernel: Array
    """(SIDE, SIDE) on the grid of 2**-16: the truth."""
    camera: int
    """Number of the kernel."""


def tried(data: Path) -> list[Picture]:
    """Pictures to choose settings on."""
    known = [*pictures(data, "calibration"), *pictures(data, "other half")]
    return [one for one in known if (one.source, one.name) in TRIED]


def reported(data: Path) -> list[Picture]:
    """Twenty others, that neither ZSSR nor the scenes of the camera estimate have seen: twelve of
    Set14 and eight of DF2K.
    """
    fresh = pictures(data, "fresh")
    set14 = [one for one in fresh if one.source == "Set14"]
    return [*set14[:12], *(one for one in fresh if one.source == "DF2K_HQPatches")][:20]


def cases(chosen: Sequence[Picture], kernels: int, height: int, width: int) -> list[Case]:
    """LR of pictures, every `kernels`-th with the same kernel: Gaussians and discs by turns.

    Args:
        chosen: Pictures.
        kernels: How many kernels are drawn, from a fixed seed.
        height: Of the part of LR that is upscaled, at most.
        width: The same.
    """
    rng = np.random.default_rng(17)
    drawn = [
        to_fixed_point(padded(draw_camera(FORMS[number % 2], rng).truth, SIDE))
        for number in range(kernels)
    ]
    return [
        _case(picture, drawn[number % kernels], number % kernels, height, width)
        for number, picture in enumerate(chosen)
    ]


def _case(picture: Picture, kernel: Array, camera: int, height: int, width: int) -> Case:
    whole = downscale(picture.image, kernel, 2)
    rows, columns = min(height, whole.shape[0]), min(width, whole.shape[1])
    top, left = (whole.shape[0] - rows) // 2, (whole.shape[1] - columns) // 2
    lr = np.ascontiguousarray(whole[top : top + rows, left : left + columns])
    hr = picture.image[2 * top : 2 * (top + rows), 2 * left : 2 * (left + columns)]
    name = f"{picture.source}/{picture.name}"
    return Case(name, whole, lr, np.ascontiguousarray(hr), kernel, camera)
