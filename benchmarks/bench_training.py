"""Training against a bare loop without the trainer, and the time that steps wait for data, on the
CPU.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import pairmill
from benchmarks.common import Row, photographs, row, save, show
from pairmill.models.archs import build as build_network
from pairmill.models.training.loop import Listener, Meter, train
from pairmill.models.training.objective import Objective
from pairmill.models.training.training import Training
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.training.callbacks import MetricLogger, RunContext
from pairmill.pipeline.training.data import Feed, open_split
from pairmill.pipeline.training.distributed import SingleProcess
from pairmill.pipeline.training.folder import Folder
from pairmill.pipeline.training.run import train_run
from pairmill.pipeline.training.tensorboard import Board
from pairmill.pipeline.training.watch import TrainingListener
from pairmill.pipeline.workspace.provenance import now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig, TrainingRun

Batch = tuple[Tensor, Tensor]
BLOCK = 20
"""Steps per measurement; blocks of both loops take turns, so that what else the machine does meets
both."""


def corpus(folder: Path, count: int) -> Storage:
    """A corpus of tiles of 256, x2, of the bundled photos."""
    recipe = Recipe.model_validate(
        {
            "name": "bench",
            "images": {"clean": [str(photographs(folder, count, 512))]},
            "degraders": [{"kind": "bicubic"}],
            "splits": {"train": 0.8, "val": 0.2},
        }
    )
    return pairmill.build(recipe, folder / "workspace").storage


def config(steps: int) -> TrainConfig:
    """A small EDSR."""
    return TrainConfig.model_validate(
        {
            "name": "bench",
            "corpus": "bench",
            "network": {"arch": "edsr", "features": 16, "blocks": 4},
            "batch": 8,
            "crop": 96,
            "steps": steps,
            "log_every": BLOCK,
            "validation": {"every": 10**6},
            "checkpoints": {"every": 10**6},
        }
    )


def bare(chosen: TrainConfig) -> Callable[[list[Batch]], None]:
    """What one writes by hand: network, L1, Adam, an EMA."""
    network = build_network(chosen.network, 2, 0)
    optimiser = torch.optim.Adam(network.parameters(), 2e-4, (0.9, 0.99))
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.999))  # type: ignore[no-untyped-call]

    def steps(batches: list[Batch]) -> None:
        for hr, lr in batches:
            loss = nn.functional.l1_loss(network(lr.float() / 255), hr.float() / 255)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            mean.update_parameters(network)

    return steps


def ours(chosen: TrainConfig, storage: Storage) -> Callable[[list[Batch]], None]:
    """The trainer with its log, on the same batches."""
    manifest = find_version(storage, "bench")
    training = Training(
        chosen, build_network(chosen.network, 2, 0), Objective(chosen.losses, lambda _: b"")
    )
    run = TrainingRun(
        config=chosen,
        corpus="bench",
        version=manifest.version,
        digest=manifest.digest,
        scale=2,
        parameters=0,
        started=now(),
        software={},
    )
    ledger = MetricLogger(
        RunContext(run, Folder(storage, "bench"), SingleProcess(), Board(), TrainingListener())
    )
    return lambda batches: train(training, batches, [ledger, Until()])


class Until(Listener):
    """Stops after a block."""

    def stepped(self, training: Training, tally: Meter) -> None:
        """See `Listener.stepped`."""
        if training.step % BLOCK == 0:
            tally.stop = "block"


def step_time(storage: Storage, blocks: int) -> Row:
    """Both loops on the same batches in memory."""
    chosen = config(10**6).with_(loading={"workers": 0})
    source = open_split(storage, find_version(storage, "bench"), "train")
    batches = list(itertools.islice(Feed(chosen, {2: source}), BLOCK))
    loops = {"bare": bare(chosen), "ours": ours(chosen, storage)}
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for number in range(blocks + 1):
        for name, loop in loops.items():
            start = time.perf_counter()
            loop(batches)
            if number:  # the first block warms up
                times[name].append((time.perf_counter() - start) / BLOCK)
    ratio = statistics.median(
        ours / bare for ours, bare in zip(times["ours"], times["bare"], strict=True)
    )
    told = ", ".join(
        f"{name} {1e3 * statistics.median(found):.1f} ms" for name, found in times.items()
    )
    return row(
        "a training step",
        "a bare loop",
        ratio,
        "<= 1.03",
        reached=ratio <= 1.03,
        detail=f"{told}, {blocks} pairs",
    )


def waiting(storage: Storage, steps: int) -> Row:
    """A whole run that reads the corpus with one worker beside the process that trains."""
    done = train_run(config(steps), "/", storage)
    lines = [line for line in done.folder.read_metrics(steps) if "waiting" in line][
        1:
    ]  # the first has the worker's start
    share = statistics.fmean(line["waiting"] for line in lines)
    speed = statistics.fmean(line["images_per_second"] for line in lines)
    told = f"{speed:.0f} images/s, crops of 96"
    return row(
        "waiting for data", "the time of a step", share, "< 0.05", reached=share < 0.05, detail=told
    )


def run(quick: bool) -> list[Row]:
    """All rows."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        storage = corpus(Path(folder), 8 if quick else 20)
        return [step_time(storage, 5 if quick else 20), waiting(storage, 80 if quick else 400)]


if __name__ == "__main__":
    rows = run(quick=False)
    show(rows)
    print(f"saved {save(rows, 'training_cpu')}")
