"""The fit of PDM: exact resume, what a step changes, checkpoints, early stop, gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pairmill.models.fitting.checkpoint import restore, state_bytes
from pairmill.models.keyed import keyed
from pairmill.models.pdm.checkpoint import checkpoint_bytes, read_checkpoint
from pairmill.models.pdm.degradation import draw_latent
from pairmill.models.pdm.fit import Fit
from pairmill.models.pdm.measure import judge, look, measure, montage, without_scene
from pairmill.models.pdm.modules import NoiseModule
from pairmill.schemas.pdm import PdmConfig, PdmGateConfig
from pairmill.schemas.pdm_fit import PdmReason
from pairmill.schemas.realism import RealismResult
from tests.support.make import PDM, photograph

REALS = [photograph(seed, 40, 37) for seed in range(3)]
HRS = [photograph(seed, 61, 67, noise=0) for seed in range(5, 8)]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def begin(seed: int = 3, **changes: object) -> Fit:
    return Fit(REALS, HRS, PdmConfig.model_validate(PDM | {"samples": 40} | changes), 2, seed)


def run(fit: Fit, samples: int) -> Fit:
    for _ in fit.advance(samples):
        pass
    return fit


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kernel": PDM["kernel"] | {"variant": True}},
        {"critic": {"features": [4, 4], "penalty": 1e-3}},
        {"noise": PDM["noise"] | {"form": "trunk"}, "regulariser": "energy"},
        {"noise": None},
    ],
    ids=["default", "variant", "penalty", "trunk", "no noise"],
)
def test_a_resumed_fit_equals_an_uninterrupted_one_bit_for_bit(changes: dict[str, Any]) -> None:
    whole = run(begin(**changes), 40)
    half = run(begin(**changes), 17)
    assert half.samples == 20  # whole batches
    again = begin(**changes)
    assert restore(again, state_bytes(half))
    run(again, 40)
    assert state_bytes(again) == state_bytes(whole)
    assert checkpoint_bytes(again.mean) == checkpoint_bytes(whole.mean)
    assert state_bytes(run(begin(seed=4, **changes), 40)) != state_bytes(whole)


def test_a_state_of_another_fit_or_a_damaged_one_is_not_taken() -> None:
    data = state_bytes(run(begin(), 8))
    for wrong in (data[: len(data) // 2], b"", b"x" * 100):
        fresh = begin()
        before = state_bytes(fresh)
        assert not restore(fresh, wrong)
        assert state_bytes(fresh) == before
    assert not restore(begin(seed=9), data)
    assert not restore(begin(noise_weight=1.0), data)


def test_the_fit_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(99)
    before = torch.get_rng_state()
    run(begin(), 8)
    assert torch.equal(before, torch.get_rng_state())


def test_rates_are_halved_and_all_weights_move() -> None:
    fit = begin(halve_at=(0.5,))
    before = [parameter.detach().clone() for parameter in fit.degradation.parameters()]
    run(fit, 20)
    assert fit.optimisers[0].param_groups[0]["lr"] == fit.config.learning_rate
    run(fit, 20)
    assert fit.optimisers[0].param_groups[0]["lr"] == fit.config.learning_rate / 2
    moved = [
        not torch.equal(a, b) for a, b in zip(before, fit.degradation.parameters(), strict=True)
    ]
    assert sum(moved) >= len(moved) - 1
    assert len(fit.curves) == 10


def test_a_checkpoint_draws_what_the_fit_draws() -> None:
    fit = run(begin(), 40)
    again = read_checkpoint(checkpoint_bytes(fit.mean))
    latent = draw_latent(keyed(1, "latent"), 2, *fit.mean.latent_shapes(12, 12))
    image = torch.from_numpy(np.random.default_rng(0).random((2, 3, 31, 31), dtype=np.float32))
    with torch.no_grad():
        assert torch.equal(again(image, latent).lr, fit.mean(image, latent).lr)
    for wrong in (b"", b"not a checkpoint", state_bytes(fit)):
        with pytest.raises(ValueError, match="not a checkpoint of PDM"):
            read_checkpoint(wrong)


def test_a_checkpoint_older_than_the_choice_follows_colour() -> None:
    """Versions that were drawn from it are replayed bit for bit."""
    fit = run(begin(noise=PDM["noise"] | {"by": "colour"}), 8)
    data = checkpoint_bytes(fit.mean)
    older = data.replace(rb"\"by\":\"colour\",", b" " * len(rb"\"by\":\"colour\","))
    assert older != data
    assert checkpoint_bytes(read_checkpoint(older)) == data


def test_early_stop_waits_for_patience() -> None:
    fit = begin(patience=1)
    fit.check(0.6)
    assert not fit.done
    fit.check(0.7)
    assert fit.done


def test_the_check_that_is_told_least_is_sealed_also_after_a_kill() -> None:
    fit = begin()
    for auc in (0.8, 0.6, 0.9):
        run(fit, 8)
        fit.check(auc)
        if auc == 0.6:
            wanted = checkpoint_bytes(fit.mean)
    again = begin()
    assert restore(again, state_bytes(fit))
    for one in (fit, again):
        assert (one.aucs, one.kept, one.samples) == ([0.8, 0.6, 0.9], 16, 24)
        assert checkpoint_bytes(one.mean) != wanted
        one.finish()
        assert checkpoint_bytes(one.mean) == wanted


def test_a_crop_knows_its_image() -> None:
    fit = begin()
    places, crops = fit.reals.sources(5, 40), fit.reals.at(5, 40, keyed(1, "crops"))
    assert set(places.tolist()) == {0, 1, 2}
    for place, crop in zip(places, crops, strict=True):
        levels = (255 * crop.permute(1, 2, 0)).round().byte().numpy()
        windows = np.lib.stride_tricks.sliding_window_view(REALS[place], (12, 12, 3))[:, :, 0]
        assert (windows == levels).all((2, 3, 4)).any()


@pytest.mark.parametrize(
    ("fake", "clean", "real", "left"),
    [(5.0, 2.0, 3.0, 5.0), (5.0, 4.0, 3.0, 18**0.5), (4.0, 4.0, 1.0, 1.0), (2.0, 6.0, 1.0, 0.0)],
)
def test_scenes_busier_than_the_photographs_are_no_noise(
    fake: float, clean: float, real: float, left: float
) -> None:
    assert without_scene(fake, clean, real) == pytest.approx(left)


def test_a_fit_without_noise_or_diversity_fails_its_gates_and_says_which() -> None:
    fit = run(begin(), 8)
    kernel, noise = fit.mean.kernel.out, fit.mean.noise
    assert isinstance(noise, NoiseModule)
    assert kernel.bias is not None
    assert noise.out.bias is not None
    with torch.no_grad():
        kernel.weight.zero_()  # the same kernel for every z
        noise.out.weight.zero_()
        noise.out.bias.zero_()
    measures = measure(fit, look(fit, 32), RealismResult(auc=0.7, interval=(0.6, 0.8)))
    assert measures is not None
    assert measures.diversity < 1e-6
    assert measures.noise_deviation == 0
    reasons = judge(measures, PdmGateConfig(min_noise_ratio=0.5), with_noise=True)
    assert PdmReason.KERNELS_ALIKE in reasons
    assert PdmReason.NOISE_COLLAPSED in reasons
    assert PdmReason.NOISE_COLLAPSED not in judge(
        measures, PdmGateConfig(min_noise_ratio=0.5), with_noise=False
    )
    loose = PdmGateConfig(
        min_diversity=0,
        min_noise_ratio=0,
        max_noise_ratio=99,
        max_accuracy=1,
        max_auc=1,
        max_noise_mean=99,
    )
    assert judge(measures, loose, with_noise=True) == ()
    assert judge(measures, loose.with_(max_auc=0.65), with_noise=True) == (PdmReason.TOLD_APART,)
    unmeasured = measures.with_(auc=None, interval=None)
    assert judge(unmeasured, loose.with_(max_auc=0.99), with_noise=True) == (
        PdmReason.NOT_MEASURED,
    )
    assert judge(unmeasured, loose, with_noise=True) == ()
    kernel.bias.data.fill_(float("nan"))
    assert measure(fit, look(fit, 32), RealismResult(auc=0.7, interval=(0.6, 0.8))) is None
    assert judge(None, loose, with_noise=True) == (PdmReason.NOT_FINITE,)


def test_the_noise_curve_is_that_of_the_noise() -> None:
    from pairmill.models.pdm.measure import noise_curve

    rng = np.random.default_rng(0)
    clean = rng.uniform(0, 255, (40, 32, 32, 3))
    noise = rng.standard_normal(clean.shape) * np.sqrt(4 + 0.1 * clean)
    curve = noise_curve(clean, noise)
    assert len(curve) == 16
    for level, spread in curve:
        assert spread == pytest.approx(np.sqrt(4 + 0.1 * level), rel=0.05)


def test_the_picture_shows_real_above_and_fake_below() -> None:
    fit = begin()
    sight = look(fit, 8)
    picture = montage(sight, 1, 8)
    assert picture.shape == (12 + 4 + 12, 96, 3)
    np.testing.assert_allclose(picture[:12, :12], sight.real[0], atol=1e-4)
