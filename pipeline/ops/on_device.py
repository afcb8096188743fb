"""Parts of many LR made at once on a device, with the bits of `apply_crop`.

Blurs are sums of products of whole numbers in units of 2^-16, which float64 holds exactly in any
order; noise is single products and sums, which IEEE 754 fixes. So a GPU gives what a CPU gives.
Programs are mined blur and noise, written-out blurs, subsampling and rounding; the LR of all others
is made on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.transforms import BORDERS
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.noise.inject import LEVELS, crop_weights
from pairmill.pipeline.ops.apply import Step, steps_of
from pairmill.pipeline.ops.crop import apply_crop
from pairmill.pipeline.ops.locality import Near, Placed, Window, locality
from pairmill.schemas.ops.blur import Blur
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, NearPlacement, Placement, PooledBlur
from pairmill.schemas.ops.resize import Quantise
from pairmill.schemas.program import Program

Image = NDArray[np.uint8]
AFTER = (Inject, InjectByLevel, Quantise)
"""What may follow the blur."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a device makes one part of an LR from."""

    hr: Image
    """(h, w, 3), what the kernel sees, beyond the border of the image too."""
    kernel: NDArray[np.float64]
    """(k, k), or (3, k, k) of R, G and B."""
    scale: int
    after: tuple[Step, ...]
    """Steps after the blur, their crops of noise those that meet `wanted`."""
    own: Window
    """Rows and columns of LR that the blur gives."""
    wanted: Window
    shape: tuple[int, int]
    """Rows and columns of the whole LR."""


def prepare(program: Program, hr: Image, assets: Assets, wanted: Window) -> Part | Image:
    """What a device needs for a window of LR; the window itself, made here, where the program has
    other ops.

    Args and errors as for `apply_crop`.
    """
    first, *after = steps_of(program.ops)
    look = locality(first, assets)
    fits = len(first) > 1 and isinstance(look, Near) and isinstance(program.ops[-1], Quantise)
    if not fits or any(type(step[0]) not in AFTER for step in after):
        return apply_crop(program, hr, assets, wanted)
    shape, own = (hr.shape[0] // program.scale, hr.shape[1] // program.scale), wanted
    near = list[Step]()
    for step in reversed(after):
        placed = locality(step, assets)
        near.append(placed.step(step, own) if isinstance(placed, Placed) else step)
        if isinstance(placed, Placed):
            own = placed.before(own, shape)
    kernel, border = _kernel(first[0], assets)
    seen = _seen(hr, kernel.shape[-1] // 2, border, program.scale, own)
    return Part(seen, kernel, program.scale, tuple(near[::-1]), own, wanted, shape)


def _kernel(op: object, assets: Assets) -> tuple[NDArray[np.float64], int]:
    """The weights of a blur, and its border as OpenCV calls it."""
    if isinstance(op, PooledBlur):
        return assets.kernel(op.pool, op.index), BORDERS["mirror"]
    assert isinstance(op, Blur)
    return weights(op.kernel), BORDERS[op.border]


def _seen(hr: Image, reach: int, border: int, scale: int, own: Window) -> Image:
    """The HR pixels that a kernel sees from a window of LR."""
    top, left, bottom, right = (
        scale * own.top - reach,
        scale * own.left - reach,
        scale * (own.bottom - 1) + reach + 1,
        scale * (own.right - 1) + reach + 1,
    )
    if min(top, left) >= 0 and bottom <= hr.shape[0] and right <= hr.shape[1]:
        return hr[top:bottom, left:right]
    padded = np.asarray(cv2.copyMakeBorder(hr, reach, reach, reach, reach, border), np.uint8)
    return padded[top + reach : bottom + reach, left + reach : right + reach]


def make(parts: Sequence[Part], assets: Assets, device: str) -> list[torch.Tensor]:
    """The windows of LR, (height, width, 3) uint8 each, on the device.

    Raises:
        IntegrityError: if a pool or a row of one is missing.
    """
    found: dict[int, torch.Tensor] = {}
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, part in enumerate(parts):
        alike.setdefault((part.hr.shape, part.kernel.shape, part.scale), []).append(number)
    for numbers in alike.values():
        blurred = _blurred([parts[number] for number in numbers], device)
        for number, image in zip(numbers, blurred, strict=True):
            found[number] = _finished(parts[number], image, assets, device)
    return [found[number] for number in range(len(parts))]


def _blurred(parts: Sequence[Part], device: str) -> torch.Tensor:
    """(B, height, width, 3) float64: correlation at every `scale`-th pixel, tap by tap."""
    part = parts[0]
    scale, size = part.scale, part.kernel.shape[-1]
    rows, columns = part.own.bottom - part.own.top, part.own.right - part.own.left
    hr = torch.from_numpy(np.stack([one.hr for one in parts])).to(device).double()
    kernels = np.stack([np.broadcast_to(one.kernel, (3, size, size)) for one in parts])
    taps = torch.from_numpy(np.ascontiguousarray(kernels.transpose(0, 2, 3, 1))).to(device)
    total = torch.zeros((len(parts), rows, columns, 3), dtype=torch.float64, device=device)
    used = np.argwhere(kernels.any(axis=(0, 1)))
    for row, column in used.tolist():
        seen = hr[:, row : row + scale * rows : scale, column : column + scale * columns : scale]
        total.addcmul_(seen, taps[:, row, column][:, None, None])
    return total


def _finished(part: Part, image: torch.Tensor, assets: Assets, device: str) -> torch.Tensor:
    """A window after its blur: noise, rounding, and what of it is wanted."""
    for step in part.after:
        op = step[0]
        if isinstance(op, Quantise):
            image = _eight_bits(image)
        elif isinstance(op, Inject | InjectByLevel):
            image = image.double() + _noise(op, image, part, assets, device)
    top, left = part.wanted.top - part.own.top, part.wanted.left - part.own.left
    rows, columns = part.wanted.bottom - part.wanted.top, part.wanted.right - part.wanted.left
    return image[top : top + rows, left : left + columns]


def _eight_bits(image: torch.Tensor) -> torch.Tensor:
    """Clipped and rounded half up; an 8-bit image as it is."""
    if image.dtype == torch.uint8:
        return image
    return (image + 0.5).clamp(0.0, 255.5).to(torch.uint8)


def _noise(
    op: Inject | InjectByLevel, image: torch.Tensor, part: Part, assets: Assets, device: str
) -> torch.Tensor:
    """(height, width, 3) float32 for the window `part.own`; see `noise_field` and `by_level`."""
    own, shape = part.own, part.shape
    patches = _on(device, assets, op.pool)
    field = torch.zeros(image.shape, dtype=torch.float32, device=device)
    levels = _eight_bits(image)
    for place in op.placements:
        inside = _inside(place, own)
        rows, columns = slice(inside[0], inside[1]), slice(inside[2], inside[3])
        if isinstance(op, InjectByLevel):
            assert isinstance(place, NearPlacement)
            gains = _on(device, assets, op.levels)
            under = levels[rows, columns]
            row = _nearest(under, place, gains)
            crop = _crop(place, patches[row]) * _gains(under, gains[row])
        else:
            crop = _crop(place, patches[place.index])
        # Crops of noise as mined may reach beyond the window; those by level are whole in it.
        seen = crop * torch.from_numpy(_weights(place, shape)).to(device)
        top, left = rows.start - (place.top - own.top), columns.start - (place.left - own.left)
        field[rows, columns] += seen[
            top : top + rows.stop - rows.start, left : left + columns.stop - columns.start
        ]
    return field * np.float32(op.strength).item()


def _inside(place: Placement, own: Window) -> tuple[int, int, int, int]:
    """Rows and columns of the window that a crop covers: from, to, from, to."""
    return (
        max(0, place.top - own.top),
        min(own.bottom, place.top + place.height) - own.top,
        max(0, place.left - own.left),
        min(own.right, place.left + place.width) - own.left,
    )


def _weights(place: Placement, shape: tuple[int, int]) -> NDArray[np.float32]:
    return crop_weights(place, shape).reshape(place.height, place.width, 3)


def _nearest(under: torch.Tensor, place: NearPlacement, gains: torch.Tensor) -> torch.Tensor:
    """The row of the patch whose level is nearest, (); of equals, the first."""
    rows = torch.tensor((place.index, *place.others), device=under.device)
    sums = under.reshape(-1, 3).long().sum(0)
    own = gains[rows, :, LEVELS].round().long()
    away = (sums - own * (under.numel() // 3)).abs().sum(1)
    order = torch.arange(len(rows), device=under.device)
    return rows[(away * len(rows) + order).argmin()]


def _gains(under: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """(height, width, 3)."""
    return gain[torch.arange(3, device=under.device), under.long()]


def _crop(place: Placement, patch: torch.Tensor) -> torch.Tensor:
    rows = slice(place.patch_top, place.patch_top + place.height)
    crop = patch[rows, place.patch_left : place.patch_left + place.width]
    flips = [axis for axis, flip in enumerate((place.flip_rows, place.flip_columns)) if flip]
    return crop.flip(flips) if flips else crop


@lru_cache(maxsize=16)
def _on(device: str, assets: Assets, pool: str) -> torch.Tensor:
    """The items of a pool on a device; those used last are kept."""
    return torch.from_numpy(assets.items(pool)).to(device)
