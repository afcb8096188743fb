"""A program: the short list of typed ops that turns one HR tile into its LR tile."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Digest, Frozen


class PooledBlur(Frozen):
    """Correlate with a kernel of a pool, on the HR grid, borders mirrored with the edge sample repeated."""

    op: Literal["pooled_blur"] = "pooled_blur"
    """Name of the op."""
    pool: Digest
    """Digest of the kernel pool."""
    index: int = Field(ge=0)
    """Row in the pool."""


class Subsample(Frozen):
    """Take rows and columns 0, s, 2s, ..."""

    op: Literal["subsample"] = "subsample"
    """Name of the op."""
    scale: int = Field(ge=1, le=8)
    """s: one pixel is kept of every s x s."""


class BicubicDown(Frozen):
    """MATLAB-compatible antialiased bicubic reduction (a = -0.5), borders mirrored with the edge sample repeated."""

    op: Literal["bicubic_down"] = "bicubic_down"
    """Name of the op."""
    scale: int = Field(ge=1, le=8)
    """How many times smaller each side becomes."""


class Placement(Frozen):
    """One crop of one noise patch, and where it goes in the LR."""

    index: int = Field(ge=0)
    """Row in the noise pool."""
    patch_top: int = Field(ge=0)
    """First row of the crop in the patch, in pixels."""
    patch_left: int = Field(ge=0)
    """First column of the crop in the patch, in pixels."""
    flip_rows: bool
    """Whether the crop is turned upside down."""
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


class Inject(Frozen):
    """Add mined noise: zero-mean crops, cross-faded where they overlap so that the variance stays the same."""

    op: Literal["inject"] = "inject"
    """Name of the op."""
    pool: Digest
    """Digest of the noise pool."""
    strength: float = Field(ge=0)
    """Factor on the noise; 1 is as mined."""
    placements: tuple[Placement, ...]
    """Crops that together cover the LR."""


class Quantise(Frozen):
    """Clip to [0, 255], round half up, and store 8 bits."""

    op: Literal["quantise"] = "quantise"
    """Name of the op."""


Op = Annotated[PooledBlur | Subsample | BicubicDown | Inject | Quantise, Field(discriminator="op")]


class Program(Frozen):
    """Ops in order, from 8-bit HR to 8-bit LR; with the pools it names it determines the LR bit for bit."""

    scale: int = Field(ge=1, le=8)
    """HR side over LR side."""
    ops: tuple[Op, ...] = Field(min_length=1)
    """What is done, in order."""

    def pools(self) -> tuple[str, ...]:
        """Digests of the pools that the program draws on, sorted, each once."""
        return tuple(sorted({op.pool for op in self.ops if isinstance(op, PooledBlur | Inject)}))
