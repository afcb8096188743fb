"""How near a fit of PDM comes to a hidden distribution of degradations.

    python -m benchmarks.pdm_accuracy FOLDER [--samples 64000] [--set '{"crop": 48}'] [--image
    out.png]

Each photo of the folder is cut into four quarters. Two opposite ones are degraded by x2:
kernels are anisotropic Gaussians with both sigmas uniform in [0.8, 2.5] HR pixels and any angle,
noise has variance shot I + read^2, all is rounded to 8 bits. The other two are HR. The fit sees
neither kernels nor noise, and no LR together with its HR.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import Row, save
from pairmill.models.functional.kernels import gaussian_kernel, target_centre
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.models.pdm.fit import Fit
from pairmill.models.pdm.measure import Sight, drawn_kernels, look, measure, montage, noise_curve
from pairmill.pipeline.realism.fits import number, realism
from pairmill.schemas.pdm import PdmConfig

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
SIZE, SCALE, SHOT, READ = 21, 2, 0.08, 2.0
SIGMAS = (0.8, 2.5)


@dataclass(frozen=True)
class Case:
    """What a fit gets, and what is hidden from it."""

    reals: list[Image]
    hrs: list[Image]
    kernels: Array
    """(N, 21, 21): the kernel of each real image."""
    photographs: tuple[list[str], list[str]]
    """Which photo each real image, and each HR image, is a part of."""


def hidden_kernel(rng: np.random.Generator) -> Array:
    """One kernel of the truth."""
    sigmas, angle = rng.uniform(*SIGMAS, 2), rng.uniform(0, np.pi)
    return gaussian_kernel(SIZE, sigmas[0], sigmas[1], angle, target_centre(SIZE, SCALE))


def degrade(image: Image, kernel: Array, rng: np.random.Generator) -> Image:
    """The truth's degradation."""
    low = cv2.filter2D(image.astype(np.float64), -1, kernel, borderType=cv2.BORDER_REFLECT)[
        ::SCALE, ::SCALE
    ]
    return to_uint8(low + rng.normal(size=low.shape) * np.sqrt(SHOT * np.maximum(low, 0) + READ**2))


def case(folder: Path, draws: int = 200) -> Case:
    """Quarters of all images of a folder; about `draws` real images."""
    rng = np.random.default_rng(1)
    files = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in {".png", ".jpg", ".jpeg"}
    )
    sources, hrs = [], []
    for path in files:
        read = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if read is None:
            raise ValueError(f"{path} cannot be read as an image")
        image = np.asarray(read[..., ::-1], np.uint8)
        h, w = image.shape[0] // 4 * 2, image.shape[1] // 4 * 2
        sources += [image[:h, :w], image[h : 2 * h, w : 2 * w]]
        hrs += [
            np.ascontiguousarray(image[:h, w : 2 * w]),
            np.ascontiguousarray(image[h : 2 * h, :w]),
        ]
    chosen = [source for source in sources for _ in range(max(1, draws // len(sources)))]
    kernels = np.stack([hidden_kernel(rng) for _ in chosen])
    names = [str(number // 2 // max(1, draws // len(sources))) for number in range(len(chosen))]
    others = [str(number // 2) for number in range(len(hrs))]
    reals = [degrade(image, kernel, rng) for image, kernel in zip(chosen, kernels, strict=True)]
    return Case(reals, hrs, kernels, (names, others))


def told(real: Array, made: Array, places: tuple[Any, Any], truth: Case) -> Any:
    """The realism of what is made, cross-validated by photo."""
    sources = [
        [names[place] for place in numbers]
        for names, numbers in zip(truth.photographs, places, strict=True)
    ]
    return realism(real, made, (sources[0], sources[1]))


def told_of(sight: Sight, truth: Case) -> Any:
    """That of a fit."""
    return told(sight.real, sight.fake, sight.sources, truth)


def widths(kernels: Array) -> Array:
    """(N, 2): standard deviations along the principal axes, the smaller first, in HR pixels."""
    axis = np.arange(SIZE) - target_centre(SIZE, SCALE)
    rows, columns = kernels.sum(2) @ axis**2, kernels.sum(1) @ axis**2
    cross = np.einsum("nij,i,j->n", kernels, axis, axis)
    moments = np.stack([np.stack([rows, cross], 1), np.stack([cross, columns], 1)], 1)
    return np.asarray(np.sqrt(np.linalg.eigvalsh(moments)))


def score(fit: Fit, truth: Case) -> dict[str, Any]:
    """Distance of the drawn distribution from the hidden one."""
    kernels, sight = drawn_kernels(fit, 512), look(fit)
    mean, wanted = kernels.mean(0), truth.kernels.mean(0)
    curve = noise_curve(sight.clean, sight.noise)
    against = [abs(spread / np.sqrt(SHOT * level + READ**2) - 1) for level, spread in curve]
    drawn, true = widths(kernels), widths(truth.kernels)
    bicubic = np.stack([to_uint8(bicubic_down(crop, SCALE)) for crop in _hr_crops(fit)]).astype(
        np.float64
    )
    control = told(sight.real, bicubic, (sight.sources[0], fit.hrs.sources(0, len(bicubic))), truth)
    return {
        "mean kernel, L2 error": np.linalg.norm(mean - wanted) / np.linalg.norm(wanted),
        "mean kernel, L1 error": np.abs(mean - wanted).sum(),
        "diversity": _diversity(kernels),
        "diversity true": _diversity(truth.kernels),
        "noise curve, mean error": np.mean(against),
        "noise curve, largest error": np.max(against),
        "widths drawn": drawn.mean(0),
        "their spread": drawn.std(0),
        "widths true": true.mean(0),
        "spread true": true.std(0),
        "AUC": told_of(sight, truth).auc,
        "AUC bicubic": control.auc,
        "curve": curve,
    }


def _diversity(kernels: Array) -> float:
    mean = kernels.mean(0)
    return float(
        np.mean([np.linalg.norm(kernel - mean) for kernel in kernels]) / np.linalg.norm(mean)
    )


def _hr_crops(fit: Fit) -> list[Image]:
    side = SCALE * fit.config.crop
    drawn = fit.hrs.at(0, 768, np.random.default_rng(3))[:, :, :side, :side]
    return list((255 * drawn.permute(0, 2, 3, 1).numpy()).round().astype(np.uint8))


def told_row(values: dict[str, Any]) -> Row:
    """Print what was measured, and give it as a line of the results."""
    rounded = {name: np.round(value, 3).tolist() for name, value in values.items()}
    for name, value in rounded.items():
        print(f"  {name:28s} {value}")
    return rounded


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=PdmConfig().samples)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", default="{}", help="further settings, as JSON")
    parser.add_argument("--picture", type=Path, help="write real patches above drawn ones")
    args = parser.parse_args()
    torch.set_num_threads(1)
    truth = case(args.folder)
    fit = Fit(
        truth.reals,
        truth.hrs,
        PdmConfig(samples=args.samples, **json.loads(args.set)),
        SCALE,
        args.seed,
    )
    start, rows = time.perf_counter(), []
    while not fit.done:
        for _ in fit.advance(fit.config.check_every):
            pass
        fit.check(number(told_of(look(fit), truth)))
        seconds = time.perf_counter() - start
        print(
            f"\n{fit.samples} crops, {seconds:.0f} s, {1e3 * seconds / len(fit.curves):.1f} ms "
            "per iteration"
        )
        rows.append({"crops": fit.samples, **told_row(score(fit, truth))})
    fit.finish()
    print(f"\nsealed, after {fit.kept} crops")
    rows.append(
        {
            "sealed, after crops": fit.kept,
            "photographs": len(set(truth.photographs[0])),
            **told_row(score(fit, truth)),
        }
    )
    save(rows, "pdm_accuracy")
    sight = look(fit)
    print("  measures", measure(fit, sight, told_of(sight, truth)))
    if args.picture:
        cv2.imwrite(
            str(args.picture),
            cv2.resize(montage(look(fit)), None, fx=3, fy=3, interpolation=0)[..., ::-1],
        )


if __name__ == "__main__":
    main()
