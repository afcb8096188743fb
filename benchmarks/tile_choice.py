"""Whether half the tiles teach as much as all, if they are the complex ones.

    python -m benchmarks.tile_choice WORKSPACE --train FOLDER... --test FOLDER... [--seeds 3]

Of the training folders every second image, the first included, is cut into tiles. The same small
network is trained for as many steps, at scale 2 with bicubic LR, on all tiles, on the most complex
ones, and on as many at random, which is the plainest way to have fewer. All are judged on images
that none was trained on: the whole of the test folders, and the other half of the training
folders. What is finished is found again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pairmill
from benchmarks import in_domain_training as training
from benchmarks.common import RESULTS, machine
from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.evaluation import EvaluationConfig
from pairmill.schemas.recipe import Recipe

CHOICES: dict[str, dict[str, Any]] = {
    "all": {},
    "half, complex": {"keep": 0.5, "by": "complexity"},
    "half, random": {"keep": 0.5, "by": "random"},
    "quarter, complex": {"keep": 0.25, "by": "complexity"},
    "quarter, random": {"keep": 0.25, "by": "random"},
}
TILES = {"size": 96, "stride": 64}
SETTINGS: dict[str, Any] = {
    "training": {
        "network": {"arch": "edsr", "features": 16, "blocks": 4},
        "steps": 1000,
        "batch": 16,
        "crop": 48,
        "rate": 5e-4,
    }
}
"""Of `in_domain_training.training`."""


def halves(folder: Path) -> tuple[list[str], list[str]]:
    """The first, third, ... image of a folder, and the others."""
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() == ".png")
    return files[::2], files[1::2]


def linked(folder: Path, into: Path) -> Path:
    """A folder with the second half of the images of another."""
    here = into / folder.name
    here.mkdir(parents=True, exist_ok=True)
    for file in map(Path, halves(folder)[1]):
        link = here / file.name
        if not link.exists():
            link.symlink_to(file.resolve())
    return here


def recipe(label: str, images: list[str]) -> Recipe:
    """Bicubic pairs of the chosen tiles of these images."""
    return Recipe.model_validate(
        {
            "name": f"tiles-{label.replace(', ', '-')}",
            "images": {"clean": images},
            "degraders": [{"kind": "bicubic"}],
            "tiles": {**TILES, **CHOICES[label]},
            "splits": {"train": 0.95, "val": 0.05},
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--train", type=Path, nargs="+", required=True)
    parser.add_argument("--test", type=Path, nargs="+", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000)
    args = parser.parse_args()
    one_thread()
    SETTINGS["training"]["steps"] = args.steps
    train = [file for folder in args.train for file in halves(folder)[0]]
    groups = {folder.name: folder for folder in args.test}
    groups |= {folder.name: linked(folder, args.workspace / "test") for folder in args.train}
    corpora = {label: pairmill.build(recipe(label, train), args.workspace) for label in CHOICES}
    samples = {label: sum(corpus.splits.values()) for label, corpus in corpora.items()}
    print(samples, flush=True)
    scores: dict[str, dict[str, list[float]]] = {}
    for seed in range(args.seeds):
        for name, group, value in _scores(corpora, groups, args.workspace, seed):
            scores.setdefault(name, {}).setdefault(group, []).append(value)
        _save(scores, samples, args)  # what is there already is worth something


def _scores(
    corpora: dict[str, pairmill.Corpus], groups: dict[str, Path], workspace: Path, seed: int
) -> list[tuple[str, str, float]]:
    """PSNR of bicubic and of one network per corpus, by group."""
    settings = {**SETTINGS, "seeds": [seed]}
    versions = {label: (corpus.name, corpus.version) for label, corpus in corpora.items()}
    trained = training.train(versions, settings, workspace)
    request = Request(
        ("bicubic", *(file for files in trained.values() for file in files)),
        hr=tuple(map(str, groups.values())),
        config=EvaluationConfig(scale=2, shown=0),
        title=f"tiles, seed {seed}",
    )
    storage = Storage(str(workspace))
    report = evaluate(request, storage, storage, f"judged/{seed}")
    return [
        (label, group, dict(found.rows[number].scores)["psnr_y"])
        for group, found in zip(groups, report.groups, strict=True)
        for number, label in enumerate(("bicubic", *trained))
    ]


def table(scores: dict[str, dict[str, list[float]]], samples: dict[str, int]) -> list[str]:
    """Markdown: PSNR by network and group, and over that of all tiles with its spread over
    seeds.
    """
    groups = list(scores["all"])
    lines = [["trained on", "tiles", *groups, "mean", "over all tiles, dB"]]
    lines.append(["---"] * len(lines[0]))
    base = _means(scores["all"])
    for label, found in scores.items():
        means = _means(found)
        gains = [own - all_ for own, all_ in zip(means, base, strict=False)]
        spread = f" ± {statistics.stdev(gains):.3f}" if len(gains) > 1 else ""
        each = [f"{statistics.fmean(found[group]):.2f}" for group in groups]
        count = f"{samples[label]:,}" if label in samples else "–"
        lines.append(
            [
                label,
                count,
                *each,
                f"{statistics.fmean(means):.3f}",
                f"{statistics.fmean(gains):+.3f}{spread}",
            ]
        )
    return [f"| {' | '.join(line)} |" for line in lines]


def _means(found: dict[str, list[float]]) -> list[float]:
    """Over groups, by seed."""
    return [statistics.fmean(values) for values in zip(*found.values(), strict=True)]


def _save(
    scores: dict[str, dict[str, list[float]]], samples: dict[str, int], args: argparse.Namespace
) -> None:
    lines = table(scores, samples)
    print("\n".join(lines), flush=True)
    document = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "train": [f"{folder.name}, every second image" for folder in args.train],
        "test": [folder.name for folder in args.test],
        "settings": {"tiles": TILES, "choices": CHOICES, **SETTINGS},
        "psnr_y": scores,
        "table": lines,
    }
    (RESULTS / "tile_choice.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
