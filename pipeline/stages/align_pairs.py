"""Align pairs: judge every real pair, and register its HR to its LR."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pairmill.pipeline.aligned.align import Refused, align
from pairmill.pipeline.html.text import file_name
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.schemas.aligned import (
    AlignConfig,
    AlignedPair,
    AlignedReason,
    AlignedRef,
    AlignedSet,
)
from pairmill.schemas.image import RejectedImage
from pairmill.schemas.redegnet import FacePair, PairSet
from pairmill.schemas.work import Payload

HR, LR, GOOD, KERNEL = "hr.png", "lr.png", "good.npy", "kernel.npy"
"""Files of a unit whose pair is used: HR where LR stands; LR; the LR pixels whose HR may be used,
eight to a byte; and the kernel between them."""


class AlignPayload(Payload):
    """A pair, or a file that is no usable image."""

    pair: FacePair | None = None
    """LR and HR of one scene."""
    rejected: RejectedImage | None = None
    """The file, and why it is none."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        if self.pair is not None:
            return f"pair {self.pair.name}"
        return self.rejected.url if self.rejected else ""

    def identity(self) -> Any:
        """See `Payload.identity`."""
        if self.pair is not None:
            return self.pair.identity()
        return self.model_dump(mode="json")


def plan(pairs: PairSet, config: AlignConfig) -> list[AlignPayload]:
    """One unit per pair, then one per file that is no usable image."""
    return [
        *(AlignPayload(pair=pair) for pair in pairs.pairs),
        *(AlignPayload(rejected=image) for image in pairs.rejected),
    ]


def work(
    units: Sequence[Unit[AlignPayload]], config: AlignConfig, context: Context
) -> Iterator[AlignedPair]:
    """Judge and register; write `hr.png`, `lr.png`, `good.npy` and perhaps `kernel.npy`."""
    for unit in units:
        if unit.payload.pair is not None:
            yield _aligned(unit, unit.payload.pair, config, context)
        elif unit.payload.rejected is not None:
            yield _unusable(unit.payload.rejected)


def _aligned(
    unit: Unit[AlignPayload], pair: FacePair, config: AlignConfig, context: Context
) -> AlignedPair:
    found = align(load(pair.lq), load(pair.hq), config.scale, config.aligned)
    record = AlignedPair(
        name=pair.name,
        lr=pair.lq.pixel_sha256,
        hr=pair.hq.pixel_sha256,
        reason=None,
        detail="",
        figures=found.figures,
    )
    if isinstance(found, Refused):
        return record.with_(reason=found.reason, detail=found.detail)
    context.write(unit, HR, encode_png(found.hr))
    context.write(unit, LR, encode_png(found.lr))
    context.write(unit, GOOD, npy_bytes(np.packbits(found.good, axis=1)))
    if found.kernel is not None:
        context.write(unit, KERNEL, npy_bytes(found.kernel))
    return record.with_(reduced=found.reduced, kernel=found.kernel is not None)


def _unusable(image: RejectedImage) -> AlignedPair:
    return AlignedPair(
        name=file_name(image.url),
        lr=None,
        hr=None,
        reason=AlignedReason.UNUSABLE,
        detail=f"{image.reason}: {image.detail}",
    )


def seal(
    units: Sequence[Unit[AlignPayload]],
    records: Sequence[AlignedPair],
    config: AlignConfig,
    context: Context,
    key: str,
) -> AlignedSet:
    """List all pairs."""
    return AlignedSet(
        pairs=tuple(
            AlignedRef(key=unit.key, pair=record)
            for unit, record in zip(units, records, strict=True)
        )
    )


STAGE = Stage(
    name="align_pairs",
    version=1,
    title="align pairs",
    noun="pairs",
    record=AlignedPair,
    manifest=AlignedSet,
    plan=plan,
    work=work,
    seal=seal,
)
