"""A camera's pipeline: back to raw, noise on the raw, and forward again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.ops.base import Counts, OpBase

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class _Camera(OpBase):
    """The parameters of a development."""

    red_gain: float = Field(default=2.0, gt=0, le=8)
    """White balance: gain of red over green."""
    blue_gain: float = Field(default=1.7, gt=0, le=8)
    """White balance: gain of blue over green."""
    colour: Matrix = IDENTITY
    """Colour correction matrix, from the camera's RGB to linear sRGB; rows sum to 1."""
    tone: bool = True
    """Whether the smooth-step tone curve 3 x^2 - 2 x^3 takes part."""


class Unprocess(_Camera):
    """sRGB to linear camera RGB: tone curve, gamma, colour matrix and white balance undone (Brooks et al. 2019).

    The result is linear, in "raw grey levels": 255 is the sensor's white.
    """

    op: Literal["unprocess"] = "unprocess"
    """Name of the op."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return "back to linear camera RGB"


class Mosaic(OpBase):
    """Keep one colour per pixel (Bayer) and interpolate the others (demosaic) with the gradient-corrected linear filter
    of Malvar, He and Cutler 2004.
    """

    op: Literal["mosaic"] = "mosaic"
    """Name of the op."""
    pattern: Literal["rggb", "bggr", "grbg", "gbrg"] = "rggb"
    """Colours of the first 2 x 2 pixels, row by row."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"Bayer mosaic {self.pattern.upper()}, demosaicked"


class Process(_Camera):
    """Linear camera RGB to sRGB: white balance, colour matrix, gamma, tone curve."""

    op: Literal["process"] = "process"
    """Name of the op."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return "developed to sRGB"


CameraOp = Unprocess | Mosaic | Process
