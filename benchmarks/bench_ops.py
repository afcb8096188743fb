"""Megapixels per second of every op against its natural limit, and of drawn programs against plain
Python.

    python -m benchmarks.bench_ops [--quick]

One thread, processor time, the shortest of several runs by turns. An op's limit is the part of its
work that any way of doing it has: the transforms of a blur, the library's encoding and decoding of
a codec, the random words of a noise, and for all others reading the tile and writing one of
float64. The plain side of a program does the same ops on the same draws the published way, a line
each: BSRGAN's with scipy, OpenCV and numpy, Real-ESRGAN's blurs, sharpening and resizes with torch
(on the processor), as its training loop does. Kernels and JPEG are ours and OpenCV's there too,
which are faster.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from benchmarks.common import Row, row, show
from pairmill.models.functional.kernel_shapes import weights
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.ops import OPS
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.ops.base import OpBase
from pairmill.schemas.ops.blur import (
    Blur,
    DiscKernel,
    GaussianKernel,
    MotionKernel,
    SincKernel,
    UnsharpMask,
)
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.codecs import Avif, ChromaSubsample, Jpeg, JpegXl, Video, Webp
from pairmill.schemas.ops.noise import (
    BlockNoise,
    GaussianNoise,
    PoissonNoise,
    ShotReadNoise,
    SpeckleNoise,
)
from pairmill.schemas.ops.resize import BicubicDown, Clip, Quantise, Resize
from pairmill.schemas.program import Program

Image = NDArray[Any]
Step = Callable[[], Any]
SIDE = 256
NONE = Assets()
KEY = "0123456789abcdef" * 2
MANY = 8
"""Fewer repeats in a quick run, and for what takes long."""

OPS_MEASURED: list[tuple[str, OpBase]] = [
    (
        "blur, turned Gaussian 25 px",
        Blur(kernel=GaussianKernel(size=25, sigma_x=4, sigma_y=1.5, angle=0.4)),
    ),
    ("blur, Gaussian 7 px", Blur(kernel=GaussianKernel(size=7, sigma_x=1, sigma_y=1))),
    ("blur, sinc 21 px", Blur(kernel=SincKernel(size=21, cutoff=1.5))),
    ("blur, motion 41 px", Blur(kernel=MotionKernel(size=41, length=30, angle=0.5))),
    ("blur, disc 13 px", Blur(kernel=DiscKernel(size=13, radius=5))),
    ("unsharp mask, 51 px", UnsharpMask()),
    ("bicubic_down by 4", BicubicDown(scale=4)),
    ("bicubic_down by 4, MATLAB's", BicubicDown(scale=4, form="matlab")),
    *(
        (f"resize to 0.6, {method}", Resize(height=154, width=154, method=method))
        for method in ("matlab_bicubic", "bicubic", "bilinear", "area", "nearest")
    ),
    ("resize to 1.4, bicubic", Resize(height=358, width=358, method="bicubic")),
    ("clip", Clip()),
    ("quantise", Quantise()),
    ("Gaussian noise, colour", GaussianNoise(sigma=10, key=KEY)),
    ("Gaussian noise, grey", GaussianNoise(sigma=10, mode="grey", key=KEY)),
    ("speckle noise", SpeckleNoise(sigma=0.1, key=KEY)),
    ("Poisson noise", PoissonNoise(peak=300, key=KEY)),
    ("shot and read noise", ShotReadNoise(shot=0.3, read=2, key=KEY)),
    ("block noise", BlockNoise(key=KEY)),
    ("JPEG 60", Jpeg(quality=60)),
    ("WebP 60", Webp(quality=60)),
    ("AVIF 60", Avif(quality=60)),
    ("JPEG XL 2.0", JpegXl(distance=2)),
    ("chroma 4:2:0", ChromaSubsample()),
    *((f"video {codec}", Video(codec=codec, crf=28)) for codec in ("h264", "hevc", "vp9", "av1")),
    ("unprocess", Unprocess()),
    ("mosaic", Mosaic()),
    ("process", Process()),
]


def run(quick: bool) -> list[Row]:
    """One row per op, and one per degrader of published chains."""
    one_thread()
    torch.set_num_threads(1)
    tile = picture(SIDE)
    rows = [_op_row(name, op, tile, quick) for name, op in OPS_MEASURED if type(op) in OPS]
    return [*rows, _program_row("bsrgan", 288, quick), _program_row("realesrgan", 400, quick)]


def picture(side: int) -> NDArray[np.uint8]:
    """Smooth and rough, as photos are; (side, side, 3)."""
    rng = np.random.Generator(np.random.Philox(key=side))
    layers = [
        ndimage.gaussian_filter(rng.normal(0, 60 * s, (side, side, 3)), (s, s, 0))
        for s in (0.7, 2, 6)
    ]
    return np.asarray(np.clip(np.sum(layers, axis=0) + 128, 0, 255), np.uint8)


def seconds(works: list[Step], repeats: int) -> list[float]:
    """The shortest processor time of each, by turns, after one call to warm up."""
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for own, work in zip(times, works, strict=True):
            start = time.process_time()
            work()
            own.append(time.process_time() - start)
    return [min(own) for own in times]


def _op_row(name: str, op: OpBase, tile: NDArray[np.uint8], quick: bool) -> Row:
    """A tile of float64, as it lies between ops, through one op; of 8 bits, where it wants them."""
    eight = isinstance(op, BicubicDown) and op.form == "matlab"
    image: Image = tile if eight else tile + 0.25
    limit, work = _limit(op, tile, image)
    repeats = 5 if quick or isinstance(op, Video | Avif) else 5 * MANY
    ours, least = seconds([partial(OPS[type(op)], op, image, NONE), work], repeats)
    speed, bound = (
        tile.shape[0] * tile.shape[1] / ours / 1e6,
        tile.shape[0] * tile.shape[1] / least / 1e6,
    )
    return row(
        name,
        limit,
        speed,
        "report",
        reached=True,
        detail=f"MP/s; {limit}: {bound:.1f} MP/s, so {speed / bound:.0%} of the limit",
    )


def _limit(op: OpBase, tile: NDArray[np.uint8], image: Image) -> tuple[str, Step]:
    if isinstance(op, Blur | UnsharpMask):
        side = cv2.getOptimalDFTSize(
            len(tile) + (op.kernel.size if isinstance(op, Blur) else op.size) - 1
        )
        planes = [np.ones((side, side))] * (3 if isinstance(op, Blur) else 6)
        return "the transforms alone", lambda: [cv2.idft(cv2.dft(plane)) for plane in planes]
    if isinstance(op, GaussianNoise | SpeckleNoise | PoissonNoise | ShotReadNoise | BlockNoise):
        words = np.random.Philox(key=1)
        return "one random word per sample", lambda: words.random_raw(image.size)
    suffixes: dict[type, tuple[str, list[int]]] = {
        Jpeg: (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 60]),
        Webp: (".webp", [cv2.IMWRITE_WEBP_QUALITY, 60]),
        Avif: (".avif", [cv2.IMWRITE_AVIF_QUALITY, 60, cv2.IMWRITE_AVIF_SPEED, 8]),
    }
    if type(op) in suffixes:
        return "OpenCV's codec alone", lambda: _coded(tile, *suffixes[type(op)])
    return "reading and writing a tile", image.copy


def _coded(image: NDArray[np.uint8], suffix: str, options: list[int]) -> Image:
    return np.asarray(cv2.imdecode(cv2.imencode(suffix, image, options)[1], cv2.IMREAD_COLOR))


def _program_row(kind: str, side: int, quick: bool) -> Row:
    """Programs of a degrader with its published defaults at scale 4, kernels not yet cached,
    against the plain steps.
    """
    hr, count = picture(side), 6 if quick else 40
    degrader = degraders.build(CONFIGS[kind].model_validate({"kind": kind}), 4, Pools())
    programs = [
        degrader.draw(stream(7, "bench", str(number)), (side, side)) for number in range(count)
    ]
    ours, plain = 0.0, 0.0
    for program in programs:
        fresh, steps = seconds(
            [partial(_uncached, program, hr), partial(_plain, program, hr, kind)], 3
        )
        ours, plain = ours + fresh, plain + steps
    speed, before = count * side * side / ours / 1e6, count * side * side / plain / 1e6
    goal = {"bsrgan": ">= 7.5 MP/s"}.get(kind, ">= 5x plain")
    reached = speed >= 7.5 if kind == "bsrgan" else speed >= 5 * before
    return row(
        f"{kind}, {count} programs",
        "the same in plain Python",
        speed,
        goal,
        reached=reached,
        detail=f"MP/s of HR at x4, HR {side}; plain {before:.2f} MP/s, so {speed / before:.1f} "
        "times",
    )


def _uncached(program: Program, hr: NDArray[np.uint8]) -> Image:
    """A program whose kernels nobody has asked for, as every program is that a degrader draws."""
    weights.cache_clear()
    return apply(program, hr, NONE)


def _plain(program: Program, hr: NDArray[np.uint8], kind: str) -> Image:
    image = hr / 255
    for op in program.ops:
        image = _plain_step(op, image, kind)
    return image


def _plain_step(op: Any, image: Image, kind: str) -> Image:
    """One op with the calls that published scripts make; random numbers are any."""
    rng = np.random.default_rng(0)
    match op.op:
        case "blur" if kind == "bsrgan":
            return np.asarray(
                ndimage.convolve(image, weights.__wrapped__(op.kernel)[:, :, None], mode="mirror")
            )
        case "blur":
            return _convolved(image, weights.__wrapped__(op.kernel))
        case "unsharp_mask":
            kernel = weights(GaussianKernel(size=op.size, sigma_x=op.sigma, sigma_y=op.sigma))
            residual = image - _convolved(image, kernel)
            soft = _convolved(np.abs(residual) * 255 > op.threshold, kernel)
            return np.asarray(
                soft * np.clip(image + op.weight * residual, 0, 1) + (1 - soft) * image
            )
        case "bicubic_down":
            return np.asarray(
                cv2.resize(
                    image, None, fx=1 / op.scale, fy=1 / op.scale, interpolation=cv2.INTER_CUBIC
                )
            )
        case "resize" if kind == "realesrgan":
            mode = {"matlab_bicubic": "bicubic"}.get(op.method, op.method)
            return _back(functional.interpolate(_tensor(image), (op.height, op.width), mode=mode))
        case "resize":
            methods = {
                "bilinear": cv2.INTER_LINEAR,
                "area": cv2.INTER_AREA,
                "nearest": cv2.INTER_NEAREST,
            }
            return np.asarray(
                cv2.resize(
                    image,
                    (op.width, op.height),
                    interpolation=methods.get(op.method, cv2.INTER_CUBIC),
                )
            )
        case "subsample":
            return image[:: op.scale, :: op.scale]
        case "gaussian_noise" if op.mode == "grey":
            return np.asarray(image + rng.normal(0, op.sigma / 255, (*image.shape[:2], 1)))
        case "gaussian_noise" if op.mode == "correlated":
            spread = np.asarray(op.covariance) / 255**2
            return np.asarray(image + rng.multivariate_normal(np.zeros(3), spread, image.shape[:2]))
        case "gaussian_noise":
            return np.asarray(image + rng.normal(0, op.sigma / 255, image.shape))
        case "speckle_noise":
            return np.asarray(image + image * rng.normal(0, max(op.sigma, 0.05), image.shape))
        case "poisson_noise":
            eight = np.round(np.clip(image, 0, 1) * 255) / 255
            peak = (
                2.0 ** np.ceil(np.log2(len(np.unique(eight)))) if op.peak == "levels" else op.peak
            )
            return np.asarray(image + op.strength * (rng.poisson(eight * peak) / peak - eight))
        case "jpeg":
            return _coded(_eight(image), ".jpg", [cv2.IMWRITE_JPEG_QUALITY, op.quality]) / 255
        case "quantise":
            return _eight(image)
        case "clip":
            return np.clip(image, 0, 1)
        case other:
            raise ValueError(f"no plain step for {other}")


def _tensor(image: Image) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32))


def _back(batch: torch.Tensor) -> Image:
    return batch[0].numpy().transpose(1, 2, 0)


def _convolved(image: Image, kernel: Image) -> Image:
    """Reflect padding and one convolution, channels as a batch."""
    half = len(kernel) // 2
    planes = functional.pad(_tensor(image), (half, half, half, half), mode="reflect").transpose(
        0, 1
    )
    taps = torch.from_numpy(kernel.astype(np.float32))[None, None]
    return _back(functional.conv2d(planes, taps).transpose(0, 1))


def _eight(image: Image) -> NDArray[np.uint8]:
    return np.asarray(np.round(np.clip(image, 0, 1) * 255), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    show(run(parser.parse_args().quick))


if __name__ == "__main__":
    main()
