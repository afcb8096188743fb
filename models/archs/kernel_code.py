"""Kernels as a few numbers: their principal components, which travel with the network's weights.

The published ways differ: IKC multiplies the kernel less nothing, SRMD takes the components of the
second moments about 0. Here the mean of the kernels is taken away, each component is divided by its
standard deviation, and all of it is learned from the corpus, once, before the first step.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.archs.layers import in_full
from pairmill.models.functional.kernels import gaussian_kernel, normalise
from pairmill.models.functional.resize import cubic
from pairmill.schemas.errors import UserError

Array = NDArray[np.float64]

LOST = 1e-3
"""Largest share of a kernel's mass that may lie outside a smaller grid."""
FLOOR = 0.01
"""Least standard deviation of a component, of the first one's or of the mean kernel's norm,
whichever is more: what varies less is mostly the kernels' own rounding, and must not be made loud.
Kernels of one camera hardly vary, so that even their first component may be below it."""
NARROWEST, WIDEST = 0.2, 3.2
"""Widths of the Gaussians that a network knows before it has seen a corpus, in HR pixels; at scales
above 3 up to the scale."""
WIDTHS, AXES, ANGLES = 24, 6, 8


class KernelCode(nn.Module):
    """A kernel's code: basis (kernel - mean) / spread.

    Args:
        count: numbers of a code; 0 for a network that only wants the usual kernel.
        side: of the kernels, in HR pixels, odd.
        scale: HR pixels per LR pixel; a new one knows Gaussians, round and long, that bicubic
            downscaling follows.
    """

    basis: Tensor
    """(count, side**2): components, orthonormal; rows of zeros where the kernels have fewer."""
    spread: Tensor
    """(count,): standard deviation of each component's number over the kernels, at least as
    `FLOOR` says; 1 for rows of zeros."""
    mean: Tensor
    """(side, side): mean kernel, whose code is 0."""
    usual: Tensor
    """(side, side), sum 1: what is assumed where nothing is known: the kernel nearest to the
    mean."""

    def __init__(self, count: int, side: int, scale: int) -> None:
        super().__init__()
        self.count, self.side, self.scale = count, side, scale
        self.register_buffer("basis", torch.empty(count, side**2))
        self.register_buffer("spread", torch.empty(count))
        self.register_buffer("mean", torch.empty(side, side))
        self.register_buffer("usual", torch.empty(side, side))
        self._keep(*_of_gaussians(count, side, scale))

    def learn(self, kernels: Array) -> None:
        """Take the components of these kernels, in float64; equal kernels, equal components: the
        sign is that with which the largest value is positive.

        Args:
            kernels: (N, K, K), each of sum 1, on any odd grid.

        Raises:
            UserError: as `fitted`.
        """
        placed = fitted(torch.from_numpy(np.asarray(kernels, np.float64)), self.side)
        self._keep(*components(placed.numpy(), self.count))

    def encode(self, kernel: Tensor) -> Tensor:
        """(B, K, K) to (B, count), in float32 or as wide as the module.

        Raises:
            UserError: as `fitted`; never for kernels of `side`.
        """
        with in_full(kernel):
            less = fitted(kernel, self.side).to(self.mean.dtype) - self.mean
            return less.flatten(1) @ self.basis.T / self.spread

    def decode(self, code: Tensor) -> Tensor:
        """(B, count) to the kernels (B, side, side), sum about 1, nearest to the mean that have
        this code.
        """
        with in_full(code):
            found = (code.to(self.mean.dtype) * self.spread) @ self.basis
            return found.reshape(-1, self.side, self.side) + self.mean

    def usual_for(self, lr: Tensor) -> Tensor:
        """The usual kernel for each image of a batch: (B, side, side)."""
        return self.usual.expand(len(lr), -1, -1)

    @torch.no_grad()
    def _keep(self, basis: Array, spread: Array, mean: Array, usual: Array) -> None:
        for name, values in zip(
            ("basis", "spread", "mean", "usual"), (basis, spread, mean, usual), strict=True
        ):
            buffer = getattr(self, name)
            buffer.copy_(torch.from_numpy(np.ascontiguousarray(values)).to(buffer.dtype))


def components(kernels: Array, count: int) -> tuple[Array, Array, Array, Array]:
    """Principal components of kernels: what `KernelCode` holds.

    Args:
        kernels: (N, K, K) float64.
        count: of components.

    Returns:
        basis (count, K**2), spread (count,), mean (K, K), usual (K, K).
    """
    rows = kernels.reshape(len(kernels), -1)
    mean = rows.mean(axis=0)
    less = rows - mean
    usual = kernels[int(np.argmin((less**2).sum(axis=1)))]
    basis, spread = np.zeros((count, rows.shape[1])), np.ones(count)
    found = _directions(less, count)
    basis[: len(found)] = found
    if len(found):
        deviation = np.sqrt(((less @ found.T) ** 2).mean(axis=0))
        least = FLOOR * max(deviation[0], np.linalg.norm(mean))
        spread[: len(found)] = np.maximum(deviation, least)
    return basis, spread, mean.reshape(kernels.shape[1:]), usual


def _directions(less: Array, count: int) -> Array:
    """(n, K**2), n <= count: the leading right vectors that are no rounding, signs fixed."""
    if not count:
        return less[:0]
    _, strength, vectors = np.linalg.svd(less, full_matrices=False)
    # What float64 leaves of equal kernels is no component.
    real = strength > 1e-12 * np.sqrt(len(less))
    kept = vectors[real][:count]
    largest = np.take_along_axis(kept, np.abs(kept).argmax(axis=1)[:, None], axis=1)
    return np.asarray(kept * np.where(largest < 0, -1.0, 1.0))


def fitted(kernel: Tensor, side: int) -> Tensor:
    """Kernels on a grid of another side: zeros added, or empty cells removed, equally on all sides.

    Args:
        kernel: (B, K, K), K odd, each of sum 1.
        side: odd.

    Returns:
        (B, side, side); where cells were removed, sums are 1 again.

    Raises:
        UserError: if more than `LOST` of a kernel's mass would go.
    """
    wide = kernel.shape[-1]
    if kernel.ndim != 3 or kernel.shape[1] != wide or wide % 2 == 0:
        raise UserError(
            "this is no kernel",
            got=f"an array of {tuple(kernel.shape)}",
            wanted="(B, K, K), square with K odd",
            todo="give kernels as the corpus' labels have them",
        )
    if wide <= side:
        rim = (side - wide) // 2
        return nn.functional.pad(kernel, (rim, rim, rim, rim)) if rim else kernel
    rim = (wide - side) // 2
    cut = kernel[:, rim:-rim, rim:-rim]
    total = cut.sum((1, 2))
    lost = float((kernel.sum((1, 2)) - total).abs().max())
    if lost > LOST:
        raise UserError(
            "a kernel does not fit into those that the network is told",
            got=f"{lost:.2%} of its mass outside {side} x {side} HR pixels",
            wanted=f"at most {LOST:.1%}",
            todo=f"train the network with `kernel_size: {wide}`, or tell it a narrower kernel",
        )
    return cut / total[:, None, None]


def downscaled(kernels: Array, scale: int, side: int) -> Array:
    """Kernels of a blur that MATLAB's bicubic downscaling follows, as kernels of both together.

    Args:
        kernels: (N, n, n), n odd, each of sum 1, centred on its middle cell.
        scale: HR pixels per LR pixel.
        side: of the result, odd; what lies outside is cut and the rest renormalised.

    Returns:
        (N, side, side), each of sum 1, in the convention of `functional.kernels`.
    """
    taps = downscaling(kernels.shape[-1], scale, side)
    both = taps @ kernels @ taps.T
    return np.asarray(both / both.sum(axis=(1, 2), keepdims=True))


def downscaling(blur: int, scale: int, side: int) -> Array:
    """(side, blur): along one axis, what bicubic downscaling makes of each cell of a kernel before
    it.
    """
    # Output 0 lies at (scale - 1) / 2; the cell v of the blur moves the taps by v - blur // 2.
    place = np.arange(side) - side // 2 - (scale - 1) / 2
    moved = place[:, None] - (np.arange(blur) - blur // 2)[None]
    whole = cubic((np.arange(-4 * scale, 4 * scale + 1) - (scale - 1) / 2) / scale)
    return cubic(moved / scale) / float(whole.sum())


@lru_cache(maxsize=32)
def _of_gaussians(count: int, side: int, scale: int) -> tuple[Array, Array, Array, Array]:
    """`components` of a fixed grid of Gaussians, round ones and long ones."""
    widest, middle = max(WIDEST, float(scale)), side // 2
    round_ones = [
        gaussian_kernel(side, width, width, 0.0, middle)
        for width in np.linspace(NARROWEST, widest, WIDTHS)
    ]
    along = np.linspace(NARROWEST, widest, AXES)
    long_ones = [
        gaussian_kernel(side, first, second, np.pi * turn / ANGLES, middle)
        for first in along
        for second in along[along < first]
        for turn in range(ANGLES)
    ]
    kernels = np.stack([normalise(kernel) for kernel in (*round_ones, *long_ones)])
    return components(downscaled(kernels, scale, side), count)
