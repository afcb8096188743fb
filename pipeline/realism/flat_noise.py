"""The noise of one side: found in blocks that hold noise alone, or known from programs.

Images are cut into blocks of 8 x 8 pixels on the grid of JPEG. Of each block and channel a
least-squares surface of degree 2 is taken away (`detrend`); what is left is noise or texture.
Which of them is found by a mixture over all blocks of all images: log variances of noise alone lie
around one smooth curve over the level per channel, those of texture are spread evenly above. The
curve and the chances are fitted in turn (expectation maximisation), from below.
No image counts more than another, so that one sky is not all that is heard. Photographs of several
cameras have a curve for each; those of one camera at very different ISO share one, and the less
noisy ones decide.

Where the noise of LR is known it is not looked for: `known_noise` takes the blocks in which clean
LR is calmest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.noise_floor import ROUNDING
from pairmill.pipeline.noise.residual import detrend
from pairmill.pipeline.realism.patches import PHASE, Image
from pairmill.pipeline.rng import stream

Real = NDArray[np.float64]
DEGREE = 2
FREE = PHASE * PHASE - (DEGREE + 1) ** 2
"""Degrees of freedom of the residual of a block."""
BLOCKS = 20_000
"""Most blocks of a side that are looked at, chosen at random and evenly over images."""
KNOTS = np.linspace(0, 256, 5)
"""Levels between which log variance is linear."""
STIFFNESS = 0.02
"""Weight of a bend of the curve at a knot, per block that holds noise alone."""
ROUNDS, SETTLED = 30, 2e-3
"""Most rounds of the fit, and the step of the log variance that ends it."""
STARTS = (0.05, 0.15, 0.3)
"""Quantiles of the log variances near a knot that the curve starts from: most noise is below most
texture."""
BELOW = 0.3
"""Density of texture below the curve over that above: some blocks hold less than the noise of their
level, where compression took it."""
NARROWEST, WIDEST = 0.1, 0.3
"""Spread of the log variances of noise alone: white noise has 0.19 per channel, compressed noise
more."""
BINS = 8
"""Levels whose histograms are told apart."""
STEP = 0.5
EDGES = np.concatenate([[-np.inf], np.arange(-30, 30 + STEP / 2, STEP), [np.inf]])
"""Edges of the histograms of noise, in intensity levels."""
LEVELS = np.arange(8, 256, 16.0)
"""Levels at which curves are compared."""
LIKELY = 0.5
"""Chance from which on a block counts as noise alone."""
NO_GROUPS: Mapping[str, str] = {}
CALM = 0.3
"""Share of the blocks of clean LR that are calm enough for its known noise to be taken."""


@dataclass(frozen=True, eq=False)
class FlatNoise:
    """Noise of one side by source image, so that images can be drawn anew. I images, K knots."""

    names: tuple[str, ...]
    """(I,) source images."""
    normal: Real
    """(I, 3, K, K) and"""
    moment: Real
    """(I, 3, K): normal equations of the log variance at the knots."""
    levels: Real
    """(I, 3, len(LEVELS)) blocks by level."""
    histograms: Real
    """(I, 3, BINS, N) pixels of noise by level and strength."""
    blocks: int
    """Blocks that hold noise alone."""

    def curves(self, times: Real) -> Real:
        """Log variance at `LEVELS`, (D, 3, L), where images are there so many times, (D, I)."""
        normal = np.einsum("di,icjk->dcjk", times, self.normal)
        moment = np.einsum("di,icj->dcj", times, self.moment)
        count = normal.sum(axis=(2, 3))  # hats sum to 1, so this is the number of blocks
        normal += (STIFFNESS * count + 1e-9)[..., None, None] * BEND + 1e-9 * np.eye(len(KNOTS))
        knots = np.linalg.solve(normal, moment[..., None])[..., 0]
        return np.asarray(knots @ hats(LEVELS).T)


@dataclass(frozen=True, eq=False)
class _Blocks:
    """(n, 3) levels and variances, (n, 3, 64) residuals, (n,) number of the source image."""

    level: Real
    variance: Real
    rest: NDArray[np.float32]
    whose: NDArray[np.intp]


def hats(level: Real) -> Real:
    """Weights of the knots at levels, (..., K): linear interpolation."""
    return np.asarray(np.maximum(0, 1 - np.abs(level[..., None] - KNOTS) / (KNOTS[1] - KNOTS[0])))


_SECOND = np.diff(np.eye(len(KNOTS)), 2, axis=0)
BEND = _SECOND.T @ _SECOND


def flat_noise(
    images: Sequence[Image],
    sources: Sequence[str],
    seed: int,
    groups: Mapping[str, str] = NO_GROUPS,
) -> FlatNoise:
    """Noise of images as their blocks show it.

    Args:
        images: (H, W, 3) uint8 RGB.
        sources: Name of the source image of each; several may share one.
        seed: Seed of the choice of blocks.
        groups: Name of the camera by source, where there are several: each has a curve of its own.
    """
    cameras: dict[str, list[int]] = {}
    for place, source in enumerate(sources):
        cameras.setdefault(groups.get(source, ""), []).append(place)
    share = -(-BLOCKS // max(1, len(images)))
    return joined(
        [
            _of_camera([images[n] for n in chosen], [sources[n] for n in chosen], seed, share)
            for _, chosen in sorted(cameras.items())
        ]
    )


def joined(parts: Sequence[FlatNoise]) -> FlatNoise:
    """Noise of several sets of source images together."""
    return FlatNoise(
        names=tuple(name for part in parts for name in part.names),
        normal=np.concatenate([part.normal for part in parts]),
        moment=np.concatenate([part.moment for part in parts]),
        levels=np.concatenate([part.levels for part in parts]),
        histograms=np.concatenate([part.histograms for part in parts]),
        blocks=sum(part.blocks for part in parts),
    )


def _of_camera(images: Sequence[Image], sources: Sequence[str], seed: int, share: int) -> FlatNoise:
    names = tuple(sorted(set(sources)))
    number = {name: place for place, name in enumerate(names)}
    parts = []
    for place, (image, source) in enumerate(zip(images, sources, strict=True)):
        found = _usable(_cut(image))
        order = stream("realism", seed, "blocks", source, place).random(len(found))
        chosen = np.sort(order.argsort(kind="stable")[:share])
        values = found[chosen].astype(np.float64)
        parts.append(_measured(values, values, number[source]))
    blocks = _joined(parts)
    return _noise(blocks, _alone(blocks, len(names)), names)


def known_noise(
    images: Sequence[Image], clean: Sequence[Image], sources: Sequence[str]
) -> FlatNoise:
    """Noise of images that are known without it, in their calmest blocks: JPEG leaves more of it
    where there is texture, and photographs show theirs only where there is none.

    Args:
        images: (H, W, 3) uint8 RGB.
        clean: The same without noise.
        sources: Name of the source image of each.
    """
    names = tuple(sorted(set(sources)))
    number = {name: place for place, name in enumerate(names)}
    parts, texture = [], []
    for image, plain, source in zip(images, clean, sources, strict=True):
        noisy = _cut(image)
        kept = _inside(noisy)
        seen, smooth = (part[kept].astype(np.float64) for part in (noisy, _cut(plain)))
        parts.append(_measured(seen, seen - smooth, number[source]))
        texture.append(_variance(detrend(smooth, DEGREE)).mean(axis=1))
    blocks, rough = _joined(parts), np.concatenate([np.zeros(0), *texture])
    limit = np.quantile(rough, CALM) if len(rough) else 0.0
    return _noise(blocks, (rough <= limit).astype(float), names)


def _cut(image: Image) -> Image:
    """(n, 3, 8, 8) of an image."""
    rows, columns = (length // PHASE for length in image.shape[:2])
    whole = image[: rows * PHASE, : columns * PHASE]
    parts = whole.reshape(rows, PHASE, columns, PHASE, 3).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(parts.reshape(-1, 3, PHASE, PHASE))


def _inside(blocks: Image) -> NDArray[np.bool_]:
    """(n,) those without a clipped pixel."""
    pixels = blocks.reshape(len(blocks), 3 * PHASE * PHASE)
    return np.asarray((pixels.min(axis=1) > 0) & (pixels.max(axis=1) < 255))


def _usable(blocks: Image) -> Image:
    """Those that are neither clipped nor painted: no sensor sees the same 64 times."""
    painted = (blocks == blocks[:, :, :1, :1]).all(axis=(1, 2, 3))
    return np.asarray(blocks[_inside(blocks) & ~painted])


def _variance(rest: Real) -> Real:
    return np.asarray(np.square(rest).sum(axis=(-1, -2)) / FREE)


def _measured(shown: Real, noisy: Real, number: int) -> _Blocks:
    """Levels of `shown` and the residuals of `noisy`."""
    rest = detrend(noisy, DEGREE)
    scaled = rest * np.sqrt(PHASE * PHASE / FREE)  # as strong as before the surface was taken
    return _Blocks(
        level=shown.mean(axis=(2, 3)),
        variance=_variance(rest),
        rest=scaled.reshape(len(rest), 3, PHASE * PHASE).astype(np.float32),
        whose=np.full(len(rest), number),
    )


def _joined(parts: Sequence[_Blocks]) -> _Blocks:
    return _Blocks(
        level=np.concatenate([np.zeros((0, 3)), *(part.level for part in parts)]),
        variance=np.concatenate([np.zeros((0, 3)), *(part.variance for part in parts)]),
        rest=np.concatenate(
            [np.zeros((0, 3, PHASE * PHASE), np.float32), *(part.rest for part in parts)]
        ),
        whose=np.concatenate([np.zeros(0, np.intp), *(part.whose for part in parts)]),
    )


def _alone(blocks: _Blocks, images: int) -> Real:
    """How likely each block holds noise alone, (n,): of several starts the most likely fit."""
    if not len(blocks.level):
        return np.zeros(0)
    weights = hats(blocks.level)
    values = np.log(blocks.variance + ROUNDING)
    fits = [
        _fitted(weights, values, blocks.whose, images, _lowest(blocks.level, values, start))
        for start in STARTS
    ]
    return max(fits, key=lambda fit: fit[0])[1]


def _fitted(
    weights: Real, values: Real, whose: NDArray[np.intp], images: int, knots: Real
) -> tuple[float, Real]:
    """Log likelihood of the mixture, and how likely each block holds noise alone."""
    reach = 1 + float(np.ptp(np.quantile(values.mean(axis=1), [0.001, 0.999])))
    share, spread = 0.2, WIDEST
    for _ in range(ROUNDS):
        above = (values - np.einsum("nck,ck->nc", weights, knots)).mean(axis=1)
        noise = np.exp(-0.5 * np.square(above / spread)) / (spread * np.sqrt(2 * np.pi))
        texture = np.where(above < 0, BELOW, 1.0) / reach
        chance = share * noise + (1 - share) * texture
        likely = share * noise / chance
        share = float(np.clip(likely.mean(), 0.005, 0.98))
        equal = _evenly(likely, whose, images)
        before, knots = knots, _solved(weights, values, equal)
        spread = float(np.sqrt((equal * np.square(above)).sum() / max(equal.sum(), 1e-9)))
        spread = float(np.clip(spread, NARROWEST, WIDEST))
        if np.abs(knots - before).max() < SETTLED:
            break
    return float(np.log(chance).sum()), np.asarray(likely)


def _lowest(level: Real, values: Real, start: float) -> Real:
    """Where the curve starts: a low quantile of the blocks near each knot, (3, K)."""
    out = []
    for knot in KNOTS:
        distance = np.abs(level.mean(axis=1) - knot)
        fewest = min(60, len(level) - 1)
        reach = max(48.0, float(np.partition(distance, fewest)[fewest]))
        out.append(np.quantile(values[distance <= reach], start, axis=0))
    return np.stack(out, axis=1)


def _evenly(likely: Real, whose: NDArray[np.intp], images: int) -> Real:
    """Weights of blocks: of no image more than its equal share."""
    per = np.bincount(whose, likely, images)
    return np.asarray(likely * np.minimum(1, per.sum() / images / np.maximum(per, 1e-9))[whose])


def _solved(weights: Real, values: Real, equal: Real) -> Real:
    """Log variance at the knots by least squares, (3, K)."""
    weighted = weights * equal[:, None, None]
    normal = np.stack([weighted[:, c].T @ weights[:, c] for c in range(3)])
    moment = np.stack([weighted[:, c].T @ values[:, c] for c in range(3)])
    normal += STIFFNESS * equal.sum() * BEND + 1e-6 * np.eye(len(KNOTS))
    return np.asarray(np.linalg.solve(normal, moment[..., None])[..., 0])


def _noise(blocks: _Blocks, likely: Real, names: tuple[str, ...]) -> FlatNoise:
    """Sums by image over the blocks that hold noise alone."""
    count = len(names)
    weight = _evenly(likely, blocks.whose, count)
    chosen = np.flatnonzero(likely > LIKELY)
    level, variance = blocks.level[chosen], blocks.variance[chosen]
    whose, weight = blocks.whose[chosen], weight[chosen]
    owner = np.zeros((count, len(chosen)))
    owner[whose, np.arange(len(chosen))] = weight
    hat, values = hats(level), np.log(variance + ROUNDING)
    number = np.minimum(level / 16, len(LEVELS) - 1).astype(np.intp)
    squares = hat[..., :, None] * hat[..., None, :]
    return FlatNoise(
        names=names,
        normal=_sums(owner, squares),
        moment=_sums(owner, hat * values[..., None]),
        levels=_sums(owner, np.eye(len(LEVELS))[number]),
        histograms=_histograms(level, blocks.rest[chosen], whose, weight, count),
        blocks=round(float(likely.sum())),
    )


def _sums(owner: Real, values: Real) -> Real:
    """(I, ...) of (n, ...)."""
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
    return (owner @ flat).reshape(len(owner), *values.shape[1:])


def _histograms(
    levels: Real, rest: NDArray[np.float32], whose: NDArray[np.intp], weight: Real, images: int
) -> Real:
    """Pixels by image, channel, level and strength."""
    bins = len(EDGES) - 1
    out = np.zeros((images, 3, BINS, bins))
    for channel in range(3):
        level = np.minimum(levels[:, channel] * BINS / 256, BINS - 1).astype(np.intp)
        place = np.clip(np.floor((rest[:, channel] - EDGES[1]) / STEP) + 1, 0, bins - 1)
        cell = (whose * BINS + level)[:, None] * bins + place.astype(np.intp)
        counts = np.bincount(cell.ravel(), np.repeat(weight, rest.shape[2]), images * BINS * bins)
        out[:, channel] = counts.reshape(images, BINS, bins)
    return out
