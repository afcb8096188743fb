"""The patches of one image that are noise and nothing else."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.noise.examine import coherence, details, exact_grey, periodicity, plateau
from pairmill.pipeline.noise.floor import Floor, calm_level, noise_floor, structure_limit, tolerance
from pairmill.pipeline.noise.measure import Survey, cell_side, survey, tiles
from pairmill.pipeline.noise.residual import detrend
from pairmill.schemas.noise import NoiseConfig, NoiseReason, NoiseSurvey

MEASURED = ("mean", "variance", "noise", "clipped", "inconsistency", "structure")
EXAMINED = ("plateau", "coherence", "periodicity", "outlier")
PLACE = [("priority", "<u8"), ("top", "<i4"), ("left", "<i4")]
TABLE = np.dtype(PLACE + [(name, "<f8") for name in MEASURED + EXAMINED])
"""One row per candidate: the fields of `NoisePatch`, and a number made of the content that orders
candidates."""
SHADE = 32
"""Width of the brightness classes over which the choice is spread, in intensity levels."""
BATCH = 1 << 19
"""Pixels that are examined at once."""
LOOK = 1 << 18
"""Pixels that a first look at a large image takes in, at least: enough for its floor."""
AMPLE = 4
"""Patches that a first look takes in, at least, for each that the image may give."""
FURTHER = 4
"""Times as many patches that the next look takes in."""
REASONS = tuple(NoiseReason)
PASSED, FULL = -1, REASONS.index(NoiseReason.QUOTA)
Verdicts = NDArray[np.int8]
"""One per patch: a place in `REASONS`, or `PASSED`; `FULL` where it would pass but the image may
give no more."""
DIGITS = 6
"""Decimals that are kept of measurements: processors differ in later ones."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What one image offers, in an order that depends on the content alone; any prefix is spread
    over brightness.
    """

    survey: NoiseSurvey
    """Counts and floor."""
    table: NDArray[np.void]
    """(n,) of dtype `TABLE`."""
    signatures: NDArray[np.int8]
    """(n, d) shrunken residuals, for finding near-duplicates; see `signature`."""
    patches: NDArray[np.uint8]
    """(n, p, p, 3) the pixels, RGB."""


def candidates(image: NDArray[np.uint8], digest: str, config: NoiseConfig) -> Candidates:
    """Measure an image and keep up to `config.quota` patches that pass all rules.

    They are not taken by calmness, which would bias the strength of the noise low. Of a large image
    every k-th row of patches is looked at; where that gives fewer than the image may give, at four
    times as many, and so on up to all.

    Args:
        image: (H, W, 3) uint8 RGB.
        digest: Pixel digest of the image.
        config: Rules.
    """
    side = config.patch
    if config.rule == "realsr":
        # Corners strictly below the length less a side: the last patch that just fits is left out.
        image = image[:-1, :-1]
    rows, columns = image.shape[0] // side, image.shape[1] // side
    step = rows * columns // max(AMPLE * config.quota, LOOK // side**2)
    while step >= FURTHER:
        thinned = image[: rows * side].reshape(rows, side, *image.shape[1:])[::step]
        found = _candidates(thinned.reshape(-1, *image.shape[1:]), digest, config)
        if len(found.table) == config.quota:
            found.table["top"] *= step  # tops are multiples of the side
            return found
        step //= FURTHER
    return _candidates(image, digest, config)


def _candidates(image: NDArray[np.uint8], digest: str, config: NoiseConfig) -> Candidates:
    found = survey(image, config.patch)
    floor = noise_floor(found, config)
    verdicts = _judge(found, floor, config)
    order = _order(found, np.flatnonzero(verdicts == PASSED))
    tables, patches = [np.zeros(0, TABLE)], [np.zeros((0, config.patch, config.patch, 3), np.uint8)]
    room = config.quota
    while room and order:
        # Some more than there is room for, since most of what comes this far is accepted, not all;
        # memory stays bounded.
        size = min(room + room // 4 + 4, max(1, BATCH // config.patch**2))
        batch, order = order[:size], order[size:]
        stack = np.stack([_cut(image, found, index) for index, _ in batch])
        table = _measured(stack, found, batch)
        reasons = _examine(table, config)
        accepted = np.flatnonzero(reasons == PASSED)
        reasons[accepted[room:]] = FULL
        verdicts[[index for index, _ in batch]] = reasons
        tables.append(table[accepted[:room]])
        patches.append(stack[accepted[:room]])
        room -= min(room, len(accepted))
    verdicts[[index for index, _ in order]] = FULL
    kept = np.concatenate(patches)
    return Candidates(
        survey=_report(digest, found, floor, verdicts, config),
        table=np.concatenate(tables),
        signatures=signatures(exact_grey(kept)) if len(kept) else np.zeros((0, 0), np.int8),
        patches=kept,
    )


def signatures(grey: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Grey patches (n, p, p), shrunk to about 16 x 16, without shading, scaled to integers up to
    127; (n, d).
    """
    whole = grey.shape[1]
    side = next(k for k in range(12, whole + 1) if whole % k == 0)
    tall = grey.reshape(-1, whole).astype(np.float32)
    small = cv2.resize(tall, (side, len(grey) * side), interpolation=cv2.INTER_AREA).reshape(
        -1, side, side
    )
    rest = detrend(small.astype(np.float64), 2).reshape(len(grey), -1)
    return np.asarray(
        np.rint(rest * (127 / np.maximum(np.abs(rest).max(axis=1, keepdims=True), 1e-3))), np.int8
    )


def _judge(found: Survey, floor: Floor, config: NoiseConfig) -> Verdicts:
    """Which patches break a rule.

    The greys of the survey may differ by one level from `exact_grey`: mean and variance get that
    much slack here, and are judged again in `_examine`.
    """
    calm = found.noise <= floor.at(found.mean) * tolerance(found, config)
    uneven = min(
        config.max_inconsistency, config.max_unlike * calm_level(found.inconsistency[calm])
    )
    uneven_means = min(
        structure_limit(config), config.max_unlike * calm_level(found.structure[calm])
    )
    return _first_broken(
        len(found.mean),
        (
            (NoiseReason.TOO_DARK, found.mean <= config.min_mean - 1),
            (NoiseReason.TOO_BRIGHT, found.mean > config.max_mean + 1),
            (NoiseReason.CLIPPED, found.clipped > config.max_clipped),
            (NoiseReason.NO_NOISE, found.noise < config.min_variance),
            (
                NoiseReason.TEXTURE,
                (found.inconsistency > uneven) | (found.blank > config.max_blank),
            ),
            (NoiseReason.GRADIENT, found.structure > uneven_means),
            (NoiseReason.VARIANCE, _too_strong(found, floor, config)),
        ),
    )


def _first_broken(count: int, rules: Sequence[tuple[NoiseReason, NDArray[np.bool_]]]) -> Verdicts:
    """For each patch the place in `REASONS` of the first rule that it breaks, or `PASSED`."""
    verdicts = np.full(count, PASSED, np.int8)
    for reason, broken in reversed(rules):
        verdicts[broken] = REASONS.index(reason)
    return verdicts


def _too_strong(found: Survey, floor: Floor, config: NoiseConfig) -> NDArray[np.bool_]:
    if config.max_variance == "auto":
        limit = np.minimum(floor.at(found.mean) * tolerance(found, config), config.ceiling)
        return np.asarray(found.noise > limit)
    return np.asarray(np.sqrt(found.variance) >= np.sqrt(config.max_variance) + 1)


def _order(found: Survey, passed: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Patches that passed, as (index, priority): by turns from each brightness class, within it by
    content.
    """
    per = found.patch // cell_side(found.patch)
    content = np.concatenate([tiles(plane, per)[passed] for plane in found.cells[:2]], axis=1)
    hashes = [
        int.from_bytes(hashlib.blake2b(c.tobytes(), digest_size=8).digest(), "little")
        for c in content
    ]
    turn: Counter[int] = Counter()
    ranked = []
    for priority, index in sorted(zip(hashes, passed.tolist(), strict=True)):
        shade = int(found.mean[index]) // SHADE
        ranked.append((turn[shade], priority, index))
        turn[shade] += 1
    return [(index, priority) for _, priority, index in sorted(ranked)]


def _cut(image: NDArray[np.uint8], found: Survey, index: int) -> NDArray[np.uint8]:
    row, column = divmod(index, found.columns)
    side = found.patch
    return image[row * side : (row + 1) * side, column * side : (column + 1) * side]


def _measured(
    stack: NDArray[np.uint8], found: Survey, batch: list[tuple[int, int]]
) -> NDArray[np.void]:
    """The table of patches (n, p, p, 3) with their (index, priority)."""
    grey = exact_grey(stack)
    levels = grey.reshape(len(grey), -1)
    table = np.zeros(len(stack), TABLE)
    where = np.array([index for index, _ in batch])
    table["priority"] = [priority for _, priority in batch]
    table["top"], table["left"] = np.array(divmod(where, found.columns)) * found.patch
    table["mean"] = levels.mean(axis=1)
    squares = np.square(levels, dtype=np.uint16).mean(axis=1)
    table["variance"] = np.maximum(squares - table["mean"] ** 2, 0)
    for name in MEASURED[2:]:
        table[name] = np.round(getattr(found, name)[where], DIGITS)
    single, coloured = details(stack)
    measured = {"coherence": coherence(grey), "periodicity": periodicity(grey), "outlier": single}
    measured["plateau"] = plateau(stack)
    measured["structure"] = np.maximum(table["structure"], coloured)
    for name, values in measured.items():
        table[name] = np.round(values, DIGITS)
    return table


def _examine(table: NDArray[np.void], config: NoiseConfig) -> Verdicts:
    """Which patches break one of the rules that need the pixels."""
    if config.max_variance == "auto":
        fixed = np.inf
    else:
        fixed = config.max_variance
    return _first_broken(
        len(table),
        (
            (NoiseReason.TOO_DARK, table["mean"] <= config.min_mean),
            (NoiseReason.TOO_BRIGHT, table["mean"] > config.max_mean),
            (NoiseReason.VARIANCE, table["variance"] >= fixed),
            (NoiseReason.NO_NOISE, table["plateau"] > config.max_plateau),
            (NoiseReason.STRIPES, table["coherence"] > config.max_coherence),
            (NoiseReason.STRIPES, table["periodicity"] > config.max_periodicity),
            (NoiseReason.DETAIL, table["outlier"] > config.max_outlier),
            (NoiseReason.GRADIENT, table["structure"] > structure_limit(config)),
        ),
    )


def _report(
    digest: str, found: Survey, floor: Floor, verdicts: Verdicts, config: NoiseConfig
) -> NoiseSurvey:
    counts = np.bincount(verdicts[verdicts != PASSED], minlength=len(REASONS)).tolist()
    loud = found.variance[verdicts == REASONS.index(NoiseReason.VARIANCE)]
    known = np.isfinite(floor.variance) & (config.max_variance == "auto")
    pairs = zip(floor.brightness[known].tolist(), floor.variance[known].tolist(), strict=True)
    return NoiseSurvey(
        image=digest,
        patches=len(verdicts),
        rejected={reason: count for reason, count in zip(REASONS, counts, strict=True) if count},
        threshold_needed=None if not len(loud) else round(float(loud.min()) + 0.01, 2),
        floor=tuple((brightness, round(variance, DIGITS)) for brightness, variance in pairs),
    )
