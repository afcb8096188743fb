"""MosaicML streaming's MDS: written by its documented layout, since the library holds numpy and
torch far back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pairmill.pipeline.export.base import Exporter, Item, Part, Source
from pairmill.pipeline.export.chunks import (
    CHUNK_BYTES,
    Pieces,
    chunked,
    total,
    with_offsets,
    with_sizes,
)
from pairmill.pipeline.export.files import digest_of, put, settle

COLUMNS = {"hr": "png", "key": "str", "lr": "png", "record": "json"}
"""Columns, sorted as the reader expects them, and encodings: `png` opens the very bytes of our PNG
files."""


class Mds(Exporter):
    """`SPLIT/index.json` and `SPLIT/*.mds`."""

    name = "mds"

    def shard(self, source: Source, items: Iterator[Item]) -> Part:
        """Write a shard as one or more files of at most 64 MiB."""
        samples = (with_sizes([item.hr, item.key.encode(), item.lr, item.json]) for item in items)
        return {
            "files": [
                self._write(source, number, run) for number, run in enumerate(chunked(samples))
            ]
        }

    def _write(self, source: Source, number: int, samples: list[Pieces]) -> dict[str, Any]:
        name = f"{source.stem}.{number:03d}.mds"
        data = with_offsets(samples, json.dumps(_config(), sort_keys=True).encode())
        put(self.path(source, name), *data)
        return {"samples": len(samples), "raw_data": {"basename": name, "bytes": total(data)}}

    def path(self, source: Source, name: str) -> Path:
        """One file of a shard."""
        return self.job.out / source.record.split / name

    def settle(self, source: Source, part: Part) -> Part:
        """Hash the files besides, which takes longer than writing them."""
        for file in part["files"]:
            path = self.path(source, file["raw_data"]["basename"])
            file["raw_data"]["hashes"] = {"sha256": digest_of(path)}
            settle(path)
        return part

    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:
        """Write the indexes."""
        for split in self.job.splits:
            files = [
                file
                for source, part in parts
                if source.record.split == split
                for file in part["files"]
            ]
            shards = [_config() | file | {"zip_data": None} for file in files]
            text = json.dumps({"version": 2, "shards": shards}, sort_keys=True)
            put(self.job.out / split / "index.json", text.encode(), durable=True)

    def how(self) -> str:
        """See `Exporter.how`."""
        return (
            f'streaming.StreamingDataset(local="{self.job.out}", '
            f'split="{self.job.splits[0]}", batch_size=16)'
        )


def _config() -> dict[str, Any]:
    return {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": ["sha256"],
        "size_limit": CHUNK_BYTES,
        "column_names": list(COLUMNS),
        "column_encodings": list(COLUMNS.values()),
        "column_sizes": [None] * len(COLUMNS),
    }
