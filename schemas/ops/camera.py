"""A camera's pipeline: back to raw, noise on the raw, and forward again."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.ops.base import Counts, OpBase

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
ROW_SLACK = 1e-4
"""How far from 1 the sum of a row may be: matrices are published with four to six digits."""
LEAST_DETERMINANT = 0.01


class _Camera(OpBase):
    """The parameters of a development."""

    red_gain: float = Field(default=2.0, gt=0, le=8)
    """White balance: gain of red over green."""
    blue_gain: float = Field(default=1.7, gt=0, le=8)
    """White balance: gain of blue over green."""
    gain: float = Field(default=1.0, gt=0, le=16)
    """Brightness: gain of all three colours."""
    colour: Matrix = IDENTITY
    """Colour correction matrix, from the camera's RGB to linear sRGB; rows sum to 1."""
    tone: bool = True
    """Whether the smooth-step tone curve 3 x^2 - 2 x^3 takes part."""

    @model_validator(mode="after")
    def _keeps_white(self) -> Self:
        (a, b, c), (d, e, f), (g, h, i) = self.colour
        if any(abs(row[0] + row[1] + row[2] - 1) > ROW_SLACK for row in self.colour):
            raise ValueError("rows of colour must sum to 1, so that grey stays grey")
        if a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < LEAST_DETERMINANT:
            raise ValueError(
                f"colour must have a determinant of at least {LEAST_DETERMINANT}, so that it can "
                "be undone"
            )
        return self


class Unprocess(_Camera):
    """sRGB to linear camera RGB: tone curve, gamma, colour matrix and white balance undone (Brooks
    et al. 2019).

    The result is linear, in "raw intensity levels": 255 is the sensor's white. `Process` with the
    same parameters is the inverse.
    """

    op: Literal["unprocess"] = "unprocess"
    """Name of the op."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return "back to linear camera RGB"


class Mosaic(OpBase):
    """Keep one colour per pixel (Bayer) and interpolate the others (demosaic) with the
    gradient-corrected linear filter of Malvar, He and Cutler 2004. Borders are mirrored without
    repeating the edge, so that colours keep their places.
    """

    op: Literal["mosaic"] = "mosaic"
    """Name of the op."""
    pattern: Literal["rggb", "bggr", "grbg", "gbrg"] = "rggb"
    """Colours of the first 2 x 2 pixels, row by row."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"Bayer mosaic {self.pattern.upper()}, demosaicked"


class Process(_Camera):
    """Linear camera RGB to sRGB: white balance, colour matrix, clipping to [0, 255], gamma, tone
    curve. It does not round.
    """

    op: Literal["process"] = "process"
    """Name of the op."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return "developed to sRGB"


CameraOp = Unprocess | Mosaic | Process
