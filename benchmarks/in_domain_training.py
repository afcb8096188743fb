"""The second half of `benchmarks.in_domain`: networks, scores, and the table over all cameras."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate
from pairmill.pipeline.training.run import train_run
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.evaluation import EvaluationReport
from pairmill.schemas.training import TrainConfig

Scores = dict[str, dict[str, float]]
"""By network, by metric."""


def training(name: str, version: str, settings: dict[str, Any], seed: int) -> TrainConfig:
    """The same for every corpus but for its name; the schedule falls to zero as a cosine."""
    chosen = settings["training"]
    steps = chosen["steps"]
    return TrainConfig.model_validate(
        {
            "name": f"{name}-{version}-{seed}",
            "corpus": f"{name}@{version}",
            "seed": seed,
            "network": chosen["network"],
            "steps": steps,
            "batch": chosen["batch"],
            "crop": chosen["crop"],
            "loading": {"workers": 0},
            "ema": 0.99,
            "optimiser": {
                "learning_rate": chosen["rate"],
                "schedule": {"kind": "cosine", "periods": [steps]},
            },
            "validation": {"every": steps, "images": 16},
            "checkpoints": {"every": max(1, steps // 4), "keep": 0},
        }
    )


def train(
    corpora: dict[str, tuple[str, str]], settings: dict[str, Any], workspace: Path
) -> dict[str, list[str]]:
    """Train one network per corpus and seed; checkpoints by label."""
    found: dict[str, list[str]] = {}
    for label, (name, version) in corpora.items():
        for seed in settings["seeds"]:
            done = train_run(training(name, version, settings, seed), ".", Storage(str(workspace)))
            print(f"  {name}-{seed}: {done.step} steps", flush=True)
            found.setdefault(label, []).append(done.folder.checkpoint("last"))
    return found


def judge(
    checkpoints: dict[str, list[str]], folder: Path, workspace: Path, **metrics: tuple[str, ...]
) -> Scores:
    """Scores on the test photos of the camera; of several seeds, the mean. `metrics` are
    files, as in `Request`.
    """
    seeds = [
        _evaluated(
            [files[seed] for files in checkpoints.values()],
            folder,
            workspace,
            f"evaluation-{seed}",
            **metrics,
        )
        for seed in range(len(next(iter(checkpoints.values()))))
    ]
    labels = ["enlarged", *checkpoints]
    return {
        label: {
            metric: statistics.fmean(_row(report, number)[metric] for report in seeds)
            for metric in _row(seeds[0], number)
        }
        for number, label in enumerate(labels)
    }


def _evaluated(
    files: list[str], folder: Path, workspace: Path, page: str, **metrics: tuple[str, ...]
) -> EvaluationReport:
    pairs = (str(folder / "truth"), str(folder / "test"))
    request = Request(("bicubic", *files), pairs=(pairs,), title=f"camera {folder.name}", **metrics)  # type: ignore[arg-type]
    return evaluate(request, Storage(str(workspace)), Storage(str(folder)), page)


def _row(report: EvaluationReport, number: int) -> dict[str, float]:
    return dict(report.groups[0].rows[number].scores)


HEADS = {
    "psnr_y": "PSNR Y",
    "ssim_y": "SSIM Y",
    "psnr_rgb": "PSNR RGB",
    "ssim_rgb": "SSIM RGB",
    "niqe": "NIQE",
    "lpips": "LPIPS",
}


def table(cameras: dict[str, Scores], control: str = "bicubic") -> list[str]:
    """Markdown: means over the cameras that have a corpus of the kind, PSNR over the control (or,
    without a network of it, over bicubic upscaling) with its spread, PSNR per camera.
    """
    first = next(iter(cameras.values()))
    control = control if control in first else "enlarged"
    metrics = list(first[control])
    heads = [
        "trained on",
        *(HEADS[metric] for metric in metrics),
        f"over {control}, dB",
        *(f"PSNR Y, {name}" for name in cameras),
    ]
    lines = [heads, ["---"] * len(heads)]
    for label in dict.fromkeys(label for scores in cameras.values() for label in scores):
        having = [scores for scores in cameras.values() if label in scores]
        means = [statistics.fmean(scores[label][metric] for scores in having) for metric in metrics]
        gains = [scores[label]["psnr_y"] - scores[control]["psnr_y"] for scores in having]
        each = [
            f"{scores[label]['psnr_y']:.2f}" if label in scores else "–"
            for scores in cameras.values()
        ]
        lines.append(
            [
                label,
                *_numbers(means),
                f"{statistics.fmean(gains):+.2f} ± {_spread(gains):.2f}",
                *each,
            ]
        )
    return [f"| {' | '.join(line)} |" for line in lines]


def _numbers(values: Iterable[float]) -> list[str]:
    return [f"{value:.4f}" if abs(value) < 2 else f"{value:.2f}" for value in values]


def _spread(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0
