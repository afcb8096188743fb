"""Plans and results of synthesis."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen, Grown
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders import DegraderConfig
from pairmill.schemas.image import ImageRecord
from pairmill.schemas.work import FileRecord

Encoding = Literal["fast", "small", "opencv"]
"""How the images of a shard are stored, always without loss: `fast` is PNG by fpng, `small` is WebP
by Pillow, `opencv` is PNG by OpenCV, which versions before there was a choice are of."""
LrMode = Literal["stored", "replayed"]
"""Whether shards hold LR, or it is made of HR and program when it is asked for."""


class SynthesizeConfig(Grown):
    """All that turns HR tiles into pairs."""

    added: ClassVar[tuple[str, ...]] = ("encoding", "lr")

    seed: int
    """Seed of the corpus."""
    scale: int
    """HR side over LR side."""
    tile: int
    """Side of an HR tile, in pixels."""
    samples_per_tile: int
    """Draws per tile."""
    degraders: tuple[DegraderConfig, ...]
    """Degraders and their weights."""
    pools: tuple[PoolRef, ...]
    """Pools to draw from."""
    encoding: Encoding = "opencv"
    """How images are encoded; left out of the digest where it is as it was before there was a
    choice."""
    lr: LrMode = "stored"
    """Whether LR is written; left out of the digest where it is."""


class TilesOfImage(Frozen):
    """Some tiles of one HR image."""

    image: ImageRecord
    """The source image."""
    hr_key: Digest
    """The unit that made the HR image."""
    cleaned: bool
    """Whether HR is `hr.npy` of that unit, or the source as it is."""
    tiles: tuple[tuple[int, int], ...]
    """(left, top) of each, in HR pixels."""

    @property
    def digest(self) -> str:
        """What stands for all of them."""
        return self.image.pixel_sha256


class PairSamples(Frozen):
    """Some samples of one real pair."""

    lr: Digest
    """Pixel digest of the LR photograph, which stands for the pair."""
    tiles: tuple[tuple[int, int, int], ...]
    """(left, top) of the tile of each, in HR pixels, and how many samples of that tile came
    before."""

    @property
    def digest(self) -> str:
        """What stands for all of them."""
        return self.lr


class ShardResult(Frozen):
    """One finished shard: `shard.tar` and `samples.parquet` of its unit."""

    split: str
    """Split that its samples are in."""
    samples: int = Field(ge=0)
    """Number of samples."""
    degraders: dict[str, int]
    """Samples per degrader."""
    tar: FileRecord
    """The tar."""
    pixel_sha256: Digest
    """Digest of the samples' keys and pixel digests, in order."""


class ShardRef(Frozen):
    """One shard and the unit that made it."""

    key: Digest
    """Key of the unit."""
    result: ShardResult
    """What it made."""


class ShardSet(Frozen):
    """All shards of a corpus, ordered by split and number."""

    shards: tuple[ShardRef, ...]
    """The shards."""
