"""Synthesize: draw a program for every sample, apply it, and write shards; each shard is one unit."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline import degraders, layout
from pipeline.apply import apply
from pipeline.corpora.splits import split_images
from pipeline.corpora.table import parquet_bytes
from pipeline.degraders.base import Degrader, PoolInfo, Pools
from pipeline.images.decode import load, pixel_digest
from pipeline.images.encode import decode_png
from pipeline.pools import load_assets
from pipeline.rng import stream
from pipeline.shards.tar import ShardWriter, make_sample
from pipeline.stage import Context, Stage, Unit
from pipeline.stages import clean_up
from pipeline.storage import Storage
from schemas.hr import HrSet
from schemas.image import ImageRecord, ImageSet, IngestConfig
from schemas.recipe import ShardsConfig, SplitsConfig
from schemas.sample import Box, SampleRecord, SampleRow
from schemas.shard import ShardRef, ShardResult, ShardSet, SynthesizeConfig, TilesOfImage
from schemas.work import FileRecord, Payload


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
        return [self.split, [[part.image.pixel_sha256, part.hr_key, part.tiles] for part in self.images]]


@dataclass(frozen=True)
class Inputs:
    """What a corpus is made of, and how it is divided."""

    images: ImageSet
    hr: HrSet
    pools: tuple[str, ...]
    seed: int
    splits: SplitsConfig
    shards: ShardsConfig


def plan(inputs: Inputs, config: SynthesizeConfig) -> list[ShardPayload]:
    """Whole splits by source image, images in digest order, tiles packed into shards of equal length."""
    records = inputs.images.by_digest()
    with_tiles = [ref for ref in inputs.hr.images if ref.hr.tiles]
    split_of = split_images([ref.hr.image for ref in with_tiles], inputs.splits, inputs.seed)
    per_shard = max(1, inputs.shards.samples // config.samples_per_tile)
    units: list[ShardPayload] = []
    for split in inputs.splits.shares():
        refs = sorted((ref for ref in with_tiles if split_of[ref.hr.image] == split), key=lambda ref: ref.hr.image)
        parts = [
            TilesOfImage(image=records[ref.hr.image], hr_key=ref.key, cleaned=ref.hr.cleaned, tiles=ref.hr.tiles)
            for ref in refs
        ]
        units += [
            ShardPayload(split=split, number=number, images=shard, pools=inputs.pools)
            for number, shard in enumerate(pack(parts, per_shard))
        ]
    return units


def pack(parts: Sequence[TilesOfImage], per_shard: int) -> list[tuple[TilesOfImage, ...]]:
    """Tiles in order, cut into shards of `per_shard` tiles; the last has the rest."""
    shards: list[list[TilesOfImage]] = []
    room = 0
    for part in parts:
        tiles = part.tiles
        while tiles:
            if room == 0:
                shards.append([])
                room = per_shard
            shards[-1].append(part.with_(tiles=tiles[:room]))
            taken = min(room, len(tiles))
            tiles, room = tiles[taken:], room - taken
    return [tuple(shard) for shard in shards]


def work(units: Sequence[Unit[ShardPayload]], config: SynthesizeConfig, context: Context) -> Iterator[ShardResult]:
    """Make the pairs of a shard and write `shard.tar` and `samples.parquet`."""
    for unit in units:
        maker = _Maker(config, context, unit.payload)
        rows: list[SampleRow] = []
        with context.create(unit, "shard.tar") as file:
            counted = _Hashing(file)
            writer = ShardWriter(cast("IO[bytes]", counted))
            for part in unit.payload.images:
                for record, hr, lr in maker.pairs(part):
                    writer.write(make_sample(record, hr, lr))
                    rows.append(SampleRow(**record.model_dump(), split=unit.payload.split, shard=""))
            writer.close()
        context.write(unit, "samples.parquet", parquet_bytes(rows))
        yield ShardResult(
            split=unit.payload.split, samples=len(rows), degraders=dict(sorted(Counter(r.degrader for r in rows).items())),
            tar=FileRecord(name="shard.tar", bytes=counted.bytes, sha256=counted.state.hexdigest()),
            pixel_sha256=pixels_of(rows),
        )


def pixels_of(rows: Sequence[SampleRecord]) -> str:
    """Digest of the keys and pixel digests of samples, in order: equal for equal pixels, whatever the encoder."""
    text = "".join(f"{row.key} {row.hr_sha256} {row.lr_sha256}\n" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


class _Maker:
    """Draws and applies the programs of one image after the other."""

    def __init__(self, config: SynthesizeConfig, context: Context, shard: ShardPayload) -> None:
        self.config, self.storage = config, context.storage
        self.assets = load_assets(context.profile.workspace, tuple(zip(config.pools, shard.pools, strict=True)))
        pools = {pool.kind: PoolInfo(pool.digest, pool.count, pool.side, pool.share) for pool in config.pools}
        known = Pools(**pools)
        drawn = [degrader for degrader in config.degraders if degrader.weight_in(shard.split)]
        self.degraders = [(degrader.label, degraders.build(degrader, config.scale, known)) for degrader in drawn]
        weights = np.cumsum([degrader.weight_in(shard.split) for degrader in drawn])
        self.bounds = weights / weights[-1]

    def pairs(self, part: TilesOfImage) -> Iterator[tuple[SampleRecord, NDArray[np.uint8], NDArray[np.uint8]]]:
        """The samples of some tiles of one image: record, HR, LR."""
        image = read_hr(self.storage, part)
        for left, top in part.tiles:
            hr = np.ascontiguousarray(image[top : top + self.config.tile, left : left + self.config.tile])
            box, hr_sha256 = Box(left=left, top=top, width=hr.shape[1], height=hr.shape[0]), pixel_digest(hr)
            for repeat in range(self.config.samples_per_tile):
                yield self._pair(part.image, box, repeat, hr, hr_sha256)

    def _pair(
        self, image: ImageRecord, box: Box, repeat: int, hr: NDArray[np.uint8], hr_sha256: str
    ) -> tuple[SampleRecord, NDArray[np.uint8], NDArray[np.uint8]]:
        key = f"{image.id}-{box.left:05d}-{box.top:05d}-{repeat:03d}"
        rng = stream(self.config.seed, "draw", key)
        label, degrader = self._choose(float(rng.random()))
        program = degrader.draw(rng, (box.height, box.width))
        lr = apply(program, hr, self.assets)
        record = SampleRecord(
            key=key, image=image.pixel_sha256, box=box, scale=self.config.scale, degrader=label,
            program=program.canonical_json(), seed=self.config.seed, hr_sha256=hr_sha256, lr_sha256=pixel_digest(lr),
        )
        return record, hr, lr

    def _choose(self, value: float) -> tuple[str, Degrader]:
        number = min(int(np.searchsorted(self.bounds, value, side="right")), len(self.degraders) - 1)
        return self.degraders[number]


def read_hr(storage: Storage, part: TilesOfImage) -> NDArray[np.uint8]:
    """The HR image that tiles are cut from, (H, W, 3) uint8."""
    if part.cleaned:
        return decode_png(storage.read(f"{layout.unit_folder(clean_up.STAGE.name, part.hr_key)}/hr.png"))
    return load(part.image, IngestConfig())


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
    units: Sequence[Unit[ShardPayload]], records: Sequence[ShardResult], config: SynthesizeConfig, context: Context, key: str  # noqa: ARG001
) -> ShardSet:
    """List the shards."""
    return ShardSet(shards=tuple(ShardRef(key=u.key, result=record) for u, record in zip(units, records, strict=True)))


STAGE = Stage(
    name="synthesize", version=1, title="synthesize pairs", noun="shards",
    record=ShardResult, manifest=ShardSet, plan=plan, work=work, seal=seal,
)
