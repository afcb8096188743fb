"""CNF: networks like SRCNN of several depths, fused (Ren et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pairmill.models.archs.layers import Conv
from pairmill.models.archs.preupsampling import Ensemble
from pairmill.schemas.networks.cnf import CnfConfig


class Cnf(Ensemble):
    """Each network makes an image, and the weighted sum of all is the result. Differs from the
    paper: one training, in which the networks learn apart at first; three channels where `luma` is
    not set.
    """

    def __init__(self, config: CnfConfig, scale: int) -> None:
        super().__init__(config, scale, len(config.depths))
        self.depths, self.apart = config.depths, config.apart
        self.networks = nn.ModuleList(self._plain(config.features, each) for each in config.depths)

    def _plain(self, features: int, depth: int) -> nn.Sequential:
        parts: list[nn.Module] = []
        for number in range(depth - 1):
            parts += [Conv(features if number else self.channels, features, start="he"), nn.ReLU()]
        return nn.Sequential(*parts, Conv(features, self.channels, start="he", gain=0.5))

    def radius(self) -> int:
        """See `PreUpsampling`."""
        return max(self.depths)

    def weights(self, share: float) -> Sequence[float]:
        """See `Pyramid`: each network, or their sum."""
        alone = float(share < self.apart)
        return [*[alone] * len(self.depths), 1 - alone]

    def corrected(self, large: Tensor) -> list[Tensor]:
        """See `PreUpsampling`."""
        images = [network(large) for network in self.networks]
        return [*images, self.weighted(images)]
