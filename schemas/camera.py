"""What a file says of the camera that took it."""

from __future__ import annotations

import re

from pydantic import Field

from pairmill.schemas.base import Frozen

TEXT = 100
"""Longest name of a maker, a model or a lens, in characters."""
_COMPANY = re.compile(
    r"[\s,.]*\b(corporation|corp|company|co|ltd|inc|gmbh|ag|imaging|electronics|optical)\b.*",
    re.IGNORECASE,
)


class CameraFacts(Frozen):
    """EXIF of one image, as far as it makes sense; empty or none where nothing was said."""

    make: str = Field(default="", max_length=TEXT)
    """Maker of the camera, as it writes itself."""
    model: str = Field(default="", max_length=TEXT)
    """Model of the camera; many repeat the maker in it."""
    lens: str = Field(default="", max_length=TEXT)
    """Model of the lens."""
    focal_length: float | None = Field(default=None, gt=0)
    """Focal length, in millimetres."""
    aperture: float | None = Field(default=None, gt=0)
    """Focal length over the diameter of the opening (f-number)."""
    digital_zoom: float = Field(default=1.0, ge=1)
    """How many times the camera enlarged its pixels; 1 if it did not."""
    iso: int | None = Field(default=None, gt=0)
    """Sensitivity, ISO."""

    @property
    def name(self) -> str:
        """The camera in a few words, the maker once: `NIKON D5`; empty if nothing names it."""
        maker = _COMPANY.sub("", self.make).strip() or self.make
        first = maker.partition(" ")[0].casefold()
        # "NIKON CORPORATION" makes the "NIKON D5", but "Apple" the "iPhone 12".
        repeated = bool(first) and self.model.casefold().startswith(first)
        return self.model if repeated else f"{maker} {self.model}".strip()
