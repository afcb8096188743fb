"""Payloads that several stages share."""

from __future__ import annotations

from typing import Any

from schemas.image import ImageRecord
from schemas.work import Payload


class ImagePayload(Payload):
    """One source image; where it lies does not matter."""

    image: ImageRecord
    """The image."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return self.image.url

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.image.role, self.image.pixel_sha256]
