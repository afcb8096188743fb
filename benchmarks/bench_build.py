"""A whole `realsr` build of photographs of 3 megapixels, stage by stage, against the build of
another commit; and its first stages against one decode of the same files.

    python -m benchmarks.bench_build [--count 100] [--old CHECKOUT] [--old-count 2]

Photographs are mosaics of the bundled photos, enlarged by 1.5, with noise of 3 intensity levels, as
JPEG 92 without subsampling of chroma. Everything runs in one process and one thread. The other
commit estimates kernels by its own default, which takes minutes: it gets fewer photographs, and
what is compared is seconds per photograph.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from benchmarks.bench_synthesis import ANYTHING, LENIENT
from benchmarks.common import Row, row, show
from pairmill.flows.cli.demo import collect
from pairmill.pipeline.build.build import make
from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.images import pixel_cache
from pairmill.pipeline.images.decode import decode, pixel_digest
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.execution import local_profile, one_thread, runner
from pairmill.pipeline.runner.stage import ProgressListener
from pairmill.pipeline.stages import mine_noise
from pairmill.pipeline.workspace.provenance import circumstance, now
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.recipe import Recipe

HEIGHT, WIDTH = 1536, 2048
ENLARGED, NOISE, QUALITY = 1.5, 3.0, 92
ROUNDS, SOME = 5, 8
RULES = {name: value for name, value in LENIENT.items() if name != "max_raw_negative"}
"""Keys that both sides know."""
OLD = """
import json, sys, time
from pipeline.build import make
from pipeline.corpora.seal import seal_corpus
from pipeline.execution import SerialExecutor, local_profile, one_thread, run_stage
from pipeline.provenance import circumstance, now
from pipeline.stage import Watcher
from schemas.recipe import Recipe

class Timing(Watcher):
    seconds = {}
    def sealed(self, stage, result, seconds):
        self.seconds[stage.name] = round(seconds, 2)

one_thread()
recipe, workspace = Recipe.model_validate_json(sys.argv[1]), sys.argv[2]
profile = local_profile(workspace, workers=1)
start = time.perf_counter()
made = make(recipe, "/", lambda *what: run_stage(*what, profile, SerialExecutor(), Timing()))
stages = time.perf_counter()
seal_corpus(made, profile, circumstance(now(), "bench", "", ()))
Timing.seconds["publish"] = round(time.perf_counter() - stages, 2)
print(json.dumps(Timing.seconds))
"""
"""The same build by the packages of before 0.2, whose names were their own."""


def photographs(folder: Path, count: int) -> Path:
    """Write JPEG files; see the module."""
    sources, target = folder / "sources", folder / "photographs"
    collect(sources)
    target.mkdir()
    scenes = [decode(path.read_bytes(), IngestConfig())[0] for path in sorted(sources.iterdir())]
    for number in range(count):
        image = _mosaic(scenes, np.random.default_rng(number))
        cv2.imwrite(
            str(target / f"{number:03d}.jpg"),
            image[..., ::-1],
            [
                cv2.IMWRITE_JPEG_QUALITY,
                QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            ],
        )
    return target


def _mosaic(scenes: list[NDArray[np.uint8]], rng: np.random.Generator) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) uint8 RGB: scenes as large as they are, each turned over by chance."""
    height, width = int(HEIGHT / ENLARGED), round(WIDTH / ENLARGED)
    rows = list[NDArray[np.uint8]]()
    while sum(len(one) for one in rows) < height:
        strip = list[NDArray[np.uint8]]()
        while sum(one.shape[1] for one in strip) < width:
            scene = scenes[int(rng.integers(len(scenes)))][:300]
            strip.append(scene[:: rng.choice([1, -1]), :: rng.choice([1, -1])])
        rows.append(np.concatenate(strip, axis=1)[:, :width])
    whole = np.concatenate(rows)[:height]
    large = cv2.resize(whole, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, NOISE, large.shape).astype(np.float32)
    return np.asarray(np.clip(np.rint(large + noise), 0, 255), np.uint8)


def recipe(images: Path) -> dict[str, Any]:
    """Defaults at x4, as in `data/recipes/realsr.yaml`; but any kernel and any patch will do, for
    mosaics are no photographs.
    """
    return {
        "name": "bench",
        "scale": 4,
        "images": {"real": str(images)},
        "kernel_quality": RULES,
        "noise": ANYTHING,
    }


class Timing(ProgressListener):
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def sealed(self, stage: Any, result: Any, seconds: float) -> None:  # noqa: ARG002, D102
        self.seconds[stage.name] = round(seconds, 2)


def first_stages(images: Path, home: Path) -> Row:
    """Ingest and noise mining against nothing but decoding, by turns; processor time, for most of
    the rest is waiting for the disk.
    """
    parsed, folder = Recipe.model_validate(recipe(images)), home / "first"
    files = [path.read_bytes() for path in sorted(images.iterdir())]

    def ours() -> None:
        run = runner(local_profile(str(folder), workers=1))
        ingested = select_images(parsed, "/", run).images.manifest
        # As many patches as each gives in a build of 100 photographs.
        run(mine_noise.STAGE, ingested, parsed.noise.for_images(100))

    def forget() -> None:
        rmtree(folder, ignore_errors=True)
        for path in Path(os.environ[pixel_cache.FOLDER]).iterdir():
            path.unlink()

    def kept() -> None:
        """Decoded, digested, and their bytes in a file: nothing is looked at."""
        with (home / "spare").open("wb") as file:
            for data in files:
                pixels = fastest(data)
                pixel_digest(pixels)
                file.write(pixels.data)

    works = {
        "decoding": lambda: [fastest(data) for data in files],
        "with the pixel digest": lambda: [pixel_digest(fastest(data)) for data in files],
        "kept as well": kept,
        "all": ours,
    }
    least = dict.fromkeys(works, (float("inf"), float("inf")))
    for _ in range(ROUNDS):
        forget()
        for name, work in works.items():
            least[name] = min(least[name], _timed(work, 1e3 / len(files)))
    (alone, _), (digested, _), (copied, _), (both, waited) = least.values()
    return row(
        "ingest + noise mining of JPEGs of 3 MP",
        "one decode by the fastest decoder",
        both / alone,
        "<= 1.5",
        reached=both <= 1.5 * alone,
        detail=f"{both:.1f} ms ({waited:.1f} with the disk), decoding {alone:.1f} ms, with the "
        f"pixel digest {digested:.1f} ms, kept in a file as well {copied:.1f} ms",
    )


def _timed(work: Callable[[], object], factor: float) -> tuple[float, float]:
    """Processor time and wall time, times a factor."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return (time.process_time() - processor) * factor, (time.perf_counter() - wall) * factor


def fastest(data: bytes) -> NDArray[np.uint8]:
    """A JPEG, (H, W, 3) RGB: of simplejpeg, imagecodecs, OpenCV and Pillow the fastest."""
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB")
    return pixels


def build(images: Path, workspace: Path) -> dict[str, float]:
    """Seconds of all stages, and of publishing with the report."""
    timing, profile = Timing(), local_profile(str(workspace), workers=1)
    made = make(Recipe.model_validate(recipe(images)), "/", runner(profile, listener=timing))
    start = time.perf_counter()
    publish(made, profile, circumstance(now(), "bench", "", ()), write_report)
    return timing.seconds | {"publish": round(time.perf_counter() - start, 2)}


def build_of(checkout: Path, images: Path, workspace: Path) -> dict[str, float]:
    """The same by the code of another checkout."""
    command = [sys.executable, "-c", OLD, json.dumps(recipe(images)), str(workspace)]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(
        command, check=True, env=environment, stdout=subprocess.PIPE, text=True, cwd=checkout
    )
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def first(count: int, images: Path, folder: Path) -> Path:
    """A folder of the first photographs of another."""
    folder.mkdir()
    for path in sorted(images.iterdir())[:count]:
        (folder / path.name).hardlink_to(path)
    return folder


def against(images: Path, home: Path, old: Path, few: int) -> Row:
    """Seconds per photograph of the whole, here and there; by stage where it is printed."""
    count = len(list(images.iterdir()))
    before = build_of(old, first(few, images, home / "few"), home / "old")
    after = build(images, home / "new")
    for name, seconds, photos in (("before", before, few), ("now", after, count)):
        each = {stage: round(value / photos, 3) for stage, value in seconds.items()}
        print(f"{name}, seconds per photograph of {photos}: {each}")
    there, here = sum(before.values()) / few, sum(after.values()) / count
    return row(
        "realsr build of photographs of 3 MP",
        f"the build of {old.name}",
        there / here,
        ">= 10",
        reached=there >= 10 * here,
        detail=f"{there:.2f} s per photograph of {few}, now {here:.2f} s of {count}",
    )


def run(quick: bool) -> list[Row]:
    """What needs no other checkout."""
    one_thread()
    with tempfile.TemporaryDirectory() as folder, own_cache(Path(folder)):
        home = Path(folder)
        return [first_stages(photographs(home, SOME // 2 if quick else SOME), home)]


@contextmanager
def own_cache(home: Path) -> Iterator[None]:
    """Nothing is found that was kept before."""
    os.environ[pixel_cache.FOLDER] = str(home / "cache")
    (home / "cache").mkdir()
    try:
        yield
    finally:
        del os.environ[pixel_cache.FOLDER]


def main() -> None:
    """Everything, and with `--old` the whole build against that of a checkout."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--old", type=Path)
    parser.add_argument("--old-count", type=int, default=2)
    arguments = parser.parse_args()
    one_thread()
    with tempfile.TemporaryDirectory() as folder, own_cache(Path(folder)):
        home = Path(folder)
        images = photographs(home, arguments.count)
        rows = [first_stages(first(SOME, images, home / "some"), home)]
        if arguments.old:
            rows.append(against(images, home, arguments.old.resolve(), arguments.old_count))
        else:
            print(build(images, home / "new"))
    show(rows)


if __name__ == "__main__":
    main()
