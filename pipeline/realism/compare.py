"""The classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017) between real and synthetic LR,
cross-validated by image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.realism.classify import held_out_scores
from pairmill.pipeline.realism.describe import describe
from pairmill.pipeline.realism.features import features, names
from pairmill.pipeline.realism.folds import assign_folds, halves
from pairmill.pipeline.realism.interval import area, column_areas, interval, pair_counts
from pairmill.pipeline.realism.match import content, match
from pairmill.pipeline.realism.network import planes
from pairmill.pipeline.realism.patches import Image, Patches, cut
from pairmill.schemas.realism import ClassifierAuc, RealismConfig, RealismResult

FEWEST_IMAGES, FEWEST_PATCHES = 4, 80
"""Below these there is no number."""
SURPLUS = 3
"""Patches that are cut for every one that is compared, so that matching in content can choose."""
REPEATS = 3
"""Ways to halve the photos in the control."""
TOLD = 0.56
"""Least AUC of a feature alone that is worth naming."""


@dataclass(frozen=True, eq=False)
class Compared:
    """A result and the matched patches that it is about."""

    result: RealismResult
    real: Patches
    synthetic: Patches
    apart: NDArray[np.float64]
    """(N,) how much higher the synthetic patch of each pair scored than the real one."""


def auc(
    real_images: Sequence[Image],
    synthetic_images: Sequence[Image],
    config: RealismConfig,
    sources: tuple[Sequence[str], Sequence[str]] | None = None,
) -> RealismResult:
    """How well classifiers distinguish synthetic from real images, on images that they were not
    trained on.

    Args:
        real_images: (H, W, 3) uint8 RGB.
        synthetic_images: (H, W, 3) uint8 RGB.
        config: How to measure.
        sources: Names of the photos that real and synthetic images show. Images that share a
            name are never apart in training and test; give them whenever synthetic images are made
            of the real ones. Without names every image is a source of its own.

    Returns:
        The result; `problem` says why there is no number if images or patches are too few.
    """
    named = sources or (
        [f"r{n}" for n in range(len(real_images))],
        [f"s{n}" for n in range(len(synthetic_images))],
    )
    return compare(
        pool(real_images, named[0], config), pool(synthetic_images, named[1], config), config
    ).result


def pool(images: Sequence[Image], sources: Sequence[str], config: RealismConfig) -> Patches:
    """Patches of images to choose from."""
    return cut(images, sources, config.patch, SURPLUS * config.patches, config.seed)


def compare(
    real: Patches,
    synthetic: Patches,
    config: RealismConfig,
    between: Callable[[], None] = lambda: None,
) -> Compared:
    """Fold by source image, match in content within each fold, classify, and give the AUC with its
    interval; `between` is called before every training, and what it raises gives up.
    """
    found = matched(real, synthetic, config)
    if found.problem:
        return _nothing(found)
    return _judged(found.real, found.synthetic, found.fold_of, config, between)


@dataclass(frozen=True, eq=False)
class Matched:
    """Pairs of patches that are alike in content, each of one fold."""

    real: Patches
    synthetic: Patches
    fold_of: dict[str, int]
    """Fold of every source image."""
    problem: str = ""
    """Why there are too few, in a sentence; empty if there are enough."""


def matched(real: Patches, synthetic: Patches, config: RealismConfig) -> Matched:
    """Fold by source image, and match in content within each fold."""
    both = set(real.sources.tolist()), set(synthetic.sources.tolist())
    groups = {
        name: "ab"[name in both[0]] + "ab"[name in both[1]] for name in sorted(both[0] | both[1])
    }
    folds = min(config.folds, *map(len, both))
    if folds < 2 or min(map(len, both)) < FEWEST_IMAGES:
        problem = (
            f"needs {FEWEST_IMAGES} images that give a patch on either side; there are "
            f"{len(both[0])} real and {len(both[1])} synthetic"
        )
        return Matched(real, synthetic, {}, problem)
    fold_of = assign_folds(groups, folds, config.seed)
    chosen = _matched(real, synthetic, fold_of, config.patches)
    real, synthetic = real[chosen[0]], synthetic[chosen[1]]
    if len(real) < FEWEST_PATCHES:
        problem = (
            f"needs {FEWEST_PATCHES} patches of either side that match in content; there are "
            f"{len(real)}"
        )
        return Matched(real, synthetic, fold_of, problem)
    return Matched(real, synthetic, fold_of)


def _nothing(found: Matched) -> Compared:
    real, synthetic = found.real, found.synthetic
    images = len(set(real.sources.tolist()) | set(synthetic.sources.tolist()))
    result = RealismResult(
        problem=found.problem, images=images, patches=min(len(real), len(synthetic))
    )
    return Compared(result, real, synthetic, np.zeros(0))


def _matched(
    real: Patches, synthetic: Patches, fold_of: dict[str, int], most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    shown = content(real.pixels), content(synthetic.pixels)
    spread = np.concatenate(shown).std(axis=0) + 1e-9
    folds = [
        np.array([fold_of[name] for name in side.sources.tolist()]) for side in (real, synthetic)
    ]
    pairs = []
    for fold in range(max(fold_of.values()) + 1):
        mine = [np.flatnonzero(side == fold) for side in folds]
        first, second = match(
            shown[0][mine[0]], shown[1][mine[1]], spread, -(-most // (max(fold_of.values()) + 1))
        )
        pairs.append((mine[0][first], mine[1][second]))
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def _judged(
    real: Patches,
    synthetic: Patches,
    fold_of: dict[str, int],
    config: RealismConfig,
    between: Callable[[], None],
) -> Compared:
    pixels, sources = (
        np.concatenate([real.pixels, synthetic.pixels]),
        np.concatenate([real.sources, synthetic.sources]),
    )
    is_synthetic = np.arange(len(pixels)) >= len(real)
    folds = np.array([fold_of[name] for name in sources.tolist()], np.intp)
    _, numbers = np.unique(sources, return_inverse=True)
    values = features(pixels)
    scores = held_out_scores(
        values,
        planes(pixels) if config.network else None,
        is_synthetic,
        folds,
        config.seed,
        between,
    )
    together = np.sum(list(scores.values()), axis=0)
    counts = pair_counts(together, is_synthetic, numbers, folds)
    alone = {
        name: area(*pair_counts(score, is_synthetic, numbers, folds))
        for name, score in scores.items()
    }
    low, high = interval(*counts, config.seed)
    result = RealismResult(
        images=int(numbers.max()) + 1,
        patches=len(real),
        folds=len(np.unique(folds)),
        auc=round(area(*counts), 4),
        interval=(round(low, 4), round(high, 4)),
        classifiers=tuple(
            ClassifierAuc.model_validate({"classifier": n, "auc": round(a, 4)})
            for n, a in alone.items()
        ),
        telling=telling(values, is_synthetic, real.pixels.shape[1]),
        real=describe(real.pixels),
        synthetic=describe(synthetic.pixels),
    )
    apart = together[len(real) :] - together[: len(real)]
    sides = (
        replace(real, values=values[: len(real)]),
        replace(synthetic, values=values[len(real) :]),
    )
    return Compared(result, sides[0], sides[1], apart)


def telling(
    values: NDArray[np.float64], synthetic: NDArray[np.bool_], side: int
) -> tuple[str, ...]:
    """At most three features that distinguish best when used alone, in words; of alike ones only
    the first.
    """
    areas = column_areas(values, synthetic)
    words: list[str] = []
    kinds = set[str]()
    for place in np.argsort(-np.abs(areas - 0.5), kind="stable").tolist():
        name, strength = names(side)[place], max(areas[place], 1 - areas[place])
        kind = name.split(" at ")[0].split(" of ")[0].split(" by ")[0]
        if strength >= TOLD and kind not in kinds and len(words) < 3:
            kinds.add(kind)
            more = "more" if areas[place] > 0.5 else "less"
            words.append(f"{more} {name} ({strength:.2f})")
    return tuple(words)


def real_against_real(
    real: Patches, config: RealismConfig, between: Callable[[], None] = lambda: None
) -> RealismResult:
    """The control: photos in two halves, one of which plays the synthetic side; 0.5 is
    expected. `between` as in `compare`.

    It is made several ways and the results averaged: content differs between two halves by chance.
    """
    names_ = sorted(set(real.sources.tolist()))
    if len(names_) < 2 * FEWEST_IMAGES:
        return RealismResult(
            problem=f"needs {2 * FEWEST_IMAGES} photographs that give a patch; there are "
            f"{len(names_)}",
            images=len(names_),
            patches=len(real),
        )
    results = []
    for repeat in range(REPEATS):
        played = np.isin(real.sources, sorted(halves(names_, config.seed, repeat)))
        other = config.with_(seed=config.seed + repeat, network=config.network and repeat == 0)
        sides = real[np.flatnonzero(~played)], real[np.flatnonzero(played)]
        results.append(compare(*sides, other, between).result)
    good = [result for result in results if result.auc is not None and result.interval is not None]
    if not good:
        return results[0]
    low, high = (
        float(np.mean([result.interval[end] for result in good if result.interval]))
        for end in (0, 1)
    )
    mean = float(np.mean([result.auc for result in good if result.auc is not None]))
    whole = {
        "auc": round(mean, 4),
        "interval": (round(low, 4), round(high, 4)),
        "telling": (),
        "classifiers": (),
    }
    return good[0].model_copy(update=whole)
