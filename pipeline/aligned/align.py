"""One real pair: judged step by step, registered, and matched in brightness and colour.

LR is what the camera made and stays as it is; HR is warped to where LR's pixels are, and takes LR's
brightness. Warping LR instead would interpolate its noise away, which a corpus is there to keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernels import to_fixed_point, without_tails
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.models.registration.grid import Array
from pairmill.models.registration.kernel import first_kernel, measure, registers
from pairmill.models.registration.match import matched
from pairmill.models.registration.register import Mask, Pair, Registered, register
from pairmill.models.registration.warp import blurred
from pairmill.pipeline.aligned import judge
from pairmill.pipeline.aligned.pose import Pose, pose_of
from pairmill.schemas.aligned import AlignedConfig, AlignedFigures, AlignedReason

Image = NDArray[np.uint8]

ROUNDS = 2
"""Of registration and the pair's own kernel, in turns."""
LEAST_DETAIL = 1.2
"""HR has at least so much more detail than its own LR enlarged to its size; else they may be
swapped."""
BRIGHT = 8.0
"""Residual of a block, as a multiple of the median of all, above which something there changed."""
SHARPEST_KERNEL = 4
"""Largest scale that kernels are solved for: the equations grow with its fourth power."""


@dataclass(frozen=True)
class Aligned:
    """A pair that is good enough."""

    hr: Image
    """(s h, s w, 3): where LR stands, as bright as LR."""
    lr: Image
    """(h, w, 3)."""
    good: Mask
    """(h, w): LR pixels whose HR is there, and where nothing moved."""
    kernel: Array | None
    """(k, k) on the grid of 2^-16; none where too little of the pair registers closely."""
    reduced: bool
    """Whether LR was as large as HR, and was downscaled."""
    figures: AlignedFigures
    """What was measured."""


@dataclass(frozen=True)
class Refused:
    """A pair that is not."""

    reason: AlignedReason
    detail: str
    figures: AlignedFigures


def align(lr: Image, hr: Image, scale: int, config: AlignedConfig) -> Aligned | Refused:
    """Judge and register a pair.

    Args:
        lr: (h, w, 3) as published: of its own size, or upscaled to about HR's.
        hr: (H, W, 3) of the same scene.
        scale: of the recipe.
        config: when a pair is good enough.
    """
    if objection := judge.before(lr, hr, scale, config):
        return Refused(*objection, AlignedFigures())
    pose = pose_of(lr, hr, scale)
    reduced = pose is not None and judge.enlarged(pose, config)
    if reduced:
        if detail_of(hr) < LEAST_DETAIL * detail_of(lr):
            return Refused(*judge.swapped(detail_of(lr), detail_of(hr)), _posed(pose, lr, hr))
        lr = _reduced(lr, scale)
        pose = pose_of(lr, hr, scale)
    figures = _posed(pose, lr, hr)
    if objection := judge.by_pose(figures, scale, config):
        return Refused(*objection, figures)
    assert pose is not None
    return _registered(lr, hr, pose, scale, config, figures, reduced=reduced)


def detail_of(image: Image) -> float:
    """Root mean square step between neighbouring pixels of (H, W, 3), in intensity levels."""
    luma = grey(image)
    return float(np.sqrt((np.diff(luma, axis=0) ** 2).mean() + (np.diff(luma, axis=1) ** 2).mean()))


def _reduced(lr: Image, scale: int) -> Image:
    height, width = (length // scale * scale for length in lr.shape[:2])
    return to_uint8(bicubic_down(lr[:height, :width], scale))


def _posed(pose: Pose | None, lr: Image, hr: Image) -> AlignedFigures:
    if pose is None:
        return AlignedFigures()
    rows, columns = pose.middle(lr.shape[:2], hr.shape[:2])
    return AlignedFigures(
        scale=round(pose.scale, 4),
        rotation=round(pose.rotation, 3),
        shift=(round(rows, 2), round(columns, 2)),
        overlap=round(pose.overlap, 4),
        correlation=round(pose.correlation, 4),
    )


def _registered(
    lr: Image,
    hr: Image,
    pose: Pose,
    scale: int,
    config: AlignedConfig,
    figures: AlignedFigures,
    *,
    reduced: bool,
) -> Aligned | Refused:
    laid, inside, start = laid_under(lr, hr, pose, scale)
    pair = Pair("", grey(laid), grey(lr))
    first, seen = first_kernel(scale), _all_of(inside, scale)
    grid = pair.grid()
    one = register(pair, first, field=grid.affine(*start), seen=seen, grid=grid)
    kernel = first
    if registers(one) and scale <= SHARPEST_KERNEL:
        measured = measure([pair], rounds=ROUNDS, found=[one])
        kernel, one = measured.kernel, [*measured.registered, *measured.left_out][0]
    fits = _fits(one, config)
    like = matched(one, laid.astype(np.float64), lr.astype(np.float64), kernel, fits)
    bright = _changed(one, like.left)
    textured = one.textured()
    use = one.usable & grid.spread(fits)
    figures = figures.with_(
        colour=round(like.colour, 3),
        gain=tuple(round(float(gain), 4) for gain in like.gain),
        blocks=int(textured.sum()),
        registered=round(float((fits & textured).sum() / max(int(textured.sum()), 1)), 4),
        shift_left=round(float(np.sqrt((one.own_shift[:, fits & textured] ** 2).mean())), 4)
        if (fits & textured).any()
        else 0.0,
        residual_before=round(_before(lr, hr, use, kernel, scale), 3),
        residual_after=round(_rms(like.left[use]), 3),
    )
    if objection := judge.by_registration(figures, config):
        return Refused(*objection, figures)
    good = _all_of(_inside_after(one, inside), scale) & grid.spread(~(textured & ~fits) & ~bright)
    solved = registers(one) and scale <= SHARPEST_KERNEL
    return Aligned(
        to_uint8(like.hr),
        lr,
        good,
        to_fixed_point(without_tails(kernel, 5e-4)) if solved else None,
        reduced,
        figures,
    )


def laid_under(
    lr: Image, hr: Image, pose: Pose, scale: int
) -> tuple[Image, Mask, tuple[Array, Array]]:
    """The part of HR that lies under LR to the nearest pixel, (s h, s w, 3), black where HR has
    none; where it has some; and what is left of the pose: shifts `matrix @ (row, column) + shift`.
    """
    size = np.array(lr.shape[:2]) * scale
    # From pixels of the part to those of HR: the pixel (s i + (s - 1) / 2) is under LR's i.
    turn = pose.matrix[::-1, 1::-1] / scale
    shift = pose.matrix[::-1, 2] - turn @ np.full(2, (scale - 1) / 2)
    corner = np.rint(turn @ ((size - 1) / 2) + shift - (size - 1) / 2).astype(int)
    laid, inside = np.zeros((*size, 3), np.uint8), np.zeros(tuple(size), bool)
    low, high = np.maximum(corner, 0), np.minimum(corner + size, hr.shape[:2])
    if (high > low).all():
        there = tuple(slice(a, b) for a, b in zip(low - corner, high - corner, strict=True))
        laid[there] = hr[low[0] : high[0], low[1] : high[1]]
        inside[there] = True
    return laid, inside, (turn - np.eye(2), shift - corner)


def _all_of(mask: Mask, scale: int) -> Mask:
    """LR pixels of which all HR pixels are."""
    height, width = (length // scale for length in mask.shape)
    return np.asarray(mask.reshape(height, scale, width, scale).all(axis=(1, 3)))


def _inside_after(one: Registered, inside: Mask) -> Mask:
    """Pixels of the warped HR that come from inside HR."""
    places = np.mgrid[: inside.shape[0], : inside.shape[1]] + one.shifts()
    limits = np.array(inside.shape)[:, None, None] - 1
    within = ((places >= 0) & (places <= limits)).all(axis=0)
    rows, columns = np.clip(np.rint(places), 0, limits).astype(int)
    return np.asarray(within & inside[rows, columns])


def _fits(one: Registered, config: AlignedConfig) -> Mask:
    """Blocks that stand where they should, closely enough for training."""
    shift = np.hypot(*one.own_shift) < config.max_shift * one.pair.scale
    textured = one.textured()
    typical = float(np.median(one.strain[textured])) if textured.any() else np.inf
    return np.asarray(~textured | (shift & (one.strain < judge.LARGEST_STRAIN * typical)))


def _changed(one: Registered, left: Array) -> Mask:
    """Blocks where something is in one image only: much more is left than elsewhere."""
    counts = np.maximum(one.grid.sums(one.usable.astype(np.float64)), 1)
    power = np.sqrt(one.grid.sums(one.usable * left**2) / counts)
    return np.asarray(power > BRIGHT * max(float(np.median(power)), 1.0))


def _before(lr: Image, hr: Image, use: Mask, kernel: Array, scale: int) -> float:
    """What is between LR and blurred HR as they were given; 0 where their sizes do not fit."""
    height, width = lr.shape[:2]
    if hr.shape[0] < scale * height or hr.shape[1] < scale * width:
        return 0.0
    high = blurred(grey(hr[: scale * height, : scale * width]), kernel)[::scale, ::scale]
    x, y = high[use], grey(lr)[use]
    return _rms(y - np.polyval(np.polyfit(x, y, 1), x))


def _rms(values: Array) -> float:
    return float(np.sqrt((values**2).mean())) if values.size else 0.0
