"""ZSSR against a plain formulation of it, on the same images and with the same rule for stopping:
processor time and PSNR of both, in one run.

The plain one is what a reader of the paper writes: each step cuts a crop of 128 pixels, downscales
it with the kernel, upscales the son by cubic interpolation, and sends it through eight convolutions
at the size of the father, from random initial weights; every 50 steps the error over the whole
image is measured, and the step size falls by the same rule. Ensemble and back-projection are the
same.

    python -m benchmarks.bench_zssr DATA [--images 5] [--max-steps 3000] [--tried]

The pictures are those of `benchmarks.zssr_accuracy`, which no setting was chosen on. Each gives a
ratio of times; their geometric mean is what counts. Rows are written as they are known.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common import Row, save
from benchmarks.zssr_pictures import Array, Case, Image, cases, reported, tried
from pairmill.models.archs.layers import Conv, draw_weights
from pairmill.models.functional.resize import bicubic_up, to_uint8
from pairmill.models.inference.ensemble import turned, turned_back
from pairmill.models.metrics.psnr import psnr
from pairmill.models.zssr.pairs import downscale_exactly, symmetries, tensor
from pairmill.models.zssr.schedule import Schedule
from pairmill.models.zssr.upscale import BACK_PROJECTIONS, back_projected, upscale
from pairmill.schemas.zero_shot import ZssrConfig

CROP = 128
GOAL = 3.0
"""Times as fast as the plain formulation."""


class Plain:
    """The plain formulation at x2."""

    def __init__(self, lr: Image, kernel: Array, config: ZssrConfig) -> None:
        self.father, self.kernel, self.config = lr.astype(np.float64), kernel, config
        self.rng = np.random.default_rng(config.seed)
        width = config.features
        inner = [part for _ in range(6) for part in (Conv(width, width, start="he"), nn.ReLU())]
        last = Conv(width, 3, start="he", gain=0.1)
        self.body = nn.Sequential(Conv(3, width, start="he"), nn.ReLU(), *inner, last)
        draw_weights(self.body, self.rng)
        self.adam = torch.optim.Adam(self.body.parameters(), config.rate)
        self.steps = 0

    def network(self, seen: Tensor) -> Tensor:
        """What the network makes of an image that was upscaled by cubic interpolation."""
        added: Tensor = self.body(seen)
        return seen + added

    def son(self, father: Array) -> Array:
        """The father downscaled and upscaled again."""
        small = np.clip(downscale_exactly(father, self.kernel, (2,)), 0, 255)
        return bicubic_up(small, 2)

    def step(self) -> None:
        """Learn from one crop."""
        height, width = (min(CROP, side // 2 * 2) for side in self.father.shape[:2])
        top = self.rng.integers(self.father.shape[0] - height + 1)
        left = self.rng.integers(self.father.shape[1] - width + 1)
        father = self.father[top : top + height, left : left + width]
        self.adam.zero_grad()
        loss = (self.network(tensor(self.son(father))) - tensor(father)).abs().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step()

    @torch.no_grad()
    def error(self) -> float:
        """Over the whole image."""
        height, width = (side // 2 * 2 for side in self.father.shape[:2])
        father = self.father[:height, :width]
        found = self.network(tensor(self.son(father)))
        return float((found - tensor(father)).square().mean())

    def train(self) -> None:
        """Until the rule ends it."""
        schedule = Schedule(self.config.rate, self.config.max_steps)
        while not schedule.ended(self.steps):
            self.step()
            self.steps += 1
            if schedule.measures(self.steps):
                schedule.errors.append((self.steps, self.error()))
            schedule.passed(self.steps)
            self.adam.param_groups[0]["lr"] = schedule.rate

    @torch.no_grad()
    def upscaled(self, lr: Image) -> Image:
        """Ensemble and back-projection."""
        seen = tensor(bicubic_up(lr, 2))
        found = [
            turned_back(self.network(turned(seen, position).contiguous()), position)
            for position in symmetries(self.kernel, 2)
        ]
        made = torch.stack(found).mean(0)[0].permute(1, 2, 0).numpy().astype(np.float64) * 255
        down = partial(downscale_exactly, kernel=self.kernel, scales=(2,))
        return to_uint8(back_projected(made, lr, down, BACK_PROJECTIONS))


def plain(case: Case, config: ZssrConfig) -> Image:
    """A picture upscaled by the plain formulation."""
    found = Plain(case.lr, case.kernel, config)
    found.train()
    print(f"  plain: {found.steps} steps", flush=True)
    return found.upscaled(case.lr)


def ours(case: Case, config: ZssrConfig) -> Image:
    """A picture upscaled by pairmill."""
    return upscale(case.lr, case.kernel, config)


def timed(
    work: Callable[[Case, ZssrConfig], Image], case: Case, config: ZssrConfig
) -> tuple[float, float]:
    """Seconds of the processor, and PSNR of luma."""
    start = time.process_time()
    made = work(case, config)
    return time.process_time() - start, psnr(made, case.hr, 2)


def compared(case: Case, config: ZssrConfig) -> Row:
    """Both on one picture."""
    fast, good = timed(ours, case, config)
    slow, other = timed(plain, case, config)
    return {
        "picture": case.name,
        "ours, s": round(fast, 1),
        "ours, dB": round(good, 2),
        "plain, s": round(slow, 1),
        "plain, dB": round(other, 2),
        "ratio": round(slow / fast, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--height", type=int, default=128, help="of the part of LR")
    parser.add_argument("--width", type=int, default=160, help="of the part of LR")
    parser.add_argument("--images", type=int, default=5, help="of those of `zssr_accuracy`")
    parser.add_argument("--max-steps", type=int, default=ZssrConfig().max_steps, help="of both")
    parser.add_argument(
        "--tried", action="store_true", help="pictures that settings were chosen on"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    config, rows = ZssrConfig(max_steps=args.max_steps), list[Row]()
    known = (tried if args.tried else reported)(args.data)
    # Some of each source.
    chosen = [known[number * len(known) // args.images] for number in range(args.images)]
    for case in cases(chosen, 2, args.height, args.width):
        rows.append(compared(case, config))
        print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
        save(rows, "bench_zssr_tried" if args.tried else "bench_zssr")
    mean = float(np.exp(np.mean(np.log([row["ratio"] for row in rows]))))
    gain = float(np.mean([row["ours, dB"] - row["plain, dB"] for row in rows]))
    mark = "ok  " if mean >= GOAL else "MISS"
    print(f"{mark} ZSSR against its plain formulation: {mean:.1f} times, goal {GOAL:g}")
    print(f"{gain:+.2f} dB in the mean")


if __name__ == "__main__":
    main()
