"""How a camera's blur varies within photographs: over the field, from channel to channel."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pairmill.models.camera import curves
from pairmill.models.camera.forms import HALF, Blur
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.robust import RobustCamera
from pairmill.models.camera.scenes import Scenes
from pairmill.models.camera.variation import (
    BEYOND_CELLS,
    BEYOND_CHANNELS,
    Variation,
    variation,
)
from pairmill.pipeline.camera_report.read import ReadPhotograph
from pairmill.pipeline.kernels.varying import CHANNELS, PLACES
from pairmill.schemas.camera_report import Measured, PartFound, VariationFound

SURE = 1.96
"""Standard deviations either side that hold 95 %."""


def within(
    robust: RobustCamera, photographs: Sequence[ReadPhotograph], scenes: Scenes
) -> dict[str, VariationFound | None]:
    """What is known of `field` and `channels`, see `BlurFound`.

    Args:
        robust: the camera.
        photographs: all that it was asked of; each has a spectrum.
        scenes: what it was estimated with.
    """
    wholes = [one.spectrum for one in photographs if one.spectrum is not None]
    whole = robust.camera.blur

    def found(
        parts: Sequence[Sequence[PhotographSpectrum]], beyond: float, names: Sequence[str]
    ) -> VariationFound | None:
        told = variation(robust, wholes, parts, beyond, scenes)
        return _described(whole, told, names) if told is not None else None

    return {
        "field": found([one.cells for one in photographs], BEYOND_CELLS, PLACES),
        "channels": found([one.channels for one in photographs], BEYOND_CHANNELS, CHANNELS),
    }


def _described(blur: Blur, told: Variation, names: Sequence[str]) -> VariationFound:
    parts = []
    for name, stretch, deviation in zip(names, told.stretches, told.deviations, strict=True):
        away = SURE * deviation
        low, value, high = (math.exp(stretch + step) for step in (-away, 0, away))
        wide = curves.width(blur.stretched(stretch)) / HALF
        ratio = Measured(value=value, low=low, high=high)
        parts.append(PartFound(name=name, width=wide, ratio=ratio))
    return VariationFound(parts=tuple(parts), told_by=told.photographs)
