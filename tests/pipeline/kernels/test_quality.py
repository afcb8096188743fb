"""Judging estimates: every rule fires for its own reason, good kernels pass, shifts are measured
right."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as spline_shift

from pairmill.models.functional.kernels import gaussian_kernel
from pairmill.models.kernelgan.postprocess import finish
from pairmill.pipeline.kernels.quality import (
    distance_matrix,
    judge,
    medoid,
    pair_shift,
    phase_shift,
)
from pairmill.schemas.kernel import (
    KernelGanConfig,
    KernelQualityConfig,
    KernelReason,
    KernelVerdict,
)

QUALITY = KernelQualityConfig()


def photograph(height: int = 137, width: int = 131) -> np.ndarray:
    rng = np.random.default_rng(4)
    image = gaussian_filter(rng.uniform(0, 255, (height, width, 3)), (1.2, 1.2, 0)) * 2.5 - 190
    return np.clip(image, 0, 255).astype(np.uint8)


IMAGE = photograph()
GOOD = gaussian_kernel(13, 1.4, 1.0, 0.5, 6.5)


def verdict(*raw: np.ndarray, **changes: float) -> KernelVerdict:
    stacked = np.stack(raw)
    finished = np.stack([finish(kernel, KernelGanConfig()) for kernel in stacked])
    kernel, found = judge(stacked, finished, IMAGE, QUALITY.with_(**changes))
    assert (kernel is None) != found.accepted
    return found


def test_good_kernels_are_accepted() -> None:
    found = verdict(GOOD, gaussian_kernel(13, 1.4, 1.05, 0.5, 6.45))
    assert found.accepted
    assert found.reason is None
    assert found.diagnostics is not None
    assert found.diagnostics.residual_offset < 0.01
    assert found.diagnostics.shift < 0.05
    assert found.diagnostics.agreeing == 2


def test_the_restart_in_the_middle_stands_for_those_that_agree() -> None:
    others = [gaussian_kernel(13, sigma, sigma, 0, 6.5) for sigma in (1.2, 1.3, 1.4, 2.6)]
    found = verdict(*others, max_disagreement=0.35)
    assert found.restart == 1
    assert found.diagnostics is not None
    assert found.diagnostics.agreeing == 3


def with_ring(kernel: np.ndarray) -> np.ndarray:
    ring = np.ones_like(kernel)
    ring[1:-1, 1:-1] = 0
    return 0.8 * kernel + 0.2 * ring / ring.sum()


WIGGLE = 0.004 * (-1.0) ** np.add.outer(np.arange(13), np.arange(13))


@pytest.mark.parametrize(
    ("raw", "reason", "changes"),
    [
        (np.full((13, 13), np.nan), KernelReason.NOT_FINITE, {}),
        (1e-4 * GOOD, KernelReason.SUM, {}),
        (gaussian_kernel(13, 1.0, 1.0, 0, 4.0), KernelReason.OFF_CENTRE, {}),
        (
            gaussian_kernel(13, 1.0, 1.0, 0, 6.2),
            KernelReason.OFF_CENTRE,
            {"max_residual_offset": 1e-12},
        ),
        (with_ring(GOOD), KernelReason.BORDER, {}),
        (GOOD + WIGGLE - WIGGLE.mean(), KernelReason.NEGATIVE, {"max_border": 1.0}),
        (
            gaussian_kernel(13, 0.3, 0.3, 0, 6.5),
            KernelReason.TOO_SHARP,
            {"min_support": 6.0, "match_spectrum": False},
        ),
        (
            gaussian_kernel(13, 2.6, 2.6, 0, 6.5),
            KernelReason.TOO_WIDE,
            {"max_support": 30.0, "max_border": 1.0, "match_spectrum": False},
        ),
        (GOOD, KernelReason.MISMATCH, {"max_mismatch": 0.1}),
        (GOOD, KernelReason.MISALIGNED, {"max_shift": 1e-9}),
    ],
    ids=[
        "nan",
        "sum",
        "off-centre",
        "residual",
        "border",
        "negative",
        "sharp",
        "wide",
        "mismatch",
        "shift",
    ],
)
def test_every_rule_has_its_reason(
    raw: np.ndarray, reason: KernelReason, changes: dict[str, float]
) -> None:
    found = verdict(raw, raw, **changes)
    assert found.reason is reason
    assert found.detail.endswith("is allowed") or reason is KernelReason.NOT_FINITE


@pytest.mark.parametrize(
    ("raw", "changes", "said"),
    [
        (
            1e-4 * GOOD,
            {},
            "it changes the brightness of pictures by 100 %; at most 10 % is allowed",
        ),
        (
            gaussian_kernel(13, 1.0, 1.0, 0, 4.0),
            {},
            "it moves pictures by 3.54 px; at most 2 px is allowed",
        ),
        (
            with_ring(GOOD),
            {},
            "it is cut off or went astray: 20 % of it lies at its edge; at most 5 % is allowed",
        ),
        (
            gaussian_kernel(13, 0.3, 0.3, 0, 6.5),
            {"min_support": 6.0, "match_spectrum": False},
            "it hardly blurs: it spreads a point over 4 px; at least 6 px is allowed",
        ),
        (
            GOOD,
            {"max_mismatch": 0.1},
            r"its LR is sharper or softer than the photograph: their spectra differ by [0-9.]+ "
            r"dB; at most 0.1 dB is allowed",
        ),
        (
            GOOD,
            {"max_shift": 1e-9},
            "its LR does not lie over HR: it is shifted by [0-9.e-]+ px; at most 1e-09 px is "
            "allowed",
        ),
        (np.full((13, 13), np.nan), {}, "none of 2 restarts ended in a kernel"),
    ],
    ids=["sum", "off-centre", "border", "sharp", "mismatch", "shift", "nan"],
)
def test_verdicts_say_what_is_wrong_and_what_is_allowed(
    raw: np.ndarray, changes: dict[str, float], said: str
) -> None:
    assert re.fullmatch(said, verdict(raw, raw, **changes).detail)


def test_a_kernel_is_stretched_to_the_sharpness_of_its_image_or_left() -> None:
    found, left = verdict(GOOD).diagnostics, verdict(GOOD, match_spectrum=False).diagnostics
    assert found is not None
    assert left is not None
    assert left.width == pytest.approx(1.16, abs=0.01)
    assert left.stretch is None
    assert found.width == pytest.approx(left.width * (found.stretch or 0))
    assert (found.mismatch or 9) < (left.mismatch or 0)


def test_restarts_that_disagree_are_rejected() -> None:
    found = verdict(gaussian_kernel(13, 0.8, 0.8, 0, 6.5), gaussian_kernel(13, 2.4, 2.4, 0, 6.5))
    assert found.reason is KernelReason.DISAGREEMENT
    said = (
        r"1 of 2 restarts agree, and 2 must: the nearest two differ by 0\.\d+; at most 0.45 "
        r"is allowed"
    )
    assert re.fullmatch(said, found.detail)


def test_a_single_restart_has_nobody_to_disagree_with() -> None:
    assert verdict(GOOD).accepted


def test_one_broken_restart_does_not_hide_that_nothing_vouches_for_the_other() -> None:
    found = verdict(GOOD, np.full((13, 13), np.nan))
    assert found.reason is KernelReason.DISAGREEMENT


def test_distances_and_medoid() -> None:
    kernels = np.stack([np.eye(2), np.eye(2) * 0.9, np.ones((2, 2)) * 5])
    distances = distance_matrix(kernels)
    assert distances[0, 1] == pytest.approx(0.1)
    assert (distances == distances.T).all()
    assert medoid(distances, 0.2)[0] in (0, 1)
    assert list(medoid(distances, 0.2)[1]) == [0, 1]


@pytest.mark.parametrize("moved", [(0.0, 0.0), (0.3, -0.2), (1.5, 0.75)])
def test_phase_shift_measures_fractions_of_a_pixel(moved: tuple[float, float]) -> None:
    high = IMAGE.astype(np.float64).mean(2)
    assert phase_shift(high, spline_shift(high, moved, mode="reflect")) == pytest.approx(
        moved, abs=0.03
    )


def test_pair_shift_sees_an_off_centre_kernel_and_passes_asymmetry() -> None:
    assert pair_shift(IMAGE, gaussian_kernel(17, 1.5, 0.8, 0.3, 8.5)) < 0.02
    assert pair_shift(IMAGE, gaussian_kernel(17, 1.5, 0.8, 0.3, 8.0)) == pytest.approx(
        np.hypot(0.5, 0.5), abs=0.05
    )
