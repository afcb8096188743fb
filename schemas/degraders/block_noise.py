"""Settings of noise whose strength changes from block to block."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.degraders.ikc import GaussianBlurBase
from pairmill.schemas.degraders.ranges import Levels


class BlockNoiseConfig(GaussianBlurBase):
    """IKC's blur and downscaling with noise that has another strength in each block, added to the
    HR first.
    """

    kind: Literal["block_noise"] = "block_noise"
    """Which degrader."""
    block: int = Field(default=8, ge=1, le=256)
    """Side of a block, in pixels."""
    sigma: Levels = (0.0, 75.0)
    """Smallest and largest standard deviation of a block, in intensity levels."""
    on: Literal["hr", "lr"] = "hr"
    """Where the noise is added: to the HR, before the blur, as described, or to the LR."""
