"""How far each op looks: what of its input decides a part of its output.

An op that is not listed in `LOCALITY`, or whose entry says none, needs the whole image: codecs that
predict over the image, networks, resizes by ratios that are no whole number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from pairmill.models.functional.kernel_shapes import weights
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.apply import Step
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import Blur, UnsharpMask
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.codecs import ChromaSubsample, Jpeg
from pairmill.schemas.ops.noise import (
    BlockNoise,
    GaussianNoise,
    PoissonNoise,
    ShotReadNoise,
    SpeckleNoise,
)
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, PooledBlur, PooledJpeg
from pairmill.schemas.ops.resize import BicubicDown, Clip, Quantise, Subsample

MCU = 16
"""Largest side of what JPEG encodes at a time, in pixels."""


class Window(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right` of an image, ends not included."""

    top: int
    left: int
    bottom: int
    right: int

    def grown(self, reach: int, step: int, shape: tuple[int, int]) -> Window:
        """Larger by `reach` to all sides, beginning at multiples of `step`, inside the image."""
        return Window(
            max(0, self.top - reach) // step * step,
            max(0, self.left - reach) // step * step,
            min(shape[0], self.bottom + reach),
            min(shape[1], self.right + reach),
        )

    def meets(self, other: Window) -> bool:
        """Whether they share a pixel."""
        return (
            self.top < other.bottom
            and other.top < self.bottom
            and self.left < other.right
            and other.left < self.right
        )

    def around(self, other: Window) -> Window:
        """The smallest window with both."""
        return Window(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


@dataclass(frozen=True)
class Near:
    """The step does the same everywhere: an output pixel is decided by input pixels near it, and by
    the borders of the image where it looks beyond them.
    """

    reach: int = 0
    """Input pixels that it looks at beyond its own, to each side."""
    step: int = 1
    """A part has to begin at a multiple of this, in input pixels; a multiple of `scale`."""
    scale: int = 1
    """Input pixels per output pixel."""
    blocks: bool = False
    """Whether input pixels at the end that do not fill an output pixel are left out."""

    def after(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Size of the output of an image of `shape`."""
        more = 0 if self.blocks else self.scale - 1
        return (shape[0] + more) // self.scale, (shape[1] + more) // self.scale

    def before(self, wanted: Window, shape: tuple[int, int]) -> Window:
        """The input, an image of `shape`, that decides the wanted part of the output."""
        own = Window(*(self.scale * side for side in wanted))
        return own.grown(self.reach, self.step, shape)


@dataclass(frozen=True)
class Placed:
    """What is done to a pixel depends on where it lies in the image, and on the pixels under the
    crops of noise that cover it.
    """

    op: Inject | InjectByLevel | None = None
    """An op with crops, of which those elsewhere may be left out."""

    def after(self, shape: tuple[int, int]) -> tuple[int, int]:
        """See `Near.after`."""
        return shape

    def before(self, wanted: Window, _shape: tuple[int, int]) -> Window:
        """See `Near.before`."""
        if not isinstance(self.op, InjectByLevel):
            return wanted
        # Which patch is taken depends on all that lies under the crop.
        whole = wanted
        for place in self.op.placements:
            crop = _window(place)
            if crop.meets(wanted):
                whole = whole.around(crop)
        return whole

    def step(self, step: Step, wanted: Window) -> Step:
        """The step with the crops that meet a part of the output."""
        if self.op is None:
            return step
        near = tuple(place for place in self.op.placements if _window(place).meets(wanted))
        # Parts of a checked op: checking them again would take longer than the noise.
        return (self.op.model_copy(update={"placements": near}),)


def _window(place: Any) -> Window:
    return Window(place.top, place.left, place.top + place.height, place.left + place.width)


def _blur(reach: int, scale: int) -> Near:
    return Near(reach, scale, scale)


def _of_kernel(op: Blur, scale: int, _assets: Assets) -> Near | None:
    if op.border == "wrap":
        return None
    return _blur(len(weights(op.kernel)) // 2, scale)


def _of_pool(op: PooledBlur, scale: int, assets: Assets) -> Near:
    return _blur(assets.kernel(op.pool, op.index).shape[-1] // 2, scale)


BLURS: dict[type, Callable[[Any, int, Assets], Near | None]] = {
    Blur: _of_kernel,
    PooledBlur: _of_pool,
}
"""Blurs, alone or with the subsampling after them."""


def _poisson(op: PoissonNoise) -> Placed | None:
    # Photons by the levels of the image: all of it counts.
    return None if op.peak == "levels" else Placed()


LOCALITY: dict[type, Callable[[Any], Near | Placed | None]] = {
    UnsharpMask: lambda op: Near(2 * (op.size // 2)),
    Subsample: lambda op: Near(0, op.scale, op.scale),
    # The antialiased cubic is 4 scales wide; a part may lose one more at its end.
    BicubicDown: lambda op: Near(3 * op.scale, op.scale, op.scale, blocks=True),
    Clip: lambda _op: Near(),
    Quantise: lambda _op: Near(),
    Unprocess: lambda _op: Near(),
    Process: lambda _op: Near(),
    Mosaic: lambda _op: Near(2, 2),
    ChromaSubsample: lambda _op: Near(4, 2),
    # A block that the part cuts is another; from its edge "fancy upsampling" looks one pixel on.
    Jpeg: lambda _op: Near(MCU + 1, MCU),
    PooledJpeg: lambda _op: Near(MCU + 1, MCU),
    Inject: Placed,
    InjectByLevel: Placed,
    GaussianNoise: lambda _op: Placed(),
    SpeckleNoise: lambda _op: Placed(),
    ShotReadNoise: lambda _op: Placed(),
    BlockNoise: lambda _op: Placed(),
    PoissonNoise: _poisson,
}


def locality(step: Step, assets: Assets) -> Near | Placed | None:
    """How far a step looks; none if it needs the whole image."""
    op: Op = step[0]
    if type(op) in BLURS:
        scale = step[1].scale if len(step) > 1 and isinstance(step[1], Subsample) else 1
        return BLURS[type(op)](op, scale, assets)
    known = LOCALITY.get(type(op))
    return known(op) if known else None
