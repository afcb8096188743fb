"""Synthesize: draw a program for every sample, apply it, and write shards; each shard is one
unit.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline import degraders
from pairmill.pipeline.assets import load_assets
from pairmill.pipeline.degraders.base import Degrader, OwnHr, PoolInfo, Pools
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.ops.apply import OneHr
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.shards.packing import pack
from pairmill.pipeline.shards.splits import split_images
from pairmill.pipeline.shards.table import parquet_bytes
from pairmill.pipeline.shards.tar import (
    Sample,
    ShardForm,
    ShardWriter,
    make_sample,
    make_tile,
    tile_key,
)
from pairmill.pipeline.stages import clean_up, pair_samples
from pairmill.pipeline.stages.pair_samples import PairRows
from pairmill.schemas.aligned import PairTiles
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import ShardsConfig, SplitsConfig
from pairmill.schemas.sample import Box, SampleRecord, SampleRow
from pairmill.schemas.shard import (
    PairSamples,
    ShardRef,
    ShardResult,
    ShardSet,
    SynthesizeConfig,
    TilesOfImage,
)
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
    images: tuple[TilesOfImage, ...] = ()
    """Images and the tiles taken from them."""
    pairs: tuple[PairSamples, ...] = ()
    """Real pairs and the samples taken from them; a shard has images or pairs."""
    pools: tuple[str, ...]
    """Zarr groups of the config's pools; places, which do not matter."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{self.split} shard {self.number}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        images = [[part.image.pixel_sha256, part.hr_key, part.tiles] for part in self.images]
        pairs = [[part.lr, part.tiles] for part in self.pairs]
        return [self.split, images, pairs] if pairs else [self.split, images]


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
    length; then the samples of real pairs, in shards of their own.
    """
    records = inputs.images.by_digest()
    with_tiles = [ref for ref in inputs.hr.images if ref.hr.tiles]
    split_of = split_images(
        [ref.hr.image for ref in with_tiles], inputs.splits, inputs.seed, inputs.split_keys
    )
    per_shard = max(1, inputs.shards.samples // config.samples_per_tile)
    pairs = _pairs(inputs, config, list(records))
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
        others, own = pair_samples.weights(config.degraders, split)
        shards = pack(parts, per_shard) if others else []
        units += [
            ShardPayload(split=split, number=number, images=shard, pools=inputs.pools)
            for number, shard in enumerate(shards)
        ]
        if not own:
            continue
        tiles = sum(len(part.tiles) for shard in shards for part in shard)
        # As many as the weights ask for beside the samples of other HR; all of them if there are
        # none.
        per_tile, there = config.samples_per_tile, sum(len(pair.tiles) for pair in pairs[split])
        count = round(tiles * per_tile * own / others) if tiles else there * per_tile
        samples = pair_samples.samples_of(pairs[split], count)
        units += [
            ShardPayload(split=split, number=number, pairs=shard, pools=inputs.pools)
            for number, shard in enumerate(pack(samples, inputs.shards.samples), len(shards))
        ]
    return units


def _pairs(
    inputs: Inputs, config: SynthesizeConfig, images: Sequence[str]
) -> dict[str, list[PairTiles]]:
    """The real pairs of each split."""
    found = [pair for pool in config.pools for pair in pool.pairs or ()]
    return pair_samples.split_pairs(found, images, inputs.splits, inputs.seed)


def work(
    units: Sequence[Unit[ShardPayload]], config: SynthesizeConfig, context: Context
) -> Iterator[ShardResult]:
    """Make the pairs of a shard and write `shard.tar` and `samples.parquet`."""
    # By pixels, not by number: sixteen large tiles would take a worker's memory.
    together = max(1, GROUP // config.tile**2)
    form = ShardForm(config.encoding, config.lr == "stored")
    for unit in units:
        maker = _Maker(config, context, unit.payload)
        rows: list[SampleRow] = []
        with context.create(unit, "shard.tar") as file:
            writer = ShardWriter(file)
            for pairs in maker.pairs_of(unit.payload):
                while group := list(islice(pairs, together)):
                    # A list: all of a group are encoded before the first is written.
                    for sample in list(_encoded(group, form, rows)):
                        writer.write(sample)
                    rows += [
                        # The name of a shard is not known before its last byte.
                        SampleRow(**vars(record), split=unit.payload.split, shard="")
                        for record, _, _ in group
                    ]
            writer.close()
        context.write(unit, "samples.parquet", parquet_bytes(rows))
        yield ShardResult(
            split=unit.payload.split,
            samples=len(rows),
            degraders=dict(sorted(Counter(r.degrader for r in rows).items())),
            tar=FileRecord(name="shard.tar", bytes=writer.bytes, sha256=writer.sha256),
            pixel_sha256=pixels_of(rows),
        )


Pair = tuple[SampleRecord, NDArray[np.uint8], NDArray[np.uint8]]
"""Record, HR and LR."""


def _encoded(
    group: Sequence[Pair], form: ShardForm, before: Sequence[SampleRecord]
) -> Iterator[Sample]:
    """What a shard gets of some samples that follow on others."""
    if form.lr_stored:
        for record, hr, lr in group:
            yield make_sample(record, hr, lr, form)
        return
    last = tile_key(before[-1].key) if before else ""
    for record, hr, _ in group:
        if tile_key(record.key) != last:
            last = tile_key(record.key)
            yield make_tile(record, hr, form)


def pixels_of(rows: Sequence[SampleRecord]) -> str:
    """Digest of the keys and pixel digests of samples, in order: equal for equal pixels, whatever
    the encoder.
    """
    text = "".join(f"{row.key} {row.hr_sha256} {row.lr_sha256}\n" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class _Tile:
    """An HR tile."""

    image: str
    """Digest of the image that it comes from."""
    place: tuple[int, int]
    """(left, top)."""
    hr: NDArray[np.uint8]
    hr_sha256: str
    on_hr: OneHr


class _Mixture:
    """Degraders, chosen by their weights in a split."""

    def __init__(self, config: SynthesizeConfig, split: str, known: Pools, *, own_hr: bool) -> None:
        drawn = [
            degrader
            for degrader in config.degraders
            if degrader.own_hr == own_hr and degrader.weight_in(split)
        ]
        self.degraders = [
            (degrader.label, degraders.build(degrader, config.scale, known)) for degrader in drawn
        ]
        # Weights may depend on the split: those of degraders that are drawn here, and no others.
        weights = np.cumsum([degrader.weight_in(split) for degrader in drawn])
        self.bounds = weights / weights[-1] if drawn else weights

    def choose(self, value: float) -> tuple[str, Degrader]:
        """The degrader that a number of [0, 1) falls on."""
        number = min(
            int(np.searchsorted(self.bounds, value, side="right")), len(self.degraders) - 1
        )
        return self.degraders[number]


class _Maker:
    """Draws and applies the programs of one image after the other."""

    def __init__(self, config: SynthesizeConfig, context: Context, shard: ShardPayload) -> None:
        self.config, self.storage = config, context.storage
        pools = tuple(zip(config.pools, shard.pools, strict=True))
        self.assets = load_assets(context.profile.workspace, pools)
        known = Pools(**{pool.kind: PoolInfo.of(pool) for pool in config.pools})
        self.mixture = _Mixture(config, shard.split, known, own_hr=bool(shard.pairs))
        if shard.pairs:
            [self.rows] = [PairRows.of(*pool) for pool in pools if pool[0].pairs]

    def pairs_of(self, shard: ShardPayload) -> Iterator[Iterator[Pair]]:
        """The samples of a shard, image by image."""
        for part in shard.images:
            yield self.pairs(part)
        for samples in shard.pairs:
            yield self.real_pairs(samples)

    def pairs(self, part: TilesOfImage) -> Iterator[Pair]:
        """The samples of some tiles of one image. All are drawn first, then applied one by one."""
        image = clean_up.read_hr(self.storage, part.image, part.hr_key, cleaned=part.cleaned)
        tile, repeats = self.config.tile, range(self.config.samples_per_tile)
        drawn = [
            [self._draw(f"{part.image.id}-{left:05d}-{top:05d}-{n:03d}") for n in repeats]
            for left, top in part.tiles
        ]
        for (left, top), of_tile in zip(part.tiles, drawn, strict=True):
            hr = np.ascontiguousarray(image[top : top + tile, left : left + tile])
            at = _Tile(part.digest, (left, top), hr, pixel_digest(hr), OneHr(hr, self.assets))
            for key, label, program in of_tile:
                yield self._made(key, label, program, at)

    def real_pairs(self, part: PairSamples) -> Iterator[Pair]:
        """The samples of one real pair."""
        image = self.rows.spans[part.lr][0].image
        for hr, (left, top, number), row in self.rows.tiles(self.storage, part):
            key = f"pair-{part.lr[:16]}-{left:05d}-{top:05d}-{number:03d}"
            rng = stream(self.config.seed, "draw", key)
            label, degrader = self.mixture.choose(float(rng.random()))
            program = cast("OwnHr", degrader).program(row)
            at = _Tile(image, (left, top), hr, pixel_digest(hr), OneHr(hr, self.assets))
            yield self._made(key, label, program, at)

    def _draw(self, key: str) -> tuple[str, str, Program]:
        """Key, label of the degrader, and program of one sample."""
        # Keyed by what the sample is, not by its place: other images, shards or workers change no
        # draw.
        rng = stream(self.config.seed, "draw", key)
        label, degrader = self.mixture.choose(float(rng.random()))
        return key, label, degrader.draw(rng, (self.config.tile, self.config.tile))

    def _made(self, key: str, label: str, program: Program, at: _Tile) -> Pair:
        """Apply a program."""
        lr, (left, top) = at.on_hr.apply(program), at.place
        record = SampleRecord(
            key=key,
            image=at.image,
            box=Box(left=left, top=top, width=self.config.tile, height=self.config.tile),
            scale=self.config.scale,
            degrader=label,
            program=program.canonical_json(),
            seed=self.config.seed,
            hr_sha256=at.hr_sha256,
            lr_sha256=pixel_digest(lr),
        )
        return record, at.hr, lr


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
