"""How sure the differences between networks are: a paired bootstrap over the images of a set.

Images are drawn with replacement, as many as there are, and the means of all networks over the same
draw are compared; a 95 % interval lies between the percentiles of all draws (Efron and Tibshirani
1993, chapter 13). Tiles and samples of one source image are not independent, so that whole source
images are drawn. The draws depend on their number alone: the same scores give the same intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.rng import raw_words, stream_key
from pairmill.schemas.evaluation import Difference, MetricView, PictureView

Array = NDArray[np.float64]
DRAWS = 10_000
"""Draws of images."""
FEWEST = 5
"""Source images below which an interval says nothing."""
PERCENTILES = (2.5, 97.5)
AT_ONCE = 1 << 21
"""Numbers that are drawn at a time."""


def differences(
    pictures: Sequence[PictureView], metrics: Sequence[MetricView]
) -> tuple[Difference, ...]:
    """Each network of a set against bicubic, and against the best network of each metric.

    Args:
        pictures: The images of the set, the scores of the networks in the same order, bicubic
            first.
        metrics: What was measured; those that rank no networks are left out.
    """
    found = list[Difference]()
    for metric in metrics:
        if metric.ranked:
            found += _of_metric(pictures, metric)
    return tuple(found)


def _of_metric(pictures: Sequence[PictureView], metric: MetricView) -> Iterator[Difference]:
    common = [one for one in pictures if all(metric.key in row.scores for row in one.rows)]
    if not common or len(common[0].rows) < 2:
        return
    names = [row.network for row in common[0].rows]
    sources = [one.source or f"{one.group}/{one.name}" for one in common]
    scores = np.array([[row.scores[metric.key] for row in one.rows] for one in common])
    means, drawn, count = resampled(scores, sources)
    sign = 1 if metric.better == "higher" else -1
    best = 1 + int(np.argmax(sign * means[1:]))
    pairs = [(one, 0) for one in range(1, len(names))]
    pairs += [(one, best) for one in range(1, len(names)) if one != best]
    for one, other in pairs:
        interval = None
        if drawn is not None:
            low, high = np.percentile(drawn[:, one] - drawn[:, other], PERCENTILES).tolist()
            interval = (low, high)
        yield Difference(
            network=names[one],
            against=names[other],
            metric=metric.key,
            difference=float(means[one] - means[other]),
            interval=interval,
            sources=count,
        )


def resampled(scores: Array, sources: Sequence[str]) -> tuple[Array, Array | None, int]:
    """Means of networks, and of draws of source images.

    Args:
        scores: (images, networks).
        sources: Source of each image.

    Returns:
        (networks,) means; (`DRAWS`, networks) means of draws, none below `FEWEST` sources; and how
        many sources there are.
    """
    _, place = np.unique(np.asarray(sources), return_inverse=True)
    sizes = np.bincount(place).astype(np.float64)
    sums = np.stack([np.bincount(place, column) for column in scores.T], axis=1)
    means = sums.sum(axis=0) / sizes.sum()
    if len(sizes) < FEWEST:
        return means, None, len(sizes)
    drawn = [(times @ sums) / (times @ sizes)[:, None] for times in _draws(len(sizes))]
    return means, np.concatenate(drawn), len(sizes)


def _draws(count: int) -> Iterator[Array]:
    """How often each of so many is drawn, (draws, count), some draws at a time."""
    step = max(1, AT_ONCE // count)
    for start in range(0, DRAWS, step):
        draws = min(step, DRAWS - start)
        key = f"{stream_key('bootstrap', count, start):032x}"
        # The upper 53 bits of a word, as numpy makes a double of it.
        words = raw_words(key, draws * count) >> np.uint64(11)
        places = np.minimum((words * 2.0**-53 * count).astype(np.int64), count - 1)
        rows = np.repeat(np.arange(draws), count) * count
        times = np.bincount(rows + places, minlength=draws * count)
        yield times.reshape(draws, count).astype(np.float64)
