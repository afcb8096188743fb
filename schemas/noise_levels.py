"""Noise against level: what was measured of a group of photographs, and the pool of gains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen

NoiseWay = Literal["by_level", "raw", "none"]
"""Patches that follow the level of LR, shot and read noise on the sensor, or no noise: of
photographs that show none."""


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
    raw: bool = False
    """Whether noise on the sensor is fitted too."""


class CorrelatedNoise(Frozen):
    """How noise hangs together in the mined patches of a third of all levels: correlations, -1 to
    1.
    """

    part: Literal["dark", "middle", "bright"]
    """Which third of the levels of luma."""
    patches: int = Field(ge=1)
    """Patches that it was measured on."""
    along_rows: float
    """Of neighbours in a row, over all channels."""
    along_columns: float
    """Of neighbours in a column."""
    red_green: float
    """Of R and G at a pixel."""
    blue_green: float
    """Of B and G."""
    white: bool
    """Whether there is none worth naming."""


class RawNoise(Frozen):
    """Noise on the sensor of a group, and the development behind it."""

    shot: float = Field(ge=0)
    """Variance per level, in raw intensity levels (255 is the sensor's white)."""
    read: float = Field(ge=0)
    """Standard deviation in the dark, in raw intensity levels."""
    red_gain: float = Field(gt=0, le=8)
    """White balance of red."""
    blue_gain: float = Field(gt=0, le=8)
    """White balance of blue."""
    tone: bool
    """Whether the development has a tone curve."""
    spread: float = Field(ge=0)
    """That of the group, see `GroupNoise`."""


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
    """How much photographs usually differ: standard deviation of the logarithm of their noise, from
    the median absolute deviation."""
    correlation: tuple[CorrelatedNoise, ...] = ()
    """How it hangs together, by level; empty where no patch was mined."""
    raw: RawNoise | None = None
    """The noise on the sensor that makes it; none where it was not asked for, or no level is
    known."""


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
