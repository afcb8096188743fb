"""`make peers`: pairs of 256 x 256 HR made by pairmill and by what people use instead.

All get the same HR tiles, in one process with one thread, by turns; the best of two rounds counts.
Time is that of the processor: what others do on the machine hardly matters, nor does its disk.
Chains of papers are written anew in outline (`peer_bsrgan`, `peer_realesrgan`), the scripts are
short ones of the usual kind (`peer_scripts`). Three speeds, in pairs per second of processor time:

- LR alone: draw and degrade, tiles in memory, nothing written.
- written: HR and LR besides encoded and written. A peer writes two PNG files per pair as its kind
  does; pairmill's stage `synthesize` decodes its photographs, and writes shards with programs,
  digests and records.
- build: pairmill from photographs to a published version with its report, pools included; without
  the report's measure of realism, which takes as long for ten pairs as for a million.

Packages that are not installed give no rows: `make peers` installs them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.bench_synthesis import batch_of, build
from benchmarks.common import Row, best_by_turns, forget, save
from benchmarks.peer_bsrgan import bsrgan, by_opencv, by_scipy
from benchmarks.peer_realesrgan import realesrgan
from benchmarks.peer_scripts import (
    CUSTOM,
    SIDE,
    Degrade,
    Tiles,
    albumentations_bicubic,
    albumentations_blur,
    kornia_bicubic,
    kornia_blur,
    opencv_pillow,
    pillow_bicubic,
)
from pairmill.flows.cli.demo import collect
from pairmill.pipeline import degraders
from pairmill.pipeline.corpora.replay import corpus_assets
from pairmill.pipeline.degraders.base import PoolInfo
from pairmill.pipeline.export.base import Job
from pairmill.pipeline.export.source import stream_items
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.runner.execution import local_profile, one_thread, run_batch
from pairmill.pipeline.runner.stage import Batch, Profile
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.recipe import Recipe

TILES = 96
"""Tiles that every method degrades."""
BATCH = 12
"""Tiles of a batch of tensors, as Real-ESRGAN has them."""
DEMO_NOISE = {"patch": 16, "max_structure": 12, "max_unlike": 3}
"""The bundled photographs have few flat areas, blotchy from compression."""
Save = Callable[[Path, Tiles], None]


@dataclass(frozen=True)
class Peer:
    """One way that is not ours."""

    name: str
    make: Callable[[], Degrade]
    """Raises an ImportError where its package is not installed."""
    save: Save


def by_cv2(path: Path, image: Tiles) -> None:
    """OpenCV's PNG as it is by default."""
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def by_pillow(path: Path, image: Tiles) -> None:
    """Pillow's PNG as it is by default."""
    Image.fromarray(image).save(path)


def _bsrgan_with(blur: Any) -> Degrade:
    return lambda tiles, rng: (bsrgan(tile, rng, 4, blur) for tile in tiles)


def _in_batches(degrade: Degrade) -> Degrade:
    def batches(tiles: Tiles, rng: np.random.Generator) -> Iterator[Tiles]:
        for start in range(0, len(tiles), BATCH):
            yield from degrade(tiles[start : start + BATCH], rng)

    return batches


@dataclass(frozen=True)
class Task:
    """The same work by several."""

    name: str
    scale: int
    ours: tuple[dict[str, Any], ...]
    """Degraders of pairmill, each alone."""
    peers: tuple[Peer, ...]


TASKS = (
    Task(
        "bsrgan",
        4,
        ({"kind": "bsrgan"},),
        (
            Peer("BSRGAN's chain, SciPy", lambda: _bsrgan_with(by_scipy), by_cv2),
            Peer("BSRGAN's chain, OpenCV", lambda: _bsrgan_with(by_opencv), by_cv2),
        ),
    ),
    Task(
        "realesrgan",
        4,
        ({"kind": "realesrgan"},),
        (Peer("Real-ESRGAN's chain, torch", lambda: _in_batches(realesrgan), by_cv2),),
    ),
    Task(
        "blur + noise + JPEG",
        2,
        (CUSTOM, {"kind": "realsr"}),
        (
            Peer("OpenCV + Pillow", lambda: opencv_pillow, by_pillow),
            Peer("albumentations", albumentations_blur, by_cv2),
            Peer("kornia", lambda: _in_batches(kornia_blur()), by_cv2),
        ),
    ),
    Task(
        "bicubic",
        2,
        ({"kind": "bicubic"},),
        (
            Peer("Pillow", lambda: pillow_bicubic, by_pillow),
            Peer("albumentations", albumentations_bicubic, by_cv2),
            Peer("kornia", lambda: _in_batches(kornia_bicubic()), by_cv2),
        ),
    ),
)


def main() -> None:
    """Measure all, print the table, save it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("images", nargs="?", help="a folder of photos; the bundled ones without")
    parser.add_argument("--quick", action="store_true", help="few tiles, one round")
    parser.add_argument("--only", nargs="*", default=[task.name for task in TASKS])
    parser.add_argument("--name", default="peers", help="name of the result file")
    arguments = parser.parse_args()
    rows = run(arguments.images, arguments.only, quick=arguments.quick)
    show(rows)
    print(f"saved {save(rows, arguments.name)}")


def run(images: str | None, only: Iterable[str], *, quick: bool) -> list[Row]:
    """Rows of all methods of some tasks."""
    one_thread()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        photos = images or str(Path(folder) / "photos")
        if not images:
            collect(Path(photos))
        chosen = [task for task in TASKS if task.name in set(only)]
        return [
            row
            for number, task in enumerate(chosen)
            for row in _measured(task, photos, Path(folder) / str(number), not images, quick)
        ]


def _measured(task: Task, photos: str, home: Path, bundled: bool, quick: bool) -> list[Row]:
    ours = [
        Ours(_recipe(task, degrader, photos, bundled, quick), home / degrader["kind"])
        for degrader in task.ours
    ]
    tiles = ours[0].tiles(4 if quick else TILES)
    methods: list[Ours | Theirs] = [*ours]
    for peer in task.peers:
        try:
            methods.append(Theirs(peer, peer.make(), tiles, home / "peers"))
        except ImportError as error:
            print(f"no row of {peer.name}: {error.name} is not installed; `make peers` does it")
    for method in methods:
        method.degrade(tiles[:2])  # warms up
    rounds = 1 if quick else 2
    alone = best_by_turns(
        lambda: None,
        *(partial(method.degrade, tiles) for method in methods),
        repeats=rounds,
        clock=time.process_time,
    )
    written = best_by_turns(
        lambda: [method.clear() for method in methods],
        *(method.write for method in methods),
        repeats=rounds,
        clock=time.process_time,
    )
    return [
        {
            "task": f"{task.name}, x{task.scale}",
            "method": method.name,
            "LR alone, pairs/s": round(len(tiles) / one, 1),
            "written, pairs/s": round(method.pairs / two, 1),
            "build, pairs/s": method.build_speed,
            "bytes per pair": round(method.size() / method.pairs),
            "pairs": method.pairs,
        }
        for method, one, two in zip(methods, alone, written, strict=True)
    ]


def _recipe(
    task: Task,
    degrader: dict[str, Any],
    photos: str,
    bundled: bool,
    quick: bool,
) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "peers",
            "scale": task.scale,
            "images": {"real": photos},
            "noise": DEMO_NOISE if bundled else {},
            "clean_up": {"factor": 1},
            "tiles": {
                "size": SIDE,
                "stride": 128 if quick else 64,
                "min_detail": 0,
                "min_contrast": 0,
            },
            "degraders": [degrader],
            "realism": {"enabled": False},
        }
    )


class Ours:
    """A corpus of one degrader, built; its stage is run again to be timed."""

    def __init__(self, recipe: Recipe, home: Path) -> None:
        self.profile: Profile = local_profile(str(home), workers=1)
        start = time.process_time()
        made, self.manifest = build(recipe, self.profile)
        seconds = time.process_time() - start
        self.batch: Batch = batch_of(made, self.profile)
        self.storage = Storage(self.profile.workspace)
        self.pairs = sum(self.manifest.identity.samples.values())
        self.build_speed: float | None = round(self.pairs / seconds, 1)
        self.name = f"pairmill, {recipe.degraders[0].kind}"
        self.assets = corpus_assets(self.storage, self.manifest)
        pools = {ref.kind: PoolInfo.of(ref) for ref in self.manifest.identity.pools}
        self.degrader = degraders.build(recipe.degraders[0], recipe.scale, pools)

    def tiles(self, most: int) -> Tiles:
        """HR tiles of the corpus, from all over it."""
        job = Job(self.storage, self.manifest, tuple(self.manifest.identity.samples), Path())
        items = [item for source in job.sources() for item in stream_items(job, source)]
        chosen = np.linspace(0, len(items) - 1, min(most, len(items))).astype(int)
        return np.stack([decode(items[number].hr) for number in chosen])

    def degrade(self, tiles: Tiles) -> None:
        """Draw a program for each tile and apply it."""
        rng = np.random.default_rng(0)
        for tile in tiles:
            apply(self.degrader.draw(rng, (tile.shape[0], tile.shape[1])), tile, self.assets)

    def clear(self) -> None:
        """Forget the shards of the stage."""
        forget(self.batch)

    def write(self) -> None:
        """Run the stage."""
        run_batch(self.batch)

    def size(self) -> int:
        """Bytes of the shards and of the table."""
        return _shards_size(self.manifest) + self.storage.size(
            f"{layout.version_folder(self.manifest.identity.name, self.manifest.version)}"
            "/samples.parquet"
        )


class Theirs:
    """A peer, and the folder that it writes to."""

    build_speed = None

    def __init__(self, peer: Peer, degrade: Degrade, tiles: Tiles, home: Path) -> None:
        self.name, self.save, self.lr_of, self.hr = peer.name, peer.save, degrade, tiles
        self.pairs, self.home, self.numbers = len(tiles), home / peer.name, count()

    def degrade(self, tiles: Tiles) -> None:
        """LR of all tiles."""
        for _ in self.lr_of(tiles, np.random.default_rng(0)):
            pass

    def clear(self) -> None:
        """A new folder: ext4 is slow to reuse what removed files left."""
        self.folder = self.home / str(next(self.numbers))
        for side in ("hr", "lr"):
            (self.folder / side).mkdir(parents=True)

    def write(self) -> None:
        """LR of all tiles, both sides written."""
        lrs = self.lr_of(self.hr, np.random.default_rng(0))
        for number, (hr, lr) in enumerate(zip(self.hr, lrs, strict=True)):
            self.save(self.folder / "hr" / f"{number:06d}.png", hr)
            self.save(self.folder / "lr" / f"{number:06d}.png", lr)

    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.folder.glob("*/*.png"))


def _shards_size(manifest: CorpusManifest) -> int:
    return sum(shard.bytes for shard in manifest.identity.shards)


def show(rows: list[Row]) -> None:
    """Print the table in Markdown, as benchmarks/results/peers.md has it."""
    names = [name for name in rows[0] if name != "pairs"]
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    for row in rows:
        print("| " + " | ".join("-" if row[n] is None else str(row[n]) for n in names) + " |")


if __name__ == "__main__":
    main()
