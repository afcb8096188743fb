"""Sensitivity of the realism test: photos of a simulated phone against LR made of them in
known ways.

    python -m benchmarks.realism_sensitivity FOLDER [--images 40] [--draws 2]

Images of FOLDER play the scene. The phone blurs by a Gaussian of sigma 1.2, takes every second
pixel, adds shot and read noise and stores JPEG 90: these are the real photos. HR is made of
them as a build makes it, by bicubic downscaling by 2, and LR is made of HR in ways that are right
(the phone again) or wrong by a known amount. A test that is good tells the wrong ones by their
fault, and real from real not at all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.realism.compare import compare, pool, real_against_real
from pairmill.schemas.realism import RealismConfig, RealismResult

Image = NDArray[np.uint8]
SIGMA, SHOT, READ, QUALITY = 1.2, 0.25, 2.0, 90


def phone(
    scene: Image,
    rng: np.random.Generator,
    sigma: float = SIGMA,
    noise: float = 1.0,
    quality: int | None = QUALITY,
    shot: float = SHOT,
) -> Image:
    """An image of a scene, half its size."""
    seen = gaussian_filter(scene.astype(np.float64), (sigma, sigma, 0), mode="reflect")[::2, ::2]
    read = READ**2 + (SHOT - shot) * 110  # with less shot noise, as much noise at middle grey
    noisy = seen + noise * rng.standard_normal(seen.shape) * np.sqrt(shot * seen + read)
    return compressed(to_uint8(noisy), quality)


def compressed(image: Image, quality: int | None) -> Image:
    if quality is None:
        return image
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(
        np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    )


Way = Callable[[Image, np.random.Generator], Image]
WAYS: dict[str, Way] = {
    "the phone itself": phone,
    "its noise 10 % weaker": lambda hr, rng: phone(hr, rng, noise=0.9),
    "its noise 25 % weaker": lambda hr, rng: phone(hr, rng, noise=0.75),
    "its noise halved": lambda hr, rng: phone(hr, rng, noise=0.5),
    "its noise the same at all levels": lambda hr, rng: phone(hr, rng, shot=0.0),
    "blur 0.9 instead of 1.2": lambda hr, rng: phone(hr, rng, sigma=0.9),
    "blur 1.6 instead of 1.2": lambda hr, rng: phone(hr, rng, sigma=1.6),
    "JPEG 75 instead of 90": lambda hr, rng: phone(hr, rng, quality=75),
    "no JPEG": lambda hr, rng: phone(hr, rng, quality=None),
    "no noise": lambda hr, rng: phone(hr, rng, noise=0.0),
    "bicubic": lambda hr, _: to_uint8(bicubic_down(hr, 2)),
}


def scenes(folder: Path, count: int) -> list[Image]:
    found = []
    for path in sorted(folder.iterdir())[:count]:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is not None:
            whole = image[: image.shape[0] // 8 * 8, : image.shape[1] // 8 * 8, ::-1]
            found.append(np.ascontiguousarray(np.asarray(whole, np.uint8)))
    return found


def show(name: str, result: RealismResult, seconds: float) -> None:
    alone = "  ".join(f"{c.classifier} {c.auc:.3f}" for c in result.classifiers)
    if result.auc is None or result.interval is None:
        print(f"{name:<34} {result.problem}")
        return
    low, high = result.interval
    said = f"{name:<34} {result.auc:.3f}  {low:.3f} .. {high:.3f}  {alone}  {seconds:4.1f} s"
    print(said, "|", "; ".join(result.telling), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--draws", type=int, default=2, help="LR images of each HR")
    parser.add_argument("--patches", type=int, default=RealismConfig().patches)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = RealismConfig(patches=args.patches, seed=args.seed)
    rng = np.random.default_rng(1)
    photographs = [phone(scene, rng) for scene in scenes(args.folder, args.images)]
    names = [f"{number:03d}" for number in range(len(photographs))]
    high = [to_uint8(bicubic_down(photograph, 2)) for photograph in photographs]
    real = pool(photographs, names, config)
    started = time.process_time()
    show("real against real", real_against_real(real, config), time.process_time() - started)
    for name, way in WAYS.items():
        started = time.process_time()
        made = [way(hr, rng) for hr in high for _ in range(args.draws)]
        made_of = [source for source in names for _ in range(args.draws)]
        show(
            name,
            compare(real, pool(made, made_of, config), config).result,
            time.process_time() - started,
        )


if __name__ == "__main__":
    main()
