"""Settings of the control."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.degraders.base import DegraderBase


class BicubicConfig(DegraderBase):
    """The control: bicubic downscaling and nothing else."""

    kind: Literal["bicubic"] = "bicubic"
    """Which degrader."""
