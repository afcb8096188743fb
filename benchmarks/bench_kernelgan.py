"""Speed of kernel estimation: many collapsed lanes at once against one image at a time, layer by
layer.

    python -m benchmarks.bench_kernelgan [--quick]

Both do the same iterations on the same images with all cores: the plain formulation in one process
with all threads, ours in one single-threaded process per core, as workers run it, and for
comparison in one process with all threads.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pairmill.models.kernelgan.fit import draw_lanes, fit_kernels
from pairmill.schemas.kernel import KernelGanConfig

Image = NDArray[np.uint8]


def run(quick: bool) -> list[dict[str, Any]]:
    """One row per formulation: milliseconds per iteration and estimate, and how many times faster
    than the first.
    """
    cores = os.cpu_count() or 1
    count = max(8, 2 * cores)
    config = KernelGanConfig(iterations=40 if quick else 150)
    images = [photograph(seed) for seed in range(count)]
    plain = _plain_seconds(images[0], config, iterations=8 if quick else 30)
    rows = [_row("layer by layer, one image at a time", plain, plain)]
    together = _fit_seconds(images, config, cores) / (count * config.restarts * config.iterations)
    rows.append(_row(f"collapsed, {count} images, 1 process x {cores} threads", together, plain))
    shares = _shared_seconds(count, config, cores) / (count * config.restarts * config.iterations)
    rows.append(_row(f"collapsed, {count} images, {cores} processes x 1 thread", shares, plain))
    return rows


def photograph(seed: int, height: int = 320, width: int = 480) -> Image:
    """Noise at three scales, as smooth and as rough as photos are; (H, W, 3) uint8."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    layers = [
        gaussian_filter(rng.normal(0, 60 * s, (height, width, 3)), (s, s, 0)) for s in (0.7, 2, 6)
    ]
    return np.asarray(np.clip(np.sum(layers, axis=0) + 128, 0, 255), np.uint8)


def _plain_seconds(image: Image, config: KernelGanConfig, iterations: int) -> float:
    """Seconds per iteration of the plain formulation with all threads."""
    layered = _layered()
    lane = draw_lanes([image], [0], config, [(0, 0)])[0]
    short = config.with_(iterations=max(iterations, 10))
    layered.train_lane(lane, config.with_(iterations=10), dtype=torch.float32)
    start = time.perf_counter()
    layered.train_lane(lane, short, dtype=torch.float32)
    return (time.perf_counter() - start) / short.iterations


def _fit_seconds(images: list[Image], config: KernelGanConfig, threads: int) -> float:
    torch.set_num_threads(threads)
    fit_kernels(images[:1], [0], config.with_(iterations=10))
    start = time.perf_counter()
    fit_kernels(images, list(range(len(images))), config)
    return time.perf_counter() - start


def _shared_seconds(count: int, config: KernelGanConfig, workers: int) -> float:
    """Seconds until the last of several single-threaded processes is done."""
    shares = [list(range(worker, count, workers)) for worker in range(workers)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return max(pool.map(_share_seconds, shares, [config] * workers))


def _share_seconds(seeds: list[int], config: KernelGanConfig) -> float:
    return _fit_seconds([photograph(seed) for seed in seeds], config, 1)


def _row(what: str, seconds: float, plain: float) -> dict[str, Any]:
    return {
        "what": what,
        "ms per iteration": round(seconds * 1e3, 2),
        "times faster": round(plain / seconds, 1),
    }


def _layered() -> ModuleType:
    path = Path(__file__).parents[1] / "tests" / "support" / "layered_kernelgan.py"
    spec = importlib.util.spec_from_file_location("layered_kernelgan", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few seconds, rougher numbers")
    for row in run(parser.parse_args().quick):
        print(
            f"{row['what']:55s} {row['ms per iteration']:9.2f} ms per iteration "
            f"{row['times faster']:7.1f} x"
        )


if __name__ == "__main__":
    main()
