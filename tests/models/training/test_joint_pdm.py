"""PDM beside an SR network: how it begins."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch

from pairmill.models.archs import build
from pairmill.models.keyed import keyed
from pairmill.models.pdm.checkpoint import checkpoint_bytes
from pairmill.models.pdm.degradation import begun
from pairmill.models.training.joint.partner import Opening
from pairmill.models.training.joint.pdm import PdmPartner
from pairmill.schemas.joint import PdmJoint
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.pdm import PdmConfig
from tests.support.joint import SETTINGS, section
from tests.support.make import photograph
from tests.support.measured import halved, measured

REALS = [photograph(seed, 71, 67, noise=6) for seed in range(2)]


def partner(settings: dict[str, Any] | None = None, **opening: Any) -> PdmPartner:
    joint = PdmJoint.model_validate(section("pdm", settings=settings or {}, start_from="pool"))
    network = build(CompactConfig(features=8, blocks=2), 2, 0)
    return PdmPartner(joint, Opening(REALS, 2, 5, 8, 16, network, **opening))


def sealed(planes: int = 1) -> bytes:
    """The checkpoint of a pool whose fit began measured."""
    config = PdmConfig.model_validate(SETTINGS["pdm"])
    return checkpoint_bytes(begun(config, 2, keyed(1, "weights"), measured(planes=planes)))


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize("planes", [1, 3])
def test_it_begins_with_a_pool_that_began_measured(planes: int) -> None:
    """Kernels of 25 + 6 pixels reach 15, hence a margin of 16; corrections learn slowly."""
    found = partner(checkpoint=sealed(planes), codec=halved)
    assert found.checkpoint() == sealed(planes)
    assert (found.margin, found.game.degradation.size) == (16, 31)
    assert found.game.rates[0] == pytest.approx(0.02 * found.config.settings.learning_rate)
    side = 32 + 2 * found.margin
    images = np.stack([photograph(seed, side, side, noise=0) for seed in range(2)])
    hr = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    before = found.game.degradation.kernel.out.weight.clone()
    for step in range(2):
        lr = found.turn(hr, step).lr
    assert not torch.equal(found.game.degradation.kernel.out.weight, before)
    for made in (lr, found.look(hr, 2).fake):
        parity = (255 * made).round().flatten(1) % 2
        assert torch.equal(parity, parity[:, :1].expand_as(parity))


def test_other_networks_than_the_pools_are_refused() -> None:
    for settings in ({"noise": None}, {"kernel": {"size": 7, "features": 16}}):
        with pytest.raises(ValueError, match="say the same `kernel` and `noise`"):
            partner(settings, checkpoint=sealed())


@pytest.mark.parametrize("precision", [False, True])
def test_a_gpu_computes_as_the_training_says(
    precision: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(device: str) -> AbstractContextManager[None]:
        asked.append(device)
        return nullcontext()

    monkeypatch.setattr("pairmill.models.pdm.game.mixed", noted)
    real, hr = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 37, 37)
    partner(mixed=precision).game.play(real, hr, keyed(1, "latent"), 0)
    assert asked == ["cpu"] * precision
