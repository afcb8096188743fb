"""Accuracy of mined noise: photos of a folder with known synthetic noise.

    python -m benchmarks.noise_accuracy FOLDER [--patch 64] [--images 24] [--full-size]

Photos are first downscaled by 2, so that their own noise is small. `ratio` is the strength of the
residuals of all mined patches over the truth at each patch's place; `own` is what the same
residuals hold without the added noise, in intensity levels: it belongs to the photo, and noise as
weak as that cannot be distinguished from it. The truth of compressed noise is measured on flat
images of the same brightness.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.noise.select import choose
from pairmill.schemas.noise import NoiseConfig

Image = NDArray[np.uint8]
ROUNDING = 1 / 12


@dataclass(frozen=True)
class Kind:
    """A synthetic noise."""

    name: str
    variance: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """Variance in squared intensity levels at given intensity levels."""
    quality: int | None = None
    """JPEG quality, if the noisy image is compressed."""

    def add(self, clean: NDArray[np.float64], rng: np.random.Generator) -> Image:
        """`clean` with noise, independent in all channels, rounded and compressed."""
        noisy = np.clip(
            np.rint(clean + rng.normal(0, 1, clean.shape) * np.sqrt(self.variance(clean))), 0, 255
        )
        return (
            _compressed(noisy.astype(np.uint8), self.quality)
            if self.quality
            else noisy.astype(np.uint8)
        )

    def truth(self, clean: Image) -> float:
        """Mean variance that a flat patch as bright as `clean` would have."""
        if self.quality is None:
            return float(self.variance(clean.astype(np.float64)).mean()) + ROUNDING
        return _measured_truth(self, int(clean.mean()) // 8 * 8)


@lru_cache(maxsize=1000)
def _measured_truth(kind: Kind, level: int) -> float:
    flat = kind.add(np.full((256, 256, 3), float(level)), np.random.default_rng(level))
    return float(flat.reshape(-1, 3).var(axis=0).mean())


def _compressed(image: Image, quality: int) -> Image:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(
        np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    )


def constant(sigma: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Noise of `sigma` intensity levels everywhere."""
    return lambda level: np.full_like(level, sigma * sigma)


KINDS = (
    *(Kind(f"white, sigma {sigma:g}", constant(sigma)) for sigma in (2, 3, 4, 6, 8, 12)),
    Kind("shot 0.15 + read 1.5", lambda level: 0.15 * level + 2.25),
    Kind("shot 0.5 + read 3", lambda level: 0.5 * level + 9),
    Kind("white, sigma 4, JPEG 90", constant(4), 90),
    Kind("white, sigma 8, JPEG 75", constant(8), 75),
    Kind("none", constant(0)),
)


def measure(kind: Kind, images: list[Image], config: NoiseConfig) -> dict[str, Any]:
    """Mine images with one kind of noise and compare with the truth."""
    rng = np.random.default_rng(1)
    found = [
        candidates(kind.add(im.astype(np.float64), rng), f"{i:064x}", config)
        for i, im in enumerate(images)
    ]
    chosen = choose(found, config)
    rows = []
    for (image, row), patch in zip(chosen.picks, chosen.patches, strict=True):
        clean = np.ascontiguousarray(
            images[image][
                patch.top : patch.top + config.patch, patch.left : patch.left + config.patch
            ]
        )
        rows.append(
            (
                np.square(residual(found[image].patches[row])).mean(),
                kind.truth(clean),
                residual(clean).var(),
            )
        )
    result = {
        "noise": kind.name,
        "patches": len(rows),
        "images": len({image for image, _ in chosen.picks}),
    }
    if not rows:
        return result
    got, truth, own = np.array(rows, float).T
    ratio = np.sqrt(got / truth)
    numbers = {
        "ratio": np.sqrt(got.mean() / truth.mean()),
        "median": np.median(ratio),
        "5 %": np.quantile(ratio, 0.05),
        "95 %": np.quantile(ratio, 0.95),
        "own": np.sqrt(own.mean()),
    }
    return result | {key: round(float(value), 3) for key, value in numbers.items()}


def photographs(folder: Path, count: int, *, reduce: bool) -> list[Image]:
    """The first images of a folder."""
    images = []
    for path in sorted(folder.iterdir())[:count]:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is not None:
            half = (image.shape[1] // 2, image.shape[0] // 2)
            small = cv2.resize(image, half, interpolation=cv2.INTER_AREA) if reduce else image
            images.append(np.ascontiguousarray(np.asarray(small, np.uint8)[..., ::-1]))
    return images


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--full-size", action="store_true")
    args = parser.parse_args()
    images = photographs(args.folder, args.images, reduce=not args.full_size)
    for kind in KINDS:
        row = measure(kind, images, NoiseConfig(patch=args.patch))
        print("  ".join(f"{key}: {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
