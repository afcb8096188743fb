"""Settings of `models/archs/ikc.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.aware import LabelledBase
from pairmill.schemas.networks.base import Count, Level
from pairmill.schemas.networks.sftmd import SftmdConfig


class IkcConfig(LabelledBase):
    """IKC (Gu et al. 2019), blind: a predictor finds the kernel of an LR, a corrector mends it by
    what SR with it looks like.
    """

    arch: Literal["ikc"] = "ikc"
    """Name of the network."""
    taught: ClassVar[bool] = True
    """See `NetworkBase.taught`."""
    sized_by: ClassVar[str] = "network.kernel_size"
    """See `LabelledBase`."""
    network: SftmdConfig = SftmdConfig()
    """The network that upscales; train it first, as `sftmd`, and start from its checkpoint."""
    features: Count = 64
    """Channels of the predictor and the corrector."""
    iterations: Annotated[int, Field(ge=1, le=32)] = 7
    """Corrections at most; the picture after the last is the result."""
    corrections: Annotated[int, Field(ge=1, le=32)] = 7
    """Corrections in a step of training, one after another; fewer make more steps in the same
    time."""
    settled: Level = 0.01
    """A picture is corrected no more once a correction is shorter than this, in standard deviations
    of the code; 0 makes all corrections."""

    def side(self, scale: int) -> int:
        """See `LabelledBase`."""
        return self.network.side(scale)

    @property
    def wants_noise(self) -> bool:
        """See `LabelledBase`."""
        return False
