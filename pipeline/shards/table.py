"""The table of samples, `samples.parquet`: one row per pair."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError, StoreError, UnreachableError
from pairmill.schemas.sample import SampleRow

BOX = pa.struct([(side, pa.int32()) for side in ("left", "top", "width", "height")])
FIELDS: list[tuple[str, Any]] = [
    ("key", pa.string()),
    ("split", pa.string()),
    ("shard", pa.string()),
    ("degrader", pa.string()),
    ("scale", pa.int32()),
    ("hr_height", pa.int32()),
    ("hr_width", pa.int32()),
    ("image", pa.string()),
    ("box", BOX),
    ("program", pa.string()),
    ("seed", pa.int64()),
    ("hr_sha256", pa.string()),
    ("lr_sha256", pa.string()),
]
SCHEMA = pa.schema(FIELDS)


def to_table(rows: Sequence[SampleRow]) -> pa.Table:
    """Rows as an Arrow table of `SCHEMA`."""
    return pa.Table.from_pylist([_flat(row) for row in rows], schema=SCHEMA)


def _flat(row: SampleRow) -> dict[str, Any]:
    return row.model_dump() | {"hr_height": row.box.height, "hr_width": row.box.width}


def parquet_bytes(rows: Sequence[SampleRow]) -> bytes:
    """Rows as one parquet file; equal rows give equal bytes."""
    buffer = io.BytesIO()
    pq.write_table(to_table(rows), buffer, compression="zstd")
    return buffer.getvalue()


def write_tables(file: IO[bytes], tables: Iterable[pa.Table]) -> int:
    """Write tables one after the other into one parquet file, a row group each; returns the number
    of rows.
    """
    count = 0
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            count += table.num_rows
    return count


def with_shard(data: bytes, shard: str) -> pa.Table:
    """The table of one shard, with the shard's final name filled in."""
    table = pq.ParquetFile(io.BytesIO(data)).read()  # `read_table` imports all of pandas
    column = SCHEMA.get_field_index("shard")
    return table.set_column(
        column, SCHEMA.field(column), pa.array([shard] * table.num_rows, pa.string())
    )


@contextmanager
def opened_table(storage: Storage, manifest: CorpusManifest) -> Iterator[pq.ParquetFile]:
    """The table of a version in this block, to be read by row groups: one per shard.

    Raises:
        IntegrityError: if it is missing, or turns out to be damaged.
        UnreachableError: if the store does not answer.
    """
    name = f"{layout.version_folder(manifest.identity.name, manifest.version)}/samples.parquet"
    try:
        with storage.open(name) as file:
            yield pq.ParquetFile(file)
    except UnreachableError:
        raise
    except (StoreError, pa.ArrowException, OSError) as error:
        raise IntegrityError(
            "the table of samples is missing or damaged",
            where=storage.path(name),
            got=str(error).splitlines()[0],
            todo="`pairmill corpus verify` says what differs, and how it is made again",
        ) from error


def iterate(file: IO[bytes]) -> Iterator[SampleRow]:
    """Rows of `samples.parquet`, a row group at a time."""
    source = pq.ParquetFile(file)
    for number in range(source.num_row_groups):
        yield from rows_of(source, number)


def rows_of(source: pq.ParquetFile, group: int) -> Iterator[SampleRow]:
    """Rows of one row group, which is a shard."""
    table = source.read_row_group(group).drop_columns(["hr_height", "hr_width"])
    for row in table.to_pylist():
        yield SampleRow.model_validate(row)
