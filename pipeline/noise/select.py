"""Which candidates of all images become the pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.noise.candidates import TABLE, Candidates
from pairmill.schemas.errors import UserError
from pairmill.schemas.noise import NoiseConfig, NoiseCoverage, NoisePatch, NoiseReason

BLOCK = 1024
"""Signatures that are compared with all others at once."""


@dataclass(frozen=True)
class Selection:
    """The chosen patches and the account of all others."""

    picks: tuple[tuple[int, int], ...]
    """(image, candidate) of each patch, in pool order: places in the sequence given to `choose` and
    in its table."""
    patches: tuple[NoisePatch, ...]
    """Records, in pool order."""
    coverage: tuple[NoiseCoverage, ...]
    """One per image, in the order given."""
    max_variance: float
    """The threshold, or with `auto` the largest variance among the chosen, in squared intensity
    levels."""
    threshold_source: str
    """Where the threshold came from."""

    @property
    def rejected(self) -> dict[NoiseReason, int]:
        """Patches of all images that were not chosen, by reason, most frequent first."""
        counts: Counter[NoiseReason] = Counter()
        for image in self.coverage:
            counts.update(image.rejected)
        return dict(counts.most_common())

    @property
    def threshold_needed(self) -> float | None:
        """Smallest `max_variance` that would give a patch of an image that gave none."""
        needed = [
            c.threshold_needed
            for c in self.coverage
            if c.threshold_needed is not None and not c.accepted
        ]
        return min(needed, default=None)


def choose(found: Sequence[Candidates], config: NoiseConfig) -> Selection:
    """Drop near-duplicates and share the pool out among images.

    Every image gives its first candidates, as many as all others or all that it has, up to
    `max_patches` in total: one image more only shortens the shares. Of two near-duplicates the one
    of lower priority goes. Patches are in the order of images, then of candidates. Pixels are not
    looked at: `patches` may be memory-mapped or empty.

    Args:
        found: What `candidates` gave for each image, in the order of the image set.
        config: The same rules.
    """
    sizes = [len(image.table) for image in found]
    # Twice the pool leaves enough to replace duplicates, and bounds the comparison of all with all.
    entered = _prefixes(sizes, share(sizes, 2 * config.max_patches))
    unique = _unique(found, entered, config.max_correlation)
    firsts = share([len(own) for own in unique], config.max_patches)
    picks = [(image, row) for image, own in enumerate(unique) for row in own[: firsts[image]]]
    duplicates = [len(all_) - len(own) for all_, own in zip(entered, unique, strict=True)]
    patches = tuple(_record(found[image], row) for image, row in picks)
    return Selection(
        picks=tuple(picks),
        patches=patches,
        coverage=tuple(
            _coverage(image, min(first, len(own)), double)
            for image, first, own, double in zip(found, firsts, unique, duplicates, strict=True)
        ),
        max_variance=_threshold(patches, config),
        threshold_source=_source(config),
    )


def shortage(selection: Selection, config: NoiseConfig) -> UserError | None:
    """The error to raise if the selection has fewer than `min_patches`, else none."""
    if len(selection.picks) >= config.min_patches:
        return None
    seen = sum(image.patches for image in selection.coverage)
    counts = ", ".join(f"{count} {reason}" for reason, count in selection.rejected.items())
    return UserError(
        "too few patches of the real images are flat enough to show their noise",
        where=f"{seen} patches of {config.patch} x {config.patch} pixels in "
        f"{len(selection.coverage)} real images",
        got=f"{len(selection.picks)} patches; rejected: "
        f"{counts or 'none, every image is smaller than a patch'}",
        wanted=f"at least {config.min_patches} (noise.min_patches); max_variance was "
        f"{config.max_variance}",
        todo=_remedy(selection, config),
    )


def _remedy(selection: Selection, config: NoiseConfig) -> str:
    """What to change, for the rule that stood in the way most often."""
    counts = selection.rejected
    smaller = ""
    if config.patch > 16:
        smaller = f"set noise.patch to {max(16, config.patch // 2)}, "
    structured = counts.get(NoiseReason.TEXTURE, 0) + counts.get(NoiseReason.GRADIENT, 0)
    if counts.get(NoiseReason.VARIANCE, 0) > structured:
        needed = selection.threshold_needed
        known = ""
        if needed is not None:
            known = f"set noise.max_variance to {needed:g} or more, "
        return f"{known}{smaller}or give images with flat areas such as sky or walls"
    return (
        f"{smaller}raise noise.max_structure (now {config.max_structure:g}) and noise.max_unlike "
        f"(now {config.max_unlike:g}) "
        "if the noise is blotchy, as after compression, or give images with flat areas such as "
        "sky or walls"
    )


def share(sizes: Sequence[int], total: int) -> list[int]:
    """How many each may give so that all give the same number or all they have, and together at
    most `total`.
    """
    if sum(sizes) <= total:
        return list(sizes)
    low, high = 0, max(sizes)
    while high - low > 1:
        middle = (low + high) // 2
        if sum(min(n, middle) for n in sizes) <= total:
            low = middle
        else:
            high = middle
    given = [min(n, low) for n in sizes]
    left = total - sum(given)
    for index, size in enumerate(sizes):
        if left and size > low:
            given[index] += 1
            left -= 1
    return given


def correlated(signatures: NDArray[np.int8], limit: float) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of rows of (n, d) signatures whose correlation exceeds `limit`.

    Products of int8 are summed in float32, exactly as long as d is at most 1024.
    """
    values = signatures.astype(np.float32)
    length = np.sqrt(np.maximum((values * values).sum(axis=1), 1)).astype(np.float32)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        products = block @ values[start:].T
        rows, columns = np.nonzero(
            products > limit * length[start : start + BLOCK, None] * length[None, start:]
        )
        later = columns > rows
        pairs += zip((rows[later] + start).tolist(), (columns[later] + start).tolist(), strict=True)
    return pairs


def _prefixes(sizes: Sequence[int], firsts: Sequence[int]) -> list[list[int]]:
    return [list(range(min(size, first))) for size, first in zip(sizes, firsts, strict=True)]


def _unique(found: Sequence[Candidates], entered: list[list[int]], limit: float) -> list[list[int]]:
    """Per image the entered candidates without near-duplicates of others of higher priority."""
    if limit >= 1:
        return entered
    places = [(image, row) for image, rows in enumerate(entered) for row in rows]
    if not places:
        return entered
    places.sort(
        key=lambda place: (
            int(found[place[0]].table["priority"][place[1]]),
            found[place[0]].survey.image,
        )
    )
    stacked = np.stack([found[image].signatures[row] for image, row in places])
    dropped: set[int] = set()
    for first, second in sorted(correlated(stacked, limit)):
        if first not in dropped:
            dropped.add(second)
    gone = {places[index] for index in dropped}
    return [[row for row in rows if (image, row) not in gone] for image, rows in enumerate(entered)]


def _record(image: Candidates, row: int) -> NoisePatch:
    values = image.table[row]
    fields = {name: values[name].item() for name in TABLE.names or () if name != "priority"}
    return NoisePatch(image=image.survey.image, **fields)


def _coverage(image: Candidates, accepted: int, duplicates: int) -> NoiseCoverage:
    rejected = Counter(image.survey.rejected)
    rejected[NoiseReason.DUPLICATE] += duplicates
    rejected[NoiseReason.QUOTA] += len(image.table) - duplicates - accepted
    return NoiseCoverage(
        image=image.survey.image,
        patches=image.survey.patches,
        accepted=accepted,
        rejected={reason: rejected[reason] for reason in NoiseReason if rejected[reason]},
        threshold_needed=image.survey.threshold_needed,
    )


def _threshold(patches: Sequence[NoisePatch], config: NoiseConfig) -> float:
    if config.max_variance == "auto":
        return max((patch.variance for patch in patches), default=0.0)
    return config.max_variance


def _source(config: NoiseConfig) -> str:
    if config.max_variance == "auto":
        return "auto: the noise floor of each image at the brightness of the patch"
    return "the recipe (noise.max_variance)"
