"""Settings of the learned degrader maeda; its fit has the recipe's section `maeda`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.degraders.translated import TranslatedBase


class MaedaConfig(TranslatedBase):
    """Maeda (2020): bicubic LR degraded at random, by pseudo-supervision."""

    kind: Literal["maeda"] = "maeda"
    """Which degrader."""
