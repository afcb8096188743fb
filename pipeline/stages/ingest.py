"""Ingest: decode every source file once, accept or reject it, and drop duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pairmill.pipeline.curation.attribution import is_table
from pairmill.pipeline.images.aside import set_aside
from pairmill.pipeline.images.decode import ingest_file
from pairmill.pipeline.images.find import FoundFile, find_with_aside
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
    group: str = ""
    """The name that the recipe gives to its group, which changes nothing of what is ingested."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return self.url

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return self.model_dump(mode="json", exclude={"group"})


class Ingested(Frozen):
    """What became of one file: one of the two."""

    accepted: ImageRecord | None
    """The image."""
    rejected: RejectedImage | None
    """Or why not."""


@dataclass(frozen=True)
class Listed:
    """The files that a recipe names."""

    files: list[FilePayload]
    """Those that are looked into."""
    aside: tuple[RejectedImage, ...]
    """Those in folders of thumbnails, previews and deleted files."""


def find(images: ImagesConfig, base: str) -> Listed:
    """All files that a recipe names; relative patterns start at `base`.

    Raises:
        UserError: if a pattern matches nothing, a folder cannot be read, or a file is of two
            groups.
    """
    real = _real(images, base)
    clean = _files(images.clean, base, Role.CLEAN) if images.clean else Listed([], ())
    return Listed(real.files + clean.files, real.aside + clean.aside)


def _real(images: ImagesConfig, base: str) -> Listed:
    """The files of all groups of real images, sorted by URL as if there were none."""
    found: dict[str, FilePayload] = {}
    aside: dict[str, RejectedImage] = {}
    for group, patterns in images.real_by_group().items():
        listed = _files(patterns, base, Role.REAL, group)
        if group and not listed.files:
            raise _empty_group(group)
        for file in listed.files:
            other = found.setdefault(file.url, file)
            if other is not file:
                raise _in_two_groups(file.url, other.group, group)
        aside.update((file.url, file) for file in listed.aside)
    return Listed(
        [found[url] for url in sorted(found)],
        tuple(aside[url] for url in sorted(aside) if url not in found),
    )


def _files(patterns: Sequence[str], base: str, role: Role, group: str = "") -> Listed:
    key = f"images.{role}.{group}" if group else f"images.{role}"
    found = [f for f in find_with_aside(patterns, base, key) if not is_table(f.url)]
    files = [
        FilePayload(url=f.url, bytes=f.bytes, modified=f.modified, role=role, group=group)
        for f in found
        if not f.aside
    ]
    return Listed(files, tuple(set_aside(f.url, role, f.aside) for f in found if f.aside))


def _empty_group(group: str) -> UserError:
    return UserError(
        "a group has no image",
        where=f"recipe key images.real.{group}",
        got="tables of licences only",
        wanted="at least one photograph",
        todo="name its photographs, or leave the group out",
    )


def _in_two_groups(url: str, one: str, other: str) -> UserError:
    return UserError(
        "a file is of two groups",
        where="recipe key images.real",
        got=f"{url}, which {one} and {other} name",
        wanted="one camera per photograph",
        todo="write patterns that do not overlap, such as a folder for each group",
    )


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
            FoundFile(url=file.url, bytes=file.bytes, modified=file.modified),
            file.role,
            config,
            camera=file.role == Role.REAL,
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
    """See `image_set`.

    Raises:
        UserError: if no image is left.
    """
    images = image_set(records)
    if not images.accepted:
        raise _nothing_left(images.rejected)
    return images


def image_set(records: Sequence[Ingested]) -> ImageSet:
    """Order by role and digest; of equal images the first by place is kept, real before clean."""
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
    version=4,
    title="ingest",
    noun="files",
    record=Ingested,
    manifest=ImageSet,
    plan=plan,
    work=work,
    seal=seal,
    batch=batch,
)
