"""Measure HR: how much of each image is in focus, whether it was enlarged or saved again, and how
complex it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pairmill.pipeline.compression.mine import JPEG, of_file, older_quality
from pairmill.pipeline.curation.hr import hr_figures
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.measure_photographs import middle
from pairmill.pipeline.stages.payload import ImagePayload
from pairmill.schemas.base import Frozen
from pairmill.schemas.compression import MinedCompression
from pairmill.schemas.hr_quality import HrFigures, MeasuredHr
from pairmill.schemas.image import ImageRecord


class MeasureHrConfig(Frozen):
    """Nothing can be set: the figures of all recipes of a workspace are the same."""

    format: int = 1
    """Which figures there are."""


class HrPayload(ImagePayload):
    """One image; of a JPEG the file matters too, since its tables stand there."""

    def identity(self) -> Any:
        """See `Payload.identity`."""
        file = self.image.file_sha256 if self.image.format in JPEG else ""
        return [self.image.pixel_sha256, file]


def plan(images: Sequence[ImageRecord], config: MeasureHrConfig) -> list[HrPayload]:
    """One unit per image, by digest."""
    return [
        HrPayload(image=image) for image in sorted(images, key=lambda image: image.pixel_sha256)
    ]


def work(
    units: Sequence[Unit[HrPayload]], config: MeasureHrConfig, context: Context
) -> Iterator[HrFigures]:
    """Decode and measure."""
    for unit in units:
        image = unit.payload.image
        pixels = middle(load(image))
        quality = older_quality(pixels, _of_file(image))
        yield hr_figures(pixels, image.pixel_sha256, quality)


def _of_file(image: ImageRecord) -> MinedCompression | None:
    """What a JPEG file says of its compression; none for other files."""
    if image.format not in JPEG:
        return None
    return of_file(read_image(image.url), image.pixel_sha256)


def seal(
    units: Sequence[Unit[HrPayload]],
    records: Sequence[HrFigures],
    config: MeasureHrConfig,
    context: Context,
    key: str,
) -> MeasuredHr:
    """List the figures."""
    return MeasuredHr(images=tuple(records))


STAGE = Stage(
    name="measure_hr",
    version=1,
    title="measure HR",
    noun="images",
    record=HrFigures,
    manifest=MeasuredHr,
    plan=plan,
    work=work,
    seal=seal,
)
