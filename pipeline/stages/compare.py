"""Compare: lay the images of every candidate pair over each other, and keep the pairs that show
the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pairmill.pipeline.curation.align import NONE, Agreement, Overlay, agreement, overlay, whole
from pairmill.pipeline.curation.keypoints import Grey, Keypoints, grey_of
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.runner.stage import Context, Profile, Stage, Unit
from pairmill.pipeline.stages.fingerprint import read_keypoints
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.curation import AlikeConfig, AlikePair, AlikeSet, Compared, FingerprintSet
from pairmill.schemas.image import ImageRecord
from pairmill.schemas.work import Payload


class Picture(Frozen):
    """An image and its keypoints."""

    image: ImageRecord
    """The image."""
    key: Digest
    """Key of the unit that found its keypoints."""


class PairsPayload(Payload):
    """One image and those that may be copies of it."""

    first: Picture
    """The image."""
    others: tuple[Picture, ...]
    """Images of greater digests, ascending."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return self.first.image.url

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.first.image.pixel_sha256, [other.image.pixel_sha256 for other in self.others]]


@dataclass(frozen=True)
class Inputs:
    """Images, and which pairs of them to compare."""

    images: Sequence[ImageRecord]
    fingerprints: FingerprintSet
    benchmarks: frozenset[str] = frozenset()
    """Pixel digests of images that are not compared with one another."""


def plan(inputs: Inputs, config: AlikeConfig) -> list[PairsPayload]:
    """One unit per image that has candidates; an added image leaves the units that it is no
    candidate of as they are.
    """
    records = {image.pixel_sha256: image for image in reversed(inputs.images)}
    pictures = {
        ref.image: Picture(image=records[ref.image], key=ref.key)
        for ref in inputs.fingerprints.images
    }
    others: dict[str, list[str]] = {}
    for first, second in inputs.fingerprints.pairs:
        if first not in inputs.benchmarks or second not in inputs.benchmarks:
            others.setdefault(first, []).append(second)
    return [
        PairsPayload(
            first=pictures[first],
            others=tuple(pictures[digest] for digest in sorted(others[first])),
        )
        for first in sorted(others)
    ]


def work(
    units: Sequence[Unit[PairsPayload]], config: AlikeConfig, context: Context
) -> Iterator[Compared]:
    """Compare; images are decoded only where their keypoints agree or they have too few to
    tell.
    """
    for unit in units:
        one = _Side(unit.payload.first, context)
        found = [
            pair
            for other in unit.payload.others
            if (pair := _pair(one, _Side(other, context), config))
        ]
        yield Compared(pairs=tuple(found), candidates=len(unit.payload.others))


class _Side:
    """One image of a pair, decoded when it is needed."""

    def __init__(self, picture: Picture, context: Context) -> None:
        self.image = picture.image
        self.keypoints: Keypoints = read_keypoints(context.storage, picture.key)
        self.grey_: Grey | None = None

    @property
    def grey(self) -> Grey:
        if self.grey_ is None:
            self.grey_ = grey_of(load(self.image))
        return self.grey_


def _pair(one: _Side, other: _Side, config: AlikeConfig) -> AlikePair | None:
    """The pair if it shows the same, and how."""
    best, matches = _compared(one, other)
    if best.correlation < config.min_correlation or best.overlap < config.min_overlap:
        return None
    return AlikePair(
        first=one.image.pixel_sha256,
        second=other.image.pixel_sha256,
        overlap=round(best.overlap, 4),
        correlation=round(min(best.correlation, 1.0), 4),
        matches=matches,
        boxes=best.boxes,
    )


def _compared(one: _Side, other: _Side) -> tuple[Agreement, int]:
    """By keypoints, or as wholes where keypoints say nothing."""
    found: Overlay | None = overlay(one.keypoints, other.keypoints)
    if found is None:
        found = whole((one.image.height, one.image.width), (other.image.height, other.image.width))
    if found is not None:
        return agreement(one.grey, other.grey, found), found.matches
    return NONE, 0


def seal(
    units: Sequence[Unit[PairsPayload]],
    records: Sequence[Compared],
    config: AlikeConfig,
    context: Context,
    key: str,
) -> AlikeSet:
    """List the pairs."""
    return AlikeSet(
        pairs=tuple(pair for record in records for pair in record.pairs),
        candidates=sum(record.candidates for record in records),
    )


def batch(_config: object, _profile: Profile) -> int:
    """Images that a worker takes at once."""
    return 16


STAGE = Stage(
    name="compare",
    version=1,
    title="compare images",
    noun="images",
    record=Compared,
    manifest=AlikeSet,
    plan=plan,
    work=work,
    seal=seal,
    batch=batch,
)
