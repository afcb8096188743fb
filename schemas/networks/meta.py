"""Settings of `models/archs/meta.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.networks.base import Count, HeadsBase
from pairmill.schemas.networks.rdn import DenseBodyConfig


class MetaConfig(DenseBodyConfig, HeadsBase):
    """Meta-RDN (Hu et al. 2019): one network for all scales, also fractions; it makes its last
    filters from the scale and from where each pixel lies. Several scales, `heads`, have a corpus
    each; the fractions between them need none.
    """

    arch: Literal["meta"] = "meta"
    """Name of the network."""
    scales: ClassVar[tuple[int, ...]] = (2, 3, 4)
    """Scales that it is built for."""
    hidden: Count = 256
    """Numbers in the middle of what makes the filters."""
