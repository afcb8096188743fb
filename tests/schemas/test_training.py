"""The training recipe: what it refuses, and that the tracked ones say what the schemas say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pairmill.pipeline.recipe.load import parse_as
from pairmill.pipeline.training.recipe import limited, load_training, training_schema
from pairmill.schemas.errors import UserError
from pairmill.schemas.schedule import CosineSchedule
from pairmill.schemas.training import TrainConfig
from tests.support.paths import ROOT

RECIPES = ROOT / "data" / "recipes" / "train"
LEAST = "name: a\ncorpus: demo\nnetwork: {arch: espcn}\n"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_tracked_training_recipe_is_valid(path: Path) -> None:
    config, base = load_training(str(path))
    assert Path(base) == RECIPES
    limited(config, 3)


def test_the_committed_schema_is_the_generated_one() -> None:
    assert (RECIPES / "train.schema.json").read_text() == training_schema(), "run `make schema`"
    Draft202012Validator.check_schema(json.loads(training_schema()))


def test_published_recipes_have_the_published_numbers() -> None:
    """Card: options of BasicSR, and the table of RealSR's training."""
    realsr, _ = load_training(str(RECIPES / "realsr.yaml"))
    assert [(loss.loss, loss.weight) for loss in realsr.losses] == [
        ("l1", 0.01),
        ("content", 1.0),
        ("gan", 0.005),
    ]
    assert realsr.discriminator is not None
    assert (realsr.discriminator.kind, realsr.steps, realsr.optimiser.betas) == (
        "patch",
        60000,
        (0.9, 0.999),
    )
    edsr, _ = load_training(str(RECIPES / "edsr.yaml"))
    assert (edsr.steps, edsr.crop, edsr.batch, edsr.optimiser.learning_rate) == (
        300_000,
        192,
        16,
        1e-4,
    )
    psnr, _ = load_training(str(RECIPES / "rrdb_psnr.yaml"))
    assert isinstance(psnr.optimiser.schedule, CosineSchedule)
    assert sum(psnr.optimiser.schedule.periods) == psnr.steps == 1_000_000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("stepps: 3\n", "stepps: no such key; did you mean steps?"),
        (
            "optimiser: {learning_rat: 1}\n",
            "optimiser.learning_rat: no such key; did you mean learning_rate?",
        ),
        (
            "optimiser: {schedule: {kind: cosin}}\n",
            'no schedule is called "cosin"; did you mean cosine?',
        ),
        ("losses: [{loss: l3}]\n", 'losses[0]: no loss is called "l3"; did you mean l'),
        ("network: {arch: edrs}\n", 'network: no network is called "edrs"; did you mean edsr?'),
        ("losses: [{loss: gan}]\n", "loss gan needs a `discriminator:`"),
        ("discriminator: {kind: patch}\n", "a discriminator without a loss gan"),
        ("losses: [{loss: l1, weight: 0}]\n", "nothing is minimised"),
        (
            "losses: [{loss: l1}, {loss: gan}]\ndiscriminator: {kind: vgg128}\ncrop: 64\n",
            "128 x 128 only, not of 64 x 64",
        ),
        ("phases: [{at: 9}, {at: 5}]\n", "phases must begin one after the other"),
        ("optimiser: {schedule: {kind: steps, at: [5, 2]}}\n", "steps must be positive and ascend"),
        ("batch: 0\n", "batch: should be greater than or equal to 1, found 0"),
    ],
)
def test_mistakes_are_told_by_name(more: str, said: str) -> None:
    text = more if "network:" not in more else more + LEAST.replace("network: {arch: espcn}\n", "")
    with pytest.raises(UserError) as caught:
        parse_as(TrainConfig, text if "network:" in more else LEAST + more, "x.yaml")
    assert said in caught.value.got


def test_phases_add_up() -> None:
    value: dict[str, Any] = {
        "name": "a",
        "corpus": "b",
        "network": {"arch": "espcn"},
        "crop": 64,
        "batch": 8,
    }
    phases = [{"at": 10, "crop": 32}, {"at": 20, "batch": 2, "degraders": {"x": 1}}]
    config = TrainConfig.model_validate(value | {"phases": phases})
    found = [
        (n, p.crop, p.batch, p.degraders) for n, p in map(config.at_step, (0, 9, 10, 19, 20, 99))
    ]
    assert found == [(0, 64, 8, None)] * 2 + [(1, 32, 8, None)] * 2 + [(2, 32, 2, {"x": 1})] * 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("joint: {kind: maeda, real: [a]}\n", "arch: cleaned, network: {arch: espcn"),
        ("joint: {kind: pdm, real: []}\n", "joint"),
        ("joint: {kind: pdn, real: [a]}\n", "pdn"),
        ("joint: {kind: pdm, real: [a]}\nprecision: fp16\n", "full and bf16"),
        ("joint: {kind: pdm, real: [a]}\nphases: [{at: 5, crop: 64}]\n", "one crop"),
    ],
    ids=["no cleaner", "no photographs", "no such kind", "fp16", "two crops"],
)
def test_joint_sections_that_cannot_be(more: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_as(TrainConfig, LEAST + more, "a.yaml")
    assert words in str(caught.value)
