"""Changing the size, and the range of values."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.base import Grown
from pairmill.schemas.ops.base import Counts, OpBase

ORDINALS = {2: "2nd", 3: "3rd"}
Method = Literal["matlab_bicubic", "bicubic", "bilinear", "area", "nearest"]
"""`matlab_bicubic`: a = -0.5, antialiased; `bicubic`: a = -0.75, as OpenCV and torch, not
antialiased; `bilinear`: not antialiased; `area`: mean of what a pixel covers, when upscaling too,
as OpenCV; `nearest`: the sample nearest to the centre, or the mean of two that are equally near, so
that the image does not move by a part of a pixel."""
BicubicForm = Literal["matlab", "float"]
"""See `BicubicDown.form`."""


class Subsample(OpBase):
    """Take rows and columns p, p + s, p + 2 s, ..."""

    op: Literal["subsample"] = "subsample"
    """Name of the op."""
    scale: int = Field(ge=1, le=8)
    """s: one pixel is kept of every s x s."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"every {ORDINALS.get(self.scale, f'{self.scale}th')} pixel"


class BicubicDown(OpBase, Grown):
    """Antialiased bicubic downscaling (a = -0.5), as MATLAB's `imresize` or in floating point."""

    added: ClassVar[tuple[str, ...]] = ("form",)
    op: Literal["bicubic_down"] = "bicubic_down"
    """Name of the op."""
    scale: int = Field(ge=1, le=8)
    """How many times smaller each side becomes."""
    form: BicubicForm = "float"
    """`matlab`: MATLAB's `imresize` of an 8-bit image, to the last bit: rounded to 8 bits after
    each of its two passes, rows first, the edge sample continues; `float`: of any image, not
    rounded, borders mirrored. A program that does not say it, as all of before there was a choice,
    means `float`; a recipe means `matlab`, and `float` where the image is not 8-bit."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        how = ", as MATLAB's imresize" if self.form == "matlab" else ""
        return f"bicubic downscaling by {self.scale}{how}"


class Resize(OpBase):
    """Resample to a given size; centres stay aligned: output y lies at (y + 0.5) h_in / h_out - 0.5
    of the input.
    """

    op: Literal["resize"] = "resize"
    """Name of the op."""
    height: int = Field(ge=1, le=65536)
    """Rows of the result."""
    width: int = Field(ge=1, le=65536)
    """Columns of the result."""
    method: Method = "matlab_bicubic"
    """Interpolation."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"resized to {self.width} x {self.height}, {self.method.replace('_', ' ')}"


class Clip(OpBase):
    """Clip to [0, 255] without rounding."""

    op: Literal["clip"] = "clip"
    """Name of the op."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return "clipped"


class Quantise(OpBase):
    """Clip to [0, 255], round half up, and store 8 bits."""

    op: Literal["quantise"] = "quantise"
    """Name of the op."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return "rounded to 8 bits"


ResizeOp = Subsample | BicubicDown | Resize | Clip | Quantise
