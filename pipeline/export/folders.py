"""Folders of PNG files, with the lists that BasicSR, Real-ESRGAN and neosr want, or named as KAIR
wants them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, ClassVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.export.base import Exporter, Item, Part, Source
from pairmill.pipeline.export.files import fill
from pairmill.pipeline.workspace.storage import clear_errors
from pairmill.schemas.base import canonical_json
from pairmill.schemas.sample import SampleRow

Line = Callable[[SampleRow], str]
SIDES = ("hr", "lr")
KERNEL = "kernel"


def basicsr_line(row: SampleRow) -> str:
    """`KEY.png (h,w,c)` of the HR picture."""
    return f"{row.key}.png ({row.box.height},{row.box.width},3)"


def pair_line(row: SampleRow) -> str:
    """`HR, LR`, relative to the folder of the split."""
    return f"hr/{row.key}.png, lr/{row.key}.png"


def record_line(row: SampleRow) -> str:
    """The record as JSON: every program."""
    return canonical_json(row.model_dump(mode="json", exclude={"split", "shard"}))


class Folder(Exporter):
    """`SPLIT/hr/KEY.png`, `SPLIT/lr/KEY.png`, both lists of pairs, and the records; with labels
    `SPLIT/kernel/KEY.npy`, (K, K) float32.
    """

    name = "folder"
    arrays = True
    lists: ClassVar[dict[str, Line]] = {
        "meta_info.txt": basicsr_line,
        "meta_info_pair.txt": pair_line,
        "records.jsonl": record_line,
    }

    def side(self, split: str, side: str) -> Path:
        """The folder of the HR or the LR pictures of a split."""
        return self.job.out / split / side

    @property
    def sides(self) -> tuple[str, ...]:
        """What has a folder of its own."""
        return SIDES if self.job.labels is None else (*SIDES, KERNEL)

    def lists_of(self, split: str) -> Path:
        """The folder of the lists of a split."""
        return self.job.out / split

    def shard(self, source: Source, items: Iterator[Item]) -> Part:
        """Write the images."""
        with clear_errors("write", str(self.job.out)):
            folders = {side: _begun(self.side(source.record.split, side)) for side in self.sides}
            for item in items:
                fill(f"{folders['hr']}/{item.key}.png", item.hr)
                fill(f"{folders['lr']}/{item.key}.png", item.lr)
                if item.kernel is not None:
                    fill(f"{folders[KERNEL]}/{item.key}.npy", npy(item.kernel))
        return {}

    def settle(self, source: Source, part: Part) -> Part:  # noqa: ARG002
        """One sync of all: waiting for each small file would take many times as long."""
        if hasattr(os, "sync"):  # Windows has none
            os.sync()
        return part

    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:  # noqa: ARG002
        """Give the folders their names, then write the lists from the table, a row at a time."""
        with clear_errors("write", str(self.job.out)):
            for split in self.job.splits:
                for side in self.sides:
                    _appear(self.side(split, side))
        write_lists(self, {split: self.lists_of(split) for split in self.job.splits}, self.lists)

    def how(self) -> str:
        """See `Exporter.how`."""
        split = self.job.splits[0]
        return f"dataroot_gt: {self.side(split, 'hr')}  dataroot_lq: {self.side(split, 'lr')}"


class RealEsrgan(Folder):
    """Folders and a list of `hr, lr` pairs, for Real-ESRGAN and neosr."""

    name = "realesrgan-meta"
    lists: ClassVar[dict[str, Line]] = {"meta_info.txt": pair_line}

    def how(self) -> str:
        """See `Exporter.how`."""
        folder = self.job.out / self.job.splits[0]
        return f"dataroot_gt and dataroot_lq: {folder}  meta_info: {folder / 'meta_info.txt'}"


class Kair(Folder):
    """`trainH/KEY.png` and `trainL/KEY.png`: KAIR pairs the sorted names by position."""

    name = "kair"
    lists: ClassVar[dict[str, Line]] = {}

    def side(self, split: str, side: str) -> Path:
        """See `Folder.side`."""
        return self.job.out / f"{split}{side[0].upper()}"

    def how(self) -> str:
        """See `Exporter.how`."""
        split = self.job.splits[0]
        return (
            f'"dataset_type": "sr", "dataroot_H": "{self.side(split, "hr")}", "dataroot_L": '
            f'"{self.side(split, "lr")}"'
        )


def npy(array: NDArray[np.float32]) -> bytes:
    """An array as the bytes of a .npy file."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def write_lists(exporter: Exporter, folders: dict[str, Path], lists: dict[str, Line]) -> None:
    """Write one line per row of the table into lists in the folder of the row's split."""
    if not lists:
        return
    paths = {(split, name): folder / name for split, folder in folders.items() for name in lists}
    with clear_errors("write", str(exporter.job.out)):
        with ExitStack() as stack:
            files: dict[tuple[str, str], IO[str]] = {}
            for place, path in paths.items():
                files[place] = stack.enter_context(
                    _unfinished(path).open("w", encoding="utf-8", newline="\n")
                )
            for row in exporter.job.rows():
                for name, line in lists.items():
                    files[row.split, name].write(line(row) + "\n")
        for path in paths.values():
            _unfinished(path).replace(path)


def _begun(folder: Path) -> Path:
    """The hidden folder that gets the name of `folder` when all images are in it: to rename each
    image would take as long as to write it.
    """
    hidden = _unfinished(folder)
    if folder.exists() and not hidden.exists():  # begun by a version that filled the folder itself
        folder.replace(hidden)
    hidden.mkdir(exist_ok=True)
    return hidden


def _appear(folder: Path) -> None:
    """Give a folder its name, unless a run that was killed did, or there was nothing to write."""
    hidden = _unfinished(folder)
    if hidden.exists():
        hidden.replace(folder)


def _unfinished(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.tmp")
