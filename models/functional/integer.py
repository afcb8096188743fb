"""Exact products of 8-bit pixels with fixed-point weights, on the integer units of the processor
where it has them.

Weights w, integers below 2**15 in size, are split into two signed digits, w = 256 h + l; pixels are
centred, p - 128. Both products are of int8 matrices with int32 sums, so nothing is rounded: the
bits are those of any other exact way.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CENTRE = 128
"""Taken from every pixel; with weights that sum to 1 it is added to the result again."""
LARGEST = 32639
"""Weights beyond +- this have no two signed digits."""


def digits(weights: NDArray[np.int64]) -> NDArray[np.int8]:
    """(k, n) weights as (k, 2 n): the low digits, then the high ones.

    Raises:
        ValueError: if a weight is beyond `LARGEST`.
    """
    if np.abs(weights).max(initial=0) > LARGEST:
        raise ValueError(f"weights must stay within +-{LARGEST}, got {np.abs(weights).max()}")
    # The low digit is the nearest to 0, in -128..127; the high one takes the carry.
    low = ((weights + 128) & 255) - 128
    return np.concatenate([low, (weights - low) >> 8], axis=1).astype(np.int8)


def product(
    pixels: NDArray[np.int8], split: NDArray[np.int8], out: NDArray[np.int32] | None = None
) -> NDArray[np.int32]:
    """(m, k) centred pixels times (k, n) weights given as `digits`: (m, n), exact while the result
    fits in int32.
    """
    import torch

    # Private in torch, and its only product of int8 with sums of int32; `available` has tried it.
    sums = torch._int_mm(torch.from_numpy(pixels), torch.from_numpy(split))
    low, high = sums.chunk(2, dim=1)
    target = None if out is None else torch.from_numpy(out)
    # The low digits and 256 times the high ones, in one pass.
    return torch.add(low, high, alpha=256, out=target).numpy()


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether this processor multiplies int8 at speed, and torch does it without saturation, tried
    on the largest sums.
    """
    import torch

    known = getattr(torch.cpu, "_is_vnni_supported", None)
    if known is None or not known() or not hasattr(torch, "_int_mm"):
        return False
    # Pairs of products beyond 16 bits: instructions without these units saturate there.
    pixels = np.full((64, 1024), -128, np.int8)
    pixels[::3] = 127
    split = np.full((1024, 64), -128, np.int8)
    split[:, ::3] = 127
    found = torch._int_mm(torch.from_numpy(pixels), torch.from_numpy(split)).numpy()
    return bool((found == pixels.astype(np.int64) @ split.astype(np.int64)).all())
