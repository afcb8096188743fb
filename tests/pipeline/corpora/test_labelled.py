"""Labels of a version, from its loader and in training: stored or replayed, turned with the
crops."""

from __future__ import annotations

import json
from itertools import islice

import pytest
import torch

import pairmill
from pairmill.pipeline.corpora.labelled import open_labels
from pairmill.pipeline.training.data import Feed, open_split
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import LabelConfig
from pairmill.schemas.program import Program
from tests.support.make import photograph, save
from tests.support.training import RECIPE, config

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SIZE = 25
DEGRADERS = [
    {"kind": "ikc", "noise": 1.0},
    {"kind": "realesrgan"},
    {"kind": "bicubic"},
]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pairmill.Corpus]:
    """The same pairs with LR and without."""
    folder = tmp_path_factory.mktemp("labelled")
    for seed in range(3):
        save(photograph(seed, 101, 131, noise=0), folder / f"photos/{seed}.png")
    recipe = RECIPE | {"images": {"clean": [f"{folder}/photos"]}, "degraders": DEGRADERS}
    return {
        lr: pairmill.build(
            pairmill.Recipe.model_validate(recipe | {"shards": {"samples": 9, "lr": lr}}),
            folder / "workspace",
        )
        for lr in ("stored", "replayed")
    }


def test_stored_and_replayed_give_the_same(corpora: dict[str, pairmill.Corpus]) -> None:
    labels = LabelConfig(kernel=SIZE, tolerance=0.5)
    stored, replayed = (corpora[lr].training(crop=24, seed=2, labels=labels) for lr in corpora)
    device = corpora["replayed"].training(crop=24, seed=2, labels=labels, device="cpu")
    batches = [next(iter(pairmill.Loader(one, 8))) for one in (stored, replayed, device)]
    for hr, lr, told in batches:
        assert isinstance(told, pairmill.Labels)
        assert told.kernel.shape == (8, SIZE, SIZE)
        assert told.noise.shape == (8, 1, *lr.shape[2:])
        assert told.quality.shape == (8,)
        assert {one.dtype for one in told} == {torch.float32}
        torch.testing.assert_close(told.kernel.sum((1, 2)), torch.ones(8))
        for ours, theirs in zip((hr, lr, *told), (*batches[0][:2], *batches[0][2]), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    images = next(iter(pairmill.Loader(corpora["stored"].training(crop=24, seed=2), 8)))
    assert len(images) == 2
    assert all(torch.equal(*pair) for pair in zip(images, batches[0][:2], strict=True))


def test_labels_are_those_of_the_program(corpora: dict[str, pairmill.Corpus]) -> None:
    """Of a crop, whatever its turn: HR correlated with the kernel is LR where there is no noise;
    the noise that the program says; the quality of its last codec."""
    corpus, seen = corpora["stored"], set()
    rows = {row.key: row for row in corpus.samples}
    data = corpus.training(crop=48, seed=2, labels=LabelConfig(kernel=SIZE, tolerance=0.5))
    for number in range(len(data)):
        row = rows[data.index.key(number)]
        hr, lr, told = data[1, number]
        program = Program.model_validate_json(row.program)
        ops = {op.op: op for op in program.ops}
        seen.add(row.degrader)
        if row.degrader == "bicubic":
            made = torch.nn.functional.conv2d(
                hr[:, None].float(), told.kernel[None, None], stride=2, padding=SIZE // 2
            )[:, 0]
            inner = (slice(None), slice(7, -7), slice(7, -7))
            assert (made - lr)[inner].abs().max() <= 1.5  # each pass of imresize rounds
            assert not told.noise.any()
            assert told.quality.isnan()
        if row.degrader == "ikc" and "gaussian_noise" in ops:
            sigma = json.loads(row.program)["ops"][-2]["sigma"] / 255
            torch.testing.assert_close(told.noise, torch.full_like(told.noise, sigma))
        if row.degrader == "realesrgan":
            codecs = [op for op in program.ops if op.op == "jpeg"]
            assert told.quality == codecs[-1].quality
            assert told.noise.min() >= 0
            assert told.noise.max() > 0
    assert seen == {"bicubic", "ikc", "realesrgan"}


def test_a_training_is_fed_with_them(corpora: dict[str, pairmill.Corpus]) -> None:
    corpus = corpora["replayed"]
    storage, manifest = corpus.storage, corpus.manifest
    labels = open_labels(storage, manifest, "train", LabelConfig(tolerance=0.5), ["realesrgan"])
    source = open_split(storage, manifest, "train")
    phases = [{"at": 1, "crop": 24, "degraders": {"ikc": 1, "bicubic": 1}}]
    chosen = config(batch=3, degraders={"ikc": 1, "bicubic": 1}, phases=phases)
    for hr, lr, told in islice(Feed(chosen, {2: source}, labels=labels), 3):
        assert told.kernel.shape == (3, 21, 21)
        assert told.noise.shape == (3, 1, *lr.shape[2:])
        assert hr.shape[2] == 2 * lr.shape[2]


def test_what_is_too_large_or_unknown_is_said_at_once(
    corpora: dict[str, pairmill.Corpus],
) -> None:
    corpus = corpora["stored"]
    with pytest.raises(UserError, match="grid is too small") as raised:
        corpus.training(labels=LabelConfig(kernel=9))
    assert "kernel: " in raised.value.todo
    side = int(raised.value.todo.split()[1])
    assert corpus.training(labels=LabelConfig(kernel=side))
    with pytest.raises(UserError, match="grid is too small"):
        corpus.training(labels=LabelConfig(kernel=side - 2))
    with pytest.raises(ValueError, match="odd"):
        LabelConfig(kernel=20)
