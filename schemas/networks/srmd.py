"""Settings of `models/archs/srmd.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pairmill.schemas.networks.aware import KernelAwareBase
from pairmill.schemas.networks.base import Count


class SrmdConfig(KernelAwareBase):
    """SRMD (Zhang et al. 2018), for kernels and noise that are known; without noise it is
    SRMDNF.
    """

    arch: Literal["srmd"] = "srmd"
    """Name of the network."""
    features: Count = 128
    """Channels between the layers."""
    depth: Annotated[int, Field(ge=2, le=64)] = 12
    """Convolutions of 3 x 3."""
    code: Annotated[int, Field(ge=1, le=64)] = 15
    """Numbers that a kernel is told by: its principal components."""
    noise: bool = True
    """Whether it is told the level of the noise."""
    residual: bool = False
    """Whether it adds to the bicubic upscaling of the LR, which is learned many times as fast; the
    published one makes all of the image itself. Weights alone do not tell."""

    @property
    def wants_noise(self) -> bool:
        """See `LabelledBase`."""
        return self.noise
