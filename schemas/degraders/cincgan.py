"""Settings of the learned degrader cincgan; its fit has the recipe's section `cincgan`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.degraders.translated import TranslatedBase


class CincganConfig(TranslatedBase):
    """CinCGAN (Yuan et al. 2018): what undoes the cleaning of the photographs."""

    kind: Literal["cincgan"] = "cincgan"
    """Which degrader."""
