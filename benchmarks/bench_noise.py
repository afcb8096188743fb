"""Noise mining against only decoding the same images.

    python -m benchmarks.bench_noise [--quick] [--folder FOLDER]

Both sides decode the same file bytes; mining then measures every patch and keeps candidates. The
generated scenes are partly flat (sky), partly textured, with noise of 3 intensity levels: flat
patches cost most.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import best_by_turns, forget
from pairmill.flows.cli.demo import collect
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.images.decode import decode, pixel_digest
from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.runner.execution import local_profile, run_batch, runner
from pairmill.pipeline.runner.stage import Batch
from pairmill.pipeline.stages import mine_noise
from pairmill.schemas.image import IngestConfig, Role
from pairmill.schemas.noise import NoiseConfig
from pairmill.schemas.recipe import Recipe

REPEATS = 7
SIZES = {"0.4 megapixels": (512, 768), "3 megapixels": (1536, 2048), "12 megapixels": (3000, 4000)}


def run(quick: bool, folder: Path | None = None) -> list[dict[str, Any]]:
    """One row per set of files: seconds for decoding, seconds for decoding and mining, and their
    ratio.

    Sets of 1000 photos give fewer patches each than sets of 8 (`NoiseConfig.for_images`).
    """
    sizes = dict(list(SIZES.items())[: 2 if quick else 3])
    scenes = {
        f"{name}, {suffix}": [_encoded(scene(*shape), suffix)]
        for name, shape in sizes.items()
        for suffix in (".jpg", ".png")
    }
    rows = [
        _row(f"{count} of {name}", files, count)
        for count in (1000, 8)
        for name, files in scenes.items()
    ]
    with tempfile.TemporaryDirectory() as bundled:
        collect(Path(bundled))
        rows.append(_stage_row("the demo's photos, with files", Path(bundled)))
    if folder is not None:
        rows += [_row(folder.name, [path.read_bytes() for path in sorted(folder.iterdir())], 1000)]
        rows += [_stage_row(f"{folder.name}, with files", folder)]
    return rows


def scene(height: int, width: int) -> NDArray[np.uint8]:
    """An image, (height, width, 3): smooth sky above, texture of all scales below, white noise over
    both.
    """
    rng = np.random.default_rng(0)
    texture = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 8):
        small = rng.normal(0, 1, (-(-height >> octave) + 1, -(-width >> octave) + 1, 3)).astype(
            np.float32
        )
        texture += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) * 2**octave / 6
    texture[: height * 2 // 5] = 0
    shade = np.linspace(150, 110, height, dtype=np.float32)[:, None, None]
    noise = rng.normal(0, 3, texture.shape).astype(np.float32)
    return np.asarray(np.clip(np.rint(shade + texture + noise), 0, 255), np.uint8)


def _encoded(image: NDArray[np.uint8], suffix: str) -> bytes:
    _, data = cv2.imencode(
        suffix, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92] if suffix == ".jpg" else []
    )
    return bytes(data)


def _row(name: str, files: list[bytes], images: int) -> dict[str, Any]:
    config, ingest = NoiseConfig().for_images(images), IngestConfig(min_side=16)

    def read() -> list[NDArray[np.uint8]]:
        return [_read(data, ingest)[0] for data in files]

    def mine() -> list[int]:
        return [len(candidates(*_read(data, ingest), config).table) for data in files]

    pixels = sum(image.shape[0] * image.shape[1] for image in read())
    decoding, mining = _seconds(read, mine)
    return _numbers(name, decoding, mining, pixels, sum(mine()))


def _stage_row(name: str, folder: Path) -> dict[str, Any]:
    """The whole stage, which also writes what it found, on images that ingest has decoded, against
    decoding each of them again; wall time, one process.
    """
    with tempfile.TemporaryDirectory() as workspace:
        profile = local_profile(workspace, workers=1)
        recipe = Recipe.model_validate({"name": "bench", "images": {"real": str(folder.resolve())}})
        run_here = runner(profile)
        images = select_images(recipe, "/", run_here).images.manifest
        config = recipe.noise.for_images(1000)
        batch = Batch(
            mine_noise.STAGE, tuple(mine_noise.STAGE.units(images, config)), config, profile
        )
        found = images.with_role(Role.REAL)
        decoding, mining = best_by_turns(
            lambda: forget(batch),
            lambda: [_read(Path(image.url).read_bytes(), recipe.ingest) for image in found],
            lambda: run_batch(batch),
            repeats=REPEATS,
        )
        mined = run_here(mine_noise.STAGE, images, config).manifest
    return _numbers(
        name,
        decoding,
        mining,
        sum(image.width * image.height for image in found),
        sum(image.survey.candidates for image in mined.images),
    )


def _numbers(
    name: str, decoding: float, mining: float, pixels: int, candidates: int
) -> dict[str, Any]:
    return {
        "images": name,
        "decode ns/px": round(decoding / pixels * 1e9, 2),
        "decode + mine ns/px": round(mining / pixels * 1e9, 2),
        "ratio": round(mining / decoding, 3),
        "candidates": candidates,
    }


def _read(data: bytes, config: IngestConfig) -> tuple[NDArray[np.uint8], str]:
    """Decoding as the stage does it: the digest of the pixels belongs to it."""
    image = decode(data, config)[0]
    return image, pixel_digest(image)


def _seconds(*works: Callable[[], object]) -> list[float]:
    """The shortest of a few runs of each, by turns; processor time of all threads, which other
    programs disturb less.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS):
        for own, work in zip(times, works, strict=True):
            start = time.process_time()
            work()
            own.append(time.process_time() - start)
    return [min(own) for own in times]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    for row in run(args.quick, args.folder):
        print("  ".join(f"{key}: {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
