"""Cluster photographs: which share a camera, by their blurs alone, where nothing else tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pairmill.models.camera.clusters import LoneWidth, clusters, lone_width
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.estimate_cameras import read_spectrum
from pairmill.schemas.pool import (
    ClusterConfig,
    ClusteredPhotographs,
    MeasuredPhotographs,
    MeasureRef,
    PhotographWidth,
)
from pairmill.schemas.work import Payload


class MeasuredPayload(Payload):
    """One photograph that was measured."""

    ref: MeasureRef
    """Its measurements."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"photograph {self.ref.measure.image[:12]}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.ref.measure.image, self.ref.key]


def plan(measured: MeasuredPhotographs, config: ClusterConfig) -> list[MeasuredPayload]:
    """One unit per photograph that shows a blur."""
    return [MeasuredPayload(ref=ref) for ref in measured.photographs if ref.measure.refused is None]


def work(
    units: Sequence[Unit[MeasuredPayload]], config: ClusterConfig, context: Context
) -> Iterator[PhotographWidth]:
    """The width of each by itself."""
    for unit in units:
        found = lone_width(read_spectrum(context.storage, unit.payload.ref))
        image = unit.payload.ref.measure.image
        yield PhotographWidth(image=image, width=found.width, variance=found.variance)


def seal(
    units: Sequence[Unit[MeasuredPayload]],
    records: Sequence[PhotographWidth],
    config: ClusterConfig,
    context: Context,
    key: str,
) -> ClusteredPhotographs:
    """Divide them, if that is called for."""
    widths = [LoneWidth(record.width, record.variance) for record in records]
    labels = clusters(widths, config.min_photographs)
    if labels is None:
        return ClusteredPhotographs(labels={})
    images = [record.image for record in records]
    return ClusteredPhotographs(labels=dict(zip(images, labels, strict=True)))


STAGE = Stage(
    name="cluster_photographs",
    version=1,
    title="tell cameras apart",
    noun="images",
    record=PhotographWidth,
    manifest=ClusteredPhotographs,
    plan=plan,
    work=work,
    seal=seal,
)
