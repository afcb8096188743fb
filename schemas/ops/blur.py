"""Blur with a kernel that is written out in the program as a shape and its parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pairmill.schemas.base import Frozen
from pairmill.schemas.ops.base import Counts, OpBase


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"a kernel has a centre, so its side is odd; got {size}")
    return size


Size = Annotated[int, Field(ge=1, le=65), AfterValidator(_odd)]
Sigma = Annotated[float, Field(gt=0, le=50)]
Border = Literal["mirror", "reflect", "wrap"]
"""`mirror` repeats the edge sample (2 1 1 2), `reflect` does not (2 1 2), `wrap` continues at the
other side."""


class KernelBase(Frozen):
    """A correlation kernel: its weights, negative ones too, lie on the grid of 2**-16 and sum to
    exactly 1.
    """

    size: Size = 21
    """Side, in pixels, odd."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Rows and columns by which the centre lies off `size // 2`, in pixels; (s - 1) / 2 in both
    before subsampling by s."""

    def words(self) -> str:
        """The kernel in words."""
        raise NotImplementedError


class _Elliptic(KernelBase):
    """A kernel whose level lines are ellipses."""

    sigma_x: Sigma
    """Width along the first axis of the ellipse, in pixels (a standard deviation, not a
    variance)."""
    sigma_y: Sigma
    """Width along its second axis, in pixels."""
    angle: float = 0.0
    """Angle of the first axis against the columns' direction, counter-clockwise, in radians."""

    def _ellipse(self) -> str:
        if self.sigma_x == self.sigma_y:
            return f"sigma {self.sigma_x:.2f}"
        return f"sigma {self.sigma_x:.2f} x {self.sigma_y:.2f} at {self.angle:.2f} rad"


class GaussianKernel(_Elliptic):
    """exp(-q / 2) with q = x^T S^-1 x, S = R diag(sigma_x^2, sigma_y^2) R^T."""

    shape: Literal["gaussian"] = "gaussian"
    """Name of the shape."""

    def words(self) -> str:
        """See `KernelBase.words`."""
        return f"Gaussian {self._ellipse()}"


class GeneralisedKernel(_Elliptic):
    """exp(-q^beta / 2): pointed below beta 1, flat-topped above."""

    shape: Literal["generalised"] = "generalised"
    """Name of the shape."""
    beta: float = Field(gt=0, le=20)
    """Exponent; 1 is the Gaussian."""

    def words(self) -> str:
        """See `KernelBase.words`."""
        return f"generalised Gaussian {self._ellipse()}, beta {self.beta:.2f}"


class PlateauKernel(_Elliptic):
    """1 / (1 + q^beta)."""

    shape: Literal["plateau"] = "plateau"
    """Name of the shape."""
    beta: float = Field(gt=0, le=20)
    """Exponent; larger has steeper sides."""

    def words(self) -> str:
        """See `KernelBase.words`."""
        return f"plateau {self._ellipse()}, beta {self.beta:.2f}"


class SincKernel(KernelBase):
    """Circular low-pass filter w J1(w r) / (2 pi r): rings like a sharpened image."""

    shape: Literal["sinc"] = "sinc"
    """Name of the shape."""
    cutoff: float = Field(gt=0, le=3.1416)
    """w, in radians per pixel; pi keeps all."""

    def words(self) -> str:
        """See `KernelBase.words`."""
        return f"sinc, cut-off {self.cutoff:.2f} rad"


class MotionKernel(KernelBase):
    """Straight, uniform motion: a line, one pixel wide, drawn with the area that it covers in each
    pixel.
    """

    shape: Literal["motion"] = "motion"
    """Name of the shape."""
    length: float = Field(gt=0, le=64)
    """Length of the path, in pixels."""
    angle: float = 0.0
    """Direction against the columns' direction, counter-clockwise, in radians."""

    def words(self) -> str:
        """See `KernelBase.words`."""
        return f"motion of {self.length:.1f} px at {self.angle:.2f} rad"


class DiscKernel(KernelBase):
    """Defocus: a uniform disc, drawn with the area that it covers in each pixel."""

    shape: Literal["disc"] = "disc"
    """Name of the shape."""
    radius: float = Field(gt=0, le=32)
    """Radius, in pixels."""

    def words(self) -> str:
        """See `KernelBase.words`."""
        return f"defocus disc of radius {self.radius:.2f} px"


Kernel = Annotated[
    GaussianKernel | GeneralisedKernel | PlateauKernel | SincKernel | MotionKernel | DiscKernel,
    Field(discriminator="shape"),
]


class Blur(OpBase):
    """Correlate all channels with one kernel, at the size that the image has at this point.

    Exact: an image that is not 8-bit is rounded to multiples of 2**-16 intensity levels first, and
    nothing else is ever rounded.
    """

    op: Literal["blur"] = "blur"
    """Name of the op."""
    kernel: Kernel
    """The kernel."""
    border: Border = "reflect"
    """What lies beyond the border."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"blur: {self.kernel.words()}, {self.kernel.size} px"


class UnsharpMask(OpBase):
    """Sharpen: add `weight` times what a Gaussian blur takes away, where that exceeds a threshold
    (soft mask).
    """

    op: Literal["unsharp_mask"] = "unsharp_mask"
    """Name of the op."""
    size: Size = 51
    """Side of the Gaussian, in pixels, odd."""
    sigma: Sigma = 8.0
    """Width of the Gaussian, in pixels."""
    weight: float = Field(default=0.5, ge=0)
    """How much of the residual is added."""
    threshold: float = Field(default=10.0, ge=0)
    """Residuals up to this are left alone, in intensity levels."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"unsharp mask, weight {self.weight:.2f}, sigma {self.sigma:.1f}"


BlurOp = Blur | UnsharpMask
