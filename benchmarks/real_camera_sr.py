"""A network for a real camera: pairs made of its LR and of clean HR of other scenes, against
bicubic pairs.

    python -m benchmarks.real_camera_sr CITY100 REGISTERED WORKSPACE [--steps 2000] [--seeds 0]

CITY100 has `HR` and `LR`, files of the same names; REGISTERED is what `benchmarks.registered_pairs
--pairs` writes. The scenes are halved by turns: LR of one half are the photographs, HR of the other
half the clean images, and the networks are scored on the pairs of the first half, which were
registered, by PSNR of luminance where they register. Then the halves change places.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from statistics import fmean

import yaml

import pairmill
from benchmarks import in_domain_training as training
from benchmarks.common import RESULTS
from benchmarks.registered_pairs import ScoredPair, load_pairs
from pairmill.pipeline.evaluate.networks import load
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.evaluation import InferenceConfig
from pairmill.schemas.recipe import Recipe

DEGRADERS = ("bicubic", "realsr")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("city100", type=Path)
    parser.add_argument("registered", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    args = parser.parse_args()
    one_thread()
    settings = yaml.safe_load(Path(__file__).with_name("in_domain.yaml").read_text())
    settings["training"]["steps"], settings["seeds"] = args.steps, args.seeds
    pairs = load_pairs(args.registered)
    names = sorted(path.name for path in (args.city100 / "LR").iterdir())
    scores: dict[str, list[float]] = {}
    for turn in (0, 1):
        mine = set(names[turn::2])
        folder = args.workspace / f"turn-{turn}"
        _lay_out(args.city100, folder, mine, names)
        tested = [pair for pair in pairs if f"{pair.name}.png" in mine]
        scores.setdefault("enlarged", []).extend(_enlarged(tested))
        for kind in DEGRADERS:
            for found in _trained(kind, folder, settings, args.workspace, turn):
                scores.setdefault(kind, []).extend(_scored(tested, found))
        print({name: round(fmean(values), 3) for name, values in scores.items()}, flush=True)
    means = {name: fmean(values) for name, values in scores.items()}
    document = {"steps": args.steps, "seeds": args.seeds, "psnr_y": means}
    (RESULTS / "real_camera_sr.json").write_text(json.dumps(document, indent=1) + "\n")


def _lay_out(city100: Path, folder: Path, mine: set[str], names: list[str]) -> None:
    for part in ("real", "clean"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in mine:
            shutil.copy(city100 / "LR" / name, folder / "real" / name)
        else:
            shutil.copy(city100 / "HR" / name, folder / "clean" / name)


def _trained(
    kind: str, folder: Path, settings: dict[str, object], workspace: Path, turn: int
) -> list[str]:
    """Checkpoints of one way to pairs, one per seed; tiles are larger than the photographs' own
    half-size copies, so that only clean images are HR.
    """
    recipe = Recipe.model_validate(
        {
            "name": f"nikon-{turn}-{kind}",
            "images": {"real": str(folder / "real"), "clean": str(folder / "clean")},
            "tiles": {"size": 128, "stride": 96},
            "samples_per_tile": 2,
            "noise": {"patch": 16, "max_structure": 12, "max_unlike": 3},
            "degraders": [{"kind": kind}],
        }
    )
    version = pairmill.build(recipe, workspace).version
    return training.train({kind: (recipe.name, version)}, settings, workspace)[kind]


def _scored(pairs: list[ScoredPair], checkpoint: str) -> list[float]:
    network = load(checkpoint)
    return [pair.psnr_y(network(pair.lr, InferenceConfig())) for pair in pairs]


def _enlarged(pairs: list[ScoredPair]) -> list[float]:
    from pairmill.models.functional.resize import bicubic_up, to_uint8

    return [pair.psnr_y(to_uint8(bicubic_up(pair.lr, 2))) for pair in pairs]


if __name__ == "__main__":
    main()
