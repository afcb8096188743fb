"""What degraders make of ten photographs of a hidden camera.

    python -m benchmarks.pdm_ten SCENES WORKSPACE [--cameras soft,sharp] [--count 10] [--kinds
    measured,nothing] [--set '{"start_rate": 0.1}']

Cameras of `in_domain.yaml` photograph the first scenes of a folder; as many others are HR. Of each
way to make LR of the HR it tells the AUC against the photographs, measured alike; of `pdm` also the
error of the mean kernel and of the noise curve against the camera's, and the gates it fails.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.common import Row, save
from benchmarks.in_domain import shoot
from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.kernels import pad_or_crop
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets, read_assets
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.images.decode import decode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.pdm import PDM
from pairmill.pipeline.realism.compare import auc
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import SerialExecutor, one_thread, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.bicubic import BicubicConfig
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.degraders.pdm import PdmConfig
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.ops.blur import Blur
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.recipe import Recipe

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
SCALE, SIDE, TILES, SIZE = 2, 128, 96, 23
CONFIG = RealismConfig(network=False, card=False)


@dataclass(frozen=True)
class Case:
    """A camera, its photographs and HR that it has not seen."""

    camera: dict[str, Any]
    photographs: list[Image]
    hrs: list[Image]
    names: list[str]

    def told(self, degrade: Callable[[int, Image], Image]) -> Any:
        """How well LR is told from the photographs."""
        lr, whose = [], []
        for number in range(TILES):
            hr = self.hrs[number % len(self.hrs)]
            rng = stream(0, "tile", str(number))
            top, left = (int(rng.random() * (length - SIDE + 1)) for length in hr.shape[:2])
            tile = np.ascontiguousarray(hr[top : top + SIDE, left : left + SIDE])
            lr.append(degrade(number, tile))
            whose.append(f"hr {number % len(self.hrs)}")
        return auc(self._parts(), lr, CONFIG, (self._whose(), whose))

    def _parts(self) -> list[Image]:
        """Parts as large as LR tiles, which begin anywhere in the blocks of JPEG."""
        side, parts = SIDE // SCALE, []
        for number, image in enumerate(self._dealt()):
            rng = stream(0, "part", str(number))
            top, left = (int(rng.random() * (length - side + 1)) for length in image.shape[:2])
            parts.append(np.ascontiguousarray(image[top : top + side, left : left + side]))
        return parts

    def _dealt(self) -> list[Image]:
        return [self.photographs[number % len(self.photographs)] for number in range(TILES)]

    def _whose(self) -> list[str]:
        return [f"real {number % len(self.photographs)}" for number in range(TILES)]

    def kernel(self) -> Array:
        """The camera's mean kernel over its photographs."""
        config = CustomConfig.model_validate({"ops": self.camera["ops"]})
        degrader = degraders.build(config, SCALE, Pools())
        found = [
            pad_or_crop(weights(op.kernel), SIZE)
            for name in self.names
            for op in degrader.draw(stream(0, "photograph", name), (64, 64)).ops
            if isinstance(op, Blur)
        ]
        return np.asarray(np.mean(found, axis=0))

    def deviation(self, level: Array) -> Array:
        """Standard deviation of the camera's noise at a level."""
        (noise,) = [op for op in self.camera["ops"] if op["op"] == "shot_read_noise"]
        return np.asarray(np.sqrt(noise["shot"] * np.maximum(level, 0) + noise["read"] ** 2))


def case(folder: Path, camera: dict[str, Any], count: int, target: Path) -> Case:
    """Photograph scenes into `target`/real, and write as many others to `target`/clean."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg"})
    for part in ("real", "clean"):
        (target / part).mkdir(parents=True, exist_ok=True)
    photographs, hrs, names = [], [], [path.stem for path in files[:count]]
    quality = [cv2.IMWRITE_JPEG_QUALITY, camera["quality"]]
    for number, path in enumerate(files[: 2 * count]):
        scene = decode(path.read_bytes(), IngestConfig())[0]
        scene = np.ascontiguousarray(
            scene[: scene.shape[0] // SCALE * SCALE, : scene.shape[1] // SCALE * SCALE]
        )
        if number >= count:
            hrs.append(scene)
            cv2.imwrite(str(target / f"clean/{path.stem}.png"), scene[..., ::-1])
            continue
        place = target / f"real/{path.stem}.jpg"
        cv2.imwrite(str(place), shoot(scene, camera, SCALE, path.stem)[..., ::-1], quality)
        photographs.append(decode(place.read_bytes(), IngestConfig())[0])
    return Case(camera, photographs, hrs, names)


def recipe_of(target: Path, **pdm: Any) -> Recipe:
    """PDM and realsr on the same photographs."""
    return Recipe.model_validate(
        {
            "name": "ten",
            "scale": SCALE,
            "images": {"real": str(target / "real"), "clean": str(target / "clean")},
            "degraders": [
                {"kind": "pdm", "accept_failed": True},
                {"kind": "realsr", "noise": "by_level"},
            ],
            "noise": {"patch": 32},
            "pdm": pdm,
        }
    )


def pools_of(recipe: Recipe, workspace: Path) -> tuple[Pools, Assets, dict[str, Any]]:
    """All pools of a recipe, and their manifests."""
    profile, executor = Profile(str(workspace)), SerialExecutor()

    def run(stage: Any, inputs: Any, config: Any) -> Any:
        return run_stage(stage, inputs, config, profile, executor, ProgressListener())

    images = select_images(recipe, "/", run).images.manifest
    making = Making(recipe=recipe, images=images, base="/", run=run)
    made: dict[str, Any] = {}
    placed: list[Any] = []
    for kind in POOLS.values():
        if recipe.draws_from(kind.name):
            sealed = making.of(kind)
            made[kind.name] = sealed.manifest
            placed += kind.pools(sealed)
    infos = Pools(**{ref.kind: PoolInfo.of(ref) for ref, _ in placed})
    return infos, read_assets(Storage(str(workspace)), tuple(placed)), made


def drawn(config: Any, pools: Pools, assets: Assets, number: int, tile: Image) -> Image:
    """LR by a degrader."""
    degrader = degraders.build(config, SCALE, pools)
    return apply(degrader.draw(stream(1, "draw", str(number)), tile.shape[:2]), tile, assets)


def dumb(kernel: Array, sigma: float, number: int, tile: Image) -> Image:
    """One kernel and white noise, the same everywhere."""
    blurred = cv2.filter2D(tile.astype(np.float64), -1, kernel, borderType=cv2.BORDER_REFLECT)
    low = blurred[::SCALE, ::SCALE]
    return to_uint8(low + sigma * np.random.default_rng(number).normal(size=low.shape))


def baselines(one: Case, pools: Pools, assets: Assets) -> dict[str, float | None]:
    """AUC of what is not PDM."""
    kernels = assets.items(pools["kernels"].digest)
    mean = kernels.mean(0) if kernels.ndim == 3 else kernels.mean((0, 1))
    sigma = float(assets.items(pools["noise"].digest).std())
    ways: dict[str, Callable[[int, Image], Image]] = {
        "bicubic": partial(drawn, BicubicConfig(), Pools(), Assets()),
        "mean kernel, white noise": partial(dumb, mean, sigma),
        "realsr": partial(drawn, RealSrConfig(noise="by_level"), pools, assets),
        "the camera itself": lambda number, tile: _jpeg(
            shoot(tile, one.camera, SCALE, f"again {number}"), one.camera["quality"], number
        ),
    }
    return {name: _figure(one.told(way)) for name, way in ways.items()}


def _jpeg(image: Image, quality: int, number: int) -> Image:
    """Begun anywhere in a block."""
    top, left = np.random.default_rng(number).integers(0, 16, 2)
    wide = cv2.copyMakeBorder(image, int(top), 0, int(left), 0, cv2.BORDER_REFLECT)
    packed = cv2.imencode(".jpg", wide[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    read = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert read is not None
    return np.ascontiguousarray(np.asarray(read, np.uint8)[top:, left:, ::-1])


def pdm_row(one: Case, pools: Pools, assets: Assets, manifest: Any, folder: Path) -> Row:
    """A fit against the truth."""
    kernels = PDM.drawn(Storage(str(folder)), manifest).astype(np.float64)
    mean, truth = pad_or_crop(kernels.mean(0), SIZE), one.kernel()
    found = manifest.verdict.measures
    levels, spreads = np.array(found.noise_curve).T
    wrong = np.abs(spreads / one.deviation(levels) - 1)
    return {
        "AUC": _figure(one.told(partial(drawn, PdmConfig(), pools, assets))),
        "mean kernel, L2 error": round(
            float(np.linalg.norm(mean - truth) / np.linalg.norm(truth)), 3
        ),
        "noise curve, mean error": round(float(wrong.mean()), 3),
        "noise curve, largest error": round(float(wrong.max()), 3),
        "AUC at checks": [None if value is None else round(value, 3) for value in found.aucs],
        "sealed after": found.kept,
        "crops": found.samples,
        "gates failed": list(manifest.verdict.reasons),
    }


def _figure(result: Any) -> float | None:
    return None if result.auc is None else round(result.auc, 3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--cameras", default="soft,shaken,sharp,defocused,compact")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--kinds", default="measured,nothing")
    parser.add_argument("--set", default="{}", help="further settings of pdm, as JSON")
    args = parser.parse_args()
    one_thread()
    cameras = yaml.safe_load(Path(__file__).with_name("in_domain.yaml").read_text())["cameras"]
    rows: list[Row] = []
    for name in args.cameras.split(","):
        target = args.workspace / f"{args.scenes.name}-{name}-{args.count}"
        one = case(args.scenes, cameras[name], args.count, target)
        for kind in args.kinds.split(","):
            settings = {"start_from": kind, **json.loads(args.set)}
            start = time.perf_counter()
            try:
                pools, assets, made = pools_of(recipe_of(target, **settings), target)
            except UserError as error:
                print(f"{name}: {error}", flush=True)
                continue
            seconds = round(time.perf_counter() - start)
            if kind == args.kinds.split(",")[0]:
                rows.append({"camera": name, **baselines(one, pools, assets)})
                print(rows[-1], flush=True)
            found = pdm_row(one, pools, assets, made["pdm"], target)
            rows.append({"camera": name, "pdm": kind, "seconds": seconds, **found})
            print(rows[-1], flush=True)
    save(rows, "pdm_ten")


if __name__ == "__main__":
    main()
