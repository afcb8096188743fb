"""Settings of the learned degrader cyclesr; its fit has the recipe's section `cyclesr`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.degraders.translated import TranslatedBase


class CyclesrConfig(TranslatedBase):
    """CycleSR (Chen et al. 2020): a CycleGAN between bicubic LR and the photographs, drawn towards
    what can be restored.
    """

    kind: Literal["cyclesr"] = "cyclesr"
    """Which degrader."""
