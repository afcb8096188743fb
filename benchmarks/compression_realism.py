"""How distinguishable synthetic LR is from compressed photos, with and without mined
compression.

    python -m benchmarks.compression_realism FOLDER [FOLDER ...] [--quality 90] [--images 34]
    [--seeds 3]

Phone photos are simulated: sharp images are blurred with a known kernel, downscaled by 2, given
shot noise, and compressed. From these photos alone come HR (bicubic downscaling by 2), the noise
pool and the compression pool; the kernel is the true one, so that nothing but noise and compression
differs between the rows. Patches of each kind of LR are distinguished from patches of the photos by
logistic regression on the spectrum and the quantiles of their residuals and on their blockiness,
trained on some images and tested on others. The number is the area under the ROC curve: 0.5 is
indistinguishable, 1 is certain.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pairmill.models.functional.blur import block_matrix, correlate
from pairmill.models.functional.kernels import gaussian_kernel, to_fixed_point
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.assets import Assets, pool_digest
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.compression.blocks import planes
from pairmill.pipeline.compression.mine import encoder_of, of_pixels
from pairmill.pipeline.compression.restore import restore
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.degraders.realsr import RealSr
from pairmill.pipeline.images.decode import decode, pixel_digest
from pairmill.pipeline.noise.candidates import Candidates, candidates
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.noise.select import choose
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.schemas.compression import CompressionConfig, MinedCompression
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.noise import NoiseConfig, NoisePatch
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.program import Program

Image = NDArray[np.uint8]
Make = Callable[[Image, np.random.Generator], Image]
SIDE, PER_IMAGE, PATCH = 32, 24, 32
KERNEL = to_fixed_point(gaussian_kernel(17, 1.3, 1.0, 0.5, 8.5))


def phone(hr: Image, rng: np.random.Generator, quality: int) -> Image:
    """The true degradation: blur, x2, shot and read noise, JPEG on a random grid."""
    clean = np.asarray(correlate(hr, block_matrix(KERNEL, 2)), np.float64)
    noisy = to_uint8(
        clean + rng.standard_normal(clean.shape) * np.sqrt(0.05 * np.maximum(clean, 0) + 2)
    )
    return (
        noisy
        if quality > 100
        else roundtrip_quality(
            noisy, quality, "420", (int(rng.integers(16)), int(rng.integers(16)))
        )
    )


def features(patch: Image) -> NDArray[np.float64]:
    """Log power spectrum, correlations and moments of the residuals of Y, Cb and Cr, and blockiness
    over 8 phases.
    """
    ycc = planes(patch)
    rest = ycc - gaussian_filter(ycc, (0, 1.5, 1.5), mode="reflect")
    power = dctn(rest, axes=(1, 2), norm="ortho") ** 2
    radius = np.minimum(np.hypot(*np.indices((SIDE, SIDE))) / (SIDE * 1.2) * 12, 11).astype(int)
    found = [
        np.log(np.bincount(radius.ravel(), plane.ravel()) / np.bincount(radius.ravel()) + 1e-2)
        for plane in power
    ]
    flat = np.sort(np.abs(rest).reshape(3, -1), axis=1)
    found.append(
        np.log(flat[:, [SIDE * SIDE // 4, SIDE * SIDE // 2, SIDE * SIDE * 9 // 10]] + 0.1).ravel()
    )
    found += [_blockiness(ycc[0], axis) for axis in (0, 1)]
    return np.concatenate(found)


def _blockiness(luma: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """How much the largest of 8 mean steps across possible block borders exceeds the others, and
    their spread.
    """
    steps = (
        np.abs(np.diff(luma, 2, axis=axis)).mean(axis=1 - axis)[:24].reshape(3, 8).mean(axis=0)
        + 0.05
    )
    ordered = np.log(np.sort(steps) / np.median(steps))
    return np.array([ordered[-1], ordered[-2], ordered.std()])


def patches(images: list[Image], seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features of up to PER_IMAGE random patches of every image, and which image each is of."""
    rng = np.random.default_rng(seed)
    rows, groups = [], []
    for number, image in enumerate(images):
        for _ in range(min(PER_IMAGE, image.shape[0] * image.shape[1] // SIDE**2)):
            top, left = (int(rng.integers(0, length - SIDE + 1)) for length in image.shape[:2])
            rows.append(features(image[top : top + SIDE, left : left + SIDE]))
            groups.append(number)
    return np.stack(rows), np.array(groups)


def auc(real: list[Image], made: list[Image], seed: int) -> float:
    """Area under the ROC curve, cross-validated by image: a photo and what was made of it are
    in one fold.
    """
    (x0, g0), (x1, g1) = patches(real, seed), patches(made, seed + 1)
    x, y, groups = (
        np.concatenate([x0, x1]),
        np.repeat([0, 1], [len(x0), len(x1)]),
        np.concatenate([g0, g1]),
    )
    scores = np.zeros(len(y))
    for train, test in GroupKFold(5).split(x, y, groups):
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced")
        )
        scores[test] = model.fit(x[train], y[train]).decision_function(x[test])
    return float(roc_auc_score(y, scores))


class Mined:
    """Pools of some photos, made by pairmill's own functions."""

    def __init__(self, photographs: list[Image]) -> None:
        digests = [pixel_digest(photo) for photo in photographs]
        both, config = list(zip(photographs, digests, strict=True)), NoiseConfig(patch=PATCH)
        self.compression = [of_pixels(photo, digest, CompressionConfig()) for photo, digest in both]
        found = [candidates(photo, digest, config) for photo, digest in both]
        self.selection = choose(found, config)
        self.plain = _residuals(found, self.selection.picks, self.selection.patches, {})
        compressed = {image.image: image for image in self.compression if image.found}
        self.restored = _residuals(found, self.selection.picks, self.selection.patches, compressed)
        kept = [image for image in self.compression if image.found]
        self.encoders = (
            np.stack([encoder_of(image).row() for image in kept])
            if kept
            else np.zeros((0, 3, 64), np.uint16)
        )

    def maker(self, noise: NDArray[np.float32], jpeg: str = "none", gain: float = 1.0) -> Make:
        """Kernel and noise, then JPEG on a `random` grid, on that of the noise (`noise`), or
        `none`.
        """
        names = pool_digest(KERNEL[None]), pool_digest(noise), pool_digest(self.encoders)
        compression = PoolInfo(
            names[2], len(self.encoders), 8, len(self.encoders) / len(self.compression)
        )
        pools = Pools(
            kernels=PoolInfo(names[0], 1, 17),
            noise=PoolInfo(names[1], len(noise), PATCH),
            compression=compression,
        )
        louder = (noise * np.float32(gain)).astype(np.float32)
        assets = Assets({names[0]: KERNEL[None], names[1]: louder, names[2]: self.encoders})
        degrader = RealSr(RealSrConfig(compression="off" if jpeg == "none" else "auto"), 2, pools)

        def make(hr: Image, rng: np.random.Generator) -> Image:
            program = degrader.draw(rng, hr.shape[:2])
            if jpeg == "noise":
                ops = [
                    op.with_(phase=(0, 0)) if isinstance(op, PooledJpeg) else op
                    for op in program.ops
                ]
                program = Program(scale=2, ops=tuple(ops))
            return apply(program, hr, assets)

        return make


def _residuals(
    found: list[Candidates],
    picks: tuple[tuple[int, int], ...],
    records: tuple[NoisePatch, ...],
    compressed: dict[str, MinedCompression],
) -> NDArray[np.float32]:
    rows = []
    for image in sorted({image for image, _ in picks}):
        chosen = [
            (row, record)
            for (other, row), record in zip(picks, records, strict=True)
            if other == image
        ]
        stack: NDArray[Any] = found[image].patches[[row for row, _ in chosen]]
        known = compressed.get(chosen[0][1].image)
        if known is not None:
            corners = [(record.top, record.left) for _, record in chosen]
            stack = restore(
                stack, corners, encoder_of(known), known.phase, stream("restore noise", known.image)
            )
        rows += [residual(patch) for patch in stack]
    return np.stack(rows) if rows else np.zeros((0, PATCH, PATCH, 3), np.float32)


def survived(noise: NDArray[np.float32], encoders: NDArray[np.uint16]) -> float:
    """Standard deviation that noise keeps through its encoder, on grey: what the simplest
    correction divides by.
    """
    from pairmill.pipeline.codecs.jpeg import roundtrip

    kept = []
    for number, patch in enumerate(noise[:128]):
        row = encoders[number % len(encoders)]
        tables = row[0].astype(int).tolist(), row[1].astype(int).tolist()
        again = roundtrip(to_uint8(128 + patch.astype(np.float64)), tables, "420")
        kept.append(again.astype(np.float64).std() / max(patch.std(), 0.1))
    return float(np.mean(kept))


def sharp(folders: list[str], most: int) -> list[Image]:
    """Images of some folders, sides even."""
    paths = [path for folder in folders for path in sorted(Path(folder).rglob("*.png"))][:most]
    images = [decode(path.read_bytes(), IngestConfig())[0] for path in paths]
    return [
        np.ascontiguousarray(image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4])
        for image in images
    ]


def run(images: list[Image], quality: int, seed: int) -> dict[str, float]:
    """AUC of every way to make LR, by name."""
    real = [
        phone(image, np.random.default_rng([seed, number]), quality)
        for number, image in enumerate(images)
    ]
    mined = Mined(real)
    if not len(mined.plain):
        print(f"quality {quality}, seed {seed}: compression left no noise in any flat patch")
        return {}
    hr = [
        to_uint8(bicubic_down(photo[: photo.shape[0] // 4 * 4, : photo.shape[1] // 4 * 4], 2))
        for photo in real
    ]
    gain = 1 / survived(mined.plain, mined.encoders) if len(mined.encoders) else 1.0
    ways: dict[str, Make] = {
        "true degradation again": lambda image, rng: phone(image, rng, quality),
        "bicubic": lambda image, _: to_uint8(bicubic_down(image, 2)),
        "kernel, noise as mined": mined.maker(mined.plain),
    }
    if len(mined.encoders):
        ways |= {
            "kernel, noise as mined, JPEG on the noise's grid": mined.maker(mined.plain, "noise"),
            "kernel, noise as mined, JPEG on any grid": mined.maker(mined.plain, "random"),
            f"kernel, noise x {gain:.2f}, JPEG on any grid": mined.maker(
                mined.plain, "random", gain
            ),
            "kernel, restored noise, no JPEG": mined.maker(mined.restored),
            "kernel, restored noise, JPEG on any grid": mined.maker(mined.restored, "random"),
        }
    print(
        f"quality {quality}, seed {seed}: {len(images)} images, {len(mined.encoders)} found "
        "compressed, "
        f"{len(mined.plain)} noise patches, "
        f"rms as mined {mined.plain.std():.2f}, restored {mined.restored.std():.2f}, gain "
        f"{gain:.3f}"
    )
    numbers = {}
    for name, make in ways.items():
        made = [
            make(image, np.random.default_rng([seed, 7, number])) for number, image in enumerate(hr)
        ]
        numbers[name] = auc(real, made, seed)
        print(f"  {name:52} {numbers[name]:.3f}", flush=True)
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="+")
    parser.add_argument(
        "--quality", type=int, nargs="+", default=[90], help="JPEG quality; 101 compresses nothing"
    )
    parser.add_argument("--images", type=int, default=34)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    images = sharp(args.folder, args.images)
    for quality in args.quality:
        for seed in range(args.seeds):
            run(images, quality, seed)


if __name__ == "__main__":
    main()
