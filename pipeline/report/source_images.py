"""Thumbnails of source images, within a budget of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import Image, thumbnail
from pairmill.pipeline.html.text import file_name, plain
from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.hr import HrRef
from pairmill.schemas.image import ImageRecord

if TYPE_CHECKING:
    from pairmill.pipeline.build.result import BuildResult

BUDGET = 120_000_000
"""Pixels that are decoded for thumbnails, in all; about four seconds."""


class Sources:
    """Names and thumbnails of source images by pixel digest."""

    def __init__(self, storage: Storage, made: BuildResult, picture_files: PictureFiles) -> None:
        self.storage, self.picture_files, self.left = storage, picture_files, BUDGET
        self.images = made.images.manifest.by_digest()
        self.hr = {ref.hr.image: ref for ref in made.hr.manifest.images}
        self.known: dict[str, str] = {}

    def name(self, image: str) -> str:
        """File name of an image."""
        if image in self.images:
            return plain(file_name(self.images[image].url))
        return image[:16]

    def thumbnail(self, image: str) -> str:
        """Image of an image; empty if it can no longer be read or the budget is spent."""
        if image not in self.known:
            self.known[image] = self._draw(image)
        return self.known[image]

    def _draw(self, image: str) -> str:
        record, ref = self.images.get(image), self.hr.get(image)
        if record is None or ref is None or ref.hr.width * ref.hr.height > self.left:
            return ""
        self.left -= ref.hr.width * ref.hr.height
        try:
            return self.picture_files.jpeg(
                f"source-{record.id}", thumbnail(self._read(record, ref))
            )
        except (PairmillError, ValueError):
            # Moved or deleted since: the corpus is whole without it.
            return ""

    def _read(self, record: ImageRecord, ref: HrRef) -> Image:
        return clean_up.read_hr(self.storage, record, ref.key, cleaned=ref.hr.cleaned)
