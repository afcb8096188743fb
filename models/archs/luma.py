"""Networks that can be built for luma alone, as the older ones were published."""

from __future__ import annotations

from torch import Tensor, nn

from pairmill.models.archs.layers import BicubicUp, Network, in_full
from pairmill.schemas.networks.luma import LumaBase

RED, GREEN, BLUE, BLACK = 65.481 / 255, 128.553 / 255, 24.966 / 255, 16 / 255
"""Y of ITU-R BT.601 in [16, 235] / 255, of red, green and blue in [0, 1]."""


class LumaNetwork(Network):
    """Maps three colours, or luma; then the colours around it are upscaled by bicubic."""

    def __init__(self, config: LumaBase, scale: int) -> None:
        super().__init__(config, scale)
        self.luma, self.channels = config.luma, 1 if config.luma else 3
        self.enlarge = nn.ModuleDict(
            {f"x{each}": BicubicUp(each) for each in config.heads_at(scale)}
        )

    def bicubic(self, lr: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, scale h, scale w)."""
        large: Tensor = self.enlarge[f"x{self.scale}"](lr)
        return large

    def restore(self, lr: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, channels, scale h, scale w)."""
        raise NotImplementedError

    def forward(self, lr: Tensor) -> Tensor:
        """See `Network`."""
        return self.coloured(lr, self.restore(self.seen(lr)))

    def seen(self, lr: Tensor) -> Tensor:
        """(B, 3, h, w) to what the network maps, (B, channels, h, w)."""
        return luma_of(lr) if self.luma else lr

    def coloured(self, lr: Tensor, sr: Tensor) -> Tensor:
        """(B, 3, h, w) and (B, channels, scale h, scale w) to (B, 3, scale h, scale w)."""
        if not self.luma:
            return sr
        large = self.bicubic(lr)
        with in_full(lr):
            # Red, green and blue move together where Cb and Cr stay.
            return large + (sr.to(large.dtype) - luma_of(large)) / (RED + GREEN + BLUE)


def luma_of(image: Tensor) -> Tensor:
    """(B, 3, h, w) RGB in [0, 1] to (B, 1, h, w) in [16, 235] / 255."""
    red, green, blue = image[:, :1], image[:, 1:2], image[:, 2:]
    return BLACK + RED * red + GREEN * green + BLUE * blue
