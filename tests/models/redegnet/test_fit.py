"""The fit of ReDegNet: exact resume, fine-tuning, checkpoints, what swapping does, measures and
gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from pairmill.models.fitting.checkpoint import restore, state_bytes
from pairmill.models.losses.vgg import Vgg
from pairmill.models.redegnet import checkpoint
from pairmill.models.redegnet.draw import represent
from pairmill.models.redegnet.fit import Batch, Fit
from pairmill.models.redegnet.measure import judge, look, measure, montage
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.redegnet import (
    CURVES,
    RedegnetConfig,
    RedegnetGateConfig,
    RedegnetMeasures,
    RedegnetReason,
)
from tests.support.make import photograph
from tests.support.vgg import weights

NET = {"side": 16, "code": 5, "first": 4, "most": 8, "mapping": 2, "skip_start": 1.0}
TINY = {
    "net": NET,
    "batch": 2,
    "samples": 10,
    "learning_rate": 1e-3,
    "critic_rate": 1e-3,
    "check_every": 4,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def settings(**changes: object) -> RedegnetConfig:
    return RedegnetConfig.model_validate(TINY | changes)


def source(number: int) -> Batch:
    first, second, third, fourth, fifth = (
        np.stack([photograph(100 * number + 10 * part + place, 16, 16) for place in range(2)])
        for part in range(5)
    )
    return Batch(first, second, third, fourth, fifth, swap=number % 2 == 0)


def begin(
    seed: int = 3, vgg: Vgg | None = None, given: Callable[[int], Batch] = source, **changes: object
) -> Fit:
    return Fit(given, settings(**changes), seed, vgg)


def run(fit: Fit, samples: int = 10) -> Fit:
    for _ in fit.advance(samples):
        pass
    return fit


@pytest.mark.parametrize("with_vgg", [False, True])
def test_a_resumed_fit_equals_an_uninterrupted_one_bit_for_bit(with_vgg: bool) -> None:
    def fresh(seed: int = 3) -> Fit:
        return begin(seed, Vgg(weights()) if with_vgg else None)

    whole, half, again = run(fresh()), run(fresh(), 3), fresh()
    assert half.samples == 4  # whole batches
    assert restore(again, state_bytes(half))
    run(again)
    assert state_bytes(again) == state_bytes(whole)
    assert again.done
    assert np.isfinite(whole.curves).all()
    assert (np.array(whole.curves)[:, 1:3] > 0).all() == with_vgg
    assert state_bytes(run(fresh(4))) != state_bytes(whole)


def test_looking_between_steps_changes_nothing() -> None:
    hq, lq = crops()
    plain, seen = run(begin()), begin()
    for _ in seen.advance(10):
        look(seen, hq, lq)
    assert state_bytes(seen) == state_bytes(plain)


def test_the_check_that_is_told_least_is_sealed_also_after_a_kill() -> None:
    fit = begin(patience=1)
    wanted = b""
    for auc in (0.8, 0.6, 0.9):
        run(fit, 2)
        fit.check(auc)
        wanted = checkpoint.networks_bytes(fit.config.net, fit.modules()) if auc == 0.6 else wanted
    assert fit.done  # early
    again = begin(patience=1)
    assert restore(again, state_bytes(fit))
    for one in (fit, again):
        assert (one.aucs, one.kept, one.samples, one.done) == ([0.8, 0.6, 0.9], 4, 6, True)
        one.finish()
        assert checkpoint.networks_bytes(one.config.net, one.modules()) == wanted


def test_what_is_told_from_real_lq_is_hq_with_other_pairs_degradations() -> None:
    fit = run(begin(), 2)
    hq, lq = crops(pairs=3)
    sight = look(fit, hq, lq)
    np.testing.assert_array_equal(sight.real, lq.reshape(6, 16, 16, 3))
    assert [part.tolist() for part in sight.shown] == [
        [0, 0, 1, 1, 2, 2],
        [0, 1, 2, 0, 1, 2, 0, 1, 2],
    ]
    np.testing.assert_array_equal(sight.swapped[3:6], sight.others[1])
    alone = look(
        fit, np.roll(hq[:, 1:], 0, 0), np.roll(lq[:, 1:], 0, 0)
    )  # the second crops as if they were the first
    np.testing.assert_allclose(sight.swapped[6:], alone.others[0], atol=1e-4)


def test_a_state_of_another_fit_or_a_damaged_one_is_not_taken() -> None:
    data = state_bytes(run(begin(), 4))
    for wrong in (data[: len(data) // 2], b"", b"x" * 100):
        fresh = begin()
        before = state_bytes(fresh)
        assert not restore(fresh, wrong)
        assert state_bytes(fresh) == before
    assert not restore(begin(seed=9), data)
    assert not restore(begin(swap=0.1), data)


def test_the_fit_leaves_the_global_generator_alone_and_moves_every_weight() -> None:
    torch.manual_seed(99)
    before = torch.get_rng_state()
    fit = begin(halve_at=(0.5,))
    names = {
        f"{part}.{name}": value
        for part, module in fit.modules().items()
        for name, value in module.named_parameters()
    }
    start = {name: value.detach().clone() for name, value in names.items()}
    run(fit)
    assert torch.equal(before, torch.get_rng_state())
    still = {name for name, value in names.items() if torch.equal(value, start[name])}
    # an offset raises real and fake alike, which the hinge loss does not see before the first ReLU
    # or the margin
    assert not {name for name in still if not name.startswith("critic") or name.endswith("weight")}
    assert [group.param_groups[0]["lr"] for group in fit.optimisers.values()] == [5e-4, 5e-4]
    assert np.array(fit.curves).shape == (5, len(CURVES))


def test_equal_pictures_make_swapping_and_the_same_loss_vanish() -> None:
    """Where both images of a step are one, their representations are equal and a swap changes
    nothing."""

    def alike(number: int, *, swap: bool) -> Batch:
        batch = source(number)
        return replace(batch, natural_hq=batch.face_hq, natural_alike=batch.face_alike, swap=swap)

    one, other = (run(begin(given=partial(alike, swap=swap))) for swap in (True, False))
    assert (
        np.array(one.curves)[:, CURVES.index("same")] < 1e-8
    ).all()  # not 0: places in a batch round differently
    np.testing.assert_allclose(np.array(one.curves), np.array(other.curves), rtol=1e-4, atol=1e-6)


def test_swapped_representations_are_what_the_pictures_are_made_with() -> None:
    batch = source(0)
    found = {}
    for swap in (True, False):
        swapped = replace(batch, swap=swap)
        fit = begin(given={0: swapped}.__getitem__)
        codes: list[torch.Tensor] = []
        fit.syn.generator.register_forward_hook(
            lambda _, given, __, codes=codes: codes.append(given[1].detach().clone())
        )
        run(fit, 2)
        found[swap] = codes[0].chunk(3)
    (real, natural, face), (real_too, second, third) = found[False], found[True]
    assert torch.equal(real, real_too)
    assert torch.equal(natural, third)
    assert torch.equal(face, second)
    assert not torch.equal(natural, face)


def test_the_critic_has_no_say_in_representations() -> None:
    """With every other loss off, DegNet learns through the image alone: the condition is
    detached."""
    only = {"pixel": 0, "same": 0, "contrast": 0, "adversarial": 1}
    fit = begin(weights=only)
    fit.syn.generator.forward = lambda features, _: torch.tanh(features[-1][:, :3] * 0.1)  # type: ignore[method-assign,assignment]
    run(fit, 2)
    assert all(
        parameter.grad is None or not parameter.grad.any() for parameter in fit.deg.parameters()
    )


def test_a_checkpoint_is_synnet_and_networks_are_all() -> None:
    fit = run(begin())
    data = checkpoint.networks_bytes(fit.config.net, {"syn": fit.syn})
    again, code = checkpoint.read_checkpoint(data), torch.ones(1, 5)
    fit.syn.eval()
    picture = torch.tanh(torch.linspace(-2, 2, 768).reshape(1, 3, 16, 16))
    with torch.no_grad():
        assert torch.equal(again(picture, code), fit.syn(picture, code))
    assert not again.training
    every = checkpoint.networks_bytes(fit.config.net, fit.modules())
    assert (
        checkpoint.networks_bytes(fit.config.net, {"syn": checkpoint.read_checkpoint(every)})
        == data
    )
    for wrong in (b"", b"not a checkpoint", state_bytes(fit)):
        with pytest.raises(ValueError, match=r"safetensors|checkpoint|Field required|validation"):
            checkpoint.read_checkpoint(wrong)


def test_fine_tuning_starts_from_the_networks() -> None:
    fit = run(begin())
    data = checkpoint.networks_bytes(fit.config.net, fit.modules())
    tuned = begin(seed=8, learning_rate=1e-4)
    checkpoint.start_from(tuned, data)
    hq, lq = crops()
    np.testing.assert_array_equal(
        represent(tuned.deg, hq[:, 0], lq[:, 0]), represent(fit.deg, hq[:, 0], lq[:, 0])
    )
    assert tuned.samples == 0
    with pytest.raises(ValueError, match="its networks are"):
        checkpoint.start_from(begin(net=NET | {"code": 6}), data)
    with pytest.raises(ValueError, match="has only syn"):
        checkpoint.start_from(begin(), checkpoint.networks_bytes(fit.config.net, {"syn": fit.syn}))


def crops(pairs: int = 3) -> tuple[np.ndarray, np.ndarray]:
    hq = np.stack(
        [
            [photograph(10 * pair + crop, 16, 16, noise=0) for crop in range(2)]
            for pair in range(pairs)
        ]
    )
    lq = np.clip(hq.astype(int) + 9 * np.arange(pairs)[:, None, None, None, None], 0, 255).astype(
        np.uint8
    )
    return hq, lq


def test_measures_by_hand() -> None:
    fit = run(begin())
    hq, lq = crops()
    sight = look(fit, hq, lq)
    assert len(sight.others) == 2
    found = measure(fit, sight, RealismResult(auc=0.7, interval=(0.6, 0.8)))
    assert found is not None
    assert (found.auc, found.interval) == (0.7, (0.6, 0.8))
    assert found.error == pytest.approx(np.abs(sight.own - lq[:, 0]).mean())
    assert found.identity_error == pytest.approx(np.abs(lq[:, 0].astype(float) - hq[:, 0]).mean())
    assert found.bicubic_error > 0
    assert found.effect == pytest.approx(
        np.mean([np.abs(other - sight.own).mean() for other in sight.others])
    )
    assert found.samples == 10
    means = sight.codes.mean(1)
    wanted = np.sqrt(((means - means.mean(0)) ** 2).sum(1).mean()) / np.linalg.norm(means.mean(0))
    assert found.diversity == pytest.approx(wanted)
    alone = look(fit, hq[:1], lq[:1])
    assert alone.others == ()
    assert measure(fit, alone, RealismResult()).effect == 0  # type: ignore[union-attr]
    assert montage(sight).shape == (4 * 16, 3 * 16, 3)
    np.testing.assert_array_equal(montage(sight)[:16, :16], hq[0, 0])


def test_gates() -> None:
    good = RedegnetMeasures(
        error=3,
        identity_error=5,
        bicubic_error=4,
        other_error=6,
        diversity=0.5,
        spread=0.1,
        effect=2,
        accuracy=0.7,
        auc=0.9,
        interval=(0.8, 1.0),
        aucs=(0.9,),
        samples=9,
        kept=9,
    )
    gates = RedegnetGateConfig()
    assert judge(good, gates, specific=False) == ()
    bad = {"error": 4.1, "diversity": 0.01, "effect": 0.1, "accuracy": 0.99}
    r = RedegnetReason
    reasons = [r.RECONSTRUCTS_BADLY, r.CODES_ALIKE, r.CODES_IGNORED, r.CRITIC_WON]
    for (name, value), reason in zip(bad.items(), reasons, strict=True):
        assert judge(good.with_(**{name: value}), gates, specific=False) == (reason,)
    strict = gates.with_(max_auc=0.85)
    assert judge(good, strict, specific=False) == (r.TOLD_APART,)
    assert judge(good.with_(auc=None), strict, specific=False) == (r.NOT_MEASURED,)
    assert judge(good.with_(auc=None), gates, specific=False) == ()
    alike = good.with_(diversity=0.0, effect=0.0)
    assert judge(alike, gates, specific=True) == ()  # the faces of one photo are degraded alike
    assert judge(None, gates, specific=True) == (RedegnetReason.NOT_FINITE,)


def test_a_fit_that_left_the_finite_numbers_has_no_measures() -> None:
    fit = run(begin(), 2)
    with torch.no_grad():
        head: Any = fit.syn.generator.heads[0]
        head.bias.fill_(float("nan"))
    sight = look(fit, *crops())
    assert measure(fit, sight, RealismResult()) is None
    assert montage(sight).dtype == np.uint8


@pytest.mark.gpu
def test_a_fit_on_a_gpu_is_drawn_from_on_a_cpu() -> None:
    fit = run(Fit(source, settings(), 3, Vgg(weights()), "cuda"))
    assert np.isfinite(fit.curves).all()
    hq, lq = crops()
    found = measure(fit, look(fit, hq, lq), RealismResult())
    assert found is not None
    syn = checkpoint.read_checkpoint(checkpoint.networks_bytes(fit.config.net, {"syn": fit.syn}))
    fit.syn.eval()
    picture, code = torch.tanh(torch.linspace(-2, 2, 768).reshape(1, 3, 16, 16)), torch.ones(1, 5)
    with torch.no_grad():
        torch.testing.assert_close(
            syn(picture, code), fit.syn(picture.cuda(), code.cuda()).cpu(), rtol=1e-2, atol=1e-2
        )
    again = Fit(source, settings(), 3, Vgg(weights()), "cuda")
    assert restore(again, state_bytes(fit))
    assert again.done
