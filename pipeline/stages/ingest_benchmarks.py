"""Ingest benchmarks: decode every image that one will be tested on, to compare the source images
with them.
"""

from __future__ import annotations

from collections.abc import Sequence

from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.runner.stage import Context, Profile, Stage, Unit
from pairmill.pipeline.stages import ingest
from pairmill.pipeline.stages.ingest import FilePayload, Ingested
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageSet, IngestConfig, Role

KEY = "curation.benchmarks"


def find(patterns: Sequence[str], base: str, where: str = KEY) -> list[FilePayload]:
    """All files that the patterns name; relative ones start at `base`.

    Raises:
        UserError: if a pattern matches nothing or a folder cannot be read.
    """
    return [
        FilePayload(url=file.url, bytes=file.bytes, modified=file.modified, role=Role.CLEAN)
        for file in find_files(patterns, base, where)
    ]


def seal(
    units: Sequence[Unit[FilePayload]],
    records: Sequence[Ingested],
    config: IngestConfig,
    context: Context,
    key: str,
) -> ImageSet:
    """Order by digest; of equal images the first by place is kept.

    Raises:
        UserError: if no image is usable: a check against nothing would find no leak.
    """
    accepted = {
        image.pixel_sha256: image for record in reversed(records) if (image := record.accepted)
    }
    rejected = tuple(record.rejected for record in records if record.rejected)
    if not accepted:
        shown = "; ".join(f"{image.url}: {image.reason} ({image.detail})" for image in rejected[:5])
        raise UserError(
            "no benchmark image is usable",
            where=f"recipe key {KEY}",
            got=shown,
            todo="give readable 8-bit images",
        )
    return ImageSet(
        accepted=tuple(accepted[digest] for digest in sorted(accepted)), rejected=rejected
    )


def batch(_config: object, _profile: Profile) -> int:
    """Images that a worker takes at once."""
    return 16


STAGE = Stage(
    name="ingest_benchmarks",
    version=2,
    title="read benchmarks",
    noun="files",
    record=Ingested,
    manifest=ImageSet,
    plan=ingest.plan,
    work=ingest.work,
    seal=seal,
    batch=batch,
)
