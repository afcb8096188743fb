"""A fit that begins at what was measured: it draws that exactly, resumes, and keeps it unless a
correction is less easily told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from pairmill.models.fitting.checkpoint import restore, state_bytes
from pairmill.models.functional.kernels import offset
from pairmill.models.keyed import keyed
from pairmill.models.pdm.checkpoint import checkpoint_bytes, read_checkpoint
from pairmill.models.pdm.degradation import draw_latent
from pairmill.models.pdm.fit import Fit
from pairmill.models.pdm.measure import drawn_kernels, judge, look, measure
from pairmill.models.pdm.noise_filter import noise_filter
from pairmill.models.pdm.start import REACH, Start, without_moments
from pairmill.schemas.pdm import PdmConfig, PdmGateConfig
from pairmill.schemas.pdm_fit import PdmReason
from pairmill.schemas.realism import RealismResult
from tests.support.make import PDM, photograph
from tests.support.measured import measured

REALS = [photograph(seed, 40, 37) for seed in range(3)]
HRS = [photograph(seed, 61, 67, noise=0) for seed in range(5, 8)]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def begin(start: Start, **changes: Any) -> Fit:
    value = PDM | {"samples": 40, "start_from": "measured"} | changes
    return Fit(REALS, HRS, PdmConfig.model_validate(value), 2, 3, start=start)


def run(fit: Fit, samples: int) -> Fit:
    for _ in fit.advance(samples):
        pass
    return fit


@pytest.mark.parametrize("planes", [1, 3])
def test_it_first_draws_what_was_measured(planes: int) -> None:
    """Each kernel with its own camera's noise, and nothing else."""
    start = measured(planes=planes)
    fit, rim = begin(start), REACH // 2
    image = torch.full((40, 3, 2 * 32 + 29, 2 * 32 + 29), 0.5)
    latent = draw_latent(keyed(1, "latent"), 40, *fit.mean.latent_shapes(32, 32))
    kernels = fit.mean.kernels(latent.kernel)[:, :, rim:-rim, rim:-rim]
    with torch.no_grad():
        found = fit.mean(image, latent)
    numbers = set()
    for drawn, noise in zip(kernels.detach().numpy(), found.noise, strict=True):
        number = int(np.abs(drawn - start.kernels[1]).max() < 1e-6)
        np.testing.assert_allclose(drawn, start.kernels[number], atol=1e-6)
        assert 255 * float(noise.std()) == pytest.approx((2.0, 5.0)[number], rel=0.1)
        numbers.add(number)
    assert numbers == {0, 1}


def test_corrected_kernels_keep_sum_and_centre() -> None:
    fit = begin(measured())
    with torch.no_grad():
        fit.mean.kernel.out.weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(1))
    kernels = drawn_kernels(fit, 20)
    assert np.abs(kernels - kernels[0]).max() > 0.01
    np.testing.assert_allclose(kernels.sum((1, 2)), 1, atol=1e-5)
    assert max(max(map(abs, offset(one, 2))) for one in kernels) < 1e-3


def test_moments_are_taken_away() -> None:
    """1 at one cell of 3 x 3: what is left has no sum and no centre."""
    raw = torch.zeros(1, 9, dtype=torch.float64)
    raw[0, 2] = 1.0
    left = without_moments(raw)[0].reshape(3, 3)
    axis = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    moments = torch.stack([left.sum(), (left.sum(1) * axis).sum(), (left.sum(0) * axis).sum()])
    torch.testing.assert_close(moments, torch.zeros(3, dtype=torch.float64))
    assert float(left[0, 2]) == pytest.approx(1 - 1 / 9 - 1 / 6 - 1 / 6)


def test_a_resumed_fit_equals_an_uninterrupted_one_bit_for_bit() -> None:
    """The codec draws too; the check before anything is learned is part of the state."""

    def checked() -> Fit:
        fit = begin(measured(codec=True))
        fit.check(0.7)
        return fit

    whole, half = run(checked(), 40), run(checked(), 17)
    again = begin(measured(codec=True))
    assert restore(again, state_bytes(half))
    assert (again.aucs, again.kept) == ([0.7], 0)
    assert state_bytes(run(again, 40)) == state_bytes(whole)
    for fit in (whole, again):
        fit.check(0.72)
        fit.finish()
    assert checkpoint_bytes(again.mean) == checkpoint_bytes(begin(measured()).mean)


def test_what_no_auc_can_judge_is_not_learned() -> None:
    """A correction would not be kept: what was measured is sealed at once."""
    fit = begin(measured())
    assert not fit.done
    fit.check(math.nan)
    assert fit.done
    assert (fit.samples, fit.kept) == (0, 0)
    judged, nothing = begin(measured()), Fit(REALS, HRS, PdmConfig.model_validate(PDM), 2, 3)
    judged.check(0.7)
    judged.check(math.nan)
    nothing.check(math.nan)
    assert not judged.done
    assert not nothing.done


def test_a_checkpoint_draws_what_the_fit_draws() -> None:
    fit = run(begin(measured()), 40)
    again = read_checkpoint(checkpoint_bytes(fit.mean))
    latent = draw_latent(keyed(1, "latent"), 2, *fit.mean.latent_shapes(12, 12))
    image = torch.from_numpy(np.random.default_rng(0).random((2, 3, 53, 53), dtype=np.float32))
    with torch.no_grad():
        assert torch.equal(again(image, latent).lr, fit.mean(image, latent).lr)


def test_what_was_measured_is_sealed_unless_a_correction_is_told_less() -> None:
    fit = begin(measured())
    before = checkpoint_bytes(fit.mean)
    fit.check(0.7)
    run(fit, 8)
    fit.check(0.7)
    fit.check(math.nan)
    fit.finish()
    assert fit.kept == 0
    assert checkpoint_bytes(fit.mean) == before
    found = measure(fit, look(fit, 64), RealismResult(auc=0.7, interval=(0.6, 0.8)))
    assert found is not None
    assert found.accuracy is None
    run(fit, 8)
    fit.check(0.69)
    assert fit.kept == fit.samples


def test_kernels_that_were_measured_alike_may_be_drawn_alike() -> None:
    fit = begin(measured())
    fit.check(0.7)
    found = measure(fit, look(fit, 64), RealismResult(auc=0.7, interval=(0.6, 0.8)))
    assert found is not None
    assert found.measured_diversity is not None
    alike = found.with_(diversity=0.001, measured_diversity=0.001)
    collapsed = found.with_(diversity=0.001, measured_diversity=0.2)
    nothing = found.with_(diversity=0.001, measured_diversity=None)
    for one, failed in ((alike, False), (collapsed, True), (nothing, True)):
        reasons = judge(one, PdmGateConfig(), with_noise=True)
        assert (PdmReason.KERNELS_ALIKE in reasons) == failed


def test_the_critic_sees_what_the_codec_leaves() -> None:
    made, plain = (look(begin(measured(codec=codec)), 64).fake.round() for codec in (True, False))
    parity = made.reshape(64, -1) % 2
    assert (parity == parity[:, :1]).all()
    assert set(parity[:, 0]) == {0, 1}
    assert (plain % 2 != plain[:1, :1, :1, :1] % 2).any()


def test_a_filter_gives_noise_the_correlations_of_patches() -> None:
    """White noise through (0.5, 1, 0.5) along rows, green half of it red's: neighbours 0.67."""
    rng = np.random.default_rng(5)
    white = rng.standard_normal((6, 64, 66, 3))
    white[..., 1] = 0.5 * white[..., 0] + 0.75**0.5 * white[..., 1]
    patches = list(0.5 * white[:, :, :-2] + white[:, :, 1:-1] + 0.5 * white[:, :, 2:])
    taps = noise_filter(patches)
    np.testing.assert_allclose(np.square(taps).sum((1, 2, 3)), 1)
    along = (taps[0, :, :, 1:] * taps[0, :, :, :-1]).sum()
    down = (taps[0, :, 1:] * taps[0, :, :-1]).sum()
    assert along == pytest.approx(2 / 3, abs=0.06)
    assert down == pytest.approx(0, abs=0.06)
    assert (taps[0] * taps[1]).sum() == pytest.approx(0.5, abs=0.06)


def test_settings_that_cannot_start_measured_are_refused() -> None:
    with pytest.raises(ValueError, match="variant"):
        PdmConfig.model_validate({"kernel": {"variant": True}})
    with pytest.raises(ValueError, match="random numbers per pixel"):
        PdmConfig.model_validate({"noise": {"channels": 2}})
    assert PdmConfig(preset="2018track2").start_from == "nothing"
