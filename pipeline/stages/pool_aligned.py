"""Pool aligned: cut registered pairs into tiles that teach something, and seal them, HR and LR."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import PoolDigest, columns_of, pool_digest, write_pairs
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.images.tiles import judge_tile, positions
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import align_pairs
from pairmill.pipeline.stages.payload import read_npy
from pairmill.pipeline.subset import evenly
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.aligned import AlignedPair, AlignedRef, AlignedSet, PairTiles
from pairmill.schemas.aligned_pool import AlignedManifest, CutPair, CutPairsConfig, TileRow
from pairmill.schemas.errors import UserError
from pairmill.schemas.work import Payload

Image = NDArray[np.uint8]
Tile = tuple[int, int]

MOVED = "moved"
"""Why a tile is skipped of which a part moved, or lies outside HR."""
LEAST_GOOD = 0.98
"""Share of a tile whose HR may be used."""
SHOWN = 5


class CutPayload(Payload):
    """One pair, and what the registration made of it."""

    ref: AlignedRef
    """The pair and its unit."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"pair {self.ref.pair.name}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return self.ref.key


def plan(pairs: AlignedSet, config: CutPairsConfig) -> list[CutPayload]:
    """One unit per pair, rejected ones too: the manifest lists them."""
    rejected = [ref for ref in pairs.pairs if ref.pair.reason is not None]
    return [CutPayload(ref=ref) for ref in (*pairs.used, *rejected)]


def work(
    units: Sequence[Unit[CutPayload]], config: CutPairsConfig, context: Context
) -> Iterator[CutPair]:
    """Choose tiles."""
    for unit in units:
        if unit.payload.ref.pair.reason is not None:
            yield CutPair(tiles=(), skipped={})
        else:
            yield cut(*_read(context.storage, unit.payload.ref.key), config)


def cut(hr: Image, good: NDArray[np.bool_], config: CutPairsConfig) -> CutPair:
    """Choose the tiles of a registered HR (s h, s w, 3), given the LR pixels (h, w) whose HR may be
    used. They begin at whole LR pixels.
    """
    size, scale = config.tiles.size, config.scale
    side, step = size // scale, max(1, config.tiles.step // scale)
    used, skipped = list[Tile](), Counter[str]()
    for top in positions(good.shape[0], side, step):
        for left in positions(good.shape[1], side, step):
            place = (left * scale, top * scale)
            if good[top : top + side, left : left + side].mean() < LEAST_GOOD:
                skipped[MOVED] += 1
            elif reason := judge_tile(_tile(hr, place, size), config.tiles):
                skipped[str(reason)] += 1
            else:
                used.append(place)
    return CutPair(tiles=tuple(used), skipped=dict(sorted(skipped.items())))


def _tile(image: Image, place: Tile, size: int) -> Image:
    left, top = place
    return image[top : top + size, left : left + size]


def _read(storage: Storage, key: str) -> tuple[Image, NDArray[np.bool_]]:
    folder = layout.unit_folder(align_pairs.STAGE.name, key)
    hr = decode_png(storage.read(f"{folder}/{align_pairs.HR}"))
    packed = read_npy(storage, f"{folder}/{align_pairs.GOOD}")
    lr = decode_png(storage.read(f"{folder}/{align_pairs.LR}"))
    return hr, np.unpackbits(packed, axis=1, count=lr.shape[1]).astype(bool)


@dataclass(frozen=True)
class _Chosen:
    """A pair, and its tiles that go into the pool."""

    ref: AlignedRef
    tiles: tuple[Tile, ...]


def seal(
    units: Sequence[Unit[CutPayload]],
    records: Sequence[CutPair],
    config: CutPairsConfig,
    context: Context,
    key: str,
) -> AlignedManifest:
    """Write the tiles of all pairs, `lr` and `hr`, in the order of the units.

    Raises:
        UserError: if no pair is good enough, or none gives a tile.
    """
    pairs = [unit.payload.ref.pair for unit in units]
    skipped = sum((Counter(record.skipped) for record in records), Counter[str]())
    refs = [unit.payload.ref for unit in units]
    chosen = _chosen(refs, [record.tiles for record in records], config.max_tiles)
    if not chosen:
        raise _nothing(pairs, skipped, config)
    count, side = sum(len(one.tiles) for one in chosen), config.tiles.size // config.scale
    shapes = {"lr": (count, side, side, 3), "hr": (count, *(config.tiles.size,) * 2, 3)}
    digest, hr_digests = PoolDigest(np.dtype(np.uint8), shapes["lr"]), list[str]()

    def parts() -> Iterator[dict[str, Image]]:
        for one in chosen:
            part = _tiles_of(context.storage, one, config)
            digest.add(part["lr"])
            hr_digests.append(pool_digest(part["hr"]))
            yield part

    columns = columns_of([row for one in chosen for row in _rows(one)])
    write_pairs(context.storage, layout.pool_group(context.stage, key), shapes, parts(), columns)
    return AlignedManifest(
        digest=digest.hexdigest(),
        count=count,
        side=side,
        pairs=tuple(
            PairTiles(lr=one.ref.pair.lr, image=one.ref.pair.hr, hr=hr, tiles=one.tiles)
            for one, hr in zip(chosen, hr_digests, strict=True)
            if one.ref.pair.lr and one.ref.pair.hr
        ),
        skipped=dict(sorted(skipped.items())),
        judged=tuple(sorted(pairs, key=lambda pair: pair.name)),
    )


def _chosen(
    refs: Sequence[AlignedRef], tiles: Sequence[tuple[Tile, ...]], most: int
) -> list[_Chosen]:
    """The pairs that have tiles, with at most `most` of all tiles, evenly spread."""
    starts = list(accumulate((len(part) for part in tiles), initial=0))
    rows = np.array(evenly(starts[-1], most), int) if starts[-1] else np.zeros(0, int)
    found = []
    for ref, part, (start, end) in zip(refs, tiles, pairwise(starts), strict=True):
        own = rows[(rows >= start) & (rows < end)] - start
        if len(own):
            found.append(_Chosen(ref, tuple(part[row] for row in own)))
    return found


def _tiles_of(storage: Storage, one: _Chosen, config: CutPairsConfig) -> dict[str, Image]:
    folder = layout.unit_folder(align_pairs.STAGE.name, one.ref.key)
    hr, lr = (
        decode_png(storage.read(f"{folder}/{name}")) for name in (align_pairs.HR, align_pairs.LR)
    )
    size, scale = config.tiles.size, config.scale
    places = [(left // scale, top // scale) for left, top in one.tiles]
    return {
        "lr": np.stack([_tile(lr, place, size // scale) for place in places]),
        "hr": np.stack([_tile(hr, place, size) for place in one.tiles]),
    }


def _rows(one: _Chosen) -> Iterator[TileRow]:
    for left, top in one.tiles:
        yield TileRow(image=one.ref.pair.lr or "", left=left, top=top)


def _nothing(
    pairs: Sequence[AlignedPair], skipped: Counter[str], config: CutPairsConfig
) -> UserError:
    rejected = [pair for pair in pairs if pair.reason is not None]
    if len(rejected) == len(pairs):
        shown = "; ".join(f"{pair.name}: {pair.detail}" for pair in rejected[:SHOWN])
        more = f"; and {len(rejected) - SHOWN} more" if len(rejected) > SHOWN else ""
        return UserError(
            "none of the real pairs is good enough",
            where="recipe key images.aligned",
            got=shown + more,
            wanted="LR and HR photographs of one scene that register",
            todo="`pairmill pool show RECIPE` lists all of them; give other pairs, or change the "
            "limits in recipe key aligned",
        )
    return UserError(
        "no real pair gives a tile",
        where="recipe keys images.aligned and tiles",
        got=", ".join(f"{count} {reason}" for reason, count in skipped.items())
        or "pairs smaller than a tile",
        wanted=f"HR of at least {config.tiles.size} x {config.tiles.size} pixels that shows "
        "something",
        todo="lower tiles.size, tiles.min_contrast or tiles.min_detail, or give larger pairs",
    )


STAGE = Stage(
    name="pool_aligned",
    version=1,
    title="cut pairs",
    noun="pairs",
    record=CutPair,
    manifest=AlignedManifest,
    plan=plan,
    work=work,
    seal=seal,
)
