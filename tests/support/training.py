"""A small training on small corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pairmill.pipeline.training.run import Trained, train_run
from pairmill.pipeline.training.watch import TrainingListener
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig
from tests.support.make import build, photograph, save

TILE = 48
RECIPE: dict[str, Any] = {
    "name": "pairs",
    "tiles": {"size": TILE},
    "splits": {"train": 0.7, "val": 0.3},
    "samples_per_tile": 2,
    "shards": {"samples": 9},
    "degraders": [{"kind": "bicubic", "weight": 1}, {"kind": "ikc", "weight": 1}],
}
SMALL: dict[str, Any] = {
    "name": "small",
    "corpus": "pairs",
    "network": {"arch": "compact", "features": 8, "blocks": 2},
    "steps": 30,
    "batch": 5,
    "crop": 32,
    "optimiser": {"learning_rate": 2e-3, "schedule": {"kind": "cosine", "warm_up": 3}},
    "log_every": 4,
    "loading": {"workers": 0},
    "validation": {"every": 10, "images": 3, "pictures": 2},
    "checkpoints": {"every": 7, "keep": 2},
}


def corpora(folder: Path) -> Storage:
    """Two corpora of the same photos: `pairs` at scale 2, `alone` at scale 4 with nothing to
    validate on."""
    for seed in range(4):
        save(photograph(seed, 101, 131, noise=0), folder / f"photos/{seed}.png")
    images = {"images": {"clean": [f"{folder}/photos"]}}
    build(Recipe.model_validate(RECIPE | images), folder / "workspace")
    alone = {
        "name": "alone",
        "scale": 4,
        "splits": {"train": 1, "val": 0},
        "degraders": [{"kind": "bicubic"}],
    }
    build(Recipe.model_validate(RECIPE | images | alone), folder / "workspace")
    return Storage(str(folder / "workspace"))


def config(**changes: Any) -> TrainConfig:
    return TrainConfig.model_validate(SMALL | changes)


def run(
    workspace: Storage, watcher: TrainingListener | None = None, base: str = "/", **changes: Any
) -> Trained:
    return train_run(config(**changes), base, workspace, "cpu", watcher)
