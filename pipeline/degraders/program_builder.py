"""A program in the making: its ops so far, and the size that the image has after them."""

from __future__ import annotations

from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import Blur, GaussianKernel
from pairmill.schemas.ops.codecs import Avif, Jpeg, JpegXl, Video, Webp
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.ops.resize import (
    BicubicDown,
    BicubicForm,
    Clip,
    Method,
    Quantise,
    Resize,
    Subsample,
)
from pairmill.schemas.program import Program

LEAST_SIDE = 8
"""No resize on the way makes a side shorter, in pixels, except where the LR itself is."""
CODECS = (Jpeg, Webp, Avif, JpegXl, Video, PooledJpeg)
"""Ops that clip and round first and leave 8 bits."""
OVERSHOOTING = ("bicubic", "matlab_bicubic")
PULSE = 0.01
"""Width of a Gaussian that leaves an image as it is, in pixels."""


class ProgramBuilder:
    """Ops in order. `height` and `width` are the sides after them, in pixels."""

    def __init__(self, scale: int, hr_shape: tuple[int, int]) -> None:
        self.scale, self.hr = scale, hr_shape
        self.height, self.width = hr_shape
        self.lr = (hr_shape[0] // scale, hr_shape[1] // scale)
        self.ops: list[Op] = []

    def add(self, *ops: Op) -> None:
        """Append ops that leave the size as it is."""
        self.ops += ops

    def resize(self, height: float, width: float, method: Method) -> None:
        """Resample to a size, rounded down but never below `LEAST_SIDE`; nothing if it is the size
        at hand.
        """
        rows, columns = (
            max(int(side), min(LEAST_SIDE, least))
            for side, least in zip((height, width), self.lr, strict=True)
        )
        if (rows, columns) != (self.height, self.width):
            self.ops.append(Resize(height=rows, width=columns, method=method))
            self.height, self.width = rows, columns

    def resize_clipped(self, height: float, width: float, method: Method) -> None:
        """The same, and clip if the interpolation overshoots."""
        before = len(self.ops)
        self.resize(height, width, method)
        if method in OVERSHOOTING and len(self.ops) > before:
            self.ops.append(Clip())

    def to_lr(self, method: Method) -> None:
        """Resample to the LR's size."""
        self.resize(*self.lr, method)

    def reduce(self, scale: int, form: BicubicForm = "float") -> None:
        """Bicubic downscaling by a whole number, of MATLAB's form only where the image is 8-bit."""
        if self.height % scale or self.width % scale:
            self.resize(self.height // scale, self.width // scale, "matlab_bicubic")
        else:
            form = form if self._eight_bits else "float"
            self.ops.append(BicubicDown(scale=scale, form=form))
            self.height, self.width = self.height // scale, self.width // scale

    def subsample(self, scale: int) -> None:
        """Keep one pixel of every scale x scale; the blur before is centred on the block, and there
        is one in any case.
        """
        if self.height % scale or self.width % scale:
            self.resize(self.height // scale, self.width // scale, "nearest")
            return
        shift = ((scale - 1) / 2, (scale - 1) / 2)
        if self.ops and isinstance(self.ops[-1], Blur):
            last = self.ops.pop()
        else:
            last = Blur(kernel=pulse(scale))
        assert isinstance(last, Blur)
        self.ops += [last.with_(kernel=last.kernel.with_(shift=shift)), Subsample(scale=scale)]
        self.height, self.width = self.height // scale, self.width // scale

    @property
    def _eight_bits(self) -> bool:
        """Whether the image is 8-bit at this point, as HR is."""
        last = self.ops[-1] if self.ops else Quantise()
        if isinstance(last, BicubicDown):
            return last.form == "matlab"
        return isinstance(last, (Quantise, *CODECS))

    def program(self) -> Program:
        """The program: LR-sized, in 8 bits, and without clipping that changes nothing.

        Raises:
            ValueError: if the ops do not lead to the size of the LR.
        """
        if (self.height, self.width) != self.lr:
            raise ValueError(
                f"ops lead to {self.height} x {self.width}, wanted {self.lr[0]} x {self.lr[1]}"
            )
        if self.ops and isinstance(self.ops[-1], CODECS):
            ops = self.ops
        else:
            ops = [*self.ops, Quantise()]
        after = [*ops[1:], None]
        kept = [op for op, then in zip(ops, after, strict=True) if not _idle(op, then)]
        return Program(scale=self.scale, ops=tuple(kept))


def _idle(op: Op, then: Op | None) -> bool:
    """Whether the op clips or rounds what the next one clips and rounds anyway."""
    if isinstance(op, Clip):
        return isinstance(then, (Clip, Quantise, *CODECS))
    return isinstance(op, Quantise) and isinstance(then, (Quantise, *CODECS))


def pulse(scale: int) -> GaussianKernel:
    """A kernel that only moves the sample to the centre of the block: one weight of 1, or the mean
    of the middle ones.
    """
    return GaussianKernel(size=2 * (scale // 2) + 3, sigma_x=PULSE, sigma_y=PULSE)
