"""Networks for a real camera, trained on pairs made in every way that there is, judged on real
pairs.

    python -m benchmarks.real_cameras PAIRS WORKSPACE [--registered pairs.npz] [--only realsr ...]
    [--turns 3] [--seeds 0 1 2] [--steps 2000] [--truth kernel.npy]

PAIRS has `HR` and `LR`, files of the same names, LR half as large, by one camera. The scenes are
divided in three: LR of the first are the user's photographs, HR of the second the clean images, and
networks are scored on the real pairs of the third, registered (`benchmarks.registered_pairs`), by
PSNR of luminance where they register. In the next turn the parts change places. `aligned`, the
ceiling, is trained on the real pairs of the first two. Two more tell what keeps others from it:
`aligned-clean`, the real pairs of the clean images alone, and `told-kernel`, clean images under the
kernel of all registered pairs, and noise. Intervals are of the mean gain over bicubic pairs, by
bootstrap over scenes. What is finished is found again.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

import pairmill
from benchmarks import in_domain_training as training
from benchmarks.common import RESULTS, machine
from benchmarks.registered_pairs import ScoredPair, load_pairs, read, read_pairs, scored_pairs
from pairmill.models.functional.blur import blur
from pairmill.models.functional.kernels import to_fixed_point
from pairmill.models.functional.resize import bicubic_up, to_uint8
from pairmill.models.registration.kernel import measure
from pairmill.pipeline.evaluate.networks import load
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import InferenceConfig
from pairmill.schemas.recipe import Recipe

WAYS: dict[str, dict[str, Any]] = {
    "bicubic": {"kind": "bicubic"},
    "bsrgan": {"kind": "bsrgan"},
    "realesrgan": {"kind": "realesrgan"},
    "bsrgan-fitted": {"kind": "bsrgan"},
    "realsr": {"kind": "realsr"},
    "realsr-as-mined": {"kind": "realsr", "noise": "as_mined"},
    "pdm": {"kind": "pdm"},
    "aligned": {"kind": "aligned"},
    "aligned-clean": {"kind": "aligned"},
    "told-kernel": {"kind": "aligned"},
}
PAIRED = {
    "aligned": ("lr", "hr"),
    "aligned-clean": ("clean-lr", "clean"),
    "told-kernel": ("told-lr", "clean"),
}
"""Folders of LR and HR of the ways that are given pairs."""
NOISE = (0.8, 0.65, 0.95)
"""Of R, G and B for told-kernel, in intensity levels: what is found in City100's Nikon at middle
levels."""
FITTED = ("bsrgan-fitted",)
CONTROL = "bicubic"
ENLARGED = "enlarged"
PARTS = 3
DRAWS = 4000
"""Draws of the bootstrap."""
Scores = dict[str, dict[str, list[float]]]
"""PSNR by way, by scene, one per seed."""


def main() -> None:
    """Train and judge; writes `results/real_cameras.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--registered", type=Path, help="what `registered_pairs --pairs` wrote")
    parser.add_argument("--truth", type=Path, help="the kernel of the pairs, .npy, for told-kernel")
    parser.add_argument("--only", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--turns", type=int, default=PARTS)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    args = parser.parse_args()
    one_thread()
    settings = yaml.safe_load(Path(__file__).with_name("in_domain.yaml").read_text())
    settings["training"]["steps"], settings["seeds"] = args.steps, args.seeds
    real = registered(args.pairs, args.registered)
    names = sorted(path.name for path in (args.pairs / "LR").iterdir())
    kernel = truth(args.pairs, args.truth) if "told-kernel" in args.only else None
    scores: Scores = {}
    for turn in range(args.turns):
        parts = [set(names[(turn + number) % PARTS :: PARTS]) for number in range(PARTS)]
        folder = args.workspace / f"turn-{turn}"
        lay_out(args.pairs, folder, parts[0], parts[1])
        if kernel is not None:
            tell_kernel(kernel, folder)
        tested = [pair for pair in real if f"{pair.name}.png" in parts[2]]
        for pair in tested:
            enlarged = to_uint8(bicubic_up(pair.lr, 2))
            scores.setdefault(ENLARGED, {})[pair.name] = [pair.psnr_y(enlarged)]
        for way in args.only:
            _judge(way, turn, folder, settings, args.workspace, tested, scores)
        print("\n".join(table(scores)), flush=True)
    save({"camera": args.pairs.name, "steps": args.steps, "turns": args.turns}, scores)


def save(setting: dict[str, Any], scores: Scores) -> None:
    """Write `results/real_cameras.json`; ways that were measured before, in the same setting, stay
    as they are there.
    """
    file = RESULTS / "real_cameras.json"
    before = json.loads(file.read_text()) if file.exists() else {}
    if setting.items() <= before.items():
        scores = {**before["psnr_y"], **scores}
    seeds = {
        way: max(len(values) for values in by_scene.values())
        for way, by_scene in scores.items()
        if way != ENLARGED
    }
    document = setting | {
        "machine": machine(),
        "seeds": seeds,
        "psnr_y": scores,
        "table": table(scores),
    }
    file.write_text(json.dumps(document, indent=1) + "\n")


def registered(folder: Path, known: Path | None) -> list[ScoredPair]:
    """The test pairs of a folder, registered now, or as `registered_pairs --pairs` wrote them."""
    if known is not None:
        return load_pairs(known)
    return scored_pairs(measure(read_pairs(folder)), folder)


def lay_out(pairs: Path, folder: Path, photographs: set[str], clean: set[str]) -> None:
    """Copies of what a user would have: `real`, `clean`, and the real pairs of both in `lr` and
    `hr`; LR of `clean` alone in `clean-lr`.
    """
    for part in ("real", "clean", "clean-lr", "lr", "hr"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name in sorted(photographs):
        shutil.copy(pairs / "LR" / name, folder / "real" / name)
    for name in sorted(clean):
        shutil.copy(pairs / "HR" / name, folder / "clean" / name)
        shutil.copy(pairs / "LR" / name, folder / "clean-lr" / name)
    for name in sorted(photographs | clean):
        shutil.copy(pairs / "LR" / name, folder / "lr" / name)
        shutil.copy(pairs / "HR" / name, folder / "hr" / name)


def truth(pairs: Path, known: Path | None) -> NDArray[np.float64]:
    """The kernel of all pairs, measured now or as it was."""
    return measure(read_pairs(pairs)).kernel if known is None else np.asarray(np.load(known))


def tell_kernel(kernel: NDArray[np.float64], folder: Path) -> None:
    """Write `told-lr`: the clean images as a kernel makes them, and white noise."""
    (folder / "told-lr").mkdir(exist_ok=True)
    for number, path in enumerate(sorted((folder / "clean").iterdir())):
        blurred = blur(read(path), to_fixed_point(kernel), scale=2)
        noise = NOISE * np.random.default_rng(number).standard_normal(blurred.shape)
        lr = to_uint8(np.asarray(blurred + noise))
        cv2.imwrite(str(folder / "told-lr" / path.name), lr[..., ::-1])


def recipe_of(way: str, turn: int, folder: Path) -> Recipe:
    """Tiles are larger than half a photograph, so that only clean images are HR."""
    images: dict[str, Any] = {"real": str(folder / "real"), "clean": str(folder / "clean")}
    if way in PAIRED:
        lr, hr = (str(folder / part) for part in PAIRED[way])
        images = {"aligned": {"lr": lr, "hr": hr}}
    return Recipe.model_validate(
        {
            "name": f"turn-{turn}-{way}",
            "images": images,
            "tiles": {"size": 128, "stride": 96},
            "samples_per_tile": 2,
            "noise": {"patch": 16, "max_structure": 12, "max_unlike": 3},
            "degraders": [WAYS[way]],
        }
    )


def _judge(
    way: str,
    turn: int,
    folder: Path,
    settings: dict[str, Any],
    workspace: Path,
    tested: Sequence[ScoredPair],
    scores: Scores,
) -> None:
    recipe = recipe_of(way, turn, folder)
    try:
        if way in FITTED:
            recipe = pairmill.fit_chain(recipe, recipe.degraders[0].label, workspace).recipe
        version = pairmill.build(recipe, workspace).version
    except UserError as error:  # a finding too: this way makes no corpus of such images
        print(f"turn {turn}: no corpus by {way}: {error}", flush=True)
        return
    trained = training.train({way: (recipe.name, version)}, settings, workspace)[way]
    for checkpoint in trained:
        network = load(checkpoint)
        for pair in tested:
            found = pair.psnr_y(network(pair.lr, InferenceConfig()))
            scores.setdefault(way, {}).setdefault(pair.name, []).append(found)


def table(scores: Scores) -> list[str]:
    """Markdown: mean PSNR, and the gain over bicubic pairs with its 95 % interval."""
    lines = ["| trained on | PSNR Y | over bicubic pairs | 95 % |", "| --- | --- | --- | --- |"]
    for way, by_scene in scores.items():
        mean = np.mean([np.mean(values) for values in by_scene.values()])
        shared = by_scene.keys() & scores.get(CONTROL, {}).keys()
        if way == CONTROL or not shared:
            lines.append(f"| {way} | {mean:.2f} | – | – |")
            continue
        middle, low, high = gain(by_scene, scores[CONTROL])
        lines.append(f"| {way} | {mean:.2f} | {middle:+.2f} | {low:+.2f} to {high:+.2f} |")
    return lines


def gain(
    way: Mapping[str, Sequence[float]], control: Mapping[str, Sequence[float]]
) -> tuple[float, float, float]:
    """Mean gain over the scenes that both have, in decibels, and its 95 % interval by bootstrap."""
    shared = sorted(way.keys() & control.keys())
    gains = np.array([np.mean(way[name]) - np.mean(control[name]) for name in shared])
    draws = np.random.default_rng(0).integers(len(gains), size=(DRAWS, len(gains)))
    low, high = np.quantile(gains[draws].mean(1), (0.025, 0.975))
    return float(gains.mean()), float(low), float(high)


if __name__ == "__main__":
    main()
