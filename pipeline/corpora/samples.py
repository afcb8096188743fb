"""A few pairs of a version, chosen over splits, degraders and images, read from a few of its
shards.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.corpora.replay import corpus_assets
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.shards.table import opened_table
from pairmill.pipeline.shards.tar import ShardForm
from pairmill.pipeline.subset import evenly, in_turn, lottery
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.program import Program

SHARDS = 12
"""Most shards that pairs are taken from."""
ROWS = 1024
"""Pairs at the head of a shard that may be taken; the rest of the shard is not read."""
PROGRAMS = 10_000
"""Most programs that are counted."""
LEAST = 2
"""Pairs of every split and degrader that are shown, if there are as many."""
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Row:
    """What the table says of one sample."""

    key: str
    split: str
    shard: str
    degrader: str
    image: str
    program: str


@dataclass(frozen=True, eq=False)
class Pair:
    """One sample with its pixels."""

    row: Row
    hr: NDArray[np.uint8]
    lr: NDArray[np.uint8]

    @property
    def program(self) -> Program:
        """How LR was made of HR."""
        return Program.model_validate_json(self.row.program)


def table_rows(
    storage: Storage, manifest: CorpusManifest, groups: Sequence[int], most: int
) -> Iterator[Row]:
    """At most `most` rows at the head of some row groups of `samples.parquet`; a row group is a
    shard.
    """
    columns = ["key", "split", "shard", "degrader", "image", "program"]
    with opened_table(storage, manifest) as table:
        for group in groups:
            head = next(table.iter_batches(batch_size=most, row_groups=[group], columns=columns))
            for row in head.to_pylist():
                yield Row(**row)


def choose_shards(manifest: CorpusManifest, most: int = SHARDS) -> list[int]:
    """Numbers of shards to read: in turn from every split, evenly spread in it."""
    splits: dict[str, list[int]] = {}
    for number, shard in enumerate(manifest.identity.shards):
        splits.setdefault(shard.split, []).append(number)
    spread = [
        (split, mine[place]) for split, mine in splits.items() for place in evenly(len(mine), most)
    ]
    return sorted(number for _, number in in_turn(spread, lambda pair: pair[0])[:most])


def choose_rows(rows: Sequence[Row], count: int) -> list[Row]:
    """Rows at random: two of every split and degrader, the rest in proportion, in each group spread
    over images.

    They are ordered by split, the degraders that were learned from photos before the bicubic
    control.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: lottery(row.key)):
        groups.setdefault((row.split, row.degrader), []).append(row)
    turns: list[tuple[bool, float, Row]] = []
    for group in groups.values():
        for place, row in enumerate(in_turn(group, lambda row: row.image)):
            turns.append((place >= LEAST, (place + 0.5) / len(group), row))
    chosen = sorted(turns, key=lambda turn: (*turn[:2], turn[2].key))[:count]
    return sorted((row for _, _, row in chosen), key=_order)


def _order(row: Row) -> tuple[int, bool, str]:
    return (
        SPLITS.index(row.split) if row.split in SPLITS else len(SPLITS),
        row.degrader == "bicubic",
        row.degrader,
    )


def read_pairs(storage: Storage, manifest: CorpusManifest, rows: Sequence[Row]) -> list[Pair]:
    """The pixels of chosen samples, in their order; a shard is read no further than its last wanted
    sample.

    Raises:
        IntegrityError: if a shard is cut, or a sample is not in it.
    """
    form = ShardForm.of(manifest.identity.recipe)
    found: dict[tuple[str, str], bytes] = {}
    for shard in dict.fromkeys(row.shard for row in rows):
        here = [row.key for row in rows if row.shard == shard]
        names = {f"{form.hr_key(key)}.{form.hr}" for key in here}
        if form.lr_stored:
            names |= {f"{key}.{form.lr}" for key in here}
        members = _members(storage, manifest, shard, names)
        found |= {(shard, name): data for name, data in members.items()}
    hr = [decode(found[row.shard, f"{form.hr_key(row.key)}.{form.hr}"]) for row in rows]
    if form.lr_stored:
        lr = [decode(found[row.shard, f"{row.key}.{form.lr}"]) for row in rows]
    else:
        assets = corpus_assets(storage, manifest)
        lr = [
            apply(Program.model_validate_json(row.program), tile, assets)
            for row, tile in zip(rows, hr, strict=True)
        ]
    return [Pair(*pair) for pair in zip(rows, hr, lr, strict=True)]


def _members(
    storage: Storage, manifest: CorpusManifest, shard: str, names: set[str]
) -> dict[str, bytes]:
    """Some members of a shard, by name."""
    wanted, found = set(names), dict[str, bytes]()
    path = layout.shard_path(manifest.identity.name, manifest.version, shard)
    try:
        with storage.open(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                if member.name in wanted:
                    content = tar.extractfile(member)
                    found[member.name] = content.read() if content else b""
                    wanted.discard(member.name)
                if not wanted:
                    return found
    except tarfile.TarError as error:
        raise _damaged(shard, str(error)) from error
    raise _damaged(shard, f"no {min(wanted)}")


def _damaged(shard: str, got: str) -> IntegrityError:
    return IntegrityError(
        "a sample cannot be read",
        where=shard,
        got=got,
        todo="check the version with `pairmill corpus verify`",
    )


def some_pairs(storage: Storage, manifest: CorpusManifest, count: int) -> list[Pair]:
    """`count` pairs, or all if there are fewer."""
    rows = list(table_rows(storage, manifest, choose_shards(manifest), ROWS))
    return read_pairs(storage, manifest, choose_rows(rows, count))


def some_programs(storage: Storage, manifest: CorpusManifest) -> list[Program]:
    """At most `PROGRAMS` programs, evenly spread over the shards."""
    shards = len(manifest.shard_names)
    groups = evenly(shards, 100)
    rows = table_rows(storage, manifest, groups, max(1, PROGRAMS // max(1, len(groups))))
    return [Program.model_validate_json(row.program) for row in rows]
