"""The frequency split: worked examples, and that each side sees its frequencies alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from pairmill.models.losses import build
from pairmill.models.losses.frequency import high_pass, low_pass
from pairmill.models.training.objective import Objective
from pairmill.schemas.losses import LossConfig
from pairmill.schemas.training import TrainConfig

CONFIG: TypeAdapter[Any] = TypeAdapter(LossConfig)
CORNER = torch.tensor([[9.0, 0, 0], [0, 0, 0], [0, 0, 0]])[None, None]


def test_the_filters_by_hand() -> None:
    """One mean where the filter lies within; at the corner of four pixels, at an edge of six."""
    assert low_pass(CORNER, 3).flatten().tolist() == [1.0]
    left = 2 * (high_pass(CORNER, 3) - 0.5)
    assert left[0, 0].tolist() == [[9 - 9 / 4, -9 / 6, 0], [-9 / 6, -1, 0], [0, 0, 0]]
    assert low_pass(CORNER, 0) is CORNER
    assert high_pass(CORNER, 0) is CORNER


def stripes(period: int) -> Tensor:
    """(1, 3, 24, 24): columns, whose means over a period are 0.5."""
    columns = (torch.arange(24) % period < period / 2).float()
    return columns.expand(1, 3, 24, 24).clone()


@pytest.mark.parametrize("loss", ["l1", "l2", "charbonnier"])
def test_a_pixel_loss_does_not_see_what_the_mean_takes_away(loss: str) -> None:
    """Vertical stripes and their negative differ at every pixel, but not in means of 3 over a
    period of 3."""
    first = stripes(3)
    second = first.roll(1, 3)
    made: list[Any] = [
        build(CONFIG.validate_python({"loss": loss, "low_pass": side})) for side in (0, 3)
    ]
    plain, split = (one(first, second) for one in made)
    assert float(plain) > 0.4
    assert float(split) < 1e-5


class Mean(nn.Module):
    """Takes down what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.shown: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        self.shown.append(image.detach())
        return self.weight * image.mean()


def test_the_discriminator_sees_high_frequencies_alone() -> None:
    """Images that differ by a constant are the same to it, in both steps."""
    gan = CONFIG.validate_python({"loss": "gan", "form": "relativistic", "high_pass": 9})
    objective, judge = Objective([gan], lambda _: b""), Mean()
    hr = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1)) / 2
    sr = (hr + 0.25).requires_grad_()
    found = objective.network([sr], hr, hr, judge)
    assert float(found["gan"].detach()) == pytest.approx(0.6931472, abs=1e-6)
    objective.discriminator(judge, sr.detach(), hr).backward()
    assert len(judge.shown) == 4
    assert all(torch.allclose(one, judge.shown[0], atol=1e-6) for one in judge.shown)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"loss": "l1", "low_pass": 4}, "odd side"), ({"loss": "gan", "high_pass": -1}, "greater")],
)
def test_sides_that_are_none(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CONFIG.validate_python(settings)


def test_a_filter_wider_than_the_crop_is_refused() -> None:
    recipe = {"name": "a", "corpus": "b", "network": {"arch": "espcn"}, "crop": 8}
    with pytest.raises(ValidationError, match="low_pass 9 is wider than a crop of 8"):
        TrainConfig.model_validate(recipe | {"losses": [{"loss": "l1", "low_pass": 9}]})
