"""Settings of `models/archs/kxnet.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.aware import KernelSizeBase
from pairmill.schemas.networks.base import Count


class KxNetConfig(KernelSizeBase):
    """KXNet (Fu et al. 2022): unrolled steps that find the kernel and the picture in turn; nothing
    but the LR is told.
    """

    arch: Literal["kxnet"] = "kxnet"
    """Name of the network."""
    taught: ClassVar[bool] = True
    """See `NetworkBase.taught`."""
    scales: ClassVar[tuple[int, ...]] = (2, 3, 4)
    """Scales that it is built for, as published; at 8 its steps would need 419 channels."""
    stages: Annotated[int, Field(ge=1, le=64)] = 19
    """Pairs of a step for the kernel and one for the picture; each has weights of its own."""
    maps: Count = 32
    """Channels that go from stage to stage besides the picture."""

    @property
    def wants_noise(self) -> bool:
        """See `LabelledBase`."""
        return False
