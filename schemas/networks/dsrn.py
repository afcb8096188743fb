"""Settings of `models/archs/dsrn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, NetworkBase


class DsrnConfig(NetworkBase):
    """DSRN (Han et al. 2018): two recurrent states, at the sizes of LR and HR, that feed each other
    (recursive).
    """

    arch: Literal["dsrn"] = "dsrn"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("steps",)
    """See `NetworkBase.untold`."""
    features: Count = 128
    """Channels of the states."""
    embedded: Count = 64
    """Channels between the two convolutions that the first state begins with."""
    steps: int = Field(default=7, ge=1, le=64)
    """How often the states are renewed."""
