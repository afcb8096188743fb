"""What it is worth to know the kernel: the same network, trained on Gaussians, told and not told.

    python -m benchmarks.kernel_aware HR TEST WORKSPACE [--scale 2] [--minutes 10]
        [--degrader ikc] [--anisotropic 0] [--features 32] [--depth 6] [--images 10]

A corpus of Gaussian blurs is built of the images of HR. One network is trained on it twice, from
the same initial weights, on the same batches, for as many steps as fit into the time: told each
LR's kernel, or always assuming the usual one. Both are judged on the images of TEST, which no
network and no setting has seen: on Gaussian8 (told the true kernel, wrong ones, the usual one), and
on LR drawn as the corpus draws its own. Bicubic upscaling stands beside them. What is finished is
found again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pairmill
from benchmarks.common import RESULTS, machine
from pairmill.models.functional.linear_row import on_grid
from pairmill.models.metrics.psnr import psnr
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders import Pools
from pairmill.pipeline.evaluate.gaussian8 import Gaussian8
from pairmill.pipeline.evaluate.networks import Told, Upscaler, bicubic, load
from pairmill.pipeline.images.decode import decode
from pairmill.pipeline.labels.kernel import walk
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.pipeline.training.run import Trained, train_run
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.ikc import IkcConfig
from pairmill.schemas.degraders.srmd import SrmdConfig
from pairmill.schemas.evaluation import Gaussian8View, InferenceConfig
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig

Image = NDArray[np.uint8]
WAYS = {"told": "told", "not told": "ignored"}
"""How each network is trained: its name here, and `labels` of the recipe."""
TRIED = 40
"""Steps by which the time of one is measured."""
DRAWN = 3
"""LR of each test image that are drawn as the corpus draws them."""
WHOLE = InferenceConfig(tile=0)


def recipe(args: argparse.Namespace) -> Recipe:
    """The corpus."""
    return Recipe.model_validate(
        {
            "name": f"gaussians-x{args.scale}-{args.degrader}-{round(100 * args.anisotropic)}",
            "scale": args.scale,
            "images": {"clean": [str(args.hr)]},
            "tiles": {"size": 48 * args.scale},
            "samples_per_tile": 2,
            "splits": {"train": 0.9, "val": 0.1},
            "degraders": [degrader(args).model_dump(mode="json", exclude_unset=True)],
        }
    )


def degrader(args: argparse.Namespace) -> Any:
    """Which blurs it has; SRMD's without noise, so that only the kernel is unknown."""
    if args.degrader == "ikc":
        return IkcConfig(kind="ikc", anisotropic=args.anisotropic)
    return SrmdConfig(kind="srmd", clean=1.0)


def training(
    args: argparse.Namespace, corpus: str, way: str, steps: int, **changes: Any
) -> TrainConfig:
    """The same for both but for the labels."""
    return TrainConfig.model_validate(
        {
            "name": f"{corpus.replace('@', '-')}-{WAYS[way]}-{args.seed}-{steps}",
            "corpus": corpus,
            "seed": args.seed,
            "labels": WAYS[way],
            "network": {
                "arch": "srmd",
                "noise": False,
                "residual": True,
                "features": args.features,
                "depth": args.depth,
                "code": args.code,
            },
            "steps": steps,
            "batch": 16,
            "crop": 24 * args.scale,
            "loading": {"workers": 0},
            "ema": 0.99,
            "optimiser": {
                "learning_rate": args.rate,
                "schedule": {"kind": "cosine", "periods": [steps], "warm_up": min(200, steps // 4)},
            },
            "validation": {"every": steps, "images": 16, "pictures": 0},
            "checkpoints": {"every": max(1, steps // 4), "keep": 0},
            "log_every": max(1, steps // 10),
            **changes,
        }
    )


def trained(args: argparse.Namespace, corpus: str) -> dict[str, Trained]:
    """Both networks, after as many steps as the time holds."""
    storage = Storage(str(args.workspace))
    steps = args.steps
    if not steps:
        tried = train_run(training(args, corpus, "told", TRIED), ".", storage)
        rate = tried.folder.read_metrics(TRIED)[-3:]
        images = max(line["images_per_second"] for line in rate if "images_per_second" in line)
        steps = round(60 * args.minutes * images / 16 / 100) * 100 or 100
    print(f"{steps} steps each", flush=True)
    return {way: train_run(training(args, corpus, way, steps), ".", storage) for way in WAYS}


def pictures(folder: Path, most: int, scale: int) -> list[tuple[str, Image]]:
    """HR of the test, sides multiples of the scale."""
    found = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png")[:most]:
        image = decode(path.read_bytes(), IngestConfig())[0]
        rows, columns = (side // scale * scale for side in image.shape[:2])
        found.append((path.stem, np.ascontiguousarray(image[:rows, :columns])))
    return found


def drawn(
    args: argparse.Namespace, networks: list[Upscaler], images: list[tuple[str, Image]]
) -> dict[str, float]:
    """Mean PSNR Y on LR that are drawn as the corpus draws them; `told` hears the true kernel."""
    source, found = degraders.build(degrader(args), args.scale, Pools()), dict[str, list[float]]()
    for name, hr in images:
        for number in range(DRAWN):
            program = source.draw(stream(1, "test", name, number), hr.shape[:2])
            lr = apply(program, hr, Assets())
            at = lr.shape[0] // 2, lr.shape[1] // 2
            row = walk(program, Assets(), hr.shape[:2], at).row
            kernel, _ = on_grid(row, at, 10 * args.scale + 1, args.scale)
            for one in networks:
                heard = one.telling(Told(kernel)) if one.name == "told" else one
                sr = heard(lr, WHOLE)
                found.setdefault(one.name, []).append(psnr(sr, hr, args.scale, channel="y"))
    return {name: statistics.fmean(values) for name, values in found.items()}


def table(view: Gaussian8View, on_drawn: dict[str, float]) -> list[str]:
    """Markdown: a row per network and what it was told, a column per true width."""
    heads = ["network", "was told", *(f"{width:.2f}" for width in view.widths), "mean", "as drawn"]
    lines = [heads, ["---"] * len(heads)]
    for one in view.networks:
        # Told anything else than in its training, a network shows nothing.
        rows = [row for row in one.rows if one.network != "not told" or row.kind == "usual"]
        for number, row in enumerate(rows):
            own = on_drawn[one.network] if not number else None
            lines.append(
                [
                    one.network,
                    row.told,
                    *(f"{value:.2f}" for value in row.scores),
                    f"{statistics.fmean(row.scores):.2f}",
                    "" if own is None else f"{own:.2f}",
                ]
            )
    return [f"| {' | '.join(line)} |" for line in lines]


def named(file: str, name: str) -> Upscaler:
    """The network of a run, under a name."""
    one = load(file)
    one.view = one.view.with_(name=name)
    return one


def summary(view: Gaussian8View, on_drawn: dict[str, float]) -> dict[str, float]:
    """The figures that matter, in dB."""
    rows = {one.network: {row.told: row.scores for row in one.rows} for one in view.networks}
    true, ignorant, control = (
        statistics.fmean(rows[who][told])
        for who, told in (
            ("told", "the true kernel"),
            ("not told", "usual"),
            ("bicubic", "nothing"),
        )
    )
    wrong = [
        value
        for told, scores in rows["told"].items()
        for width, value in zip(view.widths, scores, strict=True)
        if told[0].isdigit() and told != f"{width:.2f}"
    ]
    return {
        "told the truth over not told, Gaussian8": round(true - ignorant, 3),
        "told the truth over told wrong, Gaussian8": round(true - statistics.fmean(wrong), 3),
        "told the truth over bicubic, Gaussian8": round(true - control, 3),
        "told the truth over not told, as drawn": round(on_drawn["told"] - on_drawn["not told"], 3),
    }


def parser_of(about: str | None, images: int, rate: float) -> argparse.ArgumentParser:
    """The options that `benchmarks.ikc` shares.

    Args:
        about: What the benchmark is.
        images: Of the test, unless said.
        rate: Learning rate, unless said.
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("hr", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=10, help="of training")
    parser.add_argument("--anisotropic", type=float, default=0.0, help="share of ellipses, ikc")
    parser.add_argument("--features", type=int, default=32)
    parser.add_argument("--code", type=int, default=10)
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=images, help="of the test")
    return parser


def built(args: argparse.Namespace) -> str:
    """The corpus, made or found, as NAME@VERSION."""
    made = recipe(args)
    return f"{made.name}@{pairmill.build(made, args.workspace).version}"


def record(
    args: argparse.Namespace,
    name: str,
    lines: list[str],
    found: dict[str, float],
    steps: int | list[int],
    images: list[str],
) -> None:
    """Print a table and its figures, in dB, and write both with the settings.

    Args:
        args: Settings.
        name: Of the file.
        lines: Markdown.
        found: The figures.
        steps: Of the trainings.
        images: Names of the images that were judged.
    """
    print("\n".join([*lines, "", *(f"{each}: {value:+.2f} dB" for each, value in found.items())]))
    document = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        # Folders by their names: where they lie is of this machine.
        "settings": {
            key: value.name if isinstance(value, Path) else str(value)
            for key, value in vars(args).items()
            if key != "workspace"
        },
        "steps": steps,
        "images": images,
        "found": found,
        "table": lines,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def main() -> None:
    parser = parser_of(__doc__, images=10, rate=2e-3)
    parser.add_argument("--steps", type=int, default=0, help="of each, instead of the minutes")
    parser.add_argument("--degrader", choices=["ikc", "srmd"], default="ikc")
    parser.add_argument("--depth", type=int, default=6)
    args = parser.parse_args()
    runs = trained(args, built(args))
    networks = [
        bicubic(args.scale),
        *(named(run.folder.checkpoint("last"), way) for way, run in runs.items()),
    ]
    images = pictures(args.test, args.images, args.scale)
    view = Gaussian8(networks, WHOLE).measured(
        [(name, partial(np.asarray, hr)) for name, hr in images]
    )
    on_drawn = drawn(args, networks, images)
    record(
        args,
        f"kernel_aware_x{args.scale}_{args.degrader}",
        table(view, on_drawn),
        summary(view, on_drawn),
        next(iter(runs.values())).step,
        [name for name, _ in images],
    )


if __name__ == "__main__":
    main()
