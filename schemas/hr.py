"""Clean HR images and the tiles cut from them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen, Grown
from pairmill.schemas.image import ImageRecord
from pairmill.schemas.recipe import CleanUpConfig, TilesConfig


class TileReason(StrEnum):
    """Why a tile is skipped."""

    FLAT = "flat"
    BLURRED = "blurred"
    DEFOCUSED = "defocused"
    NOT_CHOSEN = "not chosen"


class CutConfig(Frozen):
    """How HR is made and cut."""

    clean_up: CleanUpConfig
    """Downscaling of real images."""
    tiles: TilesConfig
    """Size, stride and least content of tiles."""


class HrImage(Grown):
    """The HR made of one source image, and where its tiles lie."""

    added: ClassVar[tuple[str, ...]] = ("complexity",)
    image: Digest
    """Pixel digest of the source image."""
    cleaned: bool
    """Whether HR is the downscaled source (`hr.npy` of the unit) or the source as it is."""
    width: int = Field(ge=1)
    """Width of the HR image, in pixels."""
    height: int = Field(ge=1)
    """Height of the HR image, in pixels."""
    tiles: tuple[tuple[int, int], ...]
    """(left, top) of each tile that is used, in HR pixels."""
    skipped: dict[TileReason, int]
    """Tiles that are not used, by reason."""
    complexity: tuple[float, ...] = ()
    """Of each tile, in bits, where the tiles of all images are yet to be chosen by it."""


class HrTile(Frozen):
    """One tile of one HR image."""

    image: ImageRecord
    """Source image."""
    hr_key: Digest
    """Unit of stage clean_up."""
    cleaned: bool
    """Whether HR is the downscaled source."""
    left: int
    """First column, in HR pixels."""
    top: int
    """First row, in HR pixels."""

    def identity(self) -> list[Any]:
        """What of it determines results."""
        return [self.image.pixel_sha256, self.hr_key, self.left, self.top]


class HrRef(Frozen):
    """One HR image and the unit that made it."""

    key: Digest
    """Key of the unit."""
    hr: HrImage
    """What it made."""


class HrSet(Frozen):
    """All HR images of a recipe, in the order of the image set."""

    images: tuple[HrRef, ...]
    """The HR images."""

    @property
    def tiles(self) -> int:
        """Number of tiles that are used."""
        return sum(len(ref.hr.tiles) for ref in self.images)
