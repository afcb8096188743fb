"""Cameras whose blur varies within a photograph, from the middle to the corners or from channel to
channel, and the same cameras without: the error of one kernel for all of it, and of one each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row
from benchmarks.kernel_cases import (
    CONDITIONS,
    SIDES,
    Camera,
    Condition,
    draw_camera,
    padded,
    wider,
)
from benchmarks.kernel_pictures import Picture, some_of
from pairmill.models.camera.parts import CELLS, SMALLEST, measure_cells, measure_channels
from pairmill.models.camera.photograph import PhotographSpectrum, measure
from pairmill.models.camera.robust import RobustCamera, estimate_robustly
from pairmill.models.camera.variation import BEYOND_CELLS, BEYOND_CHANNELS, variation
from pairmill.models.functional.resize import to_uint8

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

PHOTOGRAPHS = 12
SEED = 4000
SOFT = 1.5
"""Width in the corners over that in the middle."""
BLUE = 1.3
"""Width of blue over that of red and green."""
REACHED = 2 / 3
"""Where it is reached, in half diagonals: the middle of the corner cells."""
STEPS = np.linspace(1, SOFT, 6)
"""Widths that are blended."""
ZONES = {"centre": [4], "edges": [1, 3, 5, 7], "corners": [0, 2, 6, 8]}
CHANNELS = {"red": [0], "green": [1], "blue": [2]}


@dataclass(frozen=True, eq=False)
class Taken:
    """Photographs of one camera, and the truth of each part."""

    images: Sequence[Image]
    truths: Sequence[Array]


def field(which: str, available: Sequence[Picture], cameras: int) -> list[Row]:
    """Corners that are softer than the middle, and a camera that is the same everywhere."""
    large = [one for one in available if min(one.image.shape[:2]) >= 2 * SMALLEST]
    rows = []
    for condition in (Condition(), Condition(noise=4), CONDITIONS["noise 4, JPEG 95"]):
        for soft in (SOFT, 1.0):
            trials = [
                _errors(_over_field(large, condition, number, soft=soft > 1), condition)
                for number in range(cameras)
            ]
            rows += _rows("field", which, f"corners {soft:g}", condition, ZONES, trials)
    return rows


def channels(which: str, available: Sequence[Picture], cameras: int) -> list[Row]:
    """A blue channel that is softer than the others, and one that is not."""
    colour = [one for one in available if (one.image != one.image[..., :1]).any()]
    rows = []
    for condition in (Condition(), Condition(noise=4)):
        for factor in (BLUE, 1.0):
            trials = [
                _errors(_by_channel(colour, condition, number, factor), condition)
                for number in range(cameras)
            ]
            rows += _rows("channels", which, f"blue {factor:g}", condition, CHANNELS, trials)
    return rows


def _over_field(
    available: Sequence[Picture], condition: Condition, number: int, *, soft: bool
) -> Taken:
    rng = np.random.default_rng([SEED + number, 0])
    device = draw_camera("gaussian", rng)
    images = []
    for picture in some_of(available, PHOTOGRAPHS, SEED + number):
        if soft:
            low = _blended(picture.image, device)
        else:
            low = _blurred(picture.image, device)
        images.append(_developed(low, condition, rng))
    if not soft:
        return Taken(images, [device.truth] * CELLS**2)
    weights = _weights(300, 450).reshape(len(STEPS), CELLS, 100, CELLS, 150).mean((2, 4))
    blurs = np.stack([wider(device, step).blur for step in STEPS])
    mixed = np.einsum("sij,sab->ijab", weights, blurs).reshape(-1, *blurs.shape[1:])
    return Taken(images, [padded(blur, SIDES[2]) for blur in mixed])


def _by_channel(
    available: Sequence[Picture], condition: Condition, number: int, factor: float
) -> Taken:
    rng = np.random.default_rng([SEED + number, 1])
    device = draw_camera("gaussian", rng)
    blue = wider(device, factor)
    images = []
    for picture in some_of(available, PHOTOGRAPHS, SEED + number):
        low = _blurred(picture.image, device)
        low[..., 2] = _blurred(picture.image, blue)[..., 2]
        images.append(_developed(low, condition, rng))
    return Taken(images, [device.truth, device.truth, blue.truth])


def _blurred(image: Image, device: Camera) -> Array:
    high = image.astype(np.float64)
    found = cv2.filter2D(high, -1, device.blur, borderType=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(found[:: device.scale, :: device.scale])


def _blended(image: Image, device: Camera) -> Array:
    """As wide at each pixel as `_weights` say."""
    lows = np.stack([_blurred(image, wider(device, step)) for step in STEPS])
    return np.asarray((_weights(*lows.shape[1:3])[..., None] * lows).sum(0))


def _weights(height: int, width: int) -> Array:
    """(STEPS, height, width): shares of the widths at each pixel, growing with the square of the
    distance from the middle.
    """
    rows = np.linspace(-1, 1, height)[:, None] * height
    columns = np.linspace(-1, 1, width) * width
    radius = np.hypot(rows, columns) / math.hypot(height, width)
    away = np.minimum(1, np.square(radius / REACHED)) * (len(STEPS) - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(away - np.arange(len(STEPS))[:, None, None])))


def _developed(low: Array, condition: Condition, rng: np.random.Generator) -> Image:
    return condition.coded(to_uint8(low + condition.noise * rng.normal(size=low.shape)))


def _errors(taken: Taken, condition: Condition) -> tuple[Array, Array]:
    """(parts,) each: errors with one kernel for all parts, and with one each."""
    table = condition.table
    wholes = [measure(image, table) for image in taken.images]
    robust = estimate_robustly(wholes)
    stretches = _stretches(taken, robust, wholes, table)
    one = robust.camera.blur
    kernels = [one.stretched(stretch).kernel(2, SIDES[2]) for stretch in stretches]
    same = [one.kernel(2, SIDES[2])] * len(kernels)
    off, on = (
        np.array([_error(*pair) for pair in zip(found, taken.truths, strict=True)])
        for found in (same, kernels)
    )
    return off, on


def _stretches(
    taken: Taken,
    robust: RobustCamera,
    wholes: Sequence[PhotographSpectrum],
    table: NDArray[np.int64] | None,
) -> Array:
    if len(taken.truths) == len(CHANNELS):
        parts = [measure_channels(image) for image in taken.images]
        found = variation(robust, wholes, parts, BEYOND_CHANNELS)
    else:
        pairs = zip(taken.images, wholes, strict=True)
        parts = [measure_cells(image, whole, table) for image, whole in pairs]
        found = variation(robust, wholes, parts, BEYOND_CELLS)
    assert found is not None
    return found.stretches


def _error(kernel: Array, truth: Array) -> float:
    return float(np.linalg.norm(kernel - truth) / np.linalg.norm(truth))


def _rows(
    section: str,
    which: str,
    truth: str,
    condition: Condition,
    parts: dict[str, list[int]],
    trials: Sequence[tuple[Array, Array]],
) -> list[Row]:
    off, on = (np.mean(values, 0) for values in zip(*trials, strict=True))
    head: Row = {
        "section": section,
        "pictures": which,
        "truth": truth,
        "condition": condition.name,
        "cameras": len(trials),
        "photographs": PHOTOGRAPHS,
    }
    return [
        {
            **head,
            "part": name,
            "error, one kernel": round(float(off[places].mean()), 4),
            "error, each its own": round(float(on[places].mean()), 4),
        }
        for name, places in parts.items()
    ]
