"""The exception that carries why one source image takes no part."""

from __future__ import annotations

from pairmill.schemas.image import ImageReason


class ImageRejected(Exception):  # noqa: N818 - a verdict, not an error
    """One file is not an image that pairmill can use; the build continues without it.

    Args:
        reason: Which rule it breaks.
        detail: What was found and what is allowed, in a sentence.
    """

    def __init__(self, reason: ImageReason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")

    def __reduce__(self) -> tuple[object, ...]:
        return ImageRejected, (self.reason, self.detail)
