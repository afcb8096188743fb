"""Settings of `models/archs/cnf.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.luma import LumaBase


class CnfConfig(LumaBase, HeadsBase):
    """CNF (Ren et al. 2017): networks like SRCNN of several depths, trained apart, then fused by
    learned weights (pre-upsampling).
    """

    arch: Literal["cnf"] = "cnf"
    """Name of the network."""
    features: Count = 64
    """Channels between the convolutions."""
    depths: tuple[Annotated[int, Field(ge=2, le=64)], ...] = Field(default=(4, 5, 6), min_length=2)
    """Convolutions of each network; the depths that the authors chose are not known here, these
    have about as many weights."""
    apart: float = Field(default=0.5, ge=0, lt=1)
    """Share of training in which each network learns alone; then the fused image is learned."""
