"""KernelGAN as published against the product's: known kernels on the same photographs.

    python -m benchmarks.published_kernelgan DATA [--images 8] [--iterations 1500] [--set JSON]
    [--form gaussian] [--noise 0] [--skip-published]

DATA is that of `kernel_accuracy`, which compares KernelGAN with the other methods; this tells what
its settings, its restarts and the published code's schedule and defects do. Errors are relative:
|k - truth| / |truth|; `spread` is the difference between two restarts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv2d

from benchmarks.kernel_cases import FORMS, Condition, draw_camera, padded, take
from benchmarks.kernel_pictures import pictures, some_of
from benchmarks.kernel_simulated import SEED
from pairmill.models.kernelgan import losses
from pairmill.models.kernelgan.crops import Iteration
from pairmill.models.kernelgan.fit import Lane, Trainer, draw_lanes, fit_kernels
from pairmill.models.kernelgan.postprocess import finish
from pairmill.schemas.kernel import KernelGanConfig

Array = NDArray[np.float64]
PUBLISHED_ITERATIONS = 3000


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


def summary(kernels: Sequence[Array], truths: Sequence[Array]) -> dict[str, float]:
    """Errors of restarts (R, 17, 17) and of their means, and the spread of the first two."""
    alone = [_error(k, truth) for some, truth in zip(kernels, truths, strict=True) for k in some]
    means = [
        _error(np.nanmean(some, 0), truth) for some, truth in zip(kernels, truths, strict=True)
    ]
    spread = [_error(some[0], some[-1]) for some in kernels]
    found = {"one restart": alone, "mean of restarts": means, "spread": spread}
    return {name: round(float(np.nanmean(values)), 4) for name, values in found.items()}


def _error(kernel: Array, truth: Array) -> float:
    return float(np.linalg.norm(kernel - truth) / np.linalg.norm(truth))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=KernelGanConfig().iterations)
    parser.add_argument("--set", default="{}", help="further settings, as JSON")
    parser.add_argument("--form", choices=FORMS, default="gaussian")
    parser.add_argument("--noise", type=float, default=0.0, help="in intensity levels")
    parser.add_argument("--skip-published", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(SEED)
    photographs = [
        take(picture, draw_camera(args.form, rng), Condition(args.noise), rng)
        for picture in some_of(pictures(args.data, "fresh"), args.images, SEED)
    ]
    images, seeds = [one.image for one in photographs], list(range(len(photographs)))
    truths = [padded(one.camera.truth, 17) for one in photographs]
    config = KernelGanConfig(iterations=args.iterations, **json.loads(args.set))
    fits = fit_kernels(images, seeds, config)
    print("ours", summary([fit.finished for fit in fits], truths))
    if args.skip_published:
        return
    config = KernelGanConfig(iterations=PUBLISHED_ITERATIONS)
    kernels = []
    for image in seeds:
        jobs = [(image, restart) for restart in range(config.restarts)]
        lanes = [draw_lanes(images, seeds, config, [job])[0] for job in jobs]
        kernels.append(np.stack([finish(published_kernel(lane, config), config) for lane in lanes]))
    print("published", summary(kernels, truths))


if __name__ == "__main__":
    main()
