"""Accuracy of KernelGAN kernels: known kernels on real photos, ours against the published
code's behaviour.

    python -m benchmarks.kernel_accuracy FOLDER [--images 8] [--restarts 2] [--iterations 1500]
    [--shape gaussian] [--noise 0]

Every photo is blurred with a random kernel, downscaled by 2, and the kernel estimated from the
result: anisotropic Gaussians (sigma 0.7 to 2.5 px before downscaling), discs (radius 1.3 to 3) or
lines (3 to 7 px, any angle). Errors are relative:
|k - truth| / |truth| in L2, sum of |k - truth| in L1. `pooled` is the mean of the restarts,
`matched` the same as it goes to the pool: stretched to the sharpness of the photo.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv2d

from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.kernels import gaussian_kernel, offset, target_centre
from pairmill.models.functional.resize import to_uint8
from pairmill.models.kernelgan import losses
from pairmill.models.kernelgan.crops import Iteration
from pairmill.models.kernelgan.fit import KernelFit, Lane, Trainer, draw_lanes, fit_kernels
from pairmill.models.kernelgan.postprocess import finish
from pairmill.pipeline.kernels.quality import match_spectrum
from pairmill.schemas.kernel import KernelGanConfig
from pairmill.schemas.ops.blur import DiscKernel, MotionKernel

Array = NDArray[np.float64]
PUBLISHED_ITERATIONS = 3000


@dataclass(frozen=True)
class Case:
    """A photo as if taken with a known kernel."""

    name: str
    image: NDArray[np.uint8]
    truth: Array


class PublishedCrops:
    """Crops as the published code takes them: noise stays in the image, bicubic targets sum all
    channels.
    """

    def __init__(
        self, lane: Lane, config: KernelGanConfig, dtype: torch.dtype = torch.float32
    ) -> None:
        self.image = (
            torch.from_numpy(lane.image.transpose(2, 0, 1).copy()).to(dtype) * (2 / 255) - 1
        )
        self.lane, self.config = lane, config
        taps = self.image.new_tensor([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
        self.bicubic = (taps[:, None] * taps).expand(3, 3, 8, 8)

    def at(self, iteration: int) -> Iteration:
        """One iteration's crops; changes the image."""
        draws, crop, real_side = self.lane.draws, self.config.crop, self.config.crop // 2 - 6
        top, left = map(int, draws.generator[iteration])
        generator = self.image[None, :, top : top + crop, left : left + crop].clone()
        top, left = map(int, draws.discriminator[iteration])
        real = self.image[:, top : top + real_side, left : left + real_side]
        noise = torch.from_numpy(draws.noise[iteration % len(draws.noise)]).to(self.image.dtype) * (
            2 / 255
        )
        real += noise[1]
        target = conv2d(generator, self.bicubic, stride=2, padding=3)[..., 3:-3, 3:-3]
        return Iteration(
            generator, target, real[None].clone(), torch.stack([noise[0] / 2, noise[1] * 0])[None]
        )


class PublishedTrainer(Trainer):
    """One lane with the published code's schedule and defects, in our fast formulation."""

    def __init__(
        self, lane: Lane, config: KernelGanConfig, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__([lane], config, device="cpu", dtype=dtype)
        self.crops = PublishedCrops(lane, config, dtype)  # type: ignore[assignment]
        self.bicubic, self.late, self.hits, self.latched = 5.0, False, 0, False

    def step(self, iteration: int) -> torch.Tensor:
        """One iteration, then the latch: three bicubic losses below 0.4 in a row start the
        decay.
        """
        record = super().step(iteration)
        if iteration and not self.latched:
            self.hits = self.hits + 1 if float(record[0, 2]) < 0.4 else 0
            self.latched = self.hits >= 3
        elif iteration and iteration % 200 == 0 and self.bicubic > 5e-6:
            self.bicubic = max(self.bicubic / 100, 5e-6)
            self.late = self.late or self.bicubic < 5e-3
        return record

    def _weights(self, iteration: int) -> losses.Weights:  # noqa: ARG002
        centre, sparse = (1.0, 5.0) if self.late else (0.0, 0.0)
        return losses.Weights(self.bicubic, 0.5, 0.5, centre, sparse)

    def _set_rates(self, iteration: int) -> None:
        for adam in (self.adam_generator, self.adam_critic):
            adam.param_groups[0]["lr"] = 2e-4 * 0.1 ** (iteration // 750)


@torch.no_grad()
def published_kernel(lane: Lane, config: KernelGanConfig) -> Array:
    """The kernel before the last update, as the published code saves it."""
    trainer = PublishedTrainer(lane, config)
    kernel = trainer.kernel
    for iteration in range(config.iterations):
        kernel = trainer.kernel
        trainer.step(iteration)
    return np.asarray(kernel[0].double().numpy())


def truth_of(shape: str, rng: np.random.Generator) -> Array:
    """A random kernel, (17, 17), centred for scale 2."""
    if shape == "gaussian":
        sigma_x, sigma_y = rng.uniform(0.7, 2.5, 2)
        return gaussian_kernel(17, sigma_x, sigma_y, rng.uniform(0, np.pi), target_centre(17, 2))
    if shape == "disc":
        return weights(DiscKernel(size=17, shift=(0.5, 0.5), radius=rng.uniform(1.3, 3)))
    return weights(
        MotionKernel(
            size=17, shift=(0.5, 0.5), length=rng.uniform(3, 7), angle=rng.uniform(0, np.pi)
        )
    )


def cases(folder: Path, count: int, shape: str = "gaussian", noise: float = 0.0) -> list[Case]:
    """`count` photos of a folder, evenly spread over its sorted names, each with a kernel of
    its own.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in {".png", ".jpg", ".jpeg", ".bmp"}
    )
    chosen = [files[i * len(files) // count] for i in range(min(count, len(files)))]
    made = []
    for number, path in enumerate(chosen):
        rng = np.random.Generator(np.random.Philox(key=number))
        truth = truth_of(shape, rng)
        read = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if read is None:
            raise ValueError(f"{path} cannot be read as an image")
        high = read[..., ::-1].astype(np.float64)
        low = cv2.filter2D(high, -1, truth, borderType=cv2.BORDER_REFLECT)[::2, ::2]
        low += noise * rng.normal(size=low.shape)
        made.append(Case(path.name, to_uint8(low), truth))
    return made


def summary(
    kernels: Sequence[Array], raw: Sequence[Array], truths: Sequence[Array], restarts: int
) -> dict[str, float]:
    """Mean errors, spread between restarts and offsets of finished kernels, lanes in order of
    image, then restart.
    """
    pairs = [(kernel, truths[lane // restarts]) for lane, kernel in enumerate(kernels)]
    l2 = [np.linalg.norm(kernel - truth) / np.linalg.norm(truth) for kernel, truth in pairs]
    l1 = [np.abs(kernel - truth).sum() for kernel, truth in pairs]
    spread = [
        np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b))
        for a, b in zip(kernels[::restarts], kernels[1::restarts], strict=False)
    ]
    return {
        "l2": float(np.nanmean(l2)),
        "l1": float(np.nanmean(l1)),
        "spread": float(np.nanmean(spread)) if restarts > 1 else float("nan"),
        "raw offset": float(np.mean([np.hypot(*offset(kernel, 2)) for kernel in raw])),
        "largest offset": float(
            max(np.hypot(*offset(kernel, 2)) for kernel in kernels if np.isfinite(kernel).all())
        ),
        "unusable": float(np.isnan(l2).sum()),
    }


def in_pool(
    fits: Sequence[KernelFit], images: Sequence[NDArray[np.uint8]], *, stretching: bool
) -> list[Array]:
    """The kernels that stand for the images, restarts without a usable kernel left out."""
    means = [np.nanmean(fit.finished, axis=0) for fit in fits]
    return [
        match_spectrum(mean, image, stretching=stretching)[0]
        for mean, image in zip(means, images, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--iterations", type=int, nargs="*", default=[KernelGanConfig().iterations])
    parser.add_argument(
        "--published", action="store_true", help="also run the published code's behaviour"
    )
    parser.add_argument("--set", default="{}", help="further settings, as JSON")
    parser.add_argument("--shape", choices=["gaussian", "disc", "motion"], default="gaussian")
    parser.add_argument(
        "--noise", type=float, default=0.0, help="standard deviation, in intensity levels"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    tests = cases(args.folder, args.images, args.shape, args.noise)
    truths, images, seeds = (
        [t.truth for t in tests],
        [t.image for t in tests],
        list(range(len(tests))),
    )
    for iterations in args.iterations:
        config = KernelGanConfig(
            iterations=iterations, restarts=args.restarts, **json.loads(args.set)
        )
        fits = fit_kernels(images, seeds, config)
        raw = [kernel for fit in fits for kernel in fit.raw]
        finished = [kernel for fit in fits for kernel in fit.finished]
        print("ours", iterations, _rounded(summary(finished, raw, truths, args.restarts)))
        for name, stretching in (("pooled", False), ("matched", True)):
            kernels = in_pool(fits, images, stretching=stretching)
            print(name, iterations, _rounded(summary(kernels, kernels, truths, 1)))
    if args.published:
        config = KernelGanConfig(iterations=PUBLISHED_ITERATIONS, restarts=args.restarts)
        jobs = [(image, restart) for image in seeds for restart in range(args.restarts)]
        raw = [
            published_kernel(draw_lanes(images, seeds, config, [job])[0], config) for job in jobs
        ]
        finished = [finish(kernel, config) for kernel in raw]
        values = summary(finished, raw, truths, args.restarts)
        print("published", PUBLISHED_ITERATIONS, _rounded(values))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


if __name__ == "__main__":
    main()
