"""Samples whose LR is not stored: made of HR, program and pools whenever one is read."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Self

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.corpora.files import sha256_of
from pairmill.pipeline.corpora.replay import corpus_assets
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.ops.crop import apply_crop
from pairmill.pipeline.ops.locality import Window
from pairmill.pipeline.shards.index import Choose, Image, Index, Square, cut, read_index, read_tiles
from pairmill.pipeline.shards.table import opened_table
from pairmill.pipeline.shards.tar import ShardForm, tile_key
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.program import Program


@dataclass(frozen=True)
class Texts:
    """Many texts that are alike, compressed one by one in a single piece of memory, which processes
    that were forked share.
    """

    data: bytes
    ends: NDArray[np.int64]
    """(N + 1,) where each begins in `data`, and where the last ends."""
    likeness: bytes
    """One of them, which the others are told by."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Pack texts."""
        parts, likeness = list[bytes](), b""
        for text in texts:
            data = text.encode()
            likeness = likeness or data
            squeezer = zlib.compressobj(1, zdict=likeness) if likeness else zlib.compressobj(1)
            parts.append(squeezer.compress(data) + squeezer.flush())
        ends = np.array([0, *accumulate(map(len, parts))], np.int64)
        return cls(b"".join(parts), ends, likeness)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, number: int) -> str:
        start, end = self.ends[number : number + 2].tolist()
        opener = zlib.decompressobj(zdict=self.likeness) if self.likeness else zlib.decompressobj()
        return opener.decompress(self.data[start:end]).decode()


@dataclass(frozen=True)
class ReplayedIndex(Index):
    """N samples by their HR tiles and programs; `spans` are (N, 1, 2), samples of one tile share
    theirs.
    """

    programs: Texts
    """Of every sample that the version has in these shards."""
    rows: NDArray[np.int64]
    """(N,) number of the program of each."""
    scale: int
    """HR side over LR side."""
    assets: Assets
    """The version's pools."""

    def program(self, number: int) -> Program:
        """How the LR of a sample is made."""
        return Program.model_validate_json(self.programs[int(self.rows[number])])

    def pair(self, number: int, choose: Choose = lambda _size, _scale: None) -> tuple[Image, Image]:
        """See `Index.pair`; of LR only what is asked for is made, where its ops allow."""
        [file] = self.read(number)
        hr, program = decode(file), self.program(number)
        part = choose((hr.shape[0] // self.scale, hr.shape[1] // self.scale), self.scale)
        if part is None:
            return hr, apply(program, hr, self.assets)
        lr = apply_crop(program, hr, self.assets, window_of(part))
        return cut(hr, part, self.scale), lr

    def take(self, numbers: NDArray[np.integer]) -> Self:
        """See `Index.take`."""
        return replace(super().take(numbers), rows=self.rows[numbers])


def window_of(part: Square) -> Window:
    """The rows and columns of a square part."""
    return Window(part.top, part.left, part.top + part.side, part.left + part.side)


def split_index(storage: Storage, manifest: CorpusManifest, split: str) -> Index:
    """Where the pairs of a split are, in the order of the shards.

    Raises:
        IntegrityError: if a shard is cut, or does not have what the table says, or the table is
            not as it was sealed.
    """
    identity = manifest.identity
    shards = f"{layout.version_folder(identity.name, manifest.version)}/shards"
    numbers = [n for n, shard in enumerate(identity.shards) if shard.split == split]
    names = [manifest.shard_names[n] for n in numbers]
    paths = [
        storage.path(layout.shard_path(identity.name, manifest.version, name)) for name in names
    ]
    if ShardForm.of(identity.recipe).lr_stored:
        return storage.again("read", shards, lambda: read_index(paths))
    tiles = storage.again("read", shards, lambda: read_tiles(paths))
    return _replayed(storage, manifest, tiles, numbers)


def _replayed(
    storage: Storage, manifest: CorpusManifest, tiles: Index, numbers: Sequence[int]
) -> ReplayedIndex:
    """Samples of the shards of these numbers, by their tiles."""
    places = {
        (int(shard), key): place
        for place, (shard, key) in enumerate(zip(tiles.shard, tiles.keys.tolist(), strict=True))
    }
    keys, tile_of = list[str](), list[int]()
    _check_table(storage, manifest)
    with opened_table(storage, manifest) as table:
        for shard, group in enumerate(numbers):  # a row group is a shard
            for key in _column(table, group, "key"):
                place = places.get((shard, tile_key(key).encode()))
                if place is None:
                    raise IntegrityError(
                        "the HR of a sample is not in its shard",
                        where=f"{manifest.shard_names[group]}: {key}",
                        todo="check the version with `pairmill corpus verify`",
                    )
                keys.append(key)
                tile_of.append(place)
        # A shard at a time: before they are packed, programs take ten times the memory.
        programs = Texts.of(text for group in numbers for text in _column(table, group, "program"))
    chosen = np.array(tile_of, np.int64)
    return ReplayedIndex(
        tiles.shards,
        tiles.shard[chosen],
        tiles.spans[chosen],
        np.array(keys, np.bytes_),
        programs,
        np.arange(len(keys)),
        int(manifest.identity.recipe["scale"]),
        corpus_assets(storage, manifest),
    )


def _column(table: pq.ParquetFile, group: int, name: str) -> list[str]:
    return list(table.read_row_group(group, columns=[name])[name].to_pylist())


def _check_table(storage: Storage, manifest: CorpusManifest) -> None:
    """The table of samples has to be as it was sealed: nobody looks at the LR that its programs
    make, while a tile of HR vouches for itself.
    """
    name = "samples.parquet"
    path = f"{layout.version_folder(manifest.identity.name, manifest.version)}/{name}"
    with storage.open(path) as file:
        found = sha256_of(file)
    wanted = next(record.sha256 for record in manifest.files if record.name == name)
    if found != wanted:
        raise IntegrityError(
            "the table of samples is not as it was sealed",
            where=storage.path(path),
            got=found[:12],
            wanted=wanted[:12],
            todo="`pairmill corpus repair` makes it again, or copy the version again",
        )
