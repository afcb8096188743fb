"""Small settings of every kind of joint training."""

from __future__ import annotations

from typing import Any

_TRANSLATOR: dict[str, Any] = {
    "generator": {"features": 8, "blocks": 1},
    "discriminator": {"features": [8, 8]},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "pdm": {
        "kernel": {"size": 7, "features": 8, "blocks": 1},
        "noise": {"features": 8},
        "critic": {"features": [8, 8]},
    },
    "bulat": _TRANSLATOR,
    "cyclesr": _TRANSLATOR | {"task_from": 0.4},
    "maeda": _TRANSLATOR,
    "cincgan": _TRANSLATOR,
}
COMPACT: dict[str, Any] = {"arch": "compact", "features": 8, "blocks": 2}


def network(kind: str) -> dict[str, Any]:
    """A small network for a kind."""
    if kind in {"maeda", "cincgan"}:
        return {"arch": "cleaned", "features": 8, "blocks": 1, "network": COMPACT}
    return COMPACT


def section(kind: str, **more: Any) -> dict[str, Any]:
    """Section `joint` of a training recipe; photographs lie in `real`."""
    settings = SETTINGS[kind] | more.pop("settings", {})
    return {"kind": kind, "real": ["real"], "settings": settings} | more
