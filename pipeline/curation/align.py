"""Whether two images show the same: lay one over the other by their keypoints, and correlate what
both show.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.curation.keypoints import Grey, Keypoints, distance, reduced

Real = NDArray[np.float64]

NEAR_BITS, CLEARLY = 36, 0.85
"""Bits in which codes of one place may differ, and how much farther the second nearest code must
be."""
LEAST = 5
"""Fewest keypoints that agree on how one image lies over the other."""
LOOK = 192
"""Longest side of what both show when it is correlated, in pixels."""
LEAST_SIDE, LEAST_DETAIL = 24, 1.5
"""Shorter sides, in pixels, and less detail, as a standard deviation in intensity levels, than this
say nothing."""


@dataclass(frozen=True)
class Overlay:
    """How one image lies over another."""

    matrix: Real
    """(2, 3): from pixels of the first to pixels of the second."""
    matches: int
    """Keypoints that agree on it; 0 where the whole images were laid over each other."""


def overlay(first: Keypoints, second: Keypoints) -> Overlay | None:
    """The similarity that most matching keypoints agree on; none if fewer than LEAST do.

    Every match alone says where the image lies, how large and how turned (Lowe 2004, section
    7.3); all are tried, so that nothing is drawn at random.
    """
    a, b = _matches(first, second)
    if len(a) < LEAST:
        return None
    start, end = (_complex(k.places[rows]) for k, rows in ((first, a), (second, b)))
    turn = (
        second.places[b, 2]
        / first.places[a, 2]
        * np.exp(1j * (second.places[b, 3] - first.places[a, 3]).astype(np.float64))
    )
    shift = end - turn * start
    error = np.abs(turn[:, None] * start[None] + shift[:, None] - end[None])
    like = np.abs(np.log2(np.abs(turn[:, None] / turn[None]))) < 0.5
    agree = (
        (error < _tolerance(turn, second)[:, None])
        & like
        & (np.abs(np.angle(turn[:, None] / turn[None])) < 0.35)
    )
    best = agree[int(agree.sum(axis=1).argmax())]
    if _places(first.places[a[best]]) < LEAST:
        return None
    fitted = _fit(start[best], end[best])
    if fitted is not None:
        return Overlay(fitted, int(best.sum()))
    return None


def whole(first: tuple[int, ...], second: tuple[int, ...]) -> Overlay | None:
    """The first image stretched over the second, for shapes (H, W) of about the same aspect; none
    for others.
    """
    aspect = first[1] * second[0] / (first[0] * second[1])
    if not 0.96 < aspect < 1 / 0.96:
        return None
    x, y = second[1] / first[1], second[0] / first[0]
    return Overlay(np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]]), 0)


def _matches(first: Keypoints, second: Keypoints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of mutual nearest codes that are near, and clearly nearer than the next."""
    if len(first.codes) < LEAST or len(second.codes) < LEAST:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    bits = distance(first.codes[:, None], second.codes[None]).astype(np.int64)
    to, back = bits.argmin(axis=1), bits.argmin(axis=0)
    rows = np.arange(len(bits))
    two = np.partition(bits, 1, axis=1)
    good = (back[to] == rows) & (two[:, 0] <= NEAR_BITS) & (two[:, 0] <= CLEARLY * two[:, 1])
    return rows[good], to[good]


def _complex(places: NDArray[np.float32]) -> NDArray[np.complex128]:
    return places[:, 0].astype(np.float64) + 1j * places[:, 1]


def _tolerance(turn: NDArray[np.complex128], second: Keypoints) -> Real:
    """How far off a keypoint may be, in pixels of the second image: a share of what the match
    shows of it.
    """
    extent = float(np.ptp(second.places[:, :2], axis=0).max())
    return np.full(len(turn), max(4.0, 0.03 * extent))


def _places(places: NDArray[np.float32]) -> int:
    """Distinct places: a keypoint may have two angles."""
    return len(np.unique(np.rint(places[:, :2]), axis=0))


def _fit(start: NDArray[np.complex128], end: NDArray[np.complex128]) -> Real | None:
    """Least squares similarity, twice: all, then those within twice the median error."""
    chosen = np.ones(len(start), bool)
    for _ in range(3):
        a, b = start[chosen], end[chosen]
        spread = float((np.abs(a - a.mean()) ** 2).sum())
        if spread < 1:
            return None
        turn = ((a - a.mean()).conj() * (b - b.mean())).sum() / spread
        shift = b.mean() - turn * a.mean()
        error = np.abs(turn * start + shift - end)
        chosen = error <= max(1.0, 2.5 * float(np.median(error[chosen])))
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Agreement:
    """How much two images share, and how alike that is."""

    overlap: float
    """Share of the smaller image's area that both show, 0 to 1."""
    correlation: float
    """Correlation of the detail in it, -1 to 1; 0 where there is too little to tell."""
    boxes: tuple[Box, Box]
    """Left, top, right and bottom of what both show, as shares of the sides, in the first image
    and in the second."""


NONE = Agreement(0.0, 0.0, ((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)))


def agreement(first: Grey, second: Grey, found: Overlay) -> Agreement:
    """Lay the second image over the first and compare the detail of what both show, both downscaled
    to the coarser of the two.

    Detail is what a Gaussian blur takes away, so that a like distribution of light is not taken for
    a like image. A slightly wrong overlay is put right by the shift that fits best (phase
    correlation).
    """
    height, width = first.shape
    (left, top), (right, bottom) = _extent(_inverse(found.matrix), second.shape, (width, height))
    # Pixels of the second per pixel of the first.
    enlarged = float(np.sqrt(abs(np.linalg.det(found.matrix[:, :2]))))
    if right - left < 8 or bottom - top < 8 or not 1 / 64 < enlarged < 64:
        return NONE
    fine = min(1.0, enlarged, LOOK / max(right - left, bottom - top))
    size = (max(1, round((right - left) * fine)), max(1, round((bottom - top) * fine)))
    to_first = np.array(
        [[1 / fine, 0, left + (1 / fine - 1) / 2], [0, 1 / fine, top + (1 / fine - 1) / 2]]
    )
    to_second = found.matrix @ np.vstack([to_first, [0, 0, 1]])
    a, inside_a = _seen(first, to_first, size)
    b, inside_b = _seen(second, to_second, size)
    inside = inside_a & inside_b
    shared = float(inside.sum()) / fine**2
    overlap = min(1.0, shared / min(height * width, second.size / enlarged**2))
    back = _extent(found.matrix, first.shape, second.shape[::-1])
    boxes = _box(np.array([[left, top], [right, bottom]]), first.shape), _box(back, second.shape)
    return Agreement(overlap, _correlation(a, b, inside), boxes)


def _extent(matrix: Real, shape: tuple[int, ...], limits: tuple[int, ...]) -> Real:
    """(2, 2): upper left and lower right corner of an image of `shape` (H, W) on another of
    `limits` (W, H).
    """
    height, width = shape
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    return np.asarray(np.clip(np.stack([corners.min(axis=1), corners.max(axis=1)]), 0, limits))


def _box(extent: Real, shape: tuple[int, ...]) -> Box:
    left, top, right, bottom = (
        round(float(value), 4) for value in (extent / np.array(shape[::-1])).ravel()
    )
    return left, top, right, bottom


def _inverse(matrix: Real) -> Real:
    return np.asarray(np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2])


def _seen(picture: Grey, matrix: Real, size: tuple[int, int]) -> tuple[Real, NDArray[np.bool_]]:
    """A part of an image on another grid, averaged where that is coarser, and where the image
    has pixels.
    """
    coarser = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    small, factor = reduced(picture, max(1, round(max(picture.shape) / max(1.0, coarser))))
    if factor != 1:
        x, y = small.shape[1] / picture.shape[1], small.shape[0] / picture.shape[0]
        scaling = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
        matrix = (scaling @ np.vstack([matrix, [0, 0, 1]]))[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(
        small.astype(np.float64), matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpAffine(
        np.ones_like(small), matrix, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    return np.asarray(seen), np.asarray(inside, bool)


def _correlation(a: Real, b: Real, inside: NDArray[np.bool_]) -> float:
    if min(a.shape) < LEAST_SIDE or inside.mean() < 0.2:
        return 0.0
    inside = np.asarray(cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8)), bool)
    if inside.sum() < LEAST_SIDE**2:
        return 0.0
    one, two = _detail(a, inside), _detail(b, inside)
    (x, y), _ = cv2.phaseCorrelate(one, two)
    best = _alike(one, two, inside)
    if max(abs(x), abs(y)) < 3:
        moved = cv2.warpAffine(
            b,
            np.array([[1, 0, x], [0, 1, y]]),
            a.shape[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        best = max(best, _alike(one, _detail(np.asarray(moved), inside), inside))
    return best


def _detail(part: Real, inside: NDArray[np.bool_]) -> Real:
    # A codec's blocks and a resampler's ringing do not survive this.
    fine = cv2.GaussianBlur(part, (0, 0), 1.0)
    band = fine - cv2.GaussianBlur(part, (0, 0), 6.0)
    return np.asarray(np.where(inside, band, 0.0))


def _alike(a: Real, b: Real, inside: NDArray[np.bool_]) -> float:
    x, y = a[inside] - a[inside].mean(), b[inside] - b[inside].mean()
    deviations = float(x.std()), float(y.std())
    if min(deviations) < LEAST_DETAIL:
        return 0.0
    return float((x * y).mean() / (deviations[0] * deviations[1]))
