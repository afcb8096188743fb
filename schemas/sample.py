"""One HR/LR pair: its plan, its record in the shard, and its row in the table."""

from __future__ import annotations

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen, Key


class Box(Frozen):
    """A rectangle of pixels."""

    left: int = Field(ge=0)
    """First column."""
    top: int = Field(ge=0)
    """First row."""
    width: int = Field(ge=1)
    """Columns."""
    height: int = Field(ge=1)
    """Rows."""


class SampleRecord(Frozen):
    """The JSON next to each pair in a shard; fields are fixed and never null, so that readers infer
    one schema.
    """

    key: Key
    """Unique name of the sample in the corpus."""
    image: Digest
    """Pixel digest of the source image."""
    box: Box
    """Where the tile lies in the HR image, in HR pixels."""
    scale: int
    """HR side over LR side."""
    degrader: str
    """Which degrader drew the program."""
    program: str
    """The program, as canonical JSON."""
    seed: int
    """Seed of the corpus."""
    hr_sha256: Digest
    """Digest of the HR pixels: height, width and RGB bytes."""
    lr_sha256: Digest
    """Digest of the LR pixels: height, width and RGB bytes."""


class SampleRow(SampleRecord):
    """One row of `samples.parquet`."""

    split: str
    """Split that the source image is in."""
    shard: str
    """File name of the shard."""
