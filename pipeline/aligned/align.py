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
from pairmill.models.registration.match import Matched, matched
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
LEAST_SHOWN = 0.98
"""Share of a border line of LR that HR shows, for the line to be kept."""
LARGEST_KERNEL = 4
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
    if pose is None or pose.correlation < judge.SOME_CORRELATION:
        return AlignedFigures(correlation=round(pose.correlation, 4) if pose else 0.0)
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
    one, kernel = _solved(Pair("", grey(laid), grey(lr)), start, _all_of(inside, scale))
    fits, textured = _fits(one, config), one.textured()
    like = matched(one, laid.astype(np.float64), lr.astype(np.float64), kernel, fits)
    changed = _changed(one, like.left)
    fits &= ~changed
    before = _before(lr, hr, one.usable & one.grid.spread(fits), kernel, scale)
    figures = _measured(one, fits, like, figures).with_(residual_before=round(before, 3))
    if objection := judge.by_registration(figures, config):
        return Refused(*objection, figures)
    shown = _all_of(_inside_after(one, inside), scale)
    rows, columns = whole_part(shown)
    on_hr = tuple(slice(part.start * scale, part.stop * scale) for part in (rows, columns))
    good = shown & one.grid.spread(~(textured & ~fits) & ~changed)
    return Aligned(
        to_uint8(like.hr[on_hr]),
        np.ascontiguousarray(lr[rows, columns]),
        good[rows, columns],
        to_fixed_point(without_tails(kernel, 5e-4)) if _shows_kernel(one) else None,
        reduced,
        figures,
    )


def _solved(pair: Pair, start: tuple[Array, Array], seen: Mask) -> tuple[Registered, Array]:
    """The registration, and the pair's own kernel as far as it shows one."""
    grid, first = pair.grid(), first_kernel(pair.scale)
    one = register(pair, first, field=grid.affine(*start), seen=seen, grid=grid)
    if not _shows_kernel(one):
        return one, first
    measured = measure([pair], rounds=ROUNDS, found=[one])
    return (*measured.registered, *measured.left_out)[0], measured.kernel


def _shows_kernel(one: Registered) -> bool:
    return registers(one) and one.pair.scale <= LARGEST_KERNEL


def _measured(
    one: Registered, fits: Mask, like: Matched, figures: AlignedFigures
) -> AlignedFigures:
    """The figures, with those of the registration."""
    textured = one.textured()
    shifts = one.own_shift[:, fits & textured]
    red, green, blue = (round(float(gain), 4) for gain in like.gain)
    return figures.with_(
        colour=round(like.colour, 3),
        gain=(red, green, blue),
        blocks=int(textured.sum()),
        registered=round(float(shifts.shape[1] / max(int(textured.sum()), 1)), 4),
        shift_left=round(_rms(shifts), 4),
        residual_after=round(_rms(like.left[one.usable & one.grid.spread(fits)]), 3),
    )


def laid_under(
    lr: Image, hr: Image, pose: Pose, scale: int
) -> tuple[Image, Mask, tuple[Array, Array]]:
    """The part of HR that lies under LR to the nearest pixel, (s h, s w, 3), its border repeated
    where HR ends; where it does not; and what is left of the pose: shifts `matrix @ (row, column) +
    shift`.
    """
    size = np.array(lr.shape[:2]) * scale
    # From pixels of the part to those of HR: the pixel (s i + (s - 1) / 2) is under LR's i.
    turn = pose.matrix[::-1, 1::-1] / scale
    shift = pose.matrix[::-1, 2] - turn @ np.full(2, (scale - 1) / 2)
    corner = np.rint(turn @ ((size - 1) / 2) + shift - (size - 1) / 2).astype(int)
    rows, columns = (
        np.arange(start, start + length) for start, length in zip(corner, size, strict=True)
    )
    inside = _within(rows, hr.shape[0])[:, None] & _within(columns, hr.shape[1])
    laid = hr[np.clip(rows, 0, hr.shape[0] - 1)][:, np.clip(columns, 0, hr.shape[1] - 1)]
    return laid, inside, (turn - np.eye(2), shift - corner)


def _within(places: NDArray[np.intp], length: int) -> Mask:
    return np.asarray((places >= 0) & (places < length))


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


def whole_part(shown: Mask) -> tuple[slice, slice]:
    """Rows and columns of LR without the borders that HR does not show: the worst of the four
    border lines goes, until nearly all of each is shown.
    """
    top, left, bottom, right = 0, 0, *shown.shape
    while bottom - top > 1 and right - left > 1:
        part = shown[top:bottom, left:right]
        seen = [part[0].mean(), part[-1].mean(), part[:, 0].mean(), part[:, -1].mean()]
        worst = int(np.argmin(seen))
        if seen[worst] >= LEAST_SHOWN:
            break
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    return slice(top, bottom), slice(left, right)


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
    if not (0 <= hr.shape[0] - scale * height < scale and 0 <= hr.shape[1] - scale * width < scale):
        return 0.0
    high = blurred(grey(hr[: scale * height, : scale * width]), kernel)[::scale, ::scale]
    x, y = high[use], grey(lr)[use]
    return _rms(y - np.polyval(np.polyfit(x, y, 1), x))


def _rms(values: Array) -> float:
    return float(np.sqrt((values**2).mean())) if values.size else 0.0
