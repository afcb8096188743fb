"""Settings of `models/archs/dbpn.py`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.networks.base import Count, NetworkBase


class DbpnConfig(NetworkBase):
    """D-DBPN (Haris et al. 2018): goes up and down again and corrects itself by the difference
    (iterative up-and-down).
    """

    arch: Literal["dbpn"] = "dbpn"
    """Name of the network."""
    start_features: Count = 256
    """Channels after the first convolution."""
    features: Count = 64
    """Channels of each projection."""
    stages: int = Field(default=7, ge=2, le=32)
    """Projections up; one fewer lead down."""
