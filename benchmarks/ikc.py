"""What IKC's corrections are worth: of the predictor's kernels, and of wrong ones.

    python -m benchmarks.ikc HR TEST WORKSPACE [--scale 2] [--minutes 10] [--share 0.4]
        [--anisotropic 0] [--features 32] [--blocks 4] [--images 5] [--side 128]

The corpus of Gaussian blurs of `benchmarks.kernel_aware` is built of the images of HR. SFTMD is
trained on it with the true kernels for a share of the time, then the predictor and the corrector
for the rest. On the middle of each image of TEST, which nothing was trained on or chosen by, under
the eight widths of Gaussian8: bicubic, SFTMD told the true kernel, and IKC after each correction,
from the predictor's kernel and from both that are `--wrong` wider and narrower on purpose. What is
finished is found again.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.kernel_aware import built, parser_of, pictures, record
from pairmill.models.archs.aware import Degradation
from pairmill.models.archs.ikc import Ikc
from pairmill.models.archs.weights import load_network
from pairmill.models.functional.imresize import imresize_up
from pairmill.models.metrics.psnr import psnr
from pairmill.pipeline.evaluate.gaussian8 import degraded, kernel_of, widths
from pairmill.pipeline.training.run import Trained, train_run
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.training import TrainConfig

Image = NDArray[np.uint8]
TRIED = 6
"""Steps by which the time of one is measured."""
BICUBIC, TRUE = "bicubic", "SFTMD, true kernel"
PREDICTED, WRONG = "predicted", "wrong"


def network(args: argparse.Namespace) -> dict[str, Any]:
    """SFTMD."""
    return {
        "arch": "sftmd",
        "features": args.features,
        "blocks": args.blocks,
        "modulation": args.features // 2,
        "code": args.code,
    }


def training(args: argparse.Namespace, corpus: str, steps: int, **changes: Any) -> TrainConfig:
    """What both stages share."""
    return TrainConfig.model_validate(
        {
            "corpus": corpus,
            "seed": args.seed,
            "steps": steps,
            "batch": 16,
            "crop": 32 * args.scale,
            "loading": {"workers": 0},
            "ema": 0.99,
            "optimiser": {
                "learning_rate": args.rate,
                "clip": 1.0,
                "schedule": {"kind": "cosine", "periods": [steps], "warm_up": min(100, steps // 4)},
            },
            "validation": {"every": steps, "images": 8, "pictures": 0},
            "checkpoints": {"every": max(1, steps // 4), "keep": 0},
            "log_every": max(1, steps // 10),
            **changes,
        }
    )


def timed(
    args: argparse.Namespace, corpus: str, stage: str, minutes: float, **changes: Any
) -> Trained:
    """A stage of as many steps as the time holds."""
    storage, name = Storage(str(args.workspace)), f"{corpus.replace('@', '-')}-{stage}"
    if args.steps:
        steps = args.steps[stage == "ikc"]
        one = training(args, corpus, steps, name=f"{name}-{steps}", **changes)
        return train_run(one, ".", storage)
    tried = train_run(training(args, corpus, TRIED, name=f"{name}-tried", **changes), ".", storage)
    lines = tried.folder.read_metrics(TRIED)[-3:]
    images = max(line["images_per_second"] for line in lines if "images_per_second" in line)
    steps = max(20, round(60 * minutes * images / 16 / 20) * 20)
    print(f"{stage}: {steps} steps", flush=True)
    return train_run(training(args, corpus, steps, name=f"{name}-{steps}", **changes), ".", storage)


def read(run: Trained) -> Any:
    """The network of a run."""
    file = Path(run.folder.checkpoint("last"))
    return load_network(file.read_bytes(), file.name).eval()


def tensor(image: Image) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255


def image(sr: torch.Tensor) -> Image:
    found: Image = (255 * sr[0].clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()
    return found


def middle(hr: Image, side: int) -> Image:
    """As much of an image, or all of it."""
    top, left = (max(0, length - side) // 2 // 24 * 24 for length in hr.shape[:2])
    return hr[top : top + side, left : left + side]


def told(args: argparse.Namespace, width: float, lr: torch.Tensor) -> Degradation:
    """A Gaussian of this width."""
    kernel = torch.from_numpy(kernel_of(width, args.scale, 10 * args.scale + 1)).float()
    return Degradation(kernel[None], lr.new_zeros(1, 1, *lr.shape[2:]))


@torch.inference_mode()
def measured(args: argparse.Namespace, ikc: Ikc, hrs: list[Image]) -> dict[str, list[float]]:
    """PSNR Y, means over images and widths: of IKC one after each correction."""
    found: dict[str, list[list[float]]] = {}
    most = ikc.iterations + 1
    for hr in hrs:
        score = partial(psnr, hr, border=args.scale, channel="y")
        for width in widths(args.scale):
            small = degraded(hr, args.scale, width)
            lr = tensor(small)
            true = ikc.network(lr, told(args, width, lr))
            found.setdefault(BICUBIC, []).append([score(imresize_up(small, args.scale))])
            found.setdefault(TRUE, []).append([score(image(true))])
            starts: list[tuple[str, Degradation | None]] = [(PREDICTED, None)]
            starts += [
                (WRONG, told(args, wrong, lr))
                for wrong in (width - args.wrong, width + args.wrong)
                if wrong > 0
            ]
            for name, start in starts:
                row = [score(image(each.sr)) for each in ikc.estimates(lr, start)]
                found.setdefault(name, []).append(row + row[-1:] * (most - len(row)))
    return {name: np.mean(rows, axis=0).tolist() for name, rows in found.items()}


def table(found: dict[str, list[float]]) -> list[str]:
    """Markdown: a row per network and start, a column per correction."""
    most = max(map(len, found.values()))
    lines = [
        ["kernel", "at first", *(f"after {number}" for number in range(1, most))],
        ["---"] * (most + 1),
    ]
    for name, values in found.items():
        lines.append([name, *(f"{value:.2f}" for value in values), *[""] * (most - len(values))])
    return [f"| {' | '.join(line)} |" for line in lines]


def summary(found: dict[str, list[float]]) -> dict[str, float]:
    """The figures that matter, in dB."""
    wrong, predicted, true = found[WRONG], found[PREDICTED], found[TRUE][0]
    return {
        "corrections of wrong kernels": round(wrong[-1] - wrong[0], 3),
        "corrections of the predictor's": round(predicted[-1] - predicted[0], 3),
        "IKC over bicubic": round(predicted[-1] - found[BICUBIC][0], 3),
        "the true kernel over IKC": round(true - predicted[-1], 3),
    }


def main() -> None:
    parser = parser_of(__doc__, images=5, rate=1e-3)
    parser.add_argument("--steps", type=int, nargs=2, help="of the stages, instead of minutes")
    parser.add_argument("--share", type=float, default=0.4, help="of the minutes, for SFTMD")
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--finders", type=int, default=32, help="features of P and C")
    parser.add_argument("--corrections", type=int, default=2, help="in a step of training")
    parser.add_argument("--side", type=int, default=128, help="of the middle that is judged")
    parser.add_argument("--wrong", type=float, default=0.6, help="HR pixels")
    parser.add_argument("--settled", type=float, default=0.01)
    args = parser.parse_args()
    args.degrader = "ikc"
    corpus, minutes = built(args), args.minutes
    first = timed(args, corpus, "sftmd", args.share * minutes, network=network(args))
    finders = {"features": args.finders, "settled": args.settled, "corrections": args.corrections}
    second = timed(
        args,
        corpus,
        "ikc",
        (1 - args.share) * minutes,
        network={"arch": "ikc", "network": network(args), **finders},
        start_from={"file": str(Path(first.folder.checkpoint("last")).resolve())},
    )
    images = pictures(args.test, args.images, args.scale)
    found = measured(args, read(second), [middle(hr, args.side) for _, hr in images])
    record(
        args,
        f"ikc_x{args.scale}",
        table(found),
        summary(found),
        [first.step, second.step],
        [name for name, _ in images],
    )


if __name__ == "__main__":
    main()
