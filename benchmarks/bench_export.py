"""Exports against copying the shards that they are made from: bytes of shards per second, by turns.

A copy is `shutil.copyfile` and `fsync` of every shard: an export, too, is on the disk when it ends,
and checks each shard against its seal besides. Hashing alone takes one core 0.7 s per GB, so beside
a disk that takes a copy at 1 GB/s or more the processors decide, and two free ones are needed.

Floors are rows of their own, measured by the same turns: hashing the shards; writing each image as
a file that appears at once, from memory; and putting each into LMDB, from memory. None of them
reads or checks anything.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import lmdb

from benchmarks.bench_synthesis import build
from benchmarks.common import Row, best_by_turns, photographs, row, show
from pairmill.pipeline.export.files import fill
from pairmill.pipeline.export.formats import FORMATS
from pairmill.pipeline.export.run import export, plan
from pairmill.pipeline.runner.execution import local_profile, one_thread
from pairmill.pipeline.shards.tar import RECORD, read_own_members
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.recipe import Recipe

GOAL = 0.5


def run(quick: bool) -> list[Row]:
    """Every format; `quick` uses fewer images and rounds."""
    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        profile = local_profile(f"{folder}/ws", workers=1)
        images = photographs(Path(folder), 4 if quick else 64, 1024)
        _, manifest = build(_recipe(images), profile)
        storage = Storage(profile.workspace)
        rounds = 2 if quick else 3
        out = Path(folder) / "out"
        return [
            *_floors(_shards(storage, manifest), out / "floors", rounds),
            *(_ratio(storage, manifest, form, out, rounds) for form in FORMATS),
        ]


def _recipe(images: Path) -> Recipe:
    """Bicubic pairs at x2 of all tiles: what an export does is the same for all degraders."""
    return Recipe.model_validate(
        {
            "name": "bench",
            "images": {"real": str(images)},
            "clean_up": {"factor": 1},
            "tiles": {"min_detail": 0, "min_contrast": 0},
            "degraders": [{"kind": "bicubic"}],
        }
    )


def _ratio(storage: Storage, manifest: CorpusManifest, form: str, out: Path, rounds: int) -> Row:
    """One format against copying, each time into a new folder: ext4 is slow to reuse, for some
    minutes, what a file left that was removed.
    """
    shards = _shards(storage, manifest)
    folders = (out / form / str(number) for number in count())
    ours, copying = best_by_turns(
        os.sync,
        lambda: export(plan(storage, manifest, form, str(next(folders)))),
        lambda: _copy(shards, next(folders)),
        repeats=rounds,
    )
    megabytes = sum(path.stat().st_size for path in shards) / 1e6
    return row(
        f"export, {form}",
        "copying the shards",
        copying / ours,
        f">= {GOAL}",
        reached=copying >= GOAL * ours,
        detail=f"{megabytes / ours:.0f} MB/s, copying {megabytes / copying:.0f}, "
        f"{megabytes:.0f} MB of shards",
    )


def _shards(storage: Storage, manifest: CorpusManifest) -> list[Path]:
    folder = layout.shard_path(manifest.identity.name, manifest.version, "")
    return [Path(storage.path(f"{folder}{name}")) for name in manifest.shard_names]


def _floors(shards: Sequence[Path], out: Path, rounds: int) -> list[Row]:
    """What the parts of an export take alone; see the module."""
    images = [
        (f"{key}.{field}", data)
        for shard in shards
        for key, fields in read_own_members(io.BytesIO(shard.read_bytes()))
        for field, data in fields.items()
        if field != RECORD
    ]
    size = sum(path.stat().st_size for path in shards)
    folders = (out / str(number) for number in count())

    def hashing() -> None:
        for shard in shards:
            hashlib.sha256(shard.read_bytes())

    def files() -> None:
        folder = next(folders)
        folder.mkdir(parents=True)
        for name, data in images:
            fill(f"{folder}/{name}", data)
        os.sync()

    def databases() -> None:
        folder = next(folders)
        folder.mkdir(parents=True)
        with lmdb.open(str(folder), map_size=2 * size) as database, database.begin(write=True) as t:
            for name, data in images:
                t.put(name.encode(), data)

    works = {"SHA-256 of the shards": hashing, "each image as a file": files, "LMDB": databases}
    copying, *alone = best_by_turns(
        os.sync, lambda: _copy(shards, next(folders)), *works.values(), repeats=rounds
    )
    return [
        row(
            f"floor of exports, {name}",
            "copying the shards",
            copying / seconds,
            "report",
            reached=True,
            detail=f"{size / 1e6 / seconds:.0f} MB/s, copying {size / 1e6 / copying:.0f}",
        )
        for name, seconds in zip(works, alone, strict=True)
    ]


def _copy(shards: Sequence[Path], target: Path) -> None:
    target.mkdir(parents=True)
    for shard in shards:
        copy = shutil.copyfile(shard, target / shard.name)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())


if __name__ == "__main__":
    show(run(quick=False))
