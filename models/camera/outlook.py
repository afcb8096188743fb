"""What more photographs of a camera would tell.

The error of a blur has two parts: one that falls with the number of photographs, and a floor, for
what all scenes have in common is known from a few dozen pictures only. Both follow from the error
that the same photographs would have if there were twice as many like them, which the normal
equations give without any photograph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pairmill.models.camera import curves
from pairmill.models.camera.estimate import CameraBlur
from pairmill.models.camera.match import match
from pairmill.models.camera.model import Model
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.scenes import Scenes, built_in

NEAR = 1.25
"""An error this many times the floor is as good as the floor."""

FAR = 0.2
"""A floor of a smaller share of the error is too far away to be known."""


@dataclass(frozen=True)
class Outlook:
    """How the error of a camera's kernel falls with the number of photographs."""

    error: float
    """Expected |k - truth| / |truth| of its kernel now."""
    twice: float
    """The same with twice as many photographs."""
    floor: float
    """What it comes down to with any number of them."""
    wanted: int
    """With how many in all it would be within `NEAR` of the floor; at least as many as there
    are."""


def outlook(
    photographs: Sequence[PhotographSpectrum],
    found: CameraBlur,
    scale: int,
    size: int,
    scenes: Scenes | None = None,
) -> Outlook:
    """What more photographs like these would tell.

    Args:
        photographs: those that the camera was estimated from.
        found: the camera.
        scale: scale of the kernel.
        size: side of the kernel.
        scenes: those that it was estimated with.
    """
    free = found.matched.free
    now, _ = curves.deviations(found.blur, [(found.matched.covariance, free)], scale, size)
    matched = found.matched
    warm = replace(matched, own=(*matched.own, *matched.own))
    model, both = Model(scenes or built_in()), [*photographs, *photographs]
    twice = match(model, both, found.blur, free, most=1, warm=warm)
    then, _ = curves.deviations(found.blur, [(twice.covariance, free)], scale, size)
    return falling(now, min(then, now), len(photographs))


def falling(now: float, twice: float, count: int) -> Outlook:
    """The law e^2 = floor^2 + a / n through the errors with n and with 2 n photographs."""
    floor = math.sqrt(max(2 * twice**2 - now**2, 0.0))
    rest = count * (now**2 - floor**2)
    # Without a floor there is no end; four times as many halve the error.
    wanted = rest / ((NEAR**2 - 1) * floor**2) if floor > FAR * now else 4.0 * count
    return Outlook(now, twice, floor, max(count, math.ceil(wanted)))
