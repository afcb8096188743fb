"""A whole degradation: y = (x * k) subsampled + n, with k and n drawn by the two modules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from pairmill.models.pdm.application import apply_kernel_maps, apply_kernels
from pairmill.models.pdm.discriminator import quantise
from pairmill.models.pdm.modules import KernelModule, NoiseModule
from pairmill.models.pdm.start import EXTRA, MeasuredKernels, MeasuredNoise, Start
from pairmill.schemas.pdm import PdmConfig, PdmStart

SMOOTH = 9
"""Side of the average that makes neighbouring kernels of a map alike, in LR pixels."""


@dataclass(frozen=True)
class Latent:
    """The random numbers of a batch of degradations."""

    kernel: Tensor
    """(B, channels, 1, 1), or (B, channels, h + 8, w + 8) for a kernel per LR pixel; with
    `start.EXTRA` channels more, before the others, where kernels were measured."""
    noise: Tensor | None
    """(B, channels, h, w), (B, channels, 1, 1) or none."""

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Latent:
        """The same elsewhere."""
        return Latent(
            self.kernel.to(device, dtype),
            None if self.noise is None else self.noise.to(device, dtype),
        )


@dataclass(frozen=True)
class Degraded:
    """A batch as it is degraded, values in [0, 1] with overshoot."""

    clean: Tensor
    """(B, 3, h, w): blurred and subsampled."""
    noise: Tensor | None
    """(B, dim, h, w)."""
    lr: Tensor
    """(B, 3, h, w): the sum."""


class Degradation(nn.Module):
    """netDeg: a distribution over degradations of one scale."""

    def __init__(
        self,
        config: PdmConfig,
        scale: int,
        rng: np.random.Generator,
        start: PdmStart | None = None,
    ) -> None:
        """Networks at their start.

        Args:
            config: settings.
            scale: HR side over LR side.
            rng: draws the first weights.
            start: shapes of what was measured, which `start.fill_in` sets; none to know nothing.
        """
        super().__init__()
        self.config, self.scale, self.start = config, scale, start
        self.kernel: KernelModule | MeasuredKernels
        self.noise: NoiseModule | MeasuredNoise | None = None
        if start is None:
            self.kernel = KernelModule(config.kernel, scale, rng)
        else:
            self.kernel = MeasuredKernels(config.kernel, start, rng)
        if config.noise is not None and start is None:
            self.noise = NoiseModule(config.noise, rng)
        elif config.noise is not None and start is not None:
            self.noise = MeasuredNoise(config.noise, start, rng)

    def fill_in(self, start: Start) -> None:
        """Set what was measured, of the shapes that the networks were made for."""
        if isinstance(self.kernel, MeasuredKernels):
            self.kernel.fill_in(start)
        if isinstance(self.noise, MeasuredNoise):
            self.noise.fill_in(start)

    @property
    def size(self) -> int:
        """Side of a kernel, in HR pixels."""
        if isinstance(self.kernel, MeasuredKernels):
            return self.kernel.size
        return self.config.kernel.size

    def latent_shapes(
        self, height: int, width: int
    ) -> tuple[tuple[int, int, int], tuple[int, int, int] | None]:
        """Channels, rows and columns of the random numbers of kernel and noise, for an LR of this
        size.
        """
        kernel, noise = self.config.kernel, self.config.noise
        around = SMOOTH - 1
        if kernel.variant:
            first = kernel.channels, height + around, width + around
        elif self.start is not None:
            first = EXTRA + kernel.channels, 1, 1
        else:
            first = kernel.channels, 1, 1
        if noise is None:
            return first, None
        if noise.spatial:
            return first, (noise.channels, height, width)
        return first, (noise.channels, 1, 1)

    def kernels(self, z: Tensor) -> Tensor:
        """Kernels of a latent, (B, size^2, h, w); maps of z are smoothed first, so that neighbours
        are alike.
        """
        if self.config.kernel.variant:
            z = smooth(z)
        return self.kernel(z)  # type: ignore[no-any-return]

    def forward(self, image: Tensor, latent: Latent) -> Degraded:
        """Degrade HR images that bring their surroundings along.

        Args:
            image: (B, 3, s (h - 1) + k, s (w - 1) + k), in [0, 1].
            latent: standard normal numbers of the shapes of `latent_shapes(h, w)`.
        """
        kernels = self.kernels(latent.kernel)
        if self.config.kernel.variant:
            clean = apply_kernel_maps(image, kernels, self.scale)
        elif self.start is not None and self.start.planes > 1:
            planes = apply_kernels(image.flatten(0, 1)[:, None], kernels.flatten(0, 1), self.scale)
            clean = planes.reshape(*image.shape[:2], *planes.shape[2:])
        else:
            clean = apply_kernels(image, kernels.reshape(-1, self.size, self.size), self.scale)
        if self.noise is None or latent.noise is None:
            return Degraded(clean, None, quantise(clean))
        noise = self.noise_of(latent, clean)
        return Degraded(clean, noise, clean + noise)

    def noise_of(self, latent: Latent, clean: Tensor) -> Tensor:
        """Noise for (B, 3, h, w) blurred and subsampled images; there must be a noise module."""
        if isinstance(self.noise, MeasuredNoise) and isinstance(self.kernel, MeasuredKernels):
            extra = latent.kernel[:, :EXTRA, 0, 0]
            return self.noise(latent.noise, clean, extra, self.kernel.which(extra))  # type: ignore[no-any-return]
        assert self.noise is not None
        return self.noise(latent.noise, clean)  # type: ignore[no-any-return]


def begun(
    config: PdmConfig, scale: int, rng: np.random.Generator, start: Start | None = None
) -> Degradation:
    """A degradation as it is before it learns, with what was measured, if anything was."""
    found = Degradation(config, scale, rng, None if start is None else start.shape)
    if start is not None:
        found.fill_in(start)
    return found


def draw_latent(
    rng: np.random.Generator,
    batch: int,
    kernel: tuple[int, int, int],
    noise: tuple[int, int, int] | None,
) -> Latent:
    """Standard normal numbers for a batch, float32."""
    first = torch.from_numpy(rng.standard_normal((batch, *kernel), dtype=np.float32))
    if noise is None:
        second = None
    else:
        second = torch.from_numpy(rng.standard_normal((batch, *noise), dtype=np.float32))
    return Latent(first, second)


def smooth(z: Tensor) -> Tensor:
    """Averages over 9 x 9 of white maps, (B, C, h + 8, w + 8) to (B, C, h, w), scaled back to
    variance 1.
    """
    return avg_pool2d(z, SMOOTH, 1) * SMOOTH


def eight_bits(image: Tensor) -> Tensor:
    """Clipped and rounded as real images are; the gradient passes as if nothing had happened."""
    rounded = torch.round(255 * image.clamp(0, 1)) / 255
    return image + (rounded - image).detach()


def regulariser(noise: Tensor, kind: str) -> Tensor:
    """What holds the noise at zero mean: the square of its local means, or of the noise itself
    (PDM, eq. 10).
    """
    if kind == "energy":
        return noise.square().mean()
    side = min(8, *noise.shape[2:])
    return avg_pool2d(noise, side).square().mean()
