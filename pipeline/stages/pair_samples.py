"""Which samples of real pairs go into a split: the weights of a recipe say how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import ItemsOnDisk, pool_digest
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.shards.splits import split_images
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.aligned import PairTiles
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders import DegraderConfig
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.recipe import SplitsConfig
from pairmill.schemas.shard import PairSamples

Tile = tuple[str, int, int]
"""The pair, by the digest of its LR, and (left, top)."""


def weights(degraders: Sequence[DegraderConfig], split: str) -> tuple[float, float]:
    """Of degraders that take any HR, and of those that have their own, together."""
    total = {False: 0.0, True: 0.0}
    for degrader in degraders:
        total[degrader.own_hr] += degrader.weight_in(split)
    return total[False], total[True]


def split_pairs(
    pairs: Sequence[PairTiles], images: Sequence[str], splits: SplitsConfig, seed: int
) -> dict[str, list[PairTiles]]:
    """The pairs of each split. A pair falls by its HR, or by its LR where that is one of the source
    images of the recipe, so that a scene is in one split only.
    """
    known = set(images)
    keys = {pair.lr: pair.lr if pair.lr in known else pair.image for pair in pairs}
    split_of = split_images([pair.lr for pair in pairs], splits, seed, keys)
    found: dict[str, list[PairTiles]] = {split: [] for split in splits.shares()}
    for pair in pairs:
        found[split_of[pair.lr]].append(pair)
    return found


def samples_of(pairs: Sequence[PairTiles], count: int) -> list[PairSamples]:
    """`count` samples of the tiles of some pairs, by the digest of LR.

    All tiles are taken as often as any other, or once less; which are taken less often depends on
    what they are, not on what else there is.
    """
    places = [(pair.lr, *tile) for pair in pairs for tile in pair.tiles]
    if not places:
        return []
    times, more = divmod(count, len(places))
    first = set(sorted(places, key=_mark)[:more])
    found = []
    for pair in sorted(pairs, key=lambda pair: pair.lr):
        tiles = tuple(
            (left, top, number)
            for left, top in pair.tiles
            for number in range(times + ((pair.lr, left, top) in first))
        )
        if tiles:
            found.append(PairSamples(lr=pair.lr, tiles=tiles))
    return found


def _mark(place: Tile) -> int:
    return stream_key("pair", *place)


@dataclass(frozen=True)
class PairRows:
    """Where the tiles of real pairs are in their pool."""

    group: str
    """Its zarr group."""
    rows: Mapping[Tile, int]
    spans: Mapping[str, tuple[PairTiles, slice]]
    """What is known of each pair, and its rows."""

    @classmethod
    def of(cls, ref: PoolRef, group: str) -> PairRows:
        """Of a sealed pool."""
        rows, spans, start = dict[Tile, int](), dict[str, tuple[PairTiles, slice]](), 0
        for pair in ref.pairs or ():
            rows |= {(pair.lr, *tile): start + number for number, tile in enumerate(pair.tiles)}
            spans[pair.lr] = pair, slice(start, start + len(pair.tiles))
            start += len(pair.tiles)
        return cls(group, rows, spans)

    def hr(self, storage: Storage, lr: str) -> NDArray[np.uint8]:
        """The HR tiles of a pair, (n, T, T, 3), in order.

        Raises:
            IntegrityError: if they are not what the pool says.
        """
        pair, rows = self.spans[lr]
        tiles = np.asarray(ItemsOnDisk(storage, self.group, "hr")[rows], np.uint8)
        if pool_digest(tiles) != pair.hr:
            raise IntegrityError(
                "HR tiles of a real pair are not what their pool says",
                where=storage.path(self.group),
                got=pool_digest(tiles)[:12],
                wanted=pair.hr[:12],
                todo="delete the folder and run `pairmill build` with the recipe again",
            )
        return tiles

    def tiles(
        self, storage: Storage, part: PairSamples
    ) -> Iterator[tuple[NDArray[np.uint8], tuple[int, int, int], int]]:
        """HR, place and row of each sample."""
        hr, start = self.hr(storage, part.lr), self.spans[part.lr][1].start
        for left, top, number in part.tiles:
            row = self.rows[part.lr, left, top]
            yield hr[row - start], (left, top, number), row
