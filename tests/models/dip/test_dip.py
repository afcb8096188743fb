"""Deep image prior: what is compared, when it stops, and that a seed decides every byte."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate

from pairmill.models.dip.fit import Restored, least_side, restore, source_of, stop_level
from pairmill.models.dip.losses import reduced, similarity
from pairmill.models.fitting.threads import one_thread
from pairmill.models.fkp.fit import fit_prior
from pairmill.models.functional.kernels import gaussian_kernel, target_centre
from pairmill.models.metrics.ssim import ssim
from pairmill.pipeline.rng import stream
from pairmill.schemas.dip import DipConfig, DipKind
from pairmill.schemas.fkp import FkpFitConfig, FlowConfig
from tests.support.make import photograph

KEYED = partial(stream, 0, "dip")
SMALL = DipConfig(iterations=4, channels=2, skip=1, noise_channels=2, structural=2, frozen=2)
KERNEL = gaussian_kernel(11, 1.6, 0.9, 0.4, target_centre(11, 2))
KINDS: list[DipKind] = ["dip", "double-dip", "dip-fkp"]


def restored(kind: DipKind, config: DipConfig, image: NDArray[np.uint8]) -> Restored:
    flow = FlowConfig(scale=2, fit=FkpFitConfig(iterations=2, batch=4))
    prior = fit_prior(flow, partial(stream, 0, "fkp"))[0]
    with one_thread():
        source = source_of(kind, 2, KEYED, kernel=KERNEL, prior=prior)
        return restore(image, 2, source, config, KEYED)


def test_lr_is_made_as_the_ops_make_it() -> None:
    hr = photograph(0, 74, 62).astype(np.float32)
    found = reduced(
        torch.from_numpy(hr).permute(2, 0, 1)[None], torch.from_numpy(KERNEL).float(), 2
    )
    for channel in range(3):
        # SciPy's `reflect` repeats the edge sample.
        expected = correlate(hr[..., channel].astype(np.float64), KERNEL, mode="reflect")[::2, ::2]
        np.testing.assert_allclose(found[0, channel], expected, atol=1e-3)


def test_similarity_is_ssim() -> None:
    one, other = photograph(0, noise=1), photograph(0, noise=20)
    as_tensors = [torch.from_numpy(x).permute(2, 0, 1)[None].double() / 255 for x in (one, other)]
    assert float(similarity(*as_tensors)) == pytest.approx(
        ssim(one, other, channel="rgb"), abs=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_decides_every_byte(kind: DipKind) -> None:
    image = photograph(0, 41, 37)
    one, same = (restored(kind, SMALL, image) for _ in range(2))
    assert one.image.shape == (82, 74, 3)
    assert one.image.dtype == np.uint8
    assert np.array_equal(one.image, same.image)
    assert np.array_equal(one.kernel, same.kernel)
    assert one.kernel.shape == (11, 11)
    assert one.kernel.sum() == pytest.approx(1)
    assert len(one.curve) == 4
    assert not one.stopped


@pytest.mark.parametrize("kind", ["double-dip", "dip-fkp"])
def test_the_kernel_is_frozen_at_first(kind: DipKind) -> None:
    frozen, later = (
        restored(kind, SMALL.with_(iterations=steps), photograph(0, 41, 37)).kernel
        for steps in (2, 4)
    )
    source = source_of(
        kind,
        2,
        KEYED,
        kernel=None,
        prior=fit_prior(
            FlowConfig(scale=2, fit=FkpFitConfig(iterations=2, batch=4)), partial(stream, 0, "fkp")
        )[0],
    )
    start = source.kernel().detach().double().clamp(min=0).numpy()
    np.testing.assert_allclose(frozen, start / start.sum(), atol=1e-9)
    assert np.abs(later - frozen).max() > 1e-7


def test_a_network_learns_its_image() -> None:
    config = DipConfig(
        iterations=50,
        learning_rate=2e-2,
        channels=6,
        skip=2,
        noise_channels=4,
        structural=0,
        noise=0,
        jitter=0,
    )
    curve = restored("dip", config, photograph(0, 41, 37)).curve
    assert curve[-1] < 0.6 * curve[0]


def test_a_fit_stops_at_the_noise_of_its_image() -> None:
    config = SMALL.with_(structural=1, noise=100)
    found = restored("dip", config, photograph(0, 41, 37))
    assert found.stopped
    assert len(found.curve) == 2  # never before SSIM has given way


def test_noise_is_measured_in_the_flattest_parts() -> None:
    image = photograph(0, 131, 113, noise=5)
    assert stop_level(image, DipConfig()) == pytest.approx(5, rel=0.25)
    assert stop_level(image, DipConfig(noise=2.5)) == 2.5


def test_what_cannot_be_fitted_is_said() -> None:
    assert [least_side(scale) for scale in (2, 3, 4, 8)] == [32, 22, 16, 11]
    with pytest.raises(ValueError, match="at least 32 pixels"):
        restored("dip", SMALL, photograph(0, 31, 40))
    with pytest.raises(ValueError, match="needs a kernel"):
        source_of("dip", 2, KEYED, kernel=None, prior=None)
    with pytest.raises(ValueError, match="a flow of scale 2"):
        source_of("dip-fkp", 2, KEYED, kernel=None, prior=None)
