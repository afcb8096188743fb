"""EDSR: residual blocks without normalisation, then upsampling in steps (Lim et al. 2017);
names of BasicSR.
"""

from __future__ import annotations

from pairmill.models.archs.layers import PostUpsampling, ResidualBlock
from pairmill.schemas.networks.edsr import EdsrConfig


class Edsr(PostUpsampling):
    """Residual blocks."""

    def __init__(self, config: EdsrConfig, scale: int) -> None:
        features, added = config.features, config.residual_scale
        super().__init__(
            config,
            scale,
            (
                ResidualBlock(features, added, separable=config.separable)
                for _ in range(config.blocks)
            ),
        )
