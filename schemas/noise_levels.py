"""Noise against level: what was measured of a group of photographs, and the pool of gains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen


class NoisePoint(Frozen):
    """How strong the noise of a channel is at a level."""

    level: float
    """Mean intensity level of the blocks, 0 to 255."""
    std: float = Field(ge=0)
    """Standard deviation of the noise before rounding and JPEG, in intensity levels."""
    blocks: int = Field(ge=1)
    """Flat blocks of 16 x 16 px that it was measured on."""


class NoiseLevelsConfig(Frozen):
    """Which levels are known."""

    min_blocks: int = Field(default=20, ge=1)
    """Fewest blocks, flat or not, of a level that is measured."""


class GroupNoise(Frozen):
    """Noise against level of a group; levels with too few flat blocks are left out."""

    photographs: tuple[Digest, ...]
    """Pixel digests."""
    red: tuple[NoisePoint, ...]
    """Of R, by rising level."""
    green: tuple[NoisePoint, ...]
    """Of G."""
    blue: tuple[NoisePoint, ...]
    """Of B."""
    spread: float = Field(ge=0)
    """How much photographs differ: standard deviation of the logarithm of their noise."""


class PatchLevel(Frozen):
    """Where on the curve a noise patch was mined."""

    image: Digest
    """Pixel digest of the photograph."""
    red: float
    """Mean of R, in intensity levels."""
    green: float
    """Mean of G."""
    blue: float
    """Mean of B."""


class NoiseLevelsManifest(Frozen):
    """What a sealed pool of gains holds."""

    kind: Literal["noise_levels"] = "noise_levels"
    """Kind of pool."""
    digest: Digest
    """Digest of the gains."""
    count: int = Field(ge=0)
    """Number of rows: one per noise patch."""
    groups: tuple[GroupNoise, ...]
    """What was measured."""
    patches: tuple[PatchLevel, ...]
    """One record per row."""
