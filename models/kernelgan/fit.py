"""Kernel estimation for many images at once: every restart of every image is a lane of one batch.

A lane sees only its own image and its own random stream, and no operation mixes lanes or depends on
their number, so an estimate has the same bits in any batch (on a CPU with one thread, as workers
run it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.kernelgan import discriminator as critic
from pairmill.models.kernelgan import generator as generators
from pairmill.models.kernelgan import losses
from pairmill.models.kernelgan.batch import CPU_LANES
from pairmill.models.kernelgan.crops import Crops
from pairmill.models.kernelgan.postprocess import finish
from pairmill.models.kernelgan.sampling import (
    Draws,
    Image,
    centre_weights,
    centre_window,
    draw,
    half_size,
    lane_stream,
)
from pairmill.schemas.kernel import KernelGanConfig

CURVES = ("adversarial", "discriminator", "bicubic", "kernel")
"""The columns of `KernelFit.curves`."""
CURVE_STEP = 50
SETTLED = 0.1
"""A kernel counts for the mean while its sum is this close to 1; early ones swing through zero."""
ADAM_BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class KernelFit:
    """What was estimated from one image; R restarts."""

    raw: NDArray[np.float64]
    """(R, 13, 13) kernels as estimated, correlation orientation."""
    finished: NDArray[np.float64]
    """(R, 17, 17) noise floor removed, recentred, non-negative, sum 1; all NaN where that is
    impossible."""
    curves: NDArray[np.float64]
    """(R, samples, 4) losses every 50 iterations; columns as in `CURVES`."""


@dataclass(frozen=True)
class Lane:
    """One restart of one image: all it needs, drawn beforehand."""

    image: Image
    """(H, W, 3), the window that crops are taken from."""
    half: NDArray[np.float64]
    """(3, H / 2, W / 2): the same downscaled bicubically by 2, in [-1, 1]."""
    draws: Draws
    generator: list[NDArray[np.float32]]
    """Initial weights in the order of the generator's `Weights`."""
    discriminator: list[NDArray[np.float32]]
    """Initial weights and singular vectors, as `discriminator.draw_weights` gives them."""


def fit_kernels(
    images: Sequence[Image],
    seeds: Sequence[int],
    config: KernelGanConfig,
    *,
    device: str = "cpu",
    on_iteration: Callable[[int, int], None] | None = None,
) -> list[KernelFit]:
    """Estimate a x2 kernel per image and restart (KernelGAN, Bell-Kligler et al. 2019).

    Args:
        images: (H, W, 3) uint8 RGB of any sizes that `check_image` accepts.
        seeds: one integer of up to 128 bits per image; restarts derive streams of their own from
            it.
        config: training settings.
        device: "cpu" or a CUDA device.
        on_iteration: called with (iterations done, iterations in all), over all lanes of this call.

    Returns:
        One fit per image, in order.

    Raises:
        ValueError: if there are not as many seeds as images.
    """
    if len(images) != len(seeds):
        raise ValueError(f"one seed per image: got {len(images)} images and {len(seeds)} seeds")
    jobs = [(image, restart) for image in range(len(images)) for restart in range(config.restarts)]
    tile = CPU_LANES if device == "cpu" else max(len(jobs), 1)
    padded = jobs + jobs[-1:] * (-len(jobs) % tile)
    starts = range(0, len(padded), tile)
    kernels, curves = [], []
    for number, start in enumerate(starts):
        lanes = draw_lanes(images, seeds, config, padded[start : start + tile])
        before, total = number * config.iterations, len(starts) * config.iterations
        report = None
        if on_iteration:
            report = partial(_report, on_iteration, before, total)
        kernel, curve = train(lanes, config, device=device, on_iteration=report)
        kernels.append(kernel)
        curves.append(curve)
    return _by_image(kernels, curves, len(images), config)


def draw_lanes(
    images: Sequence[Image],
    seeds: Sequence[int],
    config: KernelGanConfig,
    jobs: Sequence[tuple[int, int]],
) -> list[Lane]:
    """The lanes for `jobs`, pairs of (image number, restart number)."""
    windows = {image: centre_window(images[image], config.window) for image, _ in jobs}
    maps = {image: centre_weights(window, config.crop) for image, window in windows.items()}
    halves = {image: half_size(window) for image, window in windows.items()}
    lanes = []
    for image, restart in jobs:
        rng = lane_stream(seeds[image], restart)
        generator, discriminator = generators.draw_weights(rng), critic.draw_weights(rng)
        draws = draw(config, rng, maps[image])
        lanes.append(Lane(windows[image], halves[image], draws, generator, discriminator))
    return lanes


@torch.no_grad()
def train(
    lanes: Sequence[Lane],
    config: KernelGanConfig,
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    on_iteration: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Train all lanes side by side.

    Args:
        lanes: at least one.
        config: training settings, the same for all lanes.
        device: where to train.
        dtype: float32, or float64 to compare with other formulations.
        on_iteration: called with the number of iterations done.

    Returns:
        Kernels (T, 13, 13), averaged over the iterations, and loss curves (T, samples, 4), both
        float64.
    """
    trainer = Trainer(lanes, config, device=device, dtype=dtype)
    first = int(config.average_after * config.iterations)
    mean = _Mean(trainer.kernel)
    curves = []
    with _full_precision():
        for iteration in range(config.iterations):
            record = trainer.step(iteration)
            if iteration >= first:
                mean.add(trainer.kernel)
            if iteration % CURVE_STEP == 0:
                curves.append(record)
            if on_iteration:
                on_iteration(iteration + 1)
    return mean.value().cpu().numpy(), torch.stack(curves, 1).double().cpu().numpy()


class Trainer:
    """The state of all lanes between iterations: weights, moments, singular vectors, current
    kernels.
    """

    def __init__(
        self, lanes: Sequence[Lane], config: KernelGanConfig, *, device: str, dtype: torch.dtype
    ) -> None:
        self.config = config
        self.crops = Crops(
            [(lane.image, lane.half, lane.draws) for lane in lanes], config, device, dtype
        )
        generator = [_stack([lane.generator[i] for lane in lanes], device, dtype) for i in range(6)]
        critics = [
            _stack([lane.discriminator[i] for lane in lanes], device, dtype) for i in range(5)
        ]
        self.generator = generators.Weights(*generator)
        self.critic = critic.Weights(
            critics[0], _lanes_second(critics[1]), _lanes_second(critics[2])
        )
        self.u_first, self.u_blocks = critics[3], _lanes_second(critics[4])
        rate = config.learning_rate
        self.grad_generator = generators.Weights(*map(torch.zeros_like, self.generator))
        self.grad_critic = critic.Weights(*map(torch.zeros_like, self.critic))
        self.adam_generator = _adam(self.generator, self.grad_generator, rate)
        self.adam_critic = _adam(self.critic, self.grad_critic, rate)
        self.collapsed = generators.collapse(self.generator)
        self.mask = losses.boundary_mask(self.kernel)
        self.downscaler = generators.Downscaler(len(lanes), config.crop, self.kernel)
        self.seen_fake = critic.Activations(len(lanes), 1, self.downscaler.side, self.kernel)
        self.seen_pair = critic.Activations(len(lanes), 2, self.downscaler.side, self.kernel)

    @property
    def kernel(self) -> Tensor:
        """(T, 13, 13): the generator as it is now."""
        return self.collapsed.kernel

    def step(self, iteration: int) -> Tensor:
        """One update of the generator, then one of the discriminator, on the same crops (KernelGAN,
        Sec. 4).

        Returns:
            (T, 4) losses in the order of `CURVES`.
        """
        self._set_rates(iteration)
        spectral = critic.power_iteration(self.critic, self.u_first, self.u_blocks)
        self.u_first, self.u_blocks = spectral.u_first, spectral.u_blocks
        crops = self.crops.at(iteration)
        self.downscaler.load(crops.generator)
        record = self._step_generator(crops.target, spectral, iteration)
        self.collapsed = generators.collapse(self.generator)
        # With the generator as it is after its step.
        pair = torch.stack([self.downscaler.apply(self.kernel), crops.real], 1) + crops.noise
        record.insert(1, self._step_critic(pair, spectral))
        return torch.stack(record, 1)

    def _step_generator(
        self, target: Tensor, spectral: critic.Spectral, iteration: int
    ) -> list[Tensor]:
        weights = self._weights(iteration)
        fake = self.downscaler.apply(self.kernel)
        logits = critic.forward(self.critic, spectral, fake[:, None], self.seen_fake)
        adversarial, slope = losses.adversarial(logits, 1.0)
        grad = critic.backward_input(self.critic, spectral, self.seen_fake, slope)[:, 0]
        gap = fake - target
        values = gap[0].numel()
        grad = grad + gap * (2 * weights.bicubic / values)
        bicubic = gap.square().sum((1, 2, 3)) / values
        loss, grad_kernel = losses.kernel_loss(self.kernel, self.mask, weights)
        grad_kernel = grad_kernel + self.downscaler.backward(grad)
        generators.collapse_backward(
            self.generator, self.collapsed, grad_kernel, self.grad_generator
        )
        self.adam_generator.step()
        return [adversarial[:, 0], bicubic, loss]

    def _step_critic(self, pair: Tensor, spectral: critic.Spectral) -> Tensor:
        logits = critic.forward(self.critic, spectral, pair, self.seen_pair)
        fake, slope_fake = losses.adversarial(logits[:, :1], 0.0)
        real, slope_real = losses.adversarial(logits[:, 1:], 1.0)
        slope = torch.cat([slope_fake, slope_real], 1) / 2
        critic.backward_weights(self.critic, spectral, self.seen_pair, slope, self.grad_critic)
        self.adam_critic.step()
        return (fake[:, 0] + real[:, 0]) / 2

    def _weights(self, iteration: int) -> losses.Weights:
        return loss_weights(self.config, iteration / self.config.iterations)

    def _set_rates(self, iteration: int) -> None:
        passed = sum(iteration >= at * self.config.iterations for at in self.config.decay_at)
        for adam in (self.adam_generator, self.adam_critic):
            adam.param_groups[0]["lr"] = self.config.learning_rate * 0.1**passed


class _Mean:
    """Mean of each lane's kernels over the iterations at which their sum was about 1; the last one
    if it never was.
    """

    def __init__(self, kernel: Tensor) -> None:
        self._last = kernel
        self._total = torch.zeros_like(kernel, dtype=torch.float64)
        self._count = self._total.new_zeros(kernel.shape[0])

    def add(self, kernel: Tensor) -> None:
        settled = ((kernel.sum((1, 2)) - 1).abs() < SETTLED).double()
        self._total += kernel * settled[:, None, None]
        self._count += settled
        self._last = kernel

    def value(self) -> Tensor:
        mean = self._total / self._count.clamp(min=1)[:, None, None]
        return torch.where(self._count[:, None, None] > 0, mean, self._last.double())


def loss_weights(config: KernelGanConfig, progress: float) -> losses.Weights:
    """Weights of the generator's losses when `progress`, in [0, 1), of the iterations are done.

    The published code waits for the bicubic loss to fall below 0.4, a threshold for its summed
    colour channels only; with every channel for itself it would be met at once, so the schedule is
    fixed.
    """
    stage = sum(progress >= at for at in config.bicubic_until)
    late = progress >= config.sparse_after
    return losses.Weights(
        bicubic=config.bicubic_weights[stage],
        total=config.sum_weight,
        boundary=config.boundary_weight,
        centre=config.centre_weight if late else 0.0,
        sparse=config.sparse_weight if late else 0.0,
    )


def _stack(arrays: list[NDArray[np.float32]], device: str, dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.stack(arrays)).to(device, dtype)


def _lanes_second(tensor: Tensor) -> Tensor:
    return tensor.transpose(0, 1).contiguous()


def _adam(
    weights: generators.Weights | critic.Weights,
    grads: generators.Weights | critic.Weights,
    rate: float,
) -> torch.optim.Adam:
    """Adam whose gradients are always in `grads`."""
    for weight, grad in zip(weights, grads, strict=True):
        weight.grad = grad
    return torch.optim.Adam(list(weights), rate, ADAM_BETAS, fused=True)


def _report(on_iteration: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    on_iteration(before + done, total)


def _by_image(
    kernels: list[NDArray[np.float64]],
    curves: list[NDArray[np.float64]],
    images: int,
    config: KernelGanConfig,
) -> list[KernelFit]:
    if not kernels:
        return []
    raw, curve = np.concatenate(kernels), np.concatenate(curves)
    fits = []
    for image in range(images):
        own = slice(image * config.restarts, (image + 1) * config.restarts)
        finished = np.stack([finish(kernel, config) for kernel in raw[own]])
        fits.append(KernelFit(raw[own], finished, curve[own]))
    return fits


@contextmanager
def _full_precision() -> Iterator[None]:
    """No TF32 in matrix products, whatever the caller has chosen."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
