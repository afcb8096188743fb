"""The network that judges: what it sees, and how many judgements it gives."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from pairmill.models.keyed import keyed
from pairmill.models.translation.discriminator import Discriminator, low_pass, mean_filter
from pairmill.schemas.translation import METHODS
from pairmill.schemas.translation_networks import DiscriminatorConfig
from tests.support.translation import settings


def test_the_filters_are_means() -> None:
    average = mean_filter(DiscriminatorConfig(filter_side=5))
    assert average.unique().tolist() == pytest.approx([1 / 25])
    gaussian = mean_filter(DiscriminatorConfig(filter="gaussian", filter_side=5))
    assert float(gaussian.sum()) == pytest.approx(1)
    # exp(-1 / (2 (5/6)^2)) = 0.4868 one pixel beside the middle.
    assert float(gaussian[2, 1] / gaussian[2, 2]) == pytest.approx(0.4868, abs=1e-4)
    flat = torch.full((1, 3, 7, 5), 0.3)
    torch.testing.assert_close(low_pass(flat, average), flat)
    assert low_pass(flat, average, border=False).shape == (1, 3, 3, 1)


def test_colours_are_hidden_or_not() -> None:
    image = torch.rand(2, 3, 16, 16)
    only = Discriminator(DiscriminatorConfig(residual="only"), keyed(0, "weights"))
    torch.testing.assert_close(only(image), only(image + 0.1), atol=1e-4, rtol=1e-4)
    for residual in ("none", "beside"):
        config = DiscriminatorConfig(residual=residual)
        network = Discriminator(config, keyed(0, "weights"))
        assert (network(image) - network(image + 0.1)).abs().max() > 1e-3


@pytest.mark.parametrize("preset", ["pairmill", "published"])
@pytest.mark.parametrize("method", METHODS)
def test_judgements_are_as_many_as_the_settings_say(method: str, preset: str) -> None:
    config = settings(method, preset=preset).discriminator
    network = Discriminator(config, keyed(0, "weights"))
    for side in (20, 32, 37):
        with torch.no_grad():
            assert network(torch.rand(1, 3, side, side)).shape[2:] == (config.places(side),) * 2


def test_a_crop_that_leaves_nothing_to_judge_is_refused() -> None:
    strided = {"strides": [2, 2, 2, 2], "features": [8, 8, 8, 8], "side": 4, "norm": "instance"}
    with pytest.raises(ValidationError, match=r"bulat\.crop is 16, too small for the strides"):
        settings("bulat", discriminator=strided)
    assert settings("bulat", discriminator=strided, crop=32).discriminator.places(32) == 2
