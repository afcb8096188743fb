"""Networks that are told the kernel, or find it, for one camera: beside plain ones, at equal time.

    python -m benchmarks.told_cameras PAIRS WORKSPACE [--registered pairs.npz] [--seconds 90]
    [--share 0.8] [--turns 0 1 2]
    python -m benchmarks.told_cameras SCENES WORKSPACE --camera soft ...

Turns, photographs, clean images and test pairs are those of `benchmarks.real_cameras`; with
`--camera` a camera of `in_domain.yaml` takes photographs of SCENES before, without compression. On
the `realsr` corpus of each turn EDSR, SRMD, SFTMD and IKC are trained for the same processor
seconds on one thread; EDSR on bicubic pairs and bicubic upscaling stand beside them. Networks that
are told a kernel hear what `pairmill camera` finds in the photographs of the turn and its clean
images, the mean kernel of their corpus, or that of bicubic downscaling; IKC finds its own. Gains
are over EDSR on the same corpus, by bootstrap over scenes. What is finished is found again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

import pairmill
from benchmarks.common import RESULTS, machine
from benchmarks.equal_time import SCALE, STAGES, Corpus, Trainer
from benchmarks.in_domain import photographed
from benchmarks.real_cameras import PARTS, Scores, gain, lay_out, recipe_of, registered
from benchmarks.registered_pairs import ScoredPair, read
from pairmill.models.archs.aware import KernelAware
from pairmill.models.archs.kernel_code import downscaled
from pairmill.models.functional.linear_row import on_grid
from pairmill.models.functional.resize import bicubic_up, to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.camera_report.examine import examine
from pairmill.pipeline.camera_report.read import files_of, read_files
from pairmill.pipeline.evaluate.networks import Told, Upscaler, load
from pairmill.pipeline.labels.kernel import walk
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.evaluation import InferenceConfig

Array = NDArray[np.float64]
Heard = Callable[[str], Upscaler]
"""The network for the image of a name."""
SIDE = 10 * SCALE + 1
CONTROL = "EDSR"
ENLARGED = "bicubic upscaling"
CAMERA, MEAN, BICUBIC, TRUE = "the camera's", "the mean", "bicubic's", "the true one"
NETWORKS = {
    "EDSR, bicubic pairs": ("edsr", "bicubic"),
    CONTROL: ("edsr", "realsr"),
    "SRMD": ("srmd", "realsr"),
    "SFTMD": ("sftmd-whole", "realsr"),
    "IKC": ("ikc", "realsr"),
}
"""Which network is trained on which corpus."""
WHOLE = InferenceConfig(tile=0)
BORDER = 4
"""Pixels of a simulated HR that are not scored, where its LR saw beyond its edge."""


def simulated(scenes: Path, camera: dict[str, Any], folder: Path) -> dict[str, Array]:
    """Pairs of a camera that is known, as PNG in `HR` and `LR`, and the kernel of each LR by name.

    Args:
        scenes: images.
        camera: of `in_domain.yaml`; its compression is left out.
        folder: for the pairs.
    """
    for kind in ("HR", "LR"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    kernels = {}
    for path in sorted(one for one in scenes.iterdir() if one.suffix.lower() in {".png", ".jpg"}):
        hr = read(path)
        hr = hr[: hr.shape[0] // SCALE * SCALE, : hr.shape[1] // SCALE * SCALE]
        lr, program = photographed(np.ascontiguousarray(hr), camera, SCALE, path.stem)
        at = lr.shape[0] // 2, lr.shape[1] // 2
        row = walk(program, Assets(), hr.shape[:2], at).row
        kernels[path.stem], _ = on_grid(row, at, SIDE, SCALE)
        for kind, image in (("HR", hr), ("LR", lr)):
            cv2.imwrite(str(folder / kind / f"{path.stem}.png"), image[..., ::-1])
    return kernels


def exact(folder: Path) -> list[ScoredPair]:
    """Pairs that need no registration, scored but for their borders."""
    found = []
    for path in sorted((folder / "LR").iterdir()):
        hr = read(folder / "HR" / path.name)
        mask = np.zeros(hr.shape[:2], bool)
        mask[BORDER:-BORDER, BORDER:-BORDER] = True
        found.append(ScoredPair(path.stem, hr, read(path), mask))
    return found


def camera_kernel(folder: Path) -> Array:
    """What `pairmill camera real --clean clean` says of the photographs: (K, K), sum 1; found again
    in the folder.
    """
    file = folder / "camera.npy"
    if file.exists():
        return np.asarray(np.load(file))
    photographs, clean = (files_of([str(folder / kind)], ".", kind) for kind in ("real", "clean"))
    kernels = examine(read_files(photographs, clean, SCALE), SCALE, "one").kernels
    found: Array = next(kernel for name, kernel in kernels.items() if name.startswith("groups/"))
    np.save(file, found)
    return found


def bicubic_kernel() -> Array:
    """That of MATLAB's bicubic downscaling: (SIDE, SIDE)."""
    return np.asarray(downscaled(np.ones((1, 1, 1)), SCALE, SIDE)[0])


def tellings(
    network: Upscaler, camera: Array, truth: dict[str, Array]
) -> Iterator[tuple[str, Heard]]:
    """What a network is told, in words, and the network that has heard it; one that takes no kernel
    is told nothing.
    """
    if not isinstance(network.network, KernelAware):
        yield "", partial(_same, network)
        return
    mean = network.network.code.mean.double().numpy()
    for words, kernel in ((CAMERA, camera), (MEAN, mean), (BICUBIC, bicubic_kernel())):
        yield words, partial(_same, network.telling(Told(kernel / kernel.sum(), words=words)))
    if truth:
        yield TRUE, lambda name: network.telling(Told(truth[name], words=TRUE))


def _same(network: Upscaler, _name: str) -> Upscaler:
    return network


def judge(
    label: str,
    checkpoint: str,
    tested: Sequence[ScoredPair],
    camera: Array,
    truth: dict[str, Array],
    folder: Path,
) -> Scores:
    """PSNR of a network on each pair, for all that it is told; found again in the folder."""
    file = folder / f"{label}.json"
    if file.exists() and (known := json.loads(file.read_text()))["checkpoint"] == checkpoint:
        return dict(known["scores"])
    scores: Scores = {}
    for words, told in tellings(load(checkpoint), camera, truth):
        row = scores.setdefault(f"{label}, told {words}" if words else label, {})
        for pair in tested:
            row[pair.name] = [pair.psnr_y(told(pair.name)(pair.lr, WHOLE))]
    file.write_text(json.dumps({"checkpoint": checkpoint, "scores": scores}, indent=1) + "\n")
    return scores


def table(scores: Scores, turns: Mapping[int, Sequence[str]]) -> list[str]:
    """Markdown: mean PSNR, gain over EDSR with its interval, and the gain in each turn.

    Args:
        scores: by label and scene.
        turns: the scenes of each, by its number.
    """
    heads = ["network", "PSNR Y", f"over {CONTROL}", "95 %"]
    heads += [f"turn {number}" for number in turns]
    lines = [heads, ["---"] * len(heads)]
    control = scores[CONTROL]
    for name, by_scene in scores.items():
        mean = np.mean([np.mean(values) for values in by_scene.values()])
        if name == CONTROL:
            lines.append([name, f"{mean:.2f}", *["–"] * (len(heads) - 2)])
            continue
        middle, low, high = gain(by_scene, control)
        each = [
            gain({scene: by_scene[scene] for scene in turn}, control)[0] if turn else np.nan
            for turn in turns.values()
        ]
        lines.append(
            [
                name,
                f"{mean:.2f}",
                f"{middle:+.2f}",
                f"{low:+.2f} to {high:+.2f}",
                *(f"{one:+.2f}" for one in each),
            ]
        )
    return [f"| {' | '.join(line)} |" for line in lines]


def main() -> None:
    """Train and judge; adds to `results/told_cameras.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--camera", help="of in_domain.yaml, to photograph the images of PAIRS")
    parser.add_argument("--registered", type=Path, help="what `registered_pairs --pairs` wrote")
    parser.add_argument("--turns", type=int, nargs="*", default=list(range(PARTS)))
    parser.add_argument("--seconds", type=float, default=90, help="of a processor, each network")
    parser.add_argument("--share", type=float, default=0.8, help="of IKC's time, for its SFTMD")
    parser.add_argument("--only", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    args = parser.parse_args()
    one_thread()
    pairs, truth = args.pairs, dict[str, Array]()
    if args.camera:
        settings = yaml.safe_load(Path(__file__).with_name("in_domain.yaml").read_text())
        pairs = args.workspace / "pairs"
        truth = simulated(args.pairs, settings["cameras"][args.camera], pairs)
        every = exact(pairs)
    else:
        every = registered(args.pairs, args.registered)
    trainer = Trainer(args.workspace, args.seconds, args.share)
    scores: Scores = {}
    turns: dict[int, list[str]] = {}
    names = sorted(path.name for path in (pairs / "LR").iterdir())
    for turn in args.turns:
        parts = [set(names[(turn + number) % PARTS :: PARTS]) for number in range(PARTS)]
        folder = args.workspace / f"turn-{turn}"
        lay_out(pairs, folder, parts[0], parts[1])
        tested = [pair for pair in every if f"{pair.name}.png" in parts[2]]
        turns[turn] = [pair.name for pair in tested]
        known = {pair.name: truth[pair.name] for pair in tested if truth}
        _turn(turn, folder, args, trainer, tested, known, scores)
        print("\n".join(table(scores, turns)), flush=True)
    name = f"{args.camera}, {args.pairs.name}" if args.camera else args.pairs.name
    _save(name, args, trainer, scores, turns)


def _turn(
    turn: int,
    folder: Path,
    args: argparse.Namespace,
    trainer: Trainer,
    tested: Sequence[ScoredPair],
    truth: dict[str, Array],
    scores: Scores,
) -> None:
    for pair in tested:
        enlarged = to_uint8(bicubic_up(pair.lr, SCALE))
        scores.setdefault(ENLARGED, {})[pair.name] = [pair.psnr_y(enlarged)]
    camera, corpora = camera_kernel(folder), dict[str, Corpus]()
    for way in ("realsr", "bicubic"):
        recipe = recipe_of(way, turn, folder)
        corpora[way] = Corpus(recipe.name, pairmill.build(recipe, args.workspace).version)
    trainer.measure(corpora["realsr"])
    for label in (label for label in NETWORKS if label in args.only):
        who, way = NETWORKS[label]
        checkpoint = trainer.train(who, corpora[way])
        for name, row in judge(label, checkpoint, tested, camera, truth, folder).items():
            scores.setdefault(name, {}).update(row)


def _save(
    name: str,
    args: argparse.Namespace,
    trainer: Trainer,
    scores: Scores,
    turns: dict[int, list[str]],
) -> None:
    """Add what was found, or replace what was found earlier of the same camera."""
    path = RESULTS / "told_cameras.json"
    document = json.loads(path.read_text()) if path.exists() else {}
    document[name] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "seconds": args.seconds,
        "share": args.share,
        "milliseconds of a step": {
            who: round(1000 * value, 1) for who, value in trainer.step_seconds.items()
        },
        "steps": {who: trainer.steps(who) for who in STAGES},
        "seconds spent": trainer.spent,
        "turns": turns,
        "psnr_y": scores,
        "table": table(scores, turns),
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
