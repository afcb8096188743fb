"""Settings of the learned degrader bulat; its fit has the recipe's section `bulat`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.degraders.translated import TranslatedBase


class BulatConfig(TranslatedBase):
    """Bulat et al. (2018): a network that degrades HR with random numbers."""

    kind: Literal["bulat"] = "bulat"
    """Which degrader."""
