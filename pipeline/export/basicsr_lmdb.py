"""Two LMDB databases per split, HR and LR, by BasicSR's rule: key without extension, value the
bytes of a PNG.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from pairmill.pipeline.export.base import Exporter, Item, Part, Source
from pairmill.pipeline.export.folders import Line, write_lists
from pairmill.pipeline.extras import extra
from pairmill.pipeline.workspace.storage import clear_errors
from pairmill.schemas.errors import StoreError
from pairmill.schemas.sample import SampleRow

SIDES = ("hr", "lr")
LEVEL = 1
"""Compression level of OpenCV's PNG encoder, which the third word of a line states; no reader uses
it."""
SPARE = 64 << 20


class BasicSrLmdb(Exporter):
    """`SPLIT/hr.lmdb` and `SPLIT/lr.lmdb`, each with a `meta_info.txt`."""

    name = "basicsr-lmdb"

    def begin(self) -> None:
        """See `Exporter.begin`."""
        _library()

    def folder(self, split: str, side: str) -> Path:
        """One database; BasicSR insists on the ending."""
        return self.job.out / split / f"{side}.lmdb"

    def shard(self, source: Source, items: Iterator[Item]) -> Part:
        """Write a shard in one transaction per side; the same pairs again change nothing."""
        databases: list[Any] = []
        try:
            with clear_errors("write", str(self.job.out)):
                databases += [self._open(source.record.split, side) for side in SIDES]
            hr, small = databases[0].begin(write=True), list[tuple[bytes, bytes]]()
            for item in items:
                key = item.key.encode("ascii")
                hr.put(key, item.hr)
                small.append((key, item.lr))
            with ThreadPoolExecutor(1) as pool:  # either commit waits for the disk
                lr = pool.submit(_put_all, databases[1], small)
                hr.commit()
                lr.result()
        except _library().Error as error:
            raise StoreError(
                "cannot write an LMDB database",
                where=str(self.job.out),
                got=str(error),
                todo="free some space and run the same command again; it continues",
            ) from error
        finally:
            for database in databases:
                database.close()
        return {}

    def settle(self, source: Source, part: Part) -> Part:  # noqa: ARG002
        """A committed transaction is on the disk."""
        return part

    @cached_property
    def _most(self) -> int:
        """Bytes that a value takes at most: those of its pixels, and pages of 4 KiB for what PNG
        and the tree need. Shards do not tell, which may hold an HR of many pairs once.
        """
        box = next(iter(self.job.rows())).box
        return 3 * box.width * box.height + 3 * 4096

    def _open(self, split: str, side: str) -> Any:
        """LMDB wants the largest size ahead; the file grows only as far as it is filled."""
        most = self._most * self.job.samples(split) + SPARE
        folder = self.folder(split, side)
        folder.mkdir(parents=True, exist_ok=True)
        return _library().open(str(folder), map_size=most)

    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:  # noqa: ARG002
        """Write `KEY.png (h,w,c) level` for both sides."""
        lines: dict[str, Line] = {"hr": _hr_line, "lr": _lr_line}
        for side in SIDES:
            write_lists(
                self,
                {split: self.folder(split, side) for split in self.job.splits},
                {"meta_info.txt": lines[side]},
            )

    def how(self) -> str:
        """See `Exporter.how`."""
        split = self.job.splits[0]
        return (
            f"dataroot_gt: {self.folder(split, 'hr')}  dataroot_lq: "
            f"{self.folder(split, 'lr')}  io_backend: {{type: lmdb}}"
        )


def _put_all(database: Any, values: Sequence[tuple[bytes, bytes]]) -> None:
    with database.begin(write=True) as transaction:
        for key, value in values:
            transaction.put(key, value)


def _hr_line(row: SampleRow) -> str:
    return f"{row.key}.png ({row.box.height},{row.box.width},3) {LEVEL}"


def _lr_line(row: SampleRow) -> str:
    return f"{row.key}.png ({row.box.height // row.scale},{row.box.width // row.scale},3) {LEVEL}"


def _library() -> Any:
    with extra("export", "format basicsr-lmdb"):
        import lmdb
    return lmdb
