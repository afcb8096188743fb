"""Content and style: what VGG-19 sees in SR and HR, (B, 3, h, w) in [0, 1], sides at least 16."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairmill.models.losses.distances import DISTANCES
from pairmill.models.losses.vgg import Vgg, gram
from pairmill.schemas.losses import ContentConfig, StyleConfig


class Content(nn.Module):
    """Weighted distances of features before ReLU; none of VGG's weights is trained."""

    def __init__(self, config: ContentConfig | StyleConfig, vgg: Vgg) -> None:
        super().__init__()
        self.config, self.vgg = config, vgg

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Both (B, 3, h, w), to a number; no gradient goes to HR."""
        return sum(
            (weight * distance for weight, distance in self._distances(sr, hr)),
            sr.new_zeros((), dtype=torch.float32),
        )

    def _distances(self, sr: Tensor, hr: Tensor) -> list[tuple[float, Tensor]]:
        layers = {name: weight for name, weight in self.config.layers.items() if weight}
        with torch.no_grad():
            wanted = self.vgg(hr, layers)
        found = self.vgg(sr, layers)
        # Sums over a layer overflow half precision.
        with torch.autocast(sr.device.type, enabled=False):
            compare = DISTANCES[self.config.distance]
            seen = {
                name: (self.seen(found[name].float()), self.seen(wanted[name].float()))
                for name in layers
            }
            return [(weight, compare(*seen[name])) for name, weight in layers.items()]

    def seen(self, features: Tensor) -> Tensor:
        """What of a layer is compared."""
        return features


class Style(Content):
    """Weighted distances of Gram matrices, divided by C h w."""

    def seen(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, C)."""
        return gram(features)
