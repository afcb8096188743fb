"""JPEG compression estimated from pixels: the grid, the quantisation steps, and the chroma
subsampling.

An image that was a JPEG and was then saved without loss, cropped or not, has DCT coefficients that
lie near multiples of the quantisation steps, if the blocks are cut where the encoder cut them.
Rounding the decoded pixels to 8 bits spreads them by about 0.3 intensity levels. For one frequency
with step q and a coefficient c that is r away from the nearest multiple of q, the density relative
to that of a smooth distribution is

    (1 - e) q N(r; 0, 0.3) + e.

The product over all coefficients that are not near 0, averaged over q (1 included), is an e-value:
as far as coefficients are smoothly and independently distributed its expectation is 1, so that it
exceeds exp(x) with probability exp(-x) at most. The sum of its logarithms over frequencies is the
evidence for a grid (compare Fan and de Queiroz, IEEE Trans. Image Processing 12, 2003, who estimate
steps by maximum likelihood from the same histograms).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.block_cosines import blocked
from pairmill.pipeline.compression.blocks import Plane, planes, reduced
from pairmill.pipeline.compression.tables import (
    CHROMA,
    FACTORS,
    LUMA,
    Encoder,
    Table,
    nearest_quality,
    standard,
)
from pairmill.schemas.compression import MinedSubsampling

SPREAD, OUTLIERS = 0.3, 0.02
"""Standard deviation of decoded coefficients around multiples of their step, and share that lies
elsewhere."""
LARGEST_STEP, SEARCHED_STEP = 255, 64
"""Largest steps of baseline JPEG, and of the search for the grid."""
FINE, LARGEST = 8, 256
"""Bins of the histograms per intensity level, and the largest coefficient that is counted."""
DEAD = 1.0
"""Coefficients below this, in intensity levels, tell nothing: they are zeros of any step."""
DEAD_CHROMA = 2.0
"""The same for chroma, whose rounding errors are amplified where it is subsampled."""
UNLIKELY: dict[MinedSubsampling, float] = {"440": 30.0, "422": 5.0}
"""By how much the evidence for rare subsamplings must exceed that for others, in nats."""
MARGIN = 3.0
"""Smallest evidence for a single step, in nats."""
WINDOW, WINDOWS = 64, 48
"""Side of the windows in which the grid is looked for, in pixels, and their number."""
PIXELS = 1 << 22
"""Maximum number of pixels from which the steps are estimated."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What the pixels tell."""

    encoder: Encoder
    phase: tuple[int, int]
    """Rows and columns, 0..15, by which the image starts inside its first block."""
    known: tuple[int, int]
    """Steps of luma and chroma that were measured; the others are those of the nearest standard
    table."""
    evidence: float
    """For the grid, in nats; the largest of 64."""
    confidence: float
    """Share of the coefficients beyond chance that lie on the luma steps, 0..1."""


def estimate(image: NDArray[np.uint8]) -> Estimate | None:
    """Look for the traces of a JPEG encoder.

    Args:
        image: (H, W, 3) uint8 RGB as decoded, not scaled or changed in tone since.

    Returns:
        The most likely encoder; `evidence` and `confidence` say how likely. None if there is
        nothing to look at.
    """
    windows, bad = _windows(image)
    if not len(windows):
        return None
    starts = list(np.ndindex(8, 8))
    scores = [_score(_part(windows, start), _part(bad, start)) for start in starts]
    start = starts[int(np.argmax(scores))]
    image = _middle(image, start)
    clipped = _clipped(image)
    ycc = planes(image)
    table, quality, known, confidence = _table(
        _histograms(_usable(_rounded(ycc[0]), clipped, (1, 1))), LUMA, None
    )
    if not known:
        return None
    subsampling, shift, counts = _chroma(ycc[1:], clipped)
    chroma, _, known_chroma, _ = _table(counts, CHROMA, quality)
    encoder = Encoder(table, chroma, subsampling)
    phase = tuple(
        -(first + further) % (8 * factor)
        for first, further, factor in zip(start, shift, FACTORS[subsampling], strict=True)
    )
    return Estimate(
        encoder, (phase[0], phase[1]), (known, known_chroma), max(0.0, *scores), confidence
    )


def _clipped(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(((image == 0) | (image == 255)).any(axis=-1))


def _rounded(luma: Plane) -> Plane:
    """Luma as decoders round it before they change to RGB, around 0."""
    return np.asarray(np.rint(luma - 128))


def _windows(image: NDArray[np.uint8]) -> tuple[Plane, NDArray[np.bool_]]:
    """The windows with most detail outside clipped pixels, each with 7 more rows and columns: luma
    and clipped, (n, 71, 71). One after the other, for large images leave no room for planes.
    """
    side = WINDOW + 7
    tops, lefts = (range(0, length - side + 1, WINDOW) for length in image.shape[:2])
    places = [(slice(top, top + side), slice(left, left + side)) for top in tops for left in lefts]
    places = places[:: max(1, len(places) // 1024)]
    detail = np.array([_detail(image[place]) for place in places])
    best = [image[places[number]] for number in np.argsort(-detail, kind="stable")[:WINDOWS]]
    if not best:
        return np.zeros((0, side, side)), np.zeros((0, side, side), np.bool_)
    chosen = np.stack(best)
    return _rounded(planes(chosen)[0]), _clipped(chosen)


def _detail(window: NDArray[np.uint8]) -> float:
    steps = np.abs(np.diff(_rounded(planes(window)[0])))
    return float(steps[~_clipped(window)[:, 1:]].sum())


def _part(windows: NDArray[Any], start: tuple[int, ...]) -> NDArray[Any]:
    return windows[:, start[0] : start[0] + WINDOW, start[1] : start[1] + WINDOW]


def _score(windows: Plane, clipped: NDArray[np.bool_]) -> float:
    """Evidence for a grid."""
    # Clipped pixels are no rounding of the decoded values: their blocks tell nothing.
    likelihoods = _histograms(_usable(windows, clipped, (1, 1))) @ _model()[:SEARCHED_STEP].T
    return float(_averaged(likelihoods[1:]).sum())


def _averaged(likelihoods: Plane) -> Plane:
    """Logarithm of the mean over steps, (..., q), of what is given as logarithms."""
    # Less the largest first: exp of a likelihood overflows.
    most = likelihoods.max(axis=-1, keepdims=True)
    return np.asarray(most[..., 0] + np.log(np.exp(likelihoods - most).mean(axis=-1)))


@lru_cache
def _model() -> Plane:
    """Logarithm of the relative density of a bin, (LARGEST_STEP, bins): rows are the steps 1, 2,
    ...
    """
    values = (np.arange(LARGEST * FINE) + 0.5) / FINE
    steps = np.arange(1, LARGEST_STEP + 1)[:, None]
    # Distance from the nearest multiple of the step, r in the equation above.
    offset = values - steps * np.rint(values / steps)
    density = np.exp(-0.5 * (offset / SPREAD) ** 2) / (SPREAD * np.sqrt(2 * np.pi))
    model = np.log((1 - OUTLIERS) * steps * density + OUTLIERS)
    model[:, values < DEAD] = 0
    model[0] = 0  # rounding to 8 bits blurs a step of 1 away
    return np.asarray(model)


def _histograms(coefficients: Plane) -> Plane:
    """Counts of absolute values, (64, bins), of coefficients (n, 64) in intensity levels."""
    bins = LARGEST * FINE
    places = np.minimum(np.abs(coefficients) * FINE, bins).astype(np.int64) + np.arange(64) * (
        bins + 1
    )
    counts = np.bincount(places.ravel(), minlength=64 * (bins + 1)).reshape(64, bins + 1)
    return np.asarray(counts[:, :bins], np.float64)


def _table(counts: Plane, base: Table, expected: int | None) -> tuple[Table, int, int, float]:
    """The most likely table.

    A standard table has one parameter, a free one has as many as there are steps to measure: each
    costs the logarithm of its possible values.

    Args:
        counts: Histograms of the 64 frequencies.
        base: Standard table of the kind.
        expected: Quality that is taken unless another one is clearly more likely.

    Returns:
        Table, the quality that completes it, how many steps were measured, and the share of the
        coefficients on them.
    """
    likelihoods = counts @ _model().T
    free, steps = likelihoods.max(axis=1), likelihoods.argmax(axis=1) + 1
    measured = free > MARGIN + np.log(LARGEST_STEP)
    tables = np.stack([standard(base, quality).ravel() for quality in range(1, 101)])
    fits = likelihoods[np.arange(64), tables - 1].sum(axis=1)
    quality = int(np.argmax(fits)) + 1
    if expected is not None and (
        not measured.any() or fits[quality - 1] < fits[expected - 1] + MARGIN + np.log(100)
    ):
        quality = expected
    if measured.any() and fits[quality - 1] < (free[measured] - np.log(LARGEST_STEP)).sum():
        quality = nearest_quality(
            np.where(measured, steps, 0).reshape(8, 8), chroma=base is CHROMA
        )[0]
        table = np.where(measured, steps, tables[quality - 1])
    else:
        table = tables[quality - 1]
    return (
        table.reshape(8, 8),
        quality,
        int(measured.sum()),
        _confidence(counts[measured], table[measured]),
    )


def _confidence(counts: Plane, steps: NDArray[np.int64]) -> float:
    """Share of the coefficients that lie on their steps beyond chance, 0..1."""
    values = (np.arange(counts.shape[1]) + 0.5) / FINE
    near = np.abs(values - steps[:, None] * np.rint(values / steps[:, None])) < 2 * SPREAD
    seen = counts * (values >= DEAD)
    totals = seen.sum(axis=1)
    chance = float((totals * np.minimum(1.0, 4 * SPREAD / steps)).sum())
    beyond = float(totals.sum()) - chance
    share = 0.0
    if beyond > 0:
        share = (float(seen[near].sum()) - chance) / beyond
    return round(min(1.0, max(0.0, share)), 4)


def _middle(image: NDArray[Any], start: tuple[int, ...]) -> NDArray[Any]:
    """`image` from `start` on, cut to at most `PIXELS` around its middle, on the same grid of 16
    pixels.
    """
    image = image[start[0] :, start[1] :]
    side = int(PIXELS**0.5)
    tops = [
        max(0, length - max(side, PIXELS // max(1, other))) // 2 // 16 * 16
        for length, other in (image.shape[:2], image.shape[1::-1])
    ]
    return image[tops[0] : image.shape[0] - tops[0], tops[1] : image.shape[1] - tops[1]]


def _usable(plane: Plane, clipped: NDArray[np.bool_], factors: tuple[int, int]) -> Plane:
    """Coefficients (n, 64) of the blocks without clipped pixels; `plane` is downscaled by
    `factors`; both may be stacks.
    """
    coefficients = blocked(plane)
    rows, columns = coefficients.shape[-4:-2]
    tall, wide = 8 * factors[0], 8 * factors[1]
    cut = clipped[..., : rows * tall, : columns * wide]
    bad = cut.reshape(*cut.shape[:-2], rows, tall, columns, wide).any(axis=(-3, -1))
    return np.asarray(coefficients[~bad].reshape(-1, 64))


def _chroma(
    chroma: Plane, clipped: NDArray[np.bool_]
) -> tuple[MinedSubsampling, tuple[int, int], Plane]:
    """Subsampling and further start (0 or 8) with the most evidence, and histograms; 4:2:0 where
    nothing tells.
    """
    best, found = 0.0, None
    for subsampling, shift in _layouts():
        factors = FACTORS[subsampling]
        here = clipped[shift[0] :, shift[1] :]
        samples = reduced(chroma[:, shift[0] :, shift[1] :], factors)
        counts = _histograms(_usable(samples, np.stack([here, here]), factors))
        counts[:, : int(DEAD_CHROMA * FINE)] = 0
        score = float(_averaged(counts[1:] @ _model().T).sum()) - UNLIKELY.get(subsampling, 0.0)
        if found is None or score > best:
            best, found = score, (subsampling, shift, counts)
    assert found is not None
    return found


def _layouts() -> Iterator[tuple[MinedSubsampling, tuple[int, int]]]:
    """All ways to cut chroma, given the grid of luma; the most frequent first."""
    for subsampling in ("420", "444", "422", "440"):
        for shift in np.ndindex(*FACTORS[subsampling]):
            yield subsampling, (8 * shift[0], 8 * shift[1])
