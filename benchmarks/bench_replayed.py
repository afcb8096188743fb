"""Corpora that keep HR and programs alone: bytes per pair, and the time that training waits while a
worker makes LR; two cores, one of them trains.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import torch

import pairmill
from benchmarks.bench_synthesis import recipe as kernel_noise
from benchmarks.common import Row, photographs, row, show
from pairmill.models.archs import build as build_network
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.shards.index import read_tiles
from pairmill.schemas.networks.edsr import EdsrConfig

BATCH, CROP = 16, 128
"""Those of training recipes by default."""
WARM = 8
"""Steps before the clock runs: the worker starts, and fills its queue."""


def corpora(folder: Path, count: int, draws: int) -> dict[str, pairmill.Corpus]:
    """Kernel + noise pairs of the bundled photos, x2, tiles of 256, with LR and without."""
    images = photographs(folder, count, 1024)
    found = {}
    for lr in ("stored", "replayed"):
        value = kernel_noise(images, samples=512).model_dump(exclude_unset=True)
        value |= {"samples_per_tile": draws, "shards": {"samples": 512, "lr": lr}}
        found[lr] = pairmill.build(value, folder / "workspace")
    return found


def beyond_hr(corpus: pairmill.Corpus) -> float:
    """Bytes per pair of shards and table that are not HR files."""
    index = read_tiles(corpus.shards())
    hr = int((index.spans[:, 0, 1] - index.spans[:, 0, 0]).sum())
    table = (Path(corpus.path) / "samples.parquet").stat().st_size
    shards = sum(Path(shard).stat().st_size for shard in corpus.shards())
    return (shards + table - hr) / len(corpus.samples)


def waiting(corpus: pairmill.Corpus, steps: int) -> tuple[float, float]:
    """Share of the time of steps that waits for data; pairs per second."""
    torch.manual_seed(0)
    network = build_network(EdsrConfig(features=24, blocks=6), corpus.scale, 0)
    optimiser = torch.optim.Adam(network.parameters(), 2e-4)
    loader = pairmill.Loader(corpus.training("train", CROP), BATCH, workers=1, drop_last=True)
    waited, begun, done = 0.0, 0.0, 0
    while done < WARM + steps:
        batches = iter(loader)
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            if done >= WARM:
                waited += time.perf_counter() - start
            else:
                begun = time.perf_counter()
            if batch is None or done == WARM + steps:
                break
            hr, lr = (image.float() / 255 for image in batch)
            loss = torch.nn.functional.l1_loss(network(lr), hr)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            done += 1
    spent = time.perf_counter() - begun
    loader.close()
    return waited / spent, steps * BATCH / spent


def run(quick: bool) -> list[Row]:
    """Both measurements; `quick` takes fewer images and steps."""
    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        made = corpora(Path(folder), 4 if quick else 8, 8)
        size, full = beyond_hr(made["replayed"]), beyond_hr(made["stored"])
        steps = 10 if quick else 40
        found = {lr: waiting(corpus, steps) for lr, corpus in made.items()}
    share, speed = found["replayed"]
    return [
        row(
            "bytes per pair beyond HR, LR replayed",
            "LR stored",
            size,
            "<= 600",
            reached=size <= 600,
            detail=f"stored {full:.0f}, HR of its own in each pair not counted",
        ),
        row(
            "training step waiting for data, LR replayed",
            "the step of an EDSR of 24 x 6",
            share,
            "<= 0.05",
            reached=share <= 0.05,
            detail=f"{speed:.0f} pairs/s; LR stored waits {found['stored'][0]:.3f}, "
            f"{found['stored'][1]:.0f} pairs/s",
        ),
    ]


if __name__ == "__main__":
    show(run(quick=False))
