"""The in-domain experiment: is a corpus of a camera's own images better to train on, for it, than
bicubic or hand-made ones.

    python -m benchmarks.in_domain SCENES WORKSPACE [--settings benchmarks/in_domain.yaml] [--only
    camera] [--upto corpora]

Hidden cameras photo the images of SCENES: blur, every second pixel, sensor noise, JPEG. From
the photos alone, one corpus is made per degrader; the same small network is trained on each,
with the same settings for as many steps; and all are judged on other scenes that the same camera
has photographed, against the scenes. `camera` is the ceiling: the true degradation put on the same
HR; `upscaled` is bicubic upscaling, without a network. What is finished is found again.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

import pairmill
from benchmarks import in_domain_training as training
from benchmarks.common import RESULTS, machine
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders import Pools
from pairmill.pipeline.images.decode import decode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe

Image = NDArray[np.uint8]
CEILING = "camera"


def take(
    scenes: list[Path], camera: dict[str, Any], settings: dict[str, Any], folder: Path
) -> None:
    """Photo the scenes: `train/*.jpg`, and of the middles of the test scenes `test/*.jpg`
    beside `truth/*.png`.
    """
    count, side = settings["scenes"]["train"], settings["scenes"]["test_side"]
    for part in ("train", "test", "truth"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(scenes):
        scene = _even(decode(path.read_bytes(), IngestConfig())[0], settings["scale"])
        part = "train" if number < count else "test"
        if part == "test":
            scene = _middle(scene, side)
            cv2.imwrite(str(folder / "truth" / f"{path.stem}.png"), scene[..., ::-1])
        photograph = shoot(scene, camera, settings["scale"], path.stem)
        cv2.imwrite(
            str(folder / part / f"{path.stem}.jpg"),
            photograph[..., ::-1],
            [cv2.IMWRITE_JPEG_QUALITY, camera["quality"]],
        )


def shoot(scene: Image, camera: dict[str, Any], scale: int, name: str) -> Image:
    """What the sensor sees, before compression."""
    return photographed(scene, camera, scale, name)[0]


def photographed(
    scene: Image, camera: dict[str, Any], scale: int, name: str
) -> tuple[Image, Program]:
    """A photograph before compression, and the program that took it."""
    config = CustomConfig.model_validate({"ops": camera["ops"]})
    program = degraders.build(config, scale, Pools()).draw(
        stream(0, "photograph", name), (scene.shape[0], scene.shape[1])
    )
    return apply(program, scene, Assets()), program


def _even(image: Image, scale: int) -> Image:
    return np.ascontiguousarray(
        image[: image.shape[0] // scale * scale, : image.shape[1] // scale * scale]
    )


def _middle(image: Image, side: int) -> Image:
    top, left = ((length - min(side, length)) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def recipes(
    name: str, camera: dict[str, Any], settings: dict[str, Any], folder: Path
) -> dict[str, Recipe]:
    """One per degrader, and the ceiling's."""
    jpeg = {"op": "jpeg", "quality": camera["quality"]}
    ceiling = {CEILING: {"kind": "custom", "ops": [*camera["ops"], jpeg]}}
    kinds = {**ceiling, **settings["degraders"], **settings.get("fitted", {})}
    return {
        label: Recipe.model_validate(
            {
                **settings["recipe"],
                "name": f"{name}-{label}",
                "scale": settings["scale"],
                "images": {"real": str(folder / "train")},
                "degraders": [degrader],
            }
        )
        for label, degrader in kinds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--settings", type=Path, default=Path(__file__).with_name("in_domain.yaml"))
    parser.add_argument("--only", help="one camera")
    parser.add_argument(
        "--upto", choices=["corpora", "scores"], default="scores", help="stop after the corpora"
    )
    args = parser.parse_args()
    one_thread()
    settings = yaml.safe_load(args.settings.read_text())
    scenes = sorted(
        path for path in args.scenes.iterdir() if path.suffix.lower() in {".png", ".jpg"}
    )
    scenes = scenes[: settings["scenes"]["train"] + settings["scenes"]["test"]]
    cameras = {
        name: camera for name, camera in settings["cameras"].items() if args.only in (None, name)
    }
    found = {
        name: _camera(name, camera, settings, scenes, args) for name, camera in cameras.items()
    }
    if args.upto == "scores":
        _save(
            {name: scores for name, scores in found.items() if scores}, settings, args.scenes.name
        )


def _camera(
    name: str,
    camera: dict[str, Any],
    settings: dict[str, Any],
    scenes: list[Path],
    args: argparse.Namespace,
) -> training.Scores:
    """All of one camera; the scores of its networks."""
    folder, corpora = args.workspace / "cameras" / name, {}
    take(scenes, camera, settings, folder)
    for label, recipe in recipes(name, camera, settings, folder).items():
        try:
            fit = label in settings.get("fitted", {})
            made = _fitted(recipe, args.workspace) if fit else recipe
            corpora[label] = (made.name, pairmill.build(made, args.workspace).version)
        except UserError as error:  # a finding too: this way makes no corpus of such images
            print(f"{name}: no corpus by {label}: {error}", flush=True)
        else:
            print(f"{name}: {label} {corpora[label][1]}", flush=True)
    if args.upto == "corpora":
        return {}
    pristine, lpips = (
        tuple(str(path) for path in scenes[: settings["scenes"]["train"]]),
        tuple(settings["lpips"]),
    )
    return training.judge(
        training.train(corpora, settings, args.workspace),
        folder,
        args.workspace,
        pristine=pristine,
        lpips=lpips,
    )


def _fitted(recipe: Recipe, workspace: Path) -> Recipe:
    """The recipe with its chain narrowed to its photos."""
    found = pairmill.fit_chain(recipe, recipe.degraders[0].label, workspace)
    for row in found.report.distances:
        print(f"  {recipe.name}: {row.label}: {row.camera} from the camera", flush=True)
    return found.recipe


def _save(cameras: dict[str, training.Scores], settings: dict[str, Any], scenes: str) -> None:
    lines = training.table(cameras)
    print("\n".join(lines))
    document = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "scenes": scenes,
        "settings": settings,
        "scores": cameras,
        "table": lines,
    }
    (RESULTS / "in_domain.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
