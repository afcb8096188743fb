"""Settings: the published ones against the papers' figures, and what a recipe's own go before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.redegnet import RedegnetConfig
from pairmill.schemas.translation import (
    METHODS,
    BulatConfig,
    CincganConfig,
    CyclesrConfig,
    DsganConfig,
    MaedaConfig,
)
from pairmill.schemas.translation_networks import DiscriminatorConfig
from tests.support.make import tiny_recipe

ITERATIONS = {
    "dsgan": 15_000,
    "bulat": 200_000,
    "cincgan": 100_000,
    "cyclesr": 200_000,
    "maeda": 300_000,
}
"""DSGAN: 300 epochs of 800 images in batches of 16."""
RATES = {"dsgan": 2e-4, "bulat": 2e-4, "cincgan": 2e-4, "cyclesr": 2e-4, "maeda": 1e-4}
CLASSES: dict[str, Any] = {
    "dsgan": DsganConfig,
    "bulat": BulatConfig,
    "cincgan": CincganConfig,
    "cyclesr": CyclesrConfig,
    "maeda": MaedaConfig,
}


@pytest.mark.parametrize("method", METHODS)
def test_the_published_settings_are_those_of_the_code(method: str) -> None:
    config = CLASSES[method](preset="published")
    assert config.samples / config.batch == ITERATIONS[method]
    assert config.learning_rate == config.discriminator_rate == RATES[method]
    assert config.generator.features == 64
    assert config.generator.blocks == (16 if method == "maeda" else 8)
    assert config.history == (16 if method in ("bulat", "cincgan", "cyclesr") else 0)
    assert config.gan == ("vanilla" if method == "dsgan" else "lsgan")
    assert config.discriminator.penalty == 0
    assert config.average == 0


def test_the_published_weights() -> None:
    dsgan = DsganConfig(preset="published")
    assert (dsgan.weights.colour, dsgan.weights.adversarial) == (1, 0.005)
    assert (dsgan.weights.perceptual, dsgan.discriminator.residual) == (0.01, "only")
    bulat = BulatConfig(preset="published")
    assert (bulat.weights.adversarial, bulat.weights.colour, bulat.weights.sr) == (1, 1, 1)
    assert (bulat.generator.noise, bulat.generator.numbers) == ("vector", 64)
    cincgan = CincganConfig(preset="published").weights
    assert (cincgan.adversarial, cincgan.identity, cincgan.cycle) == (1, 5, 10)
    assert (cincgan.total_variation, cincgan.adversarial_real) == (0.5, 0)
    cyclesr = CyclesrConfig(preset="published").weights
    assert (cyclesr.adversarial, cyclesr.identity, cyclesr.cycle) == (1, 5, 10)
    assert (cyclesr.adversarial_real, cyclesr.task) == (1, 1000)
    maeda = MaedaConfig(preset="published")
    assert (maeda.weights.adversarial, maeda.weights.identity, maeda.weights.cycle) == (1, 1, 1)
    assert (maeda.weights.task, maeda.weights.adversarial_hr) == (1, 0.1)
    assert (maeda.generator.noise, maeda.generator.numbers) == ("channel", 1)


@pytest.mark.parametrize("preset", ["pairmill", "published"])
@pytest.mark.parametrize("method", METHODS)
def test_a_setting_of_a_section_leaves_the_others_of_it(method: str, preset: str) -> None:
    whole = CLASSES[method].model_validate({"preset": preset})
    part = CLASSES[method].model_validate(
        {
            "preset": preset,
            "weights": {"adversarial": 0.25},
            "generator": {"features": 9},
            "discriminator": {"gain": 3.0},
        }
    )
    wanted = whole.model_dump()
    wanted["weights"]["adversarial"] = 0.25
    wanted["generator"]["features"] = 9
    wanted["discriminator"]["gain"] = 3.0
    assert part.model_dump() == wanted
    assert CLASSES[method].model_validate(wanted).model_dump() == wanted


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"dsgan\.halve_at must ascend"):
        DsganConfig(halve_at=(0.5, 0.2))
    with pytest.raises(ValidationError):
        DsganConfig.model_validate({"preset": "other"})


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_minimises_nothing_is_refused(method: str) -> None:
    weights = dict.fromkeys(CLASSES[method]().weights.model_dump(), 0.0)
    with pytest.raises(ValidationError, match=rf"{method}\.weights: nothing is minimised"):
        CLASSES[method].model_validate({"weights": weights})
    assert CLASSES[method].model_validate({"weights": weights | {"adversarial": 0.1}})


def test_a_task_that_comes_later_is_not_enough() -> None:
    task = dict.fromkeys(CyclesrConfig().weights.model_dump(), 0.0) | {"task": 1.0}
    with pytest.raises(ValidationError, match="from the first sample on"):
        CyclesrConfig.model_validate({"weights": task})
    assert CyclesrConfig.model_validate({"weights": task, "task_from": 0.0})


@pytest.mark.parametrize("config", [DsganConfig, MaedaConfig, PdmConfig, RedegnetConfig])
def test_decay_rates_are_below_one(config: type[BaseModel]) -> None:
    for betas in ((0.5, 1.0), (-0.1, 0.9)):
        with pytest.raises(ValidationError, match="betas"):
            config.model_validate({"betas": betas})


def test_strides_of_no_convolution_are_refused() -> None:
    """The default is as long as the default features, and is cut with them."""
    assert DiscriminatorConfig(features=(8, 8)).places(16) == 8
    with pytest.raises(ValidationError, match="strides are 3, more than the 2 convolutions"):
        DiscriminatorConfig(features=(8, 8), strides=(2, 2, 1))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"dsgan": {"crop": 64, "window": 127}}, "raise dsgan.window to 128 at least"),
        ({"maeda": {"crop": 128, "window": 255}}, "raise maeda.window to 256 at least"),
        ({"pdm": {"window": 64}}, "made of 83 HR pixels"),
        ({"dsgan": {"weights": {"colour": 0, "adversarial": 0}}}, "dsgan.vgg_weights"),
    ],
    ids=["dsgan", "maeda", "pdm", "perceptual"],
)
def test_what_cannot_be_fitted_at_the_scale_is_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        tiny_recipe(Path("photographs"), **section)
