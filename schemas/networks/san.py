"""Settings of `models/archs/san.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import Count
from pairmill.schemas.networks.groups import GroupsBase


class SanConfig(GroupsBase):
    """SAN (Dai et al. 2019): as RCAN, with channels weighted by their covariance instead of their
    means.
    """

    arch: Literal["san"] = "san"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("range", "mean")
    """See `NetworkBase.untold`."""
    groups: Count = 20
    """Residual groups."""
    blocks: Count = 10
    """Residual blocks per group."""
    inner: Count = 8
    """Channels of the attention within quadrants of the image."""
