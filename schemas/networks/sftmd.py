"""Settings of `models/archs/sftmd.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pairmill.schemas.networks.aware import KernelAwareBase
from pairmill.schemas.networks.base import Count


class SftmdConfig(KernelAwareBase):
    """SFTMD, the network of IKC (Gu et al. 2019), for kernels that are known: their code scales and
    shifts the features everywhere.
    """

    arch: Literal["sftmd"] = "sftmd"
    """Name of the network."""
    features: Count = 64
    """Channels between the layers."""
    blocks: Count = 16
    """Residual blocks."""
    modulation: Count = 32
    """Channels of the layers that find scale and shift."""
    code: Annotated[int, Field(ge=1, le=64)] = 10
    """Numbers that a kernel is told by: its principal components."""

    @property
    def wants_noise(self) -> bool:
        """See `LabelledBase`."""
        return False
