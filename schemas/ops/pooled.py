"""Ops that take something from a pool: a kernel, noise patches, a JPEG encoder, a photograph."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.ops.base import Counts, OpBase


class PooledBlur(OpBase):
    """Correlate with a kernel of a pool, on the HR grid, borders mirrored with the edge sample
    repeated; where the kernel has planes for R, G and B, each channel with its own.
    """

    op: Literal["pooled_blur"] = "pooled_blur"
    """Name of the op."""
    pool: Digest
    """Digest of the kernel pool."""
    index: int = Field(ge=0)
    """Row in the pool."""

    def words(self, counts: Counts) -> str:
        """See `OpBase.words`."""
        of = ""
        if self.pool in counts:
            of = f" of {counts[self.pool]}"
        return f"kernel #{self.index}{of}"


class Aligned(OpBase):
    """The LR that a camera made of the same scene: the HR tile is registered to it, and the image
    at hand is left aside.
    """

    op: Literal["aligned"] = "aligned"
    """Name of the op."""
    pool: Digest
    """Digest of the pool of real pairs."""
    index: int = Field(ge=0)
    """Row in the pool."""

    def words(self, counts: Counts) -> str:
        """See `OpBase.words`."""
        of = ""
        if self.pool in counts:
            of = f" of {counts[self.pool]}"
        return f"LR photograph, tile #{self.index}{of}"


class Placement(Frozen):
    """One crop of one noise patch, and where it goes in the LR."""

    index: int = Field(ge=0)
    """Row in the noise pool."""
    patch_top: int = Field(ge=0)
    """First row of the crop in the patch, in pixels."""
    patch_left: int = Field(ge=0)
    """First column of the crop in the patch, in pixels."""
    flip_rows: bool
    """Whether the crop is flipped upside down."""
    flip_columns: bool
    """Whether the crop is mirrored left to right."""
    top: int = Field(ge=0)
    """First row in the LR, in pixels."""
    left: int = Field(ge=0)
    """First column in the LR, in pixels."""
    height: int = Field(ge=1)
    """Rows of the crop, in pixels."""
    width: int = Field(ge=1)
    """Columns of the crop, in pixels."""


class Inject(OpBase):
    """Add mined noise: crops of zero-mean patches, cross-faded where they overlap so that the
    variance stays the same.
    """

    op: Literal["inject"] = "inject"
    """Name of the op."""
    pool: Digest
    """Digest of the noise pool."""
    strength: float = Field(ge=0)
    """Factor on the noise; 1 is as mined."""
    placements: tuple[Placement, ...]
    """Crops that together cover the LR."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        rows = sorted({place.index for place in self.placements})
        some = ", ".join(f"#{row}" for row in rows[:4])
        if len(rows) > 4:
            some += f" and {len(rows) - 4} more"
        noun = "noise patches" if len(rows) > 1 else "noise patch"
        return f"{noun} {some} at strength {self.strength:.2f}"


class NearPlacement(Placement):
    """A crop of the one of several patches that was mined at a level nearest to that of the LR
    there.
    """

    others: tuple[int, ...]
    """Rows that may take the place of `index`."""


class InjectByLevel(OpBase):
    """Add mined noise, made as strong as the camera's is at the level of each pixel: crops as in
    `Inject`, times the gain of their patch at the level of the LR, per channel.
    """

    op: Literal["inject_by_level"] = "inject_by_level"
    """Name of the op."""
    pool: Digest
    """Digest of the noise pool."""
    levels: Digest
    """Digest of the pool of their gains, row for row."""
    strength: float = Field(ge=0)
    """Factor on the noise; 1 is as the camera's."""
    placements: tuple[NearPlacement, ...]
    """Crops that together cover the LR."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        noun = "noise patches" if len(self.placements) > 1 else "a noise patch"
        return f"{noun} of like level, as strong as there, at strength {self.strength:.2f}"


class PooledJpeg(OpBase):
    """Encode and decode as JPEG the way one of the real images was: its tables, its chroma
    subsampling, a grid phase.
    """

    op: Literal["pooled_jpeg"] = "pooled_jpeg"
    """Name of the op."""
    pool: Digest
    """Digest of the compression pool."""
    index: int = Field(ge=0)
    """Row in the pool."""
    phase: tuple[int, int] = (0, 0)
    """Rows and columns, 0..15, by which the image starts inside its first block (16 for subsampled
    chroma, else 8)."""

    def words(self, counts: Counts) -> str:
        """See `OpBase.words`."""
        of = ""
        if self.pool in counts:
            of = f" of {counts[self.pool]}"
        return f"JPEG as real image #{self.index}{of}"
