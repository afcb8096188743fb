"""SRMD: convolutions at the size of the LR that see the kernel's code and the noise's level as more
channels (Zhang et al. 2018); names of the published files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.layers import Conv
from pairmill.schemas.networks.srmd import SrmdConfig


class Srmd(KernelAware):
    """3 x 3 convolutions with ReLU between, no residual; the last one's channels become pixels.

    Differs from the paper: codes as `KernelCode` has them.
    """

    def __init__(self, config: SrmdConfig, scale: int) -> None:
        super().__init__(config, scale, config.code)
        self.noise = config.noise
        inputs, wide = 3 + config.code + config.noise, config.features
        parts: list[nn.Module] = []
        for number in range(config.depth - 1):
            parts += [Conv(wide if number else inputs, wide, start="he"), nn.ReLU()]
        self.model = nn.Sequential(*parts, Conv(wide, 3 * scale**2))

    def restore(self, lr: Tensor, told: Degradation) -> Tensor:
        """See `KernelAware.restore`."""
        code = self.code.encode(told.kernel).to(lr.dtype)
        maps = [lr, code[:, :, None, None].expand(-1, -1, *lr.shape[2:])]
        if self.noise:
            maps.append(told.noise.to(lr.dtype))
        return pixel_shuffle(self.model(torch.cat(maps, 1)), self.scale)
