"""Synthesize: draw a program for every sample, apply it, and write shards; each shard is one
unit.
"""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline import degraders
from pairmill.pipeline.assets import load_assets
from pairmill.pipeline.degraders.base import Degrader, PoolInfo, Pools
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream, stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.shards.splits import split_images
from pairmill.pipeline.shards.table import parquet_bytes
from pairmill.pipeline.shards.tar import ShardWriter, make_sample
from pairmill.pipeline.stages import clean_up
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import ShardsConfig, SplitsConfig
from pairmill.schemas.sample import Box, SampleRecord, SampleRow
from pairmill.schemas.shard import ShardRef, ShardResult, ShardSet, SynthesizeConfig, TilesOfImage
from pairmill.schemas.work import FileRecord, Payload

GROUP = 1 << 20
"""HR pixels of the samples that are made, then encoded, then written together: each of the three
runs faster when not interrupted; memory stays bounded for large tiles."""


class ShardPayload(Payload):
    """The tiles of one shard, in order."""

    split: str
    """Split that the images are in."""
    number: int
    """Number of the shard in the split; only a label."""
    images: tuple[TilesOfImage, ...]
    """Images and the tiles taken from them."""
    pools: tuple[str, ...]
    """Zarr groups of the config's pools; places, which do not matter."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{self.split} shard {self.number}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [
            self.split,
            [[part.image.pixel_sha256, part.hr_key, part.tiles] for part in self.images],
        ]


@dataclass(frozen=True)
class Inputs:
    """What a corpus is made of, and how it is divided."""

    images: ImageSet
    hr: HrSet
    pools: tuple[str, ...]
    seed: int
    splits: SplitsConfig
    shards: ShardsConfig
    split_keys: Mapping[str, str] = field(default_factory=dict)
    """The image by whose draw another falls into a split, where that is not itself."""


def plan(inputs: Inputs, config: SynthesizeConfig) -> list[ShardPayload]:
    """Whole splits by source image, images in digest order, tiles packed into shards of about equal
    length.
    """
    records = inputs.images.by_digest()
    with_tiles = [ref for ref in inputs.hr.images if ref.hr.tiles]
    split_of = split_images(
        [ref.hr.image for ref in with_tiles], inputs.splits, inputs.seed, inputs.split_keys
    )
    per_shard = max(1, inputs.shards.samples // config.samples_per_tile)
    units: list[ShardPayload] = []
    for split in inputs.splits.shares():
        # By digest: neither the order of files nor their names may change a shard.
        refs = sorted(
            (ref for ref in with_tiles if split_of[ref.hr.image] == split),
            key=lambda ref: ref.hr.image,
        )
        parts = [
            TilesOfImage(
                image=records[ref.hr.image],
                hr_key=ref.key,
                cleaned=ref.hr.cleaned,
                tiles=ref.hr.tiles,
            )
            for ref in refs
        ]
        units += [
            ShardPayload(split=split, number=number, images=shard, pools=inputs.pools)
            for number, shard in enumerate(pack(parts, per_shard))
        ]
    return units


def pack(parts: Sequence[TilesOfImage], target: int) -> list[tuple[TilesOfImage, ...]]:
    """Tiles in order, cut into shards of about `target` tiles, at borders that the content chooses.

    A place is a border if its mark, the digest of what comes next, is the least within 0.6 of
    `target` tiles to both sides; places between two images go before those inside one. Which places
    are borders thus depends on what lies near them only (local-minimum chunking): an added image
    changes the shards around it, and all others stay as they are. What is too long between two
    borders is cut again. All shards have target // 2 to 3 * target // 2 tiles, at least 1, where
    there are so many.
    """
    parts = [part for part in parts if part.tiles]
    starts = list(accumulate((len(part.tiles) for part in parts), initial=0))
    least, most, reach = max(1, target // 2), max(1, 3 * target // 2), max(1, 3 * target // 5)
    # Marks near both ends lack neighbours on one side and would be borders too easily.
    inside = [
        place
        for place in _minima(_places(parts, starts, reach), reach)
        if reach <= place <= starts[-1] - reach
    ]
    borders = sorted({0, *inside, starts[-1]})
    return [
        _between(parts, starts, *cut)
        for span in pairwise(borders)
        for cut in _divided(parts, starts, span, least, most)
    ]


Place = tuple[int, tuple[int, int]]
"""A place where a shard may end, counted in tiles, and its mark; the first number of the mark is 0
between images."""


def _places(parts: Sequence[TilesOfImage], starts: list[int], reach: int) -> list[Place]:
    """All places between images, and those inside an image that are far from its ends."""
    found: list[Place] = []
    for part, start in zip(parts, starts, strict=False):
        image = part.image.pixel_sha256
        found.append((start, (0, _mark(image))))
        inner = range(reach, len(part.tiles) - reach + 1)
        found += [(start + number, (1, _mark(image, *part.tiles[number]))) for number in inner]
    return found


def _minima(places: Sequence[Place], reach: int) -> list[int]:
    """The places whose marks are the least of all that are nearer than `reach`; places ascend."""
    # A queue whose marks rise: its head is the least within reach, and each place enters once.
    found, near, ahead = list[int](), deque[Place](), 0
    for place, _ in places:
        while ahead < len(places) and places[ahead][0] < place + reach:
            while near and near[-1][1] > places[ahead][1]:
                near.pop()
            near.append(places[ahead])
            ahead += 1
        while near[0][0] <= place - reach:
            near.popleft()
        if near[0][0] == place:
            found.append(place)
    return found


def _divided(
    parts: Sequence[TilesOfImage], starts: list[int], span: tuple[int, int], least: int, most: int
) -> list[tuple[int, int]]:
    """A span of tiles, cut where the marks are least until no piece is longer than `most`; no piece
    is shorter than `least`.
    """
    begin, end = span
    if end - begin <= most:
        return [span]
    place = _least(parts, starts, begin + least, end - least)
    return [
        cut
        for piece in ((begin, place), (place, end))
        for cut in _divided(parts, starts, piece, least, most)
    ]


def _least(parts: Sequence[TilesOfImage], starts: list[int], first: int, last: int) -> int:
    """The place in [first, last] with the least mark."""
    images = range(bisect_left(starts, first), bisect_right(starts, last))
    # A border between two images is worth more than a small mark inside one.
    if images:
        return starts[min(images, key=lambda number: _mark(parts[number].image.pixel_sha256))]
    number = bisect_right(starts, first) - 1  # all of it lies inside this image
    part, start = parts[number], starts[number]
    return min(
        range(first, last + 1),
        key=lambda place: _mark(part.image.pixel_sha256, *part.tiles[place - start]),
    )


def _mark(*parts: str | int) -> int:
    return stream_key("border", *parts)


def _between(
    parts: Sequence[TilesOfImage], starts: list[int], begin: int, end: int
) -> tuple[TilesOfImage, ...]:
    """Tiles begin to end, by image."""
    numbers = range(bisect_right(starts, begin) - 1, bisect_left(starts, end))
    cut = [
        (parts[n], max(begin - starts[n], 0), min(end - starts[n], len(parts[n].tiles)))
        for n in numbers
    ]
    return tuple(
        p if (a, b) == (0, len(p.tiles)) else p.with_(tiles=p.tiles[a:b]) for p, a, b in cut
    )


def work(
    units: Sequence[Unit[ShardPayload]], config: SynthesizeConfig, context: Context
) -> Iterator[ShardResult]:
    """Make the pairs of a shard and write `shard.tar` and `samples.parquet`."""
    # By pixels, not by number: sixteen large tiles would take a worker's memory.
    together = max(1, GROUP // config.tile**2)
    for unit in units:
        maker = _Maker(config, context, unit.payload)
        rows: list[SampleRow] = []
        with context.create(unit, "shard.tar") as file:
            counted = _Hashing(file)
            writer = ShardWriter(cast("IO[bytes]", counted))
            for part in unit.payload.images:
                pairs = maker.pairs(part)
                while group := list(islice(pairs, together)):
                    # A list: all of a group are encoded before the first is written.
                    for sample in [make_sample(*pair) for pair in group]:
                        writer.write(sample)
                    rows += [
                        # The name of a shard is not known before its last byte.
                        SampleRow(**record.model_dump(), split=unit.payload.split, shard="")
                        for record, _, _ in group
                    ]
            writer.close()
        context.write(unit, "samples.parquet", parquet_bytes(rows))
        yield ShardResult(
            split=unit.payload.split,
            samples=len(rows),
            degraders=dict(sorted(Counter(r.degrader for r in rows).items())),
            tar=FileRecord(name="shard.tar", bytes=counted.bytes, sha256=counted.state.hexdigest()),
            pixel_sha256=pixels_of(rows),
        )


def pixels_of(rows: Sequence[SampleRecord]) -> str:
    """Digest of the keys and pixel digests of samples, in order: equal for equal pixels, whatever
    the encoder.
    """
    text = "".join(f"{row.key} {row.hr_sha256} {row.lr_sha256}\n" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


class _Maker:
    """Draws and applies the programs of one image after the other."""

    def __init__(self, config: SynthesizeConfig, context: Context, shard: ShardPayload) -> None:
        self.config, self.storage = config, context.storage
        self.assets = load_assets(
            context.profile.workspace, tuple(zip(config.pools, shard.pools, strict=True))
        )
        known = Pools(**{pool.kind: PoolInfo.of(pool) for pool in config.pools})
        drawn = [degrader for degrader in config.degraders if degrader.weight_in(shard.split)]
        self.degraders = [
            (degrader.label, degraders.build(degrader, config.scale, known)) for degrader in drawn
        ]
        # Weights may depend on the split: those of degraders that are drawn here, and no others.
        weights = np.cumsum([degrader.weight_in(shard.split) for degrader in drawn])
        self.bounds = weights / weights[-1]

    def pairs(
        self, part: TilesOfImage
    ) -> Iterator[tuple[SampleRecord, NDArray[np.uint8], NDArray[np.uint8]]]:
        """The samples of some tiles of one image: record, HR, LR. All are drawn first, then applied
        one by one.
        """
        image = clean_up.read_hr(self.storage, part.image, part.hr_key, cleaned=part.cleaned)
        tile, repeats = self.config.tile, range(self.config.samples_per_tile)
        drawn = [
            [self._draw(part.image, place, repeat) for repeat in repeats] for place in part.tiles
        ]
        for (left, top), of_tile in zip(part.tiles, drawn, strict=True):
            hr = np.ascontiguousarray(image[top : top + tile, left : left + tile])
            hr_sha256 = pixel_digest(hr)
            for key, label, program in of_tile:
                lr = apply(program, hr, self.assets)
                record = SampleRecord(
                    key=key,
                    image=part.image.pixel_sha256,
                    box=Box(left=left, top=top, width=tile, height=tile),
                    scale=self.config.scale,
                    degrader=label,
                    program=program.canonical_json(),
                    seed=self.config.seed,
                    hr_sha256=hr_sha256,
                    lr_sha256=pixel_digest(lr),
                )
                yield record, hr, lr

    def _draw(
        self, image: ImageRecord, place: tuple[int, int], repeat: int
    ) -> tuple[str, str, Program]:
        """Key, label of the degrader, and program of one sample."""
        key = f"{image.id}-{place[0]:05d}-{place[1]:05d}-{repeat:03d}"
        # Keyed by what the sample is, not by its place: other images, shards or workers change no
        # draw.
        rng = stream(self.config.seed, "draw", key)
        label, degrader = self._choose(float(rng.random()))
        return key, label, degrader.draw(rng, (self.config.tile, self.config.tile))

    def _choose(self, value: float) -> tuple[str, Degrader]:
        number = min(
            int(np.searchsorted(self.bounds, value, side="right")), len(self.degraders) - 1
        )
        return self.degraders[number]


class _Hashing(io.RawIOBase):
    """Passes bytes on and digests them on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.state, self.bytes = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.state.update(data)
        self.bytes += len(data)
        return self.file.write(data)


def seal(
    units: Sequence[Unit[ShardPayload]],
    records: Sequence[ShardResult],
    config: SynthesizeConfig,
    context: Context,
    key: str,
) -> ShardSet:
    """List the shards."""
    return ShardSet(
        shards=tuple(
            ShardRef(key=u.key, result=record) for u, record in zip(units, records, strict=True)
        )
    )


STAGE = Stage(
    name="synthesize",
    version=2,
    title="synthesize pairs",
    noun="shards",
    record=ShardResult,
    manifest=ShardSet,
    plan=plan,
    work=work,
    seal=seal,
)
