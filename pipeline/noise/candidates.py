"""The patches of one image that are noise and nothing else."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.noise.floor import Floor, noise_floor, tolerance
from pipeline.noise.measure import Survey, cell_side, survey, tiles
from pipeline.noise.residual import detrend
from schemas.noise import NoiseConfig, NoiseReason, NoiseSurvey

TABLE = np.dtype(
    [("priority", "<u8"), ("top", "<i4"), ("left", "<i4")]
    + [(name, "<f8") for name in ("mean", "variance", "noise", "clipped", "inconsistency", "structure", "coherence")]
)
"""One row per candidate: the fields of `NoisePatch`, and a number made of the content by which candidates are ordered."""
SHADE = 32
"""Width of the brightness classes over which the choice is spread, in grey levels."""
DIGITS = 6
"""Decimals that are kept of measurements: processors differ in later ones."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What one image offers, in an order that depends on the content alone; any prefix is spread over brightness."""

    survey: NoiseSurvey
    """Counts and floor."""
    table: NDArray[np.void]
    """(n,) of dtype `TABLE`."""
    signatures: NDArray[np.int8]
    """(n, d) shrunken residuals, for finding near-duplicates; see `signature`."""
    patches: NDArray[np.uint8]
    """(n, p, p, 3) the pixels, RGB."""


def candidates(image: NDArray[np.uint8], digest: str, config: NoiseConfig) -> Candidates:
    """Measure an image and keep up to `max_per_image` patches that pass all rules.

    They are not taken by calmness, which would bias the strength of the noise low.

    Args:
        image: (H, W, 3) uint8 RGB.
        digest: Pixel digest of the image.
        config: Rules.
    """
    found = survey(image, config.patch)
    floor = noise_floor(found, config)
    verdicts = _judge(found, floor, config)
    rows, greys, kept = [], [], []
    for index, priority in _order(found, np.flatnonzero(verdicts == "")):
        if len(rows) == config.max_per_image:
            verdicts[index] = NoiseReason.QUOTA
            continue
        top, left = divmod(int(index), found.columns)
        patch = _cut(image, top, left, found.patch)
        grey = exact_grey(patch)
        row = (priority, top * found.patch, left * found.patch, *_measured(grey, found, int(index)))
        verdicts[index] = _examine(row, config)
        if verdicts[index] == "":
            rows.append(row)
            greys.append(grey)
            kept.append(patch)
    return Candidates(
        survey=_report(digest, found, floor, verdicts, config),
        table=np.array(rows, TABLE),
        signatures=np.stack([signature(grey) for grey in greys]) if greys else np.zeros((0, 0), np.int8),
        patches=np.stack(kept) if kept else np.zeros((0, config.patch, config.patch, 3), np.uint8),
    )


def exact_grey(patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey levels by ITU-R 601 in the integer arithmetic of the RealSR rule; (p, p)."""
    return np.asarray(Image.fromarray(patch).convert("L"))


def signature(grey: NDArray[np.uint8]) -> NDArray[np.int8]:
    """A grey patch, shrunk to about 16 x 16, without shading, scaled to integers up to 127; (d,)."""
    side = next(k for k in range(min(12, len(grey)), len(grey) + 1) if len(grey) % k == 0)
    small = cv2.resize(grey.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA).astype(np.float64)
    rest = detrend(small, 2).ravel()
    return np.asarray(np.rint(rest * (127 / max(float(np.abs(rest).max()), 1e-3))), np.int8)


def _judge(found: Survey, floor: Floor, config: NoiseConfig) -> NDArray[np.object_]:
    """The first rule that each patch breaks, or an empty string.

    The greys of the survey may differ by one level from `exact_grey`: mean and variance get that much slack here, and are
    judged again in `_examine`.
    """
    verdicts = np.full(len(found.mean), "", object)
    for reason, broken in (
        (NoiseReason.TOO_DARK, found.mean <= config.min_mean - 1),
        (NoiseReason.TOO_BRIGHT, found.mean > config.max_mean + 1),
        (NoiseReason.CLIPPED, found.clipped > config.max_clipped),
        (NoiseReason.NO_NOISE, (found.noise < config.min_variance) | (found.blank > config.max_blank)),
        (NoiseReason.TEXTURE, found.inconsistency > config.max_inconsistency),
        (NoiseReason.GRADIENT, found.structure > config.max_structure),
        (NoiseReason.VARIANCE, _too_strong(found, floor, config)),
    ):
        verdicts[(verdicts == "") & broken] = reason
    return verdicts


def _too_strong(found: Survey, floor: Floor, config: NoiseConfig) -> NDArray[np.bool_]:
    if config.max_variance == "auto":
        limit = np.minimum(floor.at(found.mean) * tolerance(found, config), config.ceiling)
        return np.asarray(found.noise > limit)
    return np.asarray(np.sqrt(found.variance) >= np.sqrt(config.max_variance) + 1)


def _order(found: Survey, passed: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Patches that passed, as (index, priority): by turns from each brightness class, within it by a hash of the content."""
    per = found.patch // cell_side(found.patch)
    content = np.concatenate([tiles(plane, per)[passed] for plane in found.cells[:2]], axis=1)
    hashes = [int.from_bytes(hashlib.blake2b(c.tobytes(), digest_size=8).digest(), "little") for c in content]
    turn: Counter[int] = Counter()
    ranked = []
    for priority, index in sorted(zip(hashes, passed.tolist(), strict=True)):
        shade = int(found.mean[index]) // SHADE
        ranked.append((turn[shade], priority, index))
        turn[shade] += 1
    return [(index, priority) for _, priority, index in sorted(ranked)]


def _cut(image: NDArray[np.uint8], row: int, column: int, side: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image[row * side : (row + 1) * side, column * side : (column + 1) * side])


def _measured(grey: NDArray[np.uint8], found: Survey, index: int) -> tuple[float, ...]:
    """Mean, population variance, noise, clipped, inconsistency, structure, coherence."""
    levels = grey.astype(np.float64)
    mean = float(levels.mean())
    variance = float(np.vdot(levels, levels)) / levels.size - mean * mean
    rest = (found.noise, found.clipped, found.inconsistency, found.structure)
    return (mean, max(variance, 0.0), *(round(float(a[index]), DIGITS) for a in rest), coherence(levels))


def coherence(grey: NDArray[np.float64]) -> float:
    """How much the gradients of (p, p) grey levels agree in direction: 0 for noise, 1 for stripes; 0 if constant."""
    down = grey[1:, :-1] - grey[:-1, :-1]
    right = grey[:-1, 1:] - grey[:-1, :-1]
    a, b, c = float(np.vdot(down, down)), float(np.vdot(right, right)), float(np.vdot(down, right))
    # Differences that share a pixel correlate by a quarter of a + b in white noise.
    cross = c - (a + b) / 4
    return round(float(np.hypot(a - b, 2 * cross) / (a + b)), DIGITS) if a + b else 0.0


def _examine(row: tuple[float, ...], config: NoiseConfig) -> str:
    """The rules that need the pixels; an empty string if all are kept."""
    mean, variance, coherent = row[3], row[4], row[-1]
    if mean <= config.min_mean:
        return NoiseReason.TOO_DARK
    if mean > config.max_mean:
        return NoiseReason.TOO_BRIGHT
    if config.max_variance != "auto" and variance >= config.max_variance:
        return NoiseReason.VARIANCE
    return NoiseReason.STRIPES if coherent > config.max_coherence else ""


def _report(
    digest: str, found: Survey, floor: Floor, verdicts: NDArray[np.object_], config: NoiseConfig
) -> NoiseSurvey:
    counts = Counter(verdict for verdict in verdicts if verdict)
    loud = found.variance[verdicts == NoiseReason.VARIANCE]
    known = np.isfinite(floor.variance) & (config.max_variance == "auto")
    pairs = zip(floor.brightness[known].tolist(), floor.variance[known].tolist(), strict=True)
    return NoiseSurvey(
        image=digest,
        patches=len(verdicts),
        rejected={reason: counts[reason] for reason in NoiseReason if counts[reason]},
        threshold_needed=None if not len(loud) else round(float(loud.min()) + 0.01, 2),
        floor=tuple((brightness, round(variance, DIGITS)) for brightness, variance in pairs),
    )
