"""Blind networks that learn from a corpus' labels: IKC after its SFTMD, and KXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from pairmill.models.archs.weights import load_network
from pairmill.pipeline.training.run import Trained
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from tests.pipeline.training.test_training import Killed, Killer, curve, files
from tests.support.make import build, photograph, save
from tests.support.training import RECIPE, config, run

pytestmark = pytest.mark.usefixtures("one_torch_thread")
SFTMD: dict[str, Any] = {
    "arch": "sftmd",
    "features": 8,
    "blocks": 1,
    "modulation": 4,
    "code": 3,
}
IKC: dict[str, Any] = {
    "arch": "ikc",
    "network": SFTMD,
    "features": 6,
    "iterations": 2,
    "corrections": 2,
}
KXNET: dict[str, Any] = {"arch": "kxnet", "stages": 2, "maps": 2}
SHORT: dict[str, Any] = {
    "corpus": "gaussians",
    "steps": 6,
    "batch": 3,
    "crop": 32,
    "validation": {"every": 6, "images": 1, "pictures": 0},
    "checkpoints": {"every": 2, "keep": 0},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """Pairs of Gaussian kernels."""
    folder = tmp_path_factory.mktemp("taught")
    for seed in range(3):
        save(photograph(seed, 101, 131, noise=0), folder / f"photos/{seed}.png")
    own = {
        "name": "gaussians",
        "images": {"clean": [f"{folder}/photos"]},
        "degraders": [{"kind": "ikc"}],
    }
    build(Recipe.model_validate(RECIPE | own), folder / "workspace")
    return Storage(str(folder / "workspace"))


@pytest.fixture(scope="module")
def first(workspace: Storage) -> Trained:
    """The first stage."""
    return run(workspace, name="first", network=SFTMD, **SHORT)


def weights(one: Trained) -> dict[str, torch.Tensor]:
    file = Path(one.folder.checkpoint("last"))
    return load_network(file.read_bytes(), file.name).state_dict()


def start(one: Trained) -> dict[str, Any]:
    return {"start_from": {"file": one.folder.checkpoint("last")}}


def test_ikc_leaves_its_network_as_it_was_and_ends_alike_if_killed(
    workspace: Storage, first: Trained
) -> None:
    again = SHORT | start(first) | {"network": IKC}
    whole = run(workspace, name="whole", **again)
    with pytest.raises(Killed):
        run(workspace, Killer(3), name="killed", **again)
    killed = run(workspace, name="killed", **again)
    assert killed.made < 6
    assert files(killed) == files(whole)
    assert curve(killed) == curve(whole)
    before, after = weights(first), weights(whole)
    assert all(torch.equal(after[f"network.{name}"], value) for name, value in before.items())
    losses = [line for line in whole.folder.read_metrics(6) if "predictor" in line]
    assert losses
    assert all(line["corrector"] > 0 and "l1" not in line for line in losses)
    assert whole.scores[-1].psnr_y > 0


def test_kxnet_learns_pictures_and_kernels(workspace: Storage) -> None:
    found = run(workspace, name="kxnet", **SHORT | {"network": KXNET, "log_every": 2})
    lines = [line for line in found.folder.read_metrics(6) if "kernel" in line]
    assert lines[-1]["picture"] < lines[0]["picture"]
    assert lines[-1]["kernel"] > 0


def test_another_network_to_start_from_is_an_error(workspace: Storage, first: Trained) -> None:
    other = IKC | {"network": SFTMD | {"features": 4}}
    with pytest.raises(UserError, match=r"another network(.|\n)*sftmd, features 4"):
        run(workspace, name="other", **SHORT | start(first) | {"network": other})


@pytest.mark.parametrize(
    ("network", "changes", "match"),
    [
        (IKC, {}, "start_from: ikc .* train `sftmd`"),
        (KXNET, {"labels": "ignored"}, "labels: kxnet learns"),
        (KXNET, {"losses": [{"loss": "l2"}]}, "losses: kxnet has its own"),
        ({"arch": "cleaned", "network": IKC}, {}, "ikc learns .* by itself"),
        ({"arch": "cleaned", "network": SFTMD}, {}, "sftmd learns .* by itself"),
        (
            {"arch": "cleaned", "network": {"arch": "mdsr", "heads": [2, 4]}},
            {},
            r"one scale, got heads: \[2, 4\]",
        ),
        (KXNET, {"joint": {"kind": "pdm", "real": ["x"]}}, "labels: kxnet learns"),
    ],
)
def test_what_does_not_go_together_is_told_at_once(
    network: dict[str, Any], changes: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValidationError, match=match):
        config(network=network, **changes)
