"""The blur of a camera though some of its photographs are of no scene (text, screens, patterns) or
were enlarged.

A spectrum of no scene fits no blur, which shows once the camera is estimated; then the camera is
estimated again without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pairmill.models.camera.estimate import CameraBlur, estimate
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.scenes import Scenes

MISFIT = 6.0
"""Misfit, in dB, from which on a photograph takes no part: as far as one may be to be accepted."""


@dataclass(frozen=True)
class RobustCamera:
    """A camera, and who told it."""

    camera: CameraBlur
    """Its blur; its photographs are all, those that take no part as they were at first."""
    taking_part: tuple[int, ...]
    """Numbers of the photographs that the camera was estimated from; `matched` is theirs."""


def estimate_robustly(
    photographs: Sequence[PhotographSpectrum], scenes: Scenes | None = None
) -> RobustCamera:
    """See `estimate`; all photographs take part if none is of a scene as it was taken."""
    first = estimate(photographs, scenes)
    fitting = [
        number
        for number, own in enumerate(first.photographs)
        if own.misfit <= MISFIT and photographs[number].enlarged == 1
    ]
    if not fitting or len(fitting) == len(photographs):
        return RobustCamera(first, tuple(range(len(photographs))))
    second = estimate([photographs[number] for number in fitting], scenes)
    own = list(first.photographs)
    for number, better in zip(fitting, second.photographs, strict=True):
        own[number] = better
    return RobustCamera(replace(second, photographs=tuple(own)), tuple(fitting))
