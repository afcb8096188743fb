"""What a kernel is worth to ZSSR: PSNR of luma at x2 on LR of known kernels, with the true kernel,
the one that `pairmill camera` finds, a constant one, and bicubic.

Twenty pictures that neither the settings of ZSSR nor the scenes of the camera estimate have seen:
twelve of Set14, eight of DF2K. Every `--kernels`-th has the same kernel; those are one camera,
which is estimated from its whole LR. ZSSR upscales the middle of each, 160 x 128 pixels of LR.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.kernel_methods import constant
from benchmarks.zssr_pictures import Array, Case, Image, cases, reported, tried
from pairmill.models.functional.imresize import imresize_up
from pairmill.models.functional.kernels import to_fixed_point
from pairmill.models.metrics.psnr import psnr
from pairmill.models.zssr.upscale import upscale
from pairmill.pipeline.evaluate.zero_shot.kernels import Seen, source_of
from pairmill.schemas.zero_shot import ZssrConfig

BICUBIC, NONE, CONSTANT, CAMERA, TRUE = COLUMNS = (
    "bicubic upscaling",
    "ZSSR, bicubic",
    "ZSSR, constant",
    "ZSSR, estimated",
    "ZSSR, true",
)
OVER_BICUBIC = 0.5
"""dB that the estimated kernel is to be above bicubic's."""
BELOW_TRUE = 0.3
"""dB that it may be below the true one."""


def cameras(found: Sequence[Case]) -> dict[int, Array]:
    """The kernel of each camera, from all its photographs."""
    return {number: _estimated(found, number) for number in {case.camera for case in found}}


def _estimated(found: Sequence[Case], camera: int) -> Array:
    seen: list[Seen] = [(case.photograph, None) for case in found if case.camera == camera]
    kernel = source_of("camera", 2, lambda: seen, 0).of(seen[0][0])
    assert kernel is not None
    return kernel


def scores(case: Case, estimated: Array, config: ZssrConfig) -> dict[str, float]:
    """PSNR of luma by column."""
    kernels: dict[str, Array | None] = {
        NONE: None,
        CONSTANT: to_fixed_point(constant().kernel),
        CAMERA: estimated,
        TRUE: case.kernel,
    }
    made: dict[str, Image] = {BICUBIC: imresize_up(case.lr, 2)}
    for name, kernel in kernels.items():
        made[name] = upscale(case.lr, kernel, config)
    return {name: psnr(image, case.hr, 2) for name, image in made.items()}


def line(name: str, values: Sequence[float]) -> str:
    """Of the table."""
    return f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--kernels", type=int, default=4)
    parser.add_argument("--height", type=int, default=128, help="of the part of LR")
    parser.add_argument("--width", type=int, default=160, help="of the part of LR")
    parser.add_argument("--max-steps", type=int, default=ZssrConfig().max_steps)
    parser.add_argument(
        "--tried", action="store_true", help="pictures that settings were chosen on"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    chosen = (tried if args.tried else reported)(args.data)[: args.images]
    found = cases(chosen, args.kernels, args.height, args.width)
    config, estimated = ZssrConfig(max_steps=args.max_steps), cameras(found)
    print(f"| picture | {' | '.join(COLUMNS)} |", flush=True)
    print("|---|" + "---:|" * len(COLUMNS), flush=True)
    rows, start = list[dict[str, float]](), time.process_time()
    for case in found:
        rows.append(scores(case, estimated[case.camera], config))
        print(line(case.name, list(rows[-1].values())), flush=True)
    means = {name: statistics.mean(row[name] for row in rows) for name in COLUMNS}
    print(line("mean", list(means.values())))
    gained, lost = means[CAMERA] - means[NONE], means[TRUE] - means[CAMERA]
    for value, wanted, reached in (
        (gained, f"estimated above bicubic, goal {OVER_BICUBIC}", gained >= OVER_BICUBIC),
        (lost, f"true above estimated, goal at most {BELOW_TRUE}", lost <= BELOW_TRUE),
    ):
        print(f"{'ok  ' if reached else 'MISS'} {value:.2f} dB: {wanted}")
    print(f"{(time.process_time() - start) / len(found) / 4:.1f} s of the processor per image")


if __name__ == "__main__":
    main()
