"""Blur and noise of a degradation, whatever the tile shows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.chains.transfer import EDGES, NAMES, describe
from pairmill.pipeline.degraders import Pools, build
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.custom import CustomConfig
from tests.support.make import photograph

Image = NDArray[np.uint8]
BANDS = len(EDGES) - 1


def described(
    *ops: dict[str, object], scenes: range = range(4), scale: int = 2
) -> dict[str, float]:
    degrader = build(CustomConfig.model_validate({"ops": ops}), scale, Pools())
    pairs = []
    for seed in scenes:
        hr = photograph(seed, 48 * scale, 48 * scale, noise=0)
        program = degrader.draw(stream(seed), (hr.shape[0], hr.shape[1]))
        pairs.append((hr, apply(program, hr, Assets())))
    return dict(zip(NAMES, describe(pairs).tolist(), strict=True))


def blur(x: float, y: float, angle: float = 0.0) -> dict[str, object]:
    kernel = {"shape": "gaussian", "sigma_x": x, "sigma_y": y, "angle": angle, "size": 25}
    return {"op": "blur", "kernel": kernel}


@pytest.mark.parametrize("sigma", [0.8, 1.6, 2.4])
@pytest.mark.parametrize("scale", [2, 3])
def test_the_transfer_of_a_gaussian_is_its_own(sigma: float, scale: int) -> None:
    """exp(-2 (pi sigma f)^2) with f in cycles per HR pixel."""
    found = described(blur(sigma, sigma), {"op": "subsample", "scale": scale}, scale=scale)
    for f in (0.075, 0.145):
        name = next(name for name in NAMES if name.startswith(f"transfer at {f:.2f}"[:15]))
        wanted = np.exp(-2 * (np.pi * sigma * f / scale) ** 2)
        assert found[name] == pytest.approx(wanted, abs=0.06)


def test_white_noise_is_found_where_scenes_are_weak() -> None:
    """Sigma 6 on three channels makes 36 (0.299^2 + 0.587^2 + 0.114^2) = 16.1 in luma."""
    noise = {"op": "gaussian_noise", "sigma": 6}
    found = described(blur(1.5, 1.5), {"op": "subsample", "scale": 2}, noise)
    for name in NAMES[BANDS + 7 : 2 * BANDS + 4]:
        assert np.exp(found[name]) == pytest.approx(16.1, rel=0.35), name
    assert np.exp(found["colour noise, fine"]) == pytest.approx(72, rel=0.3)  # red minus green


def test_noise_does_not_change_the_transfer_nor_blur_the_noise() -> None:
    plain = described(blur(1.5, 1.5), {"op": "subsample", "scale": 2})
    noise = {"op": "gaussian_noise", "sigma": 6}
    noisy = described(blur(1.5, 1.5), {"op": "subsample", "scale": 2}, noise)
    for name in NAMES[:3]:
        assert noisy[name] == pytest.approx(plain[name], abs=0.05)
    assert noisy["noise at 0.37"] > plain["noise at 0.37"] + 1


def test_the_direction_of_a_blur_shows() -> None:
    across = described(blur(2.5, 0.8), {"op": "subsample", "scale": 2})
    down = described(blur(2.5, 0.8, np.pi / 2), {"op": "subsample", "scale": 2})
    assert across["across upper bands"] < -0.05 < 0.05 < down["across upper bands"]


def test_scenes_hardly_matter() -> None:
    ops = (blur(1.5, 1.5), {"op": "subsample", "scale": 2}, {"op": "gaussian_noise", "sigma": 6})
    first, second = described(*ops, scenes=range(4)), described(*ops, scenes=range(10, 14))
    for name in NAMES[:4]:
        assert first[name] == pytest.approx(second[name], abs=0.08), name
