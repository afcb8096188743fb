"""What a fit is judged by."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import fourier_shift, gaussian_filter

from pairmill.models.translation.fit import Fit
from pairmill.models.translation.measure import centred, judge, look, measure, offset_of
from pairmill.pipeline.stages.pool_translation import rows
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.translation import TranslationGateConfig
from pairmill.schemas.translation_fit import TranslationReason
from tests.support.make import photograph
from tests.support.translation import begin, run

Array = NDArray[np.float64]
SEEN = RealismResult(auc=0.7, interval=(0.6, 0.8))


def scenes(count: int = 48, side: int = 32) -> Array:
    """Smooth random images, in intensity levels."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((count, side, side, 3))
    return 128 + 150 * gaussian_filter(noise, (0, 1.5, 1.5, 0), mode="wrap")


def moved(images: Array, down: float, right: float) -> Array:
    turned = fourier_shift(np.fft.fftn(images, axes=(1, 2)), (0, down, right, 0))
    return np.asarray(np.fft.ifftn(turned, axes=(1, 2)).real)


@pytest.mark.parametrize(("down", "right"), [(0.0, 0.0), (0.1, -0.25), (-0.3, 0.05)])
def test_an_offset_below_a_pixel_is_found(down: float, right: float) -> None:
    clean = scenes()
    np.testing.assert_allclose(
        offset_of(clean, moved(clean, down, right)), (down, right), atol=0.02
    )


def test_sharpness_contrast_and_noise_are_no_offset() -> None:
    clean = scenes()
    noise = 8 * np.random.default_rng(1).standard_normal(clean.shape)
    for fake in (
        gaussian_filter(clean, (0, 0.8, 0.8, 0), mode="wrap"),
        20 + 0.8 * clean,
        clean + noise,
        gaussian_filter(0.9 * clean, (0, 0.6, 0.9, 0), mode="wrap") + noise,
    ):
        assert max(map(abs, offset_of(clean, fake))) < 0.02


@pytest.mark.parametrize(
    ("method", "gan", "known"),
    [
        ("dsgan", "lsgan", True),
        ("dsgan", "hinge", True),
        ("dsgan", "relativistic", False),
        ("bulat", "wgan_gp", False),
        ("cincgan", "lsgan", False),
        ("maeda", "vanilla", True),
    ],
)
def test_a_discriminator_that_is_not_there_or_compares_is_not_right(
    method: str, gan: str, known: bool
) -> None:
    fit = run(begin(method, gan=gan), 4)
    found = measure(fit, look(fit, 64), SEEN)
    assert found is not None
    assert (found.accuracy is not None) == known
    shown = {name: value for name, value, _ in rows(found, fit.config.gates)}
    assert (shown["discriminator right"] == "–") != known


def test_images_of_dsgan_are_those_that_crops_at_the_size_of_hr_fit_into() -> None:
    """Of three photographs one is smaller than 32 x 32, though a crop of LR fits into it."""
    settings = begin("dsgan").config.with_(crop=16)
    reals = [photograph(1, 40, 40), photograph(2, 41, 33), photograph(3, 31, 24)]
    fit = run(Fit(reals, [photograph(5, 61, 67)], settings, 2, 3), 2)
    found = measure(fit, look(fit, 64), SEEN)
    assert found is not None
    assert found.images == (2, 1)


def drifting(scale: int, method: str = "dsgan") -> Fit:
    """A fit whose network moves LR right by a fifth of a pixel: out = x + 0.2 (left - x)."""
    fit = begin(method, scale=scale, generator={"blocks": 0, "features": 4, "noise": "none"})
    with torch.no_grad():
        for weight in fit.mean.parameters():
            weight.zero_()
        for channel in range(3):
            fit.mean.head.weight[channel, channel, 1, 1] = 1
            fit.mean.tail.weight[channel, channel, 1, 0] = 0.2
            fit.mean.tail.weight[channel, channel, 1, 1] = -0.2
    return fit


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_drift_is_corrected(scale: int) -> None:
    fit = drifting(scale)
    sight = look(fit, 96)
    down, right = offset_of(sight.clean, sight.fake)
    assert right == pytest.approx(0.2, abs=0.06)
    assert abs(down) < 0.02
    fit.shift = centred(fit, 96)
    assert fit.shift[1] == pytest.approx(-scale * right, rel=0.2)
    sight = look(fit, 96, fit.shift)
    assert max(abs(scale * part) for part in offset_of(sight.clean, sight.fake)) < 0.02
    measures = measure(run(fit, 2), sight, SEEN)
    assert measures is not None
    assert measures.offset < 0.02
    assert measures.drift == pytest.approx(scale * 0.2, rel=0.3)


def test_a_fit_that_adds_nothing_has_no_effect_and_no_offset() -> None:
    fit = run(begin("dsgan", generator={"noise": "none"}, learning_rate=1e-12), 4)
    measures = measure(fit, look(fit, 32), SEEN)
    assert measures is not None
    assert measures.effect < 1e-3
    assert measures.diversity == 0
    assert measures.offset < 1e-6
    assert centred(fit, 32) == (0.0, 0.0)
    assert judge(measures, TranslationGateConfig()) == (TranslationReason.NO_EFFECT,)


def test_every_gate_says_its_reason() -> None:
    fit = run(begin("bulat"), 4)
    measures = measure(fit, look(fit, 32), SEEN)
    assert measures is not None
    good = measures.with_(offset=0.0, colour=1.0, effect=3.0)
    gates, reasons = TranslationGateConfig(), TranslationReason
    assert judge(good, gates) == ()
    assert judge(good.with_(offset=0.11), gates) == (reasons.OFF_CENTRE,)
    assert judge(good.with_(colour=4.1), gates) == (reasons.OFF_COLOUR,)
    assert judge(good.with_(effect=0.05), gates) == (reasons.NO_EFFECT,)
    assert judge(good.with_(auc=0.99), gates) == (reasons.TOLD_APART,)
    assert judge(good.with_(auc=None), gates) == (reasons.NOT_MEASURED,)
    assert judge(good.with_(auc=None), gates.with_(max_auc=1)) == ()
    assert judge(None, gates) == (reasons.NOT_FINITE,)
    torch.nn.init.constant_(fit.mean.tail.weight, float("nan"))
    assert measure(fit, look(fit, 32), SEEN) is None


def test_two_draws_differ_as_much_as_the_numbers_make_them() -> None:
    fit = begin("maeda", generator={"blocks": 0, "features": 4, "noise": "channel", "numbers": 1})
    with torch.no_grad():
        for weight in fit.mean.parameters():
            weight.zero_()
        assert isinstance(fit.mean.noise, torch.nn.Conv2d)
        fit.mean.noise.weight[0, 0, 1, 1] = 1
        fit.mean.tail.weight[:, 0, 1, 1] = 5 / 255
    sight = look(fit, 64)
    measures = measure(run(fit, 2), sight, SEEN)
    assert measures is not None
    assert measures.diversity == pytest.approx(5, rel=0.1)
