"""Mine compression: how each real image was encoded as JPEG, from its file or else from its
pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from pairmill.pipeline.compression.mine import JPEG, of_file, of_pixels
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.payload import ImagePayload
from pairmill.schemas.base import Frozen
from pairmill.schemas.compression import CompressionConfig, MinedCompression
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageRecord, ImageSet, Role


class FilePayload(ImagePayload):
    """One real image; of a JPEG the file matters too, since its tables stand there."""

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [
            self.image.pixel_sha256,
            self.image.file_sha256 if self.image.format in JPEG else "",
        ]


class Compressions(Frozen):
    """All real images, in the order of the image set."""

    images: tuple[MinedCompression, ...]
    """One per real image."""


def plan(images: ImageSet, config: CompressionConfig) -> list[FilePayload]:
    """One unit per real image."""
    return [FilePayload(image=image) for image in images.with_role(Role.REAL)]


def work(
    units: Sequence[Unit[FilePayload]], config: CompressionConfig, context: Context
) -> Iterator[MinedCompression]:
    """Read the tables, or estimate them."""
    for unit in units:
        image = unit.payload.image
        if image.format in JPEG:
            yield of_file(_unchanged(image), image.pixel_sha256)
        else:
            yield of_pixels(load(image), image.pixel_sha256, config)


def _unchanged(image: ImageRecord) -> bytes:
    """The file of an image, without decoding its pixels.

    Raises:
        UserError: if it is gone or no longer the file that was ingested.
    """
    try:
        data = read_image(image.url)
    except ImageRejected as error:
        data, got = b"", error.detail
    else:
        got = f"a file with other content, {len(data)} bytes"
    if hashlib.sha256(data).hexdigest() != image.file_sha256:
        raise UserError(
            "An image changed since ingest",
            where=image.url,
            got=got,
            wanted=f"the file that was ingested, {image.bytes} bytes",
            todo="put the file back as it was, or run the build again, which ingests changed "
            "files anew",
        )
    return data


def seal(
    units: Sequence[Unit[FilePayload]],
    records: Sequence[MinedCompression],
    config: CompressionConfig,
    context: Context,
    key: str,
) -> Compressions:
    """List what was found."""
    return Compressions(images=tuple(records))


STAGE = Stage(
    name="mine_compression",
    version=2,
    title="mine compression",
    noun="images",
    record=MinedCompression,
    manifest=Compressions,
    plan=plan,
    work=work,
    seal=seal,
)
