"""FSRCNN: shrunk features at the size of the LR, one transposed convolution (Dong et al. 2016);
names of yjn870's port.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from pairmill.models.archs.layers import INTERPOLATED, Conv, Deconv, convolved
from pairmill.models.archs.luma import LumaNetwork
from pairmill.schemas.networks.fsrcnn import FsrcnnConfig

SIDE, PADDING = 9, 4


class Fsrcnn(LumaNetwork):
    """Features, shrinking, a few convolutions, growing, pixels; a PReLU per channel between.

    Differs from the paper, unless `published`: the last filter's side is scale + 8, so that its
    middle stands where the pixel is.
    """

    def __init__(self, config: FsrcnnConfig, scale: int) -> None:
        super().__init__(config, scale)
        features, shrunk = config.features, config.shrunk
        self.first_part = nn.Sequential(
            Conv(self.channels, features, 5, start="he"), nn.PReLU(features)
        )
        self.mid_part = nn.Sequential(
            Conv(features, shrunk, 1, start="he"),
            nn.PReLU(shrunk),
            *(
                part
                for _ in range(config.depth)
                for part in (Conv(shrunk, shrunk, start="he"), nn.PReLU(shrunk))
            ),
            Conv(shrunk, features, 1, start="he"),
            nn.PReLU(features),
        )
        side = SIDE if config.published else scale + 2 * PADDING
        self.last_part = Deconv(features, self.channels, side, scale, PADDING, start="he", gain=0.1)
        # Published: (h - 1) scale - 8 + 9 pixels, and scale - 1 more below and to the right.
        missing = scale + 2 * PADDING - side
        self.last_part.output_padding = (missing, missing)

    def reach(self) -> int:
        """See `Network.reach`; the last filter is at the size of the HR."""
        last = math.ceil((SIDE + self.scale) / (2 * self.scale))
        interpolated = INTERPOLATED if self.luma else 0
        return max(convolved(self.first_part) + convolved(self.mid_part) + last, interpolated)

    def restore(self, lr: Tensor) -> Tensor:
        """See `LumaNetwork`."""
        found: Tensor = self.last_part(self.mid_part(self.first_part(lr)))
        return found
