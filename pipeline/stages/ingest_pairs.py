"""Ingest pairs: decode the files of every real pair once, accept or reject them, and check that
both have one size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pairmill.pipeline.images.decode import ingest_file
from pairmill.pipeline.images.find import FoundFile
from pairmill.pipeline.images.pairs import PairPatterns, find_pairs
from pairmill.pipeline.runner.stage import Context, Profile, Stage, Unit
from pairmill.pipeline.stages.ingest import FilePayload
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageRecord, IngestConfig, RejectedImage, Role
from pairmill.schemas.redegnet import FacePair, IngestedPair, PairSet
from pairmill.schemas.work import Payload

SHOWN = 5


class PairPayload(Payload):
    """Two files as they were found."""

    name: str
    """Their name, without the ending."""
    lq: FilePayload
    """The real LQ or LR image; its role is `real`."""
    hq: FilePayload
    """Its counterpart; its role is `clean`."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"pair {self.name}"


def find(pairs: PairPatterns, base: str, limit: int | None = None) -> list[PairPayload]:
    """All pairs that a recipe names, or the first `limit`; relative patterns start at `base`.

    Raises:
        UserError: see `find_pairs`.
    """
    return [
        PairPayload(name=name, lq=_payload(lq, Role.REAL), hq=_payload(hq, Role.CLEAN))
        for name, lq, hq in find_pairs(pairs, base, limit)
    ]


def _payload(file: FoundFile, role: Role) -> FilePayload:
    return FilePayload(url=file.url, bytes=file.bytes, modified=file.modified, role=role)


def plan(pairs: Sequence[PairPayload], config: IngestConfig) -> Sequence[PairPayload]:
    """One unit per pair."""
    return pairs


def work(
    units: Sequence[Unit[PairPayload]], config: IngestConfig, context: Context
) -> Iterator[IngestedPair]:
    """Decode, check and digest."""
    for unit in units:
        lq, hq = (_ingested(file, config) for file in (unit.payload.lq, unit.payload.hq))
        if isinstance(lq, ImageRecord) and isinstance(hq, ImageRecord):
            yield IngestedPair(
                name=unit.payload.name,
                pair=FacePair(name=unit.payload.name, lq=lq, hq=hq),
                rejected=(),
            )
        else:
            rejected = tuple(record for record in (lq, hq) if isinstance(record, RejectedImage))
            yield IngestedPair(name=unit.payload.name, pair=None, rejected=rejected)


def _ingested(file: FilePayload, config: IngestConfig) -> ImageRecord | RejectedImage:
    return ingest_file(
        FoundFile(url=file.url, bytes=file.bytes, modified=file.modified), file.role, config
    )


def seal(
    units: Sequence[Unit[PairPayload]],
    records: Sequence[IngestedPair],
    config: IngestConfig,
    context: Context,
    key: str,
) -> PairSet:
    """Order by the digest of the LQ; of equal pairs the first by name is kept."""
    found = [record.pair for record in records if record.pair is not None]
    rejected = tuple(image for record in records for image in record.rejected)
    distinct = {tuple(pair.identity()): pair for pair in reversed(found)}
    return PairSet(pairs=tuple(distinct[name] for name in sorted(distinct)), rejected=rejected)


def some(pairs: PairSet, key: str) -> PairSet:
    """The pairs, if there are any.

    Raises:
        UserError: if no pair is left.
    """
    if pairs.pairs:
        return pairs
    shown = "; ".join(
        f"{image.url}: {image.reason} ({image.detail})" for image in pairs.rejected[:SHOWN]
    )
    raise UserError(
        "no pair is usable",
        where=f"recipe key {key}",
        got=shown,
        todo="give readable 8-bit images",
    )


def batch(_config: object, _profile: Profile) -> int:
    """Images that a worker takes at once."""
    return 8


STAGE = Stage(
    name="ingest_pairs",
    version=3,
    title="ingest pairs",
    noun="pairs",
    record=IngestedPair,
    manifest=PairSet,
    plan=plan,
    work=work,
    seal=seal,
    batch=batch,
)
