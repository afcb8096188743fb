"""The network that translates: what it has learned is added to its image, or to the bicubic LR of
it.

The published networks (UnpairedSR) add to the nearest neighbour of every s x s block, which lies (s
- 1) / 2 HR pixels off its centre and is full of aliases; here it is MATLAB's bicubic, and the first
convolution of a downscaling network is centred on the block.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from pairmill.models.losses.cycle import reduced
from pairmill.models.translation.layers import conv, draw_weights, linear
from pairmill.schemas.translation_networks import GeneratorConfig

SLOPE = 0.1
FIRST_GRAIN = 2 / 255
"""Standard deviation that grain starts from; without any, nothing says which way to go."""


class Generator(nn.Module):
    """Residual blocks between a first and a last convolution. Between those two nothing bends but
    within the blocks, so that blur and white noise are learned as the linear maps that they are.

    Args:
        config: settings.
        scale: 1 keeps the size, s downscales by s.
        rng: stream of the initial weights.
    """

    def __init__(self, config: GeneratorConfig, scale: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.config, self.scale = config, scale
        width = config.features
        # Even scales: 2 s pixels around the centre of a block; odd ones: 2 s + 1.
        side = 3 if scale == 1 else 2 * scale + scale % 2
        self.head = conv(3, width, side, scale, padding=(side - scale) // 2)
        self.noise = self._noise(width)
        self.strength = conv(width, 3, 3) if config.noise == "grain" else None
        self.first = nn.ModuleList(conv(width, width, 3) for _ in range(config.blocks))
        self.second = nn.ModuleList(conv(width, width, 3) for _ in range(config.blocks))
        self.tail = conv(width, 3, 3)
        self.damping = 1 / max(1, config.blocks) ** 0.5
        draw_weights(self, rng)
        if config.start == "identity":
            nn.init.zeros_(self.tail.weight)
        if self.noise is not None and self.strength is not None:
            _start_grain(self.noise, self.strength)

    def _noise(self, width: int) -> nn.Module | None:
        if self.config.noise == "channel":
            return conv(self.config.numbers, width, 3)
        if self.config.noise == "grain":
            return conv(self.config.numbers, 3, 3)
        if self.config.noise == "vector":
            return linear(self.config.numbers, width)
        return None

    def latent_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the random numbers for an LR of this size; empty if there are none."""
        if self.config.noise in ("channel", "grain"):
            return self.config.numbers, height, width
        if self.config.noise == "vector":
            return (self.config.numbers,)
        return ()

    def forward(self, image: Tensor, latent: Tensor | None = None) -> Tensor:
        """Translate.

        Args:
            image: (B, 3, s h, s w) in [0, 1].
            latent: (B, *latent_shape(h, w)), standard normal; none if there are none.

        Returns:
            (B, 3, h, w), not clipped.
        """
        features = self.head(image)
        noise = self._spread(latent)
        if noise is not None and self.strength is None:
            features = features + noise
        for first, second in zip(self.first, self.second, strict=True):
            features = features + self.damping * second(leaky_relu(first(features), SLOPE))
        kept = image if self.scale == 1 else reduced(image, *features.shape[2:])
        made: Tensor = kept + self.tail(features)
        if noise is not None and self.strength is not None:
            made = made + self.strength(features) * noise
        return made

    def _spread(self, latent: Tensor | None) -> Tensor | None:
        if self.noise is None:
            return None
        assert latent is not None
        noise: Tensor = self.noise(latent)
        return noise[:, :, None, None] if self.config.noise == "vector" else noise


def _start_grain(colours: nn.Module, strength: nn.Module) -> None:
    """White, as strong everywhere; colours take the numbers in turn."""
    assert isinstance(colours, nn.Conv2d)
    assert isinstance(strength, nn.Conv2d)
    assert strength.bias is not None
    nn.init.zeros_(colours.weight)
    nn.init.zeros_(strength.weight)
    nn.init.constant_(strength.bias, FIRST_GRAIN)
    with torch.no_grad():
        for colour in range(3):
            colours.weight[colour, colour % colours.in_channels, 1, 1] = 1


def draw_latent(
    rng: np.random.Generator, generator: Generator, batch: int, height: int, width: int
) -> Tensor | None:
    """Standard normal numbers for a batch, float32; none if the network gets none."""
    shape = generator.latent_shape(height, width)
    if not shape:
        return None
    return torch.from_numpy(rng.standard_normal((batch, *shape), dtype=np.float32))
