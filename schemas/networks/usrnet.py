"""Settings of `models/archs/usrnet.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pairmill.schemas.networks.aware import KernelAwareBase
from pairmill.schemas.networks.base import Count


class UsrNetConfig(KernelAwareBase):
    """In the manner of USRNet (Zhang et al. 2020), for kernels and noise that are known: exact
    steps towards the LR and a small denoiser in turn.
    """

    arch: Literal["usrnet"] = "usrnet"
    """Name of the network."""
    features: Count = 32
    """Channels of the denoiser."""
    blocks: Count = 4
    """Its residual blocks."""
    iterations: Annotated[int, Field(ge=1, le=32)] = 4
    """Steps towards the LR, each followed by the denoiser, whose weights they share; 8 as
    published."""
