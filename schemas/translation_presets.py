"""Settings of the translators by name and method: ours, and the published ones, which are those of
DSGAN's authors, and for the others those of the reimplementations of UnpairedSR. Lengths are in
crops.
"""

from __future__ import annotations

from typing import Any

PATCH: dict[str, Any] = {
    "features": (64, 128, 256, 512),
    "side": 4,
    "last": 4,
    "strides": (2, 2, 2, 1),
    "norm": "instance",
    "residual": "none",
    "whole": False,
    "penalty": 0.0,
    "gradient_penalty": 10.0,
}
"""4 x 4 convolutions with instance normalisation."""

UNCLIPPED = 1e9
"""No gradient is this long."""


def _unpaired(iterations: int, rate: float, **more: Any) -> dict[str, Any]:
    """What the options of UnpairedSR share."""
    batch = 32
    shared: dict[str, Any] = {
        "generator": {"features": 64, "blocks": 8, "noise": "none"},
        "discriminator": PATCH,
        "batch": batch,
        "samples": iterations * batch,
        "learning_rate": rate,
        "discriminator_rate": rate,
        "betas": (0.5, 0.999),
        "history": 16,
        "clip": 50.0,
        "gan": "lsgan",
        "crop": 32,
        "average": 0.0,
        "patience": 0,
        "check_every": 5_000 * batch,
    }
    return shared | more


_OURS: dict[str, dict[str, Any]] = {
    "dsgan": {},
    "bulat": {},
    "cincgan": {"samples": 8_000, "check_every": 2_000},
    "cyclesr": {"samples": 10_000, "check_every": 2_500},
    "maeda": {"samples": 8_000, "check_every": 2_000},
}
"""What differs from the defaults of the fields."""

_PUBLISHED: dict[str, dict[str, Any]] = {
    "dsgan": {
        "generator": {"features": 64, "blocks": 8, "noise": "none", "start": "random"},
        "discriminator": {
            "features": (64, 128, 256),
            "side": 5,
            "last": 1,
            "strides": (1, 1, 1),
            "norm": "batch",
            "residual": "only",
            "filter_side": 5,
            "gain": 0.5,
            "whole": False,
            "penalty": 0.0,
        },
        "gan": "vanilla",
        "weights": {"colour": 1.0, "adversarial": 0.005, "perceptual": 0.01},
        "history": 0,
        "crop": 128,
        "batch": 16,
        "samples": 300 * 800,
        "learning_rate": 2e-4,
        "discriminator_rate": 2e-4,
        "betas": (0.5, 0.999),
        "clip": UNCLIPPED,
        "halve_at": (0.5, 0.75, 0.9),
        "average": 0.0,
        "patience": 0,
        "check_every": 10 * 800,
    },
    "bulat": _unpaired(
        200_000,
        2e-4,
        halve_at=(0.25, 0.5, 0.75),
        generator={"features": 64, "blocks": 8, "noise": "vector", "numbers": 64},
        weights={"adversarial": 1.0, "colour": 1.0, "sr": 1.0},
        sr={"arch": "edsr"},
    ),
    "cincgan": _unpaired(
        100_000,
        2e-4,
        halve_at=(0.5,),
        weights={
            "adversarial": 1.0,
            "adversarial_real": 0.0,
            "identity": 5.0,
            "cycle": 10.0,
            "total_variation": 0.5,
        },
    ),
    "cyclesr": _unpaired(
        200_000,
        2e-4,
        halve_at=(0.25, 0.5, 0.75),
        discriminator=PATCH | {"strides": (1, 2, 2, 1)},
        weights={
            "adversarial": 1.0,
            "adversarial_real": 1.0,
            "identity": 5.0,
            "cycle": 10.0,
            "task": 1000.0,
        },
        sr={"arch": "edsr"},
    ),
    "maeda": _unpaired(
        300_000,
        1e-4,
        betas=(0.9, 0.999),
        halve_at=(1 / 3, 0.6, 0.8),
        history=0,
        clip=UNCLIPPED,
        generator={"features": 64, "blocks": 16, "noise": "channel", "numbers": 1},
        weights={
            "adversarial": 1.0,
            "adversarial_real": 1.0,
            "identity": 1.0,
            "cycle": 1.0,
            "task": 1.0,
            "adversarial_hr": 0.1,
        },
        sr={"arch": "edsr"},
    ),
}
PRESETS = {"pairmill": _OURS, "published": _PUBLISHED}
"""Settings by preset and method; what a recipe says itself goes before them."""
