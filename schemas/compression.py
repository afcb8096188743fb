"""Mined compression: how the real images were encoded as JPEG, read from their files or estimated
from their pixels.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen

MinedSubsampling = Literal["444", "422", "440", "420"]
"""Chroma at full resolution, halved along rows (columns are dropped), halved along columns, or
both."""


class CompressionConfig(Frozen):
    """When a real image counts as compressed, and when a corpus imitates that."""

    min_evidence: float = Field(default=20.0, ge=0)
    """Smallest evidence for a grid in pixels, in nats. If coefficients were smooth and independent,
    an image that never was a JPEG would reach x with a probability of at most 64 exp(-x)."""
    min_confidence: float = Field(default=0.5, ge=0, le=1)
    """Smallest share of the coefficients, beyond chance, that must lie on the estimated
    quantisation steps."""
    min_steps: int = Field(default=8, ge=1, le=64)
    """Minimum number of luma steps that must be measured in pixels."""
    min_share: float = Field(default=0.1, ge=0, le=1)
    """Smallest share of the real images that must be compressed; below it the compression pool
    stays empty."""


class CompressionSource(StrEnum):
    """Where the knowledge of an image's compression comes from."""

    FILE = "file"
    """The tables in the JPEG file: exact."""
    PIXELS = "pixels"
    """The pixels of a JPEG that was saved again without loss: estimated."""
    NONE = "none"
    """No compression was found."""


class MinedCompression(Frozen):
    """How one real image was compressed."""

    image: Digest
    """Pixel digest of the real image."""
    source: CompressionSource
    """How it is known."""
    luma: tuple[int, ...]
    """64 quantisation steps of luma by rows, of the upright image; empty if no compression was
    found."""
    chroma: tuple[int, ...]
    """64 quantisation steps of chroma by rows; empty if no compression was found."""
    subsampling: MinedSubsampling
    """Chroma subsampling of the upright image."""
    phase: tuple[int, int]
    """Rows and columns, 0..15, by which the image starts inside its first block (below 8 where
    chroma is not subsampled)."""
    quality: int = Field(ge=0, le=100)
    """Quality of the nearest standard table on libjpeg's scale; 0 if no compression was found."""
    standard: bool
    """Whether the luma table is that standard table."""
    known: tuple[int, int]
    """Steps of luma and of chroma that were read or measured; the others are those of the nearest
    standard table, or of a file with tables of their own for Cb and Cr the smaller of both."""
    confidence: float = Field(ge=0, le=1)
    """1 if read from the file; else the share of coefficients, beyond chance, on the estimated
    steps."""
    evidence: float = Field(ge=0)
    """Evidence for the grid in the pixels, in nats; 0 if read from the file."""

    @property
    def found(self) -> bool:
        """Whether the image is compressed."""
        return self.source != CompressionSource.NONE


class CompressionPoolManifest(Frozen):
    """What a sealed compression pool holds: one row per compressed image, so that frequent encoders
    are drawn often.
    """

    kind: Literal["compression"] = "compression"
    """Kind of pool."""
    digest: Digest | None
    """Digest of the encoders; programs name the pool by it; none if the pool is empty."""
    count: int = Field(ge=0)
    """Number of encoders; 0 if too few real images are compressed."""
    share: float = Field(ge=0, le=1)
    """Share of the real images that are compressed."""
    min_share: float = Field(ge=0, le=1)
    """Share below which the pool stays empty."""
    images: tuple[MinedCompression, ...]
    """What was found in every real image, in the order of the image set."""

    def rows(self) -> tuple[MinedCompression, ...]:
        """The compressed images, in pool order; none if the pool is empty."""
        if self.count:
            return tuple(image for image in self.images if image.found)
        return ()
