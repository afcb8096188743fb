"""How well the noise of a corpus is told from that of its photographs: of patches by level, of
patches as mined, and of noise on the sensor.

    python -m benchmarks.noise_realism WORKSPACE FOLDER ... [--camera shot sensor phone sharpening]
    [--way by_level as_mined raw] [--most 24] [--seeds 1]

Every second picture of the folders is photographed by a simulated camera; the others are HR.
Corpora are built of the photographs alone, the camera itself takes the same HR (the floor), and
bicubic is the dumbest. The number is the area under the ROC curve by pairmill's classifiers,
cross-validated by picture: 0.5 is indistinguishable. Photographs are cut where samples may begin:
not on the grid of their JPEG blocks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import pairmill
from pairmill.models.functional import camera
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.images.decode import decode, pixel_digest
from pairmill.pipeline.realism.compare import auc
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.ops.camera import IDENTITY
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.recipe import Recipe

Image = NDArray[np.uint8]
Camera = Callable[[Image, np.random.Generator], Image]
WIDTH, QUALITY = 1.3, 92
READ, SHOT = 1.5, 0.06
"""Noise of the plain camera, in intensity levels."""
RAW_READ, RAW_SHOT, GAINS = 0.7, 0.15, (2.1, 1.0, 1.7)
"""Noise of the phone's sensor, in raw intensity levels, and its white balance."""
SHARPENED = 0.6
"""What the phone adds of an image minus its blur."""
SHARPENING_WIDTH, SHARPENING, SHARPENING_READ = 1.2, 1.0, 2.0
"""Blur of the sharpening camera, amount of its unsharp mask, whose radius is 1, and its noise."""
LR = 64
"""Side of an LR, in pixels."""
WAYS = ("by_level", "as_mined", "raw")


def plain(hr: Image, rng: np.random.Generator) -> Image:
    """Blur, x2, shot and read noise; what is then compressed."""
    scene = _scene(hr)
    noise = rng.standard_normal(scene.shape) * np.sqrt(READ**2 + SHOT * scene)
    return to_uint8(scene + noise)


def sensor(hr: Image, rng: np.random.Generator) -> Image:
    """Blur, x2, noise on the sensor, mosaic, development; what is then compressed."""
    raw = camera.unprocess(_scene(hr), GAINS, IDENTITY, with_tone=True)
    raw += rng.standard_normal(raw.shape) * np.sqrt(RAW_READ**2 + RAW_SHOT * np.maximum(raw, 0))
    seen = camera.demosaic(camera.mosaic(raw, "rggb"), "rggb")
    return to_uint8(camera.process(seen, GAINS, IDENTITY, with_tone=True))


def phone(hr: Image, rng: np.random.Generator) -> Image:
    """The same, denoised and sharpened before it is compressed."""
    calm = cv2.bilateralFilter(sensor(hr, rng), 5, 12, 1.5).astype(np.float64)
    return to_uint8(calm + SHARPENED * (calm - cv2.GaussianBlur(calm, (0, 0), 1.0)))


def sharpening(hr: Image, rng: np.random.Generator) -> Image:
    """A narrower blur, x2, an unsharp mask, read noise; what is then compressed."""
    scene = _scene(hr, SHARPENING_WIDTH)
    sharp = scene + SHARPENING * (scene - cv2.GaussianBlur(scene, (0, 0), 1.0))
    return to_uint8(sharp + SHARPENING_READ * rng.standard_normal(scene.shape))


CAMERAS: dict[str, Camera] = {
    "shot": plain,
    "sensor": sensor,
    "phone": phone,
    "sharpening": sharpening,
}


def _scene(hr: Image, width: float = WIDTH) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(hr.astype(np.float64), (0, 0), width)[::2, ::2])


def _coded(image: Image, rng: np.random.Generator) -> Image:
    phase = int(rng.integers(16)), int(rng.integers(16))
    return roundtrip_quality(image, QUALITY, "420", phase)


def lay_out(pictures: Sequence[Path], folder: Path, name: str, seed: int) -> list[Image]:
    """Photographs as JPEG files in `real`, the other pictures in `clean`; the photographs as users
    would decode them.
    """
    for part in ("real", "clean"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    photographs = []
    for number, path in enumerate(pictures):
        data = path.read_bytes()
        if number % 2:
            (folder / "clean" / f"{number}.png").write_bytes(data)
            continue
        hr = decode(data, IngestConfig())[0]
        even = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
        image = CAMERAS[name](even, np.random.default_rng(number + 1000 * seed))
        coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        (folder / "real" / f"{number}.jpg").write_bytes(coded.tobytes())
        photographs.append(decode(coded.tobytes(), IngestConfig())[0])
    return photographs


def corpus_of(way: str, folder: Path, workspace: Path, seed: int) -> list[tuple[Image, Image, str]]:
    """HR, LR and the name of the source, of the pairs whose HR is clean."""
    recipe = Recipe.model_validate(
        {
            "name": f"{folder.name}-{way.replace('_', '-')}",
            "seed": seed,
            "images": {"real": str(folder / "real"), "clean": str(folder / "clean")},
            "tiles": {"size": 2 * LR, "stride": 2 * LR},
            "noise": {"patch": 32, "max_structure": 12, "max_unlike": 3},
            "realism": {"enabled": False},
            "degraders": [{"kind": "realsr", "noise": way}],
        }
    )
    corpus = pairmill.build(recipe, workspace)
    paths = sorted((folder / "clean").iterdir())
    names = {
        pixel_digest(decode(path.read_bytes(), IngestConfig())[0]): path.name for path in paths
    }
    return [
        (pair.hr, pair.lr, names[pair.record.image])
        for pair in corpus.pairs()
        if pair.record.image in names
    ]


def _parts(photographs: Sequence[Image]) -> Iterator[tuple[Image, str]]:
    """Parts of the size of LR, each with the name of its photograph."""
    for number, photograph in enumerate(photographs):
        rng = np.random.default_rng([9, number])
        rows, columns = (length // LR for length in photograph.shape[:2])
        for _ in range(rows * columns):
            top, left = (int(rng.integers(length - LR + 1)) for length in photograph.shape[:2])
            yield photograph[top : top + LR, left : left + LR], f"photograph {number}"


def run(
    name: str, pictures: Sequence[Path], workspace: Path, ways: Sequence[str], seed: int
) -> None:
    """Print a row per way to make LR."""
    folder = workspace / f"{name}-{pictures[0].parent.name.lower().replace('_', '-')}-{seed}"
    photographs = lay_out(pictures, folder, name, seed)
    made = {way: corpus_of(way, folder, workspace, seed) for way in ways}
    hr, _, sources = zip(*made[ways[0]], strict=True)
    rows = {
        "camera itself": [
            _coded(CAMERAS[name](tile, rng), rng)
            for rng, tile in (
                (np.random.default_rng([7 + seed, n]), tile) for n, tile in enumerate(hr)
            )
        ],
        "bicubic": [to_uint8(bicubic_down(tile, 2)) for tile in hr],
        **{way: [lr for _, lr, _ in pairs] for way, pairs in made.items()},
    }
    parts = list(_parts(photographs))
    real, whose = [part for part, _ in parts], [source for _, source in parts]
    for way, images in rows.items():
        found = auc(real, images, RealismConfig(), (whose, sources))
        told = "; ".join(found.telling)
        print(f"| {folder.name} | {way} | {found.auc} | {found.interval} | {told} |", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--camera", nargs="+", choices=list(CAMERAS), default=list(CAMERAS))
    parser.add_argument("--way", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--most", type=int, default=24, help="pictures of all folders together")
    args = parser.parse_args()
    one_thread()
    pictures = [path for folder in args.folders for path in sorted(folder.rglob("*.png"))]
    print("| camera and pictures | LR | AUC | 95 % | told by |\n| --- | --- | --- | --- | --- |")
    for name in args.camera:
        for seed in range(args.seeds):
            run(name, pictures[: args.most], args.workspace, args.way, seed)


if __name__ == "__main__":
    main()
