"""Properties of every kind of joint training. A new kind is one line in
`tests.support.joint.SETTINGS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pairmill.models.archs import build
from pairmill.models.training.checkpoint import restore, state_bytes
from pairmill.models.training.joint import PARTNERS
from pairmill.models.training.joint import build as build_partner
from pairmill.models.training.joint.partner import ACCURACY, Opening
from pairmill.models.training.objective import Objective
from pairmill.models.training.training import JOINT, Training
from pairmill.schemas.training import TrainConfig
from tests.support.joint import SETTINGS, network, section
from tests.support.make import photograph

STEPS = 8
pytestmark = [
    pytest.mark.parametrize("kind", SETTINGS),
    pytest.mark.usefixtures("one_torch_thread"),
]


def begin(kind: str, **more: Any) -> Training:
    config = TrainConfig.model_validate(
        {
            "name": "a",
            "corpus": "b",
            "network": network(kind),
            "steps": STEPS,
            "crop": 32,
            "optimiser": {"learning_rate": 1e-3},
            "joint": section(kind, **more),
        }
    )
    net = build(config.network, 2, 0)
    reals = [photograph(seed, 71, 67, noise=6) for seed in range(2)]
    partner = build_partner(config.joint, Opening(reals, 2, 5, STEPS, 16, net))
    return Training(config, net, Objective(config.losses, lambda _: b""), partner=partner)


def batches(training: Training, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """HR with the margin; LR, which is not looked at."""
    assert training.partner is not None
    side = 32 + 2 * training.partner.margin
    for number in range(first, STEPS):
        images = np.stack([photograph(10 * number + one, side, side, noise=0) for one in range(2)])
        hr = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        yield hr, torch.zeros(2, 3, 1, 1, dtype=torch.uint8)


def trained(training: Training, until: int = STEPS) -> list[dict[str, float]]:
    """The terms of every step up to one."""
    found = []
    for hr, lr in batches(training, training.step):
        if training.step == until:
            break
        found.append({name: float(value) for name, value in training.advance(hr, lr).items()})
    return found


def test_it_is_in_the_table(kind: str) -> None:
    assert PARTNERS.keys() == SETTINGS.keys()
    joint = begin(kind).config.joint
    assert joint is not None
    assert joint.kind == kind


def test_all_networks_move_and_all_terms_are_named_numbers(kind: str) -> None:
    training = begin(kind)
    before = {name: one.state_dict() for name, one in training.modules().items()}
    before = {
        name: {key: value.clone() for key, value in one.items()} for name, one in before.items()
    }
    terms = trained(training)
    for name, module in training.modules().items():
        weights = dict(module.named_parameters())
        still = [key for key, value in weights.items() if torch.equal(value, before[name][key])]
        assert not still, f"{name}: {still}"
    assert {"loss", "l1", "joint/adversarial"} <= terms[0].keys()
    assert 0 < terms[0][ACCURACY] <= 1  # so that a discriminator that wins is told
    cleans = training.config.joint is not None and training.config.joint.cleans
    assert ("joint/sr_adversarial_hr" in terms[-1]) == cleans
    assert all(np.isfinite(value) for step in terms for value in step.values())


def test_it_continues_exactly(kind: str) -> None:
    """A state taken after any step, put into a new training, leads to the same state."""
    whole, first = begin(kind), begin(kind)
    terms = trained(whole)
    wanted = state_bytes(whole, {})
    for at in (1, 5):
        trained(first, at)
        again = begin(kind)
        restore(again, state_bytes(first, {}))
        assert trained(again) == terms[at:]
        assert state_bytes(again, {}) == wanted


def test_sr_sees_eight_bits_without_a_gradient_of_the_partner(kind: str) -> None:
    training = begin(kind)
    partner = training.partner
    assert partner is not None
    hr, _ = next(batches(training))
    lesson = partner.turn(hr.float() / 255, 0)
    assert lesson.hr.shape == (2, 3, 32, 32)
    assert lesson.lr.shape == (2, 3, 16, 16)
    assert not lesson.lr.requires_grad
    levels = 255 * lesson.lr.double()
    assert float((levels - levels.round()).abs().max()) < 1e-4
    assert all(parameter.requires_grad for parameter in training.network.parameters())


def test_what_is_learned_is_a_file_that_a_new_run_starts_from(kind: str) -> None:
    training = begin(kind)
    trained(training)
    partner = training.partner
    assert partner is not None
    net = build(training.config.network, 2, 0)
    opening = Opening(partner.opening.reals, 2, 5, STEPS, 16, net, checkpoint=partner.checkpoint())
    started = build_partner(training.config.joint, opening)
    assert started.checkpoint() == partner.checkpoint()


def test_a_look_is_the_same_at_the_same_step_and_raises_no_alarm_at_the_start(kind: str) -> None:
    training = begin(kind)
    partner = training.partner
    assert partner is not None
    hr, _ = next(batches(training))
    first, second = (partner.look(hr.float() / 255, 0) for _ in range(2))
    assert torch.equal(first.fake, second.fake)
    assert first.real.shape == first.fake.shape == first.clean.shape == (2, 3, 16, 16)
    assert "off-colour" not in partner.alarms(first)
    shifted = first.clean.roll(1, 3)
    moved = type(first)(first.real, shifted + 10 / 255, first.clean)
    assert set(partner.alarms(moved)) == {"off-centre", "off-colour"}
    broken = type(first)(first.real, first.fake * float("nan"), first.clean)
    assert set(partner.alarms(broken)) == {"not-finite"}


def test_a_discriminator_that_wins_is_told_after_the_first_tenth(kind: str) -> None:
    partner = begin(kind).partner
    assert partner is not None
    assert [partner.won({ACCURACY: 0.99}, step) for step in (0, STEPS)] == [False, True]
    assert not partner.won({ACCURACY: 0.9}, STEPS)


def test_states_name_the_partner_apart(kind: str) -> None:
    training = begin(kind)
    assert any(name.startswith(JOINT) for name in training.modules())
    assert any(name.startswith(JOINT) for name in training.optimisers)
