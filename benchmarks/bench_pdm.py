"""Cost of an iteration of PDM: kernels as groups of one correlation, against unfolding as the
published code does.

    python -m benchmarks.bench_pdm [--threads 1] [--quick]

Both train the same networks on the same crops; only how kernels are applied differs. Memory is that
of the neighbourhoods.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import unfold

from pairmill.models.pdm import degradation
from pairmill.models.pdm.application import apply_kernels, needed
from pairmill.models.pdm.fit import Fit
from pairmill.schemas.pdm import PdmConfig


def unfolded(image: Tensor, kernels: Tensor, scale: int) -> Tensor:
    """All k x k neighbourhoods in memory, weighed and summed."""
    size = kernels.shape[-1]
    columns = (image.shape[3] - size) // scale + 1
    patches = unfold(image, size, stride=scale).view(*image.shape[:2], size**2, -1, columns)
    weighed: Tensor = (patches * kernels.reshape(-1, 1, size**2, 1, 1)).sum(2)
    return weighed


def application(
    apply: Callable[[Tensor, Tensor, int], Tensor], config: PdmConfig, scale: int, repeats: int
) -> float:
    """Seconds for applying a batch of kernels, forwards and backwards."""
    side = needed(config.crop, scale, config.kernel.size)
    image, kernels = (
        torch.rand(config.batch, 3, side, side),
        torch.rand(config.batch, *2 * (config.kernel.size,)),
    )
    kernels.requires_grad_()

    def once() -> None:
        kernels.grad = None
        apply(image, kernels, scale).square().mean().backward()  # type: ignore[no-untyped-call]

    return _best(once, repeats)


def iteration(
    apply: Callable[[Tensor, Tensor, int], Tensor], config: PdmConfig, scale: int, repeats: int
) -> float:
    """Seconds for one whole iteration."""
    images = [np.random.default_rng(n).integers(0, 256, (300, 300, 3), np.uint8) for n in range(4)]
    with patch.object(degradation, "apply_kernels", apply):
        fit = Fit(images, images, config, scale, 0)
        return _best(lambda: [None for _ in fit.advance(config.batch)], repeats)


def _best(work: Callable[[], object], repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="fewer repeats, and no published settings"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    repeats = 3 if args.quick else 9
    cases = [("pairmill", 2)] + ([] if args.quick else [("pairmill", 4), ("2020track1", 4)])
    for name, scale in cases:
        config = PdmConfig(preset=name)
        for what, timed in (("application", application), ("iteration", iteration)):
            count = repeats if name == "pairmill" else 2
            plain, ours = (
                1e3 * timed(apply, config, scale, count) for apply in (unfolded, apply_kernels)
            )
            print(
                f"{name:12s} x{scale} {what:12s} unfolded {plain:8.1f} ms, grouped {ours:8.1f} "
                f"ms: {plain / ours:6.1f} x"
            )
        held = 4 * 3 * config.batch * config.kernel.size**2 * config.crop**2
        print(f"{name:12s} x{scale} neighbourhoods in memory: {held / 2**20:.0f} MiB, grouped 0")


if __name__ == "__main__":
    main()
