"""Parquet files with the pictures in them: plain, or typed as images for Hugging Face
`datasets`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from pairmill.pipeline.corpora import card
from pairmill.pipeline.export.base import Exporter, Item, Part, Source
from pairmill.pipeline.export.files import put, settle
from pairmill.pipeline.workspace.storage import clear_errors

GROUP = 64
"""Pairs per row group, which are in memory together."""
RECORD = ("key", "degrader", "image", "program", "hr_sha256", "lr_sha256")
"""Fields of a record that are columns as they are; its digests are of pixels (`pixel_digest`)."""
FILES = ("hr_file_sha256", "lr_file_sha256")
"""The SHA-256 of the PNG files, for who has a database and no decoder."""
TEXTS = ("split", *RECORD, *FILES)
NUMBERS = ("scale", "hr_height", "hr_width", "left", "top", "seed")


KERNEL: Any = pa.list_(pa.list_(pa.float32()))
FLOAT = {"dtype": "float32", "_type": "Value"}


def _rows_of(feature: dict[str, Any]) -> dict[str, Any]:
    return {"feature": feature, "_type": "Sequence"}


class Parquet(Exporter):
    """`SPLIT/SHARD.parquet`: the fields of the record, and both PNG files as bytes; with labels the
    kernel, rows of float32.
    """

    name = "parquet"
    arrays = True
    picture: ClassVar[Any] = pa.binary()

    def schema(self) -> pa.Schema:
        """Columns of every file."""
        pictures = [("hr", self.picture), ("lr", self.picture)]
        return pa.schema(
            [
                *pictures,
                *((name, pa.string()) for name in TEXTS),
                *((name, pa.int64()) for name in NUMBERS),
                *((name, KERNEL) for name in self.labels),
            ]
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns of labels."""
        return () if self.job.labels is None else ("kernel",)

    def path(self, source: Source) -> Path:
        """The file of a shard."""
        return self.job.out / source.record.split / f"{source.stem}.parquet"

    def value(self, key: str, png: bytes) -> Any:  # noqa: ARG002
        """A picture as a value of its column."""
        return png

    def shard(self, source: Source, items: Iterator[Item]) -> Part:
        """Write one file, a row group at a time."""
        path = self.path(source)
        temporary = path.with_name(f".{path.name}.tmp")
        with clear_errors("write", str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            schema = self.schema()
            # PNG does not shrink further, and a dictionary of pictures would be the pictures again.
            with pq.ParquetWriter(
                temporary, schema, compression="none", use_dictionary=False
            ) as writer:
                while rows := [
                    self._row(item, source.record.split) for item in islice(items, GROUP)
                ]:
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            temporary.replace(path)
        return {"bytes": path.stat().st_size}

    def _row(self, item: Item, split: str) -> dict[str, Any]:
        record = item.record
        row = {name: getattr(record, name) for name in RECORD} | {"split": split}
        place = {
            "hr_height": record.box.height,
            "hr_width": record.box.width,
            "left": record.box.left,
            "top": record.box.top,
        }
        pictures = {
            side: self.value(f"{record.key}.{side}.png", png)
            for side, png in (("hr", item.hr), ("lr", item.lr))
        }
        digests = {
            name: hashlib.sha256(png).hexdigest()
            for name, png in zip(FILES, (item.hr, item.lr), strict=True)
        }
        labels = {} if item.kernel is None else {"kernel": item.kernel.tolist()}
        numbers = {"scale": record.scale, "seed": record.seed}
        return row | place | pictures | digests | numbers | labels

    def settle(self, source: Source, part: Part) -> Part:
        """See `Exporter.settle`."""
        settle(self.path(source))
        return part

    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:
        """Files need no index."""

    def how(self) -> str:
        """See `Exporter.how`."""
        return f'pandas.read_parquet("{self.job.out / self.job.splits[0]}")'


class HuggingFace(Parquet):
    """A folder for `datasets.load_dataset` and the hub: image columns, splits, a card."""

    name = "huggingface"
    picture: ClassVar[Any] = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

    def schema(self) -> pa.Schema:
        """Columns, with the features that `datasets` reads from the file."""
        features: dict[str, Any] = {side: {"_type": "Image"} for side in ("hr", "lr")}
        features |= {name: {"dtype": "string", "_type": "Value"} for name in TEXTS}
        features |= {name: {"dtype": "int64", "_type": "Value"} for name in NUMBERS}
        features |= {name: _rows_of(_rows_of(FLOAT)) for name in self.labels}
        return (
            super()
            .schema()
            .with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        )

    def value(self, key: str, png: bytes) -> Any:
        """See `Parquet.value`."""
        return {"bytes": png, "path": key}

    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:  # noqa: ARG002
        """Write the card."""
        put(
            self.job.out / "README.md",
            card.hub_card(self.job.manifest, self.job.splits).encode(),
            durable=True,
        )

    def how(self) -> str:
        """See `Exporter.how`."""
        return f'datasets.load_dataset("{self.job.out}")'
