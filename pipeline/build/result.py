"""What a build has come to: all its sealed stages."""

from __future__ import annotations

from dataclasses import dataclass

from pairmill.pipeline.build.select_images import ImageSelection
from pairmill.pipeline.pools.base import PoolResults, Pools
from pairmill.pipeline.runner.stage import Sealed
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.shard import ShardSet


@dataclass(frozen=True, kw_only=True)
class BuildResult(PoolResults):
    """All sealed stages of a build."""

    recipe: Recipe
    images: Sealed[ImageSet]
    """Those that take part, and those that do not."""
    chosen: ImageSelection
    """How they were chosen."""
    hr: Sealed[HrSet]
    pools: Pools
    """What programs draw from."""
    shards: Sealed[ShardSet]
    versions: dict[str, int]
    """Versions of the stages that took part."""
    used: dict[str, tuple[str, ...]]
    """Keys of all sealed stages that took part, by stage."""
