"""Properties of every method: what learns, what is taken down, exact resume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pairmill.models.fitting.checkpoint import restore, state_bytes
from pairmill.models.translation.fit import Fit
from pairmill.models.translation.generator import Generator
from pairmill.models.translation.method import TO_REAL
from pairmill.schemas.translation import METHODS
from tests.support.translation import begin, run

FORMS = ("vanilla", "lsgan", "hinge", "relativistic", "wgan_gp")
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{method: (method, {}) for method in METHODS},
    "bulat with SR": ("bulat", {"weights": {"sr": 1.0}}),
    "bulat with a vector": ("bulat", {"generator": {"noise": "vector", "numbers": 4}}),
    "cincgan without the judge of real LR": ("cincgan", {"weights": {"adversarial_real": 0.0}}),
    "cincgan with the judge of real LR": ("cincgan", {"weights": {"adversarial_real": 1.0}}),
    "cyclesr from the start": ("cyclesr", {"task_from": 0.0}),
    "cyclesr without SR": ("cyclesr", {"weights": {"task": 0.0}}),
    "maeda without the judge of HR": ("maeda", {"weights": {"adversarial_hr": 0.0}}),
}
"""Methods, and settings that add or take away a network."""
every = pytest.mark.parametrize(("method", "changes"), VARIANTS.values(), ids=VARIANTS)


def weights_of(fit: Fit) -> dict[str, dict[str, Tensor]]:
    return {
        name: {key: value.clone() for key, value in network.named_parameters()}
        for name, network in fit.system.networks().items()
    }


@every
def test_every_player_moves_its_networks_and_no_others(
    method: str, changes: dict[str, Any]
) -> None:
    fit = begin(method, **changes)
    run(fit, 2)  # a last layer that starts at 0 holds the others still once
    scene = fit._scene()
    for player in fit.system.method.players:
        before = weights_of(fit)
        fit.system._turn(player, scene, {})
        for name, weights in weights_of(fit).items():
            moved = [not torch.equal(before[name][key], weights[key]) for key in weights]
            assert all(moved) if name in player.learns else not any(moved), (player.name, name)
    learned = [name for player in fit.system.method.players for name in player.learns]
    assert sorted(learned) == sorted(fit.system.networks())
    assert all(p.requires_grad for net in fit.system.networks().values() for p in net.parameters())


@every
def test_a_resumed_fit_equals_an_uninterrupted_one_bit_for_bit(
    method: str, changes: dict[str, Any]
) -> None:
    changes = changes | {"history": 3}
    whole = run(begin(method, **changes), 8)
    assert np.isfinite(whole.curves).all()
    assert np.array(whole.curves).shape == (4, len(whole.columns))
    half = run(begin(method, **changes), 3)
    assert half.samples == 4  # whole batches
    again = begin(method, **changes)
    assert restore(again, state_bytes(half))
    assert state_bytes(again) == state_bytes(half)
    assert state_bytes(run(again, 8)) == state_bytes(whole)
    assert state_bytes(run(begin(method, seed=4, **changes), 8)) != state_bytes(whole)


@pytest.mark.parametrize("norm", ["none", "instance", "batch"])
@pytest.mark.parametrize("gan", FORMS)
def test_every_form_and_norm_trains_and_resumes(gan: str, norm: str) -> None:
    changes: dict[str, Any] = {
        "gan": gan,
        "discriminator": {"norm": norm, "penalty": 0.1, "features": [4, 6], "strides": [1, 2]},
        "history": 2,
    }
    whole = run(begin("dsgan", **changes), 8)
    again = begin("dsgan", **changes)
    assert restore(again, state_bytes(run(begin("dsgan", **changes), 4)))
    assert state_bytes(run(again, 8)) == state_bytes(whole)
    assert np.isfinite(whole.curves).all()


@pytest.mark.parametrize(
    ("method", "scale"),
    [(method, 3) for method in METHODS] + [(method, 1) for method in METHODS[:3]],  # SR has no x1
)
def test_every_method_runs_at_other_scales(method: str, scale: int) -> None:
    fit = run(begin(method, scale=scale), 4)
    assert np.isfinite(fit.curves).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_terms_that_are_weighted_are_taken_down_by_name(method: str) -> None:
    fit = begin(method)
    found = fit.system.step(fit._scene())
    assert set(found) <= set(fit.columns)
    for column in set(fit.columns) - set(found):
        weight = getattr(fit.config.weights, column, None)
        # What is missing has no weight, no network, or its time has not come.
        assert not weight or column in ("perceptual", "task"), column
    first = run(begin(method), 2).curves[0]
    assert dict(zip(fit.columns, first, strict=True)).items() >= found.items()


def test_a_state_of_another_fit_or_a_damaged_one_is_not_taken() -> None:
    data = state_bytes(run(begin("maeda"), 4))
    for wrong in (data[: len(data) // 2], b"", b"x" * 100):
        fresh = begin("maeda")
        before = state_bytes(fresh)
        assert not restore(fresh, wrong)
        assert state_bytes(fresh) == before
    assert not restore(begin("maeda", seed=9), data)
    assert not restore(begin("maeda", learning_rate=1e-3), data)


def test_the_average_follows_the_degrader_from_its_third_iteration_on() -> None:
    """Kept: (1 + i) / (10 + i) at first, so 1/10 and 2/11."""
    fit = begin("bulat")
    start = fit.mean.tail.weight.clone()
    seen = [fit.system.method.degrader.tail.weight.detach().clone() for _ in fit.advance(4)]
    wanted = 0.1 * start + 0.9 * seen[0]
    wanted = 2 / 11 * wanted + 9 / 11 * seen[1]
    torch.testing.assert_close(fit.mean.tail.weight, wanted)
    assert not fit.mean.tail.weight.requires_grad
    plain = run(begin("bulat", average=0.0), 4)
    assert torch.equal(plain.mean.tail.weight, plain.system.method.degrader.tail.weight)


def test_the_check_that_is_told_least_is_sealed_also_after_a_kill() -> None:
    fit = begin("cyclesr")
    for auc in (0.8, 0.6, 0.9):
        run(fit, 2)
        fit.check(auc)
        if auc == 0.6:
            wanted = {key: value.clone() for key, value in fit.mean.state_dict().items()}
    again = begin("cyclesr")
    assert restore(again, state_bytes(fit))
    for one in (fit, again):
        assert (one.aucs, one.kept, one.samples) == ([0.8, 0.6, 0.9], 4, 6)
        one.finish()
        assert all(torch.equal(one.mean.state_dict()[key], wanted[key]) for key in wanted)


def test_early_stop_waits_for_patience() -> None:
    fit = begin("dsgan", patience=1)
    fit.check(0.6)
    assert not fit.done
    fit.check(0.7)
    assert fit.done


def test_rates_are_halved() -> None:
    fit = begin("dsgan", halve_at=(0.5,))
    first = fit.config.learning_rate, fit.config.discriminator_rate

    def rates() -> tuple[float, ...]:
        return tuple(
            fit.system.optimisers[name].param_groups[0]["lr"]
            for name in ("generator", "judge_real")
        )

    run(fit, 4)
    assert rates() == first
    run(fit, 4)
    assert rates() == tuple(rate / 2 for rate in first)


def test_the_fit_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(99)
    before = torch.get_rng_state()
    run(begin("maeda"), 4)
    assert torch.equal(before, torch.get_rng_state())


def test_the_task_of_cyclesr_has_a_say_from_its_time_on() -> None:
    fit = run(begin("cyclesr", task_from=0.5), 8)
    task = np.array(fit.curves)[:, fit.columns.index("task")]
    assert (task[:2] == 0).all()
    assert (task[2:] > 0).all()


def test_real_to_dsgan_is_a_part_of_its_own_image_at_full_size() -> None:
    fit = begin("dsgan")
    scene = fit._scene()
    for real, hr in zip(scene.real, scene.hr, strict=True):
        windows = hr.unfold(1, 16, 1).unfold(2, 16, 1)
        assert (windows == real[:, None, None]).all(dim=(0, 3, 4)).any()


def test_only_the_network_that_degrades_is_random_and_bulats_alone_sees_hr() -> None:
    for method in METHODS:
        networks = begin(method).system.networks()
        for name, network in networks.items():
            if isinstance(network, Generator):
                assert (network.noise is not None) == (name == TO_REAL)
                assert network.scale == (2 if method == "bulat" else 1)
