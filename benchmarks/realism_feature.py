"""Fixed units of the feature that KID is measured with: its mean and spread over ordinary
photographs.

    python -m benchmarks.realism_feature > pipeline/realism/kid_feature.py

The photographs are those that scikit-image and scikit-learn bundle (extra `demo`), degraded by
a Gaussian of 0.3 to 1.5 px, white noise of up to 8 levels and JPEG 60 to 98 or none. Raise VERSION
whenever a number changes: KID of different versions cannot be compared.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchmarks.realism_sensitivity import compressed
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.realism.features import features
from pairmill.pipeline.realism.patches import cut

VERSION, SIDE, DRAWS, PATCHES = 1, 32, 6, 40
HEAD = '''"""Fixed units of the feature that KID is measured with; written by
`python -m benchmarks.realism_feature`.
"""

NAME = "pairmill-patch-32/{version}"
"""Its version: KID of different features cannot be compared."""
SIDE = {side}
"""Side of the patches that it is measured on, in pixels."""
'''


def photographs() -> Iterator[NDArray[np.uint8]]:
    from skimage import data
    from sklearn.datasets import load_sample_images

    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        yield np.asarray(getattr(data, name)(), np.uint8)
    yield from (np.asarray(image, np.uint8) for image in load_sample_images().images)


def seen(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    sigma = rng.uniform(0.3, 1.5)
    soft = gaussian_filter(half.astype(np.float64), (sigma, sigma, 0), mode="reflect")
    noisy = to_uint8(soft + rng.uniform(0, 8) * rng.standard_normal(soft.shape))
    return compressed(noisy, int(rng.integers(60, 99)) if rng.random() < 0.7 else None)


def column(name: str, values: NDArray[np.float64]) -> str:
    numbers = ", ".join(f"{value:.2f}" for value in values)
    lines, line = [], "   "
    for number in numbers.split(", "):
        if len(line) + len(number) > 90:
            lines.append(line)
            line = "   "
        line += f" {number},"
    return f"{name} = (\n" + "\n".join([*lines, line]) + "\n)"


def main() -> None:
    rng = np.random.default_rng(0)
    values = []
    for number, image in enumerate(photographs()):
        for draw in range(DRAWS):
            patches = cut([seen(image, rng)], [f"{number}"], SIDE, PATCHES, draw)
            values.append(features(patches.pixels))
    rows = np.concatenate(values)
    print(HEAD.format(version=VERSION, side=SIDE), end="")
    print(column("CENTRE", rows.mean(axis=0)))
    print('"""Mean of every column of `features`."""')
    print(column("SPREAD", rows.std(axis=0)))
    print('"""Standard deviation of every column of `features`."""')


if __name__ == "__main__":
    main()
