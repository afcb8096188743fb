"""What fits share that learn from real images and HR that have nothing to do with one another."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.decode import load
from pairmill.pipeline.realism.fits import realism
from pairmill.pipeline.runner.stage import Context
from pairmill.pipeline.stages.learned_fit import (
    HrPart,
    Image,
    centre,
    hr_parts,
    read_hrs,
    spread,
)
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.work import Payload


class UnpairedPayload(Payload):
    """All images of a fit."""

    reals: tuple[ImageRecord, ...]
    """The real LR images."""
    hrs: tuple[HrPart, ...]
    """The HR images."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{len(self.reals)} real and {len(self.hrs)} HR images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [
            [image.pixel_sha256 for image in self.reals],
            [[part.image.pixel_sha256, part.key] for part in self.hrs],
        ]


P = TypeVar("P", bound=UnpairedPayload)


class Sight(Protocol):
    """What a check looks at."""

    @property
    def real(self) -> NDArray[np.float64]:
        """(N, n, n, 3), in intensity levels."""

    @property
    def fake(self) -> NDArray[np.float64]:
        """The same, drawn."""

    @property
    def sources(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(N,) each: numbers of the real images, and of the HR images that were degraded."""


def planned(kind: type[P], images: ImageSet, hr: HrSet, most: int, **more: Any) -> list[P]:
    """One unit: the fit. Of many images, evenly spread ones in digest order."""
    reals = spread(images.with_role(Role.REAL), most)
    return [kind(reals=reals, hrs=hr_parts(images, hr, most), **more)]


def read(
    payload: UnpairedPayload, window: int, context: Context
) -> tuple[list[Image], list[Image]]:
    """The middles of the real and of the HR images, each at most `window` pixels a side."""
    reals = [centre(load(image), window) for image in payload.reals]
    return reals, read_hrs(context, payload.hrs, window)


def distinguished(sight: Sight, payload: UnpairedPayload) -> RealismResult:
    """How distinguishable fakes are from real patches, cross-validated by image."""
    real, hr = sight.sources
    reals = [payload.reals[number].pixel_sha256 for number in real]
    hrs = [payload.hrs[number].image.pixel_sha256 for number in hr]
    return realism(sight.real, sight.fake, (reals, hrs))
