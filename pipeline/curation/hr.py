"""How much an image is worth as HR, in figures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE, block_power
from pairmill.models.camera.enlarged import enlarged
from pairmill.models.functional.complexity import complexity
from pairmill.models.functional.defocus import focus
from pairmill.schemas.hr_quality import HrFigures

Array = NDArray[np.float64]

FINE, COARSER = (0.3, 0.5), (0.12, 0.22)
"""Bands of detail that are compared, in cycles per pixel: what an enlargement by 2 cannot show, and
what it can."""
LEAST_CONTRAST = 3.0
"""Standard deviation below which an image is flat, in intensity levels."""


def hr_figures(image: NDArray[np.uint8], digest: str, older_quality: int) -> HrFigures:
    """Measure an image.

    Args:
        image: (H, W, 3) uint8 RGB.
        digest: Its pixel digest.
        older_quality: Quality of an older JPEG that shows in it; 0 if none does.
    """
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    focused = focus(grey)
    times, fine = _detail(grey.astype(np.float64))
    return HrFigures(
        image=digest,
        defocus=focused.defocus,
        flat=focused.flat,
        enlarged=round(times, 3),
        fine=fine,
        quality=older_quality,
        complexity=complexity(grey),
    )


def _detail(luma: Array) -> tuple[float, float | None]:
    """How many times the image was enlarged, and how much fine detail it has."""
    if min(luma.shape) < 2 * SIDE or luma.std() < LEAST_CONTRAST:
        return 1.0, None
    power = block_power(luma, SIDE)
    radius = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.arange(power.shape[1]) / SIDE)
    fine, coarser = (
        power[(low < radius) & (radius <= high)].mean() for low, high in (FINE, COARSER)
    )
    return enlarged(luma, power), round(float(fine / max(coarser, 1e-9)), 5)
