"""The image of real pairs for docs/reference/degraders: a pair whose shift and colours are known.

Run `python -m docs.generate.aligned_pair`, a few seconds. The photo comes with scikit-image, under
CC0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from docs.generate.examples import photograph
from docs.generate.pages import row, save
from pairmill.models.functional.kernels import SIZES, gaussian, target_centre
from pairmill.models.functional.resize import bicubic_up, to_uint8
from pairmill.models.registration.warp import blurred
from pairmill.pipeline.aligned.align import Aligned, align
from pairmill.schemas.aligned import AlignedConfig

Image = NDArray[np.uint8]

TURN = np.deg2rad(0.6)
"""LR's camera was turned by so much, and stood 2.4 and 3.1 HR pixels off."""
SHIFT = (2.4, -3.1)
GAIN, OFFSET = np.array([0.86, 0.9, 0.97]), np.array([9.0, 4.0, 0.0])
NOISE = 2.0
SHOWN = np.s_[100:196, 160:288]


def pair() -> tuple[Image, Image]:
    """LR and HR of one scene, as two cameras might have seen it."""
    hr = photograph("chelsea", 300, 450, 0, 0)
    turn = np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]])
    middle = (np.array(hr.shape[:2]) - 1) / 2
    away = middle - turn @ middle + np.array(SHIFT)
    kernel = gaussian(SIZES[2], np.diag([1.4, 1.7]), target_centre(SIZES[2], 2))
    seen = np.stack(
        [
            affine_transform(hr[..., c].astype(float), turn, away, order=5, mode="mirror")
            for c in range(3)
        ],
        -1,
    )
    low = np.stack([blurred(seen[..., c], kernel) for c in range(3)], -1)[::2, ::2]
    low = low * GAIN + OFFSET + NOISE * np.random.default_rng(0).standard_normal(low.shape)
    return to_uint8(np.clip(low, 0, 255)), hr


def picture() -> Image:
    """Both photographs, HR after registration, and how far HR is from LR before and after."""
    lr, hr = pair()
    found = align(lr, hr, 2, AlignedConfig())
    if not isinstance(found, Aligned):
        raise TypeError(found.detail)
    lost = (lr.shape[0] - found.lr.shape[0]) // 2, (lr.shape[1] - found.lr.shape[1]) // 2
    size = found.hr.shape[:2]
    given = hr[2 * lost[0] :][: size[0], 2 * lost[1] :][:, : size[1]]
    large = to_uint8(bicubic_up(found.lr, 2))
    panes = [
        ("HR as it was given", given),
        ("LR, enlarged for comparison", large),
        ("HR, registered and matched", found.hr),
        ("given HR minus LR, 3 times", _apart(given, large)),
        ("registered HR minus LR, 3 times", _apart(found.hr, large)),
    ]
    return row([(name, np.ascontiguousarray(image[SHOWN])) for name, image in panes])


def _apart(first: Image, second: Image) -> Image:
    return np.clip(128 + 3 * (first.astype(int) - second), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    save("degraders", "aligned", picture())
