"""Lightning's litdata: chunks and an index by its documented layout, without its time stamp."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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
from pairmill.pipeline.export.files import put, settle

FIELDS = {"key": "str", "hr": "bytes", "lr": "bytes", "record": "str"}
"""Fields of a sample and their serializers; `bytes` keeps our PNG files as they are."""


class LitData(Exporter):
    """`SPLIT/index.json` and `SPLIT/chunk-SHARD-PART.bin`."""

    name = "litdata"

    def shard(self, source: Source, items: Iterator[Item]) -> Part:
        """Write a shard as one or more chunks of at most 64 MiB."""
        samples = (with_sizes([item.key.encode(), item.hr, item.lr, item.json]) for item in items)
        return {
            "chunks": [
                self._write(source, number, run) for number, run in enumerate(chunked(samples))
            ]
        }

    def _write(self, source: Source, number: int, samples: list[Pieces]) -> dict[str, Any]:
        name = f"chunk-{source.number}-{number}.bin"
        data = with_offsets(samples)
        put(self.job.out / source.record.split / name, *data)
        size = total(data)
        return {"filename": name, "chunk_size": len(samples), "chunk_bytes": size, "dim": None}

    def settle(self, source: Source, part: Part) -> Part:
        """See `Exporter.settle`."""
        for chunk in part["chunks"]:
            settle(self.job.out / source.record.split / chunk["filename"])
        return part

    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:
        """Write the indexes."""
        for split in self.job.splits:
            chunks = [
                chunk
                for source, part in parts
                if source.record.split == split
                for chunk in part["chunks"]
            ]
            # The library keys its cache by this text: the version keeps two versions apart and,
            # unlike a time, repeats.
            index = {"chunks": chunks, "config": _config(), "updated_at": self.job.manifest.version}
            put(
                self.job.out / split / "index.json",
                json.dumps(index, sort_keys=True).encode(),
                durable=True,
            )

    def how(self) -> str:
        """See `Exporter.how`."""
        return f'litdata.StreamingDataset("{self.job.out / self.job.splits[0]}", shuffle=True)'


def _config() -> dict[str, Any]:
    return {
        "chunk_bytes": CHUNK_BYTES,
        "chunk_size": None,
        "compression": None,
        "encryption": None,
        "item_loader": "PyTreeLoader",
        "data_format": list(FIELDS.values()),
        "data_spec": _tree(),
    }


def _tree() -> str:
    """A dictionary of leaves, as torch's pytree writes its shape (protocol 1)."""
    leaf: dict[str, Any] = {"type": None, "context": None, "children_spec": []}
    shape = {
        "type": "builtins.dict",
        "context": json.dumps(list(FIELDS)),
        "children_spec": [leaf] * len(FIELDS),
    }
    return json.dumps([1, shape])
