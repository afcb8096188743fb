"""What a trainer is told of how each crop was made, if it asks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pairmill.schemas.base import Frozen

WIDEST = 257
"""Largest side of a grid of kernels, in HR pixels; x8 chains of `realesrgan` need 193."""


class LabelConfig(Frozen):
    """How labels are laid out."""

    kernel: int = Field(default=21, ge=3, le=WIDEST)
    """K: side of the grid of kernels, in HR pixels, odd. Of x-scale kernels K - scale + 1 weights a
    side remain under all flips and rotations: 21 holds MATLAB's bicubic up to x4, and blurs of 15
    pixels before any subsampling up to x4."""
    tolerance: float = Field(default=0.01, ge=0, lt=1)
    """Share of a kernel's absolute weight that may lie outside the grid; the rest is divided by its
    sum."""

    place: Literal["crop", "tile"] = "crop"
    """Where kernels that vary over the field are taken, as those of resizes by ratios that are no
    whole number do: `crop`: in the middle of each crop, composed as it is read, in one to two
    milliseconds; `tile`: in the middle of the tile, composed once."""

    missing: Literal["refuse", "nan"] = "refuse"
    """What becomes of samples of which no kernel is known, since a network made them or a camera
    did: `refuse` says so at once; `nan` gives them not-a-number for kernel and noise."""

    @field_validator("kernel")
    @classmethod
    def _odd(cls, side: int) -> int:
        if side % 2 == 0:
            raise ValueError(f"a grid of kernels has a middle, so its side is odd; got {side}")
        return side
