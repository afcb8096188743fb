"""The training loop on images in memory: schedules, means, states, and losses that are no
numbers."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pairmill.models.archs import build
from pairmill.models.archs.drcn import Drcn
from pairmill.models.archs.lapsrn import LapSrn
from pairmill.models.discriminators import build as build_discriminator
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.models.training.checkpoint import restore, state_bytes
from pairmill.models.training.ema import Mean
from pairmill.models.training.loop import DivergedError, Listener, Meter, checked, train
from pairmill.models.training.objective import Objective
from pairmill.models.training.schedule import share
from pairmill.models.training.training import Training
from pairmill.schemas.losses import CharbonnierConfig, L1Config, L2Config, TvConfig
from pairmill.schemas.schedule import ConstantSchedule, CosineSchedule, StepsSchedule
from pairmill.schemas.training import TrainConfig
from tests.support.make import photograph

pytestmark = pytest.mark.usefixtures("one_torch_thread")
GAN: dict[str, Any] = {
    "losses": [
        {"loss": "l1"},
        {"loss": "cycle"},
        {"loss": "gan", "form": "relativistic", "weight": 0.01},
    ],
    "discriminator": {"kind": "patch", "features": 4, "halvings": 1},
}


def batches(count: int = 3, side: int = 32) -> Iterator[tuple[Tensor, Tensor]]:
    """Three batches of four crops, x2, again and again."""
    hr = np.stack([photograph(seed, side, side, noise=0) for seed in range(4 * count)])
    lr = np.stack([bicubic_down(image, 2) for image in hr])
    tensors = [
        torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))) for images in (hr, lr)
    ]
    yield from itertools.cycle(zip(*(images.split(4) for images in tensors), strict=True))


def begin(**changes: Any) -> Training:
    value = {
        "name": "a",
        "corpus": "b",
        "network": {"arch": "compact", "features": 8, "blocks": 2},
        "steps": 12,
        "crop": 32,
    }
    config = TrainConfig.model_validate(value | {"optimiser": {"learning_rate": 1e-3}} | changes)
    judge = build_discriminator(config.discriminator, 1) if config.discriminator else None
    return Training(
        config,
        build(config.network, 2, config.seed),
        Objective(config.losses, lambda _: b""),
        judge,
    )


def weights(training: Training) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in training.network.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_schedules_say_what_is_published() -> None:
    """ESRGAN: halved at 50k, 100k, 200k, 300k; RRDB: cosines of 250k that start again; a warm-up
    rises in a straight line."""
    esrgan = StepsSchedule(at=(50_000, 100_000, 200_000, 300_000))
    assert [share(esrgan, step, 400_000) for step in (0, 49_999, 50_000, 100_000, 399_999)] == [
        1,
        1,
        0.5,
        0.25,
        0.0625,
    ]
    cosine = CosineSchedule(periods=(250_000,) * 4, floor=0)
    found = [share(cosine, step, 10**6) for step in (0, 125_000, 250_000, 375_000, 10**6)]
    assert found == pytest.approx([1, 0.5, 1, 0.5, 0])
    assert share(CosineSchedule(floor=0.1), 50, 100) == pytest.approx(0.55)
    assert [share(ConstantSchedule(warm_up=4), step, 9) for step in range(5)] == [
        0.25,
        0.5,
        0.75,
        1,
        1,
    ]


def test_the_rate_of_a_step_reaches_the_optimiser() -> None:
    training = begin(
        optimiser={"learning_rate": 0.5, "schedule": {"kind": "steps", "at": [2], "factor": 0.1}}
    )
    rates = []
    for hr, lr in itertools.islice(batches(), 3):
        training.advance(hr, lr)
        rates.append(training.optimisers["network"].param_groups[0]["lr"])
    assert rates == pytest.approx([0.5, 0.5, 0.05])


def test_a_network_learns_one_batch_by_heart() -> None:
    training = begin(steps=150, ema=0.9, optimiser={"learning_rate": 3e-3})
    first = next(batches(1))
    losses = [float(training.advance(*first)["loss"]) for _ in range(150)]
    assert losses[-1] < 0.4 * losses[0]
    with torch.no_grad():
        mean, now = (
            float((net(first[1].float() / 255) - first[0].float() / 255).abs().mean())
            for net in (training.result, training.network)
        )
    assert mean < 1.2 * now


def test_the_mean_is_the_one_of_its_formula() -> None:
    network = build(begin().config.network, 2)
    mean = Mean(network, 0.75)
    wanted = copy.deepcopy(network.state_dict())
    for step in range(1, 40):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.1 * step)
        keep = min(0.75, step / (10 + step))
        wanted = {
            key: keep * wanted[key] + (1 - keep) * value
            for key, value in network.state_dict().items()
        }
        mean.update(step)
    for key, value in mean.network.state_dict().items():
        torch.testing.assert_close(value, wanted[key], rtol=1e-5, atol=1e-5)
    assert not any(parameter.requires_grad for parameter in mean.network.parameters())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimiser": {"kind": "adamw", "weight_decay": 0.1, "clip": 0.5}},
        {"ema": 0},
        GAN,
        GAN | {"precision": "bf16"},
    ],
    ids=["adam", "adamw", "no mean", "gan", "gan in bf16"],
)
def test_a_state_is_all_that_the_next_steps_depend_on(changes: dict[str, Any]) -> None:
    whole, first, source = begin(**changes), begin(**changes), list(itertools.islice(batches(), 7))
    for hr, lr in source:
        whole.advance(hr, lr)
    for hr, lr in source[:4]:
        first.advance(hr, lr)
    data = state_bytes(first, {"note": [1]})
    assert data == state_bytes(first, {"note": [1]})
    second = begin(**changes, seed=5)
    assert restore(second, data) == {"note": [1]}
    assert second.step == 4
    for hr, lr in source[4:]:
        second.advance(hr, lr)
    assert state_bytes(second, {}) == state_bytes(whole, {})
    assert not same(weights(second), weights(first))


def test_a_state_of_another_network_or_half_a_one_is_refused() -> None:
    data = state_bytes(begin(), {})
    other = begin(network={"arch": "compact", "features": 4, "blocks": 2})
    for broken in (data, data[: len(data) // 2], b"", b"no state at all"):
        with pytest.raises(ValueError, match="not a state of this training"):
            restore(other, broken)


def test_a_discriminator_that_joins_late_changes_nothing_before() -> None:
    late, plain = begin(**GAN, discriminator_from=2), begin(losses=GAN["losses"][:2])
    judged = []
    for number, (hr, lr) in enumerate(itertools.islice(batches(), 4)):
        terms = late.advance(hr, lr)
        plain.advance(hr, lr)
        judged.append("gan" in terms)
        assert same(weights(late), weights(plain)) == (number < 2)
        assert ("discriminator" in terms) == ("gan" in terms)
    assert judged == [False, False, True, True]


def test_both_sides_of_a_gan_learn_their_own_weights_only() -> None:
    training = begin(**GAN)
    assert training.discriminator is not None
    before = copy.deepcopy(training.discriminator.state_dict())
    training.advance(*next(batches()))
    after = training.discriminator.state_dict()
    assert not any(
        torch.equal(before[key], after[key])
        for key in before
        if key.endswith("weight") and before[key].dim() == 4
    )
    assert all(parameter.requires_grad for parameter in training.discriminator.parameters())


def test_gradients_are_clipped_to_their_norm() -> None:
    for clip in (0.0, 1e-3):
        training = begin(optimiser={"learning_rate": 1e-3, "clip": clip})
        training.advance(*next(batches()))
        norm = torch.cat(
            [p.grad.flatten() for p in training.network.parameters() if p.grad is not None]
        ).norm()
        assert (norm <= 1.001e-3) == bool(clip)


def test_channels_last_gives_the_same_curve() -> None:
    plain, last = begin(), begin(channels_last=True)
    for hr, lr in itertools.islice(batches(), 5):
        one, other = plain.advance(hr, lr)["loss"], last.advance(hr, lr)["loss"]
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_pixels_of_every_level_of_a_pyramid_count() -> None:
    """HR 0.5; level x2 is off by 0.3 and level x4 by 0.1. Total variation looks at SR alone, which
    is flat."""
    objective = Objective(
        [L1Config(weight=2), L2Config(), CharbonnierConfig(epsilon=0.4), TvConfig()], lambda _: b""
    )
    levels = [torch.full((1, 3, 14, 10), 0.2), torch.full((1, 3, 28, 20), 0.4)]
    terms = objective.network(
        levels, torch.full((1, 3, 28, 20), 0.5), torch.zeros(1, 3, 7, 5), None
    )
    wanted = {"l1": 2 * (0.3 + 0.1), "l2": 0.09 + 0.01, "charbonnier": 0.5 + 0.17**0.5, "tv": 0.0}
    assert {name: float(value) for name, value in terms.items()} == pytest.approx(wanted)


def test_images_on_the_way_weigh_what_the_network_says() -> None:
    """Two images of the size of HR, off by 0.3 and 0.2, and the result, off by 0.1."""
    objective = Objective([L1Config(), TvConfig()], lambda _: b"")
    levels = [torch.full((1, 3, 6, 4), value) for value in (0.2, 0.3, 0.4)]
    hr, lr = torch.full((1, 3, 6, 4), 0.5), torch.zeros(1, 3, 3, 2)
    terms = objective.network(levels, hr, lr, None, [0.25, 0.5, 2.0])
    assert float(terms["l1"]) == pytest.approx(0.25 * 0.3 + 0.5 * 0.2 + 2.0 * 0.1)


def test_drcn_learns_its_images_first_and_their_mean_last() -> None:
    """The loss of each step is what the weights of its share of the steps say."""
    config = TrainConfig.model_validate(
        {
            "name": "a",
            "corpus": "b",
            "network": {"arch": "drcn", "features": 4, "recursions": 2, "supervised": 0.5},
            "steps": 4,
            "crop": 16,
            "losses": [{"loss": "l2"}],
        }
    )
    training = Training(
        config, build(config.network, 2, 1), Objective(config.losses, lambda _: b"")
    )
    hr, lr = (torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8) for side in (16, 8))
    assert isinstance(training.network, Drcn)
    for alone in (1.0, 0.5, 0.0, 0.0):
        with torch.no_grad():
            one, two, mean = (
                float(((image - hr / 255) ** 2).mean())
                for image in training.network.pyramid(lr / 255)
            )
        wanted = alone * (one + two) / 2 + (1 - alone) * mean
        assert float(training.advance(hr, lr)["loss"]) == pytest.approx(wanted, rel=1e-5)


def test_lapsrn_is_trained_on_all_its_levels() -> None:
    """Against HR as MATLAB downscales it; with the levels of the paper, the smaller images are
    learned as well."""
    config = TrainConfig.model_validate(
        {
            "name": "a",
            "corpus": "b",
            "network": {"arch": "lapsrn", "features": 8, "depth": 1},
            "steps": 40,
            "crop": 32,
            "losses": [{"loss": "charbonnier", "epsilon": 1e-3}],
            "optimiser": {"learning_rate": 3e-3},
        }
    )
    training = Training(
        config, build(config.network, 4, 1), Objective(config.losses, lambda _: b"")
    )
    image = photograph(3, 32, 32, noise=0)
    targets = [bicubic_down(image / 255, 2), image / 255]
    hr, lr = (
        torch.from_numpy(each.transpose(2, 0, 1).copy())[None]
        for each in (image, to_uint8(bicubic_down(image, 4)))
    )
    errors = list[list[float]]()
    assert isinstance(training.network, LapSrn)
    while not training.done:
        with torch.no_grad():
            made = [
                level[0].permute(1, 2, 0).numpy()
                for level in training.network.pyramid(lr.float() / 255)
            ]
        errors.append(
            [np.hypot(one - target, 1e-3).mean() for one, target in zip(made, targets, strict=True)]
        )
        assert float(training.advance(hr, lr)["loss"]) == pytest.approx(sum(errors[-1]), rel=1e-4)
    assert max(last / first for first, last in zip(errors[0], errors[-1], strict=True)) < 0.7


def test_fp16_is_refused_on_the_cpu() -> None:
    with pytest.raises(ValueError, match="fp16 needs a GPU"):
        begin(precision="fp16")


class Stopping(Listener):
    def __init__(self, at: int) -> None:
        self.at, self.images = at, 0
        self.heard: list[int] = []

    def stepped(self, training: Training, tally: Meter) -> None:
        self.heard.append(training.step)
        self.images = tally.images
        if training.step == self.at:
            tally.stop = "enough"

    def ended(self, training: Training, tally: Meter) -> None:  # noqa: ARG002
        self.heard.append(-training.step)


def test_the_loop_tells_every_step_and_stops_when_asked() -> None:
    listener, training = Stopping(5), begin()
    train(training, batches(), [listener])
    assert listener.heard == [1, 2, 3, 4, 5, -5]
    assert listener.images == 20
    listener = Stopping(0)
    train(training, batches(), [listener])
    assert listener.heard == [*range(6, 13), -12]


def test_losses_and_weights_that_are_no_numbers_are_told() -> None:
    training, tally = begin(), Meter()
    tally.add(training.advance(*next(batches())), 4)
    checked(training, tally)
    tally.add({"loss": torch.tensor(float("nan"))}, 4)
    with pytest.raises(DivergedError, match="loss: not a number"):
        checked(training, tally)
    tally.clear()
    with torch.no_grad():
        next(training.network.parameters()).fill_(float("inf"))
    with pytest.raises(DivergedError, match="weights: not a number"):
        checked(training, tally)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_network_learns_the_same() -> None:
    plain, compiled = begin(), begin(compile=True)
    for hr, lr in itertools.islice(batches(), 3):
        one, other = plain.advance(hr, lr)["loss"], compiled.advance(hr, lr)["loss"]
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    assert plain.network.state_dict().keys() == compiled.network.state_dict().keys()
