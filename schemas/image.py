"""Source images: roles, accepted records, and reasons for rejecting one."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen, Grown
from pairmill.schemas.camera import CameraFacts


class Role(StrEnum):
    """What a source image is for."""

    REAL = "real"
    """X: real LR photos; what the LR side must look like."""
    CLEAN = "clean"
    """Y: clean HR photos, used as HR as they are."""


class ImageReason(StrEnum):
    """Why a source image was rejected."""

    MISSING = "missing"
    SET_ASIDE = "set-aside"
    EMPTY_FILE = "empty-file"
    UNREADABLE = "unreadable"
    NOT_AN_IMAGE = "not-an-image"
    UNSUPPORTED_FORMAT = "unsupported-format"
    CORRUPT = "corrupt"
    TRUNCATED = "truncated"
    SEVERAL_FRAMES = "several-frames"
    TRANSPARENT = "transparent"
    CMYK = "cmyk"
    NOT_8_OR_16_BIT = "not-8-or-16-bit"
    HDR = "hdr"
    UNKNOWN_COLOUR = "unknown-colour"
    TOO_SMALL = "too-small"
    TOO_LARGE = "too-large"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near-duplicate"
    IN_BENCHMARK = "in-benchmark"
    BLOCKY = "blocky"
    BLURRED = "blurred"
    DEFOCUSED = "defocused"
    ENLARGED = "enlarged"
    SOFT = "soft"
    RESAVED = "resaved"
    PLAIN = "plain"


class Conversion(StrEnum):
    """What was done to an image to make it upright 8-bit sRGB."""

    EXIF_ROTATED = "exif-rotated"
    ICC_TO_SRGB = "icc-to-srgb"
    EXIF_COLOUR_TO_SRGB = "exif-colour-to-srgb"
    CICP_TO_SRGB = "cicp-to-srgb"
    GAMMA_TO_SRGB = "gamma-to-srgb"
    GREY_TO_RGB = "grey-to-rgb"
    PALETTE_TO_RGB = "palette-to-rgb"
    SIXTEEN_TO_EIGHT_BIT = "16-to-8-bit"
    OPAQUE_ALPHA_DROPPED = "opaque-alpha-dropped"
    BROKEN_ICC_IGNORED = "broken-icc-ignored"
    BROKEN_COLOUR_IGNORED = "broken-colour-ignored"
    FIRST_FRAME_OF_MPO = "first-frame-of-mpo"


class IngestConfig(Frozen):
    """What an image must be to be accepted."""

    min_side: int = Field(default=64, ge=16)
    """Shortest side that an image may have, in pixels."""
    max_pixels: int = Field(default=200_000_000, ge=1)
    """Largest pixel count that is decoded; more is taken for a decompression bomb."""


class Credit(Frozen):
    """Who made an image, and what one may do with it; empty where nothing was said."""

    licence: str = ""
    """Licence: an SPDX identifier such as `CC-BY-4.0`, a name or a URL."""
    author: str = ""
    """Who made it."""
    source: str = ""
    """Where it was published: a URL."""
    title: str = ""
    """What it is called."""


class ImageRecord(Grown):
    """An accepted source image; its identity is `pixel_sha256`, not its place."""

    added: ClassVar[tuple[str, ...]] = ("camera", "group")
    url: str
    """Where the file was found: an absolute path or fsspec URL."""
    role: Role
    """`real` or `clean`."""
    format: str
    """Container format, such as `JPEG` or `PNG`."""
    width: int = Field(ge=1)
    """Width of the decoded upright image, in pixels."""
    height: int = Field(ge=1)
    """Height of the decoded upright image, in pixels."""
    bytes: int = Field(ge=1)
    """Size of the file, in bytes."""
    file_sha256: Digest
    """Digest of the file."""
    pixel_sha256: Digest
    """Digest of the decoded image: height, width and RGB bytes."""
    conversions: tuple[Conversion, ...] = ()
    """What decoding changed."""
    credit: Credit | None = None
    """Licence and author, from a side file; none if no side file names the image."""
    camera: CameraFacts | None = None
    """What the file says of the camera that took a real image; none if it says nothing."""
    group: str = ""
    """The name that the recipe gives to its group in `images.real`; empty if it gives none."""

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that stand for the image in keys."""
        return self.pixel_sha256[:16]


class RejectedImage(Frozen):
    """A source file that takes no part, and why."""

    url: str
    """Where the file was found."""
    role: Role
    """The role it would have had."""
    reason: ImageReason
    """Why it was rejected."""
    detail: str
    """What was found and what is allowed, in a sentence."""


class ImageSet(Frozen):
    """The accepted images of a recipe, ordered by role and digest, and the rejected files."""

    accepted: tuple[ImageRecord, ...]
    """Images that take part."""
    rejected: tuple[RejectedImage, ...]
    """Files that do not, with reasons."""

    def identity(self) -> list[tuple[str, str]]:
        """What the set is, whatever the files are called and whichever were rejected: roles and
        pixel digests.
        """
        return [(image.role.value, image.pixel_sha256) for image in self.accepted]

    def by_digest(self) -> dict[str, ImageRecord]:
        """The accepted images by pixel digest; records elsewhere name images by it, since files
        move.
        """
        return {image.pixel_sha256: image for image in self.accepted}

    def with_role(self, role: Role) -> tuple[ImageRecord, ...]:
        """The accepted images of one role."""
        return tuple(image for image in self.accepted if image.role == role)
