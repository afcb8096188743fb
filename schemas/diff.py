"""What differs between two versions, and whether a version came out again."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.corpus import PoolRef


class Change(Frozen):
    """One value that differs."""

    path: str
    """Where it is, such as `kernels.iterations` or `degraders[1].weight`."""
    old: Any
    """Value in the first version; none if it has no such field."""
    new: Any
    """Value in the second version; none if it has no such field."""


class PoolChange(Frozen):
    """A kind of pool that differs."""

    kind: str
    """What the pool holds."""
    old: PoolRef | None
    """Pool of the first version; none if it has none."""
    new: PoolRef | None
    """Pool of the second version; none if it has none."""


class SampleChanges(Frozen):
    """How the samples of two versions compare; a sample is found by its key."""

    equal: int = 0
    """Samples in both, equal in every field."""
    added: int = 0
    """Samples of the second version alone."""
    removed: int = 0
    """Samples of the first version alone."""
    changed: int = 0
    """Samples in both that differ in some field."""
    fields: dict[str, int] = Field(default_factory=dict)
    """How many samples differ in each field: split, image, box, scale, degrader, program, seed, HR
    pixels, LR pixels."""
    programs: dict[str, int] = Field(default_factory=dict)
    """How many programs differ in what: `ops` if the ops are others, else `op.parameter`."""
    examples: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Keys of a few samples that were added, removed and changed."""

    @property
    def same(self) -> bool:
        """Whether no sample differs."""
        return not (self.added or self.removed or self.changed)


class ShardChanges(Frozen):
    """How the shards of two versions compare."""

    old: int
    """Shards of the first version."""
    new: int
    """Shards of the second version."""
    same: int
    """Shards of the second version whose bytes the first has as well."""
    encoded: int
    """Others whose pixels the first has as well, in files written by another encoder."""


class CorpusDiff(Frozen):
    """All that differs between two versions."""

    old: str
    """First version, as NAME@VERSION."""
    new: str
    """Second version, as NAME@VERSION."""
    identical: bool
    """Whether both have one digest."""
    recipe: tuple[Change, ...]
    """Fields of the recipe that differ."""
    stages: tuple[Change, ...]
    """Versions of stages that differ."""
    pools: tuple[PoolChange, ...]
    """Pools that differ."""
    images_added: tuple[Digest, ...]
    """Images of the second version alone, by pixel digest."""
    images_removed: tuple[Digest, ...]
    """Images of the first version alone, by pixel digest."""
    places: dict[Digest, str]
    """Where the images that were added or removed were found, as far as it is known."""
    samples: SampleChanges
    """Samples."""
    shards: ShardChanges
    """Shards."""


class Outcome(StrEnum):
    """How a version came out when it was made again."""

    IDENTICAL = "identical"
    """Every byte that the digest stands for."""
    PIXELS = "pixels"
    """Every sample with its pixels and program, in other files: another encoder, or other borders
    between shards."""
    DIFFERENT = "different"
    """Some samples differ."""


class Reproduction(Frozen):
    """What became of making a version again."""

    version: str
    """The version, as NAME@VERSION."""
    outcome: Outcome
    """How it came out."""
    digest: Digest
    """Digest of what came out; that of the version if it is identical."""
    from_pools: bool
    """Whether pools of the version were used instead of estimating them again."""
    notes: tuple[str, ...]
    """What is different here, in sentences: software, stages, pools, why pools of the version were
    used."""
    samples: SampleChanges
    """Samples of the version and of what came out."""
    shards: ShardChanges
    """Shards of the version and of what came out."""
