"""Settings of the learned degrader dsgan; its fit has the recipe's section `dsgan`."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.degraders.translated import TranslatedBase


class DsganConfig(TranslatedBase):
    """DSGAN (Fritsche et al. 2019): bicubic LR with the character of the photographs."""

    kind: Literal["dsgan"] = "dsgan"
    """Which degrader."""
