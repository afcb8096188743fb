"""Real-ESRGAN's second-order chain in torch, as its published Python does it in outline.

Written anew from what is known of the chain (steps, ranges, formulas), for a comparison of speed: a
batch of float32 tensors, one draw of resize factor, interpolation, kind of noise and last order per
batch, an approximate JPEG. The published chain runs on the GPU of the training; here it runs on
the CPU like everything that it is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import j1
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmarks.peer_jpeg import jpeg

Grid = NDArray[np.float64]
SIDE = 21
"""Kernels of 7 to 21 pixels are padded to this."""
SHAPES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
"""Chances of round and oval Gaussians, generalised Gaussians and plateaus."""
MODES = ("area", "bilinear", "bicubic")


def realesrgan(
    tiles: NDArray[np.uint8], rng: np.random.Generator, scale: int = 4
) -> NDArray[np.uint8]:
    """The LR of a batch of HR tiles.

    Args:
        tiles: (B, H, W, 3) sRGB, sides multiples of `scale`.
        rng: Where all draws come from.
        scale: HR side over LR side.

    Returns:
        (B, H / scale, W / scale, 3).
    """
    batch = torch.from_numpy(tiles).permute(0, 3, 1, 2).float() / 255
    count, size = len(batch), (tiles.shape[1] // scale, tiles.shape[2] // scale)
    last = kernels(count, lambda: last_kernel(rng))
    with torch.inference_mode():
        batch = filtered(sharpened(batch), kernels(count, lambda: any_kernel(rng, 3)))
        height, width = batch.shape[2:]
        factor = resize_factor(rng, (0.2, 0.7, 0.1), (0.15, 1.5))
        batch = resized(batch, (int(height * factor), int(width * factor)), rng)
        batch = noisy(batch, rng, (1, 30), (0.05, 3))
        batch = jpeg(batch.clamp(0, 1), rng.uniform(30, 95, count))
        if rng.random() < 0.8:
            batch = filtered(batch, kernels(count, lambda: any_kernel(rng, 1.5)))
        factor = resize_factor(rng, (0.3, 0.4, 0.3), (0.3, 1.2))
        batch = resized(batch, (int(size[0] * factor), int(size[1] * factor)), rng)
        batch = noisy(batch, rng, (1, 25), (0.05, 2.5))
        qualities = rng.uniform(30, 95, count)
        if rng.random() < 0.5:
            batch = filtered(resized(batch, size, rng), last)
            batch = jpeg(batch.clamp(0, 1), qualities)
        else:
            batch = jpeg(batch.clamp(0, 1), qualities)
            batch = filtered(resized(batch, size, rng), last)
        pixels = (batch.clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())


def kernels(count: int, draw: Callable[[], Grid]) -> Tensor:
    """A kernel for each image of a batch: (B, 21, 21)."""
    return torch.from_numpy(np.stack([draw() for _ in range(count)]).astype(np.float32))


def any_kernel(rng: np.random.Generator, widest: float) -> Grid:
    """A sinc filter with chance 0.1, else one of six shapes, 0.2 to `widest` pixels wide."""
    size = 2 * int(rng.integers(3, 11)) + 1
    if rng.random() < 0.1:
        return sinc(rng.uniform(math.pi / (3 if size < 13 else 5), math.pi), size)
    shape = int(rng.choice(6, p=SHAPES))
    widths = rng.uniform(0.2, widest, 2)
    if shape % 2 == 0:
        widths[1] = widths[0]
    angle = rng.uniform(-math.pi, math.pi)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag(widths**2) @ turn.T)
    axis = np.arange(size) - size // 2
    places = np.stack(np.meshgrid(axis, axis), -1)
    power = np.einsum("yxi,ij,yxj->yx", places, inverse, places)
    if shape < 2:
        return padded(np.exp(-power / 2))
    if shape < 4:
        beta = rng.uniform(0.5, 1) if rng.random() < 0.5 else rng.uniform(1, 4)
        return padded(np.exp(-(power**beta) / 2))
    beta = 1 if rng.random() < 0.5 else rng.uniform(1, 2)
    return padded(1 / (1 + power**beta))


def last_kernel(rng: np.random.Generator) -> Grid:
    """A sinc filter with chance 0.8, else nothing."""
    if rng.random() < 0.8:
        return sinc(rng.uniform(math.pi / 3, math.pi), 2 * int(rng.integers(3, 11)) + 1)
    return padded(np.ones((1, 1)))


def sinc(cutoff: float, size: int) -> Grid:
    """The round low-pass filter of a cut-off, in radians per pixel."""
    axis = np.arange(size) - size // 2
    radius = np.hypot(axis[:, None], axis)
    radius[size // 2, size // 2] = 1
    kernel = cutoff * j1(cutoff * radius) / (2 * math.pi * radius)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    return padded(kernel)


def padded(kernel: Grid) -> Grid:
    """A kernel, normalised, in the middle of 21 pixels."""
    return np.pad(kernel / kernel.sum(), (SIDE - len(kernel)) // 2)


def filtered(batch: Tensor, of_each: Tensor) -> Tensor:
    """Each image with its own kernel: one grouped convolution."""
    count, channels, height, width = batch.shape
    side = of_each.shape[-1]
    extended = F.pad(batch, [side // 2] * 4, mode="reflect")
    weight = of_each[:, None].repeat_interleave(channels, 0)
    found = F.conv2d(
        extended.reshape(1, count * channels, *extended.shape[2:]), weight, groups=len(weight)
    )
    return found.view(count, channels, height, width)


def sharpened(batch: Tensor, radius: int = 51) -> Tensor:
    """Unsharp mask of weight 0.5, where it differs by more than 10 levels; softly."""
    line = torch.from_numpy(cv2.getGaussianKernel(radius, 0).astype(np.float32))
    kernel = (line @ line.T).expand(len(batch), -1, -1)
    residual = batch - filtered(batch, kernel)
    soft = filtered((residual.abs() * 255 > 10).float(), kernel)
    return soft * (batch + 0.5 * residual).clamp(0, 1) + (1 - soft) * batch


def resize_factor(
    rng: np.random.Generator, chances: tuple[float, float, float], ends: tuple[float, float]
) -> float:
    """Up, down or as it is."""
    what = rng.choice(3, p=chances)
    if what == 2:
        return 1.0
    return float(rng.uniform(1, ends[1]) if what == 0 else rng.uniform(ends[0], 1))


def resized(batch: Tensor, size: tuple[int, int], rng: np.random.Generator) -> Tensor:
    """One of three interpolations; none looks at more pixels when it shrinks."""
    return F.interpolate(batch, size, mode=MODES[rng.integers(3)])


def noisy(
    batch: Tensor,
    rng: np.random.Generator,
    sigmas: tuple[float, float],
    strengths: tuple[float, float],
) -> Tensor:
    """Gaussian or Poisson noise, grey with chance 0.4 for each image."""
    count, _, height, width = batch.shape
    grey = torch.from_numpy(rng.random(count) < 0.4).float().view(-1, 1, 1, 1)
    if rng.random() < 0.5:
        sigma = torch.from_numpy(rng.uniform(*sigmas, count)).float().view(-1, 1, 1, 1) / 255
        noise = torch.randn(batch.shape) * (1 - grey) + torch.randn(height, width) * grey
        return (batch + noise * sigma).clamp(0, 1)
    strength = torch.from_numpy(rng.uniform(*strengths, count)).float().view(-1, 1, 1, 1)
    noise = shot_noise(batch) * (1 - grey)
    if grey.any():
        light = (batch * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
        noise = noise + shot_noise(light) * grey
    return (batch + noise * strength).clamp(0, 1)


def shot_noise(batch: Tensor) -> Tensor:
    """Poisson noise of as many quanta as an image has distinct values, rounded up to a power of
    2.
    """
    rounded = (batch.clamp(0, 1) * 255).round() / 255
    quanta = torch.tensor([2.0 ** math.ceil(math.log2(len(torch.unique(i)))) for i in rounded])
    quanta = quanta.view(-1, 1, 1, 1)
    return torch.poisson(rounded * quanta) / quanta - rounded
