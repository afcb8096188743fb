"""Settings of PDM by name: those of the published data sets, and ours."""

from __future__ import annotations

from typing import Any


def _published(
    kernel: dict[str, Any], noise: dict[str, Any] | None, weight: float, crop: int
) -> dict[str, Any]:
    """What all published options share; `kernel` and `noise` say what differs."""
    return {
        "start_from": "nothing",
        "kernel": {
            "features": 64,
            "size": 21,
            "variant": False,
            "prior": "none",
            "start": None,
            **kernel,
        },
        "noise": None if noise is None else {"form": "trunk", **noise},
        "noise_weight": weight,
        "regulariser": "energy",
        "crop": crop,
        "batch": 32,
        "samples": 200_000 * 32,
        "critic": {
            "features": (64, 128, 256, 512),
            "norm": "instance",
            "penalty": 0.0,
            "residual": False,
            "whole": False,
        },
        "learning_rate": 2e-4,
        "critic_rate": 2e-4,
        "betas": (0.9, 0.999),
        "halve_at": (0.25, 0.5, 0.75),
        "clip": 50.0,
        "average": 0.0,
        "check_every": 5_000 * 32,
        "patience": 0,
    }


_PER_IMAGE: dict[str, Any] = {"spatial": False, "mix": False, "channels": 3}
PRESETS: dict[str, dict[str, Any]] = {
    "pairmill": {},
    "2017track1": _published({"channels": 64, "blocks": 16}, None, 0.0, 48),
    "2018track2": _published(
        {"channels": 64, "blocks": 16},
        _PER_IMAGE | {"features": 64, "blocks": 16, "dim": 3, "zero_start": True},
        10.0,
        48,
    ),
    "2018track4": _published(
        {"channels": 3, "blocks": 16},
        _PER_IMAGE | {"mix": True, "features": 64, "blocks": 16, "dim": 3, "zero_start": True},
        100.0,
        32,
    ),
    "2020track1": _published(
        {"channels": 3, "blocks": 8},
        _PER_IMAGE | {"features": 32, "blocks": 8, "dim": 1, "zero_start": False},
        100.0,
        32,
    ),
    "2020track2": _published(
        {"channels": 3, "blocks": 8},
        _PER_IMAGE | {"features": 32, "blocks": 8, "dim": 1, "zero_start": False},
        1.0,
        32,
    ),
}
"""Settings by name; what a recipe says itself goes before them."""


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with `over` on top; where both have a mapping, key by key."""
    both = {
        key: merged(base[key], value)
        for key, value in over.items()
        if _both_map(base.get(key), value)
    }
    return {**base, **over, **both}


def _both_map(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)
