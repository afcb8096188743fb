"""Applying one kernel per image, or one per LR pixel, to a batch: y[i] = sum_u k[u] x[s i + u],
without unfolding the image.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, pad, unfold

ROWS = 8
"""LR rows whose neighbourhoods lie in memory at a time."""


def apply_kernels(image: Tensor, kernels: Tensor, scale: int) -> Tensor:
    """One kernel per image, the same for all channels: a strided correlation with the images of the
    batch as groups.

    Args:
        image: (B, C, s h + k - s, s w + k - s) at least; what a kernel needs around the image is
            there already.
        kernels: (B, k, k), correlation orientation.
        scale: stride s.

    Returns:
        (B, C, h, w): LR[i] = sum_u k[u] image[s i + u].
    """
    return _Grouped.apply(image, kernels, scale)  # type: ignore[no-any-return, no-untyped-call]


class _Grouped(torch.autograd.Function):
    """The correlation, with the gradient of the kernels by FFT: ten times faster on a CPU than what
    the library does.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, kernels: Tensor, scale: int) -> Tensor:
        ctx.save_for_backward(image, kernels)
        ctx.scale = scale
        grouped = conv2d(
            image.transpose(0, 1),
            kernels[:, None].to(image.dtype),
            stride=scale,
            groups=image.shape[0],
        )
        return grouped.transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        image, kernels = ctx.saved_tensors
        grad = grads[0]
        for_image = None
        if ctx.needs_input_grad[0]:
            for_image = _image_gradient(image, kernels, grad, ctx.scale)
        return (
            for_image,
            _kernel_gradient(image, kernels, grad, ctx.scale) if ctx.needs_input_grad[1] else None,
            None,
        )


def _kernel_gradient(image: Tensor, kernels: Tensor, grad: Tensor, scale: int) -> Tensor:
    """g[u] = sum over channels and i of image[s i + u] grad[i]: a correlation with the gradient
    spread to the HR grid.
    """
    size, sides = kernels.shape[-1], image.shape[2:]
    spread = torch.zeros_like(image, dtype=kernels.dtype)
    spread[:, :, : scale * grad.shape[2] : scale, : scale * grad.shape[3] : scale] = grad
    padded = tuple(_fast(side) for side in sides)
    product = (
        torch.fft.rfft2(image.to(kernels.dtype), padded) * torch.fft.rfft2(spread, padded).conj()
    ).sum(1)
    gradient: Tensor = torch.fft.irfft2(product, padded)[:, :size, :size]
    return gradient


def _image_gradient(image: Tensor, kernels: Tensor, grad: Tensor, scale: int) -> Tensor:
    batch, sides = image.shape[0], image.shape[2:]
    back = conv_transpose2d(
        grad.transpose(0, 1), kernels[:, None].to(grad.dtype), stride=scale, groups=batch
    ).transpose(0, 1)
    return pad(back, (0, sides[1] - back.shape[3], 0, sides[0] - back.shape[2]))


def _fast(side: int) -> int:
    """The next length that is a product of 2, 3, 5 and 7, which FFTs are fast for."""
    while True:
        rest = side
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return side
        side += 1


def apply_kernel_maps(image: Tensor, kernels: Tensor, scale: int) -> Tensor:
    """One kernel per LR pixel, a few rows at a time.

    Args:
        image: (B, C, s (h - 1) + k, s (w - 1) + k) at least.
        kernels: (B, k * k, h, w), correlation orientation, at LR resolution.
        scale: stride s.

    Returns:
        (B, C, h, w).
    """
    height, width = kernels.shape[2:]
    size = round(kernels.shape[1] ** 0.5)
    columns = scale * (width - 1) + size
    rows = []
    for top in range(0, height, ROWS):
        part = kernels[:, :, top : top + ROWS]
        strip = image[:, :, scale * top : scale * (top + part.shape[2] - 1) + size, :columns]
        patches = unfold(strip, size, stride=scale).view(
            *image.shape[:2], size * size, part.shape[2], width
        )
        rows.append((patches * part[:, None]).sum(2))
    return torch.cat(rows, 2)


def needed(lr_side: int, scale: int, size: int) -> int:
    """HR pixels that `lr_side` LR pixels are made of: s (n - 1) + k."""
    return scale * (lr_side - 1) + size


def before(size: int) -> int:
    """HR pixels that a kernel reaches before the first pixel of the image: k // 2."""
    return size // 2
