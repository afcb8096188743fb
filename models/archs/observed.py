"""What LR is of HR when the kernel is known, as tensors: how it comes about, the gradient of its
error, and the HR nearest to a guess that explains it.

Kernels are as in `Degradation`: LR[i] = sum_u k[u] HR[s i + u - K // 2] along each axis.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, pad

from pairmill.models.archs.layers import in_full, wrapped
from pairmill.models.functional.kernels import gaussian_kernel, target_centre


def observed(x: Tensor, kernel: Tensor, scale: int) -> Tensor:
    """The LR of HR: correlated, borders mirrored without repeating the edge, every scale-th sample
    from 0.

    Args:
        x: (B, C, scale h, scale w).
        kernel: (B, K, K), K odd.
        scale: HR pixels per LR pixel along each axis.

    Returns:
        (B, C, h, w).
    """
    batch, channels = x.shape[:2]
    with in_full(x):
        wide = _mirrored(x, kernel.shape[-1] // 2)
        found = conv2d(
            wide.reshape(1, batch * channels, *wide.shape[2:]),
            _each(kernel.to(x.dtype), channels),
            stride=scale,
            groups=batch * channels,
        )
        return found.reshape(batch, channels, *found.shape[2:])


def kernel_gradient(x: Tensor, residual: Tensor, size: int, scale: int) -> Tensor:
    """Gradient of half the summed squares of `residual` = observed(x) - LR by the kernel.

    Args:
        x: (B, C, scale h, scale w).
        residual: (B, C, h, w).
        size: side of the kernel, K.
        scale: as above.

    Returns:
        (B, K, K).
    """
    batch, channels = x.shape[:2]
    with in_full(x):
        wide = _mirrored(x, size // 2)
        found = conv2d(
            wide.reshape(1, batch * channels, *wide.shape[2:]),
            residual.to(x.dtype).reshape(batch * channels, 1, *residual.shape[2:]),
            dilation=scale,
            groups=batch * channels,
        )
        found = found.reshape(batch, channels, *found.shape[2:])
        return found[:, :, :size, :size].sum(1)


def picture_gradient(residual: Tensor, kernel: Tensor, scale: int) -> Tensor:
    """Gradient of half the summed squares of `residual` by the picture: the adjoint of `observed`,
    what falls on mirrored borders being that of the pixels they mirror.

    Args:
        residual: (B, C, h, w).
        kernel: (B, K, K).
        scale: as above.

    Returns:
        (B, C, scale h, scale w).
    """
    batch, channels, height, width = residual.shape
    with in_full(residual):
        found = conv_transpose2d(
            residual.reshape(1, batch * channels, height, width),
            _each(kernel.to(residual.dtype), channels),
            stride=scale,
            groups=batch * channels,
        )
        # The last rows and columns of the mirrored picture are seen by no LR pixel.
        found = pad(found.reshape(batch, channels, *found.shape[2:]), (0, scale - 1, 0, scale - 1))
        for axis, length in ((2, scale * height), (3, scale * width)):
            places = _places(length, kernel.shape[-1] // 2, residual.device)
            shape = list(found.shape)
            shape[axis] = length
            found = found.new_zeros(shape).index_add(axis, places, found)
        return found


def explained(z: Tensor, lr: Tensor, kernel: Tensor, scale: int, penalty: Tensor) -> Tensor:
    """The minimum of |observed(x) - LR|^2 + penalty |x - z|^2, exactly, where the picture continues
    at its other side (circular borders).

    The closed form of USRNet (Zhang et al. 2020, eq. 7), as z plus what the residual adds, by which
    nothing large cancels: x = z + A^T (A A^T + penalty)^-1 (LR - A z), where A A^T is diagonal in
    the frequencies of the LR.

    Args:
        z: (B, C, scale h, scale w).
        lr: (B, C, h, w).
        kernel: (B, K, K).
        scale: as above.
        penalty: (B,), positive.

    Returns:
        (B, C, scale h, scale w).
    """
    height, width = lr.shape[2:]
    with in_full(z):
        response = _response(kernel.to(z.dtype), scale * height, scale * width)[:, None]
        missed = torch.fft.fft2(lr.to(z.dtype)) - _aliased(response * torch.fft.fft2(z), scale)
        power = _aliased(response * response.conj(), scale).real
        added = missed / (power + penalty.to(z.dtype)[:, None, None, None])
        whole: Tensor = torch.fft.ifft2(response.conj() * added.repeat(1, 1, scale, scale)).real
        return z + whole


def continued(lr: Tensor, margin: int) -> Tensor:
    """(B, C, h, w) with `margin` more rows and columns behind the last, in which the picture
    mirrored at its end fades into that mirrored at its start: for circular borders without a step.
    """
    for axis in (2, 3):
        length = lr.shape[axis]
        behind = torch.arange(margin, device=lr.device)
        after = lr.index_select(axis, _repeated(length + behind, length))
        before = lr.index_select(axis, _repeated(behind - margin, length))
        share = ((behind + 0.5) / margin).to(lr.dtype)
        share = share[:, None] if axis == 2 else share
        lr = torch.cat([lr, after + share * (before - after)], axis)
    return lr


def gaussian_kernels(size: int, scale: int, sigmas: list[float]) -> Tensor:
    """(count, size, size) float64: isotropic Gaussians, centred for the scale."""
    centre = target_centre(size, scale)
    return torch.from_numpy(
        np.stack([gaussian_kernel(size, sigma, sigma, 0.0, centre) for sigma in sigmas])
    )


def _each(kernel: Tensor, channels: int) -> Tensor:
    """(B, K, K) to the (B C, 1, K, K) filters of a convolution of B C groups."""
    return kernel.repeat_interleave(channels, 0)[:, None]


def _mirrored(x: Tensor, margin: int) -> Tensor:
    for axis in (2, 3):
        x = x.index_select(axis, _places(x.shape[axis], margin, x.device))
    return x


def _places(length: int, margin: int, device: torch.device) -> Tensor:
    """Where the samples of a mirrored axis come from: 2 1 | 0 1 2 | 1 0, from any length."""
    period = torch.sym_max(1, 2 * length - 2)  # type: ignore[no-untyped-call]
    place = wrapped(torch.arange(-margin, length + margin, device=device), period)
    return torch.minimum(place, period - place)


def _repeated(place: Tensor, length: int) -> Tensor:
    """The same where the edge is repeated: 1 0 | 0 1 2 | 2 1."""
    place = wrapped(place, 2 * length)
    return torch.minimum(place, 2 * length - 1 - place)


def _response(kernel: Tensor, height: int, width: int) -> Tensor:
    """(B, height, width) complex: what correlation with (B, K, K) does to each frequency."""
    place = torch.arange(kernel.shape[-1], device=kernel.device) - kernel.shape[-1] // 2
    rows, columns = (_waves(place, length, kernel.dtype) for length in (height, width))
    found: Tensor = rows @ kernel.to(rows.dtype) @ columns.T
    return found


def _waves(place: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    """(length, K): exp(2 pi i f u / length)."""
    frequency = torch.arange(length, device=place.device)[:, None]
    angle = (2 * math.pi / length) * wrapped(frequency * place, length).to(dtype)
    return torch.polar(torch.ones_like(angle), angle)


def _aliased(spectrum: Tensor, scale: int) -> Tensor:
    """(B, C, scale h, scale w) to (B, C, h, w): the spectrum of every scale-th sample, the mean of
    the frequencies that become one.
    """
    height, width = (length // scale for length in spectrum.shape[2:])
    parts = spectrum.reshape(*spectrum.shape[:2], scale, height, scale, width)
    return parts.mean((2, 4))
