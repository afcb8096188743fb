"""Keyed Philox streams: what is drawn is a function of seed, purpose and number."""

from __future__ import annotations

import numpy as np

PURPOSES = {
    "real": 0,
    "hr": 1,
    "crops": 2,
    "latent": 3,
    "weights": 4,
    "check": 5,
    "floors": 6,
}


def keyed(seed: int, purpose: str, number: int = 0) -> np.random.Generator:
    """The stream of one purpose, of `PURPOSES`."""
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence(seed, spawn_key=(PURPOSES[purpose], number)))
    )
