"""A network that is told the degradation, trained on a corpus that knows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pairmill.models.archs import build_empty
from pairmill.models.archs.aware import KernelAware
from pairmill.models.archs.weights import load_network
from pairmill.pipeline.corpora.labelled import open_labels
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.evaluate.run import evaluate_on_corpus
from pairmill.pipeline.training.data import open_split, spread
from pairmill.pipeline.training.labels import open_both
from pairmill.pipeline.training.validation import look
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import EvaluationConfig
from pairmill.schemas.labels import LabelConfig
from pairmill.schemas.recipe import Recipe
from tests.pipeline.training.test_training import Killed, Killer, curve, files
from tests.support.make import build, photograph, save
from tests.support.training import RECIPE, config, run

pytestmark = pytest.mark.usefixtures("one_torch_thread")
TOLD: dict[str, Any] = {
    "corpus": "gaussians",
    "network": {"arch": "srmd", "features": 12, "depth": 3, "code": 4},
    "steps": 9,
    "batch": 3,
    "validation": {"every": 4, "images": 2, "pictures": 0},
    "checkpoints": {"every": 3, "keep": 0},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """Pairs of Gaussian kernels, some with noise."""
    folder = tmp_path_factory.mktemp("told")
    for seed in range(3):
        save(photograph(seed, 101, 131, noise=0), folder / f"photos/{seed}.png")
    recipe = RECIPE | {
        "name": "gaussians",
        "images": {"clean": [f"{folder}/photos"]},
        "degraders": [{"kind": "ikc", "noise": 0.5}],
    }
    build(Recipe.model_validate(recipe), folder / "workspace")
    return Storage(str(folder / "workspace"))


def trained(one: Any, which: str = "last") -> KernelAware:
    file = Path(one.folder.checkpoint(which))
    network = load_network(file.read_bytes(), file.name)
    assert isinstance(network, KernelAware)
    return network.eval()


def test_it_learns_the_corpus_kernels_first_and_ends_alike_if_killed(
    workspace: Storage,
) -> None:
    whole = run(workspace, name="whole", **TOLD)
    with pytest.raises(Killed):
        run(workspace, Killer(5), name="killed", **TOLD)
    again = run(workspace, name="killed", **TOLD)
    assert again.made < 9
    assert files(again) == files(whole)
    assert curve(again) == curve(whole)
    labels = open_labels(
        workspace, find_version(workspace, "gaussians"), "train", LabelConfig(kernel=21)
    )
    network = trained(whole)
    assert labels.kernels.shape[1:] == (21, 21)
    known = [np.array_equal(network.code.usual.numpy(), kernel) for kernel in labels.kernels]
    assert any(known)
    codes = network.code.encode(torch.from_numpy(labels.kernels))
    # Round Gaussians of one width each: one component says nearly all.
    assert codes[:, 0].std(correction=0) == pytest.approx(1, abs=1e-3)
    assert codes.mean(0).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        ({"arch": "srmd"}, True),
        ({"arch": "srmd", "noise": False}, False),
        ({"arch": "usrnet"}, True),
        ({"arch": "sftmd"}, False),
        ({"arch": "kxnet"}, False),
    ],
)
def test_no_map_is_made_of_noise_that_nobody_looks_at(
    workspace: Storage, network: dict[str, Any], wanted: bool
) -> None:
    """Half of the pairs have noise; kernels are told all the same."""
    manifest = find_version(workspace, "gaussians")
    labels = open_both(config(**TOLD | {"network": network}), workspace, manifest, 2).train
    every = open_labels(workspace, manifest, "train", LabelConfig(kernel=21))
    assert labels is not None
    assert bool(labels.noise.any()) == wanted
    hr = np.zeros((24, 24, 3), np.uint8)
    for key in labels.keys[:4]:
        told, full = (one(key.decode(), hr, (0, 0), 3) for one in (labels, every))
        assert torch.equal(told.kernel, full.kernel)
        assert told.noise.shape == full.noise.shape == (1, 12, 12)


def test_validation_tells_what_was_true(workspace: Storage) -> None:
    one = run(workspace, name="validated", **TOLD)
    manifest, network = find_version(workspace, "gaussians"), trained(one)
    source = open_split(workspace, manifest, "val")
    labels = open_labels(workspace, manifest, "val", LabelConfig(kernel=21))
    found = [look(network, source, 2, 9, 0, "cpu", told)[0].psnr_y for told in (labels, None)]
    assert found[0] != found[1]
    chosen = spread(source, 2)
    assert look(network, chosen, 2, 9, 0, "cpu", labels)[0] == one.scores[-1]


def test_its_page_tells_what_was_true_and_says_so(workspace: Storage) -> None:
    one = run(workspace, name="judged", **TOLD)
    manifest = find_version(workspace, "gaussians")
    source = open_split(workspace, manifest, "val")
    truth = open_labels(workspace, manifest, "val", LabelConfig(kernel=21))
    validated = look(trained(one), source, 2, 9, 0, "cpu", truth)[0].psnr_y
    scores, notes = {}, {}
    for labels in ("told", "ignored", "told"):
        settings = EvaluationConfig(shown=1, labels=labels)
        report, _ = evaluate_on_corpus(
            one.folder.checkpoint("last"), "gaussians", workspace, "page", config=settings
        )
        scores[labels] = report.groups[0].rows[1].scores["psnr_y"]
        notes[labels] = " ".join(report.notes)
    assert report.found == 2 * len(source.index)
    # In tiles or not, both see LR whole, and validation is told the same.
    assert scores["told"] == pytest.approx(validated, abs=1e-3)
    assert scores["told"] != pytest.approx(scores["ignored"], abs=1e-4)
    assert f"was told the kernel and the noise of each of {len(source.index)} LR" in notes["told"]
    assert f"was told nothing of {len(source.index)} LR" in notes["ignored"]


def test_ignored_it_assumes_the_usual_kernel(workspace: Storage) -> None:
    ignored = run(workspace, name="ignored", labels="ignored", **TOLD)
    fresh = build_empty(config(**TOLD).network, 2).state_dict()
    assert torch.equal(trained(ignored).code.basis, fresh["code.basis"])
    assert curve(ignored) != curve(run(workspace, name="told", **TOLD))


def test_kernels_that_are_too_wide_are_an_error_that_says_which_size(workspace: Storage) -> None:
    narrow = TOLD["network"] | {"kernel_size": 9}
    with pytest.raises(UserError, match=r"fix: network\.kernel_size: 1\d holds") as got:
        run(workspace, name="narrow", **TOLD | {"network": narrow})
    assert (
        got.value.where == f"gaussians@{find_version(workspace, 'gaussians').version}, split train"
    )


def test_a_corpus_that_does_not_know_is_an_error_unless_labels_are_ignored(
    workspace: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairmill.pipeline.corpora.labelled.unknown", lambda _: "pdm")
    with pytest.raises(UserError, match=r"by ikc \(pdm\)(.|\n)*labels: ignored"):
        run(workspace, name="unknown", **TOLD)
    assert run(workspace, name="unknown", labels="ignored", **TOLD).step == 9


def test_joint_training_has_no_labels() -> None:
    joint = {"kind": "pdm", "real": ["photos"]}
    with pytest.raises(ValidationError, match="labels: ignored"):
        config(**TOLD | {"joint": joint})
    assert not config(**TOLD | {"joint": joint, "labels": "ignored"}).labelled
