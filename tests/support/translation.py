"""Tiny fits of translators."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import TypeAdapter

from pairmill.models.translation.fit import Fit
from pairmill.schemas.translation import AnyTranslation, TranslationConfig
from tests.support.make import photograph

REALS = [photograph(seed) for seed in range(3)]
"""Real LR, 37 x 31."""
HRS = [photograph(seed, 61, 67, noise=0) for seed in range(5, 8)]
TINY: dict[str, Any] = {
    "generator": {"features": 6, "blocks": 1},
    "discriminator": {"features": [6, 8], "strides": [1, 2]},
    "crop": 16,
    "batch": 2,
    "samples": 8,
    "check_every": 4,
}
"""A fit of four iterations."""
SMALL_SR = {"sr": {"arch": "edsr", "features": 4, "blocks": 1}}
WITH_SR = ("bulat", "cyclesr", "maeda")
"""Methods with settings of an SR network."""


def settings(method: str, **changes: Any) -> AnyTranslation:
    """Tiny settings of a method."""
    sr = SMALL_SR if method in WITH_SR else {}
    value = {"method": method, **TINY, **sr, **changes}
    found: AnyTranslation = TypeAdapter(TranslationConfig).validate_python(value)
    return found


def begin(method: str, seed: int = 3, scale: int = 2, **changes: Any) -> Fit:
    """A fit that has not begun."""
    torch.set_num_threads(1)
    return Fit(REALS, HRS, settings(method, **changes), scale, seed)


def run(fit: Fit, samples: int) -> Fit:
    """Train on."""
    for _ in fit.advance(samples):
        pass
    return fit
