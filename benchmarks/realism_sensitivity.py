"""Sensitivity of the realism test and of the scores of papers: photos of a simulated phone against
LR made of them in known ways.

    python -m benchmarks.realism_sensitivity FOLDER [--images 40] [--draws 2] [--grain 0.6]

Images of FOLDER play the scene. The phone blurs by a Gaussian of sigma 1.2, takes every second
pixel, adds shot and read noise and stores JPEG 90: these are the real photos. HR is made of
them as a build makes it, by bicubic downscaling by 2, and LR is made of HR in ways that are right
(the phone again) or wrong by a known amount. A test that is good tells the wrong ones by their
fault, and real from real not at all. With `--grain` the noise of the phone is correlated by a
Gaussian of that sigma. The noise of LR is known, as that of a corpus is, but for bicubic's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.realism.card import Side, card_row, control_row
from pairmill.pipeline.realism.compare import Matched, compare, pool, real_against_real
from pairmill.pipeline.realism.features import features
from pairmill.pipeline.realism.flat_noise import FlatNoise, flat_noise, known_noise
from pairmill.pipeline.realism.patches import Patches
from pairmill.schemas.realism import RealismConfig, RealismResult
from pairmill.schemas.realism_card import CardRow, Score, ScoreName

T = TypeVar("T")
Image = NDArray[np.uint8]
SCORES: tuple[ScoreName, ...] = ("akld", "kld", "spectrum", "kid")
SIGMA, SHOT, READ, QUALITY = 1.2, 0.25, 2.0, 90


def phone(
    scene: Image,
    rng: np.random.Generator,
    sigma: float = SIGMA,
    noise: float = 1.0,
    quality: int | None = QUALITY,
    shot: float = SHOT,
    grain: float = 0.0,
) -> Image:
    """An image of a scene, half its size; noise is as strong with grain as without."""
    seen = gaussian_filter(scene.astype(np.float64), (sigma, sigma, 0), mode="reflect")[::2, ::2]
    read = READ**2 + (SHOT - shot) * 110  # with less shot noise, as much noise at middle grey
    field = rng.standard_normal(seen.shape)
    if grain:
        field = gaussian_filter(field, (grain, grain, 0), mode="wrap")
        field /= field.std()
    noisy = seen + noise * field * np.sqrt(shot * seen + read)
    return compressed(to_uint8(noisy), quality)


def compressed(image: Image, quality: int | None) -> Image:
    if quality is None:
        return image
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(
        np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    )


WAYS: dict[str, dict[str, Any]] = {
    "the phone itself": {},
    "its noise 10 % weaker": {"noise": 0.9},
    "its noise 25 % weaker": {"noise": 0.75},
    "its noise halved": {"noise": 0.5},
    "its noise 25 % stronger": {"noise": 1.25},
    "its noise the same at all levels": {"shot": 0.0},
    "other grain of noise": {},
    "blur 0.9 instead of 1.2": {"sigma": 0.9},
    "blur 1.6 instead of 1.2": {"sigma": 1.6},
    "JPEG 75 instead of 90": {"quality": 75},
    "no JPEG": {"quality": None},
    "no noise": {"noise": 0.0},
}
"""What is wrong with LR. The other grain is white where the phone's noise is correlated, and the
other way round."""
OTHER, GRAIN = "other grain of noise", 0.6


def scenes(folder: Path, count: int) -> list[Image]:
    found = []
    for path in sorted(folder.iterdir())[:count]:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is not None:
            whole = image[: image.shape[0] // 8 * 8, : image.shape[1] // 8 * 8, ::-1]
            found.append(np.ascontiguousarray(np.asarray(whole, np.uint8)))
    return found


def show(name: str, result: RealismResult, row: CardRow, seconds: tuple[float, float]) -> None:
    told = result.problem
    if result.auc is not None and result.interval is not None:
        low, high = result.interval
        told = f"{result.auc:.3f} ({low:.2f} .. {high:.2f})"
    scores = [f"{name} {_said(row.score(name))}" for name in SCORES]
    took = f"{seconds[0]:.1f} + {seconds[1]:.1f} s"
    print(f"{name:<34} AUC {told}  {'  '.join(scores)}  {took}", flush=True)
    print(" " * 36 + "; ".join((*result.telling, *sorted(set(row.problems.values())))), flush=True)


def _said(score: Score | None) -> str:
    if score is None or score.interval is None:
        return "-"
    return f"{score.value:.3g} ({score.interval[0]:.2g} .. {score.interval[1]:.2g})"


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    return work(), time.process_time() - started


def described(patches: Patches) -> Patches:
    return replace(patches, values=features(patches.pixels))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--draws", type=int, default=2, help="LR images of each HR")
    parser.add_argument("--patches", type=int, default=RealismConfig().patches)
    parser.add_argument("--grain", type=float, default=0.0, help="sigma of the phone's noise")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = RealismConfig(patches=args.patches, seed=args.seed)
    rng = np.random.default_rng(1)
    shown = scenes(args.folder, args.images)
    photographs = [phone(scene, rng, grain=args.grain) for scene in shown]
    names = [f"{number:03d}" for number in range(len(photographs))]
    high = [to_uint8(bicubic_down(photograph, 2)) for photograph in photographs]
    patches = described(pool(photographs, names, config))
    real = Side(photographs, names, patches, flat_noise(photographs, names, config.seed))
    result, first = timed(lambda: real_against_real(patches, config))
    row, second = timed(lambda: control_row("real against real", real, config))
    show("real against real", result, row, (first, second))
    for name, fault in WAYS.items():
        grain = args.grain
        if name == OTHER:
            grain = 0.0 if args.grain else GRAIN
        made, clean = (
            [
                phone(hr, np.random.default_rng([2, n, draw]), **{"grain": grain, **fault, **more})
                for n, hr in enumerate(high)
                for draw in range(args.draws)
            ]
            for more in ({}, {"noise": 0.0})
        )
        sources = [source for source in names for _ in range(args.draws)]
        measure(name, real, made, sources, known_noise(made, clean, sources), config)
    reduced = [to_uint8(bicubic_down(hr, 2)) for hr in high]
    measure("bicubic", real, reduced, names, flat_noise(reduced, names, config.seed), config)


def measure(
    name: str,
    real: Side,
    made: list[Image],
    sources: list[str],
    noise: FlatNoise,
    config: RealismConfig,
) -> None:
    patches = pool(made, sources, config)
    compared, first = timed(lambda: compare(real.patches, patches, config))
    pairs = Matched(compared.real, compared.synthetic, {}, compared.result.problem)
    side = Side(made, sources, patches, noise)
    row, second = timed(lambda: card_row(name, real, side, pairs, config.seed))
    show(name, compared.result, row, (first, second))


if __name__ == "__main__":
    main()
