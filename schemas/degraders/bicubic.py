"""Settings of the control."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.ops.resize import BicubicForm


class BicubicConfig(DegraderBase):
    """The control: bicubic downscaling and nothing else."""

    kind: Literal["bicubic"] = "bicubic"
    """Which degrader."""
    form: BicubicForm = "matlab"
    """`matlab`: LR as those of the SR benchmarks, which MATLAB's `imresize` made, to the last bit;
    `float`: rounded once, at the end, borders mirrored."""
