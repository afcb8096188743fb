"""Ingest: decode every source file once, accept or reject it, and drop duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pairmill.pipeline.curation.attribution import is_table
from pairmill.pipeline.images.decode import ingest_file
from pairmill.pipeline.images.find import FoundFile, find_files
from pairmill.pipeline.runner.stage import Context, Profile, Stage, Unit
from pairmill.schemas.base import Frozen
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import (
    ImageReason,
    ImageRecord,
    ImageSet,
    IngestConfig,
    RejectedImage,
    Role,
)
from pairmill.schemas.recipe import ImagesConfig
from pairmill.schemas.work import Payload


class FilePayload(Payload):
    """A file as it was found; a new size or time makes it a new unit."""

    url: str
    """Where it is."""
    bytes: int
    """Its size, in bytes."""
    modified: str
    """Its time or entity tag."""
    role: Role
    """What it is for."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return self.url


class Ingested(Frozen):
    """What became of one file: one of the two."""

    accepted: ImageRecord | None
    """The image."""
    rejected: RejectedImage | None
    """Or why not."""


def find(images: ImagesConfig, base: str, limit: int | None = None) -> list[FilePayload]:
    """All files that a recipe names, or the first `limit` of each role; relative patterns start at
    `base`.

    Raises:
        UserError: if a pattern matches nothing or a folder cannot be read.
    """
    found: list[FilePayload] = []
    for role, patterns in ((Role.REAL, images.real), (Role.CLEAN, images.clean)):
        if patterns:
            files = find_files(patterns, base, f"images.{role}")
        else:
            files = []
        found += [_payload(file, role) for file in files if not is_table(file.url)][:limit]
    return found


def _payload(file: FoundFile, role: Role) -> FilePayload:
    return FilePayload(url=file.url, bytes=file.bytes, modified=file.modified, role=role)


def plan(files: Sequence[FilePayload], config: IngestConfig) -> Sequence[FilePayload]:
    """One unit per file."""
    return files


def work(
    units: Sequence[Unit[FilePayload]], config: IngestConfig, context: Context
) -> Iterator[Ingested]:
    """Decode, check and digest."""
    for unit in units:
        file = unit.payload
        record = ingest_file(
            FoundFile(url=file.url, bytes=file.bytes, modified=file.modified), file.role, config
        )
        if isinstance(record, ImageRecord):
            yield Ingested(accepted=record, rejected=None)
        else:
            yield Ingested(accepted=None, rejected=record)


def seal(
    units: Sequence[Unit[FilePayload]],
    records: Sequence[Ingested],
    config: IngestConfig,
    context: Context,
    key: str,
) -> ImageSet:
    """Order by role and digest; of equal images the first by place is kept, real before clean.

    Raises:
        UserError: if no image is left.
    """
    accepted: dict[str, ImageRecord] = {}
    rejected = [record.rejected for record in records if record.rejected]
    candidates = [record.accepted for record in records if record.accepted]
    for image in sorted(candidates, key=lambda image: (image.role != Role.REAL, image.url)):
        first = accepted.setdefault(image.pixel_sha256, image)
        if first is not image:
            detail = f"same pixels as {first.url}; one copy is used"
            rejected.append(
                RejectedImage(
                    url=image.url, role=image.role, reason=ImageReason.DUPLICATE, detail=detail
                )
            )
    if not accepted:
        raise _nothing_left(rejected)
    images = sorted(
        accepted.values(), key=lambda image: (image.role != Role.REAL, image.pixel_sha256)
    )
    return ImageSet(
        accepted=tuple(images), rejected=tuple(sorted(rejected, key=lambda r: (r.role, r.url)))
    )


def _nothing_left(rejected: Sequence[RejectedImage]) -> UserError:
    shown = "; ".join(f"{image.url}: {image.reason} ({image.detail})" for image in rejected[:5])
    more = ""
    if len(rejected) > 5:
        more = f"; and {len(rejected) - 5} more"
    return UserError(
        "no source image is usable",
        where="recipe key images",
        got=shown + more,
        todo="give readable 8-bit photos of at least 64 pixels a side",
    )


def batch(_config: object, _profile: Profile) -> int:
    """Images that a worker takes at once."""
    return 16


STAGE = Stage(
    name="ingest",
    version=2,
    title="ingest",
    noun="files",
    record=Ingested,
    manifest=ImageSet,
    plan=plan,
    work=work,
    seal=seal,
    batch=batch,
)
