"""What a GPU gains: the same short fits and one training on the processor and on the GPU.

    python -m benchmarks.gpu [--devices cpu cuda]

Seconds are of the second of two equal parts, after the first has warmed the device up. Networks
and batches are the defaults but where a job says otherwise. Writes `results/gpu.json`; `gpu.sh`
runs the tests for GPUs first. Only `cpu` has ever run here.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import RESULTS, machine, photographs
from pairmill.models.archs import build
from pairmill.models.kernelgan.fit import fit_kernels
from pairmill.models.pdm.fit import Fit as PdmFit
from pairmill.models.redegnet.fit import Batch
from pairmill.models.redegnet.fit import Fit as RedegnetFit
from pairmill.models.training.objective import Objective
from pairmill.models.training.training import Training
from pairmill.models.translation.fit import Fit as TranslationFit
from pairmill.pipeline.images.decode import decode
from pairmill.schemas.image import IngestConfig
from pairmill.schemas.kernel import KernelGanConfig
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.redegnet import RedegnetConfig
from pairmill.schemas.training import TrainConfig
from pairmill.schemas.translation import BulatConfig

Image = NDArray[np.uint8]
ITERATIONS = 10
"""Iterations of a part."""
SIDE = 256


def main() -> None:
    """Time every job on every device."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", nargs="*", default=["cpu", "cuda"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = [
            decode(path.read_bytes(), IngestConfig())[0]
            for path in sorted(photographs(Path(folder), 8, SIDE).iterdir())
        ]
    found: dict[str, dict[str, float]] = {}
    for name, job in JOBS.items():
        found[name] = {device: round(timed(job(images, device)), 3) for device in args.devices}
        print(f"{name}: {found[name]} s for {ITERATIONS} iterations", flush=True)
    cards = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    document = {"machine": machine(), "cards": cards, "iterations": ITERATIONS, "seconds": found}
    (RESULTS / "gpu.json").write_text(json.dumps(document, indent=1) + "\n")


def timed(part: Callable[[], None]) -> float:
    """Seconds of the second of two parts."""
    part()
    began = time.perf_counter()
    part()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def kernelgan(images: list[Image], device: str) -> Callable[[], None]:
    """KernelGAN of two images."""
    config = KernelGanConfig(iterations=ITERATIONS, restarts=2)
    return lambda: _all(fit_kernels(images[:2], [1, 2], config, device=device))


def pdm(images: list[Image], device: str) -> Callable[[], None]:
    """PDM from nothing."""
    fit = PdmFit(images[:4], images[4:], PdmConfig(start_from="nothing"), 2, 0, device)
    return lambda: _all(fit.advance(ITERATIONS * fit.config.batch))


def translator(images: list[Image], device: str) -> Callable[[], None]:
    """Bulat's translator."""
    fit = TranslationFit(images[:4], images[4:], BulatConfig(), 2, 0, device)
    return lambda: _all(fit.advance(ITERATIONS * fit.config.batch))


def redegnet(images: list[Image], device: str) -> Callable[[], None]:
    """ReDegNet at half its side and a quarter of its first channels, on images that are their own
    restorations.
    """
    config = RedegnetConfig.model_validate({"net": {"side": 128, "first": 16}, "batch": 2})
    several = np.stack(images)[: config.batch, : config.net.side, : config.net.side]
    batch = Batch(several, several, several, several, several, swap=True)
    fit = RedegnetFit(lambda _: batch, config, 0, None, device)
    return lambda: _all(fit.advance(ITERATIONS * config.batch))


def training(images: list[Image], device: str) -> Callable[[], None]:
    """EDSR, 64 x 16, batches of 8 crops of 96."""
    config = TrainConfig.model_validate(
        {"name": "gpu", "corpus": "gpu", "network": {"arch": "edsr"}, "batch": 8, "crop": 96}
    )
    objective = Objective(config.losses, lambda _: b"", device)
    run = Training(config, build(config.network, 2), objective, device=device)
    crops = torch.from_numpy(np.stack(images)[:, :96, :96].copy()).permute(0, 3, 1, 2)
    return lambda: _all(run.advance(crops, crops[:, :, ::2, ::2]) for _ in range(ITERATIONS))


JOBS: dict[str, Callable[[list[Image], str], Callable[[], None]]] = {
    "KernelGAN": kernelgan,
    "PDM": pdm,
    "translator": translator,
    "ReDegNet": redegnet,
    "training": training,
}


def _all(steps: Iterable[object]) -> None:
    for _ in steps:
        pass


if __name__ == "__main__":
    main()
