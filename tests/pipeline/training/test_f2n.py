"""F2N-ESRGAN as its recipes say it, on small networks: general, then specific to one film."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save as save_tensors

from pairmill.models.archs.weights import load_network
from pairmill.pipeline.recipe.load import load_as
from pairmill.pipeline.training.recipe import load_training
from pairmill.pipeline.training.run import Trained, train_run
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.training import TrainConfig
from tests.support.make import REDEGNET, build, write_photographs
from tests.support.paths import ROOT
from tests.support.vgg import weights

RECIPES = ROOT / "data/recipes"
NETWORK: dict[str, Any] = {"arch": "rrdbnet", "features": 8, "growth": 4, "blocks": 1}
pytestmark = pytest.mark.usefixtures("one_torch_thread")


def corpus(folder: Path, file: str, **changes: Any) -> None:
    """The corpus of a recipe, with the settings of a fit of two iterations."""
    recipe, _ = load_as(Recipe, str(RECIPES / file))
    value = recipe.model_dump(exclude={"redegnet"}) | {
        "scale": 4,
        "tiles": {"size": 64, "stride": 64},
        "images": {
            "clean": [f"{folder}/clean"],
            "pairs": {"lq": f"{folder}/lq", "hq": f"{folder}/hq"},
        },
        "splits": {"train": 0.5, "val": 0.5},
        "samples_per_tile": 4,
        "degraders": [{"kind": "redegnet", "accept_failed": True}],
        "redegnet": REDEGNET | {"use": recipe.redegnet.use},
    }
    build(Recipe.model_validate(value | changes), folder / "workspace")


def trained(folder: Path, file: str) -> Trained:
    """A training recipe in small, with its losses and its start."""
    config, _ = load_training(str(RECIPES / "train" / file))
    losses = [
        loss.with_(vgg_weights="vgg.safetensors") if hasattr(loss, "vgg_weights") else loss
        for loss in config.losses
    ]
    value = config.model_dump() | {
        "network": NETWORK,
        "losses": [loss.model_dump() for loss in losses],
        "discriminator": {"kind": "unet", "features": 4},
        "steps": 2,
        "batch": 1,
        "crop": 64,
        "log_every": 1,
        "loading": {"workers": 0},
    }
    if config.start_from is not None:
        name = config.start_from.file.removeprefix("../../runs/")
        value["start_from"] = {"file": f"workspace/runs/{name}"}
    small = TrainConfig.model_validate(value)
    return train_run(small, str(folder), Storage(str(folder / "workspace")), "cpu")


def test_general_then_specific(tmp_path: Path) -> None:
    write_photographs(tmp_path)
    (tmp_path / "vgg.safetensors").write_bytes(save_tensors(weights()))
    corpus(tmp_path, "redegnet.yaml")
    general = trained(tmp_path, "f2n_esrgan.yaml")
    terms = general.folder.read_metrics(1)[0]
    assert {"l1", "content", "style", "gan", "discriminator"} <= terms.keys()
    corpus(tmp_path, "redegnet_specific.yaml")
    specific = trained(tmp_path, "f2n_specific.yaml")
    assert specific.run.corpus == "redegnet-specific-x4"
    first, last = (
        load_network(Path(one.folder.checkpoint(which)).read_bytes(), which).state_dict()
        for one, which in ((general, "best"), (specific, "last"))
    )
    moved = max(float((first[key] - last[key]).abs().max()) for key in first)
    assert 0 < moved < 1e-3  # two steps away from where the general network was
    assert all(torch.isfinite(value).all() for value in last.values())
